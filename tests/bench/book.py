"""The books that are measured, and the servers on them: databases of one throwaway PostgreSQL."""
import os
import re
import signal
import socket
import subprocess
import sys
import time

from machine import resident_bytes, say

STOCK = """
INSERT INTO stockbook.stock (part, sku, location, available, reserved, allocated, picked, damaged,
	quality_control, on_hold, in_transit, in_shortage, version)
SELECT l.part, 'S' || lpad(n::text, 7, '0'), l.code, {units}, 0, 0, 0, 0, 0, 0, 0, false, 1
FROM generate_series(1, {skus}) n, stockbook.location l ORDER BY n, l.code;
"""
UNITS = 10_000_000


class Server:
    """A stockbookd of the release build, which ends with this process."""

    def __init__(self, bench, database, number=0, options=()):
        self.port = bench.options.port + number
        self.target = f"127.0.0.1:{self.port}"
        self.unix_target = f"unix:{bench.cluster.directory}/stockbookd-{number}.sock"
        self.log_path = os.path.join(bench.cluster.directory, f"stockbookd-{number}.log")
        with open(self.log_path, "ab") as log:
            # A session of its own: Ctrl-C ends the bench, which then ends its servers.
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", bench.program("stockbookd"),
                 "--database", database, "--listen", f"{self.target},{self.unix_target}",
                 "--insecure-open", "--log-level", "warning",
                 # Holds outlive the run: nothing expires while it is measured, on either side.
                 "--hold-default-s", "86400",
                 *bench.options.server_options.split(), *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        bench.servers.append(self)
        self.bench = bench
        self.wait_until_serving()

    @property
    def pid(self):
        return self.process.pid

    def wait_until_serving(self):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        self.stop()
        sys.exit(f"bench: the server does not serve: {self.last_words()}")

    def last_words(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return "".join(file.readlines()[-5:])

    def memory(self):
        return resident_bytes(self.pid)

    def metric(self, name):
        """A gauge's value: the server prints its metrics when it is sent SIGUSR1."""
        printed = os.path.getsize(self.log_path)
        os.kill(self.pid, signal.SIGUSR1)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            time.sleep(0.1)
            with open(self.log_path, encoding="utf-8", errors="replace") as file:
                file.seek(printed)
                found = re.search(rf"^{name} (\d+)\n", file.read(), re.M)
            if found:
                return int(found[1])
        return None

    def stop(self):
        if self in self.bench.servers:
            self.bench.servers.remove(self)
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Book:
    """A database with every SKU at every location; made when it is first used."""

    def __init__(self, bench, name, skus, locations):
        self.bench = bench
        self.name = name
        self.skus = skus
        self.locations = locations
        self.made = False

    def uri(self):
        return self.bench.cluster.uri(self.name)

    def tcp_uri(self):
        return f"postgresql://postgres@127.0.0.1:{os.environ['PGPORT']}/{self.name}"

    def server(self, number=0, options=(), tcp=False):
        """Starts one on it; tcp: it speaks TCP to the database, not over a unix socket."""
        if not self.made:
            self.make()
        return Server(self.bench, self.tcp_uri() if tcp else self.uri(), number, options)

    def sql(self, text):
        return self.bench.sql(text, self.name)

    def make(self):
        """Places and items by calls; the balances by SQL, because ten million of them are wanted in
        a minute. These balances have no movements: such a book is good for measuring, and `verify`
        would say that it is wrong."""
        started = time.monotonic()
        self.bench.create_database(self.name)
        self.made = True
        say(f"filling {self.name}: {self.skus:,} SKUs at {self.locations} locations")
        with self.server() as server:
            if self.skus:
                self.bench.load_once(server, "fill", skus=self.skus, locations=self.locations)
        if self.skus:
            self.sql(STOCK.format(units=UNITS, skus=self.skus))
            # As autovacuum would have by the time that a book is so large.
            self.sql("VACUUM (ANALYZE) stockbook.stock")
            self.sql("ANALYZE")
        say(f"filled {self.name}: {self.skus * self.locations:,} balances in "
            f"{time.monotonic() - started:.0f} s")
