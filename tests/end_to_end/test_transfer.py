"""Transfers through a server, and through two at once: from order to collection, short, over, and
with two people at the same goods."""
import tap
from client import refused
from cluster import Cluster
from server import Server, end
from shop import count, line, open_shop, pounds, put_stores, race, reasons, status

ROUNDS = 12  # of each race

state = {}


def setup():
    cluster = state["cluster"] = Cluster()
    state["one"] = Server(database=cluster.uri())
    state["two"] = Server(database=cluster.uri())
    book = state["book"] = state["one"].client()
    state["other"] = state["two"].client()
    open_shop(book)
    put_stores(book, "NORTH", "SOUTH", hands_over_pickups=True)


def teardown():
    end(state)


def stocked(sku, quantity, location="WH"):
    book = state["book"]
    book.PutItem(item={"sku": sku, "name": sku})
    book.ReceiveStock(location=location, lines=[{"sku": sku, "quantity": quantity}])
    return book


def sent(sku, quantity, there=None):
    """The id of a transfer of so many from WH to NORTH, in transit."""
    book = stocked(sku, there or quantity)
    transfer = book.RequestTransfer(source="WH", destination="NORTH", approve=True,
                                    lines=[line_of(sku, quantity)]).transfer
    book.DispatchTransfer(transfer_id=transfer.id)
    return transfer.id


def line_of(sku, quantity):
    return {"sku": sku, "quantity": quantity}


def get(transfer_id):
    return state["book"].GetTransfer(transfer_id=transfer_id).transfer


def order_to_store(sku, quantity):
    """An order that WH sends to NORTH, where its customer fetches it."""
    return stocked(sku, quantity).PlaceOrder(
        channel="web", customer="ann@example.net",
        lines=[line(sku, quantity, method="FULFILMENT_METHOD_SHIP_TO_STORE",
                    pickup_location="NORTH", unit_price=pounds(700))])


# -- ship to store -------------------------------------------------------------------------------


def test_an_order_is_shipped_to_a_store_and_collected_there():
    placed = order_to_store("KETTLE", 3)
    book, order_id = state["book"], placed.order.id
    pickup, transfer = placed.pickups[0], placed.transfers[0]
    assert (transfer.source, transfer.destination) == ("WH", "NORTH"), transfer
    assert transfer.pickup_id == pickup.id and transfer.order_id == order_id, transfer

    todo = book.ClaimWork(location="WH", kind="WORK_KIND_DISPATCH", worker="wim",
                          document_ids=[transfer.id])
    assert [(row.sku, row.quantity) for row in todo.work[0].lines] == [("KETTLE", 3)], todo
    assert todo.work[0].customer == "ann@example.net", todo
    refused("WORK_CLAIMED", book.DispatchTransfer, transfer_id=transfer.id, worker="eve")
    book.DispatchTransfer(transfer_id=transfer.id, worker="wim", carrier="van", tracking="7")
    assert book.level("KETTLE", "WH").on_hand == 0
    there = book.level("KETTLE", "NORTH")
    assert (there.in_transit, there.on_hand) == (3, 0), there

    received = book.ReceiveTransfer(transfer_id=transfer.id, worker="nora").transfer
    assert status(received) == "RECEIVED", received
    there = book.level("KETTLE", "NORTH")
    assert (there.in_transit, there.allocated, there.available) == (0, 3, 0), there

    book.AcceptPickup(pickup_id=pickup.id)
    book.PickPickup(pickup_id=pickup.id)
    ready = book.ReadyPickup(pickup_id=pickup.id)
    book.CollectPickup(pickup_id=pickup.id, code=ready.code)
    order = book.GetOrder(order_id=order_id).order
    assert order.lines[0].fulfilled == 3, order
    assert book.level("KETTLE", "NORTH").on_hand == 0
    assert not book.ListWork(location="NORTH").work
    book.verify_clean()


def test_what_the_way_took_is_open_on_the_order_again():
    placed = order_to_store("JUG", 4)
    book, transfer_id = state["book"], placed.transfers[0].id
    book.DispatchTransfer(transfer_id=transfer_id, lines=[
        {"line": 1, "quantity": 3, "short": 1, "reason": "SHORT_REASON_NOT_FOUND"}])
    book.ReceiveTransfer(transfer_id=transfer_id, lines=[{"line": 1, "received": 1, "damaged": 1}])
    book.CloseTransfer(transfer_id=transfer_id, reason="TRANSFER_LOSS_REASON_LOST")
    row = book.GetOrder(order_id=placed.order.id).order.lines[0]
    assert (row.open, row.allocated) == (3, 1), row
    there = book.level("JUG", "NORTH")
    assert (there.allocated, there.damaged, there.in_transit) == (1, 1, 0), there
    work = book.ListWork(location="WH", kinds=["WORK_KIND_RECOUNT"], with_lines=True).work
    assert [row.lines[0].sku for row in work] == ["JUG"], work
    book.RecordRecount(location="WH", sku="JUG", on_hand=0)
    assert not book.ListWork(location="WH", kinds=["WORK_KIND_RECOUNT"]).work
    book.verify_clean()


# -- between stores ------------------------------------------------------------------------------


def test_a_transfer_received_short_and_closed_leaves_nothing_in_transit():
    transfer_id = sent("BOWL", 10, there=12)
    book = state["book"]
    got = book.ReceiveTransfer(transfer_id=transfer_id, lines=[{"line": 1, "received": 7}])
    assert status(got.transfer) == "PARTIALLY_RECEIVED", got
    assert book.level("BOWL", "NORTH").in_transit == 3
    book.verify_clean()
    closed = book.CloseTransfer(transfer_id=transfer_id, reason="TRANSFER_LOSS_REASON_MISCOUNTED",
                                note="three were still on the shelf").transfer
    assert status(closed) == "CLOSED_SHORT" and closed.lines[0].returned == 3, closed
    assert book.level("BOWL", "NORTH").in_transit == 0
    assert book.level("BOWL", "NORTH").available == 7
    assert book.level("BOWL", "WH").available == 5
    refused("WRONG_STATUS", book.ReceiveTransfer, transfer_id=transfer_id)
    steps = [change.step for change in book.pages("ListChanges", "changes",
                                                  document_id=transfer_id)]
    assert steps == ["request", "dispatch", "receive", "close"], steps
    book.verify_clean()


def test_more_than_was_sent_is_taken_and_told():
    transfer_id = sent("PLATE", 5)
    got = state["book"].ReceiveTransfer(transfer_id=transfer_id,
                                        lines=[{"line": 1, "received": 6}]).transfer
    assert (got.lines[0].received, got.lines[0].over) == (5, 1), got
    assert state["book"].level("PLATE", "NORTH").available == 6
    state["book"].verify_clean()


def test_a_repeated_dispatch_moves_the_goods_once():
    book = stocked("CUP", 5)
    transfer = book.RequestTransfer(source="WH", destination="SOUTH", approve=True,
                                    lines=[line_of("CUP", 4)]).transfer
    request = book.request("DispatchTransfer", transfer_id=transfer.id,
                           lines=[{"line": 1, "quantity": 2}])
    first = book.send("DispatchTransfer", request)
    again = state["other"].send("DispatchTransfer", request)
    assert first.transfer == again.transfer
    assert get(transfer.id).lines[0].in_transit == 2
    assert book.level("CUP", "SOUTH").in_transit == 2


def test_lists_tell_what_is_on_its_way_where():
    book = state["book"]
    ids = [sent(f"LIST-{i}", 1) for i in range(3)]
    listed = book.pages("ListTransfers", "transfers", destination="NORTH", page_size=2,
                        status="TRANSFER_STATUS_IN_TRANSIT")
    assert [t.id for t in listed if t.id in ids] == ids, listed
    refused("INVALID_FIELD", book.ListTransfers, source="WH", destination="NORTH")
    for transfer_id in ids:
        book.ReceiveTransfer(transfer_id=transfer_id)
    listed = book.pages("ListTransfers", "transfers", source="WH")
    assert not [t for t in listed if t.id in ids], listed


# -- two at the same goods -----------------------------------------------------------------------


def test_a_receipt_that_races_a_closing_has_one_winner():
    book, other = state["book"], state["other"]
    for i in range(ROUNDS):
        transfer_id = sent(f"CLOSE-{i}", 4)
        receive = (book, "ReceiveTransfer", book.request("ReceiveTransfer",
                                                         transfer_id=transfer_id))
        close = (other, "CloseTransfer", other.request(
            "CloseTransfer", transfer_id=transfer_id, reason="TRANSFER_LOSS_REASON_LOST"))
        answers, errors = race([receive, close] if i % 2 else [close, receive])
        assert count(answers) == 1 and reasons(errors) == {"WRONG_STATUS"}, errors
        row = get(transfer_id).lines[0]
        assert row.in_transit == 0 and row.received + row.lost == 4, row
    book.verify_clean()


def test_a_cancel_that_races_a_dispatch_loses_no_goods():
    book, other = state["book"], state["other"]
    for i in range(ROUNDS):
        sku = f"CANCEL-{i}"
        transfer = stocked(sku, 4).RequestTransfer(
            source="WH", destination="NORTH", approve=True, lines=[line_of(sku, 4)]).transfer
        dispatch = (book, "DispatchTransfer", book.request("DispatchTransfer",
                                                           transfer_id=transfer.id))
        cancel = (other, "CancelTransfer", other.request("CancelTransfer",
                                                         transfer_id=transfer.id))
        _, errors = race([dispatch, cancel] if i % 2 else [cancel, dispatch])
        assert reasons(errors) <= {"WRONG_STATUS"}, errors
        assert status(get(transfer.id)) == "CANCELLED"
        assert book.level(sku, "WH").available == 4
        assert book.level(sku, "NORTH").in_transit == 0
    book.verify_clean()


def test_a_customer_who_cancels_while_her_goods_arrive_leaves_them_on_the_shelf_or_hers():
    book, other = state["book"], state["other"]
    for i in range(ROUNDS):
        sku = f"ARRIVE-{i}"
        placed = order_to_store(sku, 2)
        transfer_id = placed.transfers[0].id
        book.DispatchTransfer(transfer_id=transfer_id)
        receive = (book, "ReceiveTransfer", book.request("ReceiveTransfer",
                                                         transfer_id=transfer_id))
        cancel = (other, "CancelOrderLines", other.request(
            "CancelOrderLines", order_id=placed.order.id))
        answers, errors = race([receive, cancel] if i % 2 else [cancel, receive])
        assert count(answers) == 2, errors
        there = book.level(sku, "NORTH")
        assert (there.available, there.allocated, there.in_transit) == (2, 0, 0), there
    book.verify_clean()


if __name__ == "__main__":
    tap.main()
