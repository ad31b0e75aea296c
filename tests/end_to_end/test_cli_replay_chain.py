"""The replay of a retailer's trade over a chain: stores, warehouses and a web shop with sourcing,
pickups, transfers and returns, whose sums are the file's. Some weeks of a real year are taken from
ONLINE_RETAIL_CSV; see test_cli_replay.py."""
import csv
import os
import random
import signal
import time

import cli
import tap
from cluster import Cluster
from server import Server, end, new_directory

TRADE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "small-trade.csv")
CHAIN = ["--stores", "6", "--warehouses", "2", "--seed", "5"]
state = {}


def setup():
    cluster = state["cluster"] = Cluster()
    server = state["server"] = Server(database=cluster.uri())
    state["run"] = cli.Cli(server.target)
    state["folder"] = new_directory("replay")


def teardown():
    end(state)


def run(*arguments, **more):
    return state["run"](*arguments, **more)


def section(report, title):
    rows = report[title]
    name = next(iter(rows[0]))
    return {row[name]: row for row in rows}


def make_chain_trade(path, invoices):
    """Four weeks of a trade with returns, write-offs and finds; returns every SKU's net sum."""
    dice = random.Random(11)
    bought = {}
    sums = {}
    with open(path, "w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow("InvoiceNo StockCode Description Quantity InvoiceDate UnitPrice CustomerID "
                     "Country".split())
        for number in range(invoices):
            customer = dice.randrange(1, 60)
            day = 1 + 28 * number // invoices
            kind = ("back" if number % 11 == 10 and bought.get(customer) else
                    "broken" if number % 37 == 5 else "found" if number % 41 == 7 else "sold")
            for _ in range(1 if kind == "broken" else dice.randrange(1, 9)):
                sku = (dice.choice(bought[customer]) if kind == "back"
                       else f"6{dice.randrange(80):04}")
                quantity = dice.randrange(1, 20)
                if kind == "sold":
                    bought.setdefault(customer, []).append(sku)
                sums[sku] = sums.get(sku, 0) + (quantity if kind in ("back", "found") else 0)
                facts = kind in ("broken", "found")
                out.writerow([f"{'C' if kind == 'back' else ''}{950000 + number}", sku,
                              "damaged" if kind == "broken" else "made up",
                              quantity if kind in ("sold", "found") else -quantity,
                              f"2021-02-{day:02} 12:00:00", "0" if facts else "1.99",
                              "NA" if facts else customer, "X"])
    return sums


def on_hand_everywhere(skus, prefix):
    """What the book itself has in all of the chain's locations, and that nothing is under way."""
    sums = dict.fromkeys(skus, 0)
    for location in state["run"].json("location", "list")["locations"]:
        if not location["code"].startswith(prefix):
            continue
        for level in state["run"].json("stock", "show", "--location", location["code"])["levels"]:
            sums[level["sku"]] += int(level.get("onHand", 0))
            for under_way in ("reserved", "allocated", "picked", "inTransit"):
                assert under_way not in level, level
    return sums


def chain_figures():
    """All that a second run must leave as it is."""
    return [run("stock", "show", "--location", f"CHAIN-5-{place}", "--output", "csv").out
            for place in ("S01", "S02", "S03", "S04", "S05", "S06", "W1", "W2")]


def test_trade_of_a_chain_is_sourced_picked_up_and_restocked_and_ends_in_the_same_sums():
    path = os.path.join(state["folder"], "chain.csv")
    sums = make_chain_trade(path, 700)
    report = state["run"].json("replay", path, *CHAIN, timeout=120)
    assert all(row["difference"] == 0 for row in report["The book against the file"])
    assert "What was refused" not in report and "Where they differ" not in report
    told = {name: row["count"] for name, row in section(report, "What the chain did").items()}
    orders = section(report, "What went in")["order"]["planned"]
    assert told["orders shipped"] + told["orders to be picked up"] == orders
    assert orders / 8 < told["orders to be picked up"] < orders / 3
    assert told["pickups collected"] >= told["orders to be picked up"]
    for name in ("orders shipped from more than one location", "lines that the store had",
                 "lines sent to the store", "transfers to waiting customers",
                 "units that a picker did not find", "transfers to stores that ran low",
                 "of these received short and closed"):
        assert told[name] > 0, name
    assert told["recounts"] == told["units that a picker did not find"] == (
        told["units served from elsewhere then"] + told["units allocated after a recount then"])
    assert on_hand_everywhere(sums, "CHAIN-5-") == sums
    run("verify")
    before = chain_figures()
    report = state["run"].json("replay", path, *CHAIN, timeout=120)
    assert "What was refused" not in report
    assert chain_figures() == before


def test_order_of_a_chain_is_collected_by_its_customer():
    orders = [order for number in range(950000, 950060)
              for order in state["run"].json("order", "list", "--reference", str(number))["orders"]]
    fetched = [order for order in orders if order["lines"][0]["method"] != "FULFILMENT_METHOD_SHIP"]
    assert len(orders) > 40 and fetched
    assert all(order["status"] == "ORDER_STATUS_FULFILLED" for order in orders)
    for order in fetched[:3]:
        told = run("order", "history", order["id"]).out
        for step in ("accept", "pick", "make ready", "collect"):
            assert step in told, (step, told)


def test_interrupted_and_killed_replay_of_a_chain_ends_in_the_same_sums():
    path = os.path.join(state["folder"], "chain.csv")
    sums = make_chain_trade(path, 700)
    chain = [*CHAIN[:-1], "6"]
    for number in (signal.SIGINT, signal.SIGKILL, signal.SIGKILL):
        process = state["run"].start("replay", path, *chain, "--in-flight", "8")
        time.sleep(random.Random(number).uniform(0.4, 0.9))
        process.send_signal(number)
        process.communicate(timeout=90)
    report = state["run"].json("replay", path, *chain, timeout=120)
    assert all(row["difference"] == 0 for row in report["The book against the file"])
    assert "What was refused" not in report
    assert on_hand_everywhere(sums, "CHAIN-6-") == sums
    run("verify")


def test_chain_takes_one_store_and_refuses_what_is_none():
    run("replay", TRADE, "--stores", "-1", expect=2)
    run("replay", TRADE, "--stores", "1", "--warehouses", "0", expect=2)
    run("replay", TRADE, "--stores", "1", "--warehouses", "1", "--seed", "9")
    run("replay", TRADE, "--stores", "1", "--warehouses", "1", "--seed", "9", "--check-only")
    run("replay", TRADE, "--stores", "1", "--warehouses", "1", "--seed", "10", "--check-only",
        expect=5)


def test_weeks_of_a_real_retailer_over_a_chain():
    path = os.environ.get("ONLINE_RETAIL_CSV")
    if not path:
        raise tap.Skip("ONLINE_RETAIL_CSV names no file; tests/end_to_end/test_cli_replay.py says "
                       "where it comes from")
    # The whole year takes longer than a test may; `stockbook replay` without --to does it.
    report = state["run"].json("replay", path, "--stores", "20", "--warehouses", "2", "--seed", "7",
                               "--to", "2010-12-12", timeout=280)
    assert all(row["difference"] == 0 for row in report["The book against the file"])
    assert "What was refused" not in report and "Where they differ" not in report
    run("verify", timeout=120)



if __name__ == "__main__":
    tap.main()
