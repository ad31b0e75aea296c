"""A day of trade, through every call of the API but those for tokens and those that stream until the
caller has enough, ending with a proven book."""
import datetime
import time

import tap
from client import METHODS, Client, refused
from cluster import Cluster
from server import Server, end, wait_for
from shop import line, pounds, put_stores, status

state = {"called": set()}
AVAILABLE, QUALITY, DAMAGED = (f"STOCK_STATE_{name}" for name in (
    "AVAILABLE", "QUALITY_CONTROL", "DAMAGED"))


class Recorder(Client):
    """Notes which methods were called."""

    def send(self, name, request, **more):
        state["called"].add(METHODS[name].path)
        return super().send(name, request, **more)


def setup():
    cluster = state["cluster"] = Cluster()
    server = state["server"] = Server(database=cluster.uri())
    state["book"] = Recorder(server.target)


def teardown():
    end(state)


def balances(sku, location):
    """(available, reserved, allocated, picked, on_hand)"""
    level = state["book"].level(sku, location)
    return (level.available, level.reserved, level.allocated, level.picked, level.on_hand)


def line_of(order, number=1):
    """(ordered, open, allocated, picked, fulfilled, cancelled, returned)"""
    found = order.lines[number - 1]
    assert found.line == number
    assert found.ordered == (found.open + found.allocated + found.picked + found.fulfilled
                             + found.cancelled), found
    return (found.ordered, found.open, found.allocated, found.picked, found.fulfilled,
            found.cancelled, found.returned)


def now():
    return datetime.datetime.utcnow().isoformat() + "Z"


def test_the_company_is_set_up():
    book = state["book"]
    made = book.PutLocation(location={
        "code": "WH", "name": "Central warehouse", "kind": "LOCATION_KIND_WAREHOUSE", "ships": True,
        "takes_returns": True, "daily_ship_capacity": 500, "time_zone": "Europe/London",
        "address": {"lines": ["1 Dock Road"], "city": "Hull", "postal_code": "HU1 1AA",
                    "country_code": "GB"},
        "coordinates": {"latitude": 53.74, "longitude": -0.33},
        "opening_hours": [{"weekday": 1, "open_minute": 360, "close_minute": 1320}]})
    assert made.created and made.location.create_time.seconds > 0
    for code in ("LEEDS", "YORK"):
        book.PutLocation(location={"code": code, "name": code.title(), "ships": True,
                                   "kind": "LOCATION_KIND_STORE", "sells_at_till": True,
                                   "takes_returns": True})
    again = book.PutLocation(location={"code": "YORK", "name": "York, Stonegate", "ships": True,
                                       "kind": "LOCATION_KIND_STORE", "sells_at_till": True,
                                       "takes_returns": True})
    assert not again.created and again.location.name == "York, Stonegate"
    got = book.GetLocation(code="WH").location
    assert got.coordinates.latitude == 53.74 and got.address.city == "Hull", got
    assert got.opening_hours[0].close_minute == 1320, got
    assert [found.code for found in book.pages("ListLocations", "locations", page_size=2)] == [
        "LEEDS", "WH", "YORK"]

    book.PutLocationGroup(location_group={"code": "web-sources", "locations": ["WH", "YORK"]})
    assert list(book.GetLocationGroup(code="web-sources").location_group.locations) == [
        "WH", "YORK"]
    assert [group.code for group in book.ListLocationGroups().location_groups] == ["web-sources"]
    book.PutChannel(channel={"code": "web", "name": "Shop", "kind": "CHANNEL_KIND_WEB",
                             "location_group": "web-sources"})
    book.PutChannel(channel={"code": "till", "kind": "CHANNEL_KIND_TILL"})
    assert book.GetChannel(code="web").channel.location_group == "web-sources"
    assert [channel.code for channel in book.ListChannels().channels] == ["till", "web"]


def test_items_have_aliases():
    book = state["book"]
    made = book.PutItem(item={"sku": "LAMP-1", "name": "Desk lamp, brass",
                              "aliases": ["5012345678900", "OLD-LAMP"]})
    assert made.created
    for number in range(1, 8):
        book.PutItem(item={"sku": f"MUG-{number}", "name": f"Mug {number}"})
    assert book.GetItem(sku="5012345678900").item.sku == "LAMP-1"
    assert [item.sku for item in book.pages("ListItems", "items", page_size=3,
                                            sku_prefix="MUG-")] == [
        f"MUG-{number}" for number in range(1, 8)]
    # An alias that is taken away is free again.
    book.PutItem(item={"sku": "LAMP-1", "name": "Desk lamp", "aliases": ["5012345678900"]})
    refused("ITEM_NOT_FOUND", book.GetItem, sku="OLD-LAMP")
    book.PutItem(item={"sku": "LAMP-2", "aliases": ["OLD-LAMP"]})
    assert book.GetItem(sku="OLD-LAMP").item.sku == "LAMP-2"


def test_goods_are_received():
    book = state["book"]
    answer = book.ReceiveStock(location="WH", reference="delivery note 17", lines=[
        {"sku": "5012345678900", "quantity": 100}, {"sku": "MUG-1", "quantity": 40},
        {"sku": "MUG-1", "quantity": 2, "state": DAMAGED}, {"sku": "MUG-2", "quantity": 5}])
    assert answer.receipt_id and answer.position.parts, answer
    levels = {level.sku: level for level in answer.levels}
    assert levels["LAMP-1"].available == 100
    assert (levels["MUG-1"].available, levels["MUG-1"].damaged, levels["MUG-1"].on_hand) == (
        40, 2, 42)
    book.ReceiveStock(location="YORK", lines=[{"sku": "LAMP-1", "quantity": 7},
                                              {"sku": "MUG-1", "quantity": 10}])
    book.ReceiveStock(location="LEEDS", lines=[{"sku": "LAMP-1", "quantity": 3}])
    assert len(book.pages("ListStock", "levels", location="WH", page_size=2)) == 3
    assert [level.location for level in book.ListStock(sku="LAMP-1").levels] == [
        "LEEDS", "WH", "YORK"]


def test_what_may_be_promised_is_told_by_location_group_and_channel():
    book = state["book"]
    answer = book.GetAvailability(skus=["LAMP-1", "MUG-3", "5012345678900"], channel="web")
    lamp, mug, alias = answer.availabilities
    assert lamp.available_to_sell == 107 and alias.sku == "LAMP-1", answer
    assert [(place.location, place.available_to_sell) for place in lamp.locations] == [
        ("WH", 100), ("YORK", 7)]
    assert mug.available_to_sell == 0 and not mug.locations
    answer = book.GetAvailability(skus=["LAMP-1"], locations=["LEEDS", "YORK"])
    assert answer.availabilities[0].available_to_sell == 10
    answer = book.GetAvailability(skus=["LAMP-1"], location_group="web-sources")
    assert answer.availabilities[0].available_to_sell == 107


def test_safety_stock_lowers_what_may_be_promised_and_moves_nothing():
    book = state["book"]
    book.SetSafetyStock(location="YORK", lines=[{"sku": "LAMP-1", "quantity": 5}])
    assert book.available("LAMP-1", "YORK") == 2
    assert balances("LAMP-1", "YORK")[0] == 7
    refused("OUT_OF_STOCK", book.Reserve, lines=[line("LAMP-1", 3, "YORK")])
    explained = book.ExplainAvailability(sku="LAMP-1", location="YORK", channel="web")
    assert explained.available_to_sell == 2
    assert explained.terms[0].name == "available" and explained.terms[0].quantity == 7
    assert sum(term.quantity for term in explained.terms) == 2, explained
    assert any(term.name == "safety stock" and term.quantity == -5 and "YORK" in term.source
               for term in explained.terms), explained
    assert explained.movements[0].quantity == 7, explained
    book.SetSafetyStock(location="YORK", lines=[{"sku": "LAMP-1"}])
    assert book.available("LAMP-1", "YORK") == 7


def test_defaults_of_safety_stock_by_item_location_and_channel():
    book = state["book"]
    item = {"sku": "MUG-1", "name": "Mug 1"}
    book.PutItem(item={**item, "safety_stock": 4})
    wait_for(lambda: book.available("MUG-1", "YORK") == 6, 5, "the item's default counts")
    book.SetSafetyStock(location="YORK", lines=[{"sku": "MUG-1", "quantity": 0}])
    assert book.available("MUG-1", "YORK") == 10
    book.SetSafetyStock(location="YORK", lines=[{"sku": "MUG-1"}])
    book.PutItem(item=item)
    book.PutChannel(channel={"code": "market", "kind": "CHANNEL_KIND_MARKETPLACE",
                             "location_group": "web-sources", "safety_stock": 9})
    wait_for(lambda: book.available("MUG-1", "YORK", channel="market") == 1, 5,
             "the channel's default counts")
    wait_for(lambda: book.available("MUG-1", "YORK") == 10, 5, "other channels do not")


def test_a_basket_is_held_extended_replaced_and_released():
    book = state["book"]
    held = book.Reserve(owner="basket-1", channel="web", hold_for="600s", lines=[
        line("LAMP-1", 2), line("MUG-1", 45)]).reservation
    assert status(held) == "HELD"
    # Split on the remainder, in the group's order.
    assert sorted((part.sku, part.location, part.quantity) for part in held.lines) == [
        ("LAMP-1", "WH", 2), ("MUG-1", "WH", 40), ("MUG-1", "YORK", 5)]
    assert balances("MUG-1", "WH") == (0, 40, 0, 0, 42)
    extended = book.ExtendReservation(reservation_id=held.id, hold_for="3600s").reservation
    assert extended.hold_until.seconds > held.hold_until.seconds + 2900
    # What it holds does not stand in its own way.
    replaced = book.ReplaceReservation(reservation_id=held.id, lines=[line("MUG-1", 50)])
    assert sum(part.quantity for part in replaced.reservation.lines) == 50
    assert balances("LAMP-1", "WH") == (100, 0, 0, 0, 100)
    refused("OUT_OF_STOCK", book.ReplaceReservation, reservation_id=held.id,
            lines=[line("MUG-1", 51)])
    assert book.GetReservation(reservation_id=held.id).reservation == replaced.reservation
    assert [found.id for found in book.ListReservations(owner="basket-1").reservations] == [held.id]
    released = book.ReleaseReservation(reservation_id=held.id, note="changed my mind").reservation
    assert status(released) == "RELEASED"
    assert balances("MUG-1", "WH") == (40, 0, 0, 0, 42)
    assert balances("MUG-1", "YORK") == (10, 0, 0, 0, 10)
    assert not book.ListReservations(owner="basket-1").reservations
    for call in (book.ReleaseReservation, book.ConfirmReservation):
        error = refused("WRONG_STATUS", call, reservation_id=held.id, status="FAILED_PRECONDITION")
        assert error.metadata["status"] == "RELEASED", error


def test_a_partial_hold_takes_what_there_is_and_says_what_is_short():
    book = state["book"]
    answer = book.Reserve(owner="basket-2", lines=[line("MUG-2", 8, "WH"), line("MUG-1", 1, "WH")],
                          allow_partial=True)
    assert [(short.line, short.sku, short.requested, short.reserved)
            for short in answer.shortfalls] == [(0, "MUG-2", 8, 5)], answer
    refused("OUT_OF_STOCK", book.Reserve, lines=[line("MUG-2", 1, "WH")], allow_partial=True)
    book.ReleaseReservation(reservation_id=answer.reservation.id)


def test_a_hold_expires_by_time_and_can_be_taken_again():
    book = state["book"]
    held = book.Reserve(owner="late", lines=[line("MUG-2", 5, "WH")], hold_for="1s").reservation
    refused("OUT_OF_STOCK", book.Reserve, lines=[line("MUG-2", 1, "WH")])
    time.sleep(1.1)
    # Whoever asks next gets it, whether or not it was tidied up.
    other = book.Reserve(lines=[line("MUG-2", 1, "WH")]).reservation
    error = refused("EXPIRED", book.ConfirmReservation, reservation_id=held.id,
                    status="FAILED_PRECONDITION")
    assert "expired_at" in error.metadata, error
    refused("EXPIRED", book.ExtendReservation, reservation_id=held.id, hold_for="60s")
    refused("EXPIRED", book.ConfirmReservation, reservation_id=held.id, reserve_again=True)
    assert status(book.ReleaseReservation(reservation_id=held.id).reservation) == "EXPIRED"
    book.ReleaseReservation(reservation_id=other.id)
    late = book.Reserve(owner="late", lines=[line("MUG-2", 5, "WH")], hold_for="1s").reservation
    time.sleep(1.1)
    order = book.ConfirmReservation(reservation_id=late.id, reserve_again=True).order
    assert line_of(order)[2] == 5
    book.CancelOrderLines(order_id=order.id)
    wait_for(lambda: balances("MUG-2", "WH") == (5, 0, 0, 0, 5), 10, "all is free again")


def test_a_hold_becomes_an_order_that_is_shipped_step_by_step():
    book = state["book"]
    held = book.Reserve(owner="basket-3", customer="ann", channel="web",
                        lines=[line("LAMP-1", 4), line("MUG-1", 2)]).reservation
    answer = book.ConfirmReservation(
        reservation_id=held.id, reference="W-1001",
        prices=[{"sku": "LAMP-1", "unit_price": pounds(1995)},
                {"sku": "MUG-1", "unit_price": pounds(450)}])
    order = state["shipped"] = answer.order
    assert status(answer.reservation) == "CONFIRMED" and answer.reservation.order_id == order.id
    assert order.customer == "ann" and order.reservation_id == held.id
    assert order.total.minor_units == 4 * 1995 + 2 * 450 and order.total.currency_code == "GBP"
    assert status(order) == "OPEN" and line_of(order) == (4, 0, 4, 0, 0, 0, 0)
    assert balances("LAMP-1", "WH") == (96, 0, 4, 0, 100)

    order = book.PickOrder(order_id=order.id, lines=[{"line": 1, "quantity": 3}]).order
    assert line_of(order) == (4, 0, 1, 3, 0, 0, 0)
    order = book.PutBackOrder(order_id=order.id, lines=[{"line": 1, "quantity": 1}]).order
    assert line_of(order) == (4, 0, 2, 2, 0, 0, 0)
    order = book.DeallocateOrder(order_id=order.id, lines=[{"line": 1, "quantity": 2}]).order
    assert line_of(order) == (4, 2, 0, 2, 0, 0, 0)
    assert balances("LAMP-1", "WH") == (98, 0, 0, 2, 100)
    order = book.AllocateOrder(order_id=order.id).order
    assert line_of(order) == (4, 0, 2, 2, 0, 0, 0)
    order = book.ShipOrder(order_id=order.id, lines=[{"line": 1, "quantity": 2}],
                           carrier="Royal Mail", tracking="RM123").order
    assert status(order) == "PARTIALLY_FULFILLED" and line_of(order) == (4, 0, 2, 0, 2, 0, 0)
    assert balances("LAMP-1", "WH") == (96, 0, 2, 0, 98)
    refused("LINE_QUANTITY_EXCEEDED", book.ShipOrder, order_id=order.id,
            lines=[{"line": 1, "quantity": 1}], status="FAILED_PRECONDITION")
    refused("LINE_QUANTITY_EXCEEDED", book.PickOrder, order_id=order.id,
            lines=[{"line": 1, "quantity": 3}])
    refused("ORDER_LINE_NOT_FOUND", book.PickOrder, order_id=order.id,
            lines=[{"line": 3, "quantity": 1}], status="NOT_FOUND")
    order = book.CancelOrderLines(order_id=order.id, lines=[{"line": 1, "quantity": 1}]).order
    assert line_of(order) == (4, 0, 1, 0, 2, 1, 0)
    assert order.total.minor_units == 3 * 1995 + 2 * 450
    order = book.ShipOrder(order_id=order.id, pick_first=True).order
    assert status(order) == "FULFILLED" and line_of(order) == (4, 0, 0, 0, 3, 1, 0)
    assert line_of(order, 2) == (2, 0, 0, 0, 2, 0, 0)
    assert balances("LAMP-1", "WH") == (97, 0, 0, 0, 97)
    assert book.GetOrder(order_id=order.id).order == order


def test_an_order_placed_picked_and_shipped_in_one_call():
    book = state["book"]
    order = book.PlaceOrder(channel="web", customer="ben", reference="W-1002", fulfil=True, lines=[
        line("LAMP-1", 1, unit_price=pounds(1995))]).order
    assert status(order) == "FULFILLED" and line_of(order) == (1, 0, 0, 0, 1, 0, 0)
    assert balances("LAMP-1", "WH") == (96, 0, 0, 0, 96)


def test_a_partial_order_waits_for_goods():
    book = state["book"]
    lines = [line("MUG-4", 6, "WH")]
    refused("OUT_OF_STOCK", book.PlaceOrder, channel="web", lines=lines)
    order = book.PlaceOrder(channel="web", lines=lines, allow_partial=True).order
    assert line_of(order) == (6, 6, 0, 0, 0, 0, 0)
    book.ReceiveStock(location="WH", lines=[{"sku": "MUG-4", "quantity": 4}])
    refused("OUT_OF_STOCK", book.AllocateOrder, order_id=order.id)
    order = book.AllocateOrder(order_id=order.id, allow_partial=True).order
    assert line_of(order) == (6, 2, 4, 0, 0, 0, 0)
    order = book.CancelOrderLines(order_id=order.id, note="not wanted any more").order
    assert status(order) == "CANCELLED" and line_of(order) == (6, 0, 0, 0, 0, 6, 0)
    assert balances("MUG-4", "WH") == (4, 0, 0, 0, 4)
    error = refused("WRONG_STATUS", book.CancelOrderLines, order_id=order.id,
                    lines=[{"line": 1, "quantity": 1}], status="FAILED_PRECONDITION")
    assert error.metadata["status"] == "CANCELLED", error


def test_the_till_sells_what_is_there_and_what_the_book_did_not_know():
    book = state["book"]
    sale = book.PlaceOrder(channel="till", reference="T-1", lines=[line(
        "MUG-1", 3, "YORK", method="FULFILMENT_METHOD_CARRY_OUT", unit_price=pounds(450))]).order
    assert status(sale) == "FULFILLED" and balances("MUG-1", "YORK") == (7, 0, 0, 0, 7)
    # MUG-5 was never received at York, but there it is on the counter.
    found = book.PlaceOrder(channel="till", lines=[line(
        "MUG-5", 2, "YORK", method="FULFILMENT_METHOD_CARRY_OUT")]).order
    assert line_of(found) == (2, 0, 0, 0, 2, 0, 0)
    assert balances("MUG-5", "YORK") == (0, 0, 0, 0, 0)
    reasons = [movement.reason for movement in book.pages(
        "ListMovements", "movements", document_id=found.id)]
    names = METHODS["AdjustStock"].request.DESCRIPTOR.fields_by_name["reason"].enum_type
    assert [names.values_by_number[reason].name for reason in reasons] == [
        "MOVEMENT_REASON_FOUND", "MOVEMENT_REASON_SALE"], reasons
    refused("INVALID_FIELD", book.PlaceOrder, channel="till", field="lines[0].location",
            lines=[line("MUG-1", 1, method="FULFILMENT_METHOD_CARRY_OUT")])
    refused("LOCATION_NOT_ELIGIBLE", book.PlaceOrder, channel="till", lines=[line(
        "MUG-1", 1, "WH", method="FULFILMENT_METHOD_CARRY_OUT")], status="FAILED_PRECONDITION")


def test_one_order_mixes_methods_and_locations():
    book = state["book"]
    order = book.PlaceOrder(channel="till", customer="eve", lines=[
        line("MUG-1", 1, "YORK", method="FULFILMENT_METHOD_CARRY_OUT", unit_price=pounds(450)),
        line("LAMP-1", 1, "WH", method="FULFILMENT_METHOD_SHIP", unit_price=pounds(1995))]).order
    assert status(order) == "PARTIALLY_FULFILLED"
    assert line_of(order, 1)[4] == 1 and line_of(order, 2)[2] == 1
    order = book.ShipOrder(order_id=order.id, pick_first=True).order
    assert status(order) == "FULFILLED" and order.total.minor_units == 2445


def test_a_sale_of_promised_goods_is_a_shortage_until_it_is_mended():
    book = state["book"]
    book.ReceiveStock(location="YORK", lines=[{"sku": "MUG-6", "quantity": 2}])
    order = book.PlaceOrder(channel="web", lines=[line("MUG-6", 2, "YORK")]).order
    book.PlaceOrder(channel="till", lines=[line("MUG-6", 1, "YORK",
                                                method="FULFILMENT_METHOD_CARRY_OUT")])
    assert balances("MUG-6", "YORK") == (-1, 0, 2, 0, 1)
    assert book.available("MUG-6", "YORK") == 0
    short = book.ListShortages(location="YORK").levels
    assert [(level.sku, level.available) for level in short] == [("MUG-6", -1)]
    assert [level.sku for level in book.ListShortages().levels] == ["MUG-6"]
    book.CancelOrderLines(order_id=order.id, lines=[{"line": 1, "quantity": 1}])
    assert not book.ListShortages(location="YORK").levels
    book.CancelOrderLines(order_id=order.id)


def test_goods_come_back_where_the_customer_is():
    book, order = state["book"], state["shipped"]
    # Bought on the web, shipped from the warehouse, brought to Leeds, which never had mugs.
    back = book.CreateReturn(location="LEEDS", order_id=order.id, channel="till", lines=[
        {"order_line": 1, "quantity": 1, "disposition": "DISPOSITION_RESTOCK"},
        {"order_line": 2, "sku": "MUG-1", "quantity": 1, "disposition": "DISPOSITION_DAMAGED"}])
    made = back.goods_return
    assert status(made) == "CLOSED" and made.customer == "ann"
    assert made.amount_due.minor_units == 1995 + 450, made
    assert balances("LAMP-1", "LEEDS") == (4, 0, 0, 0, 4)
    assert book.level("MUG-1", "LEEDS").damaged == 1
    assert line_of(book.GetOrder(order_id=order.id).order) == (4, 0, 0, 0, 3, 1, 1)
    refused("RETURN_EXCEEDS_FULFILLED", book.CreateReturn, location="LEEDS", order_id=order.id,
            lines=[{"order_line": 1, "quantity": 3}], status="FAILED_PRECONDITION")
    refused("ORDER_LINE_NOT_FOUND", book.CreateReturn, location="LEEDS", order_id=order.id,
            lines=[{"order_line": 9, "quantity": 1}])
    assert book.GetReturn(return_id=made.id).goods_return == made
    assert [found.id for found in book.ListReturns(order_id=order.id).returns] == [made.id]
    assert [found.id for found in book.ListReturns(customer="ann").returns] == [made.id]


def test_a_return_waits_for_its_inspection():
    book, order = state["book"], state["shipped"]
    back = book.CreateReturn(location="WH", order_id=order.id,
                             lines=[{"sku": "LAMP-1", "quantity": 2}]).goods_return
    assert status(back) == "RECEIVED" and back.lines[0].waiting == 2
    assert book.level("LAMP-1", "WH").quality_control == 2
    back = book.InspectReturn(return_id=back.id, lines=[
        {"line": 1, "quantity": 1, "disposition": "DISPOSITION_RESTOCK"}]).goods_return
    assert status(back) == "RECEIVED" and (back.lines[0].waiting, back.lines[0].restocked) == (1, 1)
    refused("LINE_QUANTITY_EXCEEDED", book.InspectReturn, return_id=back.id, lines=[
        {"line": 1, "quantity": 2, "disposition": "DISPOSITION_RESTOCK"}])
    back = book.InspectReturn(return_id=back.id, lines=[
        {"line": 1, "quantity": 1, "disposition": "DISPOSITION_DESTROYED"}]).goods_return
    assert status(back) == "CLOSED" and back.lines[0].destroyed == 1
    assert book.level("LAMP-1", "WH").quality_control == 0


def test_a_blind_return_needs_no_order():
    book = state["book"]
    before = balances("MUG-7", "YORK")
    back = book.CreateReturn(location="YORK", channel="till", customer="zoe", lines=[
        {"sku": "MUG-7", "quantity": 2, "disposition": "DISPOSITION_RESTOCK",
         "unit_price": pounds(300)}]).goods_return
    assert status(back) == "CLOSED" and back.amount_due.minor_units == 600
    assert not back.order_id
    assert balances("MUG-7", "YORK")[0] == before[0] + 2


def test_stock_is_adjusted_and_changes_state():
    book = state["book"]
    answer = book.AdjustStock(location="YORK", reason="MOVEMENT_REASON_BREAKAGE", note="dropped",
                              lines=[{"sku": "MUG-7", "quantity": -1}])
    assert answer.adjustment_id and answer.levels[0].available == 1
    book.AdjustStock(location="YORK", reason="MOVEMENT_REASON_FOUND",
                     lines=[{"sku": "MUG-7", "quantity": 4}])
    answer = book.ChangeStockState(location="YORK", lines=[
        {"sku": "MUG-7", "quantity": 3, "from_state": AVAILABLE, "to_state": QUALITY}])
    assert (answer.levels[0].available, answer.levels[0].quality_control) == (2, 3)
    assert answer.levels[0].on_hand == 5
    refused("OUT_OF_STOCK", book.ChangeStockState, location="YORK", lines=[
        {"sku": "MUG-7", "quantity": 4, "from_state": QUALITY, "to_state": AVAILABLE}])
    book.ChangeStockState(location="YORK", lines=[
        {"sku": "MUG-7", "quantity": 3, "from_state": QUALITY, "to_state": AVAILABLE}])
    # More is broken than the book knew of: the rest was found first.
    answer = book.AdjustStock(location="YORK", reason="MOVEMENT_REASON_SHRINKAGE",
                              lines=[{"sku": "MUG-7", "quantity": -9}])
    assert answer.levels[0].on_hand == 0, answer


def test_another_systems_figure_is_set_with_compare_and_set():
    book = state["book"]
    answer = book.SetStock(location="LEEDS", lines=[{"sku": "MUG-2", "on_hand": 12},
                                                    {"sku": "LAMP-1", "on_hand": 4}])
    assert [level.on_hand for level in answer.levels] == [12, 4] and answer.sync_id
    answer = book.SetStock(location="LEEDS", lines=[
        {"sku": "MUG-2", "on_hand": 10, "expected_on_hand": 12}])
    assert answer.levels[0].available == 10
    error = refused("EXPECTATION_FAILED", book.SetStock, location="LEEDS", lines=[
        {"sku": "LAMP-1", "on_hand": 1}, {"sku": "MUG-2", "on_hand": 1, "expected_on_hand": 12}])
    assert error.metadata["actual"] == "10" and error.metadata["sku"] == "MUG-2", error
    assert balances("LAMP-1", "LEEDS")[4] == 4, "nothing of a refused call happens"
    refused("INVALID_FIELD", book.SetStock, location="LEEDS", lines=[
        {"sku": "MUG-2", "on_hand": 1}, {"sku": "MUG-2", "on_hand": 2}])


def test_the_ledger_tells_every_movement():
    book, order = state["book"], state["shipped"]
    movements = book.pages("ListMovements", "movements", document_id=order.id, page_size=3)
    assert all(movement.document_id == order.id and movement.quantity > 0
               for movement in movements)
    shipped = [movement for movement in movements if movement.sku == "LAMP-1"
               and movement.to_state == 10]
    assert sum(movement.quantity for movement in shipped) == 3, shipped
    assert all(movement.from_location == "WH" and not movement.to_location
               and movement.request_id for movement in shipped), shipped
    # The sum of a SKU's movements at a location is what is there.
    for sku, location in (("LAMP-1", "WH"), ("MUG-1", "YORK"), ("MUG-7", "YORK")):
        total = 0
        for movement in book.pages("ListMovements", "movements", sku=sku, location=location):
            total += movement.quantity * ((movement.to_location == location)
                                          - (movement.from_location == location))
        assert total == balances(sku, location)[4], (sku, location)
    both = book.pages("ListMovements", "movements", sku="LAMP-1", page_size=7)
    assert len(both) == len({(movement.part, movement.sequence) for movement in both})
    assert {movement.sku for movement in both} == {"LAMP-1"}


def test_movements_are_found_by_time():
    book = state["book"]
    moment = now()
    time.sleep(0.01)
    book.ReceiveStock(location="WH", lines=[{"sku": "MUG-3", "quantity": 9}])
    later = book.pages("ListMovements", "movements", location="WH", from_time=moment)
    assert [(movement.sku, movement.quantity) for movement in later] == [("MUG-3", 9)], later
    assert not book.pages("ListMovements", "movements", sku="MUG-3", to_time=moment)


def test_on_hand_at_a_moment_is_told_from_the_movements():
    book = state["book"]
    before = now()
    time.sleep(0.01)
    had = balances("LAMP-1", "LEEDS")[4]
    book.ReceiveStock(location="LEEDS", lines=[{"sku": "LAMP-1", "quantity": 6}])
    time.sleep(0.01)
    for moment, expected in ((before, had), (now(), had + 6), ("2020-01-01T00:00:00Z", 0)):
        answer = book.GetOnHandAt(sku="5012345678900", location="LEEDS", time=moment)
        assert (answer.sku, answer.on_hand) == ("LAMP-1", expected), (moment, answer)


def test_a_document_has_a_history():
    book, order = state["book"], state["shipped"]
    changes = book.pages("ListChanges", "changes", document_id=order.id, page_size=2)
    steps = [change.step for change in changes]
    assert len(steps) >= 8 and changes[0].status_before == "", changes
    assert changes[-1].status_after == "FULFILLED", changes
    assert any("pick" in step for step in steps) and any("cancel" in step for step in steps), steps
    assert all(change.time.seconds > 0 for change in changes)
    cancelled = [change for change in changes if "cancel" in change.step]
    assert cancelled[0].status_before == "PARTIALLY_FULFILLED", cancelled


def test_orders_are_found_by_customer_and_reference():
    book = state["book"]
    assert [order.reference for order in book.ListOrders(customer="ann").orders] == ["W-1001"]
    assert [order.customer for order in book.ListOrders(reference="W-1002").orders] == ["ben"]
    for number in range(5):
        book.PlaceOrder(channel="web", customer="often", reference=f"O-{number}",
                        lines=[line("LAMP-1", 1)])
    orders = book.pages("ListOrders", "orders", customer="often", page_size=2)
    assert [order.reference for order in orders] == [f"O-{number}" for number in range(5)]


def test_the_server_says_who_it_is():
    book = state["book"]
    info = book.GetServerInfo()
    assert info.version and info.schema_version >= 1 and info.parts >= 1 and info.open, info
    assert book.Echo(payload="AAEC").payload == b"\0\1\2"


# -- from the order to the customer's hands --------------------------------------------------------

def open_fulfilment():
    """The stores EAST and WEST, which hand over pickups, with 50 of LANTERN each."""
    book = state["book"]
    if "fulfilment" in state:
        return book
    state["fulfilment"] = True
    book.PutItem(item={"sku": "LANTERN", "name": "lantern"})
    put_stores(book, "EAST", "WEST", hands_over_pickups=True)
    for code in ("EAST", "WEST"):
        book.ReceiveStock(location=code, lines=[{"sku": "LANTERN", "quantity": 50}])
    book.PutLocationGroup(location_group={"code": "BOTH", "locations": ["EAST", "WEST"]})
    book.PutChannel(channel={"code": "app", "kind": "CHANNEL_KIND_WEB", "location_group": "BOTH"})
    return book


def placed(quantity, method, location="EAST"):
    return state["book"].PlaceOrder(channel="app", customer="dora", lines=[
        line("LANTERN", quantity, location, method=f"FULFILMENT_METHOD_{method}",
             unit_price=pounds(900))])


def test_what_is_promised_is_fetched_by_its_customer():
    book = open_fulfilment()
    option = book.Promise(channel="app", method="FULFILMENT_METHOD_PICKUP", pickup_location="EAST",
                          lines=[{"sku": "LANTERN", "quantity": 2}]).options[0]
    assert option.complete and option.pickup_location == "EAST", option
    order = placed(2, "PICKUP")
    at = {"pickup_id": order.pickups[0].id}
    book.AcceptPickup(**at)
    assert status(book.StepBackPickup(**at).pickup) == "REQUESTED"
    book.AcceptPickup(**at)
    book.PickPickup(**at)
    assert balances("LANTERN", "EAST") == (48, 0, 0, 2, 50)
    book.ReadyPickup(**at)
    code = book.IssuePickupCode(**at).code
    book.ExtendPickup(**at, collect_by="2100-01-01T00:00:00Z")
    assert status(book.CollectPickup(**at, code=code).pickup) == "COLLECTED"
    assert balances("LANTERN", "EAST") == (48, 0, 0, 0, 48)
    assert line_of(book.GetOrder(order_id=order.order.id).order) == (2, 0, 0, 0, 2, 0, 0)
    late = {"pickup_id": placed(1, "PICKUP").pickups[0].id}
    for call in (book.AcceptPickup, book.PickPickup, book.CancelPickup):
        call(**late)
    assert status(book.GetPickup(**late).pickup) == "PUTTING_BACK"
    assert status(book.PutBackPickup(**late).pickup) == "CANCELLED"
    assert not book.ListPickups(location="EAST").pickups
    assert balances("LANTERN", "EAST") == (48, 0, 0, 0, 48)


def test_parcels_are_packed_sent_delivered_and_lost():
    book = open_fulfilment()
    order_id = placed(4, "SHIP", "WEST").order.id
    first = {"shipment_id": book.CreateShipment(order_id=order_id, location="WEST").shipment.id}
    split = book.SplitShipment(**first, lines=[{"line": 1, "quantity": 1}])
    second = {"shipment_id": split.split_off.id}
    book.PickShipment(**first)
    assert status(book.StepBackShipment(**first).shipment) == "ALLOCATED"
    book.PickShipment(**first)
    book.PackShipment(**first, parcels=2)
    assert status(book.ShipShipment(**first, carrier="DPD").shipment) == "SHIPPED"
    assert status(book.DeliverShipment(**first).shipment) == "DELIVERED"
    book.ShipShipment(**second, skip=True)
    lost = book.LoseShipment(**second, remedy="SHORT_REMEDY_CANCEL")
    assert status(lost.shipment) == "LOST" and lost.resourced[0].quantity == 1, lost
    assert line_of(book.GetOrder(order_id=order_id).order) == (4, 0, 0, 0, 3, 1, 0)
    order_id = placed(1, "SHIP", "WEST").order.id
    third = {"shipment_id": book.CreateShipment(order_id=order_id, location="WEST").shipment.id}
    book.PickShipment(**third)
    assert status(book.CancelShipment(**third).shipment) == "PUTTING_BACK"
    book.PutBackShipment(**third)
    assert status(book.GetShipment(**third).shipment) == "CANCELLED"
    assert len(book.ListShipments(order_id=order_id).shipments) == 1
    assert balances("LANTERN", "WEST") == (46, 0, 0, 0, 46)


def test_goods_go_from_store_to_store():
    book = open_fulfilment()
    lines = [{"sku": "LANTERN", "quantity": 5}]
    sent = {"transfer_id": book.RequestTransfer(source="EAST", destination="WEST",
                                                lines=lines).transfer.id}
    book.ApproveTransfer(**sent)
    assert status(book.StepBackTransfer(**sent).transfer) == "DRAFT"
    book.ApproveTransfer(**sent)
    assert status(book.DispatchTransfer(**sent).transfer) == "IN_TRANSIT"
    book.ReceiveTransfer(**sent, lines=[{"line": 1, "received": 4}])
    closed = book.CloseTransfer(**sent, reason="TRANSFER_LOSS_REASON_MISCOUNTED").transfer
    assert status(closed) == "CLOSED_SHORT", closed
    assert balances("LANTERN", "EAST")[0] == 44 and balances("LANTERN", "WEST")[0] == 50
    other = {"transfer_id": book.RequestTransfer(source="WEST", destination="EAST", approve=True,
                                                 lines=lines).transfer.id}
    assert status(book.CancelTransfer(**other).transfer) == "CANCELLED"
    assert status(book.GetTransfer(**other).transfer) == "CANCELLED"
    assert not book.ListTransfers(source="WEST").transfers
    assert balances("LANTERN", "WEST") == (50, 0, 0, 0, 50)


def test_work_is_claimed_and_an_order_changes_under_it():
    book = open_fulfilment()
    book.SetShelf(location="EAST", lines=[{"sku": "LANTERN", "shelf": "B-2"}])
    book.SetQuota(location="EAST", channel="app", lines=[{"sku": "LANTERN", "quantity": 10}])
    order = placed(2, "PICKUP")
    at = {"pickup_id": order.pickups[0].id}
    book.AcceptPickup(**at)
    claimed = book.ClaimWork(location="EAST", kind="WORK_KIND_PICK", worker="anna")
    assert [(part.sku, part.quantity, part.shelf) for part in claimed.batch] == [
        ("LANTERN", 2, "B-2")], claimed
    refused("WORK_CLAIMED", book.PickPickup, **at, worker="bert")
    assert book.ReleaseWork(location="EAST", worker="anna").released == 1
    amended = book.AmendOrder(order_id=order.order.id, lines=[{"line": 1, "quantity": 1}]).order
    assert line_of(amended) == (2, 0, 1, 0, 0, 1, 0)
    kinds = [work.kind for work in book.ListWork(location="EAST").work]
    assert kinds == [2] and book.SummariseWork(location="EAST").kinds[0].units == 1, kinds
    book.RequestRecount(location="EAST", sku="LANTERN")
    assert book.RecordRecount(location="EAST", sku="LANTERN", on_hand=45).difference == 1
    events = book.GetOrderHistory(order_id=order.order.id).events
    assert [event.step for event in events] == [
        "place", "request", "accept", "cancel lines", "amend"], events
    book.CancelOrderLines(order_id=order.order.id)
    assert balances("LANTERN", "EAST") == (45, 0, 0, 0, 45)


def test_every_call_of_the_api_was_made_and_the_book_is_proven():
    checks = state["book"].verify_clean()
    assert sum(check.checked for check in checks) > 100, checks
    endless = {"StreamEvents", "WatchAvailability", "Session"}
    own = {method.path for method in METHODS.values() if method.path.startswith("/stockbook.v1.")
           and "TokenService" not in method.path and method.path.split("/")[-1] not in endless}
    assert own <= state["called"], own - state["called"]


if __name__ == "__main__":
    tap.main()
