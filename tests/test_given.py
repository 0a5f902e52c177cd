"""Arrays that are none of plain numbers, wherever arrays enter."""

import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

import evenly as ev
from evenly.engine import NotFiniteError
from evenly.errors import DataError
from evenly.rows import Batches, ParquetRows

X = np.random.default_rng(0).standard_normal((40, 3))
Y = (X[:, 0] > 0).astype(int)
LOSS = ev.SoftmaxCrossEntropy()
NET = ev.Sequential([ev.Dense(2)])
STEPS = ev.Sequential([ev.Reshape((3, 1)), ev.LSTM(3), ev.Dense(2)])


def masked(values, *places):
    array = np.ma.array(values, mask=np.zeros(np.shape(values), bool))
    for place in places:
        array[place] = np.ma.masked
    return array


MX, MY, MW = masked(X, (7, 1), (9, 0)), masked(Y, 7), masked(np.ones(40), 7)
MODEL = ev.init(NET, 3, loss=LOSS)


def fit(x=X, y=Y, net=NET, **settings):
    return ev.fit(net, x, y, loss=LOSS, **{"epochs": 1, **settings})


def engine(net=NET):
    return ev.Engine(ev.compile(net, 3, batch=40, loss=LOSS, optimizer=ev.SGD(0.1)))


MASKED = {
    "fit x": lambda: fit(MX), "fit y": lambda: fit(y=MY),
    "fit weights": lambda: fit(sample_weight=MW),
    "fit lists": lambda: fit(list(MX)),
    "fit validation": lambda: fit(validation=(MX, Y)),
    "fit validation y": lambda: fit(validation=(X, MY)),
    "fit validation weights": lambda: fit(validation=(X, Y, None, MW)),
    "lengths": lambda: ev.fit([ev.LSTM(3), ev.Dense(2)], X[:, :, None], Y, loss=LOSS, epochs=1,
                              lengths=masked(np.full(40, 2), 7)),
    "predict": lambda: MODEL.predict(MX), "predict_proba": lambda: MODEL.predict_proba(MX),
    "evaluate": lambda: MODEL.evaluate(MX, Y), "evaluate y": lambda: MODEL.evaluate(X, MY),
    "evaluate weights": lambda: MODEL.evaluate(X, Y, MW),
    "gradients": lambda: MODEL.gradients(MX, Y), "gradients y": lambda: MODEL.gradients(X, MY),
    "step": lambda: engine().step(MX, Y), "step y": lambda: engine().step(X, MY),
    "step weights": lambda: engine().step(X, Y, MW),
    "engine predict": lambda: engine().predict(MX),
    "set_weights": lambda: engine().set_weights({"dense_1.bias": masked(np.ones(2), 1)}),
    "batches": lambda: fit(Batches([(MX, Y)]), None),
    "batches y": lambda: fit(Batches([(X, MY)]), None),
    "batches weights": lambda: fit(Batches([(X, Y, MW)]), None),
    "lsuv": lambda: ev.lsuv(MODEL, MX),
    "Standardizer": lambda: ev.Standardizer().fit(MX),
    "transform": lambda: ev.Standardizer().fit(X).transform(MX),
    "RobustScaler": lambda: ev.RobustScaler().fit(MX),
    "show_work": lambda: ev.show_work(NET, MX[5:9]),
    "show_work y": lambda: ev.show_work(NET, X[5:9], MY[5:9], loss=LOSS),
    "classifier X": lambda: ev.NetClassifier(4, max_epochs=1).fit(MX, Y),
    "classifier y": lambda: ev.NetClassifier(4, max_epochs=1).fit(X, MY),
    "classifier weights": lambda: ev.NetClassifier(4, max_epochs=1).fit(X, Y, MW),
    "classifier validation": lambda: ev.NetClassifier(4, max_epochs=1).fit(
        X, Y, X_val=MX, y_val=Y),
    "regressor y": lambda: ev.NetRegressor(4, max_epochs=1).fit(X, masked(X[:, 0], 7)),
    "regressor": lambda: ev.NetRegressor(4, max_epochs=1).fit(X, X[:, 0]).predict(MX),
    "partial_fit": lambda: ev.NetClassifier(4).partial_fit(MX, Y, classes=[0, 1]),
    "partial_fit weights": lambda: ev.NetRegressor(4).partial_fit(X, X[:, 0], MW),
    "transformer": lambda: ev.NetTransformer(2, max_epochs=1).fit(MX),
}


@pytest.mark.parametrize("act", MASKED.values(), ids=MASKED)
def test_a_mask_is_not_lost(act):
    with pytest.raises(DataError, match=r"got a masked array, and its mask would be lost: \d of"):
        act()


def test_the_error_says_which_and_what_to_do():
    with pytest.raises(DataError, match=r"x: .*2 of 120 numbers are masked, first in row 7, "
                                        r"column 1: fill them with filled\(\)"):
        fit(MX)


def test_a_mask_of_nothing_is_no_mask():
    a = fit(masked(X), masked(Y), sample_weight=masked(np.ones(40)))
    b = fit(X, Y, sample_weight=np.ones(40))
    np.testing.assert_array_equal(a.weights["dense_1.kernel"], b.weights["dense_1.kernel"])


# Numbers that float32 does not hold -----------------------------------------------------------


BIG = X.copy()
BIG[7, 1] = 1e39


def parquet(tmp_path, x=BIG):
    table = pd.DataFrame(dict(zip("abc", x.T, strict=True)) | {"y": Y})
    table.to_parquet(tmp_path / "rows.parquet")
    return ParquetRows(tmp_path / "rows.parquet", "y")


TOO_LARGE = {
    "fit": lambda _: fit(BIG), "validation": lambda _: fit(validation=(BIG, Y)),
    "predict": lambda _: MODEL.predict(BIG), "evaluate": lambda _: MODEL.evaluate(BIG, Y),
    "gradients": lambda _: MODEL.gradients(BIG, Y), "step": lambda _: engine().step(BIG, Y),
    "sparse": lambda _: fit(scipy.sparse.csr_matrix(BIG)),
    "sparse predict": lambda _: MODEL.predict(scipy.sparse.csc_matrix(BIG)),
    "batches": lambda _: fit(Batches([(BIG, Y)]), None),
    "parquet": lambda path: fit(parquet(path), None),
    "parquet predict": lambda path: MODEL.predict(parquet(path)),
    "lsuv": lambda _: ev.lsuv(MODEL, BIG),
}


@pytest.mark.parametrize("act", TOO_LARGE.values(), ids=TOO_LARGE)
def test_a_number_too_large_is_named(act, tmp_path):
    with pytest.raises(DataError, match=r"x holds numbers too large for float32: .*"
                                        r"dtype='float64' \(1e\+39 in row 7, column 1\)"):
        act(tmp_path)


@pytest.mark.parametrize("shuffle", [True, False])
def test_a_mapped_number_too_large_is_named_before_training(tmp_path, monkeypatch, shuffle):
    monkeypatch.setattr("evenly.rows.sources.CHUNK_BYTES", 1)
    BIG.tofile(tmp_path / "x.raw")
    x = np.memmap(tmp_path / "x.raw", mode="r", shape=BIG.shape, dtype=BIG.dtype)
    for act in (lambda: fit(x, shuffle=shuffle), lambda: MODEL.predict(x),
                lambda: MODEL.evaluate(x, Y)):
        with pytest.raises(DataError, match=r"\(1e\+39 in row 7, column 1\)"):
            act()


def test_float64_takes_it():
    with pytest.raises(DataError, match=r"1e\+39 in row 7"):
        fit(BIG)
    assert np.isfinite(fit(BIG / 1e39, dtype="float64").history[-1].loss)
    assert fit(np.where(BIG > 1e38, 1e37, BIG)).history.stopped == "epochs"


def test_weights_and_targets_too_large_are_named():
    with pytest.raises(DataError, match=r"sample_weight holds numbers too .*\(1e\+39 in row 0\)"):
        fit(sample_weight=np.full(40, 1e39))
    y = np.zeros(40)
    y[3] = 1e40
    with pytest.raises(DataError, match=r"the targets hold numbers too large .*\(1e\+40 in row 3"):
        ev.fit(ev.Dense(1), X, y, loss=ev.MeanSquaredError())
    with pytest.raises(DataError, match=r"weights: 'dense_1.bias' holds numbers too large"):
        engine().set_weights({"dense_1.bias": np.array([1.0, 1e39])})


# Class numbers that are none --------------------------------------------------------------------


@pytest.mark.parametrize("net", [NET, STEPS])
@pytest.mark.parametrize(("bad", "words"), [
    ([0.0, np.inf], r"got inf in row 1: leave such rows out"),
    ([0.0, np.nan], r"got nan in row 1: leave such rows out"),
    ([0, -1], r"got -1 to 0: -1 in row 1 is no class; number .* from 0, .*ignore_index=-1"),
    ([0, -100], r"-100 in row 1 is no class"),
    ([0, 2], r"got 0 to 2: the last layer needs 3 units"),
    ([0.0, 1e300], r"the last layer needs 1000"),
    ([0, 0.5], r"got float64: number the classes"),
    (["a", "b"], r"got <U1: number the classes"),
    ([0j, 1j], r"got complex128"), ([None, 1], r"got a missing value \(None\) in row 0"),
    (np.array([0, pd.NA], object), r"got a missing value \(<NA>\) in row 1"),
    (np.array(["2020-01-01", "2020-01-02"], "datetime64[D]"), r"got datetime64\[D\]"),
])
def test_strange_class_numbers(net, bad, words):
    y = np.tile(np.asarray(bad), 20)
    if y.dtype == np.int64:  # the kernels' own type is no way around
        with pytest.raises(DataError, match=words):
            engine(net).step(X, y.astype(np.int32))
        with pytest.raises(DataError, match=words):
            fit(y=y.astype(np.int32), net=net)
    model = ev.init(net, 3, loss=LOSS)
    for act in (lambda: fit(y=y, net=net), lambda: model.evaluate(X, y),
                lambda: model.gradients(X, y), lambda: engine(net).step(X, y)):
        with pytest.raises(DataError, match=r"SoftmaxCrossEntropy: expects class .*" + words):
            act()


def test_an_index_to_ignore_is_allowed_where_it_is_set_alone():
    y = np.where(Y, 1, -100)
    loss = ev.SoftmaxCrossEntropy(ignore_index=-100)
    ev.fit(NET, X, y, loss=loss, epochs=1)
    with pytest.raises(DataError, match=r"0 to 1 or -100 to ignore.*-1 in row 0 is no class"):
        ev.fit(NET, X, np.full(40, -1), loss=loss)
    program = ev.compile(NET, 3, batch=40, loss=loss, optimizer=ev.SGD(0.1))
    own = ev.Engine(program)
    own.step(X, own.targets(y))
    with pytest.raises(ValueError, match="a class number has no score of its own"):
        next(own.train(own.rows(X), np.full((40, 1), -101, np.int32), None, 40))
    with pytest.raises(DataError, match="class numbers must lie between 0 and 1"):
        own.run("gradient", own.rows(X), np.full((40, 1), -101, np.int32))


# What is no number ------------------------------------------------------------------------------


@pytest.mark.parametrize(("x", "words"), [
    (X + 1j, "got complex128: take the real and the imaginary part"),
    (X.astype(str), "got <U32: encode text columns"),
    (np.full((40, 3), np.datetime64("2020-01-01")), r"got datetime64\[D\]: give the time that "),
    (np.full((40, 3), np.timedelta64(1, "D")), r"got timedelta64\[D\]: give the time that has "),
    (np.full((40, 3), None), r"got a missing value \(None\) in row 0, column 0: fill"),
    (pd.DataFrame(X).astype("Float64").mask(X > 2).astype(object),
     r"got a missing value \(<NA>\) in row \d+, column \d: fill"),
    (pd.DataFrame({"a": X[:, 0], "b": "red", "c": 1}), r"got text \('red'\) in row 0, column 1"),
    (np.full((40, 3), 1, object), r"got Python objects: give astype\(float\)"),
    (np.full((40, 3), {1}, object), r"got a set \(\{1\}\) in row 0, column 0"),
    (pd.DataFrame({k: pd.date_range("2020", periods=40) for k in "abc"}), r"got datetime64\["),
])
def test_what_is_no_number_is_named(x, words):
    acts = (lambda: fit(x), lambda: MODEL.predict(x), lambda: MODEL.evaluate(x, Y),
            lambda: MODEL.gradients(x, Y), lambda: engine().step(x, Y),
            lambda: ev.Standardizer().fit(x), lambda: fit(Batches([(x, Y)]), None))
    for act in acts:
        with pytest.raises(DataError, match=words):
            act()


def test_the_engines_error_survives_pickle():
    told = (3, "dense_1.kernel after the update", 1.0, True)
    error = pickle.loads(pickle.dumps(NotFiniteError(*told)))
    assert (error.step, error.layer, error.loss, error.updated) == told
