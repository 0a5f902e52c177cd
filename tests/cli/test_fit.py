"""`evenly fit`, `predict` and `show` on a table of one's own."""

import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

import numpy as np
import pandas as pd
import pytest

from evenly import saving
from evenly.cli import run

QUICK = ("--epochs", "8", "--hidden", "16")


def make(rows=240, seed=0):
    rng = np.random.default_rng(seed)
    size = rng.normal(10, 3, rows)
    color = rng.choice(["red", "green", "blue"], rows)
    price = 5 * size + 20 * (color == "red") + rng.normal(0, 1, rows)
    kind = np.where(price > np.median(price), "dear", "cheap")
    size[::17] = np.nan
    return pd.DataFrame({"size": size, "color": color, "price": price, "kind": kind})


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make().to_csv("table.csv", index=False)
    make(40, 1).to_csv("new.csv", index=False)
    return tmp_path


@pytest.fixture
def fitted(here):
    assert run(["fit", "table.csv", "--target", "kind", "--out", "m.evenly", *QUICK]) == 0
    return here


def test_classes_from_end_to_end(fitted, capsys):
    assert run(["predict", "m.evenly", "new.csv", "--out", "p.csv"]) == 0
    predicted = pd.read_csv("p.csv")
    assert list(predicted.columns) == ["kind", "p(cheap)", "p(dear)"]
    np.testing.assert_allclose(predicted[["p(cheap)", "p(dear)"]].sum(axis=1), 1)
    assert (predicted["kind"] == pd.read_csv("new.csv")["kind"]).mean() > 0.75
    assert "left out, because training used no such column: 'kind'" in capsys.readouterr().err


def test_the_doctor_has_the_last_word(here, capsys):
    command = ["fit", "table.csv", "--target", "kind", "--out", "m.evenly", *QUICK]
    assert run([*command, "--doctor"]) == 0
    out = capsys.readouterr().out
    assert "Looked at: " in out.split("held out: loss")[1] or "finding" in out
    assert saving.load("m.evenly").estimator.doctor is True


def test_numbers_from_end_to_end(here, capsys):
    assert run(["fit", "table.csv", "--target", "price", "--out", "m.evenly", *QUICK]) == 0
    out = capsys.readouterr().out
    assert "'price', a number" in out
    assert "held out: loss" in out
    capsys.readouterr()
    assert run(["predict", "m.evenly", "new.csv"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "price"
    assert len(lines) == 41


def test_predictions_are_those_of_the_loaded_model(fitted):
    model = saving.load("m.evenly")
    columns, _ = model.predict(pd.read_csv("new.csv"))
    run(["predict", "m.evenly", "new.csv", "--out", "p.csv"])
    np.testing.assert_allclose(pd.read_csv("p.csv")["p(dear)"], columns["p(dear)"], rtol=1e-12)


def test_columns_in_another_order_or_file_are_the_same(fitted):
    new = pd.read_csv("new.csv").drop(columns=["kind"])
    new.to_csv("a.csv", index=False)
    new[["price", "color", "size"]].to_csv("b.csv", index=False)
    new.to_parquet("c.parquet")
    for name in ("a.csv", "b.csv", "c.parquet"):
        assert run(["predict", "m.evenly", name, "--out", name + ".p.csv"]) == 0
    texts = {(fitted / f"{name}.p.csv").read_text() for name in ("a.csv", "b.csv", "c.parquet")}
    assert len(texts) == 1


def test_show(fitted, capsys):
    capsys.readouterr()
    assert run(["show", "m.evenly"]) == 0
    out = capsys.readouterr().out
    for part in ("predicts 'kind', one of cheap, dear", "size", "median", "red", "dense_1",
                 "BatchNorm", "parameters", "trained for 8 epochs", "AdamW"):
        assert part in out, part


@pytest.mark.parametrize("name", ["curves.png", "curves.svg"])
def test_curves(here, name):
    assert run(["fit", "table.csv", "--target", "kind", "--out", "m.evenly", "--curves", name,
                *QUICK]) == 0
    data = (here / name).read_bytes()
    if name.endswith("png"):
        assert data.startswith(b"\x89PNG")
    else:
        assert "svg" in ElementTree.fromstring(data).tag


@pytest.mark.parametrize(("words", "message"), [
    (["fit", "table.csv", "--target", "kind"], "Missing option '--out'"),
    (["fit", "none.csv", "--target", "kind", "--out", "o"], "none.csv: no such file"),
    (["fit", "table.csv", "--target", "kin", "--out", "o"], "no column 'kin'"),
    (["fit", "table.csv", "--out", "o"], "which column is to be predicted"),
    (["fit", "table.csv", "--target", "kind", "--out", "m.evenly"], "m.evenly: exists: say"),
    (["fit", "table.csv", "--target", "kind", "--out", "no/o"], "there is no folder 'no'"),
    (["fit", "table.csv", "--target", "kind", "--out", "."], ".: is a folder"),
    (["fit", "table.csv", "--target", "kind", "--out", "o", "--curves", "c.gif"],
     "ends in .png or .svg, got '.gif'"),
    (["fit", "table.csv", "--target", "kind", "--out", "c.png", "--curves", "c.png"],
     "expects another file than --out"),
    (["fit", "table.csv", "--target", "kind", "--out", "o", "--hidden", "a"],
     "--hidden: expects whole numbers"),
    (["fit", "table.csv", "--target", "kind", "--out", "o", "--dropout", "1"],
     "--dropout: expects a share"),
    (["fit", "table.csv", "--target", "kind", "--out", "o", "--epochs",
     "0"], "--epochs: expects a whole"),
    (["predict", "m.evenly", "none.csv"], "none.csv: no such file"),
    (["predict", "none.evenly", "new.csv"], "none.evenly"),
    (["predict", "table.csv", "new.csv"], "table.csv"),
    (["predict", "m.evenly", "few.csv"], "lacks the column 'size' that training had"),
    (["predict", "m.evenly", "text.csv"], "column 'size': was numbers in training, got text"),
    (["predict", "m.evenly", "number.csv"], "column 'color': was text in training"),
    (["predict", "m.evenly", "new.csv", "--out", "p.txt"], "ends in .csv, got '.txt'"),
    (["show", "table.csv"], "table.csv"),
    (["show", "none"], "none"),
])
def test_bad_input_is_one_line_and_leaves_everything(fitted, capsys, words, message):
    new = pd.read_csv("new.csv")
    new.drop(columns="size").to_csv("few.csv", index=False)
    new.assign(size="big").to_csv("text.csv", index=False)
    new.assign(color=3).to_csv("number.csv", index=False)
    before = {path.name: path.read_bytes() for path in fitted.iterdir()}
    capsys.readouterr()
    assert run(words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("evenly: ")
    assert captured.err.count("\n") == 1
    assert message in captured.err
    assert {path.name: path.read_bytes() for path in fitted.iterdir()} == before


def test_force_replaces(fitted):
    old = (fitted / "m.evenly").read_bytes()
    assert run(["fit", "table.csv", "--target", "price", "--out", "m.evenly", "--force",
                *QUICK]) == 0
    assert (fitted / "m.evenly").read_bytes() != old


def test_four_at_once_and_one_killed_leave_whole_files(here):
    make(4000).to_csv("large.csv", index=False)
    command = [sys.executable, "-c", "from evenly.cli import main; main()", "fit", "large.csv",
               "--target", "price", "--out", "{}.evenly", "--epochs", "30", "--patience", "1000"]
    names = ["a", "b", "c", "d"]
    runs = [subprocess.Popen([word.format(name) for word in command], stdout=subprocess.DEVNULL)
            for name in names]
    time.sleep(3)
    runs[3].kill()
    assert [process.wait() for process in runs[:3]] == [0, 0, 0]
    runs[3].wait()
    for name in names:
        path = here / f"{name}.evenly"
        if name != "d" or path.exists():
            assert len(saving.load(path).estimator.history_) == 30
    one, other = (saving.load(here / name).estimator.model_.weights
                  for name in ("a.evenly", "b.evenly"))
    assert all(np.array_equal(array, other[name]) for name, array in one.items())
    assert not list(here.glob(".evenly*"))
