"""Databases that an older server made: released migrations stay as they are, what is in the book
stays there, and what the database refused it still refuses.
"""
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import tap  # noqa: E402
from cluster import Cluster, as_owner  # noqa: E402

MIGRATIONS = os.path.join(os.environ["STOCKBOOK_SOURCE_DIR"], "migrations")
RELEASED = {
    "0001_book.sql": "7a9481b61684b15499c31962b2f438a2984d5cff683b15c314dcc431599fef56",
    "0002_fulfilment.sql": "207e29fff252740775971ea13fb8ec21009c61acb7ff857fbf99523406e13d5a",
}
COUNTERS = ("reserved", "allocated", "picked", "damaged", "quality_control", "on_hold",
            "in_transit")
MOST = 10**12
state = {}


def migrate(database, folder=None):
    options = ["--migrations", folder] if folder else []
    return subprocess.run([os.environ["STOCKBOOKD"], "migrate", "--database",
                           state["cluster"].uri(database), *options],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)


def psql(database, sql):
    cluster = state["cluster"]
    done = subprocess.run(
        [os.path.join(cluster.programs, "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1",
         cluster.uri(database), "-f", "-"],
        input=f"SET search_path = stockbook; {sql}", stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, check=False, cwd=cluster.directory, **as_owner())
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return done.stdout.splitlines()


def stock(sku, available=0, in_shortage=False, **columns):
    values = {**dict.fromkeys(COUNTERS, 0), "safety_stock": "NULL", **columns}
    names = ", ".join(values)
    numbers = ", ".join(str(value) for value in values.values())
    return (f"INSERT INTO stock (part, sku, location, available, in_shortage, version, {names}) "
            f"VALUES (1, '{sku}', 'X', {available}, {in_shortage}, 0, {numbers});")


def movement(sequence, from_state=9, to_state=1, quantity=1):
    places = ["X" if at < 9 else "" for at in (from_state, to_state)]
    return (f"INSERT INTO movement VALUES (1, {sequence}, now(), 'A', '{places[0]}', {from_state}, "
            f"'{places[1]}', {to_state}, {quantity}, 1, 0, {sequence + 1});")


def order_line(line, **columns):
    zeros = ("unit_price", "allocated", "picked", "fulfilled", "cancelled", "returned")
    values = {**dict.fromkeys(zeros, 0), "ordered": 1, "open": 1, **columns}
    names = ", ".join(values)
    numbers = ", ".join(str(value) for value in values.values())
    return (f"INSERT INTO order_line (part, order_id, line, sku, method, {names}, "
            "allocation_location, allocation_allocated, allocation_picked, allocation_fulfilled, "
            "allocation_awaiting) VALUES (1, '00000000-0000-7000-8000-000000000001', "
            f"{line}, 'A', 1, {numbers}, '{{}}', '{{}}', '{{}}', '{{}}', '{{}}');")


# At the edges of what is allowed, and just beyond them.
GOOD = [
    stock("none"), stock("most", MOST), stock("split", MOST - 7, **dict.fromkeys(COUNTERS[:6], 1)),
    stock("sold", -3, True, reserved=3), stock("safe", 1, safety_stock=0),
    stock("coming", in_transit=5), stock("oversold", -MOST, True, reserved=MOST),
    movement(1), movement(2, 12, 1), movement(3, 1, 12), movement(4, 8, 11, MOST),
    order_line(1), order_line(10000, ordered=3, open=0, fulfilled=2, cancelled=1, returned=2),
]
BAD = [
    *(stock(name, 9, **{name: -1}) for name in COUNTERS),
    stock("safety", 9, safety_stock=-1), stock("less", -1, True), stock("more", MOST + 1),
    stock("sum", MOST, reserved=1), stock("owed", -MOST - 1, True, reserved=MOST),
    stock("short", -1, False, reserved=1), stock("not", 1, True),
    movement(0), movement(-1), movement(5, quantity=0), movement(5, quantity=-1),
    movement(5, 0, 1), movement(5, 1, 0), movement(5, 13, 1), movement(5, 1, 13), movement(5, 1, 1),
    *(order_line(2, **{"ordered": 1, "open": 2, name: -1})
      for name in ("allocated", "picked", "fulfilled", "cancelled")),
    order_line(2, ordered=1, open=-1, fulfilled=2), order_line(2, unit_price=-1),
    order_line(2, returned=-1), order_line(2, ordered=0, open=0), order_line(0), order_line(10001),
    order_line(2, ordered=2),
]


def all_refused(database):
    for statement in BAD:
        try:
            psql(database, f"BEGIN; {statement} ROLLBACK;")
        except RuntimeError as error:
            assert "violates check constraint" in str(error), error
        else:
            raise AssertionError(f"allowed: {statement}")


def older(database):
    """A database as the server before the last migration left it."""
    psql("postgres", f"CREATE DATABASE {database}")
    folder = tempfile.mkdtemp(dir=os.environ["STOCKBOOK_TEST_DIR"])
    for name in RELEASED:
        shutil.copy(os.path.join(MIGRATIONS, name), folder)
    done = migrate(database, folder)
    assert done.returncode == 0, done.stdout


def setup():
    state["cluster"] = Cluster()
    older("upgraded")
    psql("upgraded", "".join(GOOD))


def teardown():
    if "cluster" in state:
        state["cluster"].close()


def test_released_migrations_are_as_they_were():
    for name, checksum in RELEASED.items():
        with open(os.path.join(MIGRATIONS, name), "rb") as file:
            assert hashlib.sha256(file.read()).hexdigest() == checksum, name


def test_what_is_refused_now_was_refused_before():
    all_refused("upgraded")


def test_a_book_of_an_older_server_is_as_it_was_after_the_upgrade():
    rows = "SELECT {0} FROM {0} ORDER BY {0}"
    tables = ("stock", "movement", "order_line")
    before = [psql("upgraded", rows.format(table)) for table in tables]
    assert all(before)
    done = migrate("upgraded")
    assert done.returncode == 0, done.stdout
    assert int(psql("upgraded", "SELECT max(version) FROM schema_version")[0]) > len(RELEASED)
    assert [psql("upgraded", rows.format(table)) for table in tables] == before


def test_what_the_database_refused_it_still_refuses():
    all_refused("upgraded")
    assert psql("upgraded", "SELECT conname FROM pg_constraint WHERE NOT convalidated") == []


def test_what_was_allowed_still_is():
    psql("upgraded", "BEGIN; DELETE FROM stock; DELETE FROM movement; DELETE FROM order_line; "
         f"{''.join(GOOD)} ROLLBACK;")


def test_an_upgrade_that_meets_a_contradiction_leaves_everything_as_it_was():
    older("damaged")
    psql("damaged", "ALTER TABLE stock DROP CONSTRAINT stock_picked_check; "
         + stock("A", 9, picked=-1)
         + "ALTER TABLE stock ADD CONSTRAINT stock_picked_check CHECK (picked >= 0) NOT VALID")
    constraints = "SELECT conname FROM pg_constraint WHERE contype = 'c' ORDER BY 1"
    before = psql("damaged", constraints)
    done = migrate("damaged")
    assert done.returncode != 0 and "stock_not_negative" in done.stdout, done.stdout
    assert psql("damaged", constraints) == before
    assert psql("damaged", "SELECT max(version) FROM schema_version") == [str(len(RELEASED))]


def test_the_changes_of_a_document_are_found_by_its_index():
    plan = "\n".join(psql("upgraded", """
        SET enable_seqscan = off; SET enable_bitmapscan = off;
        SET plan_cache_mode = force_generic_plan;
        PREPARE p (uuid, int) AS SELECT * FROM change WHERE document_id = $1
            ORDER BY part, sequence LIMIT $2;
        EXPLAIN (COSTS OFF) EXECUTE p (NULL, NULL)"""))
    assert "Index Scan using change_by_document" in plan, plan
    assert "Index Cond: (document_id = $1)" in plan, plan


if __name__ == "__main__":
    tap.main()
