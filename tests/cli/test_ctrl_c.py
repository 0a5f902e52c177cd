"""Ctrl-C, sent to the command in a process of its own."""

from __future__ import annotations

import contextlib
import csv
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from evenly.cli import run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT to send")

MAIN = "from evenly.cli import main; main()"


def start(program: str, *words: str) -> subprocess.Popen[str]:
    """The command in a process of its own, after `program` has changed a thing or two."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", f"{program}\n{MAIN}", "study", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=os.environ | {"PYTHONIOENCODING": "utf-8", "COLUMNS": "80"},
    )


TELL_RUNS = """
import evenly.study.runs as runs
real = runs.run_one
def run_one(*arguments):
    record = real(*arguments)
    print("done", flush=True)
    return record
runs.run_one = run_one
"""
TELL_EPOCHS = """
import evenly.study.runs as runs
real = runs.run_one
def run_one(*arguments):
    def tell(variant, seed):
        print("epoch", flush=True)
    return real(*arguments[:-1], tell)
runs.run_one = run_one
"""

TELL_FIT = """
import evenly as ev
real = ev.fit
def fit(*arguments, **settings):
    print("training", flush=True)
    return real(*arguments, **settings)
ev.fit = fit
"""


def interrupt(process: subprocess.Popen[str], after: int) -> tuple[str, str]:
    """Wait for so many lines, press Ctrl-C, and return what is printed after them."""
    assert process.stdout is not None
    for _ in range(after):
        assert process.stdout.readline()
    process.send_signal(signal.SIGINT)
    with contextlib.closing(process.stdout):
        out, err = process.communicate(timeout=60)
    return out, err


def test_ctrl_c_writes_the_report_of_what_has_finished(own_folder: Path) -> None:
    process = start(
        TELL_RUNS,
        *("--seeds", "400", "--epochs", "5", "--hidden", "8", "--variants", "plain,l2"),
    )
    out, err = interrupt(process, after=5)
    assert process.returncode == 130, err
    assert "stopping: what has finished is kept" in err
    assert "Traceback" not in err
    text = " ".join(out.split())
    found = re.search(r"Stopped early: (\d+) of 800 runs had finished", text)
    assert found
    folder = own_folder / "evenly-study"
    with (folder / "results.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["kind"] == "network"]
    assert 5 <= len(rows) == int(found[1]) < 800
    assert {row["epochs"] for row in rows} == {"5"}
    html = (folder / "report.html").read_text(encoding="utf-8")
    assert f"Stopped early: {len(rows)} of 800 runs had finished" in html
    assert [path.name for path in own_folder.iterdir()] == ["evenly-study"]


@pytest.mark.sweep
def test_what_ctrl_c_stopped_goes_on_with_the_line_that_is_shown(own_folder: Path) -> None:
    words = ["--seeds", "6", "--epochs", "20", "--hidden", "8", "--variants", "plain,l2"]
    process = start(TELL_RUNS, *words, "--out", "stopped")
    out, err = interrupt(process, after=3)
    assert process.returncode == 130, err
    shown = out.split("Go on with:\n")[1].replace("\\\n", "")
    line = shlex.split(shown)
    assert line[:2] == ["evenly", "study"]
    assert line[-1] == "--resume"
    assert (own_folder / "stopped" / "runs.jsonl").exists()
    assert run(line[1:]) == 0
    assert run(["study", *words, "--out", "whole"]) == 0
    first, second = (scores(own_folder / folder) for folder in ("stopped", "whole"))
    assert first == second
    for folder in ("stopped", "whole"):
        names = sorted(path.name for path in (own_folder / folder).iterdir())
        assert names == ["history.jsonl", "report.html", "results.csv"]


def scores(folder: Path) -> list[list[str]]:
    with (folder / "results.csv").open() as file:
        return [[v for k, v in row.items() if k != "seconds"] for row in csv.DictReader(file)]


def test_ctrl_c_before_a_run_has_finished_writes_nothing(own_folder: Path) -> None:
    process = start(TELL_EPOCHS, *("--seeds", "1", "--epochs", "1000000", "--hidden", "8"))
    out, err = interrupt(process, after=3)
    assert process.returncode == 130, err
    assert "stopped before a run had finished: nothing written" in err
    assert "Traceback" not in err
    # Two threads tell of epochs; nothing else is printed.
    assert out.replace("epoch", "").split() == []
    assert list(own_folder.iterdir()) == []


def test_ctrl_c_does_not_wait_for_the_end_of_an_epoch(own_folder: Path) -> None:
    """An epoch of minutes: 150 000 steps."""
    random = np.random.default_rng(0)
    x = random.standard_normal((400_000, 4)).astype(np.float32)
    np.savez("long.npz", x=x, y=(x[:, 0] > 0).astype(int))
    process = start(
        TELL_FIT,
        *("long.npz", "--variants", "plain", "--seeds", "1", "--epochs", "2", "--batch", "2",
          "--hidden", "512,512"),
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "training\n"
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    try:
        _, err = process.communicate(timeout=20)
    finally:
        process.kill()
    assert time.monotonic() - began < 5
    assert process.returncode == 130, err
    assert "stopped before a run had finished: nothing written" in err


HANG = """
import time
import evenly.study.runs as runs
real = runs.run_one
def run_one(*arguments):
    def hang(variant, seed):
        print("epoch", flush=True)
        time.sleep(300)
    return real(*arguments[:-1], hang)
runs.run_one = run_one
"""


def test_a_second_ctrl_c_ends_at_once(own_folder: Path) -> None:
    process = start(HANG, *("--seeds", "2", "--epochs", "3", "--hidden", "8"))
    assert process.stdout is not None
    assert process.stderr is not None
    # Two threads print at once: their lines may run into each other.
    assert process.stdout.readline().startswith("epoch")
    process.send_signal(signal.SIGINT)
    assert "Ctrl-C again stops at once" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 130
    assert list(own_folder.iterdir()) == []
