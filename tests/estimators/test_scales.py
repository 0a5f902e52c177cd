"""The scales of inputs by quantiles: what they are, and all that an estimator does with them."""

import pickle

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.stats import norm, rankdata

import evenly as ev
from evenly.errors import ConfigurationError, DataError
from evenly.estimators import NetClassifier, NetRegressor, NetTransformer
from evenly.tables import TableClassifier

from .common import QUICK

RNG = np.random.default_rng(0)
X = RNG.standard_t(1.5, (240, 5))
X[:, 1] = RNG.random(240) < 0.1  # an indicator
X[:, 2] = 2023.0
X[:, 3] = np.where(RNG.random(240) < 0.1, RNG.normal(size=240), 0.0)  # quartiles are equal
Y = (np.arctan(X[:, 0]) + np.arctan(X[:, 4]) > 0).astype(int)
KINDS = ("robust", "normal")
ALL = {**QUICK, "early_stopping": False}


def inputs(net, x):
    return net._inputs(np.asarray(x, np.float64))


def test_the_robust_scale_is_its_formula():
    z = inputs(NetClassifier(**ALL, scale="robust").fit(X, Y), X)
    low, middle, high = np.quantile(X, (0.25, 0.5, 0.75), axis=0)
    expected = (X[:, 0] - middle[0]) / (high[0] - low[0])
    np.testing.assert_allclose(z[:, 0], expected / np.sqrt(1 + (expected / 3) ** 2), rtol=1e-12)
    np.testing.assert_allclose(z[:, 1], X[:, 1] - X[:, 1].mean(), atol=1e-15)
    assert not z[:, 2].any()
    half = np.ptp(X[:, 3]) / 2
    np.testing.assert_allclose(z[:, 3], X[:, 3] / half / np.sqrt(1 + (X[:, 3] / half / 3) ** 2))


def test_the_normal_scale_is_its_formula():
    z = inputs(NetClassifier(**ALL, scale="normal").fit(X, Y), X)
    for c in (0, 3):
        expected = norm.ppf((rankdata(X[:, c]) - 0.5) / 240).clip(-3, 3)
        np.testing.assert_allclose(z[:, c], expected, atol=1e-9)
    np.testing.assert_allclose(z[:, 1], X[:, 1] - X[:, 1].mean(), atol=1e-15)
    assert not z[:, 2].any()
    between = (np.sort(X[:, 0])[100:102]).mean()
    place = inputs(NetClassifier(**ALL, scale="normal").fit(X, Y), [[between, 0, 0, 0, 0]])[0, 0]
    np.testing.assert_allclose(place, np.sort(z[:, 0])[100:102].mean())


@pytest.mark.parametrize("kind", KINDS)
def test_far_new_values_stay_near(kind):
    net = NetClassifier(**ALL, scale=kind).fit(X, Y)
    far = np.tile(X[:1], (4, 1))
    far[:, 0] = [1.7e308, -1.7e308, 1e200, 1e9]
    z = inputs(net, far)[:, 0]
    assert (np.abs(z) <= 3).all()
    assert z[0] > 2.5 > -2.5 > z[1]
    assert np.isfinite(net.predict_proba(far)).all()
    away = X.copy()
    away[:, 2] = 1e6
    assert np.array_equal(net.predict_proba(away), net.predict_proba(X))


@pytest.mark.parametrize("kind", KINDS)
def test_each_row_by_itself_and_in_any_order(kind):
    net = NetClassifier(**ALL, scale=kind).fit(X, Y)
    z = inputs(net, X)
    assert np.array_equal(np.concatenate([inputs(net, X[i : i + 1]) for i in range(50)]), z[:50])
    order = RNG.permutation(len(X))
    again = NetClassifier(**ALL, scale=kind).fit(X[order], Y[order])
    assert np.array_equal(again.predict_proba(X), net.predict_proba(X))


@pytest.mark.parametrize("kind", KINDS)
def test_whole_weights_repeat_rows_and_others_count(kind):
    times = RNG.integers(0, 3, len(X))
    weighed = NetClassifier(**ALL, scale=kind).fit(X, Y, times)
    repeated = NetClassifier(**ALL, scale=kind).fit(np.repeat(X, times, 0), np.repeat(Y, times))
    assert np.array_equal(weighed.predict_proba(X), repeated.predict_proba(X))
    heavy = NetClassifier(**ALL, scale=kind).fit(X, Y, np.where(X[:, 0] > 1, 1.5, 0.01))
    assert heavy.scaler_.middle[0] > 1 > weighed.scaler_.middle[0]


@pytest.mark.parametrize("kind", KINDS)
def test_equal_weights_are_no_weights(kind):
    from evenly.estimators.scales.column_scales import BY_QUANTILES

    plain, weighed = (BY_QUANTILES[kind].of(X, w) for w in (None, np.full(240, 0.7)))
    np.testing.assert_allclose(weighed.scaled(X), plain.scaled(X), atol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", KINDS)
def test_threads_and_pickles_change_no_bit(kind, dtype):
    settings = {**QUICK, "scale": kind, "dtype": dtype}
    one, two = (NetRegressor(**settings, n_jobs=n).fit(X, np.arctan(X[:, 0])) for n in (1, 2))
    assert np.array_equal(one.predict(X), two.predict(X))
    assert np.array_equal(pickle.loads(pickle.dumps(one)).predict(X), one.predict(X))
    assert one.score(X, np.arctan(X[:, 0])) > 0.5


@pytest.mark.parametrize("kind", KINDS)
def test_float32_and_float64_tables_alike(kind):
    x = X.astype(np.float32)
    one, two = (NetClassifier(**ALL, scale=kind).fit(t, Y) for t in (x, x.astype(np.float64)))
    assert np.array_equal(one.predict_proba(x), two.predict_proba(x.astype(np.float64)))


@pytest.mark.parametrize("kind", KINDS)
def test_partial_fit_goes_on_from_a_fit_alone(kind):
    with pytest.raises(ConfigurationError, match=r"needs all rows at once.*goes on from a fit"):
        NetClassifier(**QUICK, scale=kind).partial_fit(X, Y, classes=[0, 1])
    net = NetClassifier(**QUICK, scale=kind).fit(X, Y)
    before = inputs(net, X)
    other = X * 2
    other[:, 2] += np.arange(240)
    net.partial_fit(other, Y)
    after = inputs(net, X)
    still = [0, 1, 3, 4]
    assert np.array_equal(after[:, still], before[:, still])
    assert inputs(net, other)[:, 2].std() > 0.2  # the column that woke has its scale


@pytest.mark.parametrize("kind", KINDS)
def test_warm_start_keeps_the_scale(kind):
    net = NetClassifier(**ALL, scale=kind, warm_start=True).fit(X, Y)
    scaler = net.scaler_
    net.fit(np.where(np.arange(5) == 2, X, X * 3), Y)
    assert np.array_equal(net.scaler_.middle, scaler.middle)
    for other in (True, False, *set(KINDS) - {kind}):
        with pytest.raises(ConfigurationError, match=f"was trained with scale='{kind}'"):
            net.set_params(scale=other).fit(X, Y)


def test_standard_is_true():
    one, two = (NetClassifier(**QUICK, scale=s, warm_start=True).fit(X, Y) for s in
                (True, "standard"))
    assert np.array_equal(one.predict_proba(X), two.predict_proba(X))
    one.set_params(scale="standard").fit(X, Y)  # goes on: it is the same scale


@pytest.mark.parametrize("value", ["no", "quantile", 1, 0, None, ["robust"]])
@pytest.mark.parametrize("kind", [NetClassifier, NetRegressor])
def test_other_words_are_refused(kind, value):
    words = 'scale must be True, False, "standard", "robust" or "normal", got '
    with pytest.raises(ConfigurationError, match=words):
        kind(**QUICK, scale=value).fit(X, Y)
    own = {"classes": [0, 1]} if kind is NetClassifier else {}
    with pytest.raises(ConfigurationError, match=words):
        kind(**QUICK, scale=value).partial_fit(X, Y, **own)


@pytest.mark.parametrize("kind", KINDS)
def test_sparse_rows(kind):
    sparse = csr_array(np.where(np.abs(X) > 1, X, 0))
    with pytest.raises(DataError, match=f"NetClassifier: scale='{kind}' moves zeros"):
        NetClassifier(**QUICK, scale=kind).fit(sparse, Y)
    net = NetClassifier(**QUICK, scale=kind).fit(sparse.toarray(), Y)
    assert np.array_equal(net.predict_proba(sparse), net.predict_proba(sparse.toarray()))


@pytest.mark.parametrize("kind", KINDS)
def test_what_overflows_is_told_by_column(kind):
    huge = X.copy()
    huge[:, 4] *= 1e300
    with pytest.raises(DataError, match=r"NetClassifier: scale=.*column 4 holds numbers beyond"):
        NetClassifier(**QUICK, scale=kind).fit(huge, Y)
    tiny = X * 1e-310
    assert NetClassifier(**ALL, scale=kind).fit(tiny, Y).score(tiny, Y) > 0.8


@pytest.mark.parametrize("kind", KINDS)
def test_files(kind, tmp_path):
    for net in (NetClassifier(**QUICK, scale=kind).fit(X, Y),
                NetRegressor(**QUICK, scale=kind).fit(X, X[:, 0])):
        ev.save(tmp_path / "net", net)
        twin = ev.load(tmp_path / "net")
        assert twin.scale == kind
        assert np.array_equal(twin.predict(X), net.predict(X))
        twin.partial_fit(X, Y)


@pytest.mark.parametrize("kind", KINDS)
def test_tables(kind, tmp_path):
    table = {"a": [*X[:, 0].tolist()], "b": ["x" if v > 0 else "y" for v in X[:, 4]]}
    table["a"][3] = None
    model = TableClassifier(**QUICK, scale=kind, quiet=True).fit(table, Y)
    ev.save(tmp_path / "table", model)
    twin = ev.load(tmp_path / "table")
    assert np.array_equal(twin.predict_proba(table), model.predict_proba(table))
    silent = {**table, "b": ["unknown"] * 240}  # an unknown level moves nothing
    x, _ = model.encode(silent)
    places = [i for i, name in enumerate(model.inputs_.names) if name.startswith("b")]
    np.testing.assert_allclose(model.estimator_._inputs(x)[:, places], 0, atol=1e-9)


def test_in_a_transformer():
    net = NetTransformer(**QUICK, scale="robust").fit(X, Y)
    assert np.isfinite(net.transform(X * 1e10)).all()


def test_many_different_values_have_a_thousand_knots():
    x = np.random.default_rng(1).lognormal(size=(20_000, 1))
    scaler = ev.NormalScaler().fit(x)
    assert len(scaler.values) == 1000
    expected = norm.ppf((rankdata(x[:, 0]) - 0.5) / len(x)).clip(-3, 3)
    np.testing.assert_allclose(scaler.transform(x)[:, 0], expected, atol=0.06)
    tied = np.r_[x[:, 0], np.full(5000, 1.0)][:, None]
    at = ev.NormalScaler().fit(tied).transform([[1.0]])[0, 0]
    middle = (rankdata(tied[:, 0])[-1] - 0.5) / len(tied)
    np.testing.assert_allclose(at, norm.ppf(middle), atol=1e-9)
