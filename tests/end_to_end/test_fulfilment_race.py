"""Two servers on one database, and steps of one document at once: one wins, the others are told
why, and the book is right."""
import tap
from client import refused
from cluster import Cluster
from server import Server
from shop import line, open_shop, put_stores, race, reasons

ROUNDS = 24  # of each race

state = {}


def setup():
    cluster = state["cluster"] = Cluster()
    servers = state["servers"] = [Server(database=cluster.uri(), tokens=True)]
    servers.append(Server(database=cluster.uri(), tokens=True))
    secret = servers[0].admin_token()
    state["books"] = [server.client(secret) for server in servers]
    book = state["books"][0]
    open_shop(book, ("TEAPOT", "LAST"),
              {("TEAPOT", place): 500 for place in ("NORTH", "SOUTH", "WH")})
    put_stores(book, "NORTH", "SOUTH", hands_over_pickups=True)
    book.PutChannel(channel={"code": "till", "kind": "CHANNEL_KIND_TILL", "location_group": "ALL"})
    state["stores"] = {}
    for server, store in zip(servers, ("NORTH", "SOUTH")):
        secret = book.CreateToken(name=f"till-{store}", role="ROLE_STORE",
                                  locations=[store]).secret
        state["stores"][store] = server.client(secret)


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
    """It lies in the warehouse; each store, at a server of its own, sells it to its customer."""
    book, stores = state["books"][0], state["stores"]
    refused("LOCATION_NOT_ALLOWED", stores["NORTH"].PlaceOrder, channel="till", lines=[
        line("TEAPOT", 1, "SOUTH", method="FULFILMENT_METHOD_CARRY_OUT")])
    winners = set()
    for turn in range(ROUNDS):
        book.ReceiveStock(location="WH", lines=[{"sku": "LAST", "quantity": 1}])
        calls = [(till, "PlaceOrder", till.request("PlaceOrder", channel="till", lines=[
            line("LAST", 1, store, method="FULFILMENT_METHOD_CARRY_OUT",
                 otherwise="FULFILMENT_METHOD_SHIP_TO_STORE" if turn % 3 else
                 "FULFILMENT_METHOD_SHIP")])) for store, till in stores.items()]
        won, answer = one_wins(calls[::1 if turn % 2 else -1], "OUT_OF_STOCK")
        assert answer.order.lines[0].allocations[0].allocated == 1, answer
        winners.add(won)
        level = book.level("LAST", "WH")
        assert (level.available, level.allocated) == (0, turn + 1), level
    print(f"# won by the call sent {' and '.join('12'[won] for won in sorted(winners))}")


def test_a_store_races_the_web_for_the_last_unit_on_its_shelf():
    """The store keeps it for a customer, or the web sells it to another: not both."""
    book, store = state["books"][1], state["stores"]["NORTH"]
    book.PutItem(item={"sku": "SHELF"})
    book.ReceiveStock(location="NORTH", lines=[{"sku": "SHELF", "quantity": 1}])
    for turn in range(ROUNDS):
        calls = [
            (book, "PlaceOrder", book.request("PlaceOrder", channel="web", lines=[
                line("SHELF", 1, "NORTH", method="FULFILMENT_METHOD_PICKUP")])),
            (store, "Reserve", store.request("Reserve", owner=f"till-{turn}", channel="till",
                                             lines=[line("SHELF", 1, "NORTH")]))]
        _, answer = one_wins(calls[::1 if turn % 2 else -1], "OUT_OF_STOCK")
        level = book.level("SHELF", "NORTH")
        assert (level.available, level.allocated + level.reserved) == (0, 1), level
        if hasattr(answer, "order"):
            book.CancelOrderLines(order_id=answer.order.id)
        else:
            store.ReleaseReservation(reservation_id=answer.reservation.id)


def test_a_pickup_collected_twice_at_once_is_handed_over_once():
    book = state["books"][0]
    for _ in range(ROUNDS):
        before = book.level("TEAPOT", "NORTH").on_hand
        pickup_id, code = pickup_of("NORTH", "READY")
        one_wins(both("CollectPickup", pickup_id=pickup_id, code=code), "WRONG_STATUS")
        assert book.level("TEAPOT", "NORTH").on_hand == before - 1


def test_a_cancel_racing_a_ship_has_one_winner():
    first, second = state["books"]
    for turn in range(ROUNDS):
        shipment_id = shipment_of("SOUTH")
        calls = [
            (first, "ShipShipment",
             first.request("ShipShipment", shipment_id=shipment_id, skip=True)),
            (second, "CancelShipment",
             second.request("CancelShipment", shipment_id=shipment_id))]
        _, answer = one_wins(calls if turn % 2 else calls[::-1], "WRONG_STATUS")
        assert answer.shipment.status in {4, 8}  # SHIPPED, CANCELLED
        assert first.GetShipment(shipment_id=shipment_id).shipment == answer.shipment


def test_a_customer_who_cancels_while_it_is_shipped_is_told_which_it_is():
    first, second = state["books"]
    for turn in range(ROUNDS):
        shipment_id = shipment_of("SOUTH")
        order_id = first.GetShipment(shipment_id=shipment_id).shipment.order_id
        calls = [
            (first, "ShipShipment",
             first.request("ShipShipment", shipment_id=shipment_id, skip=True)),
            (second, "CancelOrderLines", second.request("CancelOrderLines", order_id=order_id))]
        one_wins(calls if turn % 2 else calls[::-1], "WRONG_STATUS", "LINE_QUANTITY_EXCEEDED")
        status = first.GetShipment(shipment_id=shipment_id).shipment.status
        at = second.GetOrder(order_id=order_id).order.lines[0]
        assert (status, at.fulfilled, at.cancelled) in ((4, 1, 0), (8, 0, 1)), (status, at)


def test_a_put_back_racing_a_new_reserve_frees_the_goods_for_one():
    first, second = state["books"]
    first.PutItem(item={"sku": "RARE"})
    first.ReceiveStock(location="NORTH", lines=[{"sku": "RARE", "quantity": 1}])
    for turn in range(ROUNDS):
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
