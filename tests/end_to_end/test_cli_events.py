"""`stockbook events` and `stockbook stock watch`: what they say, where they go on, how they end."""
import json
import os
import signal
import subprocess

import server
import tap
from cli import PROGRAM, Cli

WAIT_S = 30


class Following:
    """A command that goes on until it is interrupted."""

    def __init__(self, run, *arguments):
        self.path = os.path.join(server.new_directory("following"), "out")
        with open(self.path, "wb") as out:
            self.process = subprocess.Popen([PROGRAM, *arguments], stdout=out, env=run.environment(),
                                            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def lines(self):
        with open(self.path, encoding="utf-8") as file:
            return file.read().splitlines()

    def wait(self, count):
        server.wait_for(lambda: len(self.lines()) >= count or self.process.poll() is not None,
                        WAIT_S, f"{count} lines")
        assert len(self.lines()) >= count, (self.lines(), self.process.stderr.read())
        return self.lines()

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)
        _, said = self.process.communicate(timeout=WAIT_S)
        assert self.process.returncode == 130, (self.process.returncode, said)
        assert b"Sanitizer" not in said, said


def test_events_are_told_and_go_on_from_where_they_were_also_on_the_next_server():
    with server.Server() as running:
        run = Cli(running.target)
        run("item", "put", "VASE")
        run("location", "put", "LEEDS")
        run("stock", "receive", "LEEDS", "VASE:5")
        table = run("events", "--from", "start", "-n", "4").out
        assert "ITEM VASE: put" in table and "VASE: 5 from SUPPLIER to LEEDS AVAILABLE" in table
        rows = run("events", "--from", "start", "-n", "2", "--kind", "receipt", "--location",
                   "LEEDS", "--sku", "VASE", "--output", "csv").rows()
        assert [row["quantity"] for row in rows] == ["5", ""], rows
        assert rows[1]["step"] == "receive"

        position = os.path.join(server.new_directory("position"), "position")
        arguments = ["events", "--from", "start", "--position-file", position, "-o", "json"]
        first = Following(run, *arguments)
        told = [json.loads(line) for line in first.wait(4)]
        running.stop()
        running.start()
        run("stock", "receive", "LEEDS", "VASE:7")
        told = [json.loads(line) for line in first.wait(6)]
        first.interrupt()
        second = Following(run, *arguments)
        run("stock", "receive", "LEEDS", "VASE:9")
        told += [json.loads(line) for line in second.wait(2)]
        second.interrupt()
        events = [event.get("movement") or event.get("change") for event in told]
        keys = [(event["part"], event["sequence"]) for event in events]
        assert len(keys) == len(set(keys)) == 8, keys
        assert [event["quantity"] for event in events if "quantity" in event] == ["5", "7", "9"]


def test_availability_is_watched():
    with server.Server() as running:
        run = Cli(running.target)
        run("item", "put", "VASE")
        run("item", "put", "LAMP")
        run("location", "put", "LEEDS")
        watch = Following(run, "stock", "watch", "VASE", "LAMP", "--location", "LEEDS", "-o", "json")
        watch.wait(2)
        run("stock", "receive", "LEEDS", "VASE:5")
        told = [json.loads(line) for line in watch.wait(3)]
        watch.interrupt()
        assert [one["sku"] for one in told] == ["VASE", "LAMP", "VASE"], told
        assert told[2]["availableToSell"] == "5", told
        assert "VASE: 5 (LEEDS 5)" in run("stock", "watch", "VASE", "--location", "LEEDS",
                                          "-n", "1").out


def test_wrong_arguments_are_refused():
    with server.Server() as running:
        run = Cli(running.target)
        for arguments, says in (
                (["events", "--from", "yesterday"], "is not now, start or a position"),
                (["events", "--kind", "song"], "is not one of"),
                (["stock", "watch", "VASE"], "say where")):
            assert says in run(*arguments, expect=2).err
        assert "POSITION_TOO_NEW" in run("events", "--from", "1:99", expect=1).err
        assert "CHANNEL_NOT_FOUND" in run("stock", "watch", "VASE", "--channel", "web",
                                          expect=1).err


if __name__ == "__main__":
    tap.main()
