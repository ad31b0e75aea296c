"""Two servers on one database, each over a line of its own, and one fault after the other, drawn by
a seed that is printed (CHAOS_SEED runs it again)."""
import os
import random
import time

import tap
from cluster import Cluster
from load import Load
from proxy import Proxy
from server import Server, wait_for
from shop import sql

FAULTS = 10


def restart_database(cluster, _dice, _servers, _proxies):
    cluster.kill()

    def started():
        try:
            cluster.start()
            return True
        except RuntimeError:
            return False  # the dead processes still hold the shared memory
    wait_for(started, 20, "the database starts again")


def kill_server(_cluster, dice, servers, _proxies):
    victim = dice.choice(servers)
    victim.kill()
    time.sleep(dice.random())
    victim.start()


def freeze_server(_cluster, dice, servers, _proxies):
    victim = dice.choice(servers)
    victim.freeze()
    time.sleep(dice.random() * 2)
    victim.thaw()


def cut_line(_cluster, dice, _servers, proxies):
    dice.choice(proxies).cut()


def lose_answers(_cluster, dice, _servers, proxies):
    dice.choice(proxies).lose_answers(dice.random() * 0.3)


def end_connections(cluster, _dice, _servers, _proxies):
    sql(cluster, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "
        "'stockbook' AND pid <> pg_backend_pid()")


KINDS = (restart_database, kill_server, kill_server, freeze_server, cut_line, lose_answers,
         lose_answers, end_connections)


def test_whatever_breaks_in_whatever_order_nothing_is_lost_or_done_twice():
    seed = int(os.environ.get("CHAOS_SEED") or random.SystemRandom().randrange(10**6))
    print(f"# seed {seed}", flush=True)
    dice = random.Random(seed)
    with Cluster() as cluster, Proxy(cluster) as near, Proxy(cluster) as far, \
            Server("--batch-deadline-ms", "1000", database=near.uri()) as one, \
            Server("--batch-deadline-ms", "1000", database=far.uri()) as two:
        load = Load([one, two], cluster, seed=seed)
        load.start()
        for _ in range(FAULTS):
            load.wait_for_more(30)
            kind, begun = dice.choice(KINDS), time.monotonic()
            kind(cluster, dice, (one, two), (near, far))
            print(f"# {kind.__name__} {time.monotonic() - begun:.1f} s", flush=True)
        load.wait_for_more(60)
        load.stop()
        load.prove()


if __name__ == "__main__":
    tap.main()
