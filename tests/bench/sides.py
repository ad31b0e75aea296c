"""Measures a side: the load generator on one or more servers, or pgbench; with the CPU that each process
took, and the WAL that was written."""
import json
import os
import subprocess
import sys
import time

import cluster as support
import sql_sides
from book import Book
from machine import (children, cpu_seconds, cpu_seconds_of_ended_children, say)

BOOKS = {  # name: SKUs, locations
    "shop": (10_000, 20),
    "rows_10k": (50, 200), "rows_1m": (5_000, 200), "rows_10m": (50_000, 200),
    "chain": (0, 0), "year": (0, 0),
}
QUICK_BOOKS = {"shop": (200, 4), "rows_10k": (5, 20), "rows_1m": (50, 20), "rows_10m": (100, 20)}


class Bench:
    def __init__(self, options, cluster):
        self.options = options
        self.cluster = cluster
        self.servers = []
        self.sizes = {**BOOKS, **(QUICK_BOOKS if options.quick else {})}
        self.books = {name: Book(self, name, *size) for name, size in self.sizes.items()}
        self.databases_with_function = set()

    @staticmethod
    def build():
        top = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        return os.environ.get("STOCKBOOK_BUILD_DIR", os.path.join(top, "build", "release"))

    def program(self, name):
        for folder in ("", "server", "tools/cli", "tests"):
            path = os.path.join(self.build(), folder, name)
            if os.path.isfile(path):
                return path
        sys.exit(f"bench: '{name}' is not in '{self.build()}': run tools/dev bench")

    # -- the database ------------------------------------------------------------------------------

    def sql(self, text, database="postgres"):
        done = subprocess.run(
            [os.path.join(self.cluster.programs, "psql"), "-X", "-q", "-A", "-t", "-v",
             "ON_ERROR_STOP=1", "-d", self.cluster.uri(database), "-c", text],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            check=False)
        if done.returncode != 0:
            sys.exit(f"bench: {done.stderr.strip()}")
        return done.stdout.strip()

    def create_database(self, name):
        self.sql(f"CREATE DATABASE {name}")

    def checkpoint(self):
        """Before each round, so that none is lucky with it. The warm-ups then pay for the pages that
        are written to the WAL whole after it."""
        self.sql("CHECKPOINT")

    def make_wal_files(self):
        """A new file of the WAL is filled with zeros first, for tens of milliseconds in which nobody
        commits. Files that a checkpoint finds used are written again instead."""
        self.sql("SELECT count(pg_logical_emit_message(false, 'bench', 'next file')),"
                 " count(pg_switch_wal()) FROM generate_series(1, 250)")
        self.checkpoint()

    def restart_database(self, environment=None):
        self.checkpoint()  # or it would do that while it is waited for
        self.cluster.stop()
        self.cluster.start(environment)

    def wal_bytes(self):
        return int(self.sql("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint"))

    def database_cpu_seconds(self):
        postmaster = self.cluster.pid()
        return cpu_seconds([postmaster, *children(postmaster)])

    def usage(self, servers):
        return {"wal": self.wal_bytes(),
                "server": cpu_seconds([server.pid for server in servers]),
                "database": self.database_cpu_seconds(),
                "client": cpu_seconds_of_ended_children()}

    def measured(self, servers, run, client=None):
        """What run() gives, a result with what was `completed`, and what each of these took. client: a
        process that runs already and ends within run()."""
        before = self.usage(servers)
        if client:
            before["client"] += cpu_seconds([client])
        result = run()
        client = cpu_seconds_of_ended_children()  # before psql is one of them
        after = {**self.usage(servers), "client": client}
        completed = max(1, result["completed"])
        for process in ("server", "database", "client"):
            result[f"{process}_cpu_us"] = round(
                (after[process] - before[process]) / completed * 1e6, 2)
        result["wal_bytes"] = round((after["wal"] - before["wal"]) / completed, 1)
        if servers:
            result["server_memory_mb"] = round(sum(one.memory() for one in servers) / 1e6, 1)
        return result

    # -- our sides ---------------------------------------------------------------------------------

    def start_load(self, target, mode, session=False, **arguments):
        command = [self.program("bench_load"), "--server", target, "--mode", mode]
        if session:
            command.append("--session")
        for name, value in arguments.items():
            command += [f"--{name.replace('_', '-')}", str(value)]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)

    @staticmethod
    def end_load(process, server):
        try:
            out, complaint = process.communicate()
        except BaseException:
            process.kill()
            process.wait()
            raise
        if process.returncode != 0:
            sys.exit(f"bench: the load ended with status {process.returncode}: {complaint.decode()}"
                     f"{server.last_words()}")
        result = json.loads(out) if out else None
        if complaint:
            say(complaint.decode().strip())
            result = {**(result or {}), "complaint": complaint.decode().strip()}
        return result

    def load_once(self, server, mode, target=None, **arguments):
        return self.end_load(self.start_load(target or server.target, mode, **arguments), server)

    def load(self, server, mode, target=None, seconds=None, **arguments):
        return self.measured([server], lambda: self.load_once(
            server, mode, target, seconds=seconds or self.options.seconds, **arguments))

    def load_all(self, servers, mode, callers, **arguments):
        """Every server at once, with its share of the callers, as one result."""
        def run():
            started = [self.start_load(server.target, mode, seconds=self.options.seconds,
                                       callers=max(1, callers // len(servers)), **arguments)
                       for server in servers]
            results = [self.end_load(process, server)
                       for process, server in zip(started, servers)]
            return {"callers": callers, "servers": results,
                    "p50_ms": max(result["p50_ms"] for result in results),
                    "p99_ms": max(result["p99_ms"] for result in results),
                    **{name: sum(result[name] for result in results)
                       for name in ("per_second", "answered", "completed", "refused", "failed")}}
        return self.measured(servers, run)

    # -- SQL ---------------------------------------------------------------------------------------

    def script(self, book, side, skus, locations, lines):
        if side == "function" and book.name not in self.databases_with_function:
            book.sql(sql_sides.FUNCTION)
            self.databases_with_function.add(book.name)
        path = os.path.join(self.cluster.directory, f"{side}-{skus}-{locations}-{lines}.sql")
        with open(path, "w", encoding="utf-8") as file:
            file.write(sql_sides.SIDES[side](skus, locations, lines))
        os.chmod(path, 0o644)
        return path

    def take_latencies(self, since):
        """Of the transactions that ended after that time, sorted; and when the last of them did."""
        latencies, last = [], since
        for name in os.listdir(self.cluster.directory):
            if name.startswith("pgbench."):
                log = os.path.join(self.cluster.directory, name)
                with open(log, encoding="utf-8") as file:
                    for line in file:
                        words = line.split()
                        ended = int(words[4]) + int(words[5]) / 1e6
                        if ended >= since:
                            latencies.append(int(words[2]) / 1000)
                            last = max(last, ended)
                os.remove(log)
        return sorted(latencies), last

    def pgbench(self, book, side, clients, skus, locations, lines, tcp=False):
        """The first second or so is not measured: each of its sessions fills its caches and plans its
        statements, which a service's sessions have behind them."""
        options = self.options
        seconds = max(1, round(options.warm_seconds + options.seconds))
        process = subprocess.Popen(
            [os.path.join(self.cluster.programs, "pgbench"), "-n", "-M", "prepared",
             "-f", self.script(book, side, skus, locations, lines), "-c", str(clients), "-j", "1",
             "-T", str(seconds), "-l",
             "--log-prefix", os.path.join(self.cluster.directory, "pgbench"),
             book.tcp_uri() if tcp else book.uri()],
            cwd=self.cluster.directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, **support.as_owner())
        try:
            time.sleep(min(options.warm_seconds, seconds / 2))
            result = self.measured([], lambda: self.rest_of_pgbench(process, clients),
                                   client=process.pid)
        except BaseException:
            process.kill()
            process.wait()
            raise
        return result

    def rest_of_pgbench(self, process, clients):
        since = time.time()
        out, complaint = process.communicate()
        if process.returncode != 0:
            sys.exit(f"bench: pgbench failed: {complaint.decode()}{out.decode()}")
        latencies, last = self.take_latencies(since)
        if not latencies:
            sys.exit(f"bench: no transaction ended while pgbench was measured: {out.decode()}")
        rate = len(latencies) / (last - since)
        return {"callers": clients, "per_second": round(rate, 1), "completed": len(latencies),
                "p50_ms": latencies[len(latencies) // 2],
                "p90_ms": latencies[len(latencies) * 9 // 10],
                "p99_ms": latencies[len(latencies) * 99 // 100]}
