"""The help of every command, its examples, its manual page and its completion."""

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from evenly.cli import COMMANDS, evenly, run
from evenly.cli.examples import EXAMPLES

ROOT = Path(__file__).resolve().parents[2]
LINES = [(name, line) for name, rows in EXAMPLES.items() for line, _ in rows]


def load_tool(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PAGES = load_tool("make_man").pages()


def words_of(line):
    """The words behind `evenly` in a line of a shell."""
    line = re.sub(r'^eval "\$\((.*)\)"$', r"\1", line)
    words = shlex.split(re.sub(r"\s*[|>]\s*(source|[\w.]+)$", "", line).split("| ")[-1])
    assert words[0] == "evenly", line
    return words[1:]


def parsed(words):
    """The context of the command that these words call, options and arguments taken apart."""
    name, *rest = words
    command = evenly.get_command(click.Context(evenly), name)
    assert command is not None, f"there is no command {name}"
    return name, command.make_context(name, rest)


def test_every_command_has_examples():
    missing = {*COMMANDS, "evenly"} - EXAMPLES.keys()
    assert not missing, f"add rows to src/evenly/cli/examples.py for {missing}"
    assert not EXAMPLES.keys() - {*COMMANDS, "evenly"}


@pytest.mark.parametrize(("name", "line"), LINES, ids=[line for _, line in LINES])
def test_an_example_is_understood(name, line):
    called, context = parsed(words_of(line))
    assert name in (called, "evenly")
    assert context.params


@pytest.mark.parametrize("line", ["evenly fit --target", "evenly grade", "evenly fti table.csv",
                                  "evenly study --sedes 3"])
def test_the_check_sees_a_line_that_is_not_understood(line):
    with pytest.raises((click.UsageError, AssertionError)):
        parsed(words_of(line))


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_the_help_begins_with_examples(name, capsys):
    assert run([*name.split(), "-h"]) == 0
    text = capsys.readouterr().out
    lines = [line.strip() for line in text.splitlines()]
    examples = EXAMPLES[name or "evenly"]
    for line, does in examples:
        assert any(line in own for own in lines), "broken over two lines"
        assert does in text
    assert text.index(examples[-1][0]) < text.index("Options:")


@pytest.mark.parametrize("file", PAGES)
def test_a_manual_page_says_it_all(file, tmp_path):
    text = PAGES[file].replace("\\-", "-")
    name = file.removesuffix(".1").removeprefix("evenly").strip("-") or "evenly"
    for line, does in EXAMPLES[name]:
        assert line in text.replace("\\(aq", "'")
        assert does in text
    command = evenly if name == "evenly" else evenly.get_command(click.Context(evenly), name)
    for parameter in command.params:
        assert parameter.opts[0] in text or isinstance(parameter, click.Argument)
    path = tmp_path / file
    path.write_text(PAGES[file])
    if shutil.which("mandoc"):
        found = subprocess.run(["mandoc", "-Tlint", "-W", "warning", path], text=True,
                               capture_output=True)
        assert not found.stdout, found.stdout
    if shutil.which("groff"):
        found = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z", path], text=True,
                               capture_output=True)
        assert not found.stderr, found.stderr


def completed(line, **variables):
    code = "import sys; from evenly.cli import main; main()"
    words = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1)}
    found = subprocess.run(
        [sys.executable, "-c", code], text=True, capture_output=True, check=False,
        env=os.environ | {"_EVENLY_COMPLETE": "bash_complete", **words, **variables})
    return found.stdout.split()


def test_completion_knows_commands_options_and_words():
    assert completed("evenly doc") == ["plain,doctor", "plain,doctor-install"]
    assert completed("evenly fit --cal") == ["plain,--calibrate"]
    assert completed("evenly fit --norm ") == [
        f"plain,{word}" for word in ("batch", "layer", "rms", "group", "none")]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_taken_by_the_shell(shell, capfd, tmp_path):
    assert run(["completion", shell]) == 0
    script = capfd.readouterr().out
    assert "_EVENLY_COMPLETE" in script
    if shutil.which(shell):
        path = tmp_path / "completion"
        path.write_text(script)
        subprocess.run([shell, "-n", str(path)], check=True)


def test_completion_for_another_shell_is_refused(capsys):
    assert run(["completion", "tcsh"]) == 2
    assert "bash" in capsys.readouterr().err
