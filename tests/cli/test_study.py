"""The command from the outside: what it prints, what it writes, how it ends."""

from __future__ import annotations

import csv
import importlib.metadata
import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evenly.cli import run
from evenly.reading import memory

QUICK = ["--seeds", "2", "--epochs", "3", "--hidden", "8", "--jobs", "1"]


def write_csv(name: str = "t.csv", rows: int = 40, **columns: list[Any]) -> None:
    random = np.random.default_rng(0)
    table: dict[str, list[Any]] = {
        "a": random.normal(size=rows).round(3).tolist(),
        "b": random.normal(size=rows).round(3).tolist(),
        "kind": ["x", "y"] * (rows // 2),
    }
    table |= columns
    with open(name, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(table)
        writer.writerows(zip(*table.values(), strict=True))


def test_digits_end_to_end(own_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["study", *QUICK]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    lines = out.splitlines()
    assert max(map(len, lines)) <= 80
    names = ["simplest", "linear", "plain", "batch-norm", "layer-norm", "dropout", "l2"]
    names.append("batch-norm+dropout")
    body = [line for line in lines if line.split()[0] in names]
    assert [line.split()[0] for line in body[:8]] == names
    number = r"\d+\.\d"
    assert re.search(
        rf"plain +{number}( ±{number})? +[+-]?{number} +(\d+(\.5)?|never) +{number}", out
    )
    assert re.search(rf"dropout +{number} ±{number} +[+-]?{number} \[.*, .*\]", out)
    assert "With 2 seeds: " in " ".join(out.split())
    assert lines[-1] == "Report: evenly-study/report.html"
    folder = own_folder / "evenly-study"
    assert sorted(path.name for path in folder.iterdir()) == [
        "history.jsonl",
        "report.html",
        "results.csv",
    ]
    assert [path.name for path in own_folder.iterdir()] == ["evenly-study"]
    with (folder / "results.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["kind"] for row in rows] == ["network"] * 12 + ["reference"] * 4
    points = [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]
    assert len(points) == 12 * 3


def test_the_command_in_the_report_gives_the_same_numbers(own_folder: Path) -> None:
    write_csv("my table.csv")
    words = ["study", "my table.csv", "--target", "kind", "--variants", "l2", *QUICK]
    assert run([*words, "--lr", "0.003", "--batch", "8"]) == 0
    html = (own_folder / "evenly-study" / "report.html").read_text(encoding="utf-8")
    (code,) = re.findall(r"<pre><code>(evenly study .*?)</code></pre>", html)
    import html as entities
    import shlex

    again = shlex.split(entities.unescape(code))
    assert again[0] == "evenly"
    assert run([*again[1:-1], "again"]) == 0

    def scores(folder: str) -> list[list[str | None]]:
        with (own_folder / folder / "results.csv").open() as file:
            return [
                [value for name, value in row.items() if name != "seconds"]
                for row in csv.DictReader(file)
            ]

    assert scores("again") == scores("evenly-study")


@pytest.mark.parametrize("net", ["cnn", "lstm"])
def test_digits_as_images_and_as_sequences(
    own_folder: Path, capsys: pytest.CaptureFixture[str], net: str
) -> None:
    words = ["--variants", "batch-norm", "--seeds", "2", "--epochs", "6", "--hidden", "32"]
    assert run(["study", "--net", net, *words]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{net} on digits: 'digit', one of 10 classes; 1347 rows to train")
    assert max(map(len, out.splitlines())) <= 80
    folder = own_folder / "evenly-study"
    with (folder / "results.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["kind"] == "network"]
    assert {row["net"] for row in rows} == {net}
    # Better than a guess, by far: the examples are what their classes say.
    assert min(float(row["test_score"]) for row in rows) > 0.3
    html = (folder / "report.html").read_text(encoding="utf-8")
    assert f"evenly study digits --variants plain,batch-norm --net {net} --seeds 2" in html
    assert {"cnn": "Conv2D(16, 3)", "lstm": "LSTM(32)"}[net] in html


@pytest.mark.parametrize("target", ["kind", "a"])
@pytest.mark.usefixtures("without_pictures")
def test_a_table_with_text_and_gaps(capsys: pytest.CaptureFixture[str], target: str) -> None:
    write_csv(city=["Oslo", "", "Rome", "Oslo"] * 10, size=[1, "", 3, 4] * 10)
    assert run(["study", "t.csv", "--target", target, *QUICK]) == 0
    out = capsys.readouterr().out
    assert ("R²" in out) == (target == "a")
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.usefixtures("without_pictures")
def test_force_replaces_the_report(own_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_csv()
    words = ["study", "t.csv", "--target", "kind", "--variants", "plain", *QUICK]
    assert run(words) == 0
    first = (own_folder / "evenly-study" / "results.csv").read_text()
    assert run(words) == 2
    assert capsys.readouterr().err == (
        "evenly: evenly-study: exists: say --force to replace the report in it, "
        "or name another --out\n"
    )
    assert run([*words, "--seeds", "3", "--force"]) == 0
    assert (own_folder / "evenly-study" / "results.csv").read_text() != first


def test_one_seed_has_no_interval(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["study", *QUICK, "--seeds", "1", "--variants", "l2"]) == 0
    out = capsys.readouterr().out
    assert "One seed: no intervals." in out
    assert not re.search(r"\d ±\d", out)


@pytest.mark.usefixtures("without_pictures")
def test_divergence_is_an_answer_not_a_crash(capsys: pytest.CaptureFixture[str]) -> None:
    write_csv()
    words = ["study", "t.csv", "--target", "a", *QUICK, "--optimizer", "sgd", "--lr", "1e20"]
    assert run(words) == 0
    out = capsys.readouterr().out
    assert "Every run diverged: a lower learning rate is worth a try." in out


PREPARE: dict[str, Callable[[], object]] = {
    "bad.csv": lambda: Path("bad.csv").write_text("a,kind\n1,x\n2,y,3\n4,x\n"),
    "binary.csv": lambda: Path("binary.csv").write_bytes(bytes(range(256)) * 20),
    "zero.csv": lambda: Path("zero.csv").touch(),
    "header.csv": lambda: Path("header.csv").write_text("a,kind\n"),
    "only.csv": lambda: write_csv("only.csv", a=[""] * 40, b=[""] * 40),
    "one.csv": lambda: write_csv("one.csv", kind=["x"] * 40),
    "single.csv": lambda: write_csv("single.csv", kind=["x"] * 20 + ["y"] * 19 + ["z"]),
    "inf.csv": lambda: write_csv("inf.csv", y=[0.5, 1.5, 2.5, "inf"] * 10),
    "infx.csv": lambda: write_csv("infx.csv", a=[0.5, 1.5, 2.5, "-inf"] * 10),
    "few.csv": lambda: write_csv("few.csv", rows=4),
    "wide.csv": lambda: write_csv("wide.csv", w=[f"v{i}" for i in range(40)]),
    "fake.npz": lambda: Path("fake.npz").write_text("no archive"),
    "fake.parquet": lambda: Path("fake.parquet").write_text("no table"),
    "table.docx": lambda: Path("table.docx").write_text("x"),
    "z.npz": lambda: np.savez("z.npz", x=np.zeros((12, 2)), z=np.arange(12)),
    "uneven.npz": lambda: np.savez("uneven.npz", x=np.zeros((12, 2)), y=np.arange(13)),
    "two.npz": lambda: np.savez("two.npz", x=np.zeros((12, 2)), y=np.zeros((12, 2))),
    "complex.npz": lambda: np.savez("complex.npz", x=np.zeros((12, 2), complex), y=np.arange(12)),
    "scalar.npz": lambda: np.savez("scalar.npz", x=np.float64(1.0), y=np.arange(12)),
    "arrays.npz": lambda: np.savez("arrays.npz", a=np.eye(12), b=np.eye(12), y=np.arange(12)),
    "flat.npz": lambda: np.savez("flat.npz", x=np.eye(12)[:, :2], y=np.arange(12) % 2),
    "folder": lambda: Path("folder").mkdir(),
    "file": lambda: Path("file").write_text("mine"),
}
KINDS = ".csv, .tsv, .parquet or .npz"
ALL = "plain, batch-norm, layer-norm, dropout, l2, batch-norm+dropout"

# Arguments, and the whole of what is printed; an open end is a library's own wording.
BAD: list[tuple[str, str]] = [
    ("gone.csv --target y", "gone.csv: no such file: check the name and the folder"),
    ("folder --target y",
     "folder: the folder holds no *.parquet: name the files of another kind one by one"),
    ("table.docx --target y", f"table.docx: expects a table, {KINDS}, got '.docx': convert it"),
    ("zero.csv --target y", "zero.csv: the file is empty: expects a header and rows"),
    ("header.csv --target kind", "header.csv: the table is empty: expects at least 10 rows"),
    ("bad.csv --target kind", "bad.csv: is not a CSV table: ..."),
    ("binary.csv --target kind", "binary.csv: line 1: holds a NUL byte: ..."),
    ("fake.parquet --target kind", "fake.parquet: is not a Parquet table: ..."),
    ("fake.npz", "fake.npz: is not an .npz archive: File is not a zip file"),
    (
        "one.csv",
        "one.csv: which column is to be predicted? Say --target NAME: the columns are a, b, kind",
    ),
    ("one.csv --target knd", "one.csv: there is no column 'knd': did you mean 'kind'?"),
    ("one.csv --target zzz", "one.csv: there is no column 'zzz': choose from a, b, kind"),
    ("few.csv --target kind", "few.csv: expects at least 10 rows, got 4: add rows"),
    ("only.csv --target kind", "only.csv: the table has no input columns (n_features = 0 of 2), "
     "since these are left out: - 'a': it is empty - 'b': it is empty"),
    (
        "one.csv --target kind",
        "one.csv: target 'kind': expects at least two classes, got one, 'x': "
        "choose another --target",
    ),
    (
        "single.csv --target kind",
        "single.csv: target 'kind': a class expects at least two rows, 'z' has one: "
        "add rows or merge classes",
    ),
    (
        "inf.csv --target y",
        "inf.csv: column 'y': infinity or more than 1e+30 in 10 of 40 rows, first in row 4: "
        "mend the rows, or rescale the column",
    ),
    (
        "infx.csv --target kind",
        "infx.csv: column 'a': infinity or more than 1e+30 in 10 of 40 rows, first in row 4: "
        "mend the rows, or rescale the column",
    ),
    (
        "one.csv --target kind --task regression",
        "one.csv: target 'kind': regression expects numbers, got words, such as 'x' (words): "
        "say --task classification, or --as kind=number with --na for words among numbers",
    ),
    ("z.npz", "z.npz: there is no array 'y': say --target NAME: it holds x, z"),
    ("z.npz --target q", "z.npz: there is no array 'q': it holds x, z"),
    ("uneven.npz", "uneven.npz: 'x' has 12 rows and 'y' has 13: expects the same"),
    ("scalar.npz", "scalar.npz: array 'x' expects shape (rows, features...), got ()"),
    (
        "two.npz",
        "two.npz: array 'y' expects shape (12,), one value a row, got (12, 2)",
    ),
    ("complex.npz", "complex.npz: array 'x' holds complex128: save it as numbers or text"),
    (
        "arrays.npz",
        "arrays.npz: expects inputs in an array 'x', got a, b, y: rename the array",
    ),
    ("--target digit", "--target: goes with a table: evenly study TABLE --target NAME, or evenly "
     "study NAME --data TABLE --target NAME"),
    ("--task regression", "--task: goes with a table: evenly study TABLE --task NAME"),
    ("--task numbers", "Invalid value for '--task': ..."),
    ("--variants drop-out", "variant: there is no 'drop-out': did you mean 'dropout'?"),
    ("--variants plain,zzz", f"variant: there is no 'zzz': choose from {ALL}"),
    ("--variants ,", f"variants: expects at least one, got none: choose from {ALL}"),
    ("--seeds 0", "seeds: expects a whole number of at least 1, got 0: try 5"),
    ("--seeds few", "Invalid value for '--seeds': 'few' is not a valid integer."),
    ("--epochs 0", "epochs: expects a whole number of at least 1, got 0: try 30"),
    ("--hidden 8,big", "hidden: expects whole numbers with commas, got '8,big': try 128,64"),
    ("--hidden 8,-1", "hidden: expects a whole number of at least 1, got -1: try 128,64"),
    ("--batch 0", "batch: expects a whole number of at least 1, got 0: try 32"),
    (
        "--batch 1",
        "batch: batch norm expects at least 2 rows a batch, got 1: "
        "take a larger batch, or leave batch norm out of the variants",
    ),
    (
        "--batch 5000",
        "batch: expects at most the 1347 rows of the training part, got 5000: take a smaller batch",
    ),
    ("--lr 0", "lr: expects a finite number above 0, got 0: try 0.001"),
    ("--lr nan", "lr: expects a finite number above 0, got nan: try 0.001"),
    ("--lr -1 --optimizer sgd", "lr: expects a finite number above 0, got -1: try 0.1"),
    ("--lr fast", "Invalid value for '--lr': 'fast' is not a valid float."),
    ("--net cn", "net: there is no 'cn': did you mean 'cnn'?"),
    (
        "one.csv --target a --net cnn",
        "one.csv: --net cnn expects images, x of shape (rows, height, width) or "
        "(rows, height, width, channels), got a table of 2 columns: "
        "save x as such an array in an .npz file, or take --net mlp",
    ),
    (
        "flat.npz --net lstm",
        "flat.npz: --net lstm expects sequences, x of shape (rows, steps, features), "
        "got x of shape (12, 2): reshape x, or take --net mlp",
    ),
    ("--net lstm --hidden 8,8", "hidden: lstm expects at most 1 width, got 2: try 64"),
    ("--optimizer adm", "optimizer: there is no 'adm': did you mean 'adam'?"),
    ("--jobs 0", "jobs: expects a whole number of at least 1, got 0: try 1"),
    (
        "--out folder",
        "folder: exists: say --force to replace the report in it, or name another --out",
    ),
    ("--out file --force", "file: is a file, expects a folder: name another --out"),
    (
        "--out file/below",
        "file/below: cannot be written: Not a directory: name another --out",
    ),
    ("--sedes 3", "No such option..."),
    ("one.csv two.csv", "Got unexpected extra argument (two.csv)"),
]


@pytest.mark.parametrize(("words", "message"), BAD, ids=[words for words, _ in BAD])
def test_bad_input_is_one_clear_line(
    own_folder: Path, capsys: pytest.CaptureFixture[str], words: str, message: str
) -> None:
    for word in words.split():
        PREPARE.get(word.partition("/")[0], lambda: None)()
    before = sorted(own_folder.rglob("*"))
    assert run(["study", *words.split()]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    start, open_end, _ = f"evenly: {message}".partition("...")
    if open_end:
        assert err.startswith(start)
        assert err.count("\n") == 1
        assert err.endswith("\n")
    else:
        assert err == start + "\n"
    assert sorted(own_folder.rglob("*")) == before


def test_more_columns_than_memory_takes(
    own_folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_csv("wide.csv", **{f"w{j}": [f"v{(i + j) % 39}" for i in range(40)] for j in range(20)})
    monkeypatch.setattr(memory, "available_bytes", lambda: 2_000_000)
    assert run(["study", "wide.csv", "--target", "kind", "--jobs", "1"]) == 2
    # 40 rows x 782 columns x 12 bytes, and 108 610 weights x 16 bytes.
    assert capsys.readouterr().err == (
        "evenly: wide.csv: 40 rows with 782 columns (text as one-hot columns) takes about 2.11 MB "
        "of memory, and 2 MB are free: use fewer rows or columns, or a machine with more memory, "
        "or a smaller --hidden or --jobs\n"
    )
    assert [path.name for path in own_folder.iterdir()] == ["wide.csv"]


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("can't start new thread")])
def test_running_out_of_memory_is_one_line(
    own_folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    def fail(*args: object) -> None:
        raise error

    monkeypatch.setattr("evenly.study.splits.make_split", fail)
    assert run(["study", *QUICK]) == 2
    assert capsys.readouterr().err == (
        "evenly: out of memory: use fewer rows or columns, or a smaller --hidden\n"
    )
    assert list(own_folder.iterdir()) == []


def test_a_missing_extra_says_how_to_get_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    gone = {"sklearn", "jinja2"}
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name in gone else find(name)
    )
    assert run(["study"]) == 2
    assert capsys.readouterr().err == (
        "evenly: evenly study needs scikit-learn, jinja2: pip install 'evenly[study]'\n"
    )


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"evenly {importlib.metadata.version('evenly')}\n"
    assert run([]) == 0
    assert "study" in capsys.readouterr().out
    assert run(["study", "--help"]) == 0
    text = capsys.readouterr().out
    assert "--variants" in text
    assert max(map(len, text.splitlines())) <= 80


def test_an_unknown_command_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["studdy"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("evenly: No such command 'studdy'.")
    assert err.count("\n") == 1


@pytest.mark.sweep
def test_a_terminal_without_the_signs_gets_no_traceback(own_folder: Path) -> None:
    write_csv()
    words = ["study", "t.csv", "--target", "kind", "--variants", "l2", *QUICK]
    done = subprocess.run(
        [sys.executable, "-c", "from evenly.cli import main; main()", *words],
        capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": "ascii", "COLUMNS": "80"},
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == b""
    assert b"Report: evenly-study/report.html" in done.stdout


def test_the_command_line_starts_without_the_heavy_libraries() -> None:
    code = (
        "import sys; from evenly.cli import run; run(['--version']);"
        "heavy = {'sklearn', 'pandas', 'matplotlib', 'scipy', 'jinja2', 'pyarrow'};"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, capture_output=True)


def test_study_needs_what_its_extra_installs_and_no_more(monkeypatch, capsys):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec",
                        lambda name: None if name in ("starlette", "uvicorn") else found(name))
    assert run(["study", "nowhere.csv"]) == 2
    assert "needs" not in capsys.readouterr().err
    monkeypatch.setattr(importlib.util, "find_spec",
                        lambda name: None if name == "jinja2" else found(name))
    assert run(["study", "nowhere.csv"]) == 2
    assert capsys.readouterr().err == (
        "evenly: evenly study needs jinja2: pip install 'evenly[study]'\n"
    )
