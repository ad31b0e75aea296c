"""Two servers on one database, and steps of one document at once: one wins, the others are told
why, and the book is right."""
import tap
from cluster import Cluster
from server import Server
from shop import line, open_shop, race, reasons

state = {}


def setup():
    cluster = state["cluster"] = Cluster()
    servers = state["servers"] = [Server(database=cluster.uri())]
    servers.append(Server(database=cluster.uri()))
    state["books"] = [server.client() for server in servers]
    book = state["books"][0]
    open_shop(book, ("TEAPOT", "LAST"), {("TEAPOT", place): 50 for place in ("NORTH", "SOUTH", "WH")})
    for code in ("NORTH", "SOUTH"):
        book.PutLocation(location={
            "code": code, "name": code.title(), "kind": "LOCATION_KIND_STORE", "ships": True,
            "sells_at_till": True, "takes_returns": True, "hands_over_pickups": True})


def teardown():
    for server in state.get("servers", ()):
        server.stop()
    if "cluster" in state:
        state["cluster"].close()


def both(method, **fields):
    """The same call, under ids of its own, twice at each server."""
    return [(book, method, book.request(method, **fields)) for book in state["books"] * 2]


def one_wins(calls, *expected):
    answers, errors = race(calls)
    won = [index for index, answer in enumerate(answers) if answer is not None]
    assert len(won) == 1, (answers, errors)
    assert reasons(errors) <= set(expected), errors
    return won[0], answers[won[0]]


def pickup_of(location, until):
    """(id, code)"""
    book = state["books"][0]
    pickup_id = book.PlaceOrder(channel="web", lines=[
        line("TEAPOT", 1, location, method="FULFILMENT_METHOD_PICKUP")]).pickups[0].id
    book.AcceptPickup(pickup_id=pickup_id)
    book.PickPickup(pickup_id=pickup_id)
    return pickup_id, book.ReadyPickup(pickup_id=pickup_id).code if until == "READY" else ""


def shipment_of(location):
    book = state["books"][0]
    order_id = book.PlaceOrder(channel="web", lines=[line("TEAPOT", 1, location)]).order.id
    return book.CreateShipment(order_id=order_id, location=location).shipment.id


def test_two_stores_race_for_the_last_unit():
    book = state["books"][0]
    for _ in range(5):
        book.ReceiveStock(location="WH", lines=[{"sku": "LAST", "quantity": 1}])
        one_wins(both("PlaceOrder", channel="web", lines=[line("LAST", 1)]), "OUT_OF_STOCK")
    assert book.level("LAST", "WH").allocated == 5


def test_a_pickup_collected_twice_at_once_is_handed_over_once():
    book = state["books"][0]
    for _ in range(5):
        before = book.level("TEAPOT", "NORTH").on_hand
        pickup_id, code = pickup_of("NORTH", "READY")
        one_wins(both("CollectPickup", pickup_id=pickup_id, code=code), "WRONG_STATUS")
        assert book.level("TEAPOT", "NORTH").on_hand == before - 1


def test_a_cancel_racing_a_ship_has_one_winner():
    first, second = state["books"]
    for turn in range(10):
        shipment_id = shipment_of("SOUTH")
        calls = [
            (first, "ShipShipment",
             first.request("ShipShipment", shipment_id=shipment_id, skip=True)),
            (second, "CancelShipment",
             second.request("CancelShipment", shipment_id=shipment_id))]
        _, answer = one_wins(calls if turn % 2 else calls[::-1], "WRONG_STATUS")
        assert answer.shipment.status in {4, 8}  # SHIPPED, CANCELLED
        assert first.GetShipment(shipment_id=shipment_id).shipment == answer.shipment


def test_a_put_back_racing_a_new_reserve_frees_the_goods_for_one():
    first, second = state["books"]
    first.PutItem(item={"sku": "RARE"})
    first.ReceiveStock(location="NORTH", lines=[{"sku": "RARE", "quantity": 1}])
    for turn in range(8):
        pickup_id = first.PlaceOrder(channel="web", lines=[
            line("RARE", 1, "NORTH", method="FULFILMENT_METHOD_PICKUP")]).pickups[0].id
        first.AcceptPickup(pickup_id=pickup_id)
        first.PickPickup(pickup_id=pickup_id)
        first.CancelPickup(pickup_id=pickup_id)
        put_back = (first, "PutBackPickup", first.request("PutBackPickup", pickup_id=pickup_id))
        reserves = [(book, "Reserve", book.request(
            "Reserve", owner=f"basket-{turn}-{index}", channel="web",
            lines=[line("RARE", 1, "NORTH")])) for index, book in enumerate((first, second))]
        answers, errors = race([put_back, *reserves])
        assert answers[0] is not None, errors
        assert reasons(errors) <= {"OUT_OF_STOCK"}, errors
        held = [answer for answer in answers[1:] if answer is not None]
        assert len(held) <= 1, answers
        level = first.level("RARE", "NORTH")
        assert (level.available, level.reserved) == (1 - len(held), len(held)), level
        for answer in held:
            second.ReleaseReservation(reservation_id=answer.reservation.id)


def test_a_short_pick_is_done_once():
    first = state["books"][0]
    placed = first.PlaceOrder(channel="web", lines=[line("TEAPOT", 3, "WH")])
    shipment_id = first.CreateShipment(order_id=placed.order.id, location="WH").shipment.id
    before = first.level("TEAPOT", "WH").on_hand
    one_wins(both("PickShipment", shipment_id=shipment_id, remedy="SHORT_REMEDY_RE_SOURCE", lines=[
        {"line": 1, "picked": 1, "short": 2, "reason": "SHORT_REASON_NOT_FOUND"}]),
             "WRONG_STATUS", "LINE_QUANTITY_EXCEEDED")
    assert first.level("TEAPOT", "WH").on_hand == before - 2


def test_the_book_is_proven():
    state["books"][1].verify_clean()


if __name__ == "__main__":
    tap.main()
