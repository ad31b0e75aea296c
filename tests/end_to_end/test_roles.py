"""Who may do what: each role tries real calls, and tokens come and go."""
import time

import grpc

import tap
from client import METHODS, Refused, new_id, refused
from cluster import Cluster
from server import Server, end, wait_for
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
    "ListOrders": ALL, "AmendOrder": TRADE, "GetOrderHistory": ALL,
    "AcceptPickup": GOODS, "PickPickup": GOODS, "ReadyPickup": GOODS, "IssuePickupCode": GOODS,
    "ExtendPickup": TRADE, "CollectPickup": GOODS, "StepBackPickup": GOODS, "CancelPickup": TRADE,
    "PutBackPickup": GOODS, "GetPickup": ALL, "ListPickups": ALL,
    "CreateShipment": GOODS, "SplitShipment": GOODS, "PickShipment": GOODS, "PackShipment": GOODS,
    "ShipShipment": GOODS, "DeliverShipment": TRADE, "LoseShipment": TRADE,
    "StepBackShipment": GOODS, "CancelShipment": TRADE, "PutBackShipment": GOODS,
    "GetShipment": ALL, "ListShipments": ALL,
    "RequestTransfer": GOODS, "ApproveTransfer": GOODS, "DispatchTransfer": GOODS,
    "ReceiveTransfer": GOODS, "CloseTransfer": GOODS, "CancelTransfer": GOODS,
    "StepBackTransfer": GOODS, "GetTransfer": ALL, "ListTransfers": ALL,
    "ListWork": ALL, "SummariseWork": ALL, "ClaimWork": GOODS, "ReleaseWork": GOODS,
    "RecordRecount": GOODS, "RequestRecount": GOODS, "SetShelf": GOODS,
    "StreamEvents": ALL, "WatchAvailability": ALL,
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
    book.PutLocation(**valid_fields(None, None, None, "PutLocation"))
    secrets = {role: book.CreateToken(name=role.lower(), role=f"ROLE_{role}",
                                      locations=["NORTH"] if role == "STORE" else []).secret
               for role in ROLES}
    guarded = state["guarded"] = Server(database=cluster.uri(), tokens=True)
    state["as"] = {role: guarded.client(secret) for role, secret in secrets.items()}


def teardown():
    end(state)


def pickup(admin, status):
    """A pickup of two at NORTH that has come so far, cancelled where it is to be put back."""
    placed = admin.PlaceOrder(channel="web", lines=[
        line("TEAPOT", 2, "NORTH", method="FULFILMENT_METHOD_PICKUP")])
    pickup_id = placed.pickups[0].id
    steps = ("REQUESTED", "ACCEPTED", "PICKED", "READY", "PUTTING_BACK").index(status)
    calls = (admin.AcceptPickup, admin.PickPickup, admin.ReadyPickup, admin.CancelPickup)
    for call in calls[:steps]:
        call(pickup_id=pickup_id)
    return pickup_id


def shipment(admin, status):
    order_id = admin.PlaceOrder(channel="web", lines=[line("TEAPOT", 2, "NORTH")]).order.id
    shipment_id = admin.CreateShipment(order_id=order_id, location="NORTH").shipment.id
    if status == "SHIPPED":
        admin.ShipShipment(shipment_id=shipment_id, skip=True)
    elif status != "ALLOCATED":
        admin.PickShipment(shipment_id=shipment_id)
    if status == "PUTTING_BACK":
        admin.CancelShipment(shipment_id=shipment_id)
    return shipment_id


def transfer(admin, status, here="source"):
    """From NORTH, or to it."""
    source, destination = ("NORTH", "SOUTH") if here == "source" else ("SOUTH", "NORTH")
    transfer_id = admin.RequestTransfer(
        source=source, destination=destination, approve=status != "DRAFT",
        lines=[{"sku": "TEAPOT", "quantity": 2}]).transfer.id
    if status == "IN_TRANSIT":
        admin.DispatchTransfer(transfer_id=transfer_id)
    return transfer_id


# Steps of documents that are made for each call: the field of the id, how far the document has
# come, and what else the request says.
STEPS = {
    "AcceptPickup": (pickup, "REQUESTED", {}), "PickPickup": (pickup, "ACCEPTED", {}),
    "ReadyPickup": (pickup, "PICKED", {}), "IssuePickupCode": (pickup, "READY", {}),
    "ExtendPickup": (pickup, "READY", {"collect_by": "2100-01-01T00:00:00Z"}),
    "CollectPickup": (pickup, "READY", {"identification": {"name": "Ann", "shown": "passport"}}),
    "StepBackPickup": (pickup, "READY", {}), "CancelPickup": (pickup, "ACCEPTED", {}),
    "PutBackPickup": (pickup, "PUTTING_BACK", {}), "GetPickup": (pickup, "REQUESTED", {}),
    "SplitShipment": (shipment, "ALLOCATED", {"lines": [{"line": 1, "quantity": 1}]}),
    "PickShipment": (shipment, "ALLOCATED", {}), "PackShipment": (shipment, "PICKED", {}),
    "ShipShipment": (shipment, "ALLOCATED", {"skip": True}),
    "DeliverShipment": (shipment, "SHIPPED", {}),
    "LoseShipment": (shipment, "SHIPPED", {"remedy": "SHORT_REMEDY_OPEN"}),
    "StepBackShipment": (shipment, "PICKED", {}), "CancelShipment": (shipment, "ALLOCATED", {}),
    "PutBackShipment": (shipment, "PUTTING_BACK", {}), "GetShipment": (shipment, "ALLOCATED", {}),
    "ApproveTransfer": (transfer, "DRAFT", {}), "DispatchTransfer": (transfer, "READY", {}),
    "ReceiveTransfer": (lambda admin, status: transfer(admin, status, "destination"),
                        "IN_TRANSIT", {}),
    "CloseTransfer": (lambda admin, status: transfer(admin, status, "destination"), "IN_TRANSIT",
                      {"reason": "TRANSFER_LOSS_REASON_LOST"}),
    "CancelTransfer": (transfer, "READY", {}), "StepBackTransfer": (transfer, "READY", {}),
    "GetTransfer": (transfer, "DRAFT", {}),
}


def reservation(admin):
    return admin.Reserve(owner="o", lines=[line("TEAPOT", 2, "NORTH")]).reservation.id


def order(admin):
    """With something open, allocated and picked."""
    sold = admin.PlaceOrder(channel="web", customer="c", lines=[
        line("TEAPOT", 3, "NORTH", unit_price=pounds(100)) for _ in range(4)]).order.id
    admin.PickOrder(order_id=sold, lines=[{"line": 1, "quantity": 3}])
    admin.DeallocateOrder(order_id=sold, lines=[{"line": 2, "quantity": 3}])
    return sold


def waiting_return(admin):
    back = admin.CreateReturn(location="NORTH", lines=[{"sku": "TEAPOT", "quantity": 1}])
    return back.goods_return.id


def documents(admin, name):
    """Those that the method's request speaks of: a held reservation, an order, a return."""
    makers = {"<held>": reservation, "<sold>": order, "<back>": waiting_return}
    said = str(valid_fields(*makers, name))
    return [make(admin) if word in said else "" for word, make in makers.items()]


def valid_fields(held, sold, back, name):
    """For each method a request that is right for who may send it."""
    one = [{"sku": "TEAPOT", "quantity": 1}]
    at_north = [line("TEAPOT", 1, "NORTH")]
    return {
        "PutItem": {"item": {"sku": "TEAPOT"}}, "GetItem": {"sku": "TEAPOT"}, "ListItems": {},
        "PutLocation": {"location": {"code": "NORTH", "kind": "LOCATION_KIND_STORE", "ships": True,
                                     "sells_at_till": True, "takes_returns": True,
                                     "hands_over_pickups": True}},
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
        "AmendOrder": {"order_id": sold, "lines": [{"line": 4, "quantity": 2}]},
        "GetOrder": {"order_id": sold}, "ListOrders": {"customer": "c"},
        "GetOrderHistory": {"order_id": sold},
        "CreateShipment": {"order_id": sold, "location": "NORTH"},
        "ListPickups": {"location": "NORTH"}, "ListShipments": {"location": "NORTH"},
        "RequestTransfer": {"source": "NORTH", "destination": "SOUTH", "lines": one},
        "ListTransfers": {"source": "NORTH"},
        "ListWork": {"location": "NORTH"}, "SummariseWork": {"location": "NORTH"},
        "ClaimWork": {"location": "NORTH", "kind": "WORK_KIND_PICK", "worker": new_id()},
        "ReleaseWork": {"location": "NORTH", "worker": "anna"},
        "RecordRecount": {"location": "NORTH", "sku": "TEAPOT", "on_hand": 10**6},
        "RequestRecount": {"location": "NORTH", "sku": "TEAPOT"},
        "SetShelf": {"location": "NORTH", "lines": [{"sku": "TEAPOT", "shelf": "A-1"}]},
        "StreamEvents": {"heartbeat": "0.1s"},
        "WatchAvailability": {"skus": ["TEAPOT"], "locations": ["NORTH"]},
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


def try_call(caller, admin, name):
    """Sends what is right for who may; a stream that has no end of its own until it has begun."""
    if name in ("StreamEvents", "WatchAvailability"):
        stream = caller.stream(name, caller.request(name, **valid_fields(None, None, None, name)))
        try:
            next(stream)
        except grpc.RpcError as error:
            raise Refused(error, METHODS[name].path) from None
        stream.cancel()
        return
    if name in STEPS:
        make, status, more = STEPS[name]
        field = [word for word in ("pickup", "shipment", "transfer") if word in name.lower()][0]
        getattr(caller, name)(**{f"{field}_id": make(admin, status)}, **more)
        return
    getattr(caller, name)(**valid_fields(*documents(admin, name), name))


def test_each_role_may_what_the_definition_says_and_nothing_else():
    wrong = []
    for role in ROLES:
        caller, admin = state["as"][role], state["as"]["ADMIN"]
        for name, roles in MAY.items():
            try:
                try_call(caller, admin, name)
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
