"""What goes wrong in other systems, each by its name, and does not here. What needs hundreds of
callers is in test_reserve_race.py."""
import random
import time

import tap
from client import refused
from cluster import Cluster
from server import Server, end
from shop import count, line, open_shop, race, reasons, sql

state = {}


def setup():
    cluster = state["cluster"] = Cluster()
    state["server"] = Server(database=cluster.uri())
    state["book"] = state["server"].client()
    open_shop(state["book"])


def teardown():
    end(state)


def stocked(sku, **places):
    book = state["book"]
    book.PutItem(item={"sku": sku})
    for location, quantity in places.items():
        book.ReceiveStock(location=location, lines=[{"sku": sku, "quantity": quantity}])
    return book


def test_a_paid_order_is_never_under_allocated():
    book = stocked("PAID", WH=10)
    held = book.Reserve(owner="payer", lines=[line("PAID", 10, "WH")]).reservation
    calls = [(book, "Reserve", book.request("Reserve", lines=[line("PAID", 1, "WH")]))
             for _ in range(100)]
    calls.insert(50, (book, "ConfirmReservation",
                      book.request("ConfirmReservation", reservation_id=held.id)))
    answers, errors = race(calls)
    assert count(answers) == 1 and reasons(errors) == {"OUT_OF_STOCK"}, reasons(errors)
    assert answers[50].order.lines[0].allocated == 10, answers[50]


def test_reserved_does_not_drift_nor_go_negative():
    book, dice = stocked("DRIFT", WH=60, NORTH=30), random.Random(11)
    living = []
    for _ in range(30):
        calls = [(book, "Reserve", book.request(
            "Reserve", channel="web", lines=[line("DRIFT", dice.randint(1, 4))]))
            for _ in range(12)]
        dice.shuffle(living)
        for number, held in enumerate(living[:10]):
            name = ("ReleaseReservation", "ConfirmReservation", "ReplaceReservation")[number % 3]
            more = {"lines": [line("DRIFT", 2)]} if name == "ReplaceReservation" else {}
            calls.append((book, name, book.request(name, reservation_id=held, **more)))
            # Twice at once, under another id: only one may act.
            calls.append((book, name, book.request(name, reservation_id=held, **more)))
        answers, errors = race(calls)
        assert reasons(errors) <= {"OUT_OF_STOCK", "WRONG_STATUS"}, reasons(errors)
        living = list({answer.reservation.id for answer in answers
                       if answer and answer.reservation.status == 1})
        for answer in answers:
            if answer and hasattr(answer, "order") and answer.order.id:
                book.CancelOrderLines(order_id=answer.order.id)
    held = sql(state["cluster"], "SELECT coalesce(sum(q), 0) FROM reservation, unnest(line_sku, "
               "line_quantity) AS l(s, q) WHERE status = 1 AND s = 'DRIFT'")
    levels = book.ListStock(sku="DRIFT").levels
    assert sum(level.reserved for level in levels) == int(held[0][0]), (levels, held)
    assert sum(level.on_hand for level in levels) == 90, levels
    book.verify_clean()


def test_thirteen_are_not_split_into_ten_and_thirteen():
    book = stocked("THIRTEEN", WH=10, NORTH=20)
    order = book.PlaceOrder(channel="web", lines=[line("THIRTEEN", 13)]).order
    assert [(part.location, part.allocated) for part in order.lines[0].allocations] == [
        ("WH", 10), ("NORTH", 3)], order
    dice = random.Random(13)
    for number in range(25):
        sku = f"SPLIT-{number}"
        places = {place: dice.randint(1, 9) for place in ("WH", "NORTH", "SOUTH")}
        stocked(sku, **places)
        wanted = dice.randint(1, sum(places.values()))
        order = book.PlaceOrder(channel="web", lines=[line(sku, wanted)]).order
        assert sum(part.allocated for part in order.lines[0].allocations) == wanted, order


def test_undoing_a_pick_keeps_the_allocation():
    book = stocked("PUTBACK", WH=5)
    order = book.PlaceOrder(channel="web", lines=[line("PUTBACK", 5, "WH")]).order
    book.PickOrder(order_id=order.id)
    order = book.PutBackOrder(order_id=order.id).order
    assert (order.lines[0].allocated, order.lines[0].picked) == (5, 0)
    level = book.level("PUTBACK", "WH")
    assert (level.available, level.allocated, level.picked) == (0, 5, 0)
    order = book.DeallocateOrder(order_id=order.id).order
    assert (order.lines[0].open, book.level("PUTBACK", "WH").available) == (5, 5)


def test_no_lock_is_held_while_the_customer_pays():
    book = stocked("PAYING", WH=10)
    held = book.Reserve(lines=[line("PAYING", 4, "WH")]).reservation
    time.sleep(0.2)
    open_transactions = sql(state["cluster"], "SELECT count(*) FROM pg_stat_activity WHERE "
                            "datname = 'stockbook' AND state LIKE 'idle in transaction%'")
    assert open_transactions == [["0"]], open_transactions
    book.Reserve(lines=[line("PAYING", 6, "WH")])
    book.ConfirmReservation(reservation_id=held.id)


def test_a_shopper_is_not_blocked_by_his_own_basket():
    book = stocked("OWN", WH=3)
    held = book.Reserve(owner="shopper", lines=[line("OWN", 3, "WH")]).reservation
    for quantity in (3, 2, 3):
        replaced = book.ReplaceReservation(reservation_id=held.id,
                                           lines=[line("OWN", quantity, "WH")]).reservation
        assert replaced.lines[0].quantity == quantity
    refused("OUT_OF_STOCK", book.ReplaceReservation, reservation_id=held.id,
            lines=[line("OWN", 4, "WH")])
    assert book.GetReservation(reservation_id=held.id).reservation.lines[0].quantity == 3


def test_every_term_of_what_may_be_sold_is_explained():
    book = stocked("WHY", WH=20)
    book.Reserve(lines=[line("WHY", 4, "WH")])
    book.PlaceOrder(channel="web", lines=[line("WHY", 3, "WH")])
    book.SetSafetyStock(location="WH", lines=[{"sku": "WHY", "quantity": 2}])
    answer = book.ExplainAvailability(sku="WHY", location="WH", channel="web")
    assert sum(term.quantity for term in answer.terms) == answer.available_to_sell == 11, answer
    assert answer.available_to_sell == book.available("WHY", "WH")
    level = answer.level
    assert (level.available, level.reserved, level.allocated) == (13, 4, 3), level
    assert [movement.quantity for movement in answer.movements] == [3, 4, 20], answer


def test_web_orders_do_not_drain_a_store_that_is_not_theirs():
    book = stocked("FRANCHISE", WH=1)
    book.PutLocation(location={"code": "FRANCHISE", "kind": "LOCATION_KIND_STORE", "ships": True,
                               "sells_at_till": True, "takes_returns": True})
    book.ReceiveStock(location="FRANCHISE", lines=[{"sku": "FRANCHISE", "quantity": 50}])
    error = refused("OUT_OF_STOCK", book.PlaceOrder, channel="web", lines=[line("FRANCHISE", 2)])
    assert error.metadata["lines[0].available"] == "1", error
    answer = book.GetAvailability(skus=["FRANCHISE"], channel="web").availabilities[0]
    assert answer.available_to_sell == 1, answer


def test_goods_stay_where_they_are_returned():
    book = stocked("RETURNED", WH=1)
    order = book.PlaceOrder(channel="web", lines=[line("RETURNED", 1)], fulfil=True).order
    book.CreateReturn(location="SOUTH", order_id=order.id, lines=[
        {"order_line": 1, "quantity": 1, "disposition": "DISPOSITION_RESTOCK"}])
    assert book.level("RETURNED", "SOUTH").available == 1
    assert book.level("RETURNED", "WH").on_hand == 0


def test_an_absolute_figure_sent_twice_deducts_once():
    book = stocked("SYNCED", WH=10)
    request = book.request("SetStock", location="WH", lines=[
        {"sku": "SYNCED", "on_hand": 8, "expected_on_hand": 10}])
    book.send("SetStock", request)
    book.PlaceOrder(channel="web", lines=[line("SYNCED", 1)], fulfil=True)
    book.send("SetStock", request)
    assert book.level("SYNCED", "WH").on_hand == 7
    refused("EXPECTATION_FAILED", book.SetStock, location="WH",
            lines=[{"sku": "SYNCED", "on_hand": 8, "expected_on_hand": 8}])


def test_a_former_name_still_finds_the_stock():
    book = stocked("NAME", WH=5)
    book.PutItem(item={"sku": "NAME", "name": "Renamed", "aliases": ["FORMER-NAME"]})
    book.Reserve(lines=[line("FORMER-NAME", 2, "WH"), line("NAME", 1, "WH")])
    level = book.level("FORMER-NAME", "WH")
    assert (level.sku, level.reserved) == ("NAME", 3), level


def test_a_disabled_location_promises_nothing_and_still_takes_facts():
    book = stocked("CLOSED", SOUTH=5)
    place = {"code": "SHUT", "kind": "LOCATION_KIND_STORE", "ships": True, "sells_at_till": True}
    book.PutLocation(location=place)
    book.ReceiveStock(location="SHUT", lines=[{"sku": "CLOSED", "quantity": 5}])
    book.PutLocation(location={**place, "disabled": True})
    time.sleep(1.2)  # settings may be a second old in a decision
    refused("LOCATION_NOT_ELIGIBLE", book.Reserve, lines=[line("CLOSED", 1, "SHUT")])
    assert book.available("CLOSED", "SHUT") == 0
    book.PlaceOrder(channel="till", lines=[
        line("CLOSED", 1, "SHUT", method="FULFILMENT_METHOD_CARRY_OUT")])
    assert book.level("CLOSED", "SHUT").on_hand == 4


def test_the_book_is_proven():
    state["book"].verify_clean()


if __name__ == "__main__":
    tap.main()
