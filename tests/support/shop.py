"""A small company for tests: a warehouse WH, the stores NORTH and SOUTH, the group ALL of them in
that order, the channels web (sources from ALL) and till (names its location)."""
import os
import subprocess
import time

from client import Refused


def put_stores(book, *codes, **more):
    for code in codes:
        book.PutLocation(location={
            "code": code, "name": code.title(), "kind": "LOCATION_KIND_STORE",
            "sells_at_till": True, "ships": True, "takes_returns": True, **more})


def open_shop(book, skus=("TEAPOT",), stock=None):
    """stock: {(sku, location): quantity}."""
    book.PutLocation(location={"code": "WH", "name": "Warehouse", "kind": "LOCATION_KIND_WAREHOUSE",
                               "ships": True, "takes_returns": True})
    put_stores(book, "NORTH", "SOUTH")
    book.PutLocationGroup(location_group={"code": "ALL", "locations": ["WH", "NORTH", "SOUTH"]})
    book.PutChannel(channel={"code": "web", "kind": "CHANNEL_KIND_WEB", "location_group": "ALL"})
    book.PutChannel(channel={"code": "till", "kind": "CHANNEL_KIND_TILL"})
    for sku in skus:
        book.PutItem(item={"sku": sku, "name": sku.lower()})
    for (sku, location), quantity in (stock or {}).items():
        book.ReceiveStock(location=location, lines=[{"sku": sku, "quantity": quantity}])


def line(sku, quantity, location="", **more):
    return {"sku": sku, "quantity": quantity, "location": location, **more}


def status(document):
    """HELD, OPEN, CLOSED: the status without its prefix."""
    kind = document.DESCRIPTOR.fields_by_name["status"].enum_type
    return kind.values_by_number[document.status].name.split("STATUS_", 1)[1]


def pounds(minor_units):
    return {"minor_units": minor_units, "currency_code": "GBP"}


def sql(cluster, statement):
    """Rows of a query as lists of texts, from the database itself and not through the server."""
    uri = cluster if isinstance(cluster, str) else cluster.uri()
    done = subprocess.run(["psql", "-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1",
                           "-d", uri, "-c", statement],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                          env={**os.environ, "PGOPTIONS": "-c search_path=stockbook,public"})
    if done.returncode != 0:
        raise RuntimeError(f"{statement}\n{done.stderr}")
    return [row.split("\t") for row in done.stdout.splitlines()]


def hold_stock(cluster, seconds, where="true"):
    """Somebody else's transaction that keeps balances locked for so long; returns when it has
    them."""
    uri = cluster if isinstance(cluster, str) else cluster.uri()
    holder = subprocess.Popen(
        ["psql", "-X", "-q", "-d", uri, "-c",
         f"BEGIN; SELECT FROM stockbook.stock WHERE {where} FOR UPDATE; "
         f"SELECT pg_sleep({seconds}); COMMIT"], stdout=subprocess.DEVNULL)
    asleep = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    deadline = time.monotonic() + 20
    while not sql(uri, asleep + " AND datname = current_database()"):
        assert time.monotonic() < deadline and holder.poll() is None, "the rows are not locked"
    return holder


TABLES = ("setting", "part_head", "item", "item_alias", "location", "location_group", "channel",
          "token", "stock", "reservation", "customer_order", "order_line", "goods_return",
          "return_line", "movement", "change", "request")


def digest(cluster):
    """One text for everything in the database: equal means that nothing changed."""
    query = " UNION ALL ".join(
        f"SELECT '{table}', count(*), md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), ''))"
        f" FROM {table} t" for table in TABLES)
    return {row[0]: tuple(row[1:]) for row in sql(cluster, query)}


def race(calls):
    """Starts all calls, each (client, method, request), before it waits for any; the answers and
    the errors, in the order of the calls, None where the other is."""
    started = [book.start(name, request) for book, name, request in calls]
    answers, errors = [], []
    for call in started:
        try:
            answers.append(call.result())
            errors.append(None)
        except Refused as error:
            answers.append(None)
            errors.append(error)
    return answers, errors


def count(results):
    return sum(1 for result in results if result is not None)


def reasons(errors):
    return {error.reason for error in errors if error is not None}
