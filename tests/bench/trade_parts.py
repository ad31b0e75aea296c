"""The year's replay, calls that are sourced, and the open loop."""
import os
import re
import subprocess

from machine import say
from reserve_parts import read_server, spread_over
from book import Book

SOURCED = [("promise", "promise"), ("place_order", "place")]  # name, the load generator's mode
CHAINS = [20, 200, 2000]
QUICK_CHAINS = [5, 20]
STRATEGIES = ["preference", "nearest"]
CHAIN_SKUS, CHAIN_LINES, CHAIN_CALLERS = 200, 2, 32

SHARES = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1]  # of the highest closed-loop rate
HALF = 0.5


def replay(bench, rounds):
    """`stockbook replay` over the year's file, each time into a new book."""
    path = bench.options.replay
    if not path or not os.path.exists(path):
        say("replay: skipped, the year's file is not here; name it by --replay FILE or "
            "ONLINE_RETAIL_CSV")
        return
    for number in range(bench.options.extra_rounds):
        book = Book(bench, f"year_{len(rounds) + 1}_{os.getpid()}", 0, 0)
        with book.server() as server:
            say(f"replaying the year, round {number + 1}")
            rounds.append({"replay": [bench.measured([server], lambda: replay_once(
                bench, server, path))]})
        bench.sql(f"DROP DATABASE {book.name}")


def replay_once(bench, server, path):
    done = subprocess.run(
        [bench.program("stockbook"), "--server", server.target, "replay", "--format",
         "online-retail", path], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, check=False)
    found = re.search(r"^([\d,]+) lines in ([\d,.]+) s, ([\d,]+) a second", done.stdout, re.M)
    orders = re.search(r"^order\s+([\d,]+)\s+[\d,]+\s+([\d,]+)", done.stdout, re.M)
    if done.returncode != 0 or not found or not orders:
        raise SystemExit(f"bench: the replay failed: {done.stderr}{done.stdout[-500:]}")

    def number(text):
        return float(text.replace(",", ""))
    return {"per_second": number(found[3]), "completed": int(number(found[1])),
            "seconds": number(found[2]),
            "lines_per_order": round(number(orders[2]) / number(orders[1]), 1)}


def sourced(bench, rounds):
    """Promises and sourced orders of two lines, over chains of which each location has half of the
    SKUs."""
    chains = QUICK_CHAINS if bench.options.quick else CHAINS
    book = bench.books["chain"]
    with book.server() as server:
        for locations in chains:
            say(f"filling a chain of {locations} locations")
            bench.load_once(server, "chain", locations=locations, skus=CHAIN_SKUS)
        for number in range(bench.options.extra_rounds):
            measured = {}
            for name, mode in SOURCED:
                for strategy in STRATEGIES:
                    for locations in chains:
                        say(f"{name}, {strategy}, {locations} locations, round {number + 1}")
                        measured[f"{name} {strategy} {locations}"] = [bench.load(
                            server, mode, strategy=strategy, locations=locations, skus=CHAIN_SKUS,
                            lines=CHAIN_LINES, callers=CHAIN_CALLERS)]
            rounds.append(measured)


def open_loop(bench, rounds):
    """Latency over offered load: reserves over all SKUs, in sessions, at shares of the highest rate that
    a closed loop reached in the same round."""
    options = bench.options
    book = bench.books["shop"]
    with read_server(bench, book) as server:
        for number in range(options.rounds):
            bench.checkpoint()
            title = f"open loop, round {number + 1}"

            def reserves(seconds=None, **arguments):
                return bench.load(server, "reserve", session=True, lines=1, seconds=seconds,
                                  **arguments, **spread_over(book))
            say(f"{title}, the highest rate")
            reserves(callers=options.session_callers[-1])
            closed = [reserves(callers=count) for count in options.session_callers]
            say(f"{title}, one caller alone")
            alone = reserves(callers=1)
            highest = max(run["per_second"] for run in closed)
            offered = []
            for share in options.shares:
                say(f"{title}, {share:.0%} of {highest:,.0f} a second")
                # Room for what waits: the bound is the session's, not the callers'.
                run = reserves(callers=1000, rate=round(share * highest, 1),
                               seconds=options.seconds * (2 if share == HALF else 1))
                offered.append({"share": share, **run})
            rounds.append({"closed": closed, "alone": [alone], "offered": offered})
