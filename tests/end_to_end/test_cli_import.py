"""Imports: what is right goes in, what is wrong is told by line and column, nothing goes in twice."""
import lzma
import os
import signal
import time

import cli
import tap
from cluster import Cluster
from server import Server, end, new_directory

state = {}


def setup():
    cluster = state["cluster"] = Cluster()
    server = state["server"] = Server(database=cluster.uri())
    run = state["run"] = cli.Cli(server.target)
    state["folder"] = new_directory("import")
    run("location", "put", "LEEDS")
    run("import", "items", "-", stdin="sku\n" + "".join(f"S{n}\n" for n in range(3000)))


def teardown():
    end(state)


def run(*arguments, **more):
    return state["run"](*arguments, **more)


def write(name, content):
    path = os.path.join(state["folder"], name)
    with open(path, "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())
    return path


def summary(result):
    return {row["lines"]: int(row["count"]) for row in result.rows()}


def on_hand(sku, location="LEEDS"):
    levels = state["run"].json("stock", "show", sku, "--location", location).get("levels", [])
    return int(levels[0].get("onHand", 0)) if levels else 0


def test_items_and_locations_go_in_with_all_that_is_said_of_them():
    path = write("items.csv", '﻿sku,name,aliases,safety_stock\r\n'
                 'CUP,"a ""fine"" cup, blue",111|222,3\r\n\r\nJAR,"two\nlines",,\r\n')
    result = run("import", "items", path, "--output", "csv", expect=1)
    assert "line 4: column 'name' is not UTF-8 text on one line" in result.err
    assert summary(result)["in"] == 1
    item = state["run"].json("item", "show", "222")["item"]
    assert item["name"] == 'a "fine" cup, blue' and item["safetyStock"] == "3"
    path = write("locations.csv", "code,kind,ships,takes_returns,safety_stock\n"
                 "HULL,store,no,yes,\nDC9,warehouse,,,7\n")
    assert summary(run("import", "locations", path, "--output", "csv"))["in"] == 2
    hull = state["run"].json("location", "show", "HULL")["location"]
    assert "ships" not in hull and hull["sellsAtTill"] and hull["takesReturns"]
    dc9 = state["run"].json("location", "show", "DC9")["location"]
    assert dc9["kind"] == "LOCATION_KIND_WAREHOUSE" and dc9["safetyStock"] == "7"


def test_wrong_lines_are_told_by_line_and_column_and_the_others_go_in():
    path = write("stock.csv", "location,sku,quantity,state\n"
                 "LEEDS,S1,5,\n"
                 "LEEDS,S2,five,\n"
                 "LEEDS,NOPE,1,\n"
                 "LEEDS,S3,0,\n"
                 "LEEDS,,1,\n"
                 "LEEDS,S4,2,wet\n"
                 "LEEDS,S4,2\n"
                 "NOWHERE,S5,1,\n"
                 "LEEDS,S6,1000000000001,\n"
                 "LEEDS,S7,1,damaged\n")
    result = run("import", "stock", path, "--output", "csv", expect=1)
    for words in ("line 3: column 'quantity': 'five' is not a whole number",
                  "line 4: ", "ITEM_NOT_FOUND",
                  "line 5: column 'quantity': '0' must be 1 or more",
                  "line 6: column 'sku': '' is empty",
                  "line 7: column 'state': 'wet' is not one of",
                  "line 8: has 3 columns instead of 4",
                  "line 9: ", "LOCATION_NOT_FOUND",
                  "line 10: column 'quantity': '1000000000001' is larger"):
        assert words in result.err, (words, result.err)
    assert summary(result) == {**summary(result), "read": 10, "in": 2, "refused by the book": 2,
                               "not valid": 6}
    assert on_hand("S1") == 5 and on_hand("S7") == 1 and on_hand("S4") == 0


def test_refused_lines_can_be_kept_in_a_file():
    path = write("kept.csv", "location,sku,quantity\nLEEDS,S8,1\nLEEDS,NOPE,\"1\"\nLEEDS,S8,x\n")
    rejects = os.path.join(state["folder"], "rejects.csv")
    result = run("import", "stock", path, "--rejects", rejects, expect=1)
    assert "line 3" not in result.err
    with open(rejects, encoding="utf-8") as file:
        lines = sorted(file.read().splitlines()[1:])
    assert lines[0].startswith('3,"') and lines[0].endswith(',LEEDS,NOPE,"1"')
    assert lines[1] == '4,"column \'quantity\': \'x\' is not a whole number",LEEDS,S8,x'


def test_one_culprit_among_thousands_keeps_none_of_its_neighbours_out():
    rows = [f"LEEDS,S{n},2" for n in range(1000, 2700)]
    rows[777] = "LEEDS,NOPE,2"
    path = write("many.csv", "location,sku,quantity\n" + "\n".join(rows))
    result = run("import", "stock", path, "--output", "csv", expect=1)
    assert summary(result)["in"] == 1699 and summary(result)["refused by the book"] == 1
    assert "line 779: " in result.err
    assert on_hand("S1776") == 2 and on_hand("S1778") == 2


def test_the_same_file_again_does_nothing_twice():
    path = write("again.csv", "location,sku,quantity\nLEEDS,S20,4\nLEEDS,S20,4\n")
    run("import", "stock", path)
    assert on_hand("S20") == 8
    run("import", "stock", path)
    assert on_hand("S20") == 8
    run("import", "stock", path, "--run", "second delivery")
    assert on_hand("S20") == 16


def test_absolute_figures_replace_what_the_book_has():
    path = write("count.csv", "location,sku,quantity\nLEEDS,S30,4\nLEEDS,S31,1\nLEEDS,S30,9\n")
    run("stock", "receive", "LEEDS", "S30:100")
    assert summary(run("import", "stock", path, "--absolute", "--output", "csv"))["in"] == 3
    assert on_hand("S31") == 1
    assert on_hand("S30") == 9


def test_the_last_line_about_a_thing_holds():
    rows = "".join(f"TWICE,name {number}\nOTHER{number},x\n" for number in range(200))
    run("import", "items", "-", "--in-flight", "64", stdin="sku,name\n" + rows)
    assert state["run"].json("item", "show", "TWICE")["item"]["name"] == "name 199"
    counts = "".join(f"LEEDS,S{32 + number % 5},{number}\n" for number in range(3000))
    run("import", "stock", "-", "--absolute", stdin="location,sku,quantity\n" + counts)
    assert [on_hand(f"S{32 + number}") for number in range(5)] == [2995, 2996, 2997, 2998, 2999]


def test_packed_file_and_standard_input_are_read():
    text = b"location,sku,quantity\nLEEDS,S40,1\n"
    run("import", "stock", write("packed.csv.xz", lzma.compress(text)))
    run("import", "stock", "-", stdin=text.decode())
    assert on_hand("S40") == 2
    cut = write("cut.csv.xz", lzma.compress(text * 20000)[:200])
    assert "not valid .xz, or cut off" in run("import", "stock", cut, expect=2).err


def test_broken_files_change_nothing_and_say_why():
    for name, content, words in (
            ("empty.csv", b"", "it is empty"),
            ("title.csv", b"location,sku,amount\nLEEDS,S50,1\n", "column 'amount' is not known"),
            ("twice.csv", b"location,sku,sku\nLEEDS,S50,1\n", "column 'sku' is there twice"),
            ("missing.csv", b"location,sku\nLEEDS,S50\n", "column 'quantity' is missing")):
        result = run("import", "stock", write(name, content), expect=2)
        assert words in result.err, (name, result.err)
    assert "No such file" in run("import", "stock", "/nowhere.csv", expect=2).err
    assert "directory" in run("import", "stock", state["folder"], expect=2).err
    for name, content, words in (
            ("latin.csv", b"location,sku,quantity\nLEEDS,S50\xe9,1\n", "column 'sku' is not UTF-8"),
            ("nul.csv", b"location,sku,quantity\nLEEDS,S50\0,1\n", "NUL"),
            ("quote.csv", b'location,sku,quantity\nLEEDS,"S50,1\n', "a quote is not closed"),
            ("quotes.csv", b'location,sku,quantity\nLEEDS,"S"50,1\n', "quotes are not as in CSV"),
            ("long.csv", b"location,sku,quantity\nLEEDS," + b"S" * 70000 + b",1\n", "too long")):
        result = run("import", "stock", write(name, content), expect=1)
        assert "line 2: " in result.err and words in result.err, (name, result.err)
    assert on_hand("S50") == 0


def test_interrupted_import_goes_on_where_it_stopped():
    count = 60000
    path = write("large.csv", "sku,name\n" + "".join(f"L{n:06},large {n}\n" for n in range(count)))
    marker = path + ".stockbook-import"
    process = state["run"].start("import", "items", path, "--output", "csv", "--in-flight", "8")
    deadline = time.monotonic() + 60
    while not (os.path.exists(marker) and os.path.getsize(marker) > 50000):
        assert process.poll() is None and time.monotonic() < deadline, process.poll()
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, (process.returncode, err)
    assert "goes on where it stopped" in err
    done = int(out.split("\nin,")[1].split()[0])
    assert 0 < done < count
    rest = summary(run("import", "items", path, "--output", "csv", timeout=120))
    assert rest["in from an earlier run"] == done and rest["in"] == count - done
    assert not os.path.exists(marker)
    assert len(run("item", "list", "--prefix", "L0", "--output", "csv").rows()) == count


def test_server_that_goes_away_stops_the_import_and_it_goes_on_later():
    path = write("away.csv", "location,sku,quantity\nLEEDS,S60,1\n")
    result = run("import", "stock", path, "--server", "127.0.0.1:1", expect=3)
    assert "cannot connect" in result.err and "the same command goes on" in result.err
    run("import", "stock", path)
    assert on_hand("S60") == 1


if __name__ == "__main__":
    tap.main()
