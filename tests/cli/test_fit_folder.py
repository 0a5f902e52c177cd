"""`evenly fit FOLDER --checkpoint`: Parquet files larger than memory, piece by piece."""

import numpy as np
import pandas as pd
import pytest

from evenly import saving
from evenly.cli import loading_tables, run

from .test_fit import make

FIT = ["fit", "rows", "--target", "kind", "--drop", "price", "--checkpoint", "kept",
       "--batch", "32", "--hidden", "16", "--epochs", "40", "--patience", "40"]


@pytest.fixture
def folder(own_folder, monkeypatch):
    """240 rows in three files, of which 120 are the sample; one row has no target."""
    table = make()
    table.loc[200, "kind"] = None
    (own_folder / "rows").mkdir()
    for i in range(3):
        table[i * 80:(i + 1) * 80].to_parquet(f"rows/{i}.parquet")
    make(40, 1).to_csv("new.csv", index=False)
    monkeypatch.setattr(loading_tables, "SAMPLE_ROWS", 120)
    return own_folder


def test_all_rows_but_those_held_out_are_trained_on(folder, capsys):
    assert run([*FIT, "--out", "m.evenly"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "the columns were decided by 120 of 240 rows; all rows are trained on" in out
    model = saving.load("m.evenly")
    assert len(model.held_out_) > 5
    # Neither the held-out rows nor the one without a target are of a step.
    steps = -(-(239 - len(model.held_out_)) // 32)
    assert [record.steps for record in model.history_] == [steps] * len(model.history_)
    assert run(["predict", "m.evenly", "new.csv", "--out", "p.csv"]) == 0
    right = pd.read_csv("p.csv")["kind"] == pd.read_csv("new.csv")["kind"]
    assert right.mean() > 0.7


def test_it_goes_on_from_the_checkpoint_and_ends_the_same(folder):
    assert run([*FIT, "--out", "one.evenly"]) == 0
    assert any(path.name.startswith("checkpoint-") for path in (folder / "kept").iterdir())
    assert run([*FIT, "--out", "two.evenly", "--resume"]) == 0
    one, two = (saving.load(name).estimator_.model_.weights for name in (
        "one.evenly", "two.evenly"))
    assert all(np.array_equal(array, two[name]) for name, array in one.items())


@pytest.mark.parametrize(("words", "message"), [
    (["--groups", "color"], "--groups: is for tables in memory: leave it out beside --checkpoint"),
    (["--threshold", "f1"], "--threshold: is for tables in memory"),
    (["--target", "kin"], "there is no column 'kin'"),
])
def test_what_cannot_be_is_one_line(folder, capsys, words, message):
    assert run([*FIT, "--out", "m.evenly", *words]) == 2
    assert message in capsys.readouterr().err
    assert not (folder / "m.evenly").exists()


def test_resume_needs_a_place(folder, capsys):
    assert run(["fit", "rows", "--target", "kind", "--resume"]) == 2
    assert "--resume: goes with --checkpoint FOLDER" in capsys.readouterr().err
