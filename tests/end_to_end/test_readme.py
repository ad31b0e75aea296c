"""What the README says of the programs is what they say of themselves."""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import tap  # noqa: E402


def readme():
    with open(os.path.join(os.environ["STOCKBOOK_SOURCE_DIR"], "README.md"),
              encoding="utf-8") as file:
        return file.read()


def output(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False).stdout


def test_settings_are_those_of_the_server():
    table = output(os.environ["STOCKBOOKD"], "--help-markdown").strip()
    assert "--database" in table
    assert table in readme(), "replace them by what 'stockbookd --help-markdown' prints"


def test_commands_of_the_tour_exist():
    """Each command of a transcript, asked for its help, knows the options that the README uses."""
    commands = re.findall(r"^\$ stockbook (\w+) ([\w-]*)([^|\n]*)", readme(), re.MULTILINE)
    assert len(commands) > 5, commands
    for noun, command, rest in commands:
        words = [noun] + ([command] if command and not command.startswith("-") else [])
        text = output(os.environ["STOCKBOOK_CLI"], *words, "--help")
        assert "Usage: stockbook " + " ".join(words) in text, (words, text[:200])
        for option in re.findall(r"(--[a-z-]+)", rest):
            assert option in text, (words, option)


def test_services_of_the_api_are_all_named():
    text = readme()
    folder = os.path.join(os.environ["STOCKBOOK_SOURCE_DIR"], "proto", "stockbook", "v1")
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            for service in re.findall(r"^service (\w+)", file.read(), re.MULTILINE):
                assert f"`{service}`" in text, service


if __name__ == "__main__":
    tap.main()
