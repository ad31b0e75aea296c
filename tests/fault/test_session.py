"""The database or the server dies under a session: what was answered is in the book, once, and what
was not can be asked again with the same request id."""
import threading

import tap
from client import Refused
from cluster import Cluster
from server import Server, wait_for
from session import Session
from shop import line, open_shop, sql
from test_kill_database import restart

OPERATIONS = 5000  # so many that the blow falls in the middle of them
IN_A_MESSAGE = 20


class Trade:
    """Reserves in one session, all written at once; a thread collects the answers by their numbers
    until all are there or the stream is lost."""

    def __init__(self, book):
        self.book = book
        self.requests = {}
        self.answers = {}
        self.lost = None
        self.session = Session(book, timeout=120)
        for _ in range(0, OPERATIONS, IN_A_MESSAGE):
            several = []
            for _ in range(IN_A_MESSAGE):
                request = book.request("Reserve", owner="session", lines=[line("TEAPOT", 1, "WH")])
                several.append(self.session.operation("Reserve",
                                                      request=request.SerializeToString()))
                self.requests[several[-1].number] = request
            self.session.write(*several)
        self.thread = threading.Thread(target=self._read)
        self.thread.start()

    def _read(self):
        try:
            while len(self.answers) < OPERATIONS:
                self.answers.update(self.session.answers(1))
        except Refused as error:
            self.lost = error

    def wait_for_answers(self, count):
        wait_for(lambda: len(self.answers) >= count, 60, f"{count} answers")

    def finish(self):
        self.thread.join(120)
        assert not self.thread.is_alive(), f"{len(self.answers)} answers of {OPERATIONS}"
        self.session.close()

    def prove(self, cluster, book):
        """Asks everything again as single calls: what was answered is answered alike, and all has
        happened once."""
        held = {number: answer.reservation.id for number, answer in self.answers.items()
                if not isinstance(answer, Refused)}
        assert held, "something was answered before it broke"
        print(f"# {len(held)} of {OPERATIONS} were answered in the session", flush=True)
        asked = [book.start("Reserve", request) for request in self.requests.values()]
        for number, again in zip(self.requests, asked):
            reservation = again.result().reservation.id
            assert held.setdefault(number, reservation) == reservation, number
        assert len(set(held.values())) == OPERATIONS
        assert sql(cluster, "SELECT count(*) FROM stockbook.reservation") == [[str(OPERATIONS)]]
        assert book.level("TEAPOT", "WH").reserved == OPERATIONS
        book.verify_clean()


def opened(cluster, server):
    book = server.client()
    open_shop(book, stock={("TEAPOT", "WH"): 10 * OPERATIONS})
    return Trade(book)


def test_database_killed_under_a_session_loses_nothing():
    with Cluster() as cluster, Server(database=cluster.uri()) as server:
        trade = opened(cluster, server)
        trade.wait_for_answers(100)
        cluster.kill()
        restart(cluster)
        trade.finish()
        assert trade.lost is None, trade.lost
        wrong = {answer.code for answer in trade.answers.values() if isinstance(answer, Refused)}
        assert wrong <= {"UNAVAILABLE"}, wrong
        wait_for(lambda: server.client().health() == "SERVING", 30, "the server serves again")
        trade.prove(cluster, server.client())


def test_server_killed_under_a_session_loses_nothing():
    with Cluster() as cluster, Server(database=cluster.uri()) as server:
        trade = opened(cluster, server)
        trade.wait_for_answers(100)
        server.kill()
        server.start()
        trade.finish()
        assert trade.lost is None or trade.lost.code == "UNAVAILABLE", trade.lost
        trade.prove(cluster, server.client())


if __name__ == "__main__":
    tap.main()
