"""Pickups over a whole server: from the order to the customer's hands, and what comes between."""
import datetime
import re
import signal

import tap
from client import refused
from cluster import Cluster
from server import Server, end, wait_for
from session import Session
from shop import open_shop, put_stores, race, status

state = {}
SKUS = ("TEAPOT", "KETTLE", "CUP")


def setup():
    cluster = state["cluster"] = Cluster()
    server = state["server"] = Server(database=cluster.uri())
    book = state["book"] = server.client()
    open_shop(book, SKUS, {(sku, place): 20 for sku in SKUS for place in ("NORTH", "SOUTH", "WH")})
    put_stores(book, "NORTH", "SOUTH", hands_over_pickups=True)


def teardown():
    end(state)


def order(sku, quantity, location, method="PICKUP", **more):
    return state["book"].PlaceOrder(channel="web", customer="ann", lines=[{
        "sku": sku, "quantity": quantity, "location": location,
        "method": f"FULFILMENT_METHOD_{method}"}], **more)


def accepted(sku, quantity, location):
    pickup = order(sku, quantity, location).pickups[0]
    state["book"].AcceptPickup(pickup_id=pickup.id)
    return pickup.id


def ready(sku, quantity, location, **more):
    """(id, code)"""
    book = state["book"]
    pickup_id = accepted(sku, quantity, location)
    book.PickPickup(pickup_id=pickup_id)
    return pickup_id, book.ReadyPickup(pickup_id=pickup_id, **more).code


def units(pickup):
    """(awaiting, to_pick, picked, done, put_back, dropped) of its one line."""
    line = pickup.lines[0]
    return (line.awaiting, line.to_pick, line.picked, line.done, line.put_back, line.dropped)


def test_a_pickup_goes_from_the_order_to_the_customer():
    book = state["book"]
    before = book.level("TEAPOT", "NORTH").on_hand
    placed = order("TEAPOT", 2, "NORTH")
    pickup = placed.pickups[0]
    assert status(pickup) == "REQUESTED" and pickup.location == "NORTH", pickup
    assert pickup.accept_by.seconds - pickup.create_time.seconds == 3600, pickup
    assert pickup.ready_by.seconds - pickup.create_time.seconds == 4 * 3600, pickup
    assert status(book.AcceptPickup(pickup_id=pickup.id, worker="bea").pickup) == "ACCEPTED"
    assert status(book.PickPickup(pickup_id=pickup.id).pickup) == "PICKED"
    answer = book.ReadyPickup(pickup_id=pickup.id)
    assert status(answer.pickup) == "READY" and answer.pickup.code_attempts_left == 5
    assert re.fullmatch(r"[2-9A-HJKMNP-TV-Z]{4}-[2-9A-HJKMNP-TV-Z]{4}", answer.code), answer.code
    assert book.level("TEAPOT", "NORTH").on_hand == before
    typed = answer.code.lower().replace("-", " ")
    collected = book.CollectPickup(pickup_id=pickup.id, code=typed, channel="till", worker="bea")
    assert collected.outcome == 1 and status(collected.pickup) == "COLLECTED", collected
    assert collected.position.parts
    assert book.level("TEAPOT", "NORTH").on_hand == before - 2
    assert status(book.GetOrder(order_id=placed.order.id).order) == "FULFILLED"
    refused("WRONG_STATUS", book.CancelPickup, pickup_id=pickup.id, status="FAILED_PRECONDITION")
    book.verify_clean()


def test_a_code_is_told_once():
    book = state["book"]
    pickup_id = accepted("TEAPOT", 1, "NORTH")
    book.PickPickup(pickup_id=pickup_id)
    request = book.request("ReadyPickup", pickup_id=pickup_id)
    first = book.send("ReadyPickup", request)
    again = book.send("ReadyPickup", request)
    assert first.code and again.code == "", (first.code, again.code)
    assert again.pickup == first.pickup
    assert book.GetPickup(pickup_id=pickup_id).pickup.code_attempts_left == 5
    request = book.request("IssuePickupCode", pickup_id=pickup_id)
    other = book.send("IssuePickupCode", request)
    assert other.code not in ("", first.code)
    assert book.send("IssuePickupCode", request).code == ""
    assert book.CollectPickup(pickup_id=pickup_id, code=first.code).outcome == 2
    assert book.CollectPickup(pickup_id=pickup_id, code=other.code).outcome == 1


def test_a_till_behind_a_session_does_the_same():
    book = state["book"]
    pickup_id = accepted("TEAPOT", 1, "NORTH")
    with Session(book) as till:
        till.call("PickPickup", pickup_id=pickup_id)
        code = till.call("ReadyPickup", pickup_id=pickup_id).code
        assert re.fullmatch(r"[2-9A-Z]{4}-[2-9A-Z]{4}", code), code
        assert till.call("CollectPickup", pickup_id=pickup_id, code="2222-2222").outcome == 2
        assert till.call("CollectPickup", pickup_id=pickup_id, code=code).outcome == 1


def test_wrong_codes_lock_and_a_person_is_identified():
    book = state["book"]
    pickup_id, code = ready("TEAPOT", 1, "NORTH")
    request = book.request("CollectPickup", pickup_id=pickup_id, code="2222-2222")
    for _ in range(3):  # the same call sent again counts once
        answer = book.send("CollectPickup", request)
        assert (answer.outcome, answer.pickup.code_attempts_left) == (2, 4), answer
    for left in (3, 2, 1, 0):
        answer = book.CollectPickup(pickup_id=pickup_id, code="3333-3333")
        assert (answer.outcome, answer.pickup.code_attempts_left) == (2, left), answer
    assert book.CollectPickup(pickup_id=pickup_id, code=code).outcome == 3
    refused("INVALID_FIELD", book.CollectPickup, pickup_id=pickup_id, field="code")
    refused("INVALID_FIELD", book.CollectPickup, pickup_id=pickup_id,
            identification={"name": "Ann Smith"}, field="identification.shown")
    answer = book.CollectPickup(pickup_id=pickup_id,
                                identification={"name": "Ann Smith", "shown": "passport"})
    assert answer.outcome == 1 and answer.pickup.collected_by == "Ann Smith (passport)", answer


def test_a_pickup_collected_twice_at_once_is_handed_over_once():
    book = state["book"]
    before = book.level("TEAPOT", "NORTH").on_hand
    pickup_id, code = ready("TEAPOT", 1, "NORTH")
    answers, errors = race([
        (book, "CollectPickup", book.request("CollectPickup", pickup_id=pickup_id, code=code))
        for _ in range(8)])
    assert sum(1 for answer in answers if answer) == 1, answers
    assert {error.reason for error in errors if error} == {"WRONG_STATUS"}, errors
    assert book.level("TEAPOT", "NORTH").on_hand == before - 1


def test_a_short_pick_in_one_store_is_fetched_in_another():
    book = state["book"]
    pickup_id = accepted("KETTLE", 3, "NORTH")
    south = book.level("KETTLE", "SOUTH").allocated
    answer = book.PickPickup(
        pickup_id=pickup_id, remedy="SHORT_REMEDY_RE_SOURCE", note="shelf empty",
        lines=[{"line": 1, "picked": 1, "short": 2, "reason": "SHORT_REASON_NOT_FOUND"}])
    assert status(answer.pickup) == "PICKED" and units(answer.pickup) == (0, 0, 1, 0, 0, 2)
    moved = answer.resourced[0]
    assert (moved.remedy, moved.quantity, moved.location) == (2, 2, "SOUTH"), answer.resourced
    other = book.GetPickup(pickup_id=moved.document_id).pickup
    assert status(other) == "REQUESTED" and units(other) == (0, 2, 0, 0, 0, 0), other
    assert book.level("KETTLE", "SOUTH").allocated == south + 2
    assert book.level("KETTLE", "NORTH").on_hand == 18
    found = book.ListPickups(order_id=other.order_id).pickups
    assert {pickup.id for pickup in found} == {pickup_id, other.id}, found
    # Both are fetched, and the order is done.
    book.AcceptPickup(pickup_id=other.id)
    book.PickPickup(pickup_id=other.id)
    for one in (pickup_id, other.id):
        code = book.ReadyPickup(pickup_id=one).code
        assert book.CollectPickup(pickup_id=one, code=code).outcome == 1
    assert status(book.GetOrder(order_id=other.order_id).order) == "FULFILLED"
    book.verify_clean()


def test_a_short_pick_is_brought_by_a_transfer():
    book = state["book"]
    pickup_id = accepted("CUP", 2, "SOUTH")
    answer = book.PickPickup(
        pickup_id=pickup_id, remedy="SHORT_REMEDY_TRANSFER",
        lines=[{"line": 1, "picked": 1, "short": 1, "reason": "SHORT_REASON_DAMAGED"}])
    assert status(answer.pickup) == "AWAITING_TRANSFER", answer.pickup
    transfer = answer.resourced[0].document_id
    assert book.level("CUP", "SOUTH").damaged == 1
    book.DispatchTransfer(transfer_id=transfer)
    assert book.level("CUP", "SOUTH").in_transit == 1
    book.ReceiveTransfer(transfer_id=transfer)
    pickup = book.GetPickup(pickup_id=pickup_id).pickup
    assert status(pickup) == "PICKING" and units(pickup) == (0, 1, 1, 0, 0, 1), pickup
    book.PickPickup(pickup_id=pickup_id)
    code = book.ReadyPickup(pickup_id=pickup_id).code
    assert book.CollectPickup(pickup_id=pickup_id, code=code).outcome == 1
    assert book.level("CUP", "SOUTH").in_transit == 0


def test_what_nobody_fetches_in_time_is_put_back_and_free_again():
    book = state["book"]
    available = book.available("CUP", "NORTH")
    soon = (datetime.datetime.utcnow() + datetime.timedelta(seconds=1)).isoformat() + "Z"
    pickup_id, code = ready("CUP", 2, "NORTH", collect_by=soon)

    def swept():
        return status(book.GetPickup(pickup_id=pickup_id).pickup) == "PUTTING_BACK"
    wait_for(swept, 30, "the sweeper comes")
    refused("WRONG_STATUS", book.CollectPickup, pickup_id=pickup_id, code=code)
    assert book.available("CUP", "NORTH") == available - 2
    assert status(book.PutBackPickup(pickup_id=pickup_id).pickup) == "CANCELLED"
    assert book.available("CUP", "NORTH") == available
    state["server"].signal(signal.SIGUSR1)
    wait_for(lambda: "stockbook_engine_expired_pickups_total 1\n" in state["server"].log(), 30,
             "the metric counts it")


def test_a_cancel_racing_a_collection_has_one_winner():
    book = state["book"]
    for _ in range(5):
        pickup_id, code = ready("CUP", 1, "NORTH")
        answers, errors = race([
            (book, "CollectPickup", book.request("CollectPickup", pickup_id=pickup_id, code=code)),
            (book, "CancelPickup", book.request("CancelPickup", pickup_id=pickup_id))])
        assert sum(1 for answer in answers if answer) == 1, (answers, errors)
        assert {error.reason for error in errors if error} == {"WRONG_STATUS"}, errors
        if status(book.GetPickup(pickup_id=pickup_id).pickup) == "PUTTING_BACK":
            book.PutBackPickup(pickup_id=pickup_id)


def test_steps_are_taken_back():
    book = state["book"]
    before = book.level("CUP", "SOUTH")
    pickup_id, code = ready("CUP", 1, "SOUTH")
    for expected in ("PICKED", "ACCEPTED", "REQUESTED"):
        back = book.StepBackPickup(pickup_id=pickup_id).pickup
        assert status(back) == expected, (back, expected)
    refused("WRONG_STATUS", book.StepBackPickup, pickup_id=pickup_id)
    refused("WRONG_STATUS", book.CollectPickup, pickup_id=pickup_id, code=code)
    book.CancelPickup(pickup_id=pickup_id)
    after = book.level("CUP", "SOUTH")
    assert (after.available, after.allocated, after.picked) == (
        before.available, before.allocated, before.picked), (before, after)


def test_a_pickup_is_kept_longer_and_the_book_is_proven():
    book = state["book"]
    pickup_id, code = ready("CUP", 1, "SOUTH")
    later = (datetime.datetime.utcnow() + datetime.timedelta(days=30)).isoformat() + "Z"
    kept = book.ExtendPickup(pickup_id=pickup_id, collect_by=later).pickup
    assert kept.collect_by.ToJsonString()[:16] == later[:16], kept
    waiting = book.ListPickups(location="SOUTH", status="PICKUP_STATUS_READY").pickups
    assert [pickup.id for pickup in waiting] == [pickup_id], waiting
    assert book.CollectPickup(pickup_id=pickup_id, code=code).outcome == 1
    book.verify_clean()


if __name__ == "__main__":
    tap.main()
