"""Whole pipelines: scikit-learn's transformers and our estimators in one file, as data."""

from __future__ import annotations

import copy
import re
import tracemalloc
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_selector
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import (
    SelectFdr,
    SelectFpr,
    SelectFwe,
    SelectKBest,
    SelectPercentile,
    VarianceThreshold,
    f_regression,
)
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.model_selection import KFold
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

import evenly as ev
from evenly.errors import ConfigurationError, FileFormatError
from evenly.files import read_arrays, write_arrays
from evenly.saving import load, save, transformers

RNG = np.random.default_rng(0)
X = RNG.gamma(2, 2, (40, 4))
X[:, 3] = RNG.integers(0, 4, 40)
Y = (X[:, 0] > X[:, 1]).astype(int)
GAPS = X.copy()
GAPS[::7, 1] = np.nan
WORDS = np.array([["a", "x"], ["b", None], ["c", "x"], ["a", "z"]] * 10, dtype=object)
MIXED = pd.DataFrame({"size": GAPS[:, 1], "kind": ["a", "b", "c", "a"] * 10, "more": X[:, 0]})
SMALL = {"max_epochs": 2, "random_state": 0, "batch": 8}


def net(kind: Any = ev.NetClassifier, **more: Any) -> Any:
    return kind((3,), **{**SMALL, **more})


def again(path: Any, what: Any) -> Any:
    save(path / "p", what)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return load(path / "p")


def assert_same(got: Any, wanted: Any) -> None:
    got, wanted = (v.toarray() if hasattr(v, "toarray") else np.asarray(v) for v in (got, wanted))
    assert got.dtype == wanted.dtype
    assert got.shape == wanted.shape
    assert got.dtype == object or got.tobytes() == wanted.tobytes()
    np.testing.assert_array_equal(got, wanted)


# Every transformer, with arguments that change what it learns; (transformer, what it reads).
TRANSFORMERS = [
    (StandardScaler(), X), (StandardScaler(with_mean=False, with_std=False), X),
    (StandardScaler(), GAPS), (MinMaxScaler((-1, 2), clip=True), X), (MaxAbsScaler(), X),
    (RobustScaler(unit_variance=True), X), (RobustScaler(with_centering=False), X),
    (QuantileTransformer(n_quantiles=7, output_distribution="normal", random_state=1), X),
    (PowerTransformer(), X), (PowerTransformer("box-cox", standardize=False), X + 1),
    (Normalizer("l1"), X), (Binarizer(threshold=2.5), X),
    (SimpleImputer(strategy="median", add_indicator=True), GAPS),
    (SimpleImputer(strategy="most_frequent", missing_values=None), WORDS),
    (SimpleImputer(strategy="constant", fill_value="none", missing_values=None), WORDS),
    (MissingIndicator(features="all"), GAPS), (MissingIndicator(), GAPS),
    (OneHotEncoder(), WORDS), (OneHotEncoder(drop="first", sparse_output=False), WORDS),
    (OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=11, dtype=np.float32),
     WORDS),
    (OneHotEncoder(categories=[["c", "b", "a"], ["x", "z", None]], dtype=int), WORDS),
    (OneHotEncoder(), X[:, 3:]), (OneHotEncoder(), np.array([["no"], ["yes"]] * 20)),
    (OrdinalEncoder(encoded_missing_value=-1), WORDS),
    (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan,
                    max_categories=2), WORDS),
    (KBinsDiscretizer(3), X[:, :3]), (KBinsDiscretizer(3, encode="ordinal", strategy="uniform"), X),
    (KBinsDiscretizer(4, encode="onehot-dense", dtype=np.float32), X[:, :3]),
    (PolynomialFeatures(3), X), (PolynomialFeatures((2, 3), interaction_only=True), X),
    (PolynomialFeatures(2, include_bias=False, order="F"), X), (VarianceThreshold(0.5), X),
    (SelectKBest(k=2), X), (SelectKBest(f_regression, k="all"), X), (SelectPercentile(), X),
    (SelectFpr(), X), (SelectFdr(), X), (SelectFwe(), X),
    (PCA(2, whiten=True), X), (PCA(0.9), X), (PCA(2, svd_solver="randomized", random_state=0), X),
    (TruncatedSVD(2, random_state=np.random.RandomState(3)), X),
    (FunctionTransformer(), X), (FunctionTransformer(np.log1p, np.expm1), X),
    (FeatureUnion([("a", StandardScaler()), ("b", "drop"), ("c", "passthrough")],
                  transformer_weights={"a": 2.0}), X),
    (Pipeline([("a", MinMaxScaler()), ("b", "passthrough"), ("c", None)]), X),
    (ColumnTransformer([("a", StandardScaler(), [0, 2]), ("b", "passthrough", slice(1, 2)),
                        ("c", MinMaxScaler(), np.array([False, False, False, True]))],
                       sparse_threshold=0), X),
    (ColumnTransformer([
        ("a", make_pipeline(SimpleImputer(), RobustScaler()), ["size"]),
        ("b", OneHotEncoder(), ["kind"]), ("c", "drop", []),
    ], remainder=MaxAbsScaler(), verbose_feature_names_out=False), MIXED),
    (net(ev.NetTransformer), X), (net(ev.NetTransformer, task="classification"), MIXED[["more"]]),
    (ev.NetTransformer(estimator=net(scale=False, validation=KFold(3))), X),
]


def test_the_docs_name_the_table():
    page = (Path(__file__).parents[2] / "docs" / "saving.md").read_text()
    listed = page.split("```text\n")[1].split("```")[0].split()
    assert sorted(listed) == sorted(transformers.NAMES)


def test_the_table_is_tried():
    tried = {type(one).__name__ for one, _ in TRANSFORMERS}
    assert {*transformers.NAMES} - tried == {"TransformedTargetRegressor"}


@pytest.mark.parametrize(("one", "x"), TRANSFORMERS, ids=lambda v: type(v).__name__)
def test_every_transformer(one, x, tmp_path):
    one = clone(one).fit(x, Y)
    twin = again(tmp_path, one)
    assert type(twin) is type(one)
    assert_same(twin.transform(x), one.transform(x))
    assert re.sub("0x[0-9A-F]+", "", repr(twin)) == re.sub("0x[0-9A-F]+", "", repr(one))
    if hasattr(one, "get_feature_names_out"):
        assert twin.get_feature_names_out().tolist() == one.get_feature_names_out().tolist()
    if hasattr(one, "inverse_transform") and not isinstance(one, ColumnTransformer):
        try:
            wanted = one.inverse_transform(one.transform(x))
        except (AttributeError, ValueError):
            return
        assert_same(twin.inverse_transform(one.transform(x)), wanted)


PIPELINES = [
    (make_pipeline(SimpleImputer(), PowerTransformer(), PCA(2), net()), GAPS),
    (make_pipeline(StandardScaler(), net(ev.NetRegressor, loss="huber")), X),
    (make_pipeline(ColumnTransformer([
        ("n", make_pipeline(SimpleImputer(), StandardScaler()), ["size", "more"]),
        ("c", OneHotEncoder(), ["kind"])]), net(multi_label=None)), MIXED),
    (make_pipeline(FeatureUnion([("codes", net(ev.NetTransformer)), ("as it is", "passthrough"),
                                 ("others", ev.NetTransformer((2,), **SMALL))]), net()), X),
    (TransformedTargetRegressor(net(ev.NetRegressor), func=np.log1p, inverse_func=np.expm1), X),
    (TransformedTargetRegressor(net(ev.NetRegressor), transformer=QuantileTransformer(
        n_quantiles=2)), X),
    (make_pipeline(FunctionTransformer(), ev.TableClassifier((3,), quiet=True, **SMALL)), MIXED),
    (make_pipeline("passthrough", net(validation=KFold(3))), X),
    (make_pipeline(MinMaxScaler(), net()).set_output(transform="pandas"), MIXED[["more"]]),
]


@pytest.mark.parametrize(("one", "x"), PIPELINES, ids=lambda v: type(v).__name__)
def test_whole_pipelines(one, x, tmp_path):
    one = clone(one).fit(x, Y)
    twin = again(tmp_path, one)
    assert_same(twin.predict(x), one.predict(x))
    if hasattr(one, "predict_proba"):
        assert_same(twin.predict_proba(x), one.predict_proba(x))
    assert repr(twin) == repr(one)
    assert twin.score(x, Y) == one.score(x, Y)
    again(tmp_path, twin)
    assert_same(clone(twin).fit(x, Y).predict(x), one.predict(x))


def test_a_transformer_of_a_model_that_was_given(tmp_path):
    model = ev.init(ev.Sequential([ev.Dense(3), ev.ReLU(), ev.Dense(2)]), 4)
    one = ev.NetTransformer(estimator=model, layer="dense_1").fit(X)
    twin = again(tmp_path, one)
    assert_same(twin.transform(X), one.transform(X))
    assert twin.layer_ == "dense_1"


@pytest.mark.parametrize("lay", [
    np.asfortranarray, lambda a: np.ascontiguousarray(a[::-1])[::-1],
    lambda a: np.repeat(a, 3, axis=1)[:, ::3], lambda a: np.repeat(a.T, 2, axis=1)[:, ::2].T[:, :],
])
def test_numbers_lie_as_they_lay(lay, tmp_path):
    one = PCA(3).fit(X)
    one.components_ = lay(one.components_)
    twin = again(tmp_path, one)
    assert twin.components_.strides == one.components_.strides
    assert_same(twin.components_, one.components_)
    assert_same(twin.transform(X), one.transform(X))


# What is refused to save ----------------------------------------------------------------------


class Own(StandardScaler):
    pass


@pytest.mark.parametrize(("one", "words"), [
    (make_pipeline(StandardScaler(), RandomForestClassifier(2)),
     r"Pipeline.steps\[1\]\[1\] is a sklearn\S+RandomForestClassifier, which a file does not hold "
     r".*StandardScaler.*skops.io.dump"),
    (make_pipeline(Own(), net()), r"is a \S+test_pipelines.Own, which a file does not hold"),
    (make_pipeline(FunctionTransformer(np.fliplr), net()),
     r"steps\[0\]\[1\].func is <function fliplr.*numpy.log1p.*skops"),
    (make_pipeline(StandardScaler(), net(), memory="cache"), r"set_params\(memory=None\)"),
    (ColumnTransformer([("a", StandardScaler(), make_column_selector())]),
     r"is <sklearn.*make_column_selector.*, a function that a file cannot hold"),
    (make_pipeline(StandardScaler(), net(callbacks=(print,))), "callbacks of this NetClassifier"),
    (RandomForestClassifier(2), "RandomForestClassifier is a sklearn"),
])
def test_what_is_refused(one, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match=words):
        save("p", one.fit(X if "Column" not in type(one).__name__ else MIXED[["more"]], Y))


def test_what_is_not_fitted(tmp_path):
    for one in (make_pipeline(StandardScaler(), net()), StandardScaler(), net(ev.NetTransformer)):
        with pytest.raises(ConfigurationError, match="not fitted: call fit first"):
            save(tmp_path / "p", one)


def test_what_scikit_learn_learns_anew_is_not_lost(tmp_path):
    one = StandardScaler().fit(X)
    one.more_ = 1
    with pytest.raises(ConfigurationError, match="has 'more_', which a StandardScaler"):
        save(tmp_path / "p", one)


# Files that lie -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """{name: (arrays, text)} of some pipelines."""
    folder = tmp_path_factory.mktemp("pipelines")
    found = {}
    for name, one, x in (
        ("scaler", StandardScaler(), X), ("encoder", OneHotEncoder(), WORDS),
        ("powers", PolynomialFeatures(2), X), ("gaps", MissingIndicator(), GAPS),
        ("selected", SelectKBest(k=2), X), ("objects", SimpleImputer(missing_values=None,
                                                                    strategy="most_frequent"),
                                            WORDS),
        ("columns", ColumnTransformer([("a", StandardScaler(), slice(0, 2))], n_jobs=1), X),
        ("pipeline", make_pipeline(StandardScaler(), net()), X),
        ("codes", net(ev.NetTransformer), X), ("main", PCA(2, svd_solver="randomized"), X),
    ):
        save(folder / name, clone(one).fit(x, Y))
        found[name] = read_arrays(folder / name)
    return found


def parts(text: Any) -> Any:
    return text["content"]["estimator"]["estimator"]


@pytest.mark.parametrize(("name", "change", "reason"), [
    ("scaler", lambda t, a: parts(t).__setitem__(0, "RandomForestClassifier"), "no file holds"),
    ("scaler", lambda t, a: parts(t).__setitem__(0, "os.system"), "no file holds"),
    ("scaler", lambda t, a: parts(t).__setitem__(0, "MinMaxScaler"), "does not have all of these"),
    ("scaler", lambda t, a: parts(t)[1].update(more=1), "does not have all of these arguments"),
    ("scaler", lambda t, a: parts(t)[2].update(more_=1), "learns other things"),
    ("scaler", lambda t, a: parts(t)[2].update(transform=1), "learns other things"),
    ("scaler", lambda t, a: parts(t)[2].pop("n_samples_seen_"), "learns other things"),
    ("scaler", lambda t, a: parts(t)[2].update(mean_=[1]), "mean_ cannot be that"),
    ("scaler", lambda t, a: parts(t)[2].update(n_features_in_=5), "cannot be that"),
    ("scaler", lambda t, a: parts(t)[2].update(n_features_in_=-1), "n_features_in_ cannot be"),
    ("scaler", lambda t, a: t.update(content={"estimator": 1}), "should have the fields"),
    ("scaler", lambda t, a: t["content"].update({"scikit-learn": 1}), "version of scikit-learn"),
    ("scaler", lambda t, a: t["content"].update(estimator=5), "holds no estimator"),
    ("encoder", lambda t, a: parts(t)[2].update(_n_features_outs=[10**9, 1]), "parts do not fit"),
    ("encoder", lambda t, a: parts(t)[1].update(dtype={"kind": ["eval"]}), "nothing that is known"),
    ("encoder", lambda t, a: parts(t)[2]["categories_"].pop(), "categories_ cannot be that"),
    ("powers", lambda t, a: parts(t)[2].update(_n_out_full=10**9), "parts do not fit"),
    ("powers", lambda t, a: parts(t)[2].update(_max_degree=10**9), "parts do not fit"),
    ("powers", lambda t, a: parts(t)[2].update(n_features_in_=10**9), "parts do not fit"),
    ("gaps", lambda t, a: parts(t)[2].update(n_features_in_=1), "parts do not fit"),
    ("selected", lambda t, a: parts(t)[1].update(score_func={"function": ["os.system"]}),
     "nothing that is known"),
    ("objects", lambda t, a: parts(t)[2].update(statistics_={"objects": [[10**9], []]}),
     "another number of them"),
    ("columns", lambda t, a: parts(t)[1].update(n_jobs=10**6), "n_jobs cannot be that"),
    ("columns", lambda t, a: parts(t)[1].update(transformers=[1]), "parts do not fit"),
    ("columns", lambda t, a: parts(t)[1].update(transformers={"slice": [1]}), "1 parts instead"),
    ("columns", lambda t, a: parts(t)[2].update(transformers_={"laid": [1, [1]]}), "no array"),
    ("main", lambda t, a: parts(t)[2]["components_"]["laid"].__setitem__(1, [1, 10**12]),
     "more memory than is allowed"),
    ("main", lambda t, a: parts(t)[2]["components_"]["laid"].__setitem__(1, [-(10**12), 1]),
     "more memory than is allowed"),
    ("main", lambda t, a: parts(t)[2]["components_"]["laid"].__setitem__(1, [1]), "other steps"),
    ("pipeline", lambda t, a: parts(t)[1].update(memory="/tmp/x"), "a folder to write to"),
    ("pipeline", lambda t, a: a.pop("part_0/weights/dense_1.kernel"), "is missing"),
    ("pipeline", lambda t, a: a.update({"part_0/weights/dense_9.kernel": np.zeros(1)}),
     "belongs to nothing"),
    ("pipeline", lambda t, a: a.update({"part_1/weights": np.zeros(1)}), "belongs to nothing"),
    ("pipeline", lambda t, a: parts(t)[1]["steps"][1]["tuple"][1]["ours"].__setitem__(
        0, "NetTransformer"), "no known class"),
    ("codes", lambda t, a: parts(t)[2].update(layer_="dense_9"), "layer must be one of"),
    ("codes", lambda t, a: parts(t)[2].update(network=1), "without a network"),
    ("codes", lambda t, a: parts(t)[2].update(n_features_in_=9), "reads examples of shape"),
])
def test_files_that_lie(name, change, reason, written, tmp_path):
    arrays, text = written[name]
    arrays, text = dict(arrays), copy.deepcopy(text)
    write_arrays(tmp_path / "p", arrays, text)
    load(tmp_path / "p")
    change(text, arrays)
    write_arrays(tmp_path / "p", arrays, text)
    tracemalloc.start()
    try:
        with pytest.raises(FileFormatError) as caught:
            load(tmp_path / "p")
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()
    assert reason in caught.value.reason


def test_all_networks_of_a_file_share_the_memory(tmp_path):
    codes = [(f"codes_{i}", net(ev.NetTransformer)) for i in range(4)]
    one = make_pipeline(FeatureUnion(codes), net()).fit(X, Y)
    save(tmp_path / "p", one)
    program = one.steps[-1][1].model_.engine.program
    each = program.state_bytes + program.work_bytes
    with pytest.raises(FileFormatError, match="does not allow it"):
        load(tmp_path / "p", memory=max((tmp_path / "p").stat().st_size, 2 * each))
    load(tmp_path / "p")


def test_another_scikit_learn_is_told(written, tmp_path):
    arrays, text = written["scaler"]
    text = copy.deepcopy(text)
    text["content"]["scikit-learn"] = "0.24.2"
    write_arrays(tmp_path / "p", arrays, text)
    with pytest.warns(UserWarning, match=rf"saved with scikit-learn 0.24.2, this is "
                                         rf"{sklearn.__version__}.*compare predictions"):
        load(tmp_path / "p")
