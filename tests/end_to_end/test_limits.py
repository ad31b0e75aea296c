"""The largest that is allowed works; more than there is room for is sent away, undone."""
import time

import tap
from client import Refused, refused
from cluster import Cluster
from server import Server, end
from shop import count, hold_stock, line, open_shop, race, sql

MANY = 10000
state = {}


def setup():
    state["cluster"] = Cluster()
    state["server"] = Server(database=state["cluster"].uri())
    state["book"] = state["server"].client()
    open_shop(state["book"])


def teardown():
    end(state)


def test_baskets_of_ten_thousand_lines():
    book = state["book"]
    skus = [f"BULK-{number:05}" for number in range(MANY)]
    for start in range(0, MANY, 500):
        answers, errors = race([(book, "PutItem", book.request("PutItem", item={"sku": sku}))
                                for sku in skus[start:start + 500]])
        assert count(answers) == 500, errors
    lines = [{"sku": sku, "quantity": 2} for sku in skus]
    received = book.ReceiveStock(location="WH", lines=lines)
    assert len(received.levels) == MANY
    basket = [line(sku, 1, "WH") for sku in reversed(skus)]
    held = book.Reserve(owner="bulk", lines=basket).reservation
    assert len(held.lines) == MANY
    order = book.ConfirmReservation(reservation_id=held.id, fulfil=True).order
    assert len(order.lines) == MANY and all(part.fulfilled == 1 for part in order.lines)
    assert len(book.GetOrder(order_id=order.id).order.lines) == MANY
    error = refused("OUT_OF_STOCK", book.Reserve, lines=[line(sku, 2, "WH") for sku in skus])
    # Not all ten thousand short lines fit into the trailers of an error, but it says how many.
    assert error.metadata["short_lines"] == str(MANY), list(error.metadata.items())[:5]
    levels = book.pages("ListStock", "levels", location="WH", page_size=1000)
    assert sum(level.available for level in levels) == MANY
    book.verify_clean()


def test_a_thousand_skus_are_asked_for_at_once():
    book = state["book"]
    skus = [f"BULK-{number:05}" for number in range(1000)]
    answer = book.GetAvailability(skus=skus, channel="web")
    assert [each.sku for each in answer.availabilities] == skus
    assert all(each.available_to_sell == 1 for each in answer.availabilities)


def floods(*options):
    """Three hundred calls at a server that has room for few, while the database stands still."""
    state["book"].ReceiveStock(location="WH", lines=[{"sku": "TEAPOT", "quantity": 1000}])
    before = state["book"].level("TEAPOT", "WH").reserved
    with Server(*options, database=state["cluster"].uri()) as server:
        book = server.client()
        locker = hold_stock(state["cluster"], 1.5, "sku = 'TEAPOT'")
        answers, errors = race([(book, "Reserve", book.request(
            "Reserve", lines=[line("TEAPOT", 1, "WH")])) for _ in range(300)])
        locker.wait()
        assert count(answers) > 0 and count(errors) > 100, (count(answers), count(errors))
        for error in filter(None, errors):
            assert error.code == "RESOURCE_EXHAUSTED" and error.reason == "OVERLOADED", error
            assert error.retry_after and error.retry_after > 0, error
        held = state["book"].level("TEAPOT", "WH").reserved - before
        assert held == count(answers), (held, count(answers))
        book.Reserve(lines=[line("TEAPOT", 1, "WH")])


def test_more_calls_than_the_server_takes_are_sent_away():
    floods("--calls-in-flight-max", "50")


def test_more_operations_than_the_queue_takes_are_sent_away():
    floods("--queue-operations-max", "20", "--batch-operations-max", "10")


def test_health_answers_while_the_server_is_full():
    with Server("--calls-in-flight-max", "10", database=state["cluster"].uri()) as server:
        book = server.client()
        locker = hold_stock(state["cluster"], 1.5, "sku = 'TEAPOT'")
        calls = [book.start("Reserve", book.request("Reserve", lines=[line("TEAPOT", 1, "WH")]))
                 for _ in range(60)]
        time.sleep(0.3)
        assert server.client().health() == "SERVING"
        locker.wait()
        done = 0
        for call in calls:
            try:
                call.result()
                done += 1
            except Refused as error:
                assert error.reason == "OVERLOADED", error
        assert 1 <= done <= 59, done


def test_a_caller_that_goes_away_changes_nothing_or_everything():
    book, cluster = state["book"], state["cluster"]
    requests = [book.request("Reserve", owner="gone", lines=[line("TEAPOT", 1, "WH")])
                for _ in range(100)]
    calls = [book.start("Reserve", request) for request in requests]
    for call in calls[::2]:
        call.future.cancel()
    for call in calls[1::2]:
        call.result()
    time.sleep(0.5)
    rows = sql(cluster, "SELECT count(*) FROM reservation WHERE owner = 'gone'")
    assert 50 <= int(rows[0][0]) <= 100, rows
    for request in requests:
        book.send("Reserve", request)
    assert sql(cluster, "SELECT count(*) FROM reservation WHERE owner = 'gone'") == [["100"]]
    book.verify_clean()


if __name__ == "__main__":
    tap.main()
