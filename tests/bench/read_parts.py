"""Reads, the memory of the cache, and watches."""
from machine import say
from reserve_parts import spread_over, warm

STALENESS_MS = 60_000
READS = [  # what a call asks for: name, SKUs, locations
    ("1 SKU, 1 location", 1, 1),
    ("1 SKU, 200 locations", 1, 200),
    ("1,000 SKUs, 1 location", 1000, 1),
]


def read_side(bench, server, title, callers, **arguments):
    warm(bench, title, lambda: bench.load(server, "availability", callers=callers[-1], **arguments))
    runs = []
    for count in callers:
        say(f"{title}, {count} callers")
        runs.append(bench.load(server, "availability", callers=count, **arguments))
    return runs


def reads(bench, rounds):
    """GetAvailability by single calls, fresh and from memory, beside a bare echo: of one balance over the
    shop, of many over the book of a million rows. The caches hold all of them from the start."""
    options = bench.options
    shop, wide = bench.books["shop"], bench.books["rows_1m"]
    for book in (shop, wide):
        if not book.made:
            book.make()
    with shop.server() as server, wide.server(1, ["--cache-mb", "256"]) as wide_server:
        say("reads: filling the caches")
        bench.load_once(server, "read-all", **spread_over(shop))
        bench.load_once(wide_server, "read-all", **spread_over(wide))
        for number in range(options.rounds):
            measured = {}
            say(f"reads, echo, round {number + 1}")
            bench.load(server, "echo", callers=options.unary_callers[-1])
            measured["echo"] = [bench.load(server, "echo", callers=count)
                                for count in options.unary_callers]
            for name, skus, places in READS:
                small = skus * places == 1
                if not small and number >= options.extra_rounds:
                    continue
                book = shop if small else wide
                for side, staleness_ms in (("fresh", 0), ("cached", STALENESS_MS)):
                    measured[f"{side}: {name}"] = read_side(
                        bench, server if small else wide_server,
                        f"{side} read, {name}, round {number + 1}",
                        options.unary_callers if small else [16],
                        lines=min(skus, book.skus), places=min(places, book.locations),
                        staleness_ms=staleness_ms, **spread_over(book))
            rounds.append(measured)


def cache(bench, rounds):
    """What a cached row takes: the server's memory before and after a million rows were read into it."""
    book = bench.books["rows_1m"]
    for number in range(bench.options.rounds):
        with book.server(options=["--cache-mb", "4096"]) as server:
            say(f"filling the cache, round {number + 1}")
            # So that what the first calls need once is not counted as rows.
            bench.load_once(server, "read-all", skus=2, locations=book.locations)
            before = server.memory()
            read = bench.load_once(server, "read-all", **spread_over(book))
            after = server.memory()
            if read["failed"]:
                say(f"{read['failed']} reads failed: the cache is not full")
                continue
            rows_read = book.skus * book.locations
            # Reads of one balance by chance: from memory, as all of them are there.
            again = bench.load(server, "availability", callers=bench.options.unary_callers[-1],
                               staleness_ms=STALENESS_MS, **spread_over(book))
            rounds.append({"rows": rows_read, "memory_before": before, "memory_after": after,
                           "bytes_per_row": round((after - before) / rows_read, 1),
                           "rows_by_metric": server.metric("stockbook_cache_rows"),
                           "bytes_by_metric": server.metric("stockbook_cache_bytes"),
                           "read again": [again]})


def watch(bench, rounds):
    """1,000 streams watch a SKU that is sold unit by unit: from the reserve's answer until the last
    stream has the new value."""
    book = bench.books["shop"]
    with book.server() as server:
        for number in range(bench.options.extra_rounds):
            say(f"{bench.options.streams} watches, round {number + 1}")
            result = bench.load(server, "watch", callers=bench.options.streams,
                                seconds=bench.options.seconds)
            told = max(1, result["told"])
            answered = max(1, result["completed"])
            result["server_cpu_us_per_told_value"] = round(
                result["server_cpu_us"] * answered / told, 2)
            rounds.append({"watch": [result]})
