"""Bad input: each gets the right code, a reason, the name of the field, and changes nothing."""
import contextlib
import time

import tap
from client import METHODS, Refused, new_id, refused
from cluster import Cluster
from server import Server, end
from shop import digest, hold_stock, line, open_shop, pounds, sql

MOST = 10**12
state = {}


def setup():
    cluster = state["cluster"] = Cluster()
    opened = state["open"] = Server(database=cluster.uri())
    book = state["book"] = opened.client()
    open_shop(book, ("TEAPOT", "KETTLE"), {("TEAPOT", "NORTH"): 10, ("TEAPOT", "WH"): 5})
    guarded = state["guarded"] = Server(database=cluster.uri(), tokens=True)
    for name, role, places in (("reader", "READER", []), ("north", "STORE", ["NORTH"]),
                               ("web-shop", "SHOP", []), ("gone", "ADMIN", [])):
        made = book.CreateToken(name=name, role=f"ROLE_{role}", locations=places)
        state[name] = guarded.client(made.secret)
    book.RevokeToken(name="gone")
    state["nobody"] = guarded.client()


def teardown():
    end(state)


@contextlib.contextmanager
def nothing_changed():
    before = digest(state["cluster"])
    yield state["book"]
    after = digest(state["cluster"])
    assert before == after, {table: (before[table], after[table])
                             for table in before if before[table] != after[table]}
    state["book"].verify_clean()


def invalid(field, call, /, **fields):
    """Refused for this field, which must be named."""
    error = refused("INVALID_FIELD", call, status="INVALID_ARGUMENT", field=field, **fields)
    assert error.fields[field], error
    assert field in error.message, error
    return error


def missing(reason, subject, call, /, **fields):
    """Refused because what is named is not there."""
    error = refused(reason, call, status="NOT_FOUND", **fields)
    assert f"'{subject}'" in error.message, error
    assert subject in error.metadata.values(), error
    return error


def test_unknown_sku():
    with nothing_changed() as book:
        error = missing("ITEM_NOT_FOUND", "NOPE", book.Reserve,
                        lines=[line("TEAPOT", 1, "NORTH"), line("NOPE", 1, "NORTH")])
        assert error.metadata["field"] == "lines[1].sku", error
        for call in (lambda: book.PlaceOrder(channel="web", lines=[line("NOPE", 1)]),
                     lambda: book.ReceiveStock(location="WH", lines=[{"sku": "NOPE",
                                                                      "quantity": 1}]),
                     lambda: book.AdjustStock(location="WH", lines=[
                         {"sku": "NOPE", "quantity": -1}], reason="MOVEMENT_REASON_BREAKAGE"),
                     lambda: book.SetStock(location="WH", lines=[{"sku": "NOPE", "on_hand": 1}]),
                     lambda: book.CreateReturn(location="WH", lines=[
                         {"sku": "NOPE", "quantity": 1, "disposition": "DISPOSITION_RESTOCK"}]),
                     lambda: book.GetAvailability(skus=["NOPE"], locations=["WH"]),
                     lambda: book.GetItem(sku="NOPE"),
                     # Case matters.
                     lambda: book.Reserve(lines=[line("teapot", 1, "WH")])):
            error = refused("ITEM_NOT_FOUND", call, status="NOT_FOUND")
            assert {"NOPE", "teapot"} & set(error.metadata.values()), error


def test_unknown_places_and_documents():
    nowhere = new_id()
    with nothing_changed() as book:
        missing("LOCATION_NOT_FOUND", "MOON", book.Reserve, lines=[line("TEAPOT", 1, "MOON")])
        missing("LOCATION_NOT_FOUND", "MOON", book.ReceiveStock, location="MOON",
                lines=[{"sku": "TEAPOT", "quantity": 1}])
        missing("LOCATION_NOT_FOUND", "MOON", book.GetLocation, code="MOON")
        missing("LOCATION_NOT_FOUND", "MOON", book.PutLocationGroup,
                location_group={"code": "NEW", "locations": ["WH", "MOON"]})
        missing("LOCATION_GROUP_NOT_FOUND", "NONE", book.GetAvailability, skus=["TEAPOT"],
                location_group="NONE")
        missing("LOCATION_GROUP_NOT_FOUND", "NONE", book.PutChannel,
                channel={"code": "x", "kind": "CHANNEL_KIND_WEB", "location_group": "NONE"})
        missing("CHANNEL_NOT_FOUND", "fax", book.Reserve, channel="fax", lines=[line("TEAPOT", 1)])
        missing("CHANNEL_NOT_FOUND", "fax", book.PlaceOrder, channel="fax",
                lines=[line("TEAPOT", 1)])
        missing("RESERVATION_NOT_FOUND", nowhere, book.ReleaseReservation, reservation_id=nowhere)
        missing("RESERVATION_NOT_FOUND", nowhere, book.ConfirmReservation, reservation_id=nowhere)
        missing("RESERVATION_NOT_FOUND", nowhere, book.GetReservation, reservation_id=nowhere)
        missing("ORDER_NOT_FOUND", nowhere, book.ShipOrder, order_id=nowhere)
        missing("ORDER_NOT_FOUND", nowhere, book.CancelOrderLines, order_id=nowhere)
        missing("ORDER_NOT_FOUND", nowhere, book.GetOrder, order_id=nowhere)
        missing("ORDER_NOT_FOUND", nowhere, book.CreateReturn, location="WH", order_id=nowhere,
                lines=[{"sku": "TEAPOT", "quantity": 1}])
        missing("RETURN_NOT_FOUND", nowhere, book.GetReturn, return_id=nowhere)
        missing("TOKEN_NOT_FOUND", "nobody", book.RevokeToken, name="nobody")


def test_negative_and_zero_quantities():
    with nothing_changed() as book:
        for bad in (0, -1, -MOST, -2**63):
            invalid("lines[1].quantity", book.Reserve,
                    lines=[line("TEAPOT", 1, "NORTH"), line("TEAPOT", bad, "NORTH")])
            invalid("lines[0].quantity", book.PlaceOrder, channel="web",
                    lines=[line("TEAPOT", bad)])
            invalid("lines[0].quantity", book.ReceiveStock, location="WH",
                    lines=[{"sku": "TEAPOT", "quantity": bad}])
        invalid("lines[0].quantity", book.AdjustStock, location="WH", lines=[
            {"sku": "TEAPOT", "quantity": 0}], reason="MOVEMENT_REASON_CORRECTION")
        invalid("lines[0].quantity", book.AdjustStock, location="WH", lines=[
            {"sku": "TEAPOT", "quantity": -1}], reason="MOVEMENT_REASON_FOUND")
        invalid("lines[0].quantity", book.AdjustStock, location="WH", lines=[
            {"sku": "TEAPOT", "quantity": 1}], reason="MOVEMENT_REASON_BREAKAGE")
        invalid("lines[0].on_hand", book.SetStock, location="WH",
                lines=[{"sku": "TEAPOT", "on_hand": -1}])
        invalid("lines[0].unit_price.minor_units", book.PlaceOrder, channel="web",
                lines=[line("TEAPOT", 1, unit_price=pounds(-1))])
        invalid("item.safety_stock", book.PutItem, item={"sku": "TEAPOT", "safety_stock": -1})


def test_overflowing_quantities():
    with nothing_changed() as book:
        for bad in (MOST + 1, 2**63 - 1):
            invalid("lines[0].quantity", book.Reserve, lines=[line("TEAPOT", bad, "NORTH")])
            invalid("lines[0].quantity", book.ReceiveStock, location="WH",
                    lines=[{"sku": "TEAPOT", "quantity": bad}])
        # Each in bounds, the sum is not: of the balance, of the lines, of 64 bits.
        refused("QUANTITY_OVERFLOW", book.ReceiveStock, location="WH", status="OUT_OF_RANGE",
                lines=[{"sku": "TEAPOT", "quantity": MOST}])
        refused("QUANTITY_OVERFLOW", book.ReceiveStock, location="WH", status="OUT_OF_RANGE",
                lines=[{"sku": "KETTLE", "quantity": MOST}] * 10000)
        error = refused("OUT_OF_STOCK", book.Reserve, status="FAILED_PRECONDITION",
                        lines=[line("TEAPOT", MOST, "NORTH")] * 10000)
        assert error.message and "TEAPOT" in error.message, error
        refused("OUT_OF_STOCK", book.PlaceOrder, channel="web", status="FAILED_PRECONDITION",
                lines=[line("TEAPOT", MOST, "NORTH", unit_price=pounds(0))] * 2)
        # A price times a quantity that no 64 bits hold.
        try:
            placed = book.PlaceOrder(channel="till", lines=[
                line("TEAPOT", MOST, "NORTH", method="FULFILMENT_METHOD_CARRY_OUT",
                     unit_price=pounds(MOST))])
            raise AssertionError(placed)
        except Refused as error:
            assert error.reason in ("QUANTITY_OVERFLOW", "INVALID_FIELD"), error


def test_ten_thousand_and_one_lines():
    with nothing_changed() as book:
        lines = [line("TEAPOT", 1, "NORTH")] * 10001
        error = invalid("lines", book.Reserve, lines=lines)
        assert "10000" in error.message.replace(",", ""), error
        invalid("lines", book.PlaceOrder, channel="web", lines=lines)
        invalid("lines", book.ReceiveStock, location="WH",
                lines=[{"sku": "TEAPOT", "quantity": 1}] * 10001)
        invalid("lines", book.Reserve, lines=[])
        invalid("skus", book.GetAvailability, skus=["TEAPOT"] * 1001, locations=["WH"])


def test_ten_thousand_lines_are_not_too_many():
    with nothing_changed() as book:
        refused("OUT_OF_STOCK", book.Reserve, lines=[line("TEAPOT", 1, "NORTH")] * 10000)


def field(number, data):
    """A length-delimited field as it goes over the wire."""
    return bytes([number << 3 | 2, len(data)]) + data


def malformed(name, raw):
    error = refused("MALFORMED_MESSAGE", state["book"].send, name, raw, status="INVALID_ARGUMENT")
    return error


def test_invalid_utf8_names_its_field():
    with nothing_changed():
        for bad in (b"TEA\xffPOT", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"):
            bad_line = field(1, bad) + b"\x10\x01" + field(3, b"NORTH")
            raw = field(1, new_id().encode()) + field(5, bad_line)
            error = malformed("Reserve", raw)
            assert "lines[0].sku" in error.message or "lines[0].sku" in error.fields, error
            assert "UTF-8" in error.message + str(error.fields), error
        raw = field(1, new_id().encode()) + field(2, b"\xfe") + field(
            5, field(1, b"TEAPOT") + b"\x10\x01" + field(3, b"NORTH"))
        error = malformed("Reserve", raw)
        assert "owner" in error.message or "owner" in error.fields, error


def test_a_nul_in_a_text_is_not_cut_silently():
    with nothing_changed() as book:
        # protobuf-c would see the SKU TEAPOT.
        raw = book.request("Reserve", lines=[line("TEAPOT\0X", 1, "NORTH")]).SerializeToString()
        error = malformed("Reserve", raw)
        assert "lines[0].sku" in error.message or "lines[0].sku" in error.fields, error


def test_truncated_messages():
    with nothing_changed() as book:
        whole = book.request("Reserve", owner="a basket",
                             lines=[line("TEAPOT", 1, "NORTH")]).SerializeToString()
        boundaries = 0
        for length in range(len(whole)):
            try:
                book.send("Reserve", whole[:length])
                raise AssertionError(f"the first {length} of {len(whole)} bytes were accepted")
            except Refused as error:
                # Cut between two fields it is a message, but one that lacks its lines.
                boundaries += error.reason == "INVALID_FIELD"
                assert error.reason in ("MALFORMED_MESSAGE", "INVALID_FIELD"), error
                assert error.code == "INVALID_ARGUMENT", error
        assert 1 <= boundaries <= 3, boundaries


def test_bytes_that_are_no_message():
    with nothing_changed():
        for raw in (b"\xff" * 50, b"\x0a\xff\xff\xff\xff\x0f", b"\x10" + b"\xff" * 10 + b"\x01",
                    b"\x0b" * 200, bytes(range(256)),
                    b"\x2a\x0d" + field(1, b"TEAPOT") + b"\x10\xff\xff\xff\xff"):
            error = refused("MALFORMED_MESSAGE", state["book"].send, "Reserve", raw)
            assert error.code == "INVALID_ARGUMENT", error


def test_empty_and_malformed_request_ids():
    with nothing_changed() as book:
        for bad in ("", "1", "not-a-uuid", "00000000-0000-0000-0000-000000000000",
                    new_id() + "0", new_id().replace("-", "_"), "{" + new_id() + "}"):
            invalid("request_id", book.Reserve, request_id=bad, lines=[line("TEAPOT", 1, "NORTH")])
            invalid("request_id", book.ReceiveStock, request_id=bad, location="WH",
                    lines=[{"sku": "TEAPOT", "quantity": 1}])
            invalid("request_id", book.PutItem, request_id=bad, item={"sku": "TEAPOT"})


def test_fields_out_of_bounds():
    with nothing_changed() as book:
        for bad in ("", "x" * 65, " TEAPOT", "TEAPOT ", "TEA\nPOT"):
            invalid("item.sku", book.PutItem, item={"sku": bad})
            invalid("lines[0].sku", book.Reserve, lines=[line(bad, 1, "NORTH")])
        invalid("item", book.PutItem)
        invalid("item.name", book.PutItem, item={"sku": "NEW", "name": "x" * 501})
        invalid("item.aliases", book.PutItem, item={
            "sku": "NEW", "aliases": [f"A{i}" for i in range(101)]})
        invalid("location.kind", book.PutLocation, location={"code": "NEW"})
        invalid("location.kind", book.PutLocation, location={"code": "NEW", "kind": 77})
        invalid("reason", book.AdjustStock, location="WH", lines=[{"sku": "TEAPOT", "quantity": -1}])
        invalid("reason", book.AdjustStock, location="WH", reason="MOVEMENT_REASON_SALE",
                lines=[{"sku": "TEAPOT", "quantity": -1}])
        invalid("lines[0].state", book.ReceiveStock, location="WH", lines=[
            {"sku": "TEAPOT", "quantity": 1, "state": "STOCK_STATE_RESERVED"}])
        invalid("lines[0].to_state", book.ChangeStockState, location="WH", lines=[
            {"sku": "TEAPOT", "quantity": 1, "from_state": "STOCK_STATE_AVAILABLE",
             "to_state": "STOCK_STATE_AVAILABLE"}])
        invalid("hold_for", book.Reserve, lines=[line("TEAPOT", 1, "NORTH")], hold_for="0s")
        invalid("hold_for", book.Reserve, lines=[line("TEAPOT", 1, "NORTH")], hold_for="-5s")
        invalid("hold_for", book.Reserve, lines=[line("TEAPOT", 1, "NORTH")], hold_for="9999999s")
        invalid("owner", book.Reserve, owner="x" * 201, lines=[line("TEAPOT", 1, "NORTH")])
        invalid("reservation_id", book.ReleaseReservation, reservation_id="17")
        invalid("lines[0].unit_price.currency_code", book.PlaceOrder, channel="web", lines=[
            line("TEAPOT", 1, unit_price={"minor_units": 1, "currency_code": "pounds"})])
        invalid("page_size", book.ListItems, page_size=1001)
        invalid("page_size", book.ListItems, page_size=-1)
        invalid("page_token", book.ListItems, page_token="yesterday's")
        for call in (lambda: book.ListOrders(), lambda: book.ListOrders(customer="a", reference="b"),
                     lambda: book.ListReservations(), lambda: book.ListStock(),
                     lambda: book.ListMovements()):
            refused("INVALID_FIELD", call, status="INVALID_ARGUMENT")


def test_several_wrong_fields_are_named_at_once():
    with nothing_changed() as book:
        error = refused("INVALID_FIELD", book.Reserve, request_id="", owner="x" * 300,
                        lines=[line("", 0, "NORTH")])
        assert {"request_id", "owner", "lines[0].sku", "lines[0].quantity"} <= set(error.fields)


def test_a_page_token_of_another_list_is_refused():
    book = state["book"]
    token = book.ListItems(page_size=1).next_page_token
    assert token
    with nothing_changed():
        invalid("page_token", book.ListLocations, page_token=token)
        invalid("page_token", book.ListItems, page_token=token, sku_prefix="T")


def test_mixed_currencies_in_an_order():
    with nothing_changed() as book:
        refused("CURRENCY_MISMATCH", book.PlaceOrder, channel="web", status="FAILED_PRECONDITION",
                lines=[line("TEAPOT", 1, unit_price=pounds(100)),
                       line("TEAPOT", 1, unit_price={"minor_units": 5, "currency_code": "EUR"})])


def test_wrong_token():
    with nothing_changed() as book:
        request = book.request("Reserve", lines=[line("TEAPOT", 1, "NORTH")])
        guarded = state["nobody"]
        refused("TOKEN_INVALID", guarded.send, "Reserve", request, status="UNAUTHENTICATED")
        refused("TOKEN_INVALID", state["gone"].send, "Reserve", request, status="UNAUTHENTICATED")
        refused("TOKEN_INVALID", guarded.GetServerInfo, status="UNAUTHENTICATED")
        refused("TOKEN_INVALID", guarded.Verify, status="UNAUTHENTICATED")
        for header in ("Bearer", "Bearer ", "Bearer wrong", "Basic YTpi", "wrong",
                       "Bearer " + "x" * 4000):
            error = refused("TOKEN_INVALID", guarded.send, "Reserve", request, 60,
                            [("authorization", header)], status="UNAUTHENTICATED")
            assert "wrong" not in error.message and "xxx" not in error.message, error


def test_a_token_of_another_store():
    north = state["north"]
    with nothing_changed():
        for call in (lambda: north.Reserve(lines=[line("TEAPOT", 1, "SOUTH")]),
                     lambda: north.Reserve(lines=[line("TEAPOT", 1, "NORTH"),
                                                  line("TEAPOT", 1, "WH")]),
                     lambda: north.ReceiveStock(location="SOUTH", lines=[
                         {"sku": "TEAPOT", "quantity": 1}]),
                     lambda: north.AdjustStock(location="WH", reason="MOVEMENT_REASON_BREAKAGE",
                                               lines=[{"sku": "TEAPOT", "quantity": -1}]),
                     lambda: north.PlaceOrder(channel="till", lines=[
                         line("TEAPOT", 1, "SOUTH", method="FULFILMENT_METHOD_CARRY_OUT")]),
                     lambda: north.CreateReturn(location="SOUTH", lines=[
                         {"sku": "TEAPOT", "quantity": 1, "disposition": "DISPOSITION_RESTOCK"}])):
            error = refused("LOCATION_NOT_ALLOWED", call, status="PERMISSION_DENIED")
            assert {"SOUTH", "WH"} & set(error.metadata.values()), error


def test_a_role_that_may_not():
    with nothing_changed():
        for name, call in (("reader", lambda book: book.Reserve(lines=[line("TEAPOT", 1, "WH")])),
                           ("web-shop", lambda book: book.ReceiveStock(location="WH", lines=[
                               {"sku": "TEAPOT", "quantity": 1}])),
                           ("north", lambda book: book.PutItem(item={"sku": "NEW"})),
                           ("north", lambda book: book.CreateToken(name="x", role="ROLE_ADMIN"))):
            refused("ROLE_NOT_ALLOWED", call, state[name], status="PERMISSION_DENIED")


def test_an_expired_deadline():
    """The caller may not know what became of it; sending it again under the same id tells."""
    book = state["book"]
    before, requests = book.level("TEAPOT", "NORTH").reserved, []
    for timeout in (-1, 0, 1e-6, 1e-4):
        request = book.request("Reserve", lines=[line("TEAPOT", 1, "NORTH")])
        try:
            book.send("Reserve", request, timeout=timeout)
            assert timeout > 1e-6, "answered after its deadline"
        except Refused as error:
            assert error.code == "DEADLINE_EXCEEDED", error
        requests.append(request)
    held = [book.send("Reserve", request).reservation.id for request in requests]
    assert book.level("TEAPOT", "NORTH").reserved == before + len(requests)
    for reservation in held:
        book.ReleaseReservation(reservation_id=reservation)
    book.verify_clean()


def test_a_deadline_that_ends_in_the_queue():
    """A call that still waits behind a slow one when its time is over never happens."""
    book, cluster = state["book"], state["cluster"]
    state["open"].client().Reserve(lines=[line("TEAPOT", 1, "NORTH")], owner="warm")
    locker = hold_stock(cluster, 1.2, "location = 'NORTH'")
    first = book.start("Reserve", book.request("Reserve", owner="first",
                                               lines=[line("TEAPOT", 1, "NORTH")]))
    time.sleep(0.2)
    late = book.request("Reserve", owner="late", lines=[line("TEAPOT", 2, "NORTH")])
    try:
        book.send("Reserve", late, timeout=0.2)
        raise AssertionError("answered in time: the row was not locked")
    except Refused as error:
        assert error.code == "DEADLINE_EXCEEDED", error
    assert first.result().reservation.owner == "first"
    assert locker.wait() == 0
    assert sql(cluster, "SELECT count(*) FROM reservation WHERE owner = 'late'") == [["0"]]
    # Sent again in time it acts, as if for the first time.
    assert book.send("Reserve", late).reservation.lines[0].quantity == 2
    book.verify_clean()


def test_a_message_that_is_too_large():
    with nothing_changed() as book:
        for name, request in (("Echo", book.request("Echo", payload="A" * (8 << 20))),
                              ("PutItem", book.request("PutItem", item={
                                  "sku": "NEW", "name": "x" * (5 << 20)}))):
            try:
                book.send(name, request)
                raise AssertionError("accepted")
            except Refused as error:
                assert error.code == "RESOURCE_EXHAUSTED", error
                assert "larger" in error.message, error
        invalid("payload", lambda: book.send("Echo", METHODS["Echo"].request(
            payload=b"x" * 65537)))
        assert book.send("Echo", METHODS["Echo"].request(payload=b"x" * 65536)).payload


def test_unknown_methods_and_services():
    book = state["book"]
    with nothing_changed():
        for path in ("/stockbook.v1.ReservationService/Steal", "/stockbook.v1.NoService/Reserve",
                     "/stockbook.v1.ReservationService/", "/Reserve", "/a/b/c"):
            call = book.channel.unary_unary(path)
            try:
                call(b"", timeout=20)
                raise AssertionError("answered")
            except Exception as error:  # pylint: disable=broad-except
                found = Refused(error, path)
                assert found.code == "UNIMPLEMENTED", (path, found)
                assert found.reason == "METHOD_NOT_FOUND", (path, found)
                assert path in found.message, (path, found)


def test_an_alias_that_belongs_to_another():
    book = state["book"]
    book.PutItem(item={"sku": "MUG", "aliases": ["5000000000012"]})
    with nothing_changed():
        for bad in ({"sku": "CUP", "aliases": ["5000000000012"]}, {"sku": "CUP", "aliases": ["MUG"]},
                    {"sku": "5000000000012"}):
            refused("ALIAS_TAKEN", book.PutItem, item=bad, status="ALREADY_EXISTS")


def test_a_stale_expectation():
    with nothing_changed() as book:
        error = refused("EXPECTATION_FAILED", book.SetStock, location="WH", status="ABORTED",
                        lines=[{"sku": "TEAPOT", "on_hand": 9, "expected_on_hand": 77}])
        assert error.metadata["actual"] == "5", error


def test_every_line_that_is_short_is_named():
    with nothing_changed() as book:
        error = refused("OUT_OF_STOCK", book.Reserve, status="FAILED_PRECONDITION", lines=[
            line("TEAPOT", 99, "NORTH"), line("TEAPOT", 1, "WH"), line("KETTLE", 3, "WH")])
        metadata = error.metadata
        assert metadata["lines[0].sku"] == "TEAPOT" and metadata["lines[0].requested"] == "99"
        assert int(metadata["lines[0].available"]) < 99
        assert metadata["lines[2].sku"] == "KETTLE" and metadata["lines[2].available"] == "0"
        assert metadata["lines[2].location"] == "WH", metadata
        assert "lines[1].sku" not in metadata, metadata


if __name__ == "__main__":
    tap.main()
