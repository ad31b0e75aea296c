"""The tour in README.md is real: each of its commands is run, in order, against a server with the
demo trade, and must print what is printed there but for ids, times and figures.

    tests/end_to_end/test_readme_tour.py --print     (in a test's environment) the tour as it is now
"""
import os
import re
import subprocess
import sys

import tap
from server import Server

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\dZ")
TAG = re.compile(r"'[0-9a-f]{16}'")
state = {}


def tour():
    """[(what stands before it, command, what it prints)] of the README's section."""
    with open(os.path.join(os.environ["STOCKBOOK_SOURCE_DIR"], "README.md"),
              encoding="utf-8") as file:
        section = file.read().split("\n## Five minutes\n")[1].split("\n## ")[0]
    steps, comment = [], []
    for block in re.findall(r"^```\n(.*?)^```", section, re.M | re.S):
        for row in block.splitlines():
            if row.startswith("$ "):
                steps.append((comment, row[2:], []))
                comment = []
            elif row.startswith("# "):
                comment.append(row)
            elif steps:
                steps[-1][2].append(row)
    return steps


def skeleton(row):
    """The row without what differs from run to run."""
    row = UUID.sub("ID", row)
    row = TIME.sub("TIME", row)
    row = TAG.sub("TAG", row)
    row = re.sub(r"-?\d+(\.\d+)?", "N", row)
    return " ".join(row.split())


def rows_of(lines):
    return [skeleton(row) for row in lines if row.strip()]


def run(command):
    shell = f'stockbook() {{ "$STOCKBOOK_CLI" "$@"; }}; {command}'
    done = subprocess.run(["bash", "-c", shell], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=60, check=False,
                          env={**os.environ, "STOCKBOOK_SERVER": state["server"].target})
    return done.returncode, done.stdout.splitlines()


def setup():
    state["server"] = Server()
    subprocess.run([os.path.join(os.environ["STOCKBOOK_SOURCE_DIR"], "tools/demo/load"),
                    os.environ["STOCKBOOK_CLI"], state["server"].target], check=True,
                   stdout=subprocess.DEVNULL, timeout=120)


def teardown():
    if "server" in state:
        state["server"].stop()


def walk():
    """Runs the tour: (comment, command, expected rows, status, printed rows) of each step. The ids
    of the README's documents are replaced by those of the documents made here."""
    ids = {}
    for comment, command, expected in tour():
        command = UUID.sub(lambda found: ids.get(found.group(), found.group()), command)
        status, printed = run(command)
        ids.update(zip(UUID.findall("\n".join(expected)), UUID.findall("\n".join(printed))))
        yield comment, command, expected, status, printed


def test_the_tour_of_the_readme_prints_what_it_says():
    steps = list(walk())
    assert len(steps) >= 5, "no tour was found in README.md"
    wrong = []
    for _, command, expected, status, printed in steps:
        fails = any(row.startswith("error:") for row in expected)
        if (status != 0) != fails or rows_of(expected) != rows_of(printed):
            wrong.append("\n".join([f"$ {command}", "-- README.md has:", *expected,
                                    f"-- printed, with status {status}:", *printed]))
    assert not wrong, "\n\n".join(wrong)


if __name__ == "__main__":
    if sys.argv[1:] == ["--print"]:
        setup()
        for said, called, _, _, output in walk():
            print("\n".join([*said, f"$ {called}", *output, ""]))
        teardown()
    else:
        tap.main()
