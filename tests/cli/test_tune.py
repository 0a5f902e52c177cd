"""`evenly tune`: from a table to a report, a line that can be pasted, and back after Ctrl-C."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import evenly as ev
from evenly.cli import run

pytestmark = pytest.mark.usefixtures("without_pictures")
SPACE = """
learning_rate = {low = 1e-3, high = 0.1, log = true}
momentum = {low = 0.8, high = 0.95}
units = {low = 4, high = 16}
layers = {low = 1, high = 2}
norm = ["layer", "none"]
schedule = ["linear", "none"]
label_smoothing = {low = 0.0, high = 0.2}
activation = ["relu", "gelu"]
"""
FAST = ("--target", "y", "--effort", "fast", "--set", "max_epochs=6", "--space", "space.toml")


@pytest.fixture(autouse=True)
def table(own_folder: Path) -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(160, 2))
    pl.DataFrame({"a": x[:, 0], "b b": x[:, 1], "y": np.where(x[:, 0] > x[:, 1], "yes", "no")}
                 ).write_csv("rows.csv")
    Path("space.toml").write_text(SPACE)


def record() -> dict[str, object]:
    found: dict[str, object] = json.loads(Path("evenly-tune/search.json").read_text())
    return found


def test_a_search_ends_in_a_line_that_trains_the_best(
    capsys: pytest.CaptureFixture[str], own_folder: Path
) -> None:
    assert run(["tune", "rows.csv", *FAST, "--trials", "10", "--jobs", "2"]) == 0
    out = capsys.readouterr().out
    assert "TableClassifier on 'y' of rows.csv, 160 rows; 10 trials: " in out
    assert "what mattered" in out
    found = record()
    assert sorted(path.name for path in Path("evenly-tune").iterdir()) == [
        "report.html", "search.db", "search.json"]
    best = found["trials"][found["best"]]  # type: ignore[index,call-overload]
    assert best["score"] >= found["trials"][0]["score"]  # type: ignore[index]
    shown = out.split("To train it on all rows:\n")[1].split("Report:")[0]
    words = shlex.split(shown.replace("\\\n", ""))
    assert words == shlex.split(str(found["command"]))
    assert words[:2] == ["evenly", "fit"]
    assert run(words[1:]) == 0
    by_line = ev.load("model.evenly")
    namespace: dict[str, object] = {}
    exec(str(found["code"]), namespace)
    frame = pl.read_csv("rows.csv")
    by_code = namespace["model"]
    assert np.array_equal(by_line.predict_proba(frame), by_code.predict_proba(frame))  # type: ignore[attr-defined]
    settings = best["settings"]
    assert by_line.activation == settings["activation"]
    assert by_line.loss.label_smoothing == settings["label_smoothing"] or found["best"] == 0
    assert by_line.max_epochs == 6


def test_json_is_all_that_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["tune", "rows.csv", *FAST, "--trials", "2", "--json",
                "--objectives", "score,time"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == record()
    assert found["front"]


def test_a_search_is_gone_on_with(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["tune", "rows.csv", *FAST, "--store", "mine.db"]
    assert run([*words, "--trials", "3"]) == 0
    assert run([*words, "--trials", "3"]) == 2
    assert run([*words, "--trials", "5", "--resume"]) == 0
    assert len(record()["trials"]) == 5  # type: ignore[arg-type]
    assert run([*words, "--trials", "6", "--resume", "--seed", "1"]) == 2
    err = capsys.readouterr().err
    assert "evenly-tune: exists" in err
    assert "mine.db: holds a search 'evenly' of another" in err


@pytest.mark.parametrize(("words", "told"), [
    (["--resume"], "evenly-tune/search.db: is not there: leave out --resume"),
    (["--space", "none.toml"], "none.toml: cannot be read"),
    (["--cv", "1.5"], "--cv: expects a share between 0 and 1, or a number of parts"),
    (["--cv", "x"], "--cv: expects"), (["--cv", "1"], "--cv: expects"),
    (["--cv", "500"], "cv=500"),
    (["--trials", "0"], "--trials: expects"), (["--round", "0"], "--round: expects"),
    (["--scoring", "nonsense"], "nonsense"), (["--target", "z"], "there is no column 'z'"),
    (["--set", "nothing=1"], "--set: Invalid parameter 'nothing'"),
    (["--set", "nothing"], "--set: expects NAME=VALUE"),
    (["--groups", "z"], "--groups: there is no"),
    (["--store", "none/a.db"], "there is no folder"), (["--jobs", "0"], "jobs: expects"),
    (["--backend", "none"], "Invalid backend: none"),
    (["--time-limit", "0.001"], "no trial has ended within 0.001 seconds"),
])
def test_what_cannot_be_is_one_line(
    capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    assert run(["tune", "rows.csv", *FAST, "--trials", "1", *words]) == 2
    err = capsys.readouterr().err
    assert told in err
    assert err.count("\n") == 1


def test_fit_takes_any_argument(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["fit", "rows.csv", "--target", "y", "--epochs", "2", "--set", "activation=gelu",
                "--set", "optimizer__weight_decay=0.5", "--set", "loss__label_smoothing=0.1",
                "--set", "clip=2", "--set", "init=none", "--set", "init=xavier"]) == 0
    model = ev.load("model.evenly")
    assert (model.activation, model.clip, model.init) == ("gelu", 2, "xavier")
    assert model.optimizer.weight_decay == 0.5
    assert model.loss.label_smoothing == 0.1
    from evenly.cli.fitting import option_words

    words = option_words(model)
    assert words[words.index("--optimizer"):][:2] == ["--optimizer", "adamw"]
    assert "optimizer__weight_decay=0.5" in words
    assert run(["fit", "rows.csv", "--target", "y", "--force",
                "--set", "optimizer__nothing=1"]) == 2
    assert "--set: Invalid parameter 'nothing' for AdamW" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT to send")
def test_ctrl_c_loses_nothing_and_its_line_goes_on() -> None:
    words = ["tune", "rows.csv", *FAST, "--set", "max_epochs=30", "--trials", "5"]
    tell = ("import evenly.search.store as store\nreal = store.Store.tell\n"
            "def tell(*all):\n    real(*all)\n    print('done', flush=True)\n"
            "store.Store.tell = tell\nfrom evenly.cli import main; main()")
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", tell, *words], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, env=os.environ | {"COLUMNS": "80"})
    assert process.stdout is not None
    for _ in range(2):
        assert process.stdout.readline() == "done\n"
    process.send_signal(signal.SIGINT)
    with contextlib.closing(process.stdout):
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "stopping: what has finished is kept" in err
    assert "Traceback" not in err
    ended = len(record()["trials"])  # type: ignore[arg-type]
    assert 2 <= ended < 5
    assert re.search(rf"{ended} trials: .* ended early by Ctrl-C", " ".join(out.split()))
    line = shlex.split(out.split("Go on with:\n")[1].replace("\\\n", ""))
    assert run(line[1:]) == 0
    first = record()
    assert run([*words, "--out", "whole"]) == 0
    whole = json.loads(Path("whole/search.json").read_text())

    def kept(found: dict[str, object]) -> list[object]:
        return [(t["settings"], t["score"], t["curve"]) for t in found["trials"]]  # type: ignore

    assert kept(first) == kept(whole)
