"""Targets of every kind: right, or an error or a warning that says what to do."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from evenly.errors import ConfigurationError, DataError
from evenly.estimators import NetClassifier, NetRegressor, NetTransformer

from .common import QUICK, classes, labels, numbers

X, Y = classes()
B = Y > 0
ONE_HOT = np.eye(3, dtype=int)[Y]


@pytest.mark.parametrize("y", [ONE_HOT, ONE_HOT.astype(float), ONE_HOT.astype(bool),
                               pd.get_dummies(pd.Series(Y)), csr_array(ONE_HOT)],
                         ids=["int", "float", "bool", "frame", "sparse"])
def test_one_hot_targets_are_warned_of(y):
    with pytest.warns(UserWarning, match=r"looks one-hot.*y.argmax\(axis=1\).*multi_label=True"):
        NetClassifier(**QUICK).fit(X, y)
    with pytest.warns(UserWarning, match="looks one-hot"):
        NetClassifier(**QUICK).partial_fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted = NetClassifier(**QUICK, multi_label=True).fit(X, y)
    assert fitted.predict_proba(X).shape == (200, 3)
    with pytest.raises(ConfigurationError, match=r"multi_label=False.*y.argmax\(axis=1\)"):
        NetClassifier(**QUICK, multi_label=False).fit(X, y)


def test_labels_are_taken_without_a_word():
    x, y = labels()
    for given in (None, True):
        fitted = NetClassifier(**QUICK, multi_label=given).fit(x, y)
        assert fitted.predict(x).shape == (200, 3)
    one = NetClassifier(**QUICK, multi_label=True).partial_fit(x[:1], [[0, 1, 0]])
    assert one.partial_fit(x, y).predict(x).shape == (200, 3)
    single = NetClassifier(**QUICK, multi_label=True).fit(x, y[:, :1])
    assert single.predict(x).shape == (200, 1)


def test_multi_label_that_does_not_fit():
    with pytest.raises(ConfigurationError, match=r"multi_label=True: y must be 0 or 1 .*\(200,\)"):
        NetClassifier(multi_label=True).fit(X, Y)
    with pytest.raises(ConfigurationError, match="multi_label must be True, False or None"):
        NetClassifier(multi_label="yes").fit(X, Y)
    with pytest.raises(ConfigurationError, match="partial_fit takes no classes"):
        NetClassifier(multi_label=True).partial_fit(X, Y, classes=[0, 1, 2])
    x, y = labels()
    net = NetClassifier(**QUICK, warm_start=True).fit(x, y)
    with pytest.raises(ConfigurationError, match="was trained with multi_label=True"):
        net.set_params(multi_label=False).fit(x, y)


@pytest.mark.parametrize("kind", [NetClassifier, NetRegressor])
@pytest.mark.parametrize(("y", "words"), [
    (np.where(B, np.inf, 0.0), "y contains infinity"),
    (np.where(B, np.nan, 0.0), "y contains NaN"),
    (np.where(B, None, 0), r"y: None or NaN in \d+ of 200 places, first at place \d+"),
    ([None if b else 0.0 for b in B], "y: None or NaN in"),
    (np.array(["a" if b else np.nan for b in B], dtype=object), "y: None or NaN in"),
    (pd.Series(["a" if b else None for b in B], dtype=object), "y: None or NaN in"),
    (pd.Series(np.where(B, 1, 0)).astype("Int64").where(B), "NaN"),
    (np.ma.array(B.astype(float), mask=B), r"y: got a masked array, .* \d+ of 200 numbers"),
    (np.zeros((200, 2, 2)), "dim 3"),
    (B[:10], "inconsistent numbers of samples"),
    (None, "requires y to be passed"),
])
def test_targets_that_cannot_be(kind, y, words):
    with pytest.raises(ValueError, match=words):
        kind(**QUICK).fit(X, y)


@pytest.mark.parametrize(("y", "words"), [
    (np.where(B, 0.5, 0.0), "continuous"),
    (np.zeros(200), r"only one class: 0\.0"),
    (np.array([1 if b else "a" for b in B], dtype=object), r"y holds int, str: .*y.astype\(str\)"),
])
def test_classes_that_cannot_be(y, words):
    with pytest.raises(ValueError, match=words):
        NetClassifier(**QUICK).fit(X, y)


@pytest.mark.parametrize(("y", "words"), [
    (np.where(B, np.datetime64("2020-01-01"), np.datetime64("2021-01-01")), "days since"),
    (pd.Series(pd.Timestamp("2020-01-01")).repeat(200), "days since"),
    (np.where(B, np.timedelta64(1, "D"), np.timedelta64(2, "D")), "expects numbers, got timedelta"),
    (np.where(B, "x", "y"), "could not convert string to float"),
])
def test_numbers_that_cannot_be(y, words):
    with pytest.raises(ValueError, match=words):
        NetRegressor(**QUICK).fit(X, y)


@pytest.mark.parametrize(("y", "classes"), [
    (np.where(B, -1, 3), [-1, 3]), (B, [False, True]), (np.where(B, 1.0, 2.0), [1.0, 2.0]),
    (np.where(B, "1.5", "2.5"), ["1.5", "2.5"]), ([str(b) for b in B], ["False", "True"]),
    (pd.Series(np.where(B, "x", "y"), dtype="category"), ["x", "y"]),
    (np.where(B, np.datetime64("2020-01-01"), np.datetime64("2021-01-01")), None),
])
def test_classes_of_any_type_come_back(y, classes):
    fitted = NetClassifier(**{**QUICK, "max_epochs": 60}).fit(X, y)
    assert classes is None or fitted.classes_.tolist() == classes
    assert (fitted.predict(X) == np.asarray(y)).mean() > 0.9


@pytest.mark.filterwarnings("ignore:A column-vector y was passed")
def test_a_column_of_targets():
    assert NetClassifier(**QUICK).fit(X, B[:, None]).predict(X).shape == (200,)
    frame = pd.DataFrame({"y": B.astype(int)})
    assert NetClassifier(**QUICK).fit(X, frame).predict(X).shape == (200,)
    assert NetRegressor(**QUICK).fit(X, frame).predict(X).shape == (200, 1)


def masked(values):
    hidden = np.zeros(np.shape(values), bool)
    hidden.flat[3] = True
    return np.ma.array(values, mask=hidden)


@pytest.mark.parametrize("kind", [NetClassifier, NetRegressor, NetTransformer])
def test_masks_are_not_forgotten(kind):
    net = kind(**QUICK).fit(X, Y)
    use = net.transform if kind is NetTransformer else net.predict
    calls = [
        (lambda: use(masked(X)), r"X: got a masked array, .* 1 of 1200 .*SimpleImputer"),
        (lambda: net.fit(masked(X), Y), "X: got a masked array"),
        (lambda: net.fit(X, masked(Y)), "y: got a masked array, .* 1 of 200"),
        (lambda: net.fit(X, Y, masked(np.ones(200))), "sample_weight: got a masked array"),
        (lambda: net.fit(X, Y, X_val=masked(X), y_val=Y), "X: got a masked array"),
        (lambda: net.fit(X, Y, X_val=X, y_val=masked(Y)), "y: got a masked array"),
    ]
    if kind is not NetTransformer:
        calls.append((lambda: net.partial_fit(masked(X), Y), "X: got a masked array"))
    for call, words in calls:
        with pytest.raises(DataError, match=words):
            call()
    whole = use(np.ma.array(X))
    assert np.array_equal(whole, use(X))


@pytest.mark.parametrize("kind", [NetClassifier, NetRegressor])
@pytest.mark.parametrize(("weight", "words"), [
    (np.inf, "sample_weight contains infinity"), (np.nan, "sample_weight contains NaN"),
    (-1.0, "[Nn]egative values in data passed to `?sample_weight"),
])
@pytest.mark.parametrize("call", ["fit", "partial_fit"])
def test_weights_that_cannot_be(kind, weight, words, call):
    weights = np.ones(200)
    weights[7] = weight
    more = {"classes": [0, 1, 2]} if (kind, call) == (NetClassifier, "partial_fit") else {}
    with pytest.raises(ValueError, match=words):
        getattr(kind(**QUICK), call)(X, Y, sample_weight=weights, **more)


@pytest.mark.parametrize("kind", [NetClassifier, NetRegressor])
@pytest.mark.parametrize("size", [1e39, 1e307, 1e-39, 1e-300])
def test_weights_of_any_size_are_relative(kind, size):
    weights = np.random.default_rng(0).random(200)
    one = kind(**QUICK).fit(X, Y, weights)
    other = kind(**QUICK).fit(X, Y, size * weights)
    np.testing.assert_allclose(other.predict(X), one.predict(X), rtol=1e-3, atol=1e-3)


def test_weights_of_zero_alone():
    words = "every weight is 0|at least one non-zero"
    for net, more in ((NetClassifier(), {"classes": [0, 1, 2]}), (NetRegressor(), {})):
        with pytest.raises(ValueError, match=words):
            net.fit(X, Y, np.zeros(200))
        with pytest.raises(ValueError, match=words):
            net.partial_fit(X, Y, sample_weight=np.zeros(200), **more)
        with pytest.raises(DataError, match=r"sample_weight: 1e\+39 is more than 1e\+30"):
            net.partial_fit(X, Y, sample_weight=np.full(200, 1e39), **more)


def test_inputs_beyond_float32():
    x = X.copy()
    x[5, 2] = 1e39
    with pytest.raises(DataError, match="X holds numbers too large for float32: use scale=True"):
        NetClassifier(**QUICK, scale=False).fit(x, Y)
    fitted = NetClassifier(**QUICK).fit(X, Y)
    assert np.isfinite(fitted.predict_proba(x)).all()
    assert NetClassifier(**QUICK).fit(x, Y).score(x, Y) > 0.5
    with pytest.raises(DataError, match="too large for float32"):
        NetClassifier(**QUICK, scale=False).partial_fit(x, Y, classes=[0, 1, 2])
    y = numbers()[1]
    y[3] = 1e39
    with pytest.warns(UserWarning, match=r"1e\+39 in row 3"):
        assert np.isfinite(NetRegressor(**QUICK).fit(X, y).predict(X)).all()
    with pytest.warns(UserWarning, match="in row 3"), pytest.raises(DataError, match="y"):
        NetRegressor(**QUICK, scale=False).fit(X, y)
