"""The bench: it comes to its end with figures, and its SQL sides write what a reserve writes."""
import json
import os
import subprocess
import sys

import tap
from cluster import Cluster, as_owner
from server import Server

BENCH = os.path.join(os.environ["STOCKBOOK_SOURCE_DIR"], "tests", "bench")
sys.path.insert(0, BENCH)
import sql_sides  # noqa: E402  pylint: disable=wrong-import-position

# Of the rows that one reserve writes, what must be equal on all sides, in the order of the lines. Ids and
# times differ, a request's part is that of its id, and channel and actor are the caller's.
WRITTEN = {
    "reservation": "SELECT part, status, owner, channel, line_sku, line_location, line_quantity FROM "
                   "stockbook.reservation ORDER BY created_at DESC LIMIT 1",
    "movements": "SELECT part, sku, from_location, from_state, to_location, to_state, quantity, reason "
                 "FROM stockbook.movement WHERE reason = 2 ORDER BY sequence DESC LIMIT {lines}",
    "change": "SELECT part, document_kind, step, status_before, status_after, channel, movements "
              "FROM stockbook.change WHERE document_kind = 8 ORDER BY sequence DESC LIMIT 1",
    "request": "SELECT octet_length(fingerprint), cardinality(parts) FROM stockbook.request "
               "ORDER BY at DESC LIMIT 1",
}
COUNTED = ["reservation", "movement", "change", "request"]
state = {}


def setup():
    state["cluster"] = Cluster()
    state["server"] = Server(database=state["cluster"].uri())
    book = state["book"] = state["server"].client()
    book.PutLocation(location={"code": "L0001", "name": "L0001", "kind": "LOCATION_KIND_STORE"})
    book.PutChannel(channel={"code": "web", "name": "web", "kind": "CHANNEL_KIND_WEB"})
    for i in range(1, 4):
        book.PutItem(item={"sku": f"S{i:07}", "name": "bench"})
    book.ReceiveStock(location="L0001",
                      lines=[{"sku": f"S{i:07}", "quantity": 100} for i in range(1, 4)])
    sql(sql_sides.FUNCTION)


def teardown():
    if "server" in state:
        with state["server"]:
            pass
    state["cluster"].close()


def sql(text):
    cluster = state["cluster"]
    done = subprocess.run([os.path.join(cluster.programs, "psql"), "-X", "-q", "-A", "-t", "-v",
                           "ON_ERROR_STOP=1", "-d", cluster.uri(), "-c", text],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def counts():
    heads = int(sql("SELECT sum(sequence) FROM stockbook.part_head"))
    return [heads, *(int(sql(f"SELECT count(*) FROM stockbook.{table}")) for table in COUNTED)]


def written_by(write, lines):
    """How many rows each table has more, what is in them, and what the balances are less by."""
    held = "SELECT string_agg(available || ' ' || reserved, ', ' ORDER BY sku) FROM stockbook.stock"
    before = counts()
    sql("UPDATE stockbook.stock SET available = 100, reserved = 0, version = version + 1")
    write()
    rows = {name: sql(text.format(lines=lines)) for name, text in WRITTEN.items()}
    return [after - old for after, old in zip(counts(), before)], rows, sql(held)


def run_side(side, lines):
    cluster = state["cluster"]
    path = os.path.join(cluster.directory, "reserve.sql")
    with open(path, "w", encoding="utf-8") as file:
        file.write(sql_sides.SIDES[side](lines, 1, lines))
    os.chmod(path, 0o644)
    done = subprocess.run([os.path.join(cluster.programs, "pgbench"), "-n", "-M", "prepared", "-f",
                           path, "-c", "1", "-t", "1", cluster.uri()], cwd=cluster.directory,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                          **as_owner())
    assert done.returncode == 0 and "processed: 1/1" in done.stdout, done.stdout


def reserve(lines):
    state["book"].Reserve(owner="basket", channel="web", lines=[
        {"sku": f"S{i + 1:07}", "quantity": 1, "location": "L0001"} for i in range(lines)])


def test_every_sql_side_writes_the_rows_of_a_reserve():
    for lines in (1, 3):
        ours = written_by(lambda lines=lines: reserve(lines), lines)
        assert ours[0] == [lines + 1, 1, lines, 1, 1], ours
        for side in sql_sides.SIDES:
            if side == "statement" and lines != 1:
                continue
            theirs = written_by(lambda side=side, lines=lines: run_side(side, lines), lines)
            assert theirs == ours, f"{side}: {theirs}\nours: {ours}"


def test_function_and_statement_write_nothing_without_stock():
    # The plain transaction looks first, as a service would, and pgbench has nothing to stop it with.
    sql("UPDATE stockbook.stock SET available = 0, reserved = 0, version = version + 1")
    for side in ("function", "statement"):
        before = counts()
        try:
            run_side(side, 1)
        except AssertionError:
            pass  # the function raises
        assert counts() == before, side
    assert sql("SELECT DISTINCT available, reserved FROM stockbook.stock") == "0|0"


def test_quick_bench_ends_with_figures_of_what_it_measured():
    path = os.path.join(os.environ["STOCKBOOK_TEST_DIR"], "bench.json")
    port = int(os.environ["STOCKBOOK_TEST_PORT"]) + 5
    done = subprocess.run([os.path.join(BENCH, "run"), "--quick", "--only", "open_loop,watch",
                           "--json", path, "--port", str(port)], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with open(path, encoding="utf-8") as file:
        result = json.load(file)
    for key in ("p99_half_load_vs_p50_alone", "watch_last_of_1000_p50_ms"):
        assert result[key] > 0 and len(result[f"{key}_runs"]) == 1, key
        assert key in done.stdout, done.stdout
    assert [run["share"] for run in result["parts"]["open_loop"]["rounds"][0]["offered"]] == \
        [0.2, 0.5, 1.1]
    assert "latency over offered load" in done.stdout


if __name__ == "__main__":
    tap.main()
