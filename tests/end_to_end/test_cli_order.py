"""The command line of whoever sells: orders with every method, baskets of another channel, promises,
and what decides about them; help, narrow terminals and colours of all these commands."""
import re

import tap
from floor import json, order, run, setup, state, teardown


def test_till_sells_what_it_lacks_from_elsewhere():
    run("item", "put", "RARE", "--name", "Rare thing")
    run("stock", "receive", "LEEDS", "RARE:1")
    run("stock", "receive", "YORK", "RARE:5")
    sold = run("order", "place", "--channel", "till", "--carry-out", "--otherwise", "ship",
               "--location", "LEEDS", "--reference", "2010", "RARE:3=9.00GBP")
    rows = [row.split() for row in sold.out.splitlines() if " RARE " in row]
    assert [row[2] for row in rows] == ["CARRY_OUT", "SHIP"], sold.out
    mixed = json("order", "place", "--channel", "web", "--pickup-at", "LEEDS", "--reference", "2011",
                 "MUG:1/ship", "RARE:2@YORK/ship-to-store", "VASE:1@YORK/pickup")
    methods = [line["method"].removeprefix("FULFILMENT_METHOD_") for line in
               mixed["order"]["lines"]]
    assert methods == ["SHIP", "SHIP_TO_STORE", "PICKUP"]
    assert {pickup["location"] for pickup in mixed["pickups"]} == {"LEEDS", "YORK"}
    assert mixed["transfers"][0]["destination"] == "LEEDS"


def test_order_is_amended_cancelled_and_tells_its_history():
    order("2012", "LAMP:3=2.00GBP", "MUG:1=1.00GBP")
    run("pickup", "accept", "2012")
    amended = run("order", "amend", "2012", "1:1", "2=1.50GBP", "--add", "VASE:1=3.00GBP/ship",
                  "--note", "on the phone")
    assert "6.50 GBP" in amended.out, amended.out
    assert "neither LINE:QUANTITY" in run("order", "amend", "2012", "LAMP:1", expect=2).err
    cancelled = run("order", "cancel", "2012", "2:1", "--note", "too dear")
    assert "CANCELLED" in cancelled.out
    history = run("order", "history", "2012", "--output", "csv").rows()
    steps = [(row["document_kind"], row["step"]) for row in history]
    for step in (("ORDER", "place"), ("PICKUP", "accept"), ("ORDER", "amend")):
        assert step in steps, steps
    assert any(row["note"] == "too dear" for row in history), history
    assert "anna" in run("order", "history", "2012").out


def test_basket_of_the_web_is_confirmed_at_a_till_by_its_customer():
    run("reserve", "create", "--owner", "basket-7", "--customer", "zoe", "--channel", "web",
        "--method", "pickup", "LAMP:1@LEEDS", "MUG:2@LEEDS")
    assert "basket-7" in run("reserve", "show", "zoe").out
    run("reserve", "extend", "basket-7", "--hold-for", "2h")
    confirmed = json("reserve", "confirm", "zoe", "--channel", "till", "--price", "LAMP=2.00GBP",
                     "--price", "MUG=1.00GBP", "LAMP/carry-out", "MUG@LEEDS/pickup")
    assert confirmed["order"]["channel"] == "till"
    methods = {line["sku"]: line["method"] for line in confirmed["order"]["lines"]}
    assert methods == {"LAMP": "FULFILMENT_METHOD_CARRY_OUT", "MUG": "FULFILMENT_METHOD_PICKUP"}
    assert confirmed["pickups"][0]["location"] == "LEEDS"
    missing = run("reserve", "show", "nobody", expect=1)
    assert "reservation 'nobody' not found by its owner or customer" in missing.err


def test_promise_says_where_from_when_and_who_was_passed_over():
    out = run("promise", "--channel", "web", "--explain", "LAMP:2").out
    assert "all of it by 20" in out
    rows = [row.split() for row in out.splitlines()]
    assert ["SKU", "QUANTITY", "FROM", "WHEN"] in rows
    why = out.split("who was looked at")[1]
    assert "serves it" in why and "not needed" in why, out
    nothing = run("promise", "--channel", "web", "LAMP:100000").out
    assert "nowhere" in nothing and "NOT all of it can be kept" in nothing, nothing
    near = run("promise", "--channel", "web", "--method", "pickup", "--near", "53.96,-1.08", "VASE",
               "MUG:2").out.splitlines()
    assert near[1].split()[0] == "YORK" and near[2].split()[0] == "LEEDS", near
    assert " all " in near[1]
    answer = json("promise", "--channel", "web", "--exclude", "DC1", "LAMP")
    assert answer["options"][0]["sources"][0]["location"] == "LEEDS"
    assert "not LATITUDE,LONGITUDE" in run("promise", "LAMP", "--near", "here", expect=2).err


def test_quotas_shelves_places_and_channels_take_their_new_fields():
    quota = json("stock", "quota", "LEEDS", "web", "VASE:3")["quotas"][0]
    assert (quota["quantity"], quota["channel"]) == ("3", "web")
    run("stock", "quota", "LEEDS", "web", "VASE:none")
    unknown = run("stock", "shelf", "LEEDS", "VASE=Z-9", "odd=sku=A-1", expect=1)
    assert "sku 'odd=sku' not found" in unknown.err, unknown.err
    assert "1 shelves at LEEDS" in run("stock", "shelf", "LEEDS", "VASE=Z-9").out
    placed = json("location", "put", "HULL", "--coordinates", "53.74,-0.33", "--accept-within",
                  "30m", "--ready-within", "2h", "--keep-for", "3d", "--ship-within", "1d")
    hull = placed["location"]
    assert (hull["pickupAcceptMinutes"], hull["pickupReadyMinutes"], hull["pickupHoldMinutes"],
            hull["shipMinutes"]) == (30, 120, 4320, 1440)
    assert "whole minutes" in run("location", "put", "HULL", "--keep-for", "30s", expect=2).err
    channel = run("channel", "put", "market", "--group", "uk", "--strategy", "nearest",
                  "--exclude", "YORK/pickup", "--exclude", "LEEDS", "--delivery-days", "2").out
    assert "NEAREST" in channel and "PICKUP" in channel, channel


def test_order_shows_what_brings_it_to_its_customer():
    mixed = json("order", "place", "--channel", "web", "--pickup-at", "LEEDS", "--reference", "2020",
                 "MUG:1@LEEDS/ship", "VASE:2@YORK/ship-to-store", "LAMP:1@LEEDS/pickup")
    run("pickup", "cancel", mixed["pickups"][0]["id"])
    out = run("order", "show", "2020").out
    shown = [row.split() for row in out.splitlines()]
    for kind, title in (("pickups", "PICKUP"), ("shipments", "SHIPMENT"), ("transfers", "TRANSFER")):
        heads = [index for index, row in enumerate(shown) if row and row[0] == title]
        assert len(heads) == 1, (title, out)
        rows = shown[heads[0] + 1:heads[0] + 1 + len(mixed[kind])]
        assert {row[0] for row in rows} == {one["id"][-6:] for one in mixed[kind]}, (kind, out)
    assert "CANCELLED" in out or "PUTTING_BACK" in out, out
    assert "LATE" not in out and "pickups" not in json("order", "show", "2020")
    order("2021", "LAMP:1", method="ship")
    assert "PICKUP" not in run("order", "show", "2021").out


def test_words_are_not_broken_where_the_terminal_is_narrow():
    note = "the customer telephoned and would rather have it somewhat later than he said"
    order("2022", "LAMP:2")
    run("order", "cancel", "2022", "1:1", "--note", note)
    def words_of(text):
        return set(re.findall(r"[a-z]+", text.partition("proves")[2]))

    wide = words_of(run("verify").out)
    for columns in (50, 70, 90):
        out = state["floor"].terminal("verify", columns=columns).finish().partition("check ")[2]
        assert all(len(row) <= columns for row in out.splitlines()), out
        assert words_of(out) == wide, (columns, words_of(out) ^ wide, out)
    out = state["floor"].terminal("order", "history", "2022", columns=120).finish()
    assert all(len(row) <= 120 for row in out.splitlines()), out
    assert set(note.split()) <= set(out.split()), out


def test_narrow_terminals_and_colours_never_alone():
    order("2015", "LAMP:1")
    order("2016", "MUG:1", method="ship")
    for command in (["work"], ["pickup", "list"], ["ship", "list"], ["order", "show", "2015"],
                    ["order", "history", "2015"], ["promise", "--channel", "web", "LAMP:1"],
                    ["transfer", "list", "--outgoing"]):
        terminal = state["floor"].terminal(*command, columns=50)
        out = terminal.finish()
        assert all(len(row) <= 50 for row in out.splitlines()), (command, out)
        plain = state["floor"].terminal(*command, columns=50, env={"NO_COLOR": "1"})
        # Between the two the minute may have changed.
        assert re.sub(r"\d+", "0", plain.finish()) == re.sub(r"\d+", "0", out), command
        assert "\033[" not in plain.raw, command
    history = state["floor"].terminal("order", "history", "2015", columns=40).finish()
    row, = [row.split() for row in history.splitlines() if "PICKUP" in row]
    assert re.match(r"\d\d:\d\d$|\d\d-\d\d$", row[0]), history
    assert row[2:4] == ["request", "REQUESTED"], history
    wide = state["floor"].terminal("work", columns=100)
    assert "most urgent" in wide.finish() and "\033[" in wide.raw


def test_help_of_every_command_has_an_example():
    for noun in ("work", "pick", "pickup", "ship", "transfer", "recount", "promise", "order",
                 "reserve"):
        out = run(noun, "--help").out
        assert f"Usage: stockbook {noun}" in out and "Examples:" in out, out
        commands = out.split("Commands:\n")[1].split("\n\n")[0] if "Commands:" in out else ""
        for row in commands.splitlines():
            command = row.split()[0]
            if not command.startswith("("):
                assert "Examples:\n" in run(noun, command, "--help").out, (noun, command)


def test_the_book_is_right_after_all_that():
    state["floor"].prove()


if __name__ == "__main__":
    tap.main()
