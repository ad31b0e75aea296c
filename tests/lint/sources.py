"""What the checks of the sources share: which files there are, and C without its comments."""
import os
import re
import sys

FOLDERS = ("server", "tools", "include", "tests", "migrations", "proto", "demo", "examples")
MADE = ("build", "node_modules", "__pycache__")

COMMENT_OR_LITERAL = re.compile(
    r"""/\*.*?\*/ | //[^\n]* | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'""", re.S | re.X)


def root():
    """The checkout, or another one that the caller names: the checks are tested that way."""
    if len(sys.argv) > 1:
        return sys.argv[1]
    return os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def files(top, suffixes, folders=FOLDERS):
    """Paths relative to the top, sorted."""
    found = []
    for folder in folders:
        for directory, subdirectories, names in os.walk(os.path.join(top, folder)):
            subdirectories[:] = [name for name in subdirectories if name not in MADE]
            found += [os.path.relpath(os.path.join(directory, name), top)
                      for name in names if name.endswith(suffixes)]
    return sorted(found)


def read(top, path):
    with open(os.path.join(top, path), encoding="utf-8", newline="") as file:
        return file.read()


def without_comments(text):
    """The same lines, with comments blanked and literals emptied, but for the #include lines."""
    def blank(match):
        token = match.group(0)
        if token.startswith("/"):
            return re.sub(r"[^\n]", " ", token)
        line_start = text.rfind("\n", 0, match.start()) + 1
        if text[line_start:match.start()].lstrip().startswith("#"):
            return token
        return token[0] * 2
    return COMMENT_OR_LITERAL.sub(blank, text)


def close(findings, what):
    """Prints the findings and ends: 0 without any, 1 with."""
    for finding in findings:
        print(finding)
    if findings:
        sys.exit(f"{len(findings)} {what}")
