"""StreamEvents through real servers: everything once and in order, from any position, on any of
several servers; filtered; told where it stands; ended with an error where it cannot go on."""
import threading

import server
import tap
from client import MESSAGES, Refused, new_id
from cluster import Cluster
from shop import line, open_shop, sql

import grpc

REQUEST = MESSAGES["stockbook.v1.StreamEventsRequest"]
POSITION = MESSAGES["stockbook.v1.Position"]
WAIT_S = 30


class Follower:
    """Reads a stream on a thread of its own."""

    def __init__(self, book, **fields):
        self.events, self.positions, self.error = [], [], None
        self.heartbeats = 0
        self.stream = book.stream("StreamEvents", book.request("StreamEvents", **fields),
                                  timeout=120)
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        try:
            for message in self.stream:
                self.heartbeats += not message.events
                self.events.extend(message.events)
                self.positions.append(message.position)
        except grpc.RpcError as error:
            self.error = error

    def position(self):
        return {part.part: part.sequence for part in self.positions[-1].parts}

    def wait(self, condition, what):
        server.wait_for(lambda: condition() or self.error, WAIT_S, what)
        assert condition(), (what, self.error)

    def begin(self):
        self.wait(lambda: self.positions, "the stream begins")
        return self

    def reach(self, position):
        """Until it has all up to there: {part: sequence}."""
        self.wait(lambda: self.positions and all(
            self.position().get(part, 0) >= sequence for part, sequence in position.items()),
            "the stream comes so far")

    def end(self):
        self.stream.cancel()
        self.thread.join(WAIT_S)
        return self

    def refused(self):
        server.wait_for(lambda: self.error, WAIT_S, "the stream ends")
        return Refused(self.error, "StreamEvents")


def one(event):
    return event.movement if event.HasField("movement") else event.change


def key(event):
    return (one(event).part, one(event).sequence)


def in_order(events):
    """Each part's sequences come one after the other."""
    last = {}
    for event in events:
        part, sequence = key(event)
        assert sequence == last.get(part, sequence - 1) + 1, (part, last.get(part), sequence)
        last[part] = sequence
    return last


def heads(cluster):
    return {int(part): int(sequence) for part, sequence in
            sql(cluster, "SELECT part, sequence FROM part_head WHERE sequence > 0")}


def test_every_event_is_told_once_and_in_order_with_all_that_the_ledger_has():
    with Cluster() as cluster, server.Server(database=cluster.uri()) as running:
        book = running.client()
        open_shop(book, stock={("TEAPOT", "WH"): 10})
        follower = Follower(book, **{"from": {}})
        request_id = new_id()
        held = book.Reserve(request_id=request_id, owner="basket", channel="web",
                            lines=[line("TEAPOT", 3, "WH")])
        book.ReleaseReservation(reservation_id=held.reservation.id)
        follower.reach(heads(cluster))
        last = in_order(follower.events)
        assert last == heads(cluster), (last, heads(cluster))
        assert follower.position() == last
        assert len(follower.events) == sum(last.values())
        reserve = [event.movement for event in follower.events
                   if event.movement.request_id == request_id]
        assert len(reserve) == 1, reserve
        assert (reserve[0].sku, reserve[0].quantity) == ("TEAPOT", 3)
        assert reserve[0].document_id == held.reservation.id
        assert reserve[0].channel == "web"
        steps = [event.change.step for event in follower.events
                 if event.change.document_id == held.reservation.id]
        assert steps[0] == "reserve" and "release" in steps, steps
        follower.end()


def test_a_stream_goes_on_from_its_position_on_another_server():
    with Cluster() as cluster:
        first = server.Server(database=cluster.uri())
        with server.Server(database=cluster.uri()) as second:
            book = second.client()
            open_shop(book)
            follower = Follower(first.client(), **{"from": {}}).begin()
            for number in range(20):
                book.ReceiveStock(location="NORTH", lines=[{"sku": "TEAPOT", "quantity": 1}])
                if number == 10:
                    first.stop()  # as an administrator does, while it streams
            error = follower.refused()
            assert error.code == "UNAVAILABLE", error
            rest = Follower(book, **{"from": {"parts": [
                {"part": part, "sequence": sequence}
                for part, sequence in follower.position().items()]}})
            rest.reach(heads(cluster))
            told = [key(event) for event in follower.events + rest.events]
            assert len(told) == len(set(told))
            assert in_order(follower.events + rest.events) == heads(cluster)
            rest.end()


def test_only_what_was_asked_for_is_told_and_the_position_passes_over_the_rest():
    with Cluster() as cluster, server.Server(database=cluster.uri()) as running:
        book = running.client()
        open_shop(book, skus=("TEAPOT", "MUG"))
        now = Follower(book, locations=["NORTH"], skus=["MUG"],
                       heartbeat="0.200s").begin()
        orders = Follower(book, document_kinds=["DOCUMENT_KIND_RESERVATION"], channels=["web"],
                          **{"from": {}}).begin()
        for sku in ("TEAPOT", "MUG"):
            for location in ("NORTH", "SOUTH"):
                book.ReceiveStock(location=location, lines=[{"sku": sku, "quantity": 5}])
        book.Reserve(channel="web", lines=[line("MUG", 1, "SOUTH")])
        book.Reserve(channel="till", lines=[line("MUG", 1, "SOUTH")])
        now.reach(heads(cluster))
        now.wait(lambda: now.heartbeats > 2, "it is told where it stands")
        assert [event.movement.quantity for event in now.events] == [5, 0], now.events
        assert now.events[1].change.document_kind == 5
        orders.wait(lambda: len(orders.events) >= 2, "the reservation is told")
        assert [event.HasField("movement") for event in orders.events] == [True, False]
        now.end()
        orders.end()


def test_who_does_not_read_holds_up_nobody_and_gets_all():
    with Cluster() as cluster, server.Server(database=cluster.uri()) as running:
        book = running.client()
        open_shop(book)
        slow = running.client().stream(
            "StreamEvents", book.request("StreamEvents", **{"from": {}}), timeout=120)
        quick = Follower(running.client(), **{"from": {}})
        for _ in range(8):
            book.ReceiveStock(location="WH", lines=[{"sku": "TEAPOT", "quantity": 1}] * 8000)
        quick.reach(heads(cluster))
        assert in_order(quick.events) == heads(cluster)
        events = []
        for message in slow:
            events.extend(message.events)
            if len(events) >= sum(heads(cluster).values()):
                break
        assert in_order(events) == heads(cluster)
        slow.cancel()
        quick.end()


def test_a_position_that_cannot_be_gone_on_from_is_an_error():
    with Cluster() as cluster, server.Server(database=cluster.uri()) as running:
        book = running.client()
        open_shop(book, stock={("TEAPOT", "WH"): 10})
        part, sequence = next(iter(heads(cluster).items()))
        sql(cluster, f"DELETE FROM movement WHERE part = {part} AND sequence <= {sequence}")
        sql(cluster, f"DELETE FROM change WHERE part = {part} AND sequence <= {sequence}")
        old = Follower(book, **{"from": {}}).refused()
        assert (old.code, old.reason) == ("OUT_OF_RANGE", "POSITION_TOO_OLD"), old
        assert old.metadata["part"] == str(part), old.metadata
        new = Follower(book, **{"from": {"parts": [{"part": 1, "sequence": 10 ** 9}]}}).refused()
        assert (new.code, new.reason) == ("OUT_OF_RANGE", "POSITION_TOO_NEW"), new
        other = Follower(book, **{"from": {"parts": [{"part": 4000, "sequence": 1}]}}).refused()
        assert other.code == "INVALID_ARGUMENT" and "from.parts[0].part" in other.fields, other
        # What is after it goes on.
        follower = Follower(book, **{"from": {"parts": [
            {"part": p, "sequence": s} for p, s in heads(cluster).items()]}}).begin()
        book.ReceiveStock(location="WH", lines=[{"sku": "TEAPOT", "quantity": 1}])
        follower.wait(lambda: len(follower.events) == 2, "the receipt is told")
        follower.end()


def test_a_lost_database_leaves_no_gap():
    with Cluster() as cluster, server.Server(database=cluster.uri()) as running:
        book = running.client()
        open_shop(book)
        follower = Follower(book, **{"from": {}}).begin()
        for _ in range(3):
            book.ReceiveStock(location="WH", lines=[{"sku": "TEAPOT", "quantity": 1}] * 100)
            sql(cluster, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                         " WHERE application_name LIKE 'stockbook feed%'")
            book.ReceiveStock(location="WH", lines=[{"sku": "TEAPOT", "quantity": 1}] * 100)
        cluster.stop("immediate")
        assert follower.error is None
        cluster.start()
        running.wait_until_serving()
        book.ReceiveStock(location="WH", lines=[{"sku": "TEAPOT", "quantity": 1}] * 100)
        follower.reach(heads(cluster))
        assert in_order(follower.events) == heads(cluster)
        follower.end()


if __name__ == "__main__":
    tap.main()
