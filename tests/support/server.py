"""Servers for tests: a stockbookd that is started, waited for, stopped, killed, frozen.

    with Cluster() as cluster, Server(database=cluster.uri()) as server:
        book = server.client()

Without a database it runs one of its own (--embedded) in a folder of the test's. Stopping it
checks that it ended well and that no sanitizer had anything to say.
"""
import atexit
import itertools
import os
import re
import signal
import socket
import subprocess
import tempfile
import time

import client

START_S = 90  # with sanitizers, on a machine that is busy
COMPLAINTS = re.compile(r"(ERROR|WARNING|SUMMARY): (\w+Sanitizer)|runtime error:|CHECK failed")

_ports = itertools.count(int(os.environ.get("STOCKBOOK_TEST_PORT", 19900)))
_numbers = itertools.count(1)
_running = set()


def next_port():
    return next(_ports)


def new_directory(name):
    """A new folder that an embedded database, which runs as another user, can go through."""
    top = os.environ.get("STOCKBOOK_TEST_DIR") or tempfile.mkdtemp(dir="/tmp")
    path = os.path.join(top, f"{name}-{next(_numbers)}")
    os.mkdir(path, 0o755)
    return path


def wait_for(condition, seconds, what):
    """Waits until condition() is true and returns what it gave."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s in vain: {what}")
        time.sleep(0.05)


def run(*arguments, timeout=60, env=None):
    """Runs the server's program to its end."""
    return subprocess.run([os.environ["STOCKBOOKD"], *arguments], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=timeout, check=False, env={**os.environ, **(env or {})})


class Server:
    def __init__(self, *options, database=None, directory=None, port=None, tokens=False,
                 serving=True, credentials=None):
        self.port = port or next_port()
        self.target = f"127.0.0.1:{self.port}"
        self.credentials = credentials
        self.directory = directory
        self.log_path = os.path.join(new_directory("server"), "log")
        self.process = None
        self.clients = []
        self.arguments = [os.environ["STOCKBOOKD"], "--listen", self.target, *options]
        if database:
            self.arguments += ["--database", database]
        else:
            self.directory = directory or new_directory("embedded")
            self.arguments += ["--embedded", self.directory]
        self.token_path = os.path.join(os.path.dirname(self.log_path), "admin.token")
        if tokens:
            self.arguments += ["--require-tokens", "--bootstrap-token-file", self.token_path]
        elif database:
            self.arguments += ["--insecure-open"]
        self.start(serving)

    def start(self, serving=True):
        """Starts it, or starts it again after stop() or kill()."""
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.arguments, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log)
        _running.add(self)
        if serving:
            self.wait_until_serving()

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def metric(self, name):
        """A metric's value, by its name with its labels: the server prints them when told to."""
        printed = os.path.getsize(self.log_path)
        self.signal(signal.SIGUSR1)

        def value():
            with open(self.log_path, encoding="utf-8", errors="replace") as file:
                file.seek(printed)
                return re.search(rf"^{re.escape(name)} (\d+)\n", file.read(), re.M)
        return int(wait_for(value, 20, f"the server prints {name}")[1])

    def fail(self, what):
        end = "\n".join(self.log().splitlines()[-60:])
        raise AssertionError(f"{what}; the server's log ends with:\n{end}")

    def _listens(self):
        if self.process.poll() is not None:
            self.fail(f"the server ended with status {self.process.returncode}")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def wait_until_serving(self):
        """Until health says SERVING."""
        deadline = time.monotonic() + START_S
        while not self._listens():
            if time.monotonic() > deadline:
                self.fail(f"it does not listen after {START_S} s")
            time.sleep(0.02)
        with client.Client(self.target, credentials=self.credentials) as probe:
            while True:
                try:
                    if probe.health() == "SERVING":
                        return
                except client.Refused as error:
                    if error.code != "UNAVAILABLE":
                        raise
                if self.process.poll() is not None:
                    self.fail(f"the server ended with status {self.process.returncode}")
                if time.monotonic() > deadline:
                    self.fail(f"it does not serve after {START_S} s")
                time.sleep(0.02)

    def client(self, token=None, **more):
        made = client.Client(self.target, token=token, credentials=self.credentials, **more)
        self.clients.append(made)
        return made

    def admin_token(self):
        """The first administrator's, which the server writes down where there is none."""
        wait_for(lambda: os.path.exists(self.token_path), 20, "the first token is written")
        with open(self.token_path, encoding="utf-8") as file:
            return file.read().strip()

    def signal(self, number):
        os.kill(self.process.pid, number)

    def wait(self, seconds=START_S):
        """Its exit status; fails when it does not end."""
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.fail(f"the server did not end within {seconds} s")
        _running.discard(self)
        return status

    def kill(self):
        self.signal(signal.SIGKILL)
        self.wait()

    def freeze(self):
        self.signal(signal.SIGSTOP)

    def thaw(self):
        self.signal(signal.SIGCONT)

    def stop(self):
        """As an administrator does; must end well."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        self.check_end(self.wait())

    def check_end(self, status):
        complaint = COMPLAINTS.search(self.log())
        if complaint:
            start = max(0, self.log().rfind("\n", 0, complaint.start()))
            raise AssertionError(f"the server's log has:\n{self.log()[start:start + 6000]}")
        if status != 0:
            self.fail(f"the server ended with status {status}")

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        for made in self.clients:
            made.close()
        if kind is None:
            if self.process.poll() is None or self in _running:
                self.stop()
        elif self.process.poll() is None:
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
            print(f"# the end of the log of {self.target}:", flush=True)
            for line in self.log().splitlines()[-20:]:
                print(f"#   {line}", flush=True)


def end(state):
    """Ends the servers that a test's setup has put into its state, and then their database."""
    for made in state.values():
        if isinstance(made, Server):
            made.stop()
    if "cluster" in state:
        state["cluster"].close()


def _end_all():
    for server in list(_running):
        if server.process.poll() is None:
            server.process.kill()
            server.process.wait()


atexit.register(_end_all)
