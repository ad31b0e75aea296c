"""Work through two servers: nobody does what another is at, and nothing is left undone."""
import tap
from client import refused
from cluster import Cluster
from server import Server, end
from shop import count, open_shop, race, reasons, sql

DOCUMENTS = 40
WORKERS = 10

state = {}


def setup():
    cluster = state["cluster"] = Cluster()
    state["one"] = Server(database=cluster.uri())
    state["two"] = Server(database=cluster.uri())
    state["book"] = state["one"].client()
    state["other"] = state["two"].client()
    open_shop(state["book"], skus=("SHOE", "SOCK", "SOLE"),
              stock={("SHOE", "WH"): 1000, ("SOCK", "WH"): 1000, ("SOLE", "SOUTH"): 50})


def teardown():
    end(state)


def transfers(number, source="WH", lines=(("SHOE", 2), ("SOCK", 1))):
    """So many transfers that are to be sent."""
    return [state["book"].RequestTransfer(
        source=source, destination="NORTH", approve=True, reference=f"R{i}",
        lines=[{"sku": sku, "quantity": quantity} for sku, quantity in lines]).transfer.id
            for i in range(number)]


def claim(worker, most, location="WH", server="book", **more):
    return state[server].ClaimWork(location=location, kind="WORK_KIND_DISPATCH", worker=worker,
                                   most=most, **more)


def end_all(location="WH"):
    book = state["book"]
    for transfer in book.pages("ListTransfers", "transfers", source=location):
        book.CancelTransfer(transfer_id=transfer.id)
    assert not book.ListWork(location=location).work


def test_ten_workers_at_two_servers_get_all_of_it_and_nothing_twice():
    ids = transfers(DOCUMENTS)
    calls = []
    for i in range(WORKERS):
        client = state["book"] if i % 2 else state["other"]
        calls.append((client, "ClaimWork", client.request(
            "ClaimWork", location="WH", kind="WORK_KIND_DISPATCH", worker=f"worker-{i}",
            most=DOCUMENTS // WORKERS)))
    answers, errors = race(calls)
    assert count(answers) == WORKERS, errors
    given = [work.document_id for answer in answers for work in answer.work]
    assert sorted(given) == sorted(ids), (len(given), len(set(given)))
    assert {len(answer.work) for answer in answers} == {DOCUMENTS // WORKERS}
    for i, answer in enumerate(answers):
        assert {work.claimed_by for work in answer.work} == {f"worker-{i}"}
    assert not claim("late", 5).work
    end_all()


def test_two_who_ask_for_the_same_document_at_once_have_one_winner():
    for i in range(12):
        document, = transfers(1)
        calls = [(state[server], "ClaimWork", state[server].request(
            "ClaimWork", location="WH", kind="WORK_KIND_DISPATCH", worker=worker,
            document_ids=[document])) for server, worker in (("book", "ann"), ("other", "bob"))]
        answers, errors = race(calls if i % 2 else calls[::-1])
        assert count(answers) == 1 and reasons(errors) == {"WORK_CLAIMED"}, errors
    end_all()


def test_a_batch_is_one_walk_along_the_shelves():
    book = state["book"]
    book.SetShelf(location="WH", lines=[{"sku": "SHOE", "shelf": "C-1"},
                                        {"sku": "SOCK", "shelf": "A-7"}])
    transfers(3)
    answer = claim("ann", 3)
    assert [(row.shelf, row.sku, row.quantity) for row in answer.batch] == [
        ("A-7", "SOCK", 3), ("C-1", "SHOE", 6)], answer.batch
    assert [row.name for row in answer.batch] == ["sock", "shoe"]
    listed = book.ListWork(location="WH", with_lines=True, claimed_by="ann").work
    assert [row.sku for row in listed[0].lines] == ["SOCK", "SHOE"], listed[0]
    end_all()


def test_work_that_is_abandoned_or_released_is_had_by_the_next():
    book, ids = state["book"], transfers(3)
    claim("ann", 3)
    assert not claim("bob", 3, server="other").work
    assert state["other"].ReleaseWork(location="WH", worker="ann",
                                      document_ids=[ids[1]]).released == 1
    assert [work.document_id for work in claim("bob", 3).work] == [ids[1]]
    # The rest of ann's time goes by.
    sql(state["cluster"], "UPDATE work SET claimed_until = now() - interval '1 second'"
                          " WHERE claimed_by = 'ann'")
    assert [work.document_id for work in claim("bob", 2, server="other").work] == [ids[1], ids[0]]
    summary = {row.kind: row for row in book.SummariseWork(location="WH").kinds}
    row, = summary.values()
    assert (row.documents, row.units, row.claimed, row.overdue) == (3, 9, 2, 0), row
    refused("WORK_CLAIMED", book.DispatchTransfer, transfer_id=ids[0], worker="ann")
    book.DispatchTransfer(transfer_id=ids[2], worker="ann")
    assert [work.document_id for work in book.ListWork(location="WH").work] == ids[:2]
    end_all()


def test_a_short_dispatch_asks_for_a_recount_and_the_recount_tells():
    book = state["book"]
    document, = transfers(1, source="SOUTH", lines=[("SOLE", 8)])
    book.DispatchTransfer(transfer_id=document, lines=[
        {"line": 1, "quantity": 5, "short": 3, "reason": "SHORT_REASON_NOT_FOUND"}])
    assert book.level("SOLE", "SOUTH").on_hand == 42
    asked = book.RequestRecount(location="SOUTH", sku="SOLE")  # one waits already
    work, = book.ClaimWork(location="SOUTH", kind="WORK_KIND_RECOUNT", worker="sue").work
    assert work.document_id == asked.recount_id and work.lines[0].sku == "SOLE", work
    refused("WORK_CLAIMED", book.RecordRecount, location="SOUTH", sku="SOLE", on_hand=45,
            worker="tom")
    told = book.RecordRecount(location="SOUTH", sku="SOLE", on_hand=45, worker="sue",
                              note="they lay behind the counter")
    assert (told.recount_id, told.difference) == (asked.recount_id, 3), told
    assert book.level("SOLE", "SOUTH").on_hand == 45
    assert not book.ListWork(location="SOUTH").work
    change, = book.ListChanges(document_id=asked.recount_id).changes
    assert (change.step, change.actor.split("/")[-1]) == ("record", "sue"), change
    book.verify_clean()


if __name__ == "__main__":
    tap.main()
