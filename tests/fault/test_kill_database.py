"""PostgreSQL dies under load: the server waits for it, comes back by itself, and the book has just
what was answered."""
import os
import signal
import time

import tap
from client import Refused, refused
from cluster import Cluster
from load import Load
from server import Server, wait_for
from shop import line, open_shop, sql


def restart(cluster):
    """The dead processes may still hold the shared memory for a moment."""
    def started():
        try:
            cluster.start()
            return True
        except RuntimeError as error:
            if "lock file" in str(error) or "shared memory" in str(error):
                return False
            raise
    wait_for(started, 20, "the database starts again")


def backends(cluster):
    return [int(row[0]) for row in sql(
        cluster, "SELECT pid FROM pg_stat_activity WHERE datname = 'stockbook' AND "
        "backend_type = 'client backend' AND pid <> pg_backend_pid() ORDER BY pid")]


def test_the_whole_database_killed_under_load_loses_nothing():
    with Cluster() as cluster, Server(database=cluster.uri()) as server:
        load = Load([server], cluster)
        load.start()
        for down_s in (0, 0.5, 1.5):
            load.wait_for_more(60)
            cluster.kill()
            time.sleep(down_s)
            restart(cluster)
        load.wait_for_more(60)
        load.stop()
        load.prove()
        assert server.client().health() == "SERVING"


def test_a_backend_killed_under_load_loses_nothing():
    with Cluster() as cluster, Server(database=cluster.uri()) as server:
        load = Load([server], cluster)
        load.start()
        for number in range(3):
            load.wait_for_more(60)
            pids = backends(cluster)
            os.kill(pids[number % len(pids)], signal.SIGKILL)
        load.wait_for_more(60, 40)
        load.stop()
        load.prove()


def test_connections_ended_by_the_administrator_are_not_seen_by_callers():
    with Cluster() as cluster, Server(database=cluster.uri()) as server:
        load = Load([server], cluster)
        load.start()
        for _ in range(6):
            load.wait_for_more(30)
            sql(cluster, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "
                "'stockbook' AND pid <> pg_backend_pid()")
        load.wait_for_more(60)
        load.stop()
        assert not load.undecided(), [str(sent.error) for sent in load.undecided()[:5]]
        load.prove()


def test_a_backend_that_stands_still_acts_once_when_it_wakes_up():
    """The server gives the connection up and decides again on another, while what it had sent to
    the first, the COMMIT perhaps, still waits in the socket and is carried out later."""
    with Cluster() as cluster, \
            Server("--batch-deadline-ms", "400", database=cluster.uri()) as server:
        load = Load([server], cluster)
        load.start()
        for number in range(5):
            load.wait_for_more(40)
            pids = backends(cluster)
            frozen = pids[number % len(pids)]
            os.kill(frozen, signal.SIGSTOP)
            time.sleep(1.5)
            os.kill(frozen, signal.SIGCONT)
        load.wait_for_more(60)
        load.stop()
        assert not load.undecided(), [str(sent.error) for sent in load.undecided()[:5]]
        load.prove()


def test_a_restart_of_the_database_in_order_is_not_seen_by_callers():
    with Cluster() as cluster, Server(database=cluster.uri()) as server:
        load = Load([server], cluster)
        load.start()
        load.wait_for_more(60)
        cluster.stop()
        cluster.start()
        load.wait_for_more(60)
        load.stop()
        assert not load.undecided(), [str(sent.error) for sent in load.undecided()[:5]]
        load.prove()


def test_while_there_is_no_database_callers_are_told():
    with Cluster() as cluster, Server(database=cluster.uri()) as server:
        book = server.client()
        open_shop(book, stock={("TEAPOT", "WH"): 10})
        cluster.stop("immediate")
        wait_for(lambda: book.health() == "NOT_SERVING", 15, "health tells that it is gone")
        request = book.request("Reserve", lines=[line("TEAPOT", 1, "WH")])
        started = time.monotonic()
        try:
            book.send("Reserve", request, timeout=3)
            raise AssertionError("answered without a database")
        except Refused as error:
            assert error.code in ("UNAVAILABLE", "DEADLINE_EXCEEDED"), error
        assert time.monotonic() - started < 6
        cluster.start()
        wait_for(lambda: book.health() == "SERVING", 15, "health tells that it is back")
        assert book.send("Reserve", request).reservation.id
        refused("OUT_OF_STOCK", book.Reserve, lines=[line("TEAPOT", 10, "WH")])
        book.verify_clean()


if __name__ == "__main__":
    tap.main()
