"""Measures, references, groups, time and advice, from the outside."""

from __future__ import annotations

import csv
import html as entities
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from evenly import saving
from evenly.cli import run
from evenly.cli.table import folded

pytestmark = pytest.mark.usefixtures("without_pictures")
QUICK = ["--seeds", "3", "--epochs", "4", "--hidden", "8", "--jobs", "1"]


def write(name: str = "t.csv", rows: int = 160, **changes: Any) -> pd.DataFrame:
    random = np.random.default_rng(0)
    size, tone = random.normal(size=rows), random.choice(["red", "blue"], rows)
    frame = pd.DataFrame({
        "size": size, "tone": tone, "who": np.arange(rows) // 8, "day": np.arange(rows),
        "bill": 1000 + 200 * size, "kind": np.where(size + (tone == "red") > 0.5, "dear", "cheap"),
        "empty": np.nan,
    } | changes)
    frame.to_csv(name, index=False)
    return frame


def results(folder: str = "evenly-study") -> list[dict[str, str]]:
    with (Path(folder) / "results.csv").open() as file:
        return list(csv.DictReader(file))


def words(text: str) -> str:
    return " ".join(text.split())


def test_references_and_notes_on_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    write()
    assert run(["study", "t.csv", "--target", "kind", "--variants", "l2", *QUICK]) == 0
    out = capsys.readouterr().out
    assert re.search(r"^simplest +[\d.]+", out, re.M)
    assert re.search(r"^linear +[\d.]+ ±[\d.]+ +\+[\d.]+ \[", out, re.M)
    text = words(out)
    assert "plain: a network without normalization and regularization." in text
    assert "linear: logistic regression." in text
    assert "column 'empty': left out: it is empty" in text
    assert max(map(len, out.splitlines())) <= 80
    rows = results()
    assert [row["variant"] for row in rows if row["kind"] == "reference"] == [
        "simplest", "linear"] * 3
    for name in ("accuracy", "balanced_accuracy", "auc", "log_loss", "brier"):
        assert all(row[f"test_{name}"] for row in rows)


@pytest.mark.parametrize(("target", "measure", "title"), [
    ("kind", "balanced-accuracy", "bal. acc. %"), ("kind", "auc", "AUC"),
    ("kind", "log-loss", "log loss"), ("kind", "brier", "Brier score"),
    ("bill", "r2", "R²"), ("bill", "mae", "MAE"), ("bill", "rmse", "RMSE"),
])
def test_the_measure_that_decides_is_shown(
    capsys: pytest.CaptureFixture[str], target: str, measure: str, title: str
) -> None:
    write()
    assert run(["study", "t.csv", "--target", target, "--measure", measure, "--variants", "l2",
                *QUICK]) == 0
    out = capsys.readouterr().out
    assert title in out.splitlines()[1]
    assert max(map(len, out.splitlines())) <= 80
    lower = measure in ("log-loss", "brier", "mae", "rmse")
    assert ("is better." in words(out)) == lower
    column = f"test_{measure.replace('-', '_')}"
    rows = {(row["variant"], row["seed"]): row for row in results()}
    for seed in "012":
        own, plain = rows["l2", seed], rows["plain", seed]
        assert float(own["difference_from_plain"]) == pytest.approx(
            float(own[column]) - float(plain[column]))
    html = Path("evenly-study/report.html").read_text(encoding="utf-8")
    assert f"--measure {measure}" in html
    # In the target's own units.
    if measure == "mae":
        assert float(rows["simplest", "0"][column]) > 100


@pytest.mark.parametrize("given", [
    ["--groups", "who"], ["--split", "time"], ["--split", "time", "--time", "day"],
    ["--groups", "who", "--keep-columns", "--measure", "auc"],
])
def test_the_command_in_the_report_gives_the_same_numbers(
    capsys: pytest.CaptureFixture[str], given: list[str]
) -> None:
    write()
    assert run(["study", "t.csv", "--target", "kind", "--variants", "l2", *given, *QUICK]) == 0
    out = words(capsys.readouterr().out)
    said = {"--groups": "15 of the 20 groups of 'who' train",
            "--split": "3 windows of 26 rows test"}
    assert said[given[0]] in out
    html = entities.unescape(Path("evenly-study/report.html").read_text(encoding="utf-8"))
    (code,) = re.findall(r"<pre><code>(evenly study .*?)</code></pre>", html)
    assert run([*shlex.split(code)[1:-1], "again"]) == 0
    first, second = ([{k: v for k, v in row.items() if k != "seconds"} for row in results(folder)]
                     for folder in ("evenly-study", "again"))
    assert first == second


def test_processes_give_the_same_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    write()
    command = ["study", "t.csv", "--target", "kind", "--variants", "dropout", "--epochs", "3",
               "--seeds", "2", "--jobs", "2"]
    for backend in ("threading", "loky"):
        assert run([*command, "--backend", backend, "--out", backend]) == 0
    first, second = ([{k: v for k, v in row.items() if k != "seconds"} for row in results(folder)]
                     for folder in ("threading", "loky"))
    assert first == second


def test_what_is_resumed_must_be_there_and_the_same(
    own_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write()
    command = ["study", "t.csv", "--target", "kind", "--variants", "plain", *QUICK, "--resume"]
    assert run(command) == 2
    assert capsys.readouterr().err == (
        "evenly: evenly-study/runs.jsonl: cannot be resumed: No such file or directory: leave out "
        "--resume\n"
    )
    assert [path.name for path in own_folder.iterdir()] == ["t.csv"]
    (own_folder / "evenly-study").mkdir()
    (own_folder / "evenly-study" / "runs.jsonl").write_text('{"evenly study": "other"}\n')
    assert run(command) == 2
    assert "holds the runs of another design" in capsys.readouterr().err


def test_groups_change_what_is_found() -> None:
    """A column that tells the group tells the answer: in random splits alone."""
    random = np.random.default_rng(0)
    answers = random.integers(0, 2, 40)
    groups = np.arange(400) // 10
    frame = pd.DataFrame({"who": groups, "mark": groups * 7.0 % 41, "y": answers[groups]})
    frame.to_csv("g.csv", index=False)
    command = ["study", "g.csv", "--target", "y", "--variants", "plain", "--seeds", "3",
               "--epochs", "60", "--hidden", "64,64", "--lr", "0.01", "--jobs", "1"]
    assert run([*command, "--out", "free"]) == 0
    assert run([*command, "--groups", "who", "--out", "grouped"]) == 0

    def mean(folder: str) -> float:
        return float(np.mean([float(row["test_accuracy"]) for row in results(folder)
                              if row["variant"] == "plain"]))

    assert mean("free") > mean("grouped") + 0.1


BAD = [
    ("t.csv --target kind --measure auk", "measure: there is no 'auk': did you mean 'auc'?"),
    ("t.csv --target kind --measure mae", "t.csv: target 'kind': --measure mae is not for classes: "
     "choose from accuracy, balanced-accuracy, auc, log-loss, brier"),
    ("t.csv --target bill --measure auc",
     "t.csv: target 'bill': --measure auc is not for numbers: choose from r2, mae, rmse"),
    ("t.csv --target kind --groups hwo", "t.csv: there is no column 'hwo': did you mean 'who'?"),
    ("t.csv --target kind --groups kind",
     "t.csv: 'kind' is the target: name other columns beside it"),
    ("t.csv --target kind --groups empty", "t.csv: groups 'empty': nothing in 160 of 160 "
     "rows, first in row 1: remove or fill the rows"),
    ("t.csv --target kind --split tim", "split: there is no 'tim': did you mean 'time'?"),
    ("t.csv --target kind --backend lokki --jobs 2", "backend: Invalid backend: lokki, ..."),
    ("t.csv --target kind --backend lokki --jobs 1", "backend: Invalid backend: lokki, ..."),
    ("t.csv --target kind --time day", "--time: goes with --split time"),
    ("t.csv --target kind --keep-columns", "--keep-columns: goes with --groups or --time"),
    ("t.csv --target kind --split time --time tone", "t.csv: time 'tone': expects numbers or dates "
     "such as 2024-01-31, got words, such as red: write dates so"),
    ("t.csv --target kind --split time --groups who", "t.csv: --groups goes with --split random: "
     "rows in the order of time part groups: leave one of them out"),
    ("--groups who", "--groups: goes with a table: evenly study TABLE --groups NAME"),
    ("--split time", "--split: goes with a table: evenly study TABLE --split time"),
]


@pytest.mark.parametrize(("line", "message"), BAD, ids=[line for line, _ in BAD])
def test_bad_input_is_one_clear_line(
    own_folder: Path, capsys: pytest.CaptureFixture[str], line: str, message: str
) -> None:
    write(tone=["red"] * 160)
    assert run(["study", *line.split()]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    start, is_open, _ = f"evenly: {message}".partition("...")
    assert err.startswith(start)
    assert err.count("\n") == 1
    assert is_open or err == f"{start}\n"
    assert [path.name for path in own_folder.iterdir()] == ["t.csv"]


@pytest.mark.parametrize(("target", "more"), [
    ("kind", []), ("bill", ["--measure", "mae"]), ("kind", ["--groups", "who"]),
    ("day", ["--task", "regression"]),
])
def test_what_is_recommended_trains_by_both_ways(
    capsys: pytest.CaptureFixture[str], target: str, more: list[str]
) -> None:
    new = write("my table.csv")
    command = ["study", "my table.csv", "--target", target, "--variants", "batch-norm,l2"]
    assert run([*command, *more, *QUICK]) == 0
    out = capsys.readouterr().out
    copied = re.search(r"^  (evenly fit .*?model\.evenly)$", out, re.M | re.S)
    assert copied
    line = shlex.split(copied[1].replace("\\\n", ""))
    html = Path("evenly-study/report.html").read_text(encoding="utf-8")
    blocks = [entities.unescape(code) for code in re.findall(r"<code>(.*?)</code>", html, re.S)]
    assert shlex.split(blocks[0]) == line
    (code,) = [block for block in blocks if "import evenly" in block]
    exec(compile(code, "report", "exec"), {})
    by_python = saving.load("model.evenly")
    assert run([*line[1:], "--force"]) == 0
    by_command = saving.load("model.evenly")
    one, other = (model.predict(new.drop(columns=target)).tolist()
                  for model in (by_python, by_command))
    assert one == pytest.approx(other) if target == "bill" else one == other
    inputs = [column.name for column in by_command.columns_.inputs]
    assert ("who" in inputs) == ("--groups" not in more)


def test_what_is_said_about_reading_is_said_again(
    capsys: pytest.CaptureFixture[str], own_folder: Path
) -> None:
    random = np.random.default_rng(0)
    size = random.normal(size=160).round(3)
    lines = [
        f"{str(number).replace('.', ',')};{-999 if i % 9 == 0 else i * 7 % 31};{i % 4 + 1};n{i};"
        f"{1 + i % 28:02}.{1 + i // 28:02}.2024;{'grün' if number > 0 else 'rot'}"
        for i, number in enumerate(size)
    ]
    text = "\n".join(["size;some;zip;name;day;kind", *lines])
    Path("t.csv").write_text(text, encoding="cp1252")
    reading = ["--as", "zip=category", "--na", "-999", "--without", "name", "--decimal", ",",
               "--encoding", "cp1252", "--sep", ";", "--keep", "day"]
    command = ["study", "t.csv", "--target", "kind", "--variants", "l2", *reading, *QUICK]
    assert run(command) == 0
    out = capsys.readouterr().out
    copied = re.search(r"^  (evenly fit .*?model\.evenly)$", out, re.M | re.S)
    assert copied
    line = shlex.split(copied[1].replace("\\\n", ""))
    said = ["--as", "zip=category", "--decimal", ",", "--na", "-999", "--drop", "name", "--keep",
            "day", "--sep", ";", "--encoding", "cp1252"]
    assert " ".join(said) in " ".join(line)
    html = entities.unescape(Path("evenly-study/report.html").read_text(encoding="utf-8"))
    assert shlex.join(said) in html
    assert "column 'name': left out: as asked for" in html
    (code,) = [entities.unescape(block) for block in
               re.findall(r"<code>(.*?)</code>", html, re.S) if "import evenly" in block]
    exec(compile(code, "report", "exec"), {})
    by_python = saving.load("model.evenly")
    assert run([*line[1:], "--force"]) == 0
    by_command = saving.load("model.evenly")
    for model in (by_python, by_command):
        assert {column.name: column.kind.type for column in model.columns_.inputs} == {
            "size": "number", "some": "number", "zip": "category", "day": "date"}
    assert by_python.inputs_ == by_command.inputs_


@pytest.mark.parametrize(("line", "message"), [
    ("t.csv --target kind --as zip", "--as: expects NAME=TYPE, such as zip=category, got 'zip'"),
    ("t.csv --target kind --as day=dat", "--as: column 'day': 'dat' is no type: do you mean"),
    ("t.csv --target kind --drop nam", "t.csv: there is no column 'nam': choose from"),
    ("t.csv --target kind --keep dya", "t.csv: --keep: there is no column 'dya'; do you mean"),
    ("t.csv --target kind --drop kind", "t.csv: 'kind' is the target"),
    ("t.csv --target kind --decimal x", "--decimal: expects . or , got 'x'"),
    ("digits --na -1", "--na: goes with a table: evenly study TABLE --na NAME"),
    ("digits --text", "--text: goes with a table: evenly study TABLE --text\n"),
    ("dropout-gap --as a=date", "--as: is for the study of a table, and dropout-gap is a claim"),
])
def test_reading_that_cannot_be_is_one_line(
    own_folder: Path, capsys: pytest.CaptureFixture[str], line: str, message: str
) -> None:
    write()
    assert run(["study", *line.split()]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
    assert [path.name for path in own_folder.iterdir()] == ["t.csv"]


@pytest.mark.parametrize("net", ["cnn", "lstm"])
def test_images_and_sequences_are_recommended_in_python(
    capsys: pytest.CaptureFixture[str], net: str
) -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(80, 6, 5)).astype("float32")
    np.savez("x.npz", x=x, y=x[:, :3].sum(axis=(1, 2)) > x[:, 3:].sum(axis=(1, 2)))
    command = ["study", "x.npz", "--net", net, "--variants", "batch-norm", "--seeds", "2"]
    for force in ([], ["--force"]):
        assert run([*command, "--epochs", "2", *force]) == 0
        assert "The Python for it is in the report." in capsys.readouterr().out
    html = Path("evenly-study/report.html").read_text(encoding="utf-8")
    blocks = [entities.unescape(code) for code in re.findall(r"<code>(.*?)</code>", html, re.S)]
    (code,) = [block for block in blocks if "import evenly" in block]
    exec(compile(code, "report", "exec"), {})
    model = saving.load("model.evenly")
    assert model.predict(x[:3, :, :, None] if net == "cnn" else x[:3]).shape == (3, 2)


def test_a_folded_line_is_the_same_line() -> None:
    command = "evenly fit 'a b.csv' --target 'it'\"'\"'s' " + "--hidden 128,64 " * 9 + "--out m"
    lines = folded(command)
    assert len(lines) > 2
    assert max(map(len, lines)) <= 80
    assert shlex.split("\n".join(lines).replace("\\\n", "")) == shlex.split(command)
    assert folded("evenly fit t.csv") == ["  evenly fit t.csv"]


def test_an_option_of_tables_is_named_as_it_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["study", "dropout-gap", "--keep-columns"]) == 2
    assert capsys.readouterr().err == (
        "evenly: --keep-columns: is for the study of a table, and dropout-gap is a claim: leave it "
        "out\n"
    )
