"""The line between the server and PostgreSQL: cut, cut after the COMMIT was sent, silent."""
import random
import time

import tap
from cluster import Cluster
from load import Load
from proxy import Proxy
from server import Server, wait_for


def test_connections_cut_under_load_are_not_seen_by_callers():
    dice = random.Random(8)
    with Cluster() as cluster, Proxy(cluster) as proxy, \
            Server(database=proxy.uri()) as server:
        load = Load([server], cluster)
        load.start()
        for _ in range(12):
            load.wait_for_more(15)
            time.sleep(dice.random() * 0.1)
            proxy.cut()
        load.wait_for_more(40)
        load.stop()
        assert not load.undecided(), [str(sent.error) for sent in load.undecided()[:5]]
        load.prove()


def test_a_commit_of_which_the_answer_is_lost_happens_once():
    with Cluster() as cluster, Proxy(cluster) as proxy, \
            Server(database=proxy.uri()) as server:
        load = Load([server], cluster)
        load.start()
        for _ in range(8):
            load.wait_for_more(20)
            proxy.lose_answers(0.15)
        load.wait_for_more(40)
        load.stop()
        assert not load.undecided(), [str(sent.error) for sent in load.undecided()[:5]]
        load.prove()


def test_a_line_that_falls_silent_is_given_up():
    with Cluster() as cluster, Proxy(cluster) as proxy, \
            Server("--batch-deadline-ms", "1000", database=proxy.uri()) as server:
        load = Load([server], cluster)
        load.start()
        load.wait_for_more(40)
        proxy.hanging.set()
        time.sleep(3)
        # The old connections stay silent for ever; new ones work.
        proxy.hanging.clear()
        proxy.cut()
        load.wait_for_more(60)
        load.stop()
        load.prove()


def test_a_database_that_cannot_be_reached_is_waited_for():
    with Cluster() as cluster, Proxy(cluster) as proxy, \
            Server(database=proxy.uri()) as server:
        load = Load([server], cluster)
        load.start()
        load.wait_for_more(40)
        proxy.refusing.set()
        proxy.cut()
        watcher = server.client()
        wait_for(lambda: watcher.health() == "NOT_SERVING", 15, "health tells")
        time.sleep(1)
        proxy.refusing.clear()
        wait_for(lambda: watcher.health() == "SERVING", 15, "it comes back by itself")
        load.wait_for_more(40)
        load.stop()
        assert not load.undecided(), [str(sent.error) for sent in load.undecided()[:5]]
        load.prove()


if __name__ == "__main__":
    tap.main()
