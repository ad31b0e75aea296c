"""Shipments over a whole server: picked, packed, shipped, delivered, lost and replaced."""
import tap
from client import refused
from cluster import Cluster
from server import Server, end
from shop import open_shop, race, status

state = {}
SKUS = ("TEAPOT", "KETTLE")


def setup():
    cluster = state["cluster"] = Cluster()
    server = state["server"] = Server(database=cluster.uri())
    book = state["book"] = server.client()
    open_shop(book, SKUS, {(sku, place): 20 for sku in SKUS for place in ("NORTH", "SOUTH", "WH")})


def teardown():
    end(state)


def allocated(sku, quantity, location):
    """(order's id, shipment's id)"""
    book = state["book"]
    placed = book.PlaceOrder(channel="web", customer="ann", lines=[
        {"sku": sku, "quantity": quantity, "location": location}]).order
    shipment = book.CreateShipment(order_id=placed.id, location=location).shipment
    assert status(shipment) == "ALLOCATED" and shipment.order_id == placed.id, shipment
    return placed.id, shipment.id


def shipped(sku, quantity, location):
    order_id, shipment_id = allocated(sku, quantity, location)
    state["book"].ShipShipment(shipment_id=shipment_id, skip=True, carrier="Post", tracking="P 1")
    return order_id, shipment_id


def test_a_shipment_is_picked_packed_shipped_and_delivered():
    book = state["book"]
    before = book.level("TEAPOT", "WH").on_hand
    order_id, shipment_id = allocated("TEAPOT", 3, "WH")
    assert status(book.PickShipment(shipment_id=shipment_id, worker="bea").shipment) == "PICKED"
    packed = book.PackShipment(shipment_id=shipment_id, parcels=2).shipment
    assert status(packed) == "PACKED" and packed.parcels == 2, packed
    assert book.level("TEAPOT", "WH").on_hand == before
    sent = book.ShipShipment(shipment_id=shipment_id, carrier="Post", tracking="RM 17").shipment
    assert (status(sent), sent.carrier, sent.tracking) == ("SHIPPED", "Post", "RM 17"), sent
    assert book.level("TEAPOT", "WH").on_hand == before - 3
    assert status(book.GetOrder(order_id=order_id).order) == "FULFILLED"
    assert status(book.DeliverShipment(shipment_id=shipment_id).shipment) == "DELIVERED"
    refused("WRONG_STATUS", book.LoseShipment, shipment_id=shipment_id,
            status="FAILED_PRECONDITION")


def test_a_lost_parcel_is_replaced():
    book = state["book"]
    before = book.level("KETTLE", "WH")
    order_id, shipment_id = shipped("KETTLE", 2, "WH")
    lost = book.LoseShipment(shipment_id=shipment_id, note="the carrier says so")
    assert status(lost.shipment) == "LOST", lost
    moved = lost.resourced[0]
    assert (moved.remedy, moved.quantity, moved.location) == (2, 2, "WH"), lost.resourced
    other = book.GetShipment(shipment_id=moved.document_id).shipment
    assert other.replaces == shipment_id and status(other) == "ALLOCATED", other
    assert status(book.GetOrder(order_id=order_id).order) == "OPEN"
    book.ShipShipment(shipment_id=other.id, skip=True)
    book.DeliverShipment(shipment_id=other.id)
    assert status(book.GetOrder(order_id=order_id).order) == "FULFILLED"
    assert book.level("KETTLE", "WH").on_hand == before.on_hand - 4
    found = book.pages("ListMovements", "movements", sku="KETTLE", location="")
    assert [one for one in found if one.reason == 25 and one.quantity == 2], found


def test_a_short_pick_is_sent_from_elsewhere():
    book = state["book"]
    order_id, shipment_id = allocated("TEAPOT", 4, "NORTH")
    answer = book.PickShipment(
        shipment_id=shipment_id, remedy="SHORT_REMEDY_RE_SOURCE",
        sourcing={"excluded_locations": ["WH"]},
        lines=[{"line": 1, "picked": 3, "short": 1, "reason": "SHORT_REASON_NOT_FOUND"}])
    assert status(answer.shipment) == "PICKED", answer
    assert [(one.remedy, one.location) for one in answer.resourced] == [(2, "SOUTH")], answer
    order = book.GetOrder(order_id=order_id).order
    assert {one.location: (one.allocated, one.picked) for one in order.lines[0].allocations} == {
        "NORTH": (0, 3), "SOUTH": (1, 0)}, order
    refused("INVALID_FIELD", book.PickShipment, shipment_id=answer.resourced[0].document_id,
            remedy="SHORT_REMEDY_TRANSFER", field="remedy",
            lines=[{"line": 1, "short": 1, "reason": "SHORT_REASON_DAMAGED"}])


def test_a_shipment_is_split():
    book = state["book"]
    order_id, shipment_id = allocated("TEAPOT", 5, "WH")
    answer = book.SplitShipment(shipment_id=shipment_id, lines=[{"line": 1, "quantity": 2}])
    assert answer.shipment.lines[0].to_pick == 3 and answer.split_off.lines[0].to_pick == 2, answer
    book.ShipShipment(shipment_id=shipment_id, skip=True)
    assert status(book.GetOrder(order_id=order_id).order) == "PARTIALLY_FULFILLED"
    book.ShipShipment(shipment_id=answer.split_off.id, skip=True)
    assert status(book.GetOrder(order_id=order_id).order) == "FULFILLED"
    found = book.ListShipments(order_id=order_id).shipments
    assert [one.id for one in found] == [shipment_id, answer.split_off.id], found


def test_steps_are_taken_back_and_a_shipment_is_cancelled():
    book = state["book"]
    before = book.level("TEAPOT", "SOUTH")
    order_id, shipment_id = allocated("TEAPOT", 2, "SOUTH")
    book.PickShipment(shipment_id=shipment_id)
    book.PackShipment(shipment_id=shipment_id)
    assert status(book.StepBackShipment(shipment_id=shipment_id).shipment) == "PICKED"
    assert status(book.StepBackShipment(shipment_id=shipment_id).shipment) == "ALLOCATED"
    book.PickShipment(shipment_id=shipment_id)
    cancelled = book.CancelShipment(shipment_id=shipment_id)
    assert status(cancelled.shipment) == "PUTTING_BACK", cancelled
    assert [one.remedy for one in cancelled.resourced] == [4], cancelled
    assert status(book.GetOrder(order_id=order_id).order) == "CANCELLED"
    assert book.level("TEAPOT", "SOUTH").available == before.available - 2
    waiting = book.ListShipments(location="SOUTH", status="SHIPMENT_STATUS_PUTTING_BACK").shipments
    assert [one.id for one in waiting] == [shipment_id], waiting
    assert status(book.PutBackShipment(shipment_id=shipment_id).shipment) == "CANCELLED"
    assert book.level("TEAPOT", "SOUTH").available == before.available


def test_a_cancel_racing_a_ship_has_one_winner():
    book = state["book"]
    for _ in range(5):
        _, shipment_id = allocated("KETTLE", 1, "NORTH")
        answers, errors = race([
            (book, "ShipShipment", book.request("ShipShipment", shipment_id=shipment_id, skip=True)),
            (book, "CancelShipment", book.request("CancelShipment", shipment_id=shipment_id))])
        assert sum(1 for answer in answers if answer) == 1, (answers, errors)
        assert {error.reason for error in errors if error} == {"WRONG_STATUS"}, errors


def test_the_book_is_proven():
    state["book"].verify_clean()


if __name__ == "__main__":
    tap.main()
