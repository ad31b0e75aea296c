"""Reserves: spread and hot, by lines, by callers, on a slow disk, by rows, by two servers.

A part is measured in rounds, each of which measures every side once, so that what else the machine does
meets all of them. A round is {side: [run, ...]}, a run for each number of callers or clients.
"""
import contextlib
import os
import shutil

from machine import say

HOT = {"skus": 1, "locations": 1}
COLD = "rows_10m_cold"
ROWS_MEMORY_MB = "2000"  # lanes remember ten million balances in half of it


def spread_over(book):
    return {"skus": book.skus, "locations": book.locations}


def warm(bench, what, run):
    """Every side is warmed by the same seconds of load that are not measured."""
    say(f"{what}: warming up")
    run()


def our_side(bench, server, title, side, callers, target=None, **arguments):
    session = side == "session"

    def once(count):
        return bench.load(server, "reserve", target=target, session=session, callers=count,
                          **arguments)
    warm(bench, f"{title}, {side}", lambda: once(callers[-1]))
    runs = []
    for count in callers:
        say(f"{title}, {side}, {count} callers")
        runs.append(once(count))
    return runs


def sql_side(bench, book, title, side, clients, lines=1, **where):
    def once(count):
        return bench.pgbench(book, side, count, where["skus"], where["locations"], lines)
    warm(bench, f"{title}, {side}", lambda: once(8))
    runs = []
    for count in clients:
        say(f"{title}, {side}, {count} clients")
        runs.append(once(count))
    return runs


def reserve_round(bench, book, server, title, number, sides, lines=1, prefix="", **where):
    """All sides of a case once. Each round starts with another one."""
    options = bench.options
    measured = {}
    for side in sides[number % len(sides):] + sides[:number % len(sides)]:
        if side in ("session", "unary"):
            callers = options.session_callers if side == "session" else options.unary_callers
            runs = our_side(bench, server, title, side, callers, lines=lines, **where)
        else:
            runs = sql_side(bench, book, title, side, options.sql_clients, lines=lines, **where)
        measured[prefix + side] = runs
    return {prefix + side: measured[prefix + side] for side in sides}


def read_server(bench, book, number=0, options=()):
    """A server of which every balance has been read once, as shoppers do before they buy. Without the
    cache of reads, because nobody reads while reserves are measured, and it would follow them."""
    server = book.server(number, ["--cache-mb", "0", *options])
    say(f"reading all of {book.name} once")
    bench.load_once(server, "read-all", **spread_over(book))
    return server


def spread(bench, rounds):
    book = bench.books["shop"]
    with read_server(bench, book) as server:
        for number in range(bench.options.rounds):
            bench.checkpoint()
            title = f"spread, round {number + 1}"
            say(f"{title}, echo")
            echo = [bench.load(server, "echo", callers=count)
                    for count in bench.options.unary_callers]
            rounds.append({"echo": echo, **reserve_round(
                bench, book, server, title, number,
                ["session", "unary", "sql", "function", "statement"], **spread_over(book))})


def hot(bench, rounds):
    book = bench.books["shop"]
    with book.server() as server:
        for number in range(bench.options.rounds):
            bench.checkpoint()
            title = f"hot, round {number + 1}"
            beside = our_side(bench, server, f"{title}, spread beside it", "session",
                              bench.options.session_callers, **spread_over(book))
            rounds.append({"session_spread": beside, **reserve_round(
                bench, book, server, title, number,
                ["session", "unary", "sql", "function", "statement"], **HOT)})


def lines(bench, rounds):
    """Baskets of 5 and 50 lines; once, because a round of it takes minutes."""
    book = bench.books["shop"]
    with book.server() as server:
        bench.checkpoint()
        measured = {}
        for count in (5, 50):
            for case, where in (("spread", spread_over(book)),
                                ("hot", {"skus": count, "locations": 1})):
                measured.update(reserve_round(
                    bench, book, server, f"{count} lines, {case}", 0, ["session", "sql", "function"],
                    lines=count, prefix=f"{case} {count} lines ", **where))
        rounds.append(measured)


def callers(bench, rounds):
    """How it goes with the number of callers, from one to 4,096."""
    book = bench.books["shop"]
    with book.server() as server:
        for number in range(bench.options.extra_rounds):
            bench.checkpoint()
            measured = {}
            for side in ("session", "unary"):
                measured[side] = our_side(bench, server, f"callers, round {number + 1}", side,
                                          bench.options.callers, **spread_over(book))
            rounds.append(measured)


def alone(bench, rounds):
    """One caller, all sockets of a kind: TCP on loopback, to the server and to the database, on both
    sides; or unix sockets."""
    book = bench.books["shop"]
    where = spread_over(book)
    with book.server() as unix_server, book.server(1, tcp=True) as tcp_server:
        for number in range(bench.options.rounds):
            bench.checkpoint()
            measured = {}
            for kind, server, target in (("tcp", tcp_server, tcp_server.target),
                                         ("unix", unix_server, unix_server.unix_target)):
                tcp = kind == "tcp"
                for side in ("session", "unary"):
                    measured[f"{side} {kind}"] = our_side(
                        bench, server, f"alone, {kind}, round {number + 1}", side, [1], target=target,
                        **where)
                for side in ("sql", "function"):
                    say(f"alone, {kind}, {side}, round {number + 1}")
                    measured[f"{side} {kind}"] = [bench.pgbench(
                        book, side, 1, where["skus"], where["locations"], 1, tcp=tcp)]
            rounds.append(measured)


def slow_disk(bench, rounds):
    """Every fsync and fdatasync of the database takes 1 ms longer."""
    book = bench.books["shop"]
    if not book.made:
        book.make()  # while the disk is fast
    # Where PostgreSQL's user can read it.
    library = os.path.join(bench.cluster.directory, "libslow_disk.so")
    shutil.copy(bench.program("libslow_disk.so"), library)
    os.chmod(library, 0o755)
    bench.restart_database({"LD_PRELOAD": library})
    try:
        with book.server() as server:
            for number in range(bench.options.rounds):
                bench.checkpoint()
                measured = reserve_round(
                    bench, book, server, f"hot, slow disk, round {number + 1}", number,
                    ["session", "unary", "sql", "function"], prefix="hot ", **HOT)
                if number == 0:
                    measured.update(reserve_round(
                        bench, book, server, f"spread, slow disk, round {number + 1}", number,
                        ["session", "sql", "function"], prefix="spread ", **spread_over(book)))
                rounds.append(measured)
    finally:
        bench.restart_database()


def rows(bench, rounds):
    """The CPU of a reserve in books of ten thousand to ten million balances, drawn evenly over all of
    them: on servers whose lanes remember each balance, and of the largest book on one that was just
    started, too, which has to read it first. No checkpoint comes in between: as in the middle of a long
    interval, when the pages in use have been written to the WAL whole already."""
    names = ["rows_10k", "rows_1m", "rows_10m", COLD]
    for name in names[:-1]:
        if not bench.books[name].made:
            bench.books[name].make()
    with contextlib.ExitStack() as stack:
        servers = {}
        for number, name in enumerate(names[:-1]):
            servers[name] = stack.enter_context(read_server(
                bench, bench.books[name], number, ["--lane-memory-mb", ROWS_MEMORY_MB]))
        for number in range(bench.options.rounds):
            measured = {}
            for name in names[number % len(names):] + names[:number % len(names)]:
                measured[name] = rows_side(bench, name, servers.get(name), number)
            rounds.append({name: measured[name] for name in names})


def rows_side(bench, name, server, number):
    book = bench.books["rows_10m" if name == COLD else name]
    with contextlib.ExitStack() as stack:
        if not server:
            server = stack.enter_context(book.server(len(bench.servers), ["--cache-mb", "0"]))
        title = f"{book.skus * book.locations:,} rows{', cold' * (name == COLD)}, round {number + 1}"
        return our_side(bench, server, title, "session", bench.options.session_callers[-1:],
                        **spread_over(book))


def servers(bench, rounds):
    """One server and two on one database, with the same callers in all, on one SKU and on all."""
    book = bench.books["shop"]
    with book.server() as first, book.server(1) as second:
        for number in range(bench.options.rounds):
            bench.checkpoint()
            measured = {}
            for case, where in (("hot", HOT), ("spread", spread_over(book))):
                for count, running in ((1, [first]), (2, [first, second])):
                    def once(callers_in_all, running=running, where=where):
                        return bench.load_all(running, "reserve", callers_in_all, session=True,
                                              lines=1, **where)
                    title = f"{case}, {count} servers, round {number + 1}"
                    warm(bench, title, lambda once=once: once(bench.options.session_callers[-1]))
                    say(title)
                    measured[f"{case} {count}"] = [once(callers_in_all) for callers_in_all
                                                   in bench.options.session_callers]
            rounds.append(measured)
