"""Tests in Python: functions named test_*, run in the order they are written in, told as TAP.

    import tap

    def test_two_and_two_are_four():
        assert 2 + 2 == 4

    if __name__ == "__main__":
        tap.main()

The function's name is the test's sentence. raise tap.Skip("why") skips it. A function `setup`
runs once before, `teardown` once after all tests, also when one failed.
"""
import inspect
import sys
import traceback


class Skip(Exception):
    pass


def report(lines):
    for line in lines.rstrip().splitlines():
        print(f"# {line}", flush=True)


def main():
    module = sys.modules["__main__"]
    tests = [(name, function) for name, function in vars(module).items()
             if name.startswith("test_") and inspect.isfunction(function)]
    print(f"1..{len(tests)}", flush=True)
    failures = 0
    try:
        getattr(module, "setup", lambda: None)()
        for number, (name, function) in enumerate(tests, 1):
            title = name.removeprefix("test_")
            try:
                function()
                print(f"ok {number} - {title}", flush=True)
            except Skip as why:
                print(f"ok {number} - {title} # SKIP {why}", flush=True)
            except Exception:  # pylint: disable=broad-except
                failures += 1
                report(traceback.format_exc())
                print(f"not ok {number} - {title}", flush=True)
    finally:
        getattr(module, "teardown", lambda: None)()
    sys.exit(1 if failures else 0)
