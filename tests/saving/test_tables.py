"""Networks for tables in files: columns, inputs and network, and what does not fit together."""

from __future__ import annotations

import copy

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import KFold

import evenly as ev
from evenly.errors import ConfigurationError, FileFormatError
from evenly.files import read_arrays, write_arrays
from evenly.tables import TableClassifier, TableRegressor

QUICK = {"hidden": (4,), "max_epochs": 2, "random_state": 0, "quiet": True}
ROWS = 300


def mixed():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({
        "size": np.where(rng.random(ROWS) < 0.1, np.nan, rng.normal(size=ROWS)),
        "price": [f"{value:.2f} €".replace(".", ",") for value in rng.random(ROWS)],
        "kind": rng.choice(["a", "b", None], ROWS), "on": rng.choice(["yes", "no"], ROWS),
        "since": pd.Timestamp("2022-01-01") + pd.to_timedelta(rng.integers(0, 700, ROWS), "D"),
        "zip": [f"z{code:03}" for code in rng.integers(0, 160, ROWS)],
        "note": ["some words of a text"] * ROWS, "year": 2023,
    })
    return table, rng.normal(size=ROWS)


SETTINGS = {"text": True, "types": {"note": "text"}, "drop": ("year",), "keep": ("note",),
            "na": ("-9",)}


@pytest.mark.filterwarnings("ignore:predict_interval")  # these rows were watched
@pytest.mark.parametrize("kind", [TableClassifier, TableRegressor])
def test_all_that_a_model_for_tables_is(kind, tmp_path):
    table, y = mixed()
    y = y if kind is TableRegressor else np.where(y > 0, "more", "less")
    model = kind(**QUICK, **SETTINGS, validation=KFold(5, shuffle=True, random_state=0))
    model.fit(table, y)
    model.notes_ = ("a line about the file", *model.notes_)
    ev.save(tmp_path / "m.evenly", model)
    twin = ev.load(tmp_path / "m.evenly")
    assert type(twin) is kind
    assert repr(twin) == repr(model)
    assert (twin.columns_, twin.inputs_, twin.notes_) == (
        model.columns_, model.inputs_, model.notes_)
    assert twin.target_ == model.target_
    for name in ("held_out_", "feature_names_in_"):
        np.testing.assert_array_equal(getattr(twin, name), getattr(model, name))
    new = table.assign(zip="new", size=np.nan)
    for rows in (table, new):
        np.testing.assert_array_equal(twin.predict(rows), model.predict(rows))
        assert twin.encode(rows)[1] == model.encode(rows)[1]
    if kind is TableRegressor:
        np.testing.assert_array_equal(twin.predict_interval(table, 0.5),
                                      model.predict_interval(table, 0.5))
    array = kind(**QUICK).fit(table.to_numpy(dtype=object), y)
    ev.save(tmp_path / "array", array)
    assert not hasattr(ev.load(tmp_path / "array"), "feature_names_in_")


def test_what_is_not_fitted():
    with pytest.raises(ConfigurationError, match="this TableRegressor is not fitted: call fit"):
        ev.save("nowhere", TableRegressor())


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("tables") / "m"
    table, y = mixed()
    ev.save(path, TableRegressor(**QUICK, **SETTINGS).fit(table, y))
    return path


def field(text, *names):
    """What stands at a path through declarations."""
    value = text["content"]["learned"]
    for name in names:
        if isinstance(value, dict) and set(value) == {"type"}:
            value = value["type"][1]
        if isinstance(value, dict) and set(value) == {"tuple"}:
            value = value["tuple"]
        value = value[name]
    return value


def scores_of(**changed):
    """What a fit came to, as a file has it."""
    line = {"type": ["Scored", {"name": "network", "words": "it", "training": {"tuple": []}}]}
    return {"type": ["FitScores", {
        "table": "t", "target": "y", "task": "regression", "classes": {"tuple": []}, "rows": 3,
        "training_rows": 3, "held_out_rows": 0, "lines": {"tuple": [line]}, "measure": "r2",
        **changed,
    }]}


def parts(text):
    return field(text, "inputs", "parts")["tuple"]


@pytest.mark.parametrize(("change", "reason"), [
    (lambda t: t["content"].pop("learned"), "should have the fields params, learned, estimator"),
    (lambda t: t["content"]["learned"].pop("named"), "should have the fields columns, inputs"),
    (lambda t: t["content"]["learned"].update(target=5), "target cannot be 5"),
    (lambda t: t["content"]["learned"].update(notes={"tuple": [5]}), "notes cannot be"),
    (lambda t: t["content"]["learned"].update(columns=5), "columns cannot be 5"),
    (lambda t: t["content"]["params"]["dict"].append(["hidden", 3]), "does not have all of these"),
    (lambda t: parts(t).pop(), "the columns and the inputs differ in"),
    (lambda t: parts(t).append(parts(t)[0]), "the columns make .* inputs, the network reads"),
    (lambda t: parts(t)[0]["type"][1].update(name="price"), "differ in 'size'"),
    (lambda t: parts(t)[0]["type"][1].update(name="kind"), "differ in 'size'"),
    (lambda t: parts(t)[0]["type"][1].update(gaps=False), "the columns make .* inputs, the netw"),
    (lambda t: parts(t)[0]["type"][1].update(median={"float": "nan"}), "the median must be"),
    (lambda t: parts(t)[2]["type"][1].update(levels={"tuple": ["b", "a"]}), "sorted levels"),
    (lambda t: parts(t)[2]["type"][1].update(levels={"tuple": []}), "the columns make"),
    (lambda t: parts(t)[-1]["type"][1].update(inputs=10**9), "1000000000 inputs of words"),
    (lambda t: parts(t)[-1]["type"][1].update(inputs=2**20), "the columns make"),
    (lambda t: parts(t)[6]["type"][1].update(means={"tuple": []}), "rows of 1 means"),
    (lambda t: parts(t)[6]["type"].__setitem__(0, "Dense"), "has no field|cannot be"),
    (lambda t: field(t, "columns", "columns", 0).update(type=["Column", {}]), "name"),
    (lambda t: field(t, "columns", "columns")["tuple"].pop(1), "differ in 'price'"),
    (lambda t: field(t, "columns", "columns", 0, "kind").update(type=["Date", {}]),
     "'size' is date, its inputs are NumberInputs"),
    (lambda t: field(t, "columns", "columns", 0, "kind").update(type=["Dropout", {}]),
     "Column: kind cannot be|Dropout"),
    (lambda t: field(t, "columns", "columns", 1)["type"][1].update(name="size"), "one name"),
    (lambda t: t["content"].update(scores=5), "what the fit came to cannot be made out"),
    (lambda t: t["content"].pop("scores"), "should have the fields params, learned, estimator, sc"),
    (lambda t: t["content"].update(scores={"type": ["FitScores", {}]}), "FitScores|table"),
    (lambda t: t["content"].update(scores=scores_of(lines={"tuple": []})), "at least the network"),
    (lambda t: t["content"].update(scores=scores_of(lines=5)), "lines cannot be 5"),
    (lambda t: t["content"].update(scores=scores_of(task="ranking")), "task must be"),
    (lambda t: t["content"].update(scores={"type": ["Scored", {"name": "a", "words": "b",
                                                               "training": {"tuple": []}}]}),
     "what the fit came to cannot be made out"),
    (lambda t: t.update(kind="TableClassifier"), "should have the fields|does not have all|estim"),
    (lambda t: t.update(kind="TableModel"),
     "network for a table of an earlier version, .*: train it anew, with evenly fit"),
])
def test_parts_that_do_not_fit(file, tmp_path, change, reason):
    arrays, text = read_arrays(file)
    text = copy.deepcopy(text)
    change(text)
    write_arrays(tmp_path / "m", {name: array.copy() for name, array in arrays.items()}, text)
    with pytest.raises(FileFormatError, match=reason):
        ev.load(tmp_path / "m")


@pytest.mark.parametrize("held", [np.array([1, 1]), np.array([-1, 2]), np.array([0.5]),
                                  np.array([[1, 2]])])
def test_rows_held_out_that_cannot_be(file, tmp_path, held):
    arrays, text = read_arrays(file)
    arrays = {name: array.copy() for name, array in arrays.items()}
    arrays[text["content"]["learned"]["held_out"]["array"]] = held
    write_arrays(tmp_path / "m", arrays, text)
    with pytest.raises(FileFormatError, match="rows held out should be rising numbers from 0"):
        ev.load(tmp_path / "m")
