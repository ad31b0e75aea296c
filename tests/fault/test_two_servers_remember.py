"""Two servers on one database decide from what each remembers, over a SKU that both fight for, one that
is soon sold out, and very many others, while one after the other is killed: whatever was answered is
in the book, what was not is asked again at the other server and happens once, nobody is sold what is
not there, and nobody is refused what is."""
import collections
import random
import threading
import time

import tap
from client import Refused
from cluster import Cluster
from server import Server, wait_for
from session import Session
from shop import line, open_shop, sql

KILLS = 3
TRADERS = 4
AT_ONCE = 40
SHOPS = [f"SHOP-{number}" for number in range(12)]
SKUS = [f"SKU-{number}" for number in range(10)]
PASSED = ["PASSED-THERE", "PASSED-HERE"]
STOCK = {("HOT", "WH"): 10**6, ("LAST", "WH"): 30, **{(sku, "WH"): 50 for sku in PASSED},
         **{(sku, shop): 10**4 for sku in SKUS for shop in SHOPS}}
UNDECIDED = {"UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED", "RESOURCE_EXHAUSTED", "UNKNOWN"}
LANES = ("--lanes", "8")  # so that a shop's seldom has the warehouse, too
MEMORY = 'stockbook_engine_batches_total{rows="memory"}'
MOVED = 'stockbook_engine_hopes_lost_total{why="moved"}'


def reserve(sku, location):
    return "Reserve", {"lines": [line(sku, 1, location)], "hold_for": "3600s"}


def move(sku, quantity, from_state, to_state):
    return "ChangeStockState", {"location": "WH", "lines": [
        {"sku": sku, "quantity": quantity, "from_state": f"STOCK_STATE_{from_state}",
         "to_state": f"STOCK_STATE_{to_state}"}]}


class Desk:
    """One who asks at one server, and where that leaves him without an answer the same again at the
    other."""

    def __init__(self, trade, home):
        self.trade = trade
        self.books = [server.client() for server in trade.servers]
        self.home = home

    def _once(self, book, asked, answers):
        """Into answers, until all are there or the stream is lost."""
        try:
            with Session(book) as session:
                numbers = {}
                operations = []
                for name, request in asked:
                    if request.request_id not in answers:
                        operations.append(session.operation(
                            name, request=request.SerializeToString()))
                        numbers[operations[-1].number] = request.request_id
                session.write(*operations)
                for _ in numbers:
                    (number, answer), = session.answers(1).items()
                    if not isinstance(answer, Refused) or answer.code not in UNDECIDED:
                        answers[numbers[number]] = answer
                        self.trade.count += 1
        except Refused as error:
            assert error.code in UNDECIDED, error

    def ask(self, *steps):
        """The answers in their order; a refusal is one."""
        return self.ask_requests([(name, self.books[0].request(name, **fields))
                                  for name, fields in steps])

    def ask_requests(self, asked):
        answers, at = {}, self.home
        deadline = time.monotonic() + 60
        while True:
            self._once(self.books[at], asked, answers)
            if len(answers) == len(asked):
                break
            assert time.monotonic() < deadline, f"{len(answers)} of {len(asked)} were answered"
            self.trade.doubted.update(request.request_id for _, request in asked
                                      if request.request_id not in answers)
            at = 1 - at
            time.sleep(0.02)
        for name, request in asked:
            self.trade.settled[request.request_id] = (name, request, answers[request.request_id])
        return [answers[request.request_id] for _, request in asked]


class Trade:
    def __init__(self, servers):
        self.servers = servers
        self.settled = {}
        self.count = 0  # of answers; not exact, for it is counted by many
        self.doubted = set()  # request ids that were asked again
        self.failures = []
        self.stopping = threading.Event()
        work = [(self.reserve_many, number % 2, number) for number in range(TRADERS)]
        work += [(self.pass_on, 0, 10), (self.pass_on, 1, 11)]
        self.threads = [threading.Thread(target=self._run, args=one) for one in work]
        for thread in self.threads:
            thread.start()

    def _run(self, work, home, seed):
        desk, dice = Desk(self, home), random.Random(seed)
        try:
            while not self.stopping.is_set():
                work(desk, dice)
        except Exception as error:  # pylint: disable=broad-except
            self.failures.append(error)

    # -- who trades ------------------------------------------------------------------------------

    def reserve_many(self, desk, dice):
        """What is bought in the shops here, where the other server sells only after a death; and what
        all want."""
        shops = dice.choices(SHOPS[desk.home::2], k=AT_ONCE // 2)
        wanted = [(dice.choice(SKUS), shop) for shop in shops] + [("HOT", "WH")] * (AT_ONCE // 2)
        if dice.random() < 0.2:
            wanted[0] = ("LAST", "WH")
        for (sku, _), answer in zip(wanted, desk.ask(*[reserve(*one) for one in wanted])):
            if isinstance(answer, Refused):
                assert sku == "LAST" and answer.reason == "OUT_OF_STOCK", (sku, answer)

    def pass_on(self, desk, dice):
        """What is put aside at one server is put back at the other, and is not there any more: each
        remembers what is no longer so."""
        sku = PASSED[desk.home]  # nobody else's
        there = Desk(self, 1 - desk.home)
        quantity = dice.randint(1, 3)
        for giver, taker in ((desk, there), (there, desk)):
            answers = giver.ask(move(sku, quantity, "AVAILABLE", "DAMAGED"))
            answers += taker.ask(move(sku, quantity, "DAMAGED", "AVAILABLE"))
            refused = [answer for answer in answers if isinstance(answer, Refused)]
            assert not refused, refused[0]
            last, = giver.ask(move(sku, 1, "DAMAGED", "AVAILABLE"))
            assert isinstance(last, Refused) and last.reason == "OUT_OF_STOCK", last

    # -- from outside ----------------------------------------------------------------------------

    def wait_for_more(self, count):
        until = self.count + count
        wait_for(lambda: self.count >= until or self.failures, 60, f"{count} more answers")
        assert not self.failures, self.failures[0]

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()
        assert not self.failures, self.failures[0]

    def settle(self):
        """What was refused when it was asked again may have been on its way to the database still, sent
        by a server that was dead by then."""
        again = [(name, request) for name, request, answer in self.settled.values()
                 if isinstance(answer, Refused) and request.request_id in self.doubted]
        for start in range(0, len(again), AT_ONCE):
            Desk(self, 0).ask_requests(again[start:start + AT_ONCE])
        return len(again)

    def prove(self, cluster):
        refused = self.settle()
        held = {answer.reservation.id: (request.lines[0].sku, request.lines[0].location)
                for name, request, answer in self.settled.values()
                if name == "Reserve" and not isinstance(answer, Refused)}
        there = {row[0] for row in sql(cluster, "SELECT id FROM reservation")}
        assert there == set(held), (len(there - set(held)), len(set(held) - there))
        reserved = collections.Counter(held.values())
        # Who was refused found it sold out, for good.
        assert reserved["LAST", "WH"] == STOCK["LAST", "WH"], reserved["LAST", "WH"]
        stock = {(sku, location): tuple(map(int, balances)) for sku, location, *balances in sql(
            cluster, "SELECT sku, location, available, reserved, damaged FROM stock")}
        expected = {key: (quantity - reserved[key], reserved[key], 0)
                    for key, quantity in STOCK.items()}
        assert stock == expected, dict(stock.items() - expected.items())
        self._check_answers_are_repeated()
        for server in self.servers:
            server.client().verify_clean()
        print(f"# {len(self.settled)} calls, {len(held)} of them hold something; "
              f"{len(self.doubted)} were asked again, {refused} of these were refused", flush=True)

    def _check_answers_are_repeated(self):
        done = [one for one in self.settled.values() if not isinstance(one[2], Refused)]
        for number, (name, request, answer) in enumerate(random.Random(5).sample(done, 60)):
            again = self.servers[number % 2].client().send(name, request)
            first = type(again).FromString(answer.SerializeToString())
            again.ClearField("position")
            first.ClearField("position")
            assert again == first, (name, first, again)


def open_shops(book):
    open_shop(book, [*SKUS, *PASSED, "HOT", "LAST"])
    for shop in SHOPS:
        book.PutLocation(location={"code": shop, "kind": "LOCATION_KIND_STORE", "ships": True})
    for location in ("WH", *SHOPS):
        book.ReceiveStock(location=location, lines=[
            {"sku": sku, "quantity": quantity} for (sku, there), quantity in STOCK.items()
            if there == location])


def trade_while_they_die(cluster, servers):
    dice = random.Random(6)
    trade = Trade(servers)
    for number in range(KILLS):
        trade.wait_for_more(400)
        for server in servers:
            wait_for(lambda at=server: at.metric(MEMORY) and at.metric(MOVED), 30,
                     "a server decides from memory, and has to think again")
        time.sleep(dice.random() * 0.2)
        victim = servers[number % 2]
        victim.kill()
        trade.wait_for_more(200)
        victim.start()
    trade.wait_for_more(400)
    trade.stop()
    assert trade.doubted, "no call was under way when a server died"
    trade.prove(cluster)


def test_servers_that_remember_lose_nothing_when_one_is_killed():
    with Cluster() as cluster:
        # Those that are looked at have seen nothing but trade.
        with Server(database=cluster.uri()) as first:
            open_shops(first.client())
        with Server(*LANES, database=cluster.uri()) as one, \
                Server(*LANES, database=cluster.uri()) as two:
            trade_while_they_die(cluster, [one, two])


if __name__ == "__main__":
    tap.main()
