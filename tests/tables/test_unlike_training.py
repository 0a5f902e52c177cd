"""What training has not seen moves no prediction."""

import warnings

import numpy as np
import pandas as pd
import pytest

from evenly.errors import TableWarning
from evenly.tables import TableClassifier, TableRegressor

QUICK = {"hidden": (16,), "max_epochs": 10, "random_state": 0, "quiet": True,
         "keep": ("year", "country", "member", "since")}


def table(rows=200):
    rng = np.random.default_rng(0)
    size = rng.normal(size=rows)
    holed = np.where(rng.random(rows) < 0.2, np.nan, 7.0)
    return pd.DataFrame({
        "size": size, "kind": rng.choice(["a", "b"], rows), "year": 2023, "country": "DE",
        "member": True, "since": pd.Timestamp("2020-01-01"), "holed": holed,
        "word": np.where(rng.random(rows) < 0.2, None, "x"),
    }), 3 * size + rng.normal(size=rows)


def fitted(kind=TableRegressor, **settings):
    rows, y = table()
    y = y if kind is TableRegressor else np.where(y > 0, "more", "less")
    return kind(**{**QUICK, **settings}).fit(rows, y), rows


def told(model, rows):
    """(the predictions, the lines of what is unlike training)."""
    return model.predict(rows), model.encode(rows)[1]


NEW = [("year", 2024), ("country", "FR"), ("member", False), ("since", pd.Timestamp("2024-05-05")),
       ("country", None)]


@pytest.mark.parametrize("kind", [TableClassifier, TableRegressor])
def test_a_column_of_one_value_says_nothing_when_it_changes(kind):
    model, rows = fitted(kind)
    before, notes = told(model, rows)
    assert notes == []
    for column, value in NEW:
        after, notes = told(model, rows.assign(**{column: value}))
        np.testing.assert_array_equal(after, before)
        assert len(notes) == 1
        assert f"column '{column}': " in notes[0]
        assert notes[0].endswith("the column says nothing about these rows")


def test_the_value_of_a_column_whose_gaps_alone_vary():
    model, rows = fitted()
    before, _ = told(model, rows)
    full = rows["holed"].notna()
    after, _ = told(model, rows.assign(holed=rows["holed"].where(~full, 99.0)))
    np.testing.assert_array_equal(after, before)
    gap, _ = told(model, rows.assign(holed=np.nan))
    assert np.abs(gap - before).max() > 0


def test_a_value_never_seen_is_neither_of_those_that_were():
    model, rows = fitted()
    (none, notes), (gap, _) = (told(model, rows.assign(kind=value)) for value in ("c", None))
    assert "the column says nothing about these rows" in notes[0]
    np.testing.assert_array_equal(none, gap)
    # The inputs of the column are where they are on average: 0 behind the scale.
    x, _ = model.encode(rows.assign(kind="c"))
    places = [model.inputs_.names.index(f"kind = {level}") for level in "ab"]
    assert not model.estimator_._inputs(x)[:, places].any()


def test_a_network_without_a_scale():
    model, rows = fitted(scale=False)
    before, _ = told(model, rows)
    after, _ = told(model, rows.assign(year=2033, country="FR"))
    np.testing.assert_array_equal(after, before)


def test_what_is_unlike_training_is_one_warning():
    model, rows = fitted()
    new = rows.assign(year=2033, country="FR", kind="c")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.predict(new)
    model.set_params(quiet=False)
    with pytest.warns(TableWarning) as caught:
        model.predict(new)
    assert len(caught) == 1
    assert str(caught[0].message).count("\n- column '") == 3
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.predict(rows)
