"""What is quoted: each key is a list of one value a round, and their median is the key.

A ratio is taken inside a round: ours at its best setting against the other side at its best in that same
round.
"""
import statistics
from dataclasses import dataclass
from typing import Callable


def best(runs):
    return max(runs, key=lambda run: run["per_second"])


def ratio(ours, theirs):
    """Of the rates, in each round that has both sides."""
    def values(rounds):
        return [best(one[ours])["per_second"] / best(one[theirs])["per_second"]
                for one in rounds if ours in one and theirs in one]
    return values


def latency_ratio(ours, theirs):
    def values(rounds):
        return [one[ours][0]["p50_ms"] / one[theirs][0]["p50_ms"] for one in rounds]
    return values


def cpu(run):
    return run["server_cpu_us"] + run["database_cpu_us"]


def cpu_ratio(more, less):
    def values(rounds):
        return [cpu(best(one[more])) / cpu(best(one[less])) for one in rounds
                if more in one and less in one]
    return values


def member(side, name):
    def values(rounds):
        return [best(one[side])[name] for one in rounds if side in one]
    return values


def server_cpu_ratio(more, less):
    def values(rounds):
        return [best(one[more])["server_cpu_us"] / max(1, best(one[less])["server_cpu_us"])
                for one in rounds]
    return values


def p99_at_half(rounds):
    return [next(run["p99_ms"] for run in one["offered"] if run["share"] == 0.5)
            / one["alone"][0]["p50_ms"] for one in rounds]


@dataclass
class Key:
    name: str
    part: str
    values: Callable
    wanted: float = None  # None: it is only said
    at_most: bool = False
    digits: int = 2

    def met(self, value):
        return value <= self.wanted if self.at_most else value >= self.wanted


KEYS = [
    Key("reserve_spread_session_vs_sql", "spread", ratio("session", "sql"), 8),
    Key("reserve_hot_session_vs_sql", "hot", ratio("session", "sql"), 15),
    Key("reserve_hot_slow_disk_vs_sql", "slow_disk", ratio("hot session", "hot sql"), 30),
    Key("reserve_hot_vs_spread", "hot", ratio("session", "session_spread"), 0.9),
    Key("reserve_spread_unary_vs_sql", "spread", ratio("unary", "sql"), 6),
    Key("reserve_hot_unary_vs_sql", "hot", ratio("unary", "sql"), 11),
    Key("reserve_alone_p50_vs_sql", "alone", latency_ratio("unary tcp", "sql tcp"), 1.5, True),
    Key("availability_cached_vs_echo", "reads", ratio("cached: 1 SKU, 1 location", "echo"), 0.85),
    Key("availability_fresh_vs_echo", "reads", ratio("fresh: 1 SKU, 1 location", "echo"), 0.5),
    Key("reserve_cpu_10m_vs_10k_rows", "rows", cpu_ratio("rows_10m", "rows_10k"), 1.25, True),
    Key("two_servers_hot_vs_one", "servers", ratio("hot 2", "hot 1"), 0.9),
    Key("p99_half_load_vs_p50_alone", "open_loop", p99_at_half, 10, True),
    Key("cache_bytes_per_row", "cache",
        lambda rounds: [one["bytes_per_row"] for one in rounds], 200, True, 1),
    Key("replay_lines_per_second", "replay", member("replay", "per_second"), digits=0),
    # Said besides.
    Key("reserve_spread_session_vs_function", "spread", ratio("session", "function")),
    Key("reserve_spread_session_vs_statement", "spread", ratio("session", "statement")),
    Key("reserve_spread_session_vs_echo", "spread", ratio("session", "echo")),
    Key("reserve_spread_unary_vs_echo", "spread", ratio("unary", "echo")),
    Key("reserve_hot_session_vs_function", "hot", ratio("session", "function")),
    Key("reserve_hot_session_vs_statement", "hot", ratio("session", "statement")),
    Key("reserve_hot_slow_disk_vs_function", "slow_disk", ratio("hot session", "hot function")),
    Key("reserve_spread_slow_disk_vs_sql", "slow_disk", ratio("spread session", "spread sql")),
    Key("reserve_alone_session_p50_vs_sql", "alone", latency_ratio("session tcp", "sql tcp")),
    Key("reserve_alone_unix_p50_vs_sql", "alone", latency_ratio("unary unix", "sql unix")),
    Key("reserve_alone_p50_vs_function", "alone", latency_ratio("unary tcp", "function tcp")),
    Key("reserve_spread_5_lines_session_vs_sql", "lines",
        ratio("spread 5 lines session", "spread 5 lines sql")),
    Key("reserve_spread_50_lines_session_vs_sql", "lines",
        ratio("spread 50 lines session", "spread 50 lines sql")),
    Key("reserve_hot_5_lines_session_vs_sql", "lines",
        ratio("hot 5 lines session", "hot 5 lines sql")),
    Key("reserve_hot_50_lines_session_vs_sql", "lines",
        ratio("hot 50 lines session", "hot 50 lines sql")),
    Key("reserve_cpu_1m_vs_10k_rows", "rows", cpu_ratio("rows_1m", "rows_10k")),
    Key("reserve_cpu_10m_cold_vs_10k_rows", "rows", cpu_ratio("rows_10m_cold", "rows_10k")),
    Key("two_servers_spread_vs_one", "servers", ratio("spread 2", "spread 1")),
    Key("watch_last_of_1000_p50_ms", "watch", member("watch", "p50_ms")),
    Key("watch_last_of_1000_p99_ms", "watch", member("watch", "p99_ms")),
    Key("watch_server_cpu_us_per_told_value", "watch",
        member("watch", "server_cpu_us_per_told_value")),
]

# Promises and sourced orders: the nearest, which must look at more, has the short names.
for _call in ("promise", "place_order"):
    for _strategy, _name in (("nearest", _call), ("preference", f"{_call}_preference")):
        for _locations in (20, 200, 2000):
            _side = f"{_call} {_strategy} {_locations}"
            KEYS.append(Key(f"{_name}_rate_{_locations}", "sourced", member(_side, "per_second"),
                            digits=1))
            KEYS.append(Key(f"{_name}_p99_ms_{_locations}", "sourced", member(_side, "p99_ms")))
            if _locations > 20:
                _least = f"{_call} {_strategy} 20"
                KEYS.append(Key(f"{_name}_growth_20_to_{_locations}", "sourced",
                                ratio(_least, _side)))
                KEYS.append(Key(f"{_name}_server_cpu_growth_20_to_{_locations}", "sourced",
                                server_cpu_ratio(_side, _least)))


def promised_lines_per_second(parts):
    """What the reserves of 1, 5 and 50 lines of this file say of orders as long as the year's: their time
    is a + b * lines, by least squares, with the rate of lines that follows. None without the parts."""
    replayed, lines, spread = (parts.get(name, {}).get("rounds") for name in
                               ("replay", "lines", "spread"))
    if not replayed or not lines or not spread:
        return None
    points = []
    for count, rounds, side in ((1, spread, "session"), (5, lines, "spread 5 lines session"),
                                (50, lines, "spread 50 lines session")):
        rate = statistics.median(best(one[side])["per_second"] for one in rounds)
        points.append((count, 1 / rate))
    middle_x = statistics.mean(x for x, _ in points)
    middle_y = statistics.mean(y for _, y in points)
    slope = (sum((x - middle_x) * (y - middle_y) for x, y in points)
             / sum((x - middle_x) ** 2 for x, _ in points))
    length = best(replayed[0]["replay"])["lines_per_order"]
    return length / (middle_y + slope * (length - middle_x))


def compute(parts, quick=False):
    """{key: median, key_runs: [...]}, for the parts that have been measured."""
    result = {}
    for key in KEYS:
        rounds = parts.get(key.part, {}).get("rounds")
        if not rounds:
            continue
        try:
            values = key.values(rounds)
        except (KeyError, StopIteration):
            if not quick:
                raise
            continue  # a quick run has smaller cases
        if values:
            result[key.name] = round(statistics.median(values), key.digits)
            result[f"{key.name}_runs"] = [round(value, key.digits + 1) for value in values]
    promised = promised_lines_per_second(parts)
    if promised and "replay_lines_per_second" in result:
        result["replay_promised_lines_per_second"] = round(promised)
        result["replay_vs_promised"] = round(result["replay_lines_per_second"] / promised, 2)
    return result


def table(result):
    """Rows of text: key, value, wanted, and whether it was met."""
    rows = [("key", "value", "wanted", "")]
    for key in KEYS:
        if key.name not in result or key.part == "sourced":
            continue
        value = result[key.name]
        wanted = met = ""
        if key.wanted is not None:
            wanted = f"{'at most' if key.at_most else 'at least'} {key.wanted:g}"
            met = "met" if key.met(value) else "fell short"
        rows.append((key.name, f"{value:,g}" if value < 1e6 else f"{value:,.0f}", wanted, met))
    for name in ("replay_promised_lines_per_second", "replay_vs_promised"):
        if name in result:
            rows.append((name, f"{result[name]:,g}", "", ""))
    return rows
