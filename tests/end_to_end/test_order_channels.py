"""Orders that are begun in one channel and finished in another, over a whole server: endless aisle,
a web basket at a till, amended, cancelled, and what their history tells."""
import tap
from client import new_id, refused
from cluster import Cluster
from server import Server, end
from shop import line, open_shop, pounds, put_stores, race, sql

state = {}
SKUS = ("TEAPOT", "KETTLE", "CUP")
SHIP, CARRY_OUT, PICKUP, SHIP_TO_STORE = (f"FULFILMENT_METHOD_{name}" for name in (
    "SHIP", "CARRY_OUT", "PICKUP", "SHIP_TO_STORE"))


def setup():
    cluster = state["cluster"] = Cluster()
    server = state["server"] = Server(database=cluster.uri())
    book = state["book"] = server.client()
    open_shop(book, SKUS, {(sku, place): 20 for sku in SKUS for place in ("SOUTH", "WH")})
    put_stores(book, "NORTH", "SOUTH", hands_over_pickups=True)
    book.PutChannel(channel={"code": "till", "kind": "CHANNEL_KIND_TILL", "location_group": "ALL"})
    book.PutChannel(channel={"code": "web-planned", "kind": "CHANNEL_KIND_WEB",
                             "location_group": "ALL", "plans_shipments": True})
    secret = book.CreateToken(name="till-7", role="ROLE_STORE", locations=["NORTH"]).secret
    guarded = state["guarded"] = Server(database=cluster.uri(), tokens=True)
    state["till"] = guarded.client(secret)


def teardown():
    end(state)


def counters(order, number):
    at = order.lines[number - 1]
    return (at.open, at.allocated, at.picked, at.fulfilled, at.cancelled)


def test_an_assistant_sells_what_the_store_lacks_in_one_call():
    till, book = state["till"], state["book"]
    book.ReceiveStock(location="NORTH", lines=[{"sku": "TEAPOT", "quantity": 1}])
    sold = till.PlaceOrder(channel="till", customer="ann", worker="bea", lines=[
        line("TEAPOT", 3, "NORTH", method=CARRY_OUT, otherwise=SHIP, unit_price=pounds(500)),
        line("KETTLE", 1, "NORTH", method=CARRY_OUT, otherwise=SHIP_TO_STORE)])
    order = sold.order
    assert [at.method for at in order.lines] == [2, 4, 1], order
    assert counters(order, 1) == (0, 0, 0, 1, 0)
    assert counters(order, 3) == (0, 2, 0, 0, 0)
    assert order.lines[2].allocations[0].location == "WH"
    assert order.lines[1].pickup_location == "NORTH"
    assert order.total.minor_units == 1500
    assert [transfer.destination for transfer in sold.transfers] == ["NORTH"]
    assert [pickup.location for pickup in sold.pickups] == ["NORTH"]
    assert order.status == 2, order
    book.verify_clean()


def test_a_web_basket_is_extended_and_confirmed_at_a_till():
    till, book = state["till"], state["book"]
    book.ReceiveStock(location="NORTH", lines=[{"sku": "CUP", "quantity": 1}])
    held = book.Reserve(owner="basket-9", customer="bob", channel="web", lines=[
        line("CUP", 1, "NORTH"), line("KETTLE", 2)]).reservation
    found = till.ListReservations(customer="bob").reservations
    assert [basket.id for basket in found] == [held.id], found
    till.ExtendReservation(reservation_id=held.id, hold_for="3600s")
    # She takes one more; what the basket holds does not stand in its own way.
    more = till.ReplaceReservation(reservation_id=held.id, channel="till", lines=[
        line("CUP", 1, "NORTH"), line("KETTLE", 3)]).reservation
    assert more.id == held.id and sum(at.quantity for at in more.lines) == 4, more
    confirmed = till.ConfirmReservation(
        reservation_id=held.id, channel="till", worker="bea",
        prices=[{"sku": sku, "unit_price": pounds(100)} for sku in ("CUP", "KETTLE")],
        lines=[{"sku": "CUP", "method": CARRY_OUT},
               {"sku": "KETTLE", "method": SHIP_TO_STORE, "pickup_location": "NORTH"}])
    order = confirmed.order
    assert order.channel == "till" and order.customer == "bob", order
    assert order.reservation_id == held.id and order.total.minor_units == 400
    assert counters(order, 1) == (0, 0, 0, 1, 0) and counters(order, 2) == (0, 3, 0, 0, 0)
    assert len(confirmed.pickups) == 1 and len(confirmed.transfers) == 1, confirmed
    # What lies elsewhere is not handed over here.
    far = book.Reserve(channel="web", lines=[line("CUP", 1, "SOUTH")]).reservation.id
    refused("LOCATION_NOT_ALLOWED", till.ConfirmReservation, reservation_id=far, channel="till",
            method=CARRY_OUT, status="PERMISSION_DENIED")
    till.ReleaseReservation(reservation_id=far)
    book.verify_clean()


def test_an_order_is_amended_and_its_history_tells_all_of_it():
    book = state["book"]
    placed = book.PlaceOrder(channel="web-planned", customer="cy", lines=[
        line("TEAPOT", 2, "WH", unit_price=pounds(100)), line("CUP", 1, "SOUTH", method=PICKUP)])
    order_id = placed.order.id
    assert len(placed.shipments) == 1 and len(placed.pickups) == 1, placed
    amended = book.AmendOrder(order_id=order_id, channel="till", worker="bea", note="rings up",
                              lines=[{"line": 1, "quantity": 1, "unit_price": pounds(90)},
                                     {"line": 2, "quantity": 3}],
                              add=[line("KETTLE", 1, unit_price=pounds(10))])
    assert [counters(amended.order, number) for number in (1, 2, 3)] == [
        (0, 1, 0, 0, 1), (0, 3, 0, 0, 0), (0, 1, 0, 0, 0)], amended.order
    assert amended.order.total.minor_units == 100
    assert amended.pickups[0].lines[0].to_pick == 2 and len(amended.shipments) == 1
    events = book.GetOrderHistory(order_id=order_id).events
    assert [event.step for event in events] == [
        "place", "create", "request", "cancel lines", "amend", "request", "create"], events
    amend = next(event for event in events if event.step == "amend")
    assert (amend.channel, amend.actor, amend.note) == ("till", "open/bea", "rings up"), amend
    refused("OUT_OF_STOCK", book.AmendOrder, order_id=order_id,
            lines=[{"line": 2, "quantity": 10**6}], status="FAILED_PRECONDITION")


def test_cancelling_gives_everything_back():
    book = state["book"]
    places = ("WH", "SOUTH", "NORTH")
    before = [(at.available, at.allocated, at.picked, at.on_hand)
              for at in (book.level("CUP", place) for place in places)]
    order_id = book.PlaceOrder(channel="web-planned", lines=[
        line("CUP", 2, method=SHIP_TO_STORE, pickup_location="NORTH"), line("CUP", 3),
        line("CUP", 1, "SOUTH", method=PICKUP)]).order.id
    cancelled = book.CancelOrderLines(order_id=order_id, note="never mind").order
    assert cancelled.status == 4, cancelled
    after = [(at.available, at.allocated, at.picked, at.on_hand)
             for at in (book.level("CUP", place) for place in places)]
    assert after == before, (before, after)


def test_the_same_request_opens_nothing_twice():
    book, request_id = state["book"], new_id()
    fields = {"request_id": request_id, "channel": "web",
              "lines": [line("CUP", 1, "SOUTH", method=PICKUP)]}
    first, again = (book.PlaceOrder(**fields) for _ in range(2))
    assert first.order.id == again.order.id
    assert first.pickups[0].id == again.pickups[0].id
    assert len(book.ListPickups(order_id=first.order.id).pickups) == 1


def test_of_two_who_amend_upwards_one_gets_the_last():
    book, other = state["book"], state["guarded"].client(
        state["book"].CreateToken(name="shop", role="ROLE_SHOP").secret)
    book.PutItem(item={"sku": "LAST", "name": "last"})
    book.ReceiveStock(location="WH", lines=[{"sku": "LAST", "quantity": 3}])
    orders = [book.PlaceOrder(channel="web", lines=[line("LAST", 1)]).order.id for _ in range(2)]
    answers, errors = race([
        (who, "AmendOrder", who.request("AmendOrder", order_id=order_id,
                                        lines=[{"line": 1, "quantity": 2}]))
        for who, order_id in zip((book, other), orders)])
    assert [answer is None for answer in answers].count(True) == 1, (answers, errors)
    assert next(error for error in errors if error).reason == "OUT_OF_STOCK", errors


def test_history_survives_the_server_and_the_book_is_proven():
    book = state["book"]
    order_id = book.PlaceOrder(channel="web", lines=[line("CUP", 1)]).order.id
    state["server"].kill()
    state["server"] = Server(database=state["cluster"].uri())
    book = state["book"] = state["server"].client()
    assert [event.step for event in book.GetOrderHistory(order_id=order_id).events] == ["place"]
    assert sql(state["cluster"], "SELECT count(*) FROM customer_order o WHERE fulfilment_count <> "
               "(SELECT count(*) FROM fulfilment f WHERE f.order_id = o.id)") == [["0"]]
    book.verify_clean()


if __name__ == "__main__":
    tap.main()
