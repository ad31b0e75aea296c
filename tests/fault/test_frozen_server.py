"""One of two servers stands still (SIGSTOP) in the middle of whatever it did: the other goes on, and
the first is right again when it wakes up."""
import time

import tap
from cluster import Cluster
from load import Load
from server import Server

FROZEN_S = 5
# The frozen server may hold locks; so long may the other wait for them.
STALL_S = 3


def test_the_other_server_goes_on():
    with Cluster() as cluster, Server(database=cluster.uri()) as one, \
            Server(database=cluster.uri()) as two:
        load = Load([one, two], cluster)
        load.start()
        for _ in range(2):
            load.wait_for_more(60)
            one.freeze()
            time.sleep(STALL_S)
            before = load.by_server[two.port]
            time.sleep(FROZEN_S - STALL_S)
            went_on = load.by_server[two.port] - before
            one.thaw()
            assert went_on > 20, f"only {went_on} calls in {FROZEN_S - STALL_S} s"
        back = load.by_server[one.port]
        load.wait_for_more(100)
        load.stop()
        assert load.by_server[one.port] > back, "the frozen server did not come back"
        load.prove()


if __name__ == "__main__":
    tap.main()
