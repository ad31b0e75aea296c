"""The command line of people who bring goods to customers: pickups, parcels, transfers, work; by
hand and for programs, with what to do next."""
import tap
from floor import json, level, order, run, setup, state, teardown


def code_of(result):
    return result.out.split("code for the customer: ")[1].split()[0]


def test_pickup_goes_from_order_to_collection_and_says_what_is_next():
    placed = run("order", "place", "--channel", "web", "--method", "pickup", "--pickup-at", "LEEDS",
                 "--reference", "2001", "--customer", "ann@example.net", "LAMP:2=12.50GBP")
    assert "REQUESTED LEEDS in 4 h" in placed.out, placed.out
    on_hand = level("LAMP")["onHand"]
    listed = run("pickup", "list").out.splitlines()
    assert "2001" in listed[1] and "ann@example.net" in listed[1], listed
    short = listed[1].split()[0]
    assert len(short) == 6
    assert f"next: stockbook pickup pick {short}" in run("pickup", "accept", short).err
    assert f"next: stockbook pickup ready {short}" in run("pickup", "pick", "2001").err
    ready = run("pickup", "ready", "2001", "--until", "3d")
    assert f"next: stockbook pickup collect {short} CODE" in ready.err
    assert level("LAMP")["onHand"] == on_hand
    collected = run("pickup", "collect", "2001", code_of(ready).lower(), "1:1")
    assert "ok: hand it over" in collected.out and "READY" in collected.out
    collected = run("pickup", "collect", "2001", code_of(ready))
    assert "COLLECTED" in collected.out
    assert level("LAMP")["onHand"] == on_hand - 2
    assert run("pickup", "list").out == ""
    gone = run("pickup", "show", "2001", expect=1)
    assert "'2001' not found among those under way at 'LEEDS'" in gone.err
    assert "whole id" in gone.err


def test_wrong_code_hands_nothing_over_and_locks_until_another_is_issued():
    order("2002", "MUG:1")
    for step in ("accept", "pick", "ready"):
        run("pickup", step, "2002")
    for left in (4, 3, 2, 1):
        wrong = run("pickup", "collect", "2002", "XXXX-XXXX", expect=1)
        assert f"wrong code: nothing was handed over; {left} attempts are left" in wrong.err
    assert "the code is locked" in run("pickup", "collect", "2002", "XXXX-XXXX", expect=1).err
    locked = run("pickup", "collect", "2002", "XXXX-XXXX", expect=1)
    assert "the code is locked" in locked.err and "issue-code" in locked.err
    code = code_of(run("pickup", "issue-code", "2002"))
    assert "COLLECTED" in run("pickup", "collect", "2002", code).out


def test_person_without_a_code_is_identified():
    order("2003", "MUG:1")
    for step in ("accept", "pick", "ready"):
        run("pickup", step, "2003")
    assert "--identified" in run("pickup", "collect", "2003", expect=2).err
    assert "--shown" in run("pickup", "collect", "2003", "--identified", "Ann", expect=2).err
    shown = run("pickup", "collect", "2003", "--identified", "Ann Smith", "--shown", "passport")
    assert "Ann Smith" in shown.out


def test_short_pick_is_told_with_what_becomes_of_it():
    pickup = order("2004", "LAMP:3", "VASE:1")["pickups"][0]["id"]
    run("pickup", "accept", pickup)
    picked = run("pickup", "pick", pickup, "--short", "1:1", "--damaged", "1:1", "--remedy",
                 "re-source")
    assert "what does not come from here:" in picked.out and "YORK" in picked.out, picked.out
    lines = json("pickup", "show", pickup)["pickup"]["lines"]
    assert [entry["picked"] for entry in lines] == ["1", "1"], lines
    run("recount", f"LAMP:{level('LAMP')['onHand']}")


def test_pickup_is_cancelled_put_back_stepped_back_and_extended():
    pickup = order("2005", "VASE:2")["pickups"][0]["id"]
    run("pickup", "accept", "2005")
    assert "REQUESTED" in run("pickup", "step-back", "2005", "--note", "not yet").out
    for step in ("accept", "pick", "ready"):
        run("pickup", step, "2005")
    assert "say how long" in run("pickup", "extend", "2005", expect=2).err
    before = json("pickup", "show", "2005")["pickup"]["collectBy"]
    assert json("pickup", "extend", "2005", "--until", "20d")["pickup"]["collectBy"] > before
    cancelled = run("pickup", "cancel", pickup, "--note", "changed her mind")
    assert f"next: stockbook pickup put-back {pickup[-6:]}" in cancelled.err
    picked = level("VASE")["picked"]
    assert "CANCELLED" in run("pickup", "put-back", pickup).out
    assert level("VASE").get("picked", 0) == picked - 2


def test_parcel_goes_out_and_is_delivered():
    shipment = order("2006", "LAMP:1", "MUG:2", method="ship")["shipments"][0]["id"]
    row = run("ship", "list").out.splitlines()[1]
    assert row.split()[:3] == [shipment[-6:], "ALLOCATED", "2006"], row
    split = json("ship", "split", "2006", "2:1")
    assert split["splitOff"]["lines"][0]["toPick"] == "1"
    assert "means 2 shipments" in run("ship", "pick", "2006", expect=1).err
    assert "PICKED" in run("ship", "pick", shipment[-6:]).out
    assert "PACKED" in run("ship", "pack", shipment, "--parcels", "2").out
    sent = run("ship", "send", shipment, "--carrier", "DPD", "--tracking", "T-1").out
    assert "SHIPPED" in sent and "DPD" in sent and "T-1" in sent
    assert "DELIVERED" in run("ship", "delivered", shipment).out
    rest = split["splitOff"]["id"]
    assert "SHIPPED" in run("ship", "send", rest, "--skip").out
    lost = run("ship", "lost", rest, "--remedy", "re-source").out
    assert "LOST" in lost and "what does not come from here:" in lost, lost
    listed = run("ship", "list", "--order", "2006", "--output", "csv").rows()
    assert len(listed) == 3, listed


def test_shipment_is_stepped_back_cancelled_and_put_back():
    shipment = order("2007", "MUG:1", method="ship")["shipments"][0]["id"]
    run("ship", "pick", shipment)
    assert "ALLOCATED" in run("ship", "step-back", shipment).out
    run("ship", "pick", shipment)
    assert "PUTTING_BACK" in run("ship", "cancel", shipment).out
    assert "CANCELLED" in run("ship", "put-back", shipment).out


def test_shipment_is_created_of_what_an_order_has_allocated_here():
    placed = json("order", "place", "--channel", "till", "--location", "LEEDS", "--reference",
                  "2008", "MUG:2")
    assert "shipments" not in placed
    created = json("ship", "create", "2008", "1:1")["shipment"]
    assert created["lines"][0]["toPick"] == "1" and created["location"] == "LEEDS"


def test_transfer_is_requested_sent_and_received_with_a_scanner():
    asked = run("transfer", "request", "--from", "DC1", "LAMP:5", "VASE:2", "--reference", "T-9")
    assert "READY" in asked.out and "next: stockbook transfer dispatch" in asked.err
    assert "T-9" in run("transfer", "list").out and "T-9" in run(
        "transfer", "list", "--outgoing", env={"STOCKBOOK_LOCATION": "DC1"}).out
    at_source = {"STOCKBOOK_LOCATION": "DC1"}
    sent = run("transfer", "dispatch", "T-9", "--scan", "--carrier", "van", env=at_source,
               stdin="4*LAMP\nshort LAMP\nVASE\nMUG\n5012345678917\ndone\n")
    assert "DC1 to LEEDS, 7 units" in sent.out and "ok 4/7  4 x LAMP Green lamp" in sent.out
    assert "!! WRONG: 'MUG' is not on this list (Red mug)" in sent.out
    assert "IN_TRANSIT" in sent.out
    assert level("LAMP")["inTransit"] == 4
    first = run("transfer", "receive", "T-9", "--scan", stdin="2*LAMP\ndamaged VASE\ndone\n")
    assert "PARTIALLY_RECEIVED" in first.out and "next: stockbook transfer receive" in first.err
    rest = run("transfer", "receive", "T-9", "--scan", stdin="3*LAMP\nVASE\n")
    assert "ok+ 3/3  3 x LAMP Green lamp: more than was sent" in rest.out, rest.out
    assert "OVER" in rest.out and "CLOSED_SHORT" in rest.out, rest.out
    run("recount", f"LAMP:{level('LAMP', 'DC1')['onHand']}", env=at_source)


def test_transfer_is_approved_closed_short_and_cancelled():
    draft = json("transfer", "request", "--from", "YORK", "--draft", "MUG:3")["transfer"]["id"]
    assert "READY" in run("transfer", "approve", draft).out
    assert "DRAFT" in run("transfer", "step-back", draft).out
    run("transfer", "approve", draft)
    assert "IN_TRANSIT" in run("transfer", "dispatch", draft).out
    run("transfer", "receive", draft, "1:1")
    assert "--reason" in run("transfer", "close", draft, expect=2).err
    assert "CLOSED_SHORT" in run("transfer", "close", draft, "--reason", "lost").out
    other = json("transfer", "request", "--from", "YORK", "MUG:1")["transfer"]["id"]
    assert "CANCELLED" in run("transfer", "cancel", other, "--note", "wrong store").out
    assert level("MUG").get("inTransit", 0) == 0


def test_work_is_summed_up_claimed_and_released():
    order("2013", "LAMP:1", "VASE:4")
    order("2014", "LAMP:1")
    summary = run("work")
    assert "LEEDS: " in summary.out and "most urgent:" in summary.out, summary.out
    accept = [row for row in summary.out.splitlines() if row.startswith("ACCEPT")][0]
    assert "##" in accept, accept
    assert "next: stockbook pickup accept" in summary.err
    both = json("work")
    assert {"summary", "urgent"} == set(both)
    claimed = run("work", "claim", "accept", "--most", "1").out
    assert "anna" in claimed
    mine = json("work", "list", "accept", "--mine")["work"]
    assert len(mine) == 1
    taken = run("pickup", "accept", mine[0]["documentId"], env={"STOCKBOOK_WORKER": "ben"}, expect=1)
    assert "WORK_CLAIMED" in taken.err and "anna" in taken.err
    assert "released 1" in run("work", "release", mine[0]["documentId"][-6:]).out
    run("pickup", "accept", mine[0]["documentId"], env={"STOCKBOOK_WORKER": "ben"})
    assert "'sleep' is not one of ACCEPT" in run("work", "claim", "sleep", expect=2).err


def test_recount_is_requested_and_recorded():
    before = level("VASE")["onHand"]
    run("recount", "request", "VASE", "--note", "looks empty")
    row, = [row for row in run("work", "list", "recount").out.splitlines() if "RECOUNT" in row]
    assert "in 60 min" in row and "LATE" not in row, row
    assert [entry["lines"][0]["sku"] for entry in json("work", "list", "recount")["work"]] == ["VASE"]
    done = run("recount", f"VASE:{before - 1}", f"MUG:{level('MUG')['onHand']}").out
    assert f"VASE: {before - 1} counted, -1: the book had more" in done, done
    assert "as the book has it" in done
    assert json("work", "list", "recount")["work"] == []


def test_the_book_is_right_after_all_that():
    state["floor"].prove()


if __name__ == "__main__":
    tap.main()
