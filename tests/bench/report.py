"""The tables at the end of a run, and build/bench.json."""
import json
import os
import statistics

import keys

COLUMNS = (f"{'case':<11}{'side':<36}{'per second':>11}{'p50 ms':>9}{'p99 ms':>9}{'to SQL':>8}"
           f"{'server':>8}{'PG':>7}{'client':>8}{'WAL':>8}{'MB':>7}")
# Which side of a case the others are compared with: its name ends so.
RIVAL = "sql"


def median(runs, name):
    values = [run[name] for run in runs if name in run]
    return statistics.median(values) if values else None


def by_setting(rounds, side):
    """{callers: [run of each round]}"""
    settings = {}
    for one in rounds:
        for run in one.get(side, []):
            settings.setdefault(run.get("callers"), []).append(run)
    return settings


def best_setting(rounds, side):
    settings = by_setting(rounds, side)
    return max(settings.items(), key=lambda item: median(item[1], "per_second"))


def number(value, width, digits=0):
    return f"{'' if value is None else f'{value:,.{digits}f}':>{width}}"


def row(part, side, setting, runs, rival):
    rate = median(runs, "per_second")
    ratio = f"{rate / rival:.1f}x" if rival else ""
    return (f"{part:<11}{f'{side}, {setting:,}'[:35]:<36}{number(rate, 11)}"
            f"{number(median(runs, 'p50_ms'), 9, 2)}{number(median(runs, 'p99_ms'), 9, 2)}{ratio:>8}"
            f"{number(median(runs, 'server_cpu_us') if 'server_memory_mb' in runs[0] else None, 8, 1)}"
            f"{number(median(runs, 'database_cpu_us'), 7, 1)}"
            f"{number(median(runs, 'client_cpu_us'), 8, 1)}{number(median(runs, 'wal_bytes'), 8)}"
            f"{number(median(runs, 'server_memory_mb'), 7)}")


def rival_of(rounds, side):
    """The rate of plain SQL of the same case, when there is one."""
    case = side.rsplit(" ", 1)[0] + " " if " " in side else ""
    if side.endswith((" tcp", " unix")):
        name = f"{RIVAL} {side.rsplit(' ', 1)[1]}"
    else:
        name = case + RIVAL
    return median(best_setting(rounds, name)[1], "per_second") if name in rounds[0] else None


def sides_of(rounds):
    return list(dict.fromkeys(side for one in rounds for side in one
                              if isinstance(one[side], list)))


def print_part(name, rounds):
    if name == "cache":
        for one in rounds:
            grown = (one["memory_after"] - one["memory_before"]) / 1e6
            print(f"{name:<11}{one['rows']:,} rows in {grown:,.1f} MB: {one['bytes_per_row']} bytes a row "
                  f"(by the server's own count {one['rows_by_metric']:,} rows, "
                  f"{one['bytes_by_metric'] / 1e6:,.1f} MB)")
    for side in sides_of(rounds):
        rival = rival_of(rounds, side)
        settings = by_setting(rounds, side)
        if side == "offered":
            continue  # the plot has them
        # How it goes with the callers is the case there; elsewhere the best is quoted.
        shown = settings.items() if name == "callers" else [best_setting(rounds, side)]
        for setting, runs in shown:
            print(row(name, side, setting or 0, runs, rival))


def print_tables(parts, names, result):
    print(COLUMNS)
    for name in names:
        if parts.get(name, {}).get("rounds"):
            print_part(name, parts[name]["rounds"])
    print("\nside: with its best number of callers or clients. server, PG, client: microseconds of CPU of "
          "each per\noperation (per line in replay); WAL: bytes per operation; MB: memory of the servers. "
          "Medians over rounds.\n")
    rows = keys.table(result)
    widths = [max(len(one[i]) for one in rows) for i in range(3)]
    for key, value, wanted, met in rows:
        print(f"{key:<{widths[0]}}  {value:>{widths[1]}}  {wanted:<{widths[2]}}  {met}".rstrip())


def read(path):
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def write(path, result):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    temporary = f"{path}.new"
    with open(temporary, "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1)
        file.write("\n")
    os.replace(temporary, path)
