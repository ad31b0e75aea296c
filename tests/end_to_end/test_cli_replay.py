"""The replay of a retailer's trade: the small one of the project's own, and, where it is there, a
real year: the "Online Retail" set of the UCI repository (doi:10.1057/dbm.2012.17), whose path is
taken from ONLINE_RETAIL_CSV."""
import csv
import lzma
import os
import random
import signal
import time

import cli
import tap
from cluster import Cluster
from server import Server, end, new_directory, wait_for

TRADE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "small-trade.csv")
# Worked out by hand from the file: received, sold, returned, written off, found.
SUMS = {
    "31001A": (30, 30, 23, 0, 0), "31001a": (23, 23, 22, 0, 0), "31002": (21, 21, 24, 0, 0),
    "31003": (28, 24, 0, 4, 7), "31004": (2, 2, 1, 0, 0), "31005": (7, 5, 1, 2, 0),
    "31006": (12, 12, 0, 0, 0), "31007": (3, 3, 0, 0, 0), "31008": (80005, 80005, 80000, 0, 0),
    "31009": (1, 1, 0, 0, 0), "31010": (3, 0, 0, 3, 0)}
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
    name = next(iter(rows[0])) if rows else None
    return {row[name]: row for row in rows}


def write(name, content):
    path = os.path.join(state["folder"], name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(content)
    return path


def net(sums):
    received, sold, returned, written_off, found = sums
    return received + returned + found - sold - written_off


def test_small_trade_ends_in_the_book_sku_by_sku():
    report = state["run"].json("replay", "--format", "online-retail", TRADE, "--location", "SMALL")
    lines = section(report, "What the file says")
    assert {name: row["lines"] for name, row in lines.items()} == {
        "sold": 17, "came back": 10, "written off": 3, "found": 1, "move no stock": 12}
    assert set(section(report, "What moves no stock")) == {
        "POST", "DOT", "D", "B", "M", "BANK CHARGES", "AMAZONFEE", "CRUK", "S", "PADS", "C2"}
    returns = {name: row["count"] for name, row in section(report, "How far returns reach").items()}
    assert list(returns.values()) == [80063, 8, 2, 2, 1]
    assert "Where they differ" not in report and "What was refused" not in report
    # The report may be wrong about itself: ask the book.
    levels = state["run"].json("stock", "show", "--location", "SMALL")["levels"]
    assert {level["sku"]: int(level.get("onHand", 0)) for level in levels} == {
        sku: net(sums) for sku, sums in SUMS.items()}
    for sku, sums in SUMS.items():
        moves = run("ledger", "movements", "--sku", sku, "--location", "SMALL", "--limit", "0",
                    "--output", "csv").rows()
        totals = [sum(int(move["quantity"]) for move in moves if move["reason"] == reason)
                  for reason in ("RECEIPT", "SHIP", "RETURN", "BREAKAGE", "SHRINKAGE", "FOUND")]
        assert totals == [sums[0], sums[1], sums[2], totals[3], sums[3] - totals[3], sums[4]], sku
    run("verify")


def test_invoice_is_an_order_of_its_customer_with_a_line_for_each_line():
    order, = state["run"].json("order", "list", "--reference", "700001")["orders"]
    assert order["customer"] == "14001" and order["status"] == "ORDER_STATUS_FULFILLED"
    assert [(line["sku"], line["fulfilled"], line["unitPrice"]["minorUnits"])
            for line in order["lines"]] == [("31001A", "6", "255"), ("31002", "12", "85"),
                                            ("31001A", "4", "255")]
    assert order["lines"][2]["returned"] == "1"
    both, = state["run"].json("order", "list", "--reference", "700009")["orders"]
    assert [line["sku"] for line in both["lines"]] == ["31006", "31007"]
    gift, = state["run"].json("order", "list", "--reference", "700005")["orders"]
    assert "minorUnits" not in gift["lines"][1]["unitPrice"]
    assert state["run"].json("order", "list", "--reference", "A700016") == {"orders": []}


def test_return_reaches_the_customers_orders_and_is_blind_for_the_rest():
    returns = state["run"].json("return", "list", "--customer", "14001")["returns"]
    references = [(made["reference"], "orderId" in made,
                   sum(int(line["quantity"]) for line in made["lines"])) for made in returns]
    assert sorted(references) == [("C700004", True, 1), ("C700011", True, 7), ("C700011", True, 8),
                                  ("C700012", False, 4), ("C700012", True, 5),
                                  ("C700013", False, 1)]
    assert all(made["status"] == "RETURN_STATUS_CLOSED" for made in returns)


def test_replay_again_changes_nothing():
    before = run("stock", "show", "--location", "SMALL", "--output", "csv").out
    moves = run("ledger", "movements", "--location", "SMALL", "--limit", "0", "--output", "csv").out
    run("replay", TRADE, "--location", "SMALL")
    assert run("stock", "show", "--location", "SMALL", "--output", "csv").out == before
    assert run("ledger", "movements", "--location", "SMALL", "--limit", "0",
               "--output", "csv").out == moves


def test_other_trade_at_the_location_is_left_out_of_the_comparison():
    run("stock", "receive", "SMALL", "31007:9")
    told = run("replay", TRADE, "--location", "SMALL", "--check-only")
    assert "1 SKUs also have other trade at 'SMALL'" in told.out


def test_check_alone_finds_a_book_that_is_not_the_file():
    empty = run("replay", TRADE, "--location", "EMPTY", "--check-only", expect=5)
    assert "11 SKUs in the book differ from the file" in empty.err
    assert state["run"].json("stock", "show", "31008", "--location", "SMALL")["levels"]
    run("replay", TRADE, "--location", "SMALL", "--check-only")
    with open(TRADE, encoding="utf-8") as file:
        changed = file.read().replace('"INK POT GREEN",3', '"INK POT GREEN",4')
    path = write("small-trade.csv", changed)
    report = state["run"].json("replay", path, "--location", "SMALL", "--check-only", expect=5)
    assert {row["sku"] for row in report["Where they differ"]} == {"31007"}


def test_changed_invoice_is_refused_because_its_request_id_was_used():
    path = os.path.join(state["folder"], "small-trade.csv")
    report = state["run"].json("replay", path, "--location", "SMALL", expect=5)
    refused = {(row["kind"], row["reason"]) for row in report["What was refused"]}
    assert ("order", "REQUEST_ID_REUSED") in refused


def test_day_is_replayed_alone_and_input_may_be_packed_or_piped():
    report = state["run"].json("replay", TRADE, "--from", "2020-03-03", "--to", "2020-03-03",
                               "--location", "DAY")
    lines = section(report, "What the file says")
    assert lines["sold"]["lines"] == 0 and lines["came back"]["lines"] == 5
    with open(TRADE, "rb") as file:
        content = file.read()
    packed = os.path.join(state["folder"], "trade.csv.xz")
    with open(packed, "wb") as file:
        file.write(lzma.compress(content))
    run("replay", packed, "--location", "PACKED")
    run("replay", "-", "--location", "PIPED", "--unary", stdin=content.decode())
    run("replay", TRADE, "--location", "PIPED", "--check-only")


def test_broken_lines_are_told_and_the_rest_is_replayed():
    title = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
    good = "800001,40001,THING,2,2020-01-01 10:00:00,1.00,1,X\n"
    path = write("broken.csv", title + good + "800002,40001,THING,two,2020-01-01 10:00:00,1,1,X\n"
                 "800003,40001,THING,2,yesterday,1,1,X\n" "800004,40001,THING,2,2020-01-01 10:00:00"
                 ",free,1,X\n800005,40001\n800006,40001,THING,0,2020-01-01 10:00:00,1,1,X\n")
    told = run("replay", path, "--location", "BROKEN", expect=1)
    for number in (3, 4, 5, 6, 7):
        assert f"line {number}: " in told.err, (number, told.err)
    level, = state["run"].json("stock", "show", "40001", "--location", "BROKEN")["levels"]
    assert int(level.get("onHand", 0)) == 0
    for content, words in (("", "it is empty"), ("InvoiceNo,StockCode\n", "is missing"),
                           (title, "has no lines")):
        assert words in run("replay", write("bad.csv", content), expect=2).err
    run("replay", TRADE, "--format", "other", expect=2)
    run("replay", TRADE, "--from", "yesterday", expect=2)
    assert "between --from and --to" in run("replay", TRADE, "--from", "2031-01-01", expect=2).err


def make_trade(path, invoices):
    """A trade of many invoices with returns, of which we know every sum."""
    dice = random.Random(7)
    bought = {}
    sums = {}
    with open(path, "w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow("InvoiceNo StockCode Description Quantity InvoiceDate UnitPrice CustomerID "
                     "Country".split())
        for number in range(invoices):
            customer = dice.randrange(1, 40)
            back = number % 7 == 6 and bought.get(customer)
            for _ in range(dice.randrange(1, 12)):
                sku = dice.choice(bought[customer]) if back else f"5{dice.randrange(300):04}"
                quantity = dice.randrange(1, 50)
                if not back:
                    bought.setdefault(customer, []).append(sku)
                sums[sku] = sums.get(sku, 0) + (quantity if back else 0)
                out.writerow([f"{'C' if back else ''}{900000 + number}", sku, "made up",
                              -quantity if back else quantity, "2021-05-05 12:00:00", "1.99",
                              customer, "X"])
    return sums


def interrupt(path, location, number):
    """Starts a replay and sends it the signal once it is well under way."""
    process = state["run"].start("replay", path, "--location", location, "--in-flight", "16")

    def under_way():
        assert process.poll() is None, "it was over before it could be interrupted"
        listed = run("ledger", "movements", "--location", location, "--limit", "400",
                     "--output", "csv").out if location in run("location", "list").out else ""
        return listed.count("\n") >= 400

    wait_for(under_way, 60, "the replay is under way")
    process.send_signal(number)
    _, err = process.communicate(timeout=90)
    return process.returncode, err


def test_interrupted_and_killed_replays_end_in_the_same_book():
    path = os.path.join(state["folder"], "large.csv")
    sums = make_trade(path, 6000)
    code, err = interrupt(path, "CUT", signal.SIGINT)
    assert code == 130 and "the same command goes on" in err, (code, err)
    code, _ = interrupt(path, "CUT", signal.SIGKILL)
    assert code == -signal.SIGKILL
    report = state["run"].json("replay", path, "--location", "CUT", timeout=240)
    assert all(row["difference"] == 0 for row in report["The book against the file"])
    levels = state["run"].json("stock", "show", "--location", "CUT")["levels"]
    assert {level["sku"]: int(level.get("onHand", 0)) for level in levels} == sums
    run("verify")


def test_replay_rides_through_a_killed_server():
    path = os.path.join(state["folder"], "large.csv")
    server = state["server"]
    process = state["run"].start("replay", path, "--location", "RIDE", "--in-flight", "16",
                                 "--output", "json")
    time.sleep(1.5)
    assert process.poll() is None
    server.kill()
    server.start()
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, (process.returncode, out[-500:], err)
    run("verify")


def test_whole_year_of_a_real_retailer():
    path = os.environ.get("ONLINE_RETAIL_CSV")
    if not path:
        raise tap.Skip("ONLINE_RETAIL_CSV names no file; tests/end_to_end/test_cli_replay.py says "
                       "where it comes from")
    report = state["run"].json("replay", "--format", "online-retail", path, timeout=280)
    assert sum(row["lines"] for row in report["What the file says"]) == 541909
    assert all(row["difference"] == 0 for row in report["The book against the file"])
    assert "What was refused" not in report and "Where they differ" not in report
    run("verify")


if __name__ == "__main__":
    tap.main()
