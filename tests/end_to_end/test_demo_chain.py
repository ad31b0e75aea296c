"""The demo's day of trade, in small: it comes to its end, the book is right, and what it tells is so."""
import os
import re
import subprocess

import tap
from server import Server

DAY = os.path.join(os.environ["STOCKBOOK_SOURCE_DIR"], "tools", "demo", "day")
state = {}


def setup():
    state["server"] = Server("--sweep-interval-ms", "200", "--lanes", "1")
    state["book"] = state["server"].client()


def teardown():
    if "server" in state:
        with state["server"]:
            pass


def day(*options):
    return subprocess.run([DAY, state["server"].target, "--stores", "4", "--items", "40", *options],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)


def rows(title):
    """The figures of each row of a table, by what the row is of."""
    lines = state["told"].split(title)[1].split("\n\n")[1].splitlines()
    figures = {}
    for line in lines:
        cells = re.split(r"  +", line.strip())
        figures[cells[0]] = [float(cell.replace(",", "")) for cell in cells[1:]
                             if re.fullmatch(r"-?[\d,.]+", cell)]
    return figures


def test_day_of_trade_comes_to_its_end():
    done = day()
    state["told"] = done.stdout
    assert done.returncode == 0, done.stdout


def test_book_is_right_after_it():
    state["book"].verify_clean()
    assert "The book is right" in state["told"]


def test_every_sum_that_must_agree_agrees():
    sums = state["told"].split("Sums that must agree")[1]
    assert "WRONG" not in state["told"], sums
    assert len(re.findall(r"^  ok ", sums, re.MULTILINE)) == 12, sums


def test_totals_are_the_sums_of_their_rows():
    for title in ("What was sold, in units", "Stock, in units"):
        figures = rows(title)
        total = figures.pop("total")
        columns = zip(*[row for row in figures.values() if row])
        sums = [round(sum(column), 2) for column in columns]
        if title == "What was sold, in units":
            # An order that goes several ways stands in several rows; it is one order all the same.
            assert max(row[0] for row in figures.values() if row) < total[0] < sums[0], (total, sums)
            assert f"{total[0]:,.0f} orders placed" in state["told"]
            sums[0] = total[0]
        assert sums == total, title
        assert min(abs(figure) for figure in total[-2:]) > 0, title


def test_stock_it_tells_is_the_stock_of_the_book():
    levels = [level for location in state["book"].pages("ListLocations", "locations")
              for level in state["book"].pages("ListStock", "levels", location=location.code)]
    assert rows("Stock, in units")["total"][-2] == sum(level.on_hand for level in levels)


def test_every_way_to_the_customer_was_used():
    sold = rows("What was sold, in units")
    for way in ("tills, carried out", "tills, sent", "tills, sent to the store", "web shop, sent",
                "web shop, fetched", "web shop, sent to the store", "phone, sent"):
        assert sold[way][4] > 0, (way, sold)
    saved = rows("What one place alone would have lost")
    assert saved["sold at a till from another place's stock (endless aisle)"][1] > 0, saved


def test_second_day_in_the_same_book_is_refused():
    done = day()
    assert done.returncode != 0 and "is not empty" in done.stdout, done.stdout


if __name__ == "__main__":
    tap.main()
