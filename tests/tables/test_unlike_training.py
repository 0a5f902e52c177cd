"""What training has not seen moves no prediction."""

import numpy as np
import pandas as pd
import pytest

from evenly import saving
from evenly.cli import run
from evenly.estimators import NetClassifier, NetRegressor
from evenly.tables import Columns, TableModel

QUICK = {"hidden": (16,), "max_epochs": 10, "random_state": 0}


def table(rows=200):
    rng = np.random.default_rng(0)
    size = rng.normal(size=rows)
    holed = np.where(rng.random(rows) < 0.2, np.nan, 7.0)
    return pd.DataFrame({
        "size": size, "kind": rng.choice(["a", "b"], rows), "year": 2023, "country": "DE",
        "member": True, "since": pd.Timestamp("2020-01-01"), "holed": holed,
        "word": np.where(rng.random(rows) < 0.2, None, "x"),
    }), 3 * size + rng.normal(size=rows)


def fitted(kind=NetRegressor, **settings):
    rows, y = table()
    columns = Columns.learn(rows)
    x, _ = columns.encode(rows)
    y = y if kind is NetRegressor else np.where(y > 0, "more", "less")
    return TableModel(columns, kind(**{**QUICK, **settings}).fit(x, y), "y"), rows


NEW = [("year", 2024), ("country", "FR"), ("member", False), ("since", pd.Timestamp("2024-05-05")),
       ("country", None)]


@pytest.mark.parametrize("kind", [NetClassifier, NetRegressor])
@pytest.mark.parametrize(("column", "value"), NEW)
def test_a_column_of_one_value_says_nothing_when_it_changes(kind, column, value):
    model, rows = fitted(kind)
    before, notes = model.predict(rows)
    assert notes == []
    after, notes = model.predict(rows.assign(**{column: value}))
    for name, values in before.items():
        np.testing.assert_array_equal(after[name], values)
    assert len(notes) == 1
    assert f"column '{column}': " in notes[0]
    assert notes[0].endswith("the column says nothing about these rows")


def test_the_value_of_a_column_whose_gaps_alone_vary():
    model, rows = fitted()
    before, _ = model.predict(rows)
    full = rows["holed"].notna()
    after, _ = model.predict(rows.assign(holed=rows["holed"].where(~full, 99.0)))
    np.testing.assert_array_equal(after["y"], before["y"])
    gap, _ = model.predict(rows.assign(holed=np.nan))
    assert np.abs(gap["y"] - before["y"]).max() > 0


def test_a_value_never_seen_is_neither_of_those_that_were():
    model, rows = fitted()
    (none, notes), (gap, _) = (model.predict(rows.assign(kind=value)) for value in ("c", None))
    assert "the column says nothing about these rows" in notes[0]
    np.testing.assert_array_equal(none["y"], gap["y"])
    # The inputs of the column are where they are on average: 0 behind the scale.
    x, _ = model.columns.encode(rows.assign(kind="c"), model.estimator.scaler_.mean)
    scaled = model.estimator._inputs(x)
    assert not scaled[:, 1:3].any()
    x, _ = model.columns.encode(rows.assign(kind="c"))
    assert not x[:, 1:3].any()


def test_the_note_of_a_column_of_one_number():
    model, rows = fitted()
    year = np.where(np.arange(200) < 3, 2023, 2024)
    _, notes = model.predict(rows.assign(year=year))
    assert notes == [
        "column 'year': 2024 in 197 of 200 rows, first in row 4: training had 2023 alone; the "
        "column says nothing about these rows"
    ]


def test_from_end_to_end(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rows, y = table()
    rows.assign(y=y).to_csv("table.csv", index=False)
    rows.to_csv("old.csv", index=False)
    rows.assign(year=2033, country="FR").to_csv("new.csv", index=False)
    assert run(["fit", "table.csv", "--target", "y", "--out", "m", "--epochs", "5"]) == 0
    capsys.readouterr()
    for name in ("old", "new"):
        assert run(["predict", "m", f"{name}.csv", "--out", f"{name}.p.csv"]) == 0
    assert (tmp_path / "old.p.csv").read_bytes() == (tmp_path / "new.p.csv").read_bytes()
    told = capsys.readouterr().err
    assert "'FR' in 200 of 200 rows" in told
    assert "2033 in 200 of 200 rows" in told
    assert isinstance(saving.load("m"), TableModel)


def test_a_network_without_a_scale():
    model, rows = fitted(scale=False)
    before, _ = model.predict(rows)
    after, _ = model.predict(rows.assign(year=2033, country="FR"))
    np.testing.assert_array_equal(after["y"], before["y"])
