"""One caller with thousands of calls in flight, beside another with a few: who has room, who has
his turn, and what is told to whom there is no room for."""
import subprocess

import tap
from client import Refused
from cluster import Cluster
from server import Server, end, wait_for
from session import Session
from shop import line, open_shop, sql

NOISY = 1500
QUIET = 10
BATCH = 16
BIG = 10000
HELD = ("--lanes", "1", "--batch-operations-max", str(BATCH), "--lock-timeout-ms", "60000",
        "--batch-deadline-ms", "60000")
state = {}


def setup():
    cluster = state["cluster"] = Cluster()
    state["server"] = server = Server(*HELD, "--session-operations-max", "4000",
                                      database=cluster.uri(), tokens=True)
    state["book"] = book = server.client(server.admin_token())
    open_shop(book, stock={("TEAPOT", "WH"): 100000})
    state["tokens"] = {name: book.CreateToken(name=name, role="ROLE_SHOP").secret
                       for name in ("noisy", "quiet")}


def teardown():
    end(state)


class Held:
    """The lane stands, because somebody has the stock locked, until the block ends."""

    def __enter__(self):
        self.psql = subprocess.Popen(
            ["psql", "-X", "-q", "-A", "-t", "-d", state["cluster"].uri()], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.psql.stdin.write("BEGIN;\nSELECT count(*) FROM stockbook.stock WHERE location IN "
                              "(SELECT location FROM stockbook.stock FOR UPDATE);\n")
        self.psql.stdin.flush()
        assert self.psql.stdout.readline().strip()
        return self

    def __exit__(self, *_):
        self.psql.stdin.close()  # which ends the transaction
        assert self.psql.wait(timeout=30) == 0
        self.psql.stdout.close()


def reserve():
    return {"lines": [line("TEAPOT", 1, "WH")]}


def write_many(session, many):
    for start in range(0, many, 250):
        session.write(*[session.operation("Reserve", **reserve())
                        for _ in range(min(250, many - start))])


def until_taken(session):
    """All that was sent before it has been taken."""
    session.call("Echo", payload="")


def noisy_before_the_last_of_quiet():
    """How many of the one's steps are in the ledger before the other's last."""
    [[before]] = sql(state["cluster"], """
        SELECT count(*) FROM change c JOIN
            (SELECT part, max(sequence) AS last FROM change WHERE actor = 'quiet' AND step = 'reserve'
             GROUP BY part) q ON c.part = q.part AND c.sequence < q.last
        WHERE c.actor = 'noisy' AND c.step = 'reserve'""")
    return int(before)


def steps_of(actor):
    [[steps]] = sql(state["cluster"],
                    f"SELECT count(*) FROM change WHERE actor = '{actor}' AND step = 'reserve'")
    return int(steps)


def test_one_with_thousands_in_a_session_does_not_keep_another_waiting():
    server, tokens = state["server"], state["tokens"]
    with Session(server.client(tokens["noisy"])) as noisy, \
            Session(server.client(tokens["quiet"])) as quiet:
        with Held():
            write_many(noisy, NOISY)
            until_taken(noisy)
            write_many(quiet, QUIET)
            until_taken(quiet)
        for session, many in ((quiet, QUIET), (noisy, NOISY)):
            refused = [answer for answer in session.answers(many).values()
                       if isinstance(answer, Refused)]
            assert not refused, refused[0]
    # The batch that stood, and shares of the next few; first come first served, it were all.
    before = noisy_before_the_last_of_quiet()
    assert 0 < before <= BATCH + 4 * QUIET + BATCH, before
    assert steps_of("noisy") == NOISY and steps_of("quiet") == QUIET


def test_one_with_hundreds_of_single_calls_does_not_keep_another_waiting():
    server, tokens = state["server"], state["tokens"]
    before = steps_of("noisy"), steps_of("quiet")
    noisy, quiet = server.client(tokens["noisy"]), server.client(tokens["quiet"])
    with Session(quiet) as session:
        with Held():
            calls = [noisy.start("Reserve", noisy.request("Reserve", **reserve()))
                     for _ in range(600)]
            write_many(session, QUIET)
            until_taken(session)
        assert not [answer for answer in session.answers(QUIET).values()
                    if isinstance(answer, Refused)]
    # Whoever of the others came first: his ten are among the first few batches.
    last = noisy_before_the_last_of_quiet() - before[0]
    assert last <= BATCH + 4 * QUIET + BATCH, last
    for call in calls:
        call.result()
    assert (steps_of("noisy"), steps_of("quiet")) == (before[0] + 600, before[1] + QUIET)


def overloaded(answers):
    found = [answer for answer in answers if isinstance(answer, Refused)]
    for error in found:
        assert (error.code, error.reason) == ("RESOURCE_EXHAUSTED", "OVERLOADED"), error
        assert error.retry_after and error.retry_after > 0, error
    return found


def test_a_caller_takes_half_of_the_calls_and_another_finds_room():
    with Server(*HELD, "--calls-in-flight-max", "100", database=state["cluster"].uri(),
                tokens=True) as server:
        with Session(server.client(state["tokens"]["noisy"])) as noisy, \
                Session(server.client(state["tokens"]["quiet"])) as quiet:
            with Held():
                write_many(noisy, 200)
                refused = overloaded(noisy.answers(151).values())
                assert len(refused) == 151, len(refused)  # 49 wait, and the stream
                assert {error.message for error in refused} == {
                    "too much of token 'noisy' is in flight (50 calls, as many as there is still "
                    "room for, setting calls_in_flight_max)"}
                assert refused[0].metadata == {
                    "bound": "caller_share", "setting": "calls_in_flight_max",
                    "setting_value": "100"}, refused[0].metadata
                write_many(quiet, QUIET)
                until_taken(quiet)
            assert not overloaded(quiet.answers(QUIET).values())
            assert not overloaded(noisy.answers(49).values())
            # There is room again.
            noisy.call("Reserve", **reserve())


def test_a_token_has_no_more_calls_than_the_setting_says():
    with Server(*HELD, "--caller-calls-max", "20", database=state["cluster"].uri(),
                tokens=True) as server, \
            Session(server.client(state["tokens"]["noisy"])) as noisy:
        with Held():
            write_many(noisy, 40)
            refused = overloaded(noisy.answers(21).values())
            assert len(refused) == 21, len(refused)
            assert refused[0].metadata == {"bound": "caller_calls", "setting": "caller_calls_max",
                                           "setting_value": "20"}, refused[0].metadata
        assert not overloaded(noisy.answers(19).values())


def test_large_requests_are_bounded_by_the_memory_they_take():
    with Server(*HELD, "--requests-mb", "16", database=state["cluster"].uri(),
                tokens=True) as server:
        noisy = server.client(state["tokens"]["noisy"])
        quiet = server.client(state["tokens"]["quiet"])
        basket = [line("TEAPOT", 1, "WH")] * BIG
        with Held():
            calls = [noisy.start("Reserve", noisy.request("Reserve", lines=basket))
                     for _ in range(30)]
            wait_for(lambda: any(call.future.done() for call in calls), 20, "a call is refused")
            small = quiet.start("Reserve", quiet.request("Reserve", **reserve()))
        small.result()
        errors = []
        for call in calls:
            try:
                call.result()
            except Refused as error:
                errors.append(error)
        refused = overloaded([error for error in errors if error.reason == "OVERLOADED"])
        assert len(refused) >= 10, len(refused)
        assert refused[0].metadata == {"bound": "caller_bytes", "setting": "requests_mb",
                                       "setting_value": "16"}, refused[0].metadata
        assert "token 'noisy'" in refused[0].message, refused[0].message
        noisy.Reserve(**reserve())


def test_a_call_that_is_late_is_not_written():
    before = steps_of("noisy")
    noisy = state["server"].client(state["tokens"]["noisy"])
    with Held():
        calls = [noisy.start("Reserve", noisy.request("Reserve", **reserve()), timeout=0.3)
                 for _ in range(100)]
        for call in calls:
            try:
                call.result()
                raise AssertionError("it was answered")
            except Refused as error:
                assert error.code == "DEADLINE_EXCEEDED", error
    noisy.Reserve(**reserve())
    # Those of one batch may have been decided, and on their way, before their time was over.
    written = steps_of("noisy") - before
    assert 1 <= written <= 1 + BATCH, written


def test_the_book_is_right():
    state["book"].verify_clean()


if __name__ == "__main__":
    tap.main()
