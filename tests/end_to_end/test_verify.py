"""The proof of the book: under load, cancelled, several at once, and of a book that is wrong."""
import threading
import time

import tap
from client import grpc, refused
from cluster import Cluster
from load import Load
from server import Server, end
from shop import sql

state = {}


def setup():
    cluster = state["cluster"] = Cluster()
    state["server"] = Server(database=cluster.uri())
    state["load"] = Load([state["server"]], cluster, workers=4)
    state["book"] = state["server"].client()


def teardown():
    end(state)


def test_the_book_is_proven_while_trade_goes_on():
    load, book = state["load"], state["book"]
    load.start()
    for _ in range(15):
        load.wait_for_more(20)
        checks = book.verify_clean()
    load.stop()
    assert {"counters", "order lines", "sequences"} <= {check.check for check in checks}, checks
    assert all(check.description for check in checks)
    load.prove()


def test_a_proof_that_is_cancelled_harms_nothing():
    book = state["book"]
    for _ in range(10):
        stream = book.stream("Verify", book.request("Verify"))
        next(stream)
        stream.cancel()
    book.verify_clean()


def test_too_many_proofs_at_once_are_sent_away():
    book, results = state["book"], []

    def prove():
        try:
            results.append(len(book.Verify()))
        except Exception as error:  # pylint: disable=broad-except
            results.append(error)
    threads = [threading.Thread(target=prove) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    errors = [result for result in results if not isinstance(result, int)]
    assert len(results) - len(errors) >= 2, results
    for error in errors:
        assert getattr(error, "reason", None) == "OVERLOADED", error
    book.verify_clean()


def test_a_deadline_ends_a_proof():
    book = state["book"]
    stream = book.stream("Verify", book.request("Verify"), timeout=0.001)
    try:
        list(stream)
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED, error
    time.sleep(0.1)
    book.verify_clean()


def wrong(book, name, **fields):
    """The check of that name, which must be the one that found something."""
    checks = {check.check: check for check in book.Verify(**fields)}
    assert checks[name].wrong > 0, checks
    assert checks[name].findings, checks[name]
    return checks[name]


def test_what_is_wrong_is_found_and_named():
    book, cluster = state["book"], state["cluster"]
    sql(cluster, "UPDATE stock SET available = available + 3 WHERE sku = 'LOAD-1' AND "
        "location = 'WH'")
    found = wrong(book, "counters")
    assert found.wrong == 1, found
    assert "LOAD-1" in found.findings[0] and "WH" in found.findings[0], found
    sql(cluster, "UPDATE stock SET available = available - 3 WHERE sku = 'LOAD-1' AND "
        "location = 'WH'")
    book.verify_clean()
    sql(cluster, "DELETE FROM movement WHERE (part, sequence) IN "
        "(SELECT part, sequence FROM movement ORDER BY part, sequence DESC LIMIT 1)")
    wrong(book, "sequences")
    found = wrong(book, "counters", findings_max=1)
    assert len(found.findings) == 1, found


def test_the_number_of_findings_is_bounded():
    refused("INVALID_FIELD", lambda: state["book"].Verify(findings_max=1001),
            field="findings_max")


if __name__ == "__main__":
    tap.main()
