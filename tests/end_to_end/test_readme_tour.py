"""The tours in README.md are real: each of their commands is run, in order, against a server with
the demo trade, and must print what is printed there but for ids, codes, times and figures. What
stands behind a prompt there is typed, at a terminal.

    tests/end_to_end/test_readme_tour.py --print     (in a test's environment) the tour as it is now
"""
import os
import re
import subprocess
import sys

import floor
import tap
from server import Server, end

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\dZ")
TAG = re.compile(r"'[0-9a-f]{16}'")
SHORT_ID = re.compile(r"\b[0-9a-f]{6}\b")
CODE = re.compile(r"(?<![-\w])[0-9A-Z]{4}-[0-9A-Z]{4}(?![-\w])")  # of a pickup
PROMPT = re.compile(r"(?:\d+/\d+ .*> |.*\)\? )(.*)$")  # of a scan, of a question
SECTIONS = ("Five minutes", "In the store")
state = {}


def tour():
    """[(what stands before it, command, what it prints)] of the README's sections."""
    with open(os.path.join(os.environ["STOCKBOOK_SOURCE_DIR"], "README.md"),
              encoding="utf-8") as file:
        text = file.read()
    parts = [text.split(f"\n## {title}\n")[1].split("\n## ")[0] for title in SECTIONS]
    steps, comment = [], []
    for block in re.findall(r"^```\n(.*?)^```", "\n".join(parts), re.M | re.S):
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
    row = SHORT_ID.sub("ID", row)
    row = CODE.sub("CODE", row)
    row = re.sub(r"-?\d+(\.\d+)?", "N", row)
    return " ".join(row.split())


def rows_of(lines):
    return [skeleton(row) for row in lines if row.strip()]


def run(command):
    shell = f'stockbook() {{ "$STOCKBOOK_CLI" "$@"; }}; {command}'
    done = subprocess.run(["bash", "-c", shell], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=60, check=False, env=state["env"])
    return done.returncode, done.stdout.splitlines()


def type_in(command, lines):
    """Runs it at a terminal, typing each line at its prompt."""
    env = {**state["env"], "TERM": "dumb"}
    terminal = floor.Terminal(command.split()[1:], env, 100)
    for line in lines:
        terminal.wait_for_prompt()
        terminal.send(line)
    return 0, terminal.finish().replace("\a", "").splitlines()


def setup():
    state["server"] = Server()
    state["env"] = {**os.environ, "STOCKBOOK_SERVER": state["server"].target, "LANG": "C.UTF-8"}
    subprocess.run([os.path.join(os.environ["STOCKBOOK_SOURCE_DIR"], "tools/demo/load"),
                    os.environ["STOCKBOOK_CLI"], state["server"].target], check=True,
                   stdout=subprocess.DEVNULL, timeout=120)


def teardown():
    end(state)


def walk():
    """Runs the tour: (comment, command, expected rows, status, printed rows) of each step. The ids
    of the README's documents are replaced by those of the documents made here."""
    ids = {}
    for comment, command, expected in tour():
        for name in (UUID, CODE):
            command = name.sub(lambda found: ids.get(found.group(), found.group()), command)
        typed = [found.group(1) for found in map(PROMPT.match, expected) if found]
        if command.startswith("export "):
            state["env"].update(word.split("=", 1) for word in command.split()[1:])
            status, printed = 0, []
        elif typed:
            status, printed = type_in(command, typed)
        else:
            status, printed = run(command)
        for name in (UUID, CODE):
            ids.update(zip(name.findall("\n".join(expected)), name.findall("\n".join(printed))))
        yield comment, command, expected, status, printed


def test_the_tours_of_the_readme_print_what_they_say():
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
