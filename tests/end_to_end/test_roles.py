"""Who may do what: each role tries real calls, and tokens come and go."""
import time

import tap
from client import METHODS, Refused, new_id, refused
from cluster import Cluster
from server import Server, wait_for
from shop import TABLES, line, open_shop, pounds, sql

ROLES = ("READER", "SHOP", "STORE", "FULFILMENT", "ADMIN")
ALL = set(ROLES)
GOODS = {"STORE", "FULFILMENT", "ADMIN"}
TRADE = GOODS | {"SHOP"}
ADMIN = {"ADMIN"}

# What the API's definition says under "Roles:".
MAY = {
    "PutItem": ADMIN, "GetItem": ALL, "ListItems": ALL,
    "PutLocation": ADMIN, "GetLocation": ALL, "ListLocations": ALL,
    "PutLocationGroup": ADMIN, "GetLocationGroup": ALL, "ListLocationGroups": ALL,
    "PutChannel": ADMIN, "GetChannel": ALL, "ListChannels": ALL,
    "GetAvailability": ALL, "ExplainAvailability": ALL, "ListStock": ALL, "ListShortages": ALL,
    "ReceiveStock": GOODS, "AdjustStock": GOODS, "SetStock": ADMIN, "ChangeStockState": GOODS,
    "SetSafetyStock": ADMIN, "SetQuota": ADMIN,
    "Reserve": TRADE, "ReplaceReservation": TRADE, "ExtendReservation": TRADE,
    "ReleaseReservation": TRADE, "ConfirmReservation": TRADE, "GetReservation": ALL,
    "ListReservations": ALL,
    "Promise": ALL,
    "PlaceOrder": TRADE, "AllocateOrder": TRADE, "DeallocateOrder": TRADE, "PickOrder": GOODS,
    "PutBackOrder": GOODS, "ShipOrder": GOODS, "CancelOrderLines": TRADE, "GetOrder": ALL,
    "ListOrders": ALL,
    "CreateReturn": GOODS, "InspectReturn": GOODS, "GetReturn": ALL, "ListReturns": ALL,
    "ListMovements": ALL, "ListChanges": ALL, "GetOnHandAt": ALL, "Verify": ADMIN,
    "CreateToken": ADMIN, "ListTokens": ADMIN, "RevokeToken": ADMIN,
    "Echo": ALL, "GetServerInfo": ALL, "Session": ALL,
}

state = {}


def setup():
    cluster = state["cluster"] = Cluster()
    opened = state["opened"] = Server(database=cluster.uri())
    book = opened.client()
    open_shop(book, ("TEAPOT",), {("TEAPOT", "NORTH"): 10**6, ("TEAPOT", "SOUTH"): 1000})
    secrets = {role: book.CreateToken(name=role.lower(), role=f"ROLE_{role}",
                                      locations=["NORTH"] if role == "STORE" else []).secret
               for role in ROLES}
    guarded = state["guarded"] = Server(database=cluster.uri(), tokens=True)
    state["as"] = {role: guarded.client(secret) for role, secret in secrets.items()}


def teardown():
    for name in ("opened", "guarded"):
        if name in state:
            state[name].stop()
    if "cluster" in state:
        state["cluster"].close()


def documents(admin):
    """A held reservation, an order with something open, allocated and picked, a waiting return."""
    held = admin.Reserve(owner="o", lines=[line("TEAPOT", 2, "NORTH")]).reservation.id
    sold = admin.PlaceOrder(channel="web", customer="c", lines=[
        line("TEAPOT", 3, "NORTH", unit_price=pounds(100)) for _ in range(4)]).order.id
    admin.PickOrder(order_id=sold, lines=[{"line": 1, "quantity": 3}])
    admin.DeallocateOrder(order_id=sold, lines=[{"line": 2, "quantity": 3}])
    back = admin.CreateReturn(location="NORTH", lines=[{"sku": "TEAPOT", "quantity": 1}])
    return held, sold, back.goods_return.id


def valid_fields(held, sold, back, name):
    """For each method a request that is right for who may send it."""
    one = [{"sku": "TEAPOT", "quantity": 1}]
    at_north = [line("TEAPOT", 1, "NORTH")]
    return {
        "PutItem": {"item": {"sku": "TEAPOT"}}, "GetItem": {"sku": "TEAPOT"}, "ListItems": {},
        "PutLocation": {"location": {"code": "NORTH", "kind": "LOCATION_KIND_STORE", "ships": True,
                                     "sells_at_till": True, "takes_returns": True}},
        "GetLocation": {"code": "NORTH"}, "ListLocations": {},
        "PutLocationGroup": {"location_group": {"code": "ALL", "locations": ["NORTH", "SOUTH"]}},
        "GetLocationGroup": {"code": "ALL"}, "ListLocationGroups": {},
        "PutChannel": {"channel": {"code": "web", "kind": "CHANNEL_KIND_WEB",
                                   "location_group": "ALL"}},
        "GetChannel": {"code": "web"}, "ListChannels": {},
        "GetAvailability": {"skus": ["TEAPOT"], "locations": ["NORTH"]},
        "ExplainAvailability": {"sku": "TEAPOT", "location": "NORTH"},
        "ListStock": {"sku": "TEAPOT"}, "ListShortages": {},
        "ReceiveStock": {"location": "NORTH", "lines": one},
        "AdjustStock": {"location": "NORTH", "lines": one, "reason": "MOVEMENT_REASON_FOUND"},
        "SetStock": {"location": "SOUTH", "lines": [{"sku": "TEAPOT", "on_hand": 1000}]},
        "ChangeStockState": {"location": "NORTH", "lines": [
            {"sku": "TEAPOT", "quantity": 1, "from_state": "STOCK_STATE_AVAILABLE",
             "to_state": "STOCK_STATE_ON_HOLD"}]},
        "SetSafetyStock": {"location": "NORTH", "lines": [{"sku": "TEAPOT", "quantity": 1}]},
        "SetQuota": {"location": "NORTH", "channel": "web", "lines": [
            {"sku": "TEAPOT", "quantity": 1}]},
        "Reserve": {"lines": at_north},
        "ReplaceReservation": {"reservation_id": held, "lines": at_north},
        "ExtendReservation": {"reservation_id": held, "hold_for": "60s"},
        "ReleaseReservation": {"reservation_id": held},
        "ConfirmReservation": {"reservation_id": held},
        "GetReservation": {"reservation_id": held}, "ListReservations": {"owner": "o"},
        "Promise": {"channel": "web", "lines": one},
        "PlaceOrder": {"channel": "web", "lines": at_north},
        "AllocateOrder": {"order_id": sold, "lines": [
            {"line": 2, "quantity": 1, "location": "NORTH"}]},
        "DeallocateOrder": {"order_id": sold, "lines": [{"line": 3, "quantity": 1}]},
        "PickOrder": {"order_id": sold, "lines": [{"line": 4, "quantity": 1}]},
        "PutBackOrder": {"order_id": sold, "lines": [{"line": 1, "quantity": 1}]},
        "ShipOrder": {"order_id": sold, "lines": [{"line": 1, "quantity": 1}]},
        "CancelOrderLines": {"order_id": sold, "lines": [{"line": 4, "quantity": 1}]},
        "GetOrder": {"order_id": sold}, "ListOrders": {"customer": "c"},
        "CreateReturn": {"location": "NORTH", "order_id": "", "lines": one},
        "InspectReturn": {"return_id": back, "lines": [
            {"line": 1, "quantity": 1, "disposition": "DISPOSITION_RESTOCK"}]},
        "GetReturn": {"return_id": back}, "ListReturns": {"customer": "c"},
        "ListMovements": {"sku": "TEAPOT", "page_size": 1}, "ListChanges": {"document_id": sold},
        "GetOnHandAt": {"sku": "TEAPOT", "location": "NORTH", "time": "2030-01-01T00:00:00Z"},
        "Verify": {},
        "CreateToken": {"name": f"token-{new_id()[:8]}", "role": "ROLE_READER"}, "ListTokens": {},
        "RevokeToken": {"name": "no-such-token"},
        "Echo": {"payload": "AAAA"}, "GetServerInfo": {}, "Session": {},
    }[name]


def test_every_method_has_a_row_here():
    own = {method.name for method in METHODS.values() if method.path.startswith("/stockbook.")}
    assert own == set(MAY), own ^ set(MAY)


def test_each_role_may_what_the_definition_says_and_nothing_else():
    wrong = []
    for role in ROLES:
        caller, admin = state["as"][role], state["as"]["ADMIN"]
        for name, roles in MAY.items():
            fields = valid_fields(*documents(admin), name)
            try:
                getattr(caller, name)(**fields)
                answered = "allowed"
            except Refused as error:
                answered = "refused" if error.reason == "ROLE_NOT_ALLOWED" else str(error)
                if name == "RevokeToken" and error.reason == "TOKEN_NOT_FOUND":
                    answered = "allowed"
            if answered != ("allowed" if role in roles else "refused"):
                wrong.append(f"{role} {name}: {answered}")
    assert not wrong, "\n".join(wrong)


def test_a_store_acts_at_its_own_locations_and_reads_everywhere():
    store, admin = state["as"]["STORE"], state["as"]["ADMIN"]
    store.Reserve(lines=[line("TEAPOT", 1, "NORTH")])
    refused("LOCATION_NOT_ALLOWED", store.Reserve, lines=[line("TEAPOT", 1, "SOUTH")],
            status="PERMISSION_DENIED")
    assert store.level("TEAPOT", "SOUTH").on_hand > 0
    # Through a channel it may promise whatever that sources from: endless aisle.
    store.Reserve(channel="web", lines=[line("TEAPOT", 1, "SOUTH")])
    store.PlaceOrder(channel="web", lines=[line("TEAPOT", 1, "SOUTH")])
    refused("LOCATION_NOT_ALLOWED", store.PlaceOrder, channel="web",
            lines=[line("TEAPOT", 1, "SOUTH", method="FULFILMENT_METHOD_CARRY_OUT")])
    # A document that holds another location's stock is not the store's to change.
    elsewhere = admin.Reserve(lines=[line("TEAPOT", 1, "SOUTH")]).reservation.id
    order = admin.PlaceOrder(channel="web", lines=[line("TEAPOT", 1, "SOUTH")]).order.id
    for call in (lambda: store.ReleaseReservation(reservation_id=elsewhere),
                 lambda: store.ConfirmReservation(reservation_id=elsewhere),
                 lambda: store.PickOrder(order_id=order),
                 lambda: store.ShipOrder(order_id=order, pick_first=True),
                 lambda: store.CancelOrderLines(order_id=order)):
        refused("LOCATION_NOT_ALLOWED", call, status="PERMISSION_DENIED")
    assert store.GetReservation(reservation_id=elsewhere).reservation.id == elsewhere


def test_blind_returns_of_a_store_are_limited():
    store, fulfilment = state["as"]["STORE"], state["as"]["FULFILMENT"]
    lines = [{"sku": "TEAPOT", "quantity": 10**6, "disposition": "DISPOSITION_DESTROYED"}]
    error = refused("BLIND_RETURN_LIMIT", store.CreateReturn, location="NORTH", lines=lines,
                    status="FAILED_PRECONDITION")
    limit = int(error.metadata["limit"])
    lines[0]["quantity"] = limit
    store.CreateReturn(location="NORTH", lines=lines)
    lines[0]["quantity"] = limit + 1
    refused("BLIND_RETURN_LIMIT", store.CreateReturn, location="NORTH", lines=lines)
    fulfilment.CreateReturn(location="NORTH", lines=lines)


def test_the_ledger_names_who_did_it():
    store = state["as"]["STORE"]
    receipt = store.ReceiveStock(location="NORTH", lines=[{"sku": "TEAPOT", "quantity": 1}])
    movements = store.pages("ListMovements", "movements", document_id=receipt.receipt_id)
    assert [movement.actor for movement in movements] == ["store"], movements


def test_a_token_is_made_listed_and_revoked():
    admin, guarded = state["as"]["ADMIN"], state["guarded"]
    made = admin.CreateToken(name="temporary", role="ROLE_STORE", locations=["SOUTH"])
    assert made.token.name == "temporary" and len(made.secret) >= 32, made
    refused("IN_USE", admin.CreateToken, name="temporary", role="ROLE_READER")
    listed = {token.name: token for token in admin.pages("ListTokens", "tokens")}
    assert list(listed["temporary"].locations) == ["SOUTH"]
    assert made.secret not in str(listed)
    temporary = guarded.client(made.secret)
    temporary.Reserve(lines=[line("TEAPOT", 1, "SOUTH")])
    revoked = time.monotonic()
    admin.RevokeToken(name="temporary")

    def refused_now():
        try:
            temporary.ListItems()
            return False
        except Refused as error:
            assert error.reason == "TOKEN_INVALID", error
            return True
    wait_for(refused_now, 5, "a revoked token is refused")
    assert time.monotonic() - revoked < 3.5, "revoking took too long"


def test_a_token_of_a_store_needs_a_location_and_others_take_none():
    admin = state["as"]["ADMIN"]
    refused("INVALID_FIELD", admin.CreateToken, name="x", role="ROLE_STORE", field="locations")
    refused("INVALID_FIELD", admin.CreateToken, name="x", role="ROLE_SHOP", locations=["NORTH"],
            field="locations")
    refused("LOCATION_NOT_FOUND", admin.CreateToken, name="x", role="ROLE_STORE",
            locations=["MOON"])
    refused("INVALID_FIELD", admin.CreateToken, name="x", field="role")


def test_a_token_request_sent_twice_does_not_show_the_secret_again():
    admin, request_id = state["as"]["ADMIN"], new_id()
    admin.CreateToken(request_id=request_id, name="once", role="ROLE_READER")
    refused("IN_USE", admin.CreateToken, request_id=request_id, name="once", role="ROLE_READER")


def test_the_secret_is_kept_nowhere():
    secret = state["as"]["ADMIN"].CreateToken(name="secret", role="ROLE_READER").secret
    for server in (state["opened"], state["guarded"]):
        assert secret not in server.log()
    dump = state["cluster"]
    for table in TABLES:
        assert sql(dump, f"SELECT count(*) FROM {table} t WHERE t::text LIKE '%{secret}%'") == [
            ["0"]], table
    assert sql(dump, "SELECT count(*) FROM request WHERE encode(response, 'escape') "
               f"LIKE '%{secret}%'") == [["0"]]


if __name__ == "__main__":
    tap.main()
