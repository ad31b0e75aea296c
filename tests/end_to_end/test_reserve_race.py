"""Many callers at once: nothing is sold twice, nothing is done twice, through one server and
through two servers on one database, whichever way in."""
import random
import time

import tap
from client import new_id, refused
from cluster import Cluster
from server import Server, end
from shop import count, line, open_shop, race, reasons, sql

CALLERS = 500
PIECES = 100
CONNECTIONS = 6  # to each server

state = {}


def setup():
    cluster = state["cluster"] = Cluster()
    one = state["one"] = Server(database=cluster.uri())
    two = state["two"] = Server(database=cluster.uri())
    state["to_one"] = [one.client() for _ in range(CONNECTIONS)]
    state["to_both"] = [server.client() for _ in range(CONNECTIONS) for server in (one, two)]
    state["book"] = state["to_one"][0]
    open_shop(state["book"])


def teardown():
    end(state)


def stocked(sku, quantity, location="WH"):
    book = state["book"]
    book.PutItem(item={"sku": sku, "name": sku})
    if quantity:
        book.ReceiveStock(location=location, lines=[{"sku": sku, "quantity": quantity}])
    return book


def spread(clients, requests):
    """Each caller takes the next connection."""
    return [(clients[i % len(clients)], name, request)
            for i, (name, request) in enumerate(requests)]


def reserve(book, sku, quantity=1, location="WH", **more):
    return "Reserve", book.request("Reserve", lines=[line(sku, quantity, location)], **more)


def order(book, sku, quantity=1, location="WH", **more):
    return "PlaceOrder", book.request(
        "PlaceOrder", channel="web", lines=[line(sku, quantity, location, **more)])


def reserves_and_orders(book, sku, number, location="WH"):
    """By turns in pairs, so that spread() gives both kinds to each of two servers: a row that is
    fought over settles with one of them, which may then have all of it."""
    return [order(book, sku, location=location) if i % 4 < 2 else reserve(
        book, sku, location=location) for i in range(number)]


def exactly_a_hundred(sku, clients):
    book = stocked(sku, PIECES)
    answers, errors = race(spread(clients, [reserve(book, sku) for _ in range(CALLERS)]))
    assert count(answers) == PIECES, (count(answers), reasons(errors))
    assert reasons(errors) == {"OUT_OF_STOCK"}, reasons(errors)
    assert len({answer.reservation.id for answer in answers if answer}) == PIECES
    level = book.level(sku, "WH")
    assert (level.available, level.reserved, level.on_hand) == (0, PIECES, PIECES), level
    book.verify_clean()


def test_five_hundred_callers_for_a_hundred_pieces_of_one_server():
    exactly_a_hundred("ONE-SERVER", state["to_one"])


def test_five_hundred_callers_for_a_hundred_pieces_of_two_servers():
    exactly_a_hundred("TWO-SERVERS", state["to_both"])


def test_reserves_and_orders_share_the_hundred_pieces():
    sku = "MIXED"
    book = stocked(sku, PIECES)
    requests = reserves_and_orders(book, sku, CALLERS)
    answers, errors = race(spread(state["to_both"], requests))
    assert count(answers) == PIECES, (count(answers), reasons(errors))
    assert reasons(errors) == {"OUT_OF_STOCK"}, reasons(errors)
    level = book.level(sku, "WH")
    assert level.available == 0 and level.reserved + level.allocated == PIECES, level
    assert level.reserved > 0 and level.allocated > 0, level


def test_till_sales_in_the_middle_leave_promises_only_what_is_left():
    sku, sales = "TILL-TOO", 40
    book = stocked(sku, PIECES, "NORTH")
    requests = reserves_and_orders(book, sku, CALLERS - sales, "NORTH")
    for i in range(sales):
        requests.insert(i * 11, order(book, sku, location="NORTH",
                                      method="FULFILMENT_METHOD_CARRY_OUT"))
    answers, errors = race(spread(state["to_both"], requests))
    sold = [answer for answer in answers if answer and hasattr(answer, "order")
            and answer.order.lines[0].fulfilled]
    promised = count(answers) - len(sold)
    assert len(sold) == sales, "a till sale is a fact and is never refused"
    assert reasons(errors) == {"OUT_OF_STOCK"}, reasons(errors)
    level = book.level(sku, "NORTH")
    assert PIECES - sales <= promised <= PIECES, promised
    assert level.reserved + level.allocated == promised, level
    assert level.available == PIECES - sales - promised <= 0, level
    shortages = [found for found in book.pages("ListShortages", "levels", location="NORTH")
                 if found.sku == sku]
    assert bool(shortages) == (level.available < 0), (shortages, level)
    book.verify_clean()


def test_callers_sourced_from_a_group_share_what_its_members_have():
    sku = "SPLIT"
    book = stocked(sku, 40, "WH")
    book.ReceiveStock(location="NORTH", lines=[{"sku": sku, "quantity": 35}])
    book.ReceiveStock(location="SOUTH", lines=[{"sku": sku, "quantity": 25}])
    requests = [reserve(book, sku, 3, "", channel="web") for _ in range(120)]
    answers, errors = race(spread(state["to_both"], requests))
    assert count(answers) == 33, (count(answers), reasons(errors))
    assert reasons(errors) == {"OUT_OF_STOCK"}, reasons(errors)
    for answer in filter(None, answers):
        assert sum(part.quantity for part in answer.reservation.lines) == 3, answer
    levels = book.ListStock(sku=sku).levels
    assert sum(level.reserved for level in levels) == 99, levels
    assert sum(level.available for level in levels) == 1, levels


def test_holds_that_are_over_are_had_by_whoever_asks_next():
    """Whichever server sweeps them, and whenever: never is it nobody's and yet refused."""
    book = stocked("LAPSE", 40)
    for location, quantity in (("NORTH", 40), ("SOUTH", 20)):
        book.ReceiveStock(location=location, lines=[{"sku": "LAPSE", "quantity": quantity}])
    for wait_s in (0.001, 0.9, 0.3, 0.01, 0.8, 0.1, 0.9, 0.001):
        answers, errors = race(spread(state["to_both"], [
            reserve(book, "LAPSE", location="", channel="web", hold_for="1s")
            for _ in range(PIECES)]))
        assert count(answers) == PIECES, (wait_s, count(answers), reasons(errors))
        over = max(answer.reservation.hold_until.ToNanoseconds() for answer in answers) / 1e9
        time.sleep(max(0, over - time.time()) + wait_s)


def test_two_lines_of_one_sku_in_a_basket_are_added_up():
    book = stocked("TWICE", 1)
    lines = [line("TWICE", 1, "WH"), line("TWICE", 1, "WH")]
    for call in (lambda: book.Reserve(lines=lines),
                 lambda: book.PlaceOrder(channel="web", lines=lines)):
        error = refused("OUT_OF_STOCK", call, status="FAILED_PRECONDITION")
        assert "TWICE" in error.metadata.values(), error.metadata
    assert book.level("TWICE", "WH").available == 1
    book.ReceiveStock(location="WH", lines=[{"sku": "TWICE", "quantity": 1}])
    held = book.Reserve(lines=lines).reservation
    assert [(part.sku, part.quantity) for part in held.lines] == [("TWICE", 2)], held


def test_baskets_of_two_lines_of_one_sku_race():
    sku = "TWICE-RACED"
    book = stocked(sku, 10)
    basket = [line(sku, 1, "WH"), line(sku, 1, "WH")]
    requests = [("Reserve", book.request("Reserve", lines=basket)) if i % 2 else
                ("PlaceOrder", book.request("PlaceOrder", channel="web", lines=basket))
                for i in range(60)]
    answers, errors = race(spread(state["to_both"], requests))
    assert count(answers) == 5, (count(answers), reasons(errors))
    level = book.level(sku, "WH")
    assert (level.available, level.reserved + level.allocated) == (0, 10), level


def acts_once(clients, name, make, sku, changed):
    book = stocked(sku, 50)
    before = book.level(sku, "WH")
    request = make(book, sku)
    answers, errors = race([(clients[i % len(clients)], name, request) for i in range(20)])
    assert count(errors) == 0, [error for error in errors if error]
    for answer in answers:
        answer.ClearField("position")
    assert all(answer == answers[0] for answer in answers), answers
    again = clients[-1].send(name, request)
    again.ClearField("position")
    assert again == answers[0], (again, answers[0])
    changed(before, book.level(sku, "WH"))
    made = sql(state["cluster"],
               f"SELECT count(*) FROM change WHERE request_id = '{request.request_id}'")
    assert made == [["1"]], made


def holds_two(before, after):
    assert (after.reserved, after.available) == (2, before.available - 2), after


def allocates_two(before, after):
    assert (after.allocated, after.available) == (2, before.available - 2), after


def receives_two(before, after):
    assert after.available == before.available + 2, after


def make_reserve(book, sku):
    return reserve(book, sku, 2)[1]


def make_order(book, sku):
    return order(book, sku, 2)[1]


def make_receipt(book, sku):
    return book.request("ReceiveStock", location="WH", lines=[{"sku": sku, "quantity": 2}])


def test_the_same_request_twenty_times_at_once_acts_once():
    acts_once(state["to_one"], "Reserve", make_reserve, "ONCE-HELD", holds_two)
    acts_once(state["to_one"], "PlaceOrder", make_order, "ONCE-ORDERED", allocates_two)
    acts_once(state["to_one"], "ReceiveStock", make_receipt, "ONCE-RECEIVED", receives_two)


def test_the_same_request_twenty_times_at_once_to_two_servers_acts_once():
    acts_once(state["to_both"], "Reserve", make_reserve, "ONCE-HELD-2", holds_two)
    acts_once(state["to_both"], "PlaceOrder", make_order, "ONCE-ORDERED-2", allocates_two)
    acts_once(state["to_both"], "ReceiveStock", make_receipt, "ONCE-RECEIVED-2", receives_two)


def test_a_request_id_with_other_content_is_refused():
    book = stocked("REUSED", 10)
    request_id = new_id()
    first = book.Reserve(request_id=request_id, lines=[line("REUSED", 1, "WH")])
    refused("REQUEST_ID_REUSED", book.Reserve, request_id=request_id,
            lines=[line("REUSED", 2, "WH")], status="ALREADY_EXISTS")
    refused("REQUEST_ID_REUSED", book.PlaceOrder, request_id=request_id, channel="web",
            lines=[line("REUSED", 1, "WH")], status="ALREADY_EXISTS")
    other = state["two"].client()
    refused("REQUEST_ID_REUSED", other.Reserve, request_id=request_id, owner="another",
            lines=[line("REUSED", 1, "WH")], status="ALREADY_EXISTS")
    again = other.Reserve(request_id=request_id, lines=[line("REUSED", 1, "WH")])
    assert again.reservation == first.reservation
    assert book.level("REUSED", "WH").reserved == 1


def test_two_contents_under_one_id_at_once_only_one_acts():
    book = stocked("CONTENTIOUS", 100)
    for _ in range(5):
        request_id = new_id()
        before = book.level("CONTENTIOUS", "WH").reserved
        requests = [reserve(book, "CONTENTIOUS", 1 + i % 2, request_id=request_id)
                    for i in range(20)]
        # Other than even and odd, so that each server gets both.
        random.Random(request_id).shuffle(requests)
        answers, errors = race(spread(state["to_both"], requests))
        quantities = {answer.reservation.lines[0].quantity for answer in answers if answer}
        assert count(answers) == 10 and len(quantities) == 1, (quantities, reasons(errors))
        assert reasons(errors) == {"REQUEST_ID_REUSED"}, reasons(errors)
        assert book.level("CONTENTIOUS", "WH").reserved == before + quantities.pop()


def test_a_refused_request_is_judged_anew_under_its_id():
    book = stocked("LATER", 0)
    request = reserve(book, "LATER", 2)[1]
    refused("OUT_OF_STOCK", book.send, "Reserve", request, status="FAILED_PRECONDITION")
    book.ReceiveStock(location="WH", lines=[{"sku": "LATER", "quantity": 2}])
    assert book.send("Reserve", request).reservation.lines[0].quantity == 2


def test_baskets_in_opposite_orders_do_not_deadlock():
    skus = [f"CROSS-{i}" for i in range(8)]
    for sku in skus:
        stocked(sku, 1000)
        state["book"].ReceiveStock(location="SOUTH", lines=[{"sku": sku, "quantity": 1000}])
    book, calls, dice = state["book"], [], random.Random(7)
    for i in range(300):
        mixed = [line(sku, 1, where) for sku in skus for where in ("WH", "SOUTH")]
        dice.shuffle(mixed)
        name = "Reserve" if i % 2 else "PlaceOrder"
        calls.append((name, book.request(name, channel="web", lines=mixed[:10])))
    answers, errors = race(spread(state["to_both"], calls))
    assert count(errors) == 0, [error for error in errors if error][:3]
    levels = [level for sku in skus for level in book.ListStock(sku=sku).levels]
    assert sum(level.reserved + level.allocated for level in levels) == 300 * 10
    book.verify_clean()


if __name__ == "__main__":
    tap.main()
