"""Sessions: one stream that carries any mix of calls, from Python."""
import queue
import threading
import time

import tap
from client import Refused, new_id, refused
from cluster import Cluster
from server import Server, end, wait_for
from session import PATH, REQUEST, RESPONSE, Session
from shop import hold_stock, line, open_shop, sql

MANY = 10000
state = {}


def setup():
    state["cluster"] = Cluster()
    state["server"] = Server("--session-operations-max", "300", database=state["cluster"].uri())
    state["book"] = state["server"].client()
    open_shop(state["book"], skus=("TEAPOT", "KETTLE", "LOCKED"),
              stock={("TEAPOT", "WH"): 100, ("KETTLE", "WH"): MANY, ("LOCKED", "WH"): 100})


def teardown():
    end(state)


def test_basket_is_held_ordered_and_shipped_in_one_session():
    with Session(state["book"]) as session:
        held = session.call("Reserve", owner="basket", channel="web",
                            lines=[line("TEAPOT", 2)]).reservation
        assert session.call("GetReservation", reservation_id=held.id).reservation == held
        order = session.call("ConfirmReservation", reservation_id=held.id).order
        for step in ("PickOrder", "ShipOrder"):
            order = session.call(step, order_id=order.id).order
        assert order.lines[0].fulfilled == 2
        session.close()
        assert session.finish() == {}
    assert state["book"].level("TEAPOT", "WH").available == 98


def test_ten_thousand_operations_are_answered_once_each_and_not_in_their_order():
    """A writer beside a reader: more than is read ahead, in messages of several."""
    with Session(state["book"]) as session:
        numbers = []
        for start in range(0, MANY, 100):
            several = [session.operation("GetAvailability", skus=["KETTLE"], locations=["WH"])
                       if (start + i) % 4 == 0 else
                       session.operation("Reserve", owner="many", lines=[line("KETTLE", 1, "WH")])
                       for i in range(100)]
            numbers += [operation.number for operation in several]
            session.write(*several)
        found = session.answers(MANY)
        assert sorted(found) == numbers
        wrong = [answer for answer in found.values() if isinstance(answer, Refused)]
        assert not wrong, wrong[0]
        assert list(found) != numbers, "answers come as they are there"
        assert session.messages < MANY / 2, session.messages
        held = {answer.reservation.id for answer in found.values()
                if hasattr(answer, "reservation")}
        assert len(held) == MANY * 3 // 4
        session.close()
        session.finish()
    assert state["book"].level("KETTLE", "WH").reserved == MANY * 3 // 4
    state["book"].verify_clean()


def test_what_is_wrong_with_one_operation_leaves_the_others_alone():
    with Session(state["book"]) as session:
        bad = {
            "INVALID_FIELD": session.operation("Reserve", owner="x", lines=[]),
            "MALFORMED_MESSAGE": session.operation("Reserve", request=b"\x0a\xff"),
            "OUT_OF_STOCK": session.operation("Reserve", lines=[line("TEAPOT", 10000, "WH")]),
            "ORDER_NOT_FOUND": session.operation("GetOrder", order_id=new_id()),
            "DEADLINE_EXCEEDED": session.operation("GetServerInfo", timeout=0),
        }
        unknown = [session.operation(name) for name in
                   ("OrderService/Place", "", "/stockbook.v1.OrderService/PlaceOrder", "x" * 5000,
                    "grpc.health.v1.Health/Check", "Drücken/Å")]
        streams = [session.operation("Verify"), session.operation("Session", request=b"")]
        good = [session.operation("GetServerInfo"), session.operation("Echo", payload="aGVsbG8=")]
        session.write(*bad.values(), *unknown, *streams, *good)
        found = session.answers(len(bad) + len(unknown) + len(streams) + len(good))
        assert [found[bad[reason].number].reason for reason in bad] == list(bad)
        wrong = found[bad["INVALID_FIELD"].number]
        assert wrong.code == "INVALID_ARGUMENT" and "lines" in wrong.fields, wrong
        short = found[bad["OUT_OF_STOCK"].number]
        assert short.metadata["lines[0].requested"] == "10000" and len(short.tag) == 16
        for operation in unknown:
            error = found[operation.number]
            assert (error.code, error.reason) == ("UNIMPLEMENTED", "METHOD_NOT_FOUND"), error
        for operation in streams:
            error = found[operation.number]
            assert error.code == "UNIMPLEMENTED" and "streams" in error.message, error
        assert found[good[0].number].version and found[good[1].number].payload == b"hello"


def test_request_id_is_answered_alike_in_a_session_and_as_a_single_call():
    book = state["book"]
    request = book.request("Reserve", owner="twice", lines=[line("TEAPOT", 1, "WH")])
    alone = book.send("Reserve", request)
    with Session(book) as session:
        again = session.call("Reserve", request=request.SerializeToString())
        assert again.reservation == alone.reservation
        other = book.request("Reserve", owner="other", lines=[line("TEAPOT", 1, "WH")],
                             request_id=request.request_id)
        refused("REQUEST_ID_REUSED", session.call, "Reserve", request=other.SerializeToString())


def test_half_close_is_answered_in_full_before_the_end():
    holder = hold_stock(state["cluster"], 0.7, "sku = 'LOCKED'")
    with Session(state["book"]) as session:
        late = [session.send("Reserve", lines=[line("LOCKED", 1, "WH")]) for _ in range(20)]
        session.send("Echo", payload="")
        session.close()
        found = session.finish()
        assert set(late) < set(found) and len(found) == 21
        assert not [answer for answer in found.values() if isinstance(answer, Refused)]
        assert list(found)[0] == 21, "what waits for a lock does not hold up the others"
    assert holder.wait() == 0
    assert state["book"].level("LOCKED", "WH").reserved == 20


def test_malformed_message_ends_the_session_after_the_answers_to_what_came_before():
    holder = hold_stock(state["cluster"], 0.5, "sku = 'LOCKED'")
    for bad in (b"\x0a\xff", b"\x0a\x04\x12\x02\xff\xff", b"\x0a\x00" * 257):
        with Session(state["book"]) as session:
            number = session.send("Reserve", lines=[line("LOCKED", 1, "WH")])
            session.requests.put(bad)
            assert session.answer(number).reservation.id
            error = refused("MALFORMED_MESSAGE" if len(bad) < 10 else "INVALID_FIELD",
                            session.finish)
            assert error.code == "INVALID_ARGUMENT", error
    assert holder.wait() == 0


def test_cancelled_session_touches_no_neighbour():
    """What is in the database ends there; two sessions on the same stock, one goes."""
    book = state["book"]
    before = book.level("LOCKED", "WH").reserved
    holder = hold_stock(state["cluster"], 0.7, "sku = 'LOCKED'")
    with Session(book) as stays, Session(book) as goes:
        mine = [stays.send("Reserve", lines=[line("LOCKED", 1, "WH")]) for _ in range(5)]
        for _ in range(5):
            goes.send("Reserve", lines=[line("LOCKED", 1, "WH")])
        goes.send("Echo", payload="")
        assert goes.answers(1), "what came before it has been taken"
        goes.stream.cancel()
        found = stays.answers(len(mine))
        assert not [answer for answer in found.values() if isinstance(answer, Refused)], found
    assert holder.wait() == 0
    after = book.level("LOCKED", "WH").reserved
    assert before + 5 <= after <= before + 10, (before, after)
    book.verify_clean()


def test_caller_who_does_not_read_is_not_read_from():
    """He writes much more than may be in flight; the server takes a bounded part of it, and
    others are served."""
    book = state["book"]
    written, may_read = [0], threading.Event()
    big = "x" * 40000
    total = 3000
    answers = queue.SimpleQueue()

    def requests():
        for start in range(0, total, 10):
            several = [session.operation("Echo", payload=big) for _ in range(10)]
            written[0] = start + 10
            yield REQUEST(operations=several)

    with Session(book) as session:
        session.close()
        stream = book.channel.stream_stream(
            PATH, request_serializer=lambda request: request.SerializeToString(),
            response_deserializer=RESPONSE.FromString)(requests(), timeout=120)

        def read():
            may_read.wait()
            for message in stream:
                for answer in message.answers:
                    answers.put(answer.number)
            answers.put(None)

        reader = threading.Thread(target=read)
        reader.start()
        last = -1
        while written[0] != last:
            last = written[0]
            time.sleep(0.5)
        assert last < total, "90 MB were taken of somebody who reads nothing"
        book.GetServerInfo()
        may_read.set()
        found = set(iter(answers.get, None))
        reader.join()
        assert len(found) == total


def locks_awaited(count):
    lanes = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    wait_for(lambda: sql(state["cluster"], lanes) >= [[str(count)]], 20, "a lane waits for a lock")


def test_operation_not_begun_in_its_own_time_is_not_begun_any_more():
    before = state["book"].level("LOCKED", "WH").reserved
    holder = hold_stock(state["cluster"], 1.5, "sku = 'LOCKED'")
    with Server("--lanes", "1", database=state["cluster"].uri()) as server, \
            Session(server.client()) as session:
        begun = session.send("Reserve", timeout=0.3, lines=[line("LOCKED", 1, "WH")])
        locks_awaited(1)
        late = session.send("Reserve", timeout=0.3, lines=[line("LOCKED", 1, "WH")])
        refused("DEADLINE_EXCEEDED", session.answer, late, status="DEADLINE_EXCEEDED")
        assert session.answer(begun).reservation.id, "what is in the database is carried out"
    assert holder.wait() == 0
    assert state["book"].level("LOCKED", "WH").reserved == before + 1


def test_token_of_the_stream_is_asked_for_each_operation():
    with Server(database=state["cluster"].uri(), tokens=True) as server:
        admin = server.client(server.admin_token())
        shop = admin.CreateToken(name="session-shop", role="ROLE_SHOP")
        reader = admin.CreateToken(name="session-reader", role="ROLE_READER")
        for token in (None, "wrong"):
            with Session(server.client(token)) as session:
                session.send("GetServerInfo")
                refused("TOKEN_INVALID", session.answers, 1, status="UNAUTHENTICATED")
        with Session(server.client(reader.secret)) as session:
            assert session.call("GetServerInfo").version
            refused("ROLE_NOT_ALLOWED", session.call, "Reserve", lines=[line("TEAPOT", 1, "WH")])
        with Session(server.client(shop.secret)) as session:
            assert session.call("Reserve", lines=[line("TEAPOT", 1, "WH")]).reservation.id
            refused("ROLE_NOT_ALLOWED", session.call, "ReceiveStock", location="WH",
                    lines=[{"sku": "TEAPOT", "quantity": 1}])
            admin.RevokeToken(name="session-shop")
            # The stream stays; whoever asks in it is told.
            for _ in range(2):
                refused("TOKEN_INVALID", session.call, "GetServerInfo", status="UNAUTHENTICATED")


def test_full_queue_refuses_operations_with_the_time_to_come_again():
    holder = hold_stock(state["cluster"], 1.0, "sku = 'LOCKED'")
    with Server("--queue-operations-max", "10", "--lanes", "1",
                database=state["cluster"].uri()) as server, \
            Session(server.client()) as session:
        session.write(*[session.operation("Reserve", lines=[line("LOCKED", 1, "WH")])
                        for _ in range(100)])
        found = session.answers(100)
        errors = [answer for answer in found.values() if isinstance(answer, Refused)]
        assert 80 <= len(errors) < 100, len(errors)
        for error in errors:
            assert (error.code, error.reason) == ("RESOURCE_EXHAUSTED", "OVERLOADED"), error
            assert error.retry_after > 0
    assert holder.wait() == 0


def test_operations_count_among_the_calls_in_flight():
    holder = hold_stock(state["cluster"], 1.0, "sku = 'LOCKED'")
    with Server("--calls-in-flight-max", "20", database=state["cluster"].uri()) as server, \
            Session(server.client()) as session:
        session.write(*[session.operation("Reserve", lines=[line("LOCKED", 1, "WH")])
                        for _ in range(50)])
        found = session.answers(50)
        errors = [answer for answer in found.values() if isinstance(answer, Refused)]
        # One connection may have as many as are left: the stream, and nine.
        assert len(errors) == 41, len(errors)
        assert {error.reason for error in errors} == {"OVERLOADED"}
    assert holder.wait() == 0


def test_shutdown_answers_what_was_begun_and_ends_the_stream():
    before = state["book"].level("LOCKED", "WH").reserved
    holder = hold_stock(state["cluster"], 1.0, "sku = 'LOCKED'")
    with Server(database=state["cluster"].uri()) as server, Session(server.client()) as session:
        numbers = [session.send("Reserve", lines=[line("LOCKED", 1, "WH")]) for _ in range(8)]
        locks_awaited(1)
        session.call("Echo", payload="")  # all that came before it has been taken
        server.process.terminate()
        found = session.answers(len(numbers))
        assert not [answer for answer in found.values() if isinstance(answer, Refused)], found
        error = refused("UNAVAILABLE", session.finish)
        assert error.code == "UNAVAILABLE" and error.retry_after > 0, error
        server.process.wait(timeout=30)
    assert holder.wait() == 0
    assert state["book"].level("LOCKED", "WH").reserved == before + 8


if __name__ == "__main__":
    tap.main()
