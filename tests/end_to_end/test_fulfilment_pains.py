"""What goes wrong in other systems between the order and the customer, each by its name, and does
not here. Those of stock and promises are in test_pains.py."""
import random

import tap
from client import refused
from cluster import Cluster
from server import Server, end
from shop import count, line, open_shop, put_stores, race, reasons

state = {}
PLACES = ("WH", "NORTH", "SOUTH")
PICKUP, SHIP_TO_STORE = "FULFILMENT_METHOD_PICKUP", "FULFILMENT_METHOD_SHIP_TO_STORE"
SHORT = "SHORT_REASON_NOT_FOUND"


def setup():
    cluster = state["cluster"] = Cluster()
    state["server"] = Server(database=cluster.uri())
    book = state["book"] = state["server"].client()
    open_shop(book)
    put_stores(book, "NORTH", "SOUTH", hands_over_pickups=True)
    book.PutChannel(channel={"code": "planned", "kind": "CHANNEL_KIND_WEB", "location_group": "ALL",
                             "plans_shipments": True})


def teardown():
    end(state)


def stocked(sku, **places):
    book = state["book"]
    book.PutItem(item={"sku": sku})
    for location, quantity in places.items():
        book.ReceiveStock(location=location, lines=[{"sku": sku, "quantity": quantity}])
    return book


def of_line(order_id, number=1):
    """(open, allocated, picked, fulfilled, cancelled)"""
    at = state["book"].GetOrder(order_id=order_id).order.lines[number - 1]
    assert at.ordered == at.open + at.allocated + at.picked + at.fulfilled + at.cancelled, at
    return (at.open, at.allocated, at.picked, at.fulfilled, at.cancelled)


def held(sku, location):
    """(available, allocated, picked, on hand)"""
    level = state["book"].level(sku, location)
    return (level.available, level.allocated, level.picked, level.on_hand)


def pickup_of(sku, quantity, location):
    """(order's id, pickup's id)"""
    placed = state["book"].PlaceOrder(channel="web", lines=[
        line(sku, quantity, location, method=PICKUP)])
    return placed.order.id, placed.pickups[0].id


def shipment_of(sku, quantity, location):
    """(order's id, shipment's id)"""
    placed = state["book"].PlaceOrder(channel="planned", lines=[line(sku, quantity, location)])
    return placed.order.id, placed.shipments[0].id


# -- pickups -------------------------------------------------------------------------------------


def test_a_pickup_is_not_accepted_where_there_is_no_stock():
    book = stocked("FETCHED", WH=50, NORTH=4)
    refused("OUT_OF_STOCK", book.PlaceOrder, channel="web",
            lines=[line("FETCHED", 1, "SOUTH", method=PICKUP)])
    calls = [(book, "PlaceOrder", book.request("PlaceOrder", channel="web", lines=[
        line("FETCHED", 1, "NORTH", method=PICKUP)])) for _ in range(40)]
    answers, errors = race(calls)
    assert count(answers) == 4 and reasons(errors) == {"OUT_OF_STOCK"}, (answers, errors)
    assert held("FETCHED", "NORTH") == (0, 4, 0, 4)
    # What waits to be accepted is nobody else's.
    refused("OUT_OF_STOCK", book.Reserve, lines=[line("FETCHED", 1, "NORTH")])
    for answer in filter(None, answers):
        book.AcceptPickup(pickup_id=answer.pickups[0].id)
        picked = book.PickPickup(pickup_id=answer.pickups[0].id).pickup
        assert picked.lines[0].picked == 1, picked
    assert held("FETCHED", "NORTH") == (0, 0, 4, 4)


def test_ready_does_not_take_the_goods_out_of_stock():
    book = stocked("READY", NORTH=5)
    order_id, pickup_id = pickup_of("READY", 2, "NORTH")
    fetch = {"pickup_id": pickup_id}
    book.AcceptPickup(**fetch)
    book.PickPickup(**fetch)
    code = book.ReadyPickup(**fetch).code
    assert held("READY", "NORTH") == (3, 0, 2, 5)
    movements = book.ListMovements(sku="READY", location="NORTH").movements
    assert movements and not [one for one in movements if not one.to_location], movements
    book.CollectPickup(code=code, lines=[{"line": 1, "quantity": 1}], **fetch)
    assert held("READY", "NORTH") == (3, 0, 1, 4)
    assert of_line(order_id) == (0, 0, 1, 1, 0)
    book.CancelPickup(**fetch)
    assert held("READY", "NORTH") == (3, 0, 1, 4)
    book.PutBackPickup(**fetch)
    assert held("READY", "NORTH") == (4, 0, 0, 4)
    assert of_line(order_id) == (0, 0, 0, 1, 1)


# -- allocations ---------------------------------------------------------------------------------


def test_cancelling_a_fulfilment_does_not_lose_the_allocation():
    """However far it has come: what it held is its order's again, and can be sent anew."""
    book = stocked("UNDONE", WH=6)
    for far in range(3):
        order_id, shipment_id = shipment_of("UNDONE", 2, "WH")
        parcel, picked = {"shipment_id": shipment_id}, far > 0
        if far > 0:
            book.PickShipment(**parcel)
        if far > 1:
            book.PackShipment(**parcel)
        cancelled = book.CancelShipment(remedy="SHORT_REMEDY_OPEN", **parcel)
        assert [(one.remedy, one.quantity) for one in cancelled.resourced] == [(1, 2)], cancelled
        assert of_line(order_id) == (2, 0, 0, 0, 0)
        if picked:
            book.PutBackShipment(**parcel)
        again = book.AllocateOrder(order_id=order_id)
        assert of_line(order_id) == (0, 2, 0, 0, 0)
        book.ShipShipment(shipment_id=again.shipments[0].id, skip=True)
        assert of_line(order_id) == (0, 0, 0, 2, 0)
    assert held("UNDONE", "WH") == (0, 0, 0, 0)


def test_every_step_back_keeps_the_allocation():
    book = stocked("BACK", NORTH=4, WH=4)
    order_id, pickup_id = pickup_of("BACK", 4, "NORTH")
    book.AcceptPickup(pickup_id=pickup_id)
    book.PickPickup(pickup_id=pickup_id)
    book.ReadyPickup(pickup_id=pickup_id)
    for expected in ((0, 0, 4, 4), (0, 4, 0, 4), (0, 4, 0, 4)):
        book.StepBackPickup(pickup_id=pickup_id)
        assert held("BACK", "NORTH") == expected
        assert sum(of_line(order_id)[1:3]) == 4
    parcel_order, shipment_id = shipment_of("BACK", 4, "WH")
    book.PickShipment(shipment_id=shipment_id)
    book.PackShipment(shipment_id=shipment_id)
    for expected in ((0, 0, 4, 4), (0, 4, 0, 4)):
        book.StepBackShipment(shipment_id=shipment_id)
        assert held("BACK", "WH") == expected
        assert sum(of_line(parcel_order)[1:3]) == 4


def test_splitting_a_parcel_does_not_allocate_ten_and_thirteen_for_thirteen():
    book, dice = stocked("PARCEL", WH=400), random.Random(13)
    for wanted in (13, *(dice.randint(2, 30) for _ in range(8))):
        order_id, shipment_id = shipment_of("PARCEL", wanted, "WH")
        if dice.random() < 0.5:
            book.PickShipment(shipment_id=shipment_id,
                              lines=[{"line": 1, "picked": dice.randint(1, wanted)}])
        ids, rest = [shipment_id], wanted
        while rest > 1 and len(ids) < 4:
            part = 10 if rest == 13 else dice.randint(1, rest - 1)
            split = book.SplitShipment(shipment_id=shipment_id,
                                       lines=[{"line": 1, "quantity": part}])
            ids.append(split.split_off.id)
            rest -= part
            parcels = [book.GetShipment(shipment_id=one).shipment.lines[0] for one in ids]
            assert sum(one.to_pick + one.picked for one in parcels) == wanted, parcels
            assert sum(of_line(order_id)[1:3]) == wanted
        for one in ids:
            book.ShipShipment(shipment_id=one, skip=True)
        assert of_line(order_id) == (0, 0, 0, wanted, 0)


def test_thirteen_from_two_places_are_thirteen_in_two_parcels():
    book = stocked("THIRTEEN", WH=10, NORTH=20)
    placed = book.PlaceOrder(channel="planned", lines=[line("THIRTEEN", 13)])
    assert {one.location: one.lines[0].to_pick for one in placed.shipments} == {
        "WH": 10, "NORTH": 3}, placed
    # So also when one of the places finds less than it should have.
    first = next(one for one in placed.shipments if one.location == "WH")
    book.PickShipment(shipment_id=first.id, remedy="SHORT_REMEDY_RE_SOURCE",
                      lines=[{"line": 1, "picked": 6, "short": 4, "reason": SHORT}])
    assert sum(of_line(placed.order.id)[1:3]) == 13
    assert held("THIRTEEN", "NORTH") == (13, 7, 0, 20)


def test_a_paid_order_does_not_end_up_under_allocated():
    """Whatever way each line goes, and whoever else wants the goods in that moment."""
    book = stocked("PAID", WH=6, NORTH=4)
    basket = book.Reserve(channel="web", customer="ann", lines=[
        line("PAID", 4, "NORTH"), line("PAID", 6, "WH")]).reservation.id
    confirm = (book, "ConfirmReservation", book.request(
        "ConfirmReservation", reservation_id=basket, channel="till", lines=[
            {"sku": "PAID", "location": "NORTH", "method": PICKUP},
            {"sku": "PAID", "location": "WH", "method": SHIP_TO_STORE,
             "pickup_location": "NORTH"}]))
    calls = [(book, "PlaceOrder", book.request("PlaceOrder", channel="web", lines=[
        line("PAID", 1, "NORTH", method=PICKUP) if number % 2 else line("PAID", 1)]))
        for number in range(60)]
    answers, errors = race(calls[:30] + [confirm] + calls[30:])
    assert count(answers) == 1 and reasons(errors) == {"OUT_OF_STOCK"}, reasons(errors)
    paid = answers[30]
    assert [at.allocated for at in paid.order.lines] == [4, 6], paid.order
    # On its way, too, it is hers: from the van to her shelf, and never for sale in between.
    transfer = paid.transfers[0].id
    for step in ("DispatchTransfer", "ReceiveTransfer"):
        getattr(book, step)(transfer_id=transfer)
        refused("OUT_OF_STOCK", book.Reserve, channel="web", lines=[line("PAID", 1)])
        assert [of_line(paid.order.id, number)[1] for number in (1, 2)] == [4, 6]
    assert held("PAID", "NORTH") == (0, 10, 0, 10)


# -- places --------------------------------------------------------------------------------------


def test_web_orders_do_not_drain_a_franchise_store_by_a_detour():
    """Neither when they are placed, nor when a picker finds less, nor when a parcel is lost."""
    book = stocked("RUG", WH=3, SOUTH=10)
    book.PutChannel(channel={
        "code": "market", "kind": "CHANNEL_KIND_MARKETPLACE", "location_group": "ALL",
        "plans_shipments": True, "exclusions": [
            {"location": "SOUTH", "method": method}
            for method in ("FULFILMENT_METHOD_SHIP", SHIP_TO_STORE)]})
    refused("OUT_OF_STOCK", book.PlaceOrder, channel="market", lines=[line("RUG", 4)])
    refused("OUT_OF_STOCK", book.PlaceOrder, channel="market", lines=[
        line("RUG", 4, method=SHIP_TO_STORE, pickup_location="NORTH")])
    placed = book.PlaceOrder(channel="market", lines=[line("RUG", 3)])
    parcel = {"shipment_id": placed.shipments[0].id}
    short = book.PickShipment(remedy="SHORT_REMEDY_RE_SOURCE", lines=[
        {"line": 1, "picked": 2, "short": 1, "reason": SHORT}], **parcel)
    assert [(one.remedy, one.quantity) for one in short.resourced] == [(1, 1)], short
    book.ShipShipment(skip=True, **parcel)
    lost = book.LoseShipment(**parcel)
    assert [(one.remedy, one.quantity) for one in lost.resourced] == [(1, 2)], lost
    assert of_line(placed.order.id) == (3, 0, 0, 0, 0)
    refused("OUT_OF_STOCK", book.AllocateOrder, order_id=placed.order.id, allow_partial=True)
    assert held("RUG", "SOUTH") == (10, 0, 0, 10)
    # What the franchise agreed to: to hand it over to who comes for it.
    assert book.PlaceOrder(channel="market", lines=[line("RUG", 1, "SOUTH", method=PICKUP)]).pickups
    assert held("RUG", "SOUTH") == (9, 1, 0, 10)


def test_goods_returned_elsewhere_are_not_where_they_were_sold_from():
    book = stocked("COAT", WH=2, NORTH=1)
    sent = book.PlaceOrder(channel="web", lines=[
        line("COAT", 2, "WH", method=SHIP_TO_STORE, pickup_location="NORTH")])
    for step in ("DispatchTransfer", "ReceiveTransfer"):
        getattr(book, step)(transfer_id=sent.transfers[0].id)
    _, fetched = pickup_of("COAT", 1, "NORTH")
    for pickup_id in (sent.pickups[0].id, fetched):
        book.AcceptPickup(pickup_id=pickup_id)
        book.PickPickup(pickup_id=pickup_id)
        code = book.ReadyPickup(pickup_id=pickup_id).code
        assert book.CollectPickup(pickup_id=pickup_id, code=code).outcome == 1
    book.CreateReturn(location="SOUTH", order_id=sent.order.id, lines=[
        {"order_line": 1, "quantity": 2, "disposition": "DISPOSITION_RESTOCK"}])
    assert [held("COAT", place)[3] for place in PLACES] == [0, 0, 2]
    # So is what comes back of a parcel, and only what had left.
    refused("RETURN_EXCEEDS_FULFILLED", book.CreateReturn, location="SOUTH", order_id=sent.order.id,
            lines=[{"order_line": 1, "quantity": 1, "disposition": "DISPOSITION_RESTOCK"}])


# -- transit -------------------------------------------------------------------------------------


def test_a_short_receipt_does_not_corrupt_transit():
    """Sent in parts, received in parts, sound, broken, short and over: each unit is somewhere, and
    in transit comes to zero."""
    dice = random.Random(52221)
    for number in range(12):
        sku, quantity = f"TRANSIT-{number}", dice.randint(4, 20)
        book = stocked(sku, WH=quantity)
        transfer = {"transfer_id": book.RequestTransfer(
            source="WH", destination="NORTH", approve=True,
            lines=[{"sku": sku, "quantity": quantity}]).transfer.id}
        sound = broken = over = 0
        for part in (dice.randint(1, quantity - 1), None):
            book.DispatchTransfer(lines=[{"line": 1, "quantity": part}] if part else [], **transfer)
            row = book.GetTransfer(**transfer).transfer.lines[0]
            got = {"received": dice.randint(1, row.in_transit), "damaged": 0}
            if got["received"] < row.in_transit:
                got["damaged"] = dice.randint(0, 1)
            book.ReceiveTransfer(lines=[{"line": 1, **got}], **transfer)
            sound, broken = sound + got["received"], broken + got["damaged"]
            level = book.level(sku, "NORTH")
            assert level.in_transit == row.in_transit - sum(got.values()), (level, got)
            assert (level.available, level.damaged) == (sound, broken), (level, got)
        row = book.GetTransfer(**transfer).transfer.lines[0]
        if row.in_transit and number % 3 == 0:
            over = 2
            book.ReceiveTransfer(lines=[{"line": 1, "received": row.in_transit + over}], **transfer)
            sound += row.in_transit + over
        elif row.in_transit:
            reason = ("MISCOUNTED", "LOST")[number % 2]
            book.CloseTransfer(reason=f"TRANSFER_LOSS_REASON_{reason}", **transfer)
        row = book.GetTransfer(**transfer).transfer.lines[0]
        assert (row.open, row.allocated, row.in_transit, row.over) == (0, 0, 0, over), row
        assert row.received + row.damaged + row.lost + row.returned == quantity, row
        assert book.level(sku, "NORTH").in_transit == 0
        assert held(sku, "NORTH")[0] == sound and held(sku, "WH")[3] == row.returned
        refused("WRONG_STATUS", book.ReceiveTransfer, **transfer)


def test_the_book_is_proven():
    state["book"].verify_clean()


if __name__ == "__main__":
    tap.main()
