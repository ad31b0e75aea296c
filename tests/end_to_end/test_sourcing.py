"""Sourcing and promises on a whole server: who serves, who was passed over, and when."""
import datetime
import threading

import tap
from client import Refused, refused
from server import Server, end, wait_for
from shop import line

STRATEGIES = ("PREFERENCE", "NEAREST", "FEWEST_PARCELS", "MOST_STOCK", "BALANCED")
# Along one meridian, 111 km for each degree.
STORES = {"NORTH": 56, "MIDDLE": 54, "SOUTH": 51}
LONDON = {"latitude": 51.5, "longitude": -1}

state = {}


def put_store(book, code, **more):
    book.PutLocation(location={
        "code": code, "kind": "LOCATION_KIND_STORE", "ships": True, "sells_at_till": True,
        "hands_over_pickups": True, "time_zone": "Europe/London",
        "coordinates": {"latitude": STORES[code], "longitude": -1}, **more})


def setup():
    server = state["server"] = Server()
    book = state["book"] = server.client()
    for code in STORES:
        put_store(book, code)
    book.PutLocationGroup(location_group={"code": "ALL", "locations": list(STORES)})
    book.PutChannel(channel={"code": "web", "kind": "CHANNEL_KIND_WEB", "location_group": "ALL"})
    book.PutChannel(channel={"code": "till", "kind": "CHANNEL_KIND_TILL"})


def teardown():
    end(state)


def stock(sku, **quantities):
    book = state["book"]
    book.PutItem(item={"sku": sku})
    for location, quantity in quantities.items():
        book.ReceiveStock(location=location, lines=[{"sku": sku, "quantity": quantity}])


def options(strategy="PREFERENCE", **more):
    return {"strategy": f"SOURCING_STRATEGY_{strategy}", **more}


def served(order):
    """For each line what came from where."""
    return [{at.location: at.allocated for at in line.allocations} for line in order.lines]


def promised(option):
    """The same of a promise; "" is what nobody has."""
    found = {}
    for source in option.sources:
        found.setdefault(source.line, {})[source.location] = source.quantity
    return [found[line] for line in sorted(found)]


def today():
    return datetime.datetime.now(datetime.timezone.utc).date()


def hours_from_now(timestamp):
    return (timestamp.seconds - datetime.datetime.now().timestamp()) / 3600


def test_each_strategy_sends_from_where_it_says():
    book = state["book"]
    stock("KETTLE", NORTH=4, MIDDLE=9, SOUTH=5)
    stock("CUP", SOUTH=5)
    expected = {"PREFERENCE": "NORTH", "NEAREST": "SOUTH", "MOST_STOCK": "MIDDLE",
                "FEWEST_PARCELS": "SOUTH"}
    for strategy, location in expected.items():
        wanted = options(strategy, destination=LONDON)
        lines = [line("KETTLE", 1), line("CUP", 1)]
        promise = book.Promise(channel="web", options=wanted, lines=[
            {"sku": one["sku"], "quantity": one["quantity"]} for one in lines]).options[0]
        order = book.PlaceOrder(channel="web", sourcing=wanted, lines=lines).order
        assert served(order) == [{location: 1}, {"SOUTH": 1}], (strategy, order)
        assert promised(promise) == served(order), (strategy, promise)
        book.CancelOrderLines(order_id=order.id)


def test_a_line_is_split_on_the_remainder_by_every_strategy():
    book = state["book"]
    stock("PLATE", NORTH=10, MIDDLE=13, SOUTH=7)
    for strategy in STRATEGIES:
        order = book.PlaceOrder(channel="web", lines=[line("PLATE", 25)], sourcing=options(
            strategy, destination=LONDON)).order
        assert sum(served(order)[0].values()) == 25, (strategy, order)
        book.CancelOrderLines(order_id=order.id)
    assert [level.available for level in book.ListStock(sku="PLATE").levels] == [13, 10, 7]


def test_an_order_tells_who_was_passed_over_and_why():
    book = state["book"]
    stock("LAMP", MIDDLE=5, SOUTH=5)
    book.SetSafetyStock(location="MIDDLE", lines=[{"sku": "LAMP", "quantity": 5}])
    answer = book.PlaceOrder(channel="web", lines=[line("LAMP", 2)], explain=True,
                             sourcing=options(destination=LONDON))
    why = {at.location: at for at in answer.explanation.candidates}
    names = type(answer.explanation.candidates[0]).DESCRIPTOR.fields_by_name["verdict"].enum_type
    verdicts = {code: names.values_by_number[at.verdict].name.removeprefix("SOURCING_VERDICT_")
                for code, at in why.items()}
    assert verdicts == {"NORTH": "NO_STOCK", "MIDDLE": "KEPT_BACK", "SOUTH": "CHOSEN"}, answer
    assert why["SOUTH"].quantity == 2 and why["SOUTH"].available_to_sell == 5, answer
    assert 450 < why["NORTH"].distance_km < 550, answer


def test_a_promise_commits_nothing():
    book = state["book"]
    stock("VASE", SOUTH=1)
    for _ in range(3):
        option = book.Promise(channel="web", lines=[{"sku": "VASE", "quantity": 1}]).options[0]
        assert option.complete, option
    short = book.Promise(channel="web", lines=[{"sku": "VASE", "quantity": 3}]).options[0]
    assert not short.complete and promised(short) == [{"SOUTH": 1, "": 2}], short
    assert book.level("VASE", "SOUTH").available == 1


def test_a_promise_that_may_be_old_comes_from_memory():
    book = state["book"]
    stock("CLOCK", SOUTH=3)

    def ask(**more):
        return book.Promise(channel="web", lines=[{"sku": "CLOCK", "quantity": 2}],
                            max_staleness="60s", **more)

    def from_memory():
        answer = ask()
        return answer if answer.HasField("age") else None
    answer = wait_for(from_memory, 30, "an answer from memory")
    assert promised(answer.options[0]) == [{"SOUTH": 2}], answer
    assert answer.age.ToTimedelta().total_seconds() < 60, answer
    sold = book.PlaceOrder(channel="web", lines=[line("CLOCK", 2)])
    position = {"parts": [{"part": part.part, "sequence": part.sequence}
                          for part in sold.position.parts]}
    assert promised(ask(at_least=position).options[0]) == [{"SOUTH": 1, "": 1}]


def test_a_promise_names_the_stores_near_the_customer_and_when():
    book = state["book"]
    stock("CHAIR", NORTH=1, MIDDLE=5)
    answer = book.Promise(channel="web", method="FULFILMENT_METHOD_PICKUP", near=LONDON,
                          lines=[{"sku": "CHAIR", "quantity": 2}])
    found = [(at.pickup_location, at.complete) for at in answer.options]
    assert found == [("SOUTH", False), ("MIDDLE", True), ("NORTH", False)], answer
    assert 250 < answer.options[1].distance_km < 300, answer
    # Always open: 240 minutes.
    assert 3.8 < hours_from_now(answer.options[1].promised_time) < 4.1, answer
    # A day until it leaves, and one under way.
    ship = book.Promise(channel="web", lines=[{"sku": "CHAIR", "quantity": 1}]).options[0]
    assert 47.8 < hours_from_now(ship.promised_time) < 48.1, ship
    store = book.Promise(channel="web", method="FULFILMENT_METHOD_SHIP_TO_STORE",
                         pickup_location="SOUTH",
                         lines=[{"sku": "CHAIR", "quantity": 1}]).options[0]
    assert promised(store) == [{"NORTH": 1}], store
    # 556 km are two days, and then the four hours.
    assert 75.8 < hours_from_now(store.promised_time) < 76.1, store


def test_a_shop_that_is_closed_promises_when_it_opens():
    book = state["book"]
    stock("DESK", SOUTH=1)
    tomorrow = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=2)
    put_store(book, "SOUTH", time_zone="Etc/UTC", pickup_ready_minutes=30, opening_hours=[
        {"weekday": tomorrow.isoweekday(), "open_minute": 600, "close_minute": 700}])
    try:
        answer = book.Promise(channel="web", method="FULFILMENT_METHOD_PICKUP",
                              pickup_location="SOUTH", lines=[{"sku": "DESK", "quantity": 1}])
        ready = datetime.datetime.fromtimestamp(answer.options[0].promised_time.seconds,
                                                datetime.timezone.utc)
        assert ready.date() == tomorrow.date() and (ready.hour, ready.minute) == (10, 30), ready
    finally:
        put_store(book, "SOUTH")


def test_web_orders_do_not_drain_a_franchise_store():
    book = state["book"]
    stock("RUG", NORTH=10, MIDDLE=3)
    book.PutChannel(channel={"code": "market", "kind": "CHANNEL_KIND_MARKETPLACE",
                             "location_group": "ALL", "exclusions": [
                                 {"location": "NORTH", "method": "FULFILMENT_METHOD_SHIP"}]})
    order = book.PlaceOrder(channel="market", lines=[line("RUG", 2)]).order
    assert served(order) == [{"MIDDLE": 2}], order
    refused("OUT_OF_STOCK", book.PlaceOrder, channel="market", lines=[line("RUG", 2)])
    refused("LOCATION_NOT_ELIGIBLE", book.PlaceOrder, channel="market",
            lines=[line("RUG", 1, "NORTH")])
    # Kept for the till, unit by unit, the web gets the others.
    quota = book.SetQuota(location="NORTH", channel="till",
                          lines=[{"sku": "RUG", "quantity": 8}]).quotas[0]
    assert quota.left == 8, quota
    assert served(book.PlaceOrder(channel="web", lines=[line("RUG", 3)]).order) == [
        {"NORTH": 2, "MIDDLE": 1}]
    refused("OUT_OF_STOCK", book.Reserve, channel="web", lines=[line("RUG", 1)])
    told = book.ExplainAvailability(sku="RUG", location="NORTH", channel="web")
    assert ("quota", -8) in [(term.name, term.quantity) for term in told.terms], told
    book.Reserve(channel="till", lines=[line("RUG", 8, "NORTH")])


def test_the_parcels_of_a_day_are_not_oversold_by_callers_at_once():
    book = state["book"]
    stock("BOOK", NORTH=100, MIDDLE=100)
    put_store(book, "NORTH", daily_ship_capacity=5)
    day, wrong = today(), []

    def buy():
        try:
            own = state["server"].client()
            for _ in range(4):
                own.PlaceOrder(channel="web", lines=[line("BOOK", 1)])
        except Refused as error:
            wrong.append(str(error))
    callers = [threading.Thread(target=buy) for _ in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    put_store(book, "NORTH")
    assert not wrong, wrong
    if today() != day:
        raise tap.Skip("midnight came by")
    assert book.level("BOOK", "NORTH").allocated == 5
    assert book.level("BOOK", "MIDDLE").allocated == 27


def test_nonsense_is_refused_by_field():
    book = state["book"]
    one = [{"sku": "CUP", "quantity": 1}]
    for field, fields in (
            ("lines", {}), ("lines[0].quantity", {"lines": [{"sku": "CUP"}]}),
            ("near.latitude", {"lines": one, "near": {"latitude": 91}}),
            ("options.destination.longitude",
             {"lines": one, "options": {"destination": {"longitude": 181}}}),
            ("locations_max", {"lines": one, "locations_max": 101}),
            ("method", {"lines": one, "method": "FULFILMENT_METHOD_CARRY_OUT"})):
        refused("INVALID_FIELD", book.Promise, channel="web", field=field, **fields)
    refused("INVALID_FIELD", book.PutChannel, field="channel.delivery_days",
            channel={"code": "c", "kind": "CHANNEL_KIND_WEB", "delivery_days": 366})
    refused("INVALID_FIELD", book.PutLocation, field="location.ship_minutes", location={
        "code": "l", "kind": "LOCATION_KIND_STORE", "ship_minutes": -1})


def test_the_book_is_proven():
    state["book"].verify_clean()


if __name__ == "__main__":
    tap.main()
