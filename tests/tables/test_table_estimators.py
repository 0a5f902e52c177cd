"""Estimators for tables as people have them."""

import inspect
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.base import clone
from sklearn.ensemble import VotingClassifier
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, GroupShuffleSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import evenly as ev
from evenly.errors import ConfigurationError, DataError, TableWarning
from evenly.estimators import NetClassifier, NetRegressor
from evenly.tables import TableClassifier, TableRegressor
from evenly.tables.inputs import MeanInputs
from evenly.tables.models import OWN

QUICK = {"hidden": (8,), "max_epochs": 6, "random_state": 0, "quiet": True}


def mixed(rows=400, seed=0):
    """A pandas table of all types with gaps, and two targets."""
    rng = np.random.default_rng(seed)
    size = rng.normal(size=rows).round(3)
    table = pd.DataFrame({
        "size": np.where(rng.random(rows) < 0.1, np.nan, size),
        "count": pd.array(rng.integers(0, 50, rows), dtype="Int64"),
        "kind": rng.choice(["a", "b", None], rows),
        "grade": pd.Categorical(rng.choice(["low", "high"], rows)),
        "on": rng.random(rows) < 0.5,
        "since": pd.Timestamp("2022-01-01") + pd.to_timedelta(rng.integers(0, 700, rows), "D"),
        "zip": [f"z{code:03}" for code in rng.integers(0, 160, rows)],
    })
    number = 2 * size + (table["grade"] == "low").to_numpy()
    return table, number, np.where(number > 0.5, "more", "less")


def test_a_mixed_table():
    table, number, word = mixed(600)
    model = TableClassifier((32,), max_epochs=40, random_state=0, quiet=True).fit(table, word)
    assert model.score(table, word) > 0.85
    assert model.classes_.tolist() == ["less", "more"]
    assert model.n_features_in_ == 7
    assert model.feature_names_in_.tolist() == list(table.columns)
    assert isinstance(model.estimator_, NetClassifier)
    assert model.predict_proba(table).shape == (600, 2)
    np.testing.assert_allclose(model.predict_log_proba(table), np.log(model.predict_proba(table)))
    assert model.decision_function(table).shape == (600,)
    assert len(model.held_out_) == 60
    regressor = TableRegressor((32,), max_epochs=40, random_state=0, quiet=True)
    assert regressor.fit(table, number).score(table, number) > 0.8
    assert regressor.history_ is regressor.estimator_.history_


def test_the_same_table_in_any_container(tmp_path):
    table, _, word = mixed()
    table["y"] = word
    polars = pl.from_pandas(table)
    polars.write_csv(tmp_path / "table.csv")
    given = {
        "polars": polars, "arrow": polars.to_arrow(), "lazy": polars.lazy(),
        "dict": {name: polars[name].to_list() for name in polars.columns},
        "arrow types": table.convert_dtypes(dtype_backend="pyarrow"),
        "nullable": table.convert_dtypes(),
        "strings": pl.read_csv(tmp_path / "table.csv", infer_schema=False),
    }
    wanted = TableClassifier(**QUICK).fit(table, "y")
    scores = wanted.predict_proba(table)
    for name, other in given.items():
        model = TableClassifier(**QUICK, n_jobs=2).fit(other, "y")
        assert model.inputs_ == wanted.inputs_, name
        np.testing.assert_array_equal(model.predict_proba(other), scores, err_msg=name)
        np.testing.assert_array_equal(wanted.predict_proba(other), scores, err_msg=name)


def test_the_order_of_rows_does_not_matter():
    table, _, word = mixed()
    order = np.random.default_rng(1).permutation(len(table))
    one, two = (TableClassifier(**QUICK).fit(table.iloc[rows], word[rows])
                for rows in (np.arange(len(table)), order))
    np.testing.assert_array_equal(one.predict_proba(table), two.predict_proba(table))
    assert sorted(order[two.held_out_]) == one.held_out_.tolist()


@pytest.mark.parametrize(("kind", "inner"), [
    (TableClassifier, NetClassifier), (TableRegressor, NetRegressor)])
def test_a_table_of_numbers_is_what_the_network_makes_of_it(kind, inner):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 4))
    y = (x[:, 0] > 0).astype(int) if kind is TableClassifier else x[:, 0] + 3
    settings = {name: value for name, value in QUICK.items() if name != "quiet"}
    table, net = kind(**QUICK).fit(x, y), inner(**settings).fit(x, y)
    np.testing.assert_array_equal(table.predict(x), net.predict(x))
    assert table.history_ == net.history_ or len(table.history_) == len(net.history_)


def test_held_out_rows_teach_the_inputs_nothing():
    table, number, _ = mixed()
    settings = {**QUICK, "hidden": ()}
    first = TableRegressor(**settings).fit(table, number)
    held = first.held_out_
    assert len(held) == 40
    kept = np.setdiff1d(np.arange(len(table)), held)
    assert first.inputs_.parts[0].median == table["size"].iloc[kept].median()
    (zips,) = (part for part in first.inputs_.parts if isinstance(part, MeanInputs))
    assert set(zips.levels) == set(table["zip"].iloc[kept])
    plain = TableRegressor(**settings, early_stopping=False).fit(table, number)
    assert plain.held_out_.tolist() == []
    assert plain.inputs_.parts[0].median == table["size"].median()
    # The strata are kept: each class gives its share.
    y = np.repeat([0, 1], [320, 80])
    model = TableClassifier(**settings).fit(table, y)
    assert np.bincount(y[model.held_out_]).tolist() == [32, 8]


@pytest.mark.sweep
def test_a_column_of_noise_as_means_of_the_target_does_not_help():
    rng = np.random.default_rng(0)
    scores = []
    for seed in range(4):
        table = pd.DataFrame({"id": [f"v{i}" for i in rng.integers(0, 400, 1200)]})
        y = rng.integers(0, 2, 1200)
        model = TableClassifier((16,), max_epochs=20, random_state=seed, quiet=True)
        scores += cross_val_score(model, table, y, cv=3).tolist()
    # 4800 rows at chance have a deviation of 0.0072.
    assert abs(np.mean(scores) - 0.5) < 0.022


def test_a_row_of_totals_is_not_trained_on():
    rng = np.random.default_rng(0)
    a, b = rng.normal(50, 10, 200).round(2), rng.normal(5, 2, 200).round(2)
    y = (3 * a - 2 * b).round(2)
    plain = pl.DataFrame({"shop": [f"s{i % 7}" for i in range(200)], "a": a, "b": b, "y": y})
    last = pl.DataFrame({"shop": ["Total"], "a": [a.sum()], "b": [b.sum()], "y": [y.sum()]})
    learned = [TableRegressor(quiet=True, max_epochs=3, random_state=0).fit(frame, "y")
               for frame in (plain, pl.concat([plain, last]))]
    assert "row 201: says 'Total': a sum of other rows is no example: not trained on" in \
        learned[1].notes_
    same = [model.predict(plain).tolist() for model in learned]
    assert same[0] == same[1]


def test_training_inputs_of_many_levels_do_not_know_their_rows():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"id": [f"v{i}" for i in rng.integers(0, 400, 1200)],
                          "x": rng.normal(size=1200)})
    y = rng.integers(0, 2, 1200)
    model = TableClassifier((), max_epochs=60, random_state=0, quiet=True, l2=0.1).fit(table, y)
    assert model.history_.column("score").max() < 0.58  # means that know their rows reach 0.75


# scikit-learn -----------------------------------------------------------------------------------


@pytest.mark.parametrize("frame", [lambda t: t, pl.from_pandas], ids=["pandas", "polars"])
def test_tools_of_scikit_learn(frame):
    table, number, word = mixed()
    table = frame(table)
    scores = cross_val_score(TableRegressor(**QUICK), table, number, cv=3)
    assert np.isfinite(scores).all()
    grid = {"hidden": [(4,), (8,)], "drop": [(), ("zip",)], "optimizer__learning_rate": [0.01]}
    search = GridSearchCV(TableClassifier(**QUICK), grid, cv=2).fit(table, word)
    assert search.best_params_["hidden"] in [(4,), (8,)]
    best = search.best_estimator_
    with warnings.catch_warnings():
        # It makes an array of a polars table.
        warnings.filterwarnings("ignore", "X does not have valid feature names")
        told = permutation_importance(best, table, word, n_repeats=2, random_state=0)
    assert told.importances.shape == (7, 2)
    piped = make_pipeline(FunctionTransformer(), TableClassifier(**QUICK)).fit(table, word)
    np.testing.assert_array_equal(
        piped.predict(table), TableClassifier(**QUICK).fit(table, word).predict(table))
    votes = VotingClassifier([("a", TableClassifier(**QUICK)), ("b", piped)], voting="soft")
    assert votes.fit(table, word).predict(table).shape == (400,)


def test_copies():
    table, number, _ = mixed()
    model = TableRegressor(**QUICK, types={"count": "category"}).fit(table, number)
    assert clone(model).get_params() == model.get_params()
    twin = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(twin.predict(table), model.predict(table))
    assert "TableRegressor" in model._repr_html_()
    assert repr(model).startswith("TableRegressor(hidden=(8,), max_epochs=6, quiet=True,")


@pytest.mark.parametrize(("kind", "inner"), [
    (TableClassifier, NetClassifier), (TableRegressor, NetRegressor)])
def test_all_arguments_of_the_network_are_arguments(kind, inner):
    own = inspect.signature(kind).parameters
    theirs = inspect.signature(inner).parameters
    assert set(own) == {*theirs, *OWN}
    for name, parameter in theirs.items():
        assert own[name].default == parameter.default
        assert own[name].kind == parameter.kind
        assert f"{name}" in kind.__doc__
    model = kind((4, 2), drop=("a",), l2=0.5)
    assert (model.hidden, model.drop, model.l2, model.dtype) == ((4, 2), ("a",), 0.5, "float32")
    assert model.set_params(hidden=3, norm=None).get_params()["norm"] is None
    with pytest.raises(TypeError, match=f"{kind.__name__}: .*'width'"):
        kind(width=3)
    with pytest.raises(TypeError, match=kind.__name__):
        kind((4,), {"a": "number"})


# Targets ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("y", "classes"), [
    ([True, False], [False, True]), (["True", "False"], ["False", "True"]),
    (["yes", "no"], ["no", "yes"]), ([3, 1], [1, 3]), ([0.5, 2.5], None), (["1", "2"], ["1", "2"]),
    (pd.Categorical(["u", "v"]), ["u", "v"]), (pd.array([True, False], "boolean"), [False, True]),
    (pd.array([4, 2], "Int64"), [2, 4]), (pd.array(["a", "b"], "string"), ["a", "b"]),
    (pl.Series(["b", "a"]), ["a", "b"]), (pa.array([2, 1]), [1, 2]),
])
def test_classes_stay_what_they_are(y, classes):
    if isinstance(y, pd.Categorical):
        y = pd.Series(np.tile(np.asarray(y), 30), dtype="category")
    elif isinstance(y, (pl.Series, pa.Array)):
        y = type(y)(y.to_list() * 30) if isinstance(y, pl.Series) else pa.array(y.to_pylist() * 30)
    elif isinstance(y, list):
        y = y * 30
    else:
        y = pd.Series(pd.concat([pd.Series(y)] * 30, ignore_index=True))
    table = pd.DataFrame({"x": np.arange(60.0) % 2, "z": np.arange(60.0) % 7})
    if classes is None:
        with pytest.raises(ValueError, match="Unknown label type: continuous"):
            TableClassifier(**QUICK).fit(table, y)
        return
    model = TableClassifier(**QUICK).fit(table, y)
    assert model.classes_.tolist() == classes
    assert set(model.predict(table).tolist()) <= set(classes)
    assert 0 <= model.score(table, y) <= 1


@pytest.mark.parametrize(("y", "classes"), [
    (["True", "False"], [False, True]), (["yes", "no"], ["no", "yes"]), (["1", "0"], [0, 1]),
    (["1,5", "0,5"], None), (["b", "a"], ["a", "b"]),
    (["2024-01-01", "2023-01-01"], ["2023-01-01", "2024-01-01"]),
])
def test_classes_of_a_column_of_the_table_are_read_as_it_is(y, classes):
    table = pl.DataFrame({"x": np.arange(60.0) % 2, "z": np.arange(60.0) % 7, "y": y * 30})
    model = TableClassifier(**QUICK)
    if classes is None:
        with pytest.raises(ValueError, match="Unknown label type: continuous"):
            model.fit(table, "y")
        return
    assert model.fit(table, "y").classes_.tolist() == classes
    assert model.target_ == "y"
    assert 0 <= model.score(table, "y") <= 1
    np.testing.assert_array_equal(model.predict(table), model.predict(table.drop("y")))


def test_numbers_to_predict_that_are_spelled_otherwise():
    x = np.arange(80.0)
    y = 3 * (x % 20) + 0.5
    table = pl.DataFrame({"x": x % 20 + x / 80,
                          "price": [f"{value:.1f} €".replace(".", ",") for value in y]})
    model = TableRegressor(**QUICK).fit(table, "price")
    np.testing.assert_array_equal(model.predict(table),
                                  TableRegressor(**QUICK).fit(table[["x"]], y).predict(table))
    by_values = TableRegressor(**QUICK).fit(table[["x"]], table["price"])
    np.testing.assert_array_equal(by_values.predict(table), model.predict(table))
    assert model.score(table, "price") == pytest.approx(model.score(table, y))


@pytest.mark.parametrize(("kind", "y", "message"), [
    (TableRegressor, ["red", "blue"], "the target 'y' should be numbers, and was taken for category"
     r" .*: take TableClassifier, or say types=\{'y': 'number'\}"),
    (TableClassifier, ["red", None], "None or NaN in 30 of 60 places, first at place 1"),
    (TableClassifier, pd.Series([True, None] * 30, dtype="boolean"),
     "y: nothing in 30 of 60 rows, first in row 2: leave out rows without a target"),
    (TableRegressor, pl.Series([1.0, None] * 30), "y: nothing in 30 of 60 rows"),
    (TableRegressor, np.array([1.0, np.nan] * 30), "Input y contains NaN"),
    (TableClassifier, ["a"], "only one class"),
    (TableClassifier, np.arange(59), "inconsistent numbers of samples"),
])
def test_targets_that_cannot_be(kind, y, message):
    table = pd.DataFrame({"x": np.arange(60.0) % 2, "z": np.arange(60.0) % 7})
    with pytest.raises(ValueError, match=message):
        kind(**QUICK).fit(table, y * (60 // len(y)) if isinstance(y, list) else y)
    if isinstance(y, list):
        with pytest.raises(ValueError, match=r"nothing in 30|only one class|should be numbers"):
            kind(**QUICK).fit(table.assign(y=y * (60 // len(y))), "y")


def test_several_targets():
    table, number, _ = mixed()
    both = np.stack([number, -number], axis=1)
    model = TableRegressor(**QUICK).fit(table, pd.DataFrame(both, columns=["up", "down"]))
    assert model.predict(table).shape == (400, 2)
    assert "zip (mean of target 1)" in model.inputs_.names
    labels = TableClassifier(**QUICK).fit(table, np.stack([number > 0, number > -9], axis=1) * 1)
    assert labels.predict(table).shape == (400, 2)


# Tables -----------------------------------------------------------------------------------------


def test_new_tables_may_have_other_columns_and_orders():
    table, _, word = mixed()
    model = TableClassifier(**QUICK).fit(table, word)
    before = model.predict_proba(table)
    np.testing.assert_array_equal(model.predict_proba(table[table.columns[::-1]]), before)
    notes = model.encode(table.assign(more=1))[1]
    assert notes == ["left out, because training had no such column: 'more'",
                     *model.encode(table)[1]]
    with pytest.raises(DataError, match="lacks columns 'count', 'zip' that training had"):
        model.predict(table.drop(columns=["zip", "count"]))
    with pytest.raises(DataError, match=r"'count'.*: was numbers in training, got 'many'"):
        model.predict(table.assign(count="many"))
    assert model.predict(table[:0]).shape == (0,)
    assert model.predict_proba(table[:0]).shape == (0, 2)


def test_arrays_are_read_by_their_places():
    table, _, word = mixed()
    model = TableClassifier(**QUICK).fit(table, word)
    with pytest.warns(UserWarning, match="X does not have valid feature names, but TableClassif"):
        given = model.predict(table.to_numpy(dtype=object))
    assert (given == model.predict(table)).mean() > 0.95
    with pytest.raises(ValueError, match="X has 2 features, but TableClassifier is expecting 7"):
        model.predict(np.zeros((3, 2)))
    array = TableClassifier(**QUICK).fit(table.to_numpy(dtype=object), word)
    assert not hasattr(array, "feature_names_in_")
    assert array.inputs_.names[0] == "x0"
    with pytest.warns(UserWarning, match="X has feature names, but TableClassifier was fitted wit"):
        array.predict(table)


def test_all_columns_of_an_array_are_inputs():
    x = np.stack([np.arange(50.0), np.ones(50), np.full(50, np.nan), np.arange(50) % 3], axis=1)
    model = TableRegressor(**QUICK).fit(x, np.arange(50) % 7)
    assert [part.name for part in model.inputs_.parts] == ["x0", "x1", "x3"]
    assert any("an index: kept, since all columns of an array are inputs" in note
               for note in model.notes_)


@pytest.mark.parametrize(("x", "error", "message"), [
    (np.zeros(5), ValueError, "Expected 2D array, got 1D array instead"),
    (np.zeros((0, 2)), ValueError, r"0 sample\(s\)"), (np.zeros((5, 0)), ValueError, "0 feature"),
    (pd.DataFrame({"a": [1.0]}), ValueError, r"1 sample\(s\).* minimum of 2"),
    (np.zeros((5, 2), complex), ValueError, "Complex data not supported"),
    (pd.Series(np.arange(5.0)), ValueError, "Expected a 2-dim"),
    (pd.DataFrame({"a": [1.0] * 5, "b": [None] * 5}), DataError,
     "no input columns .*\n- 'a': every row has the same, 1\n- 'b': it is empty"),
])
def test_what_is_no_table(x, error, message):
    with pytest.raises(error, match=message):
        TableRegressor(**QUICK).fit(x, np.arange(len(x)))


def test_sparse_rows_are_the_networks():
    sparse = pytest.importorskip("scipy.sparse").csr_matrix(np.eye(20))
    with pytest.raises(TypeError, match=r"give X\.toarray\(\), or take NetClassifier"):
        TableClassifier(**QUICK).fit(sparse, np.arange(20) % 2)


def test_what_is_left_out_is_one_warning():
    table, _, word = mixed()
    table = table.assign(nothing=None, year=2023)
    model = TableClassifier(**{**QUICK, "quiet": False})
    with pytest.warns(TableWarning) as caught:
        model.fit(table, word)
    assert len(caught) == 1
    text = str(caught[0].message)
    assert "\n- column 'nothing': left out: it is empty" in text
    assert "\n- column 'zip': " in text
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        quiet = TableClassifier(**QUICK).fit(table, word)
    assert quiet.notes_ == model.notes_
    assert len(quiet.notes_) == 3


def test_what_the_user_says_about_columns():
    table = pd.DataFrame({"code": ["1", "2", "3", "4"] * 20, "note": ["a long text of words"] * 80,
                          "price": ["1,250"] * 40 + ["-9"] * 40, "x": np.arange(80.0)})
    model = TableRegressor(**QUICK, types={"code": "category", "note": "text"}, text=True,
                           decimal=",", na=("-9",), drop=("x",), keep=("note",))
    model.fit(table, np.arange(80.0))
    names = model.inputs_.names
    assert names[:4] == ("code = 1", "code = 2", "code = 3", "code = 4")
    assert sum("words" in name for name in names) == 256
    assert names[-2:] == ("price", "price (nothing)")
    one = TableRegressor(**QUICK, drop="x", na="-9", keep="note").fit(table, np.arange(80.0))
    assert [c.name for c in one.columns_.columns if c.left_out == "as asked for"] == ["x"]
    for wrong, message in (({"types": {"no": "number"}}, "no column 'no'"),
                           ({"decimal": ";"}, "decimal"), ({"text": "yes"}, "text"),
                           ({"types": {"x": "picture"}}, "'picture' is no type")):
        with pytest.raises(ValueError, match=message):
            TableRegressor(**{**QUICK, **wrong}).fit(table, np.arange(80.0))


# Weights, validation sets, going on -----------------------------------------------------------


def test_rows_of_weight_0_are_no_rows():
    table, number, _ = mixed()
    weights = np.where(np.arange(400) < 300, 1.0, 0.0)
    strange = table.copy()
    strange.loc[300:, "kind"] = "strange"
    strange.loc[300:, "size"] = 1e9
    weighed = TableRegressor(**QUICK).fit(strange, number, weights)
    fewer = TableRegressor(**QUICK).fit(table[:300], number[:300])
    assert weighed.columns_ == fewer.columns_
    np.testing.assert_array_equal(weighed.predict(table), fewer.predict(table))
    np.testing.assert_array_equal(weighed.held_out_, fewer.held_out_)
    with pytest.raises(ValueError, match=r"every weight is 0|at least one non-zero"):
        TableRegressor(**QUICK).fit(table, number, np.zeros(400))


def test_whole_weights_repeat_rows():
    table, number, _ = mixed()
    table = table.drop(columns=["zip", "since"])
    weights = np.arange(400) % 3 + 1
    rows = np.repeat(np.arange(400), weights)
    weighed = TableRegressor(**QUICK).fit(table, number, weights)
    longer = TableRegressor(**QUICK).fit(table.iloc[rows], number[rows])
    np.testing.assert_array_equal(weighed.predict(table), longer.predict(table))


def test_a_validation_set_of_ones_own():
    table, number, word = mixed()
    new, other, words = mixed(60, seed=1)
    for model, y, y_val in ((TableRegressor(**QUICK), number, other),
                            (TableClassifier(**QUICK), word, words)):
        model.fit(table, y, X_val=new, y_val=y_val)
        assert model.held_out_.tolist() == []
        wanted = model.estimator_.validation_score_curve_[-1]
        assert model.n_iter_ == len(model.validation_loss_curve_)
        if model.best_epoch_ in (None, model.n_iter_):
            assert model.score(new, y_val) == pytest.approx(wanted, abs=1e-6)
        named = clone(model).fit(table.assign(y=y), "y", X_val=new.assign(y=y_val))
        np.testing.assert_array_equal(named.predict(new), model.predict(new))
    with pytest.raises(ConfigurationError, match="give X_val and y_val together"):
        TableRegressor(**QUICK).fit(table, number, y_val=other)


def test_groups_are_held_out_whole():
    table, _, word = mixed()
    who = np.arange(400) % 20
    for validation in (None, GroupShuffleSplit(1, test_size=0.2, random_state=0)):
        settings = {**QUICK, "validation": validation}
        model = TableClassifier(**settings).fit(table, word, groups=who)
        held = set(who[model.held_out_])
        assert 0 < len(held) < 20
        assert not held & set(np.delete(who, model.held_out_))
        named = TableClassifier(**settings).fit(table.assign(who=who), word, groups="who")
        np.testing.assert_array_equal(named.held_out_, model.held_out_)
        assert named.inputs_ == model.inputs_
        assert named.columns_.columns[-1].left_out
    with pytest.raises(DataError, match="no column 'whom'"):
        TableClassifier(**QUICK).fit(table, word, groups="whom")


def test_a_mask_says_which_rows_are_held_out_beside_rows_of_weight_0():
    table, number, _ = mixed()
    mask = np.arange(400) % 5 == 0
    weights = np.where(np.arange(400) < 300, 0.7, 0.0)
    model = TableRegressor(**QUICK, validation=mask).fit(table, number, weights)
    assert model.held_out_.tolist() == np.flatnonzero(mask & (weights > 0)).tolist()


def test_what_is_learned_from_held_out_rows():
    table, number, word = mixed()
    model = TableRegressor(**QUICK, interval_fraction=0.3).fit(table, number)
    ends = model.predict_interval(table, 0.8)
    assert ends.shape == (400, 2)
    assert len(model.conformal_) == 120
    assert 0.7 < np.mean((ends[:, 0] <= number) & (number <= ends[:, 1])) < 0.95
    assert model.predict_interval(table[:0]).shape == (0, 2)
    classes = TableClassifier(**QUICK, threshold="f1", calibrate=True, monitor="roc_auc")
    classes.fit(table, word)
    assert 0 < classes.threshold_ < 1
    assert classes.temperature_ > 0
    assert len(classes.monitor_curve_) == classes.n_iter_
    share = classes.predict_proba(table)[:, 1]
    np.testing.assert_array_equal(classes.predict(table) == "more", share >= classes.threshold_)


def test_a_fit_that_goes_on_keeps_columns_and_inputs():
    table, number, _ = mixed()
    new, other, _ = mixed(seed=1)
    model = TableRegressor(**QUICK, warm_start=True).fit(table, number)
    columns, inputs, before = model.columns_, model.inputs_, model.predict(table)
    model.fit(new, other)
    assert (model.columns_, model.inputs_) == (columns, inputs)
    assert (model.predict(table) != before).any()
    with pytest.raises(DataError, match="lacks the column 'kind'"):
        model.fit(new.drop(columns="kind"), other)
    model.set_params(warm_start=False).fit(new, other)
    assert model.inputs_ != inputs


def test_what_fails_leaves_the_model_as_it_was():
    table, number, _ = mixed()
    model = TableRegressor(**QUICK).fit(table, number)
    before = model.predict(table)
    with pytest.raises(DataError):
        model.fit(table.assign(size=np.where(np.arange(400) == 3, np.inf, 1.0)), number)
    np.testing.assert_array_equal(model.predict(table), before)


def test_a_table_without_the_target():
    table, _, _ = mixed()
    with pytest.raises(DataError, match="no column 'prize'; it has 'size'"):
        TableRegressor(**QUICK).fit(table, "prize")
    with pytest.raises(ValueError, match="requires y to be passed"):
        TableRegressor(**QUICK).fit(table, None)


def test_a_network_for_a_table_is_seen_as_one():
    table, _, word = mixed()
    model = TableClassifier(**QUICK).fit(table, word)
    x, y = model._as_trained(table.assign(y=word), "y")
    assert x.shape == (400, model.inputs_.width)
    np.testing.assert_array_equal(y.ravel(), word == "more")
    np.testing.assert_array_equal(x, model._as_trained(table, None)[0])


def test_a_missing_polars_is_said():
    code = (
        "import importlib.util as util\n"
        "find = util.find_spec\n"
        "util.find_spec = lambda name, *a: None if name == 'polars' else find(name, *a)\n"
        "import evenly, evenly.estimators\n"
        "try:\n    evenly.TableClassifier\n"
        "except ImportError as error:\n    print(error)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "evenly.tables needs polars: pip install 'evenly[tables]'\n"


def test_public_names():
    assert ev.TableClassifier is TableClassifier
    assert issubclass(ev.TableRegressor, ev.TableModel)


def test_a_column_may_be_named_as_counts_are():
    words = ["a", "b", "?", "-"] * 20
    for types in ({}, {"count": "category"}):
        table = pl.DataFrame({"count": words, "rows": words, "level": np.arange(80) % 7})
        model = TableRegressor(**QUICK, types=types).fit(table, np.arange(80) % 3)
        assert "count = a" in model.inputs_.names
    flags = pl.DataFrame({"count": ["yes", "no", "?"] * 20, "x": np.arange(60) % 7})
    assert TableRegressor(**QUICK).fit(flags, np.arange(60) % 4).inputs_.names[0] == "count"
    numbers = pl.DataFrame({"count": ["1", "2.5", "4", "x", "5"] * 20, "x": np.arange(100) % 7})
    assert TableRegressor(**QUICK).fit(numbers, np.arange(100) % 4).inputs_.names[0] == "count"
