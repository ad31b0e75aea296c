"""A shop floor for tests of the command line: a small company, set up through the CLI itself, and a
terminal in front of it."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import cli
from server import Server

COLOUR = re.compile(r"\033\[[0-9;]*[mK]")
HERE = {"STOCKBOOK_LOCATION": "LEEDS", "STOCKBOOK_WORKER": "anna"}


class Floor:
    """A server, and `run` at LEEDS for anna."""

    def __init__(self):
        self.server = Server()
        self.cli = cli.Cli(self.server.target)
        run = self.run
        for code, point in (("LEEDS", "53.797,-1.543"), ("YORK", "53.960,-1.087")):
            run("location", "put", code, "--pickups", "--coordinates", point)
        run("location", "put", "DC1", "--kind", "warehouse", "--coordinates", "52.480,-1.900")
        run("group", "put", "uk", "DC1", "LEEDS", "YORK")
        run("channel", "put", "web", "--group", "uk", "--plans-shipments")
        run("channel", "put", "till", "--kind", "till", "--group", "uk")
        for sku, name, code in (("LAMP", "Green lamp", "5012345678900"),
                                ("VASE", "Blue vase", "5012345678917"),
                                ("MUG", "Red mug", "5012345678924")):
            run("item", "put", sku, "--name", name, "--alias", code)
        for code in ("LEEDS", "YORK", "DC1"):
            run("stock", "receive", code, "LAMP:100", "VASE:100", "MUG:100")
        run("stock", "shelf", "LEEDS", "LAMP=B-02", "VASE=A-01", "MUG=C-03")

    def run(self, *arguments, env=None, **more):
        return self.cli(*arguments, env={**HERE, **(env or {})}, **more)

    def json(self, *arguments, **more):
        return self.run(*arguments, "--output", "json", **more).json()

    def order(self, reference, *lines, method="pickup", at="LEEDS"):
        """Its answer: order, pickups, shipments, transfers."""
        options = ["--pickup-at", at] if method != "ship" else ["--location", at]
        return self.json("order", "place", "--channel", "web", "--method", method, "--reference",
                         reference, *options, *lines)

    def accepted(self, reference, *lines):
        """The id of a pickup that waits for its picker."""
        pickup = self.order(reference, *lines)["pickups"][0]["id"]
        self.run("pickup", "accept", pickup)
        return pickup

    def level(self, sku, location="LEEDS"):
        levels = self.json("stock", "show", sku, "--location", location)["levels"]
        return {name: int(value) for name, value in levels[0].items() if value.isdigit()}

    def prove(self):
        assert self.run("verify").out.endswith("the book is right\n")

    def terminal(self, *arguments, columns=50, env=None):
        return Terminal(arguments, self.cli.environment({**HERE, "TERM": "xterm", **(env or {})}),
                        columns)

    def stop(self):
        self.server.stop()


class Terminal:
    """A command with a terminal for all of its input and output."""

    def __init__(self, arguments, env, columns):
        self.parent, child = pty.openpty()
        fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        self.process = subprocess.Popen([cli.PROGRAM, *arguments], stdin=child, stdout=child,
                                        stderr=child, env=env, start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(child)
        self.raw, self.seen = "", 0

    def _read(self, seconds):
        if not select.select([self.parent], [], [], seconds)[0]:
            return True
        try:
            chunk = os.read(self.parent, 65536)
        except OSError:
            return False
        self.raw += chunk.decode()
        return bool(chunk)

    def text(self):
        return COLOUR.sub("", self.raw).replace("\r", "")

    def expect(self, words):
        """Waits until they are written, after what was waited for before."""
        deadline = time.monotonic() + 60
        while words not in self.text()[self.seen:]:
            open_still = self._read(1)
            if not open_still or time.monotonic() > deadline:
                raise AssertionError(f"no '{words}' after {self.seen} of:\n{self.text()}")
        self.seen = self.text().index(words, self.seen) + len(words)

    def wait_for_prompt(self):
        """Until the last line asks for something."""
        deadline = time.monotonic() + 60
        while not re.search(r"(^|\n)(\d+/\d+ .*> |.*\)\? )$", self.text()[self.seen:]):
            if not self._read(1) or time.monotonic() > deadline:
                raise AssertionError(f"no prompt after {self.seen} of:\n{self.text()}")
        self.seen = len(self.text())

    def send(self, line):
        os.write(self.parent, (line + "\n").encode())

    def interrupt(self):
        os.write(self.parent, b"\x03")

    def finish(self, expect=0):
        """All it wrote. It must end without being told more."""
        deadline = time.monotonic() + 60
        while self._read(1):
            if time.monotonic() > deadline:
                self.process.kill()
                raise AssertionError(f"it does not end:\n{self.text()}")
        code = self.process.wait(60)
        os.close(self.parent)
        assert code == expect, (code, self.text())
        return self.text()

    def hang_up(self):
        """The window is closed."""
        os.close(self.parent)
        assert self.process.wait(60) != -signal.SIGHUP


# -- the floor of a program's tests: imported by name, setup and teardown too ---------------------

state = {}


def setup():
    state["floor"] = Floor()


def teardown():
    if "floor" in state:
        state["floor"].stop()


def run(*arguments, **more):
    return state["floor"].run(*arguments, **more)


def json(*arguments, **more):
    return state["floor"].json(*arguments, **more)


def order(*arguments, **more):
    return state["floor"].order(*arguments, **more)


def accepted(*arguments):
    return state["floor"].accepted(*arguments)


def level(*arguments):
    return state["floor"].level(*arguments)
