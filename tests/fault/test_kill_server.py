"""The server dies under load, again and again: what it acknowledged is in the book, the rest is
wholly in or wholly out, and sending it again makes it happen once."""
import random
import time

import tap
from client import new_id
from cluster import Cluster
from load import Load
from server import Server
from shop import line, open_shop

KILLS = 4


def test_a_server_killed_under_load_loses_nothing():
    dice = random.Random(3)
    with Cluster() as cluster, Server(database=cluster.uri()) as server:
        load = Load([server], cluster)
        load.start()
        for _ in range(KILLS):
            load.wait_for_more(40)
            time.sleep(dice.random() * 0.3)
            server.kill()
            server.start()
        load.wait_for_more(40)
        load.stop()
        assert load.undecided(), "no call was under way when the server died"
        load.prove()


def test_one_of_two_servers_killed_under_load_loses_nothing():
    dice = random.Random(4)
    with Cluster() as cluster, Server(database=cluster.uri()) as one, \
            Server(database=cluster.uri()) as two:
        load = Load([one, two], cluster)
        load.start()
        for number in range(KILLS):
            load.wait_for_more(40)
            time.sleep(dice.random() * 0.3)
            victim = (one, two)[number % 2]
            victim.kill()
            load.wait_for_more(20)
            victim.start()
        load.wait_for_more(40)
        load.stop()
        load.prove()


def test_a_call_in_doubt_is_answered_by_the_other_server():
    with Cluster() as cluster, Server(database=cluster.uri()) as one, \
            Server(database=cluster.uri()) as two:
        book = one.client()
        open_shop(book, stock={("TEAPOT", "WH"): 1000})
        requests = [book.request("Reserve", request_id=new_id(), lines=[line("TEAPOT", 1, "WH")])
                    for _ in range(200)]
        calls = [book.start("Reserve", request, timeout=5) for request in requests]
        calls[20].result()
        one.kill()
        answers = {}
        for request, call in zip(requests, calls):
            try:
                answers[request.request_id] = call.result().reservation.id
            except Exception:  # pylint: disable=broad-except
                pass
        assert answers
        other = two.client()
        ids = set()
        for request in requests:
            held = other.send("Reserve", request).reservation.id
            assert answers.get(request.request_id, held) == held
            ids.add(held)
        assert len(ids) == 200 and other.level("TEAPOT", "WH").reserved == 200
        other.verify_clean()
        one.start()


def test_an_embedded_database_recovers_from_the_kill_of_its_server():
    with Server() as server:
        book = server.client()
        open_shop(book, stock={("TEAPOT", "WH"): 1000})
        held = 0
        for _ in range(2):
            calls = [book.start("Reserve", book.request("Reserve", lines=[line("TEAPOT", 1, "WH")]),
                                timeout=5) for _ in range(50)]
            for call in calls[:20]:
                call.result()
            held += 20
            server.kill()
            server.start()
            book = server.client()
            assert held <= book.level("TEAPOT", "WH").reserved <= held + 30
            held = book.level("TEAPOT", "WH").reserved
            book.verify_clean()


if __name__ == "__main__":
    tap.main()
