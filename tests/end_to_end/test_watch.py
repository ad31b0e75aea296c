"""WatchAvailability and reads that may be old, through real servers."""
import threading
import time

import server
import tap
from client import Refused
from cluster import Cluster
from shop import line, open_shop, sql

import grpc

WAIT_S = 30


class Watch:
    """Keeps the newest value of each SKU, as it is told."""

    def __init__(self, book, **fields):
        self.values, self.messages, self.error = {}, [], None
        self.stream = book.stream("WatchAvailability", book.request("WatchAvailability", **fields),
                                  timeout=120)
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        try:
            for message in self.stream:
                for one in message.availabilities:
                    self.values[one.sku] = one.available_to_sell
                self.messages.append(message)
        except grpc.RpcError as error:
            self.error = error

    def wait(self, condition, what="the values are told"):
        server.wait_for(lambda: condition() or self.error, WAIT_S, what)
        assert condition(), (what, self.values, self.error)

    def shows(self, **values):
        self.wait(lambda: all(self.values.get(sku) == value for sku, value in values.items()),
                  values)

    def refused(self):
        server.wait_for(lambda: self.error, WAIT_S, "the stream ends")
        return Refused(self.error, "WatchAvailability")

    def end(self):
        self.stream.cancel()
        self.thread.join(WAIT_S)


def test_all_values_come_first_and_then_what_changed_whoever_changed_it():
    with Cluster() as cluster, server.Server(database=cluster.uri()) as first, \
            server.Server(database=cluster.uri()) as second:
        book, other = first.client(), second.client()
        open_shop(book, skus=("TEAPOT", "MUG", "CUP"),
                  stock={("TEAPOT", "WH"): 10, ("MUG", "NORTH"): 7})
        watch = Watch(book, skus=["TEAPOT", "MUG"], channel="web", heartbeat="0.300s")
        watch.wait(lambda: watch.messages)
        assert watch.values == {"TEAPOT": 10, "MUG": 7}, watch.values
        assert [one.sku for one in watch.messages[0].availabilities] == ["TEAPOT", "MUG"]
        assert len(watch.messages[0].position.parts) > 0
        other.Reserve(channel="web", lines=[line("TEAPOT", 3, "WH")])
        watch.shows(TEAPOT=7, MUG=7)
        other.ReceiveStock(location="SOUTH", lines=[{"sku": "MUG", "quantity": 5},
                                                    {"sku": "CUP", "quantity": 5}])
        watch.shows(TEAPOT=7, MUG=12)
        # What changes it without a movement.
        other.SetSafetyStock(location="SOUTH", lines=[{"sku": "MUG", "quantity": 2}])
        watch.shows(MUG=10)
        other.PutItem(item={"sku": "MUG", "name": "mug", "safety_stock": 4})
        watch.shows(MUG=6)
        other.PutLocation(location={"code": "SOUTH", "name": "South", "disabled": True,
                                    "kind": "LOCATION_KIND_STORE"})
        watch.shows(MUG=3)
        other.PutLocationGroup(location_group={"code": "ALL", "locations": ["NORTH"]})
        watch.shows(TEAPOT=0)
        told = sum(len(message.availabilities) for message in watch.messages)
        assert told == 2 + 7, [list(message.availabilities) for message in watch.messages]
        # Nothing is told twice, but where it stands is.
        beats = len(watch.messages)
        watch.wait(lambda: len(watch.messages) > beats + 2, "heartbeats come")
        assert not watch.messages[-1].availabilities
        assert len(watch.messages[-1].position.parts) > 0
        watch.end()


def test_who_reads_slowly_gets_the_newest_value():
    with server.Server() as running:
        book = running.client()
        skus = [f"SKU-{number}" for number in range(500)]
        open_shop(book, skus=skus)
        slow = running.client().stream("WatchAvailability", book.request(
            "WatchAvailability", skus=skus, locations=["WH", "NORTH"]), timeout=120)
        quick = Watch(running.client(), skus=skus, locations=["WH", "NORTH"])
        quick.wait(lambda: quick.messages)
        for _ in range(60):
            book.ReceiveStock(location="WH",
                              lines=[{"sku": sku, "quantity": 1} for sku in skus])
        quick.shows(**{sku: 60 for sku in skus})
        values, messages = {}, 0
        for message in slow:
            messages += 1
            values.update((one.sku, one.available_to_sell) for one in message.availabilities)
            if set(values.values()) == {60}:
                break
        assert len(values) == 500
        slow.cancel()
        quick.end()


def test_a_watch_of_what_is_not_there_is_an_error_and_the_end_of_the_server_too():
    with server.Server() as running:
        book = running.client()
        open_shop(book)
        wrong = Watch(book, skus=["NONE"], channel="web").refused()
        assert (wrong.code, wrong.reason) == ("NOT_FOUND", "ITEM_NOT_FOUND"), wrong
        watch = Watch(book, skus=["TEAPOT"], channel="web")
        watch.wait(lambda: watch.messages)
        before = time.monotonic()
        running.stop()
        assert watch.refused().code == "UNAVAILABLE"
        assert time.monotonic() - before < 9, "the drain waited for a stream without end"


def test_a_watch_goes_on_when_the_database_comes_back():
    with Cluster() as cluster, server.Server(database=cluster.uri()) as running:
        book = running.client()
        open_shop(book, stock={("TEAPOT", "WH"): 10})
        watch = Watch(book, skus=["TEAPOT"], channel="web")
        watch.shows(TEAPOT=10)
        for number in range(3):
            sql(cluster, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                         " WHERE application_name LIKE 'stockbook %'")
            running.client().send("ReceiveStock", book.request(
                "ReceiveStock", location="WH", lines=[{"sku": "TEAPOT", "quantity": 1}]))
            watch.shows(TEAPOT=11 + number)
        cluster.stop("immediate")
        cluster.start()
        running.wait_until_serving()
        book.ReceiveStock(location="WH", lines=[{"sku": "TEAPOT", "quantity": 1}])
        watch.shows(TEAPOT=14)
        assert watch.error is None
        watch.end()


def test_a_read_may_be_old_and_says_how_old_or_must_include_a_position():
    with Cluster() as cluster, server.Server(database=cluster.uri()) as first, \
            server.Server(database=cluster.uri()) as second:
        book, other = first.client(), second.client()
        open_shop(book, stock={("TEAPOT", "WH"): 10})

        def old():
            return book.GetAvailability(skus=["TEAPOT"], locations=["WH"], max_staleness="60s")

        def from_memory():
            answer = old()
            return answer if answer.HasField("age") else None
        answer = server.wait_for(from_memory, WAIT_S, "an answer from memory")
        assert answer.availabilities[0].available_to_sell == 10
        assert answer.age.ToTimedelta().total_seconds() < 60
        for number in range(30):
            made = other.ReceiveStock(location="WH", lines=[{"sku": "TEAPOT", "quantity": 1}])
            position = {"parts": [{"part": part.part, "sequence": part.sequence}
                                  for part in made.position.parts]}
            answer = book.GetAvailability(skus=["TEAPOT"], locations=["WH"], max_staleness="60s",
                                          at_least=position)
            assert answer.availabilities[0].available_to_sell == 11 + number, answer
            assert old().availabilities[0].available_to_sell == 11 + number
            assert book.available("TEAPOT", "WH") == 11 + number
        try:
            book.send("GetAvailability", book.request(
                "GetAvailability", skus=["TEAPOT"], locations=["WH"],
                at_least={"parts": [{"part": 1, "sequence": 10 ** 12}]}), timeout=1)
            raise AssertionError("it was answered")
        except Refused as error:
            assert error.code == "DEADLINE_EXCEEDED", error


if __name__ == "__main__":
    tap.main()
