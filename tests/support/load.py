"""Trade under way while things break: workers that call without pause, write down what was
answered, and prove afterwards that the book has just that.

What is sent is always possible (there is stock for everything), so that in the end every call
must have happened exactly once: the acknowledged ones at once, the others when they are sent again
under the same request id.
"""
import random
import threading
import time

from client import Refused
from errands import ERRANDS, PLACES, STORES, Step, amount
from shop import open_shop, put_stores, sql

ACCOUNTS = ("available", "reserved", "allocated", "picked", "damaged", "in_transit")
ERRANDS_AT_ONCE = 2  # of each worker
PIECES = 10**7
# Nothing was decided about the call; it may be sent again.
UNDECIDED = {"UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED", "RESOURCE_EXHAUSTED", "UNKNOWN"}
RETRY_S = 60


class Sent:
    def __init__(self, book, step):
        self.name = step.name
        self.moves = step.moves
        self.request = book.request(step.name, **step.fields)
        self.answer = None
        self.error = None


def documents(name, answer):
    """(table, id) of every document that a call's answer tells of."""
    for field, value in answer.ListFields():
        for one in value if field.label == field.LABEL_REPEATED else [value]:
            if field.name in ("reservation", "transfer"):
                yield field.name, one.id
            elif field.name == "order":
                yield "customer_order", one.id
            elif field.name in ("pickup", "pickups", "shipment", "shipments"):
                yield "fulfilment", one.id
            elif field.name == "transfers":
                yield "transfer", one.id
            elif field.name == "resourced" and one.document_id:
                assert one.remedy == 2, (name, one)  # RE_SOURCE: another pickup or shipment
                yield "fulfilment", one.document_id


class Load:
    """With server.client() made for each worker; the workers share the servers evenly."""

    def __init__(self, servers, cluster, workers=8, skus=12, seed=1, timeout=20):
        self.cluster = cluster
        self.skus = [f"LOAD-{number}" for number in range(skus)]
        self.timeout = timeout
        self.sent = []
        self.failures = []
        self.stopping = threading.Event()
        self.clients = [servers[number % len(servers)].client() for number in range(workers)]
        self.by_server = {server.port: 0 for server in servers}
        self.ports = [servers[number % len(servers)].port for number in range(workers)]
        open_shop(self.clients[0], self.skus)
        put_stores(self.clients[0], *STORES, hands_over_pickups=True)
        for place in PLACES:
            self.clients[0].ReceiveStock(
                location=place, lines=[{"sku": sku, "quantity": PIECES} for sku in self.skus])
        self.threads = [threading.Thread(target=self._work, args=(number, random.Random(
            f"{seed}-{number}"))) for number in range(workers)]

    def start(self):
        for thread in self.threads:
            thread.start()

    def acknowledged(self):
        return [sent for sent in self.sent if sent.answer is not None]

    def undecided(self):
        return [sent for sent in self.sent if sent.answer is None]

    def _parts(self, dice):
        return [{"sku": sku, "quantity": dice.randint(1, 5)}
                for sku in dice.sample(self.skus, dice.randint(1, 3))]

    def _sale(self, dice, held):
        """One of the calls that need no other: half of them hold, the rest does something with what
        is held, sells, receives."""
        lines = [{**part, "location": dice.choice(PLACES)} for part in self._parts(dice)]
        units, kind = amount(lines), dice.random()
        if held and kind < 0.2:
            reservation_id, units = held.pop()
            fulfil = dice.random() < 0.5
            return Step("ConfirmReservation",
                        {"reserved": -units, "allocated": 0 if fulfil else units},
                        reservation_id=reservation_id, fulfil=fulfil)
        if held and kind < 0.3:
            reservation_id, units = held.pop()
            return Step("ReleaseReservation", {"reserved": -units, "available": units},
                        reservation_id=reservation_id)
        if kind < 0.4:
            return Step("ReceiveStock", {"available": units}, location=dice.choice(PLACES),
                        lines=[{"sku": part["sku"], "quantity": part["quantity"]}
                               for part in lines])
        if kind < 0.6:
            fulfil = dice.random() < 0.5
            return Step("PlaceOrder", {"available": -units, "allocated": 0 if fulfil else units},
                        channel="web", lines=lines, fulfil=fulfil)
        return Step("Reserve", {"available": -units, "reserved": units}, lines=lines,
                    hold_for="3600s")

    def _turn(self, dice, errands):
        """The next step of one of the errands, and this: [generator, its last answer]."""
        if len(errands) < ERRANDS_AT_ONCE:
            errands.append([dice.choice(ERRANDS)(dice, self._parts(dice)), None])
        errand = dice.choice(errands)
        try:
            return errand[0].send(errand[1]), errand
        except StopIteration:
            errands.remove(errand)
            return self._turn(dice, errands)

    def _work(self, number, dice):
        book, held, errands = self.clients[number], [], []
        while not self.stopping.is_set():
            errand = None
            if dice.random() < 0.5:
                step, errand = self._turn(dice, errands)
            else:
                step = self._sale(dice, held)
            sent = Sent(book, step)
            self.sent.append(sent)
            try:
                sent.answer = book.send(sent.name, sent.request, timeout=self.timeout,
                                        patient=True)
                self.by_server[self.ports[number]] += 1
                if errand:
                    errand[1] = sent.answer
                elif sent.name == "Reserve":
                    held.append((sent.answer.reservation.id, amount(step.fields["lines"])))
            except Refused as error:
                sent.error = error
                if errand:
                    errands.remove(errand)  # what comes next would depend on it
                if error.code not in UNDECIDED:
                    self.failures.append(error)
                time.sleep(0.05)
            except Exception as error:  # pylint: disable=broad-except
                self.failures.append(error)
                return

    def wait_for_more(self, count, seconds=30):
        """Until that many more calls were acknowledged."""
        target, deadline = len(self.acknowledged()) + count, time.monotonic() + seconds
        while len(self.acknowledged()) < target:
            assert time.monotonic() < deadline, (
                f"not {count} more calls were answered within {seconds} s; last errors: "
                f"{[str(sent.error) for sent in self.undecided()[-3:]]}")
            assert not self.failures, self.failures[:3]
            time.sleep(0.05)

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()
        assert not self.failures, self.failures[:3]

    def settle(self):
        """Sends what was not acknowledged again, under the same ids, until it is answered."""
        book = self.clients[0]
        for sent in self.undecided():
            deadline = time.monotonic() + RETRY_S
            while sent.answer is None:
                try:
                    sent.answer = book.send(sent.name, sent.request, patient=True)
                except Refused as error:
                    assert error.code in UNDECIDED and time.monotonic() < deadline, (
                        sent.name, sent.error, error)
                    time.sleep(0.1)

    # -- what must be true -----------------------------------------------------------------------

    def check_wholly_in_or_out(self):
        """As the database is, before anything is sent again."""
        known = {row[0] for row in sql(self.cluster, "SELECT request_id FROM request")}
        lost = [sent for sent in self.acknowledged() if sent.request.request_id not in known]
        assert not lost, f"{len(lost)} acknowledged calls are not in the book, such as {lost[0]}"
        torn = sql(self.cluster, "SELECT count(*) FROM (SELECT DISTINCT request_id FROM change "
                   "WHERE request_id IS NOT NULL) c FULL JOIN request r USING (request_id) "
                   "WHERE c.request_id IS NULL OR r.request_id IS NULL")
        assert torn == [["0"]], f"{torn[0][0]} requests are in the book by half"

    def check_all_happened_once(self):
        """After settle(): the documents are those that were answered, and the stock is what all
        steps make it."""
        made = {"reservation": set(), "customer_order": set(), "fulfilment": set(),
                "transfer": set()}
        for sent in self.sent:
            for table, document_id in documents(sent.name, sent.answer):
                made[table].add(document_id)
        for table, ids in made.items():
            self._same(table, ids)
        expected = dict.fromkeys(ACCOUNTS, 0)
        expected["available"] = PIECES * len(self.skus) * len(PLACES)
        for sent in self.sent:
            for account, units in sent.moves.items():
                expected[account] += units
        rows = sql(self.cluster, f"SELECT {', '.join(f'sum({name})' for name in ACCOUNTS)} "
                   "FROM stock")
        there = dict(zip(ACCOUNTS, map(int, rows[0])))
        assert there == expected, (there, expected)

    def _same(self, table, answered):
        there = {row[0] for row in sql(self.cluster, f"SELECT id FROM {table}")}
        assert there == answered, (
            f"{table}: {len(there - answered)} that nobody was told of, "
            f"{len(answered - there)} that are not there")

    def check_answers_are_repeated(self, count=40):
        book, dice = self.clients[0], random.Random(5)
        for sent in dice.sample(self.sent, min(count, len(self.sent))):
            again = book.send(sent.name, sent.request)
            first = type(again).FromString(sent.answer.SerializeToString())
            for answer in (again, first):
                answer.ClearField("position")
                if sent.name == "ReadyPickup":
                    answer.ClearField("code")  # told once
            assert again == first, (sent.name, first, again)

    def prove(self):
        """All of it, once the workers have stopped and the servers serve."""
        self.check_wholly_in_or_out()
        undecided = len(self.undecided())
        self.settle()
        self.check_wholly_in_or_out()
        self.check_all_happened_once()
        self.check_answers_are_repeated()
        self.clients[0].verify_clean()
        print(f"# {len(self.sent)} calls, {undecided} of them not acknowledged at first",
              flush=True)
