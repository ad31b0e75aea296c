"""Runs the command line `stockbook` for tests."""
import json
import os
import subprocess

PROGRAM = os.environ["STOCKBOOK_CLI"]


class Result:
    def __init__(self, done):
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr

    def json(self):
        return json.loads(self.out)

    def rows(self):
        """Of CSV output without quoted commas."""
        titles, *rows = [line.split(",") for line in self.out.splitlines()]
        return [dict(zip(titles, row)) for row in rows]


class Cli:
    def __init__(self, target):
        self.target = target

    def environment(self, more=None):
        return {**os.environ, "STOCKBOOK_SERVER": self.target, "LANG": "C.UTF-8", **(more or {})}

    def __call__(self, *arguments, expect=0, stdin=None, env=None, timeout=60):
        source = {"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}
        done = subprocess.run([PROGRAM, *arguments], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=timeout, check=False,
                              env=self.environment(env), **source)
        result = Result(done)
        assert result.code == expect, (arguments, result.code, result.out, result.err)
        return result

    def json(self, *arguments, **more):
        return self(*arguments, "--output", "json", **more).json()

    def start(self, *arguments):
        """Runs on; the caller waits or kills."""
        return subprocess.Popen([PROGRAM, *arguments], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                env=self.environment())
