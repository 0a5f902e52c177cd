"""Intervals cover as often as they say."""

import math

import numpy as np
import pytest
from sklearn.base import clone

from evenly.errors import ConfigurationError, DataError
from evenly.estimators import NetRegressor
from evenly.estimators.answers.intervals import conformal_rank

from .common import QUICK, numbers

X, Y = numbers()


def drawn(rng, rows):
    """A table whose errors have heavy tails."""
    x = rng.normal(size=(rows, 5))
    return x, 2 * x[:, 0] + np.sin(2 * x[:, 1]) + x[:, 2] * x[:, 3] + rng.standard_t(3, size=rows)


@pytest.mark.parametrize(("rows", "coverage", "rank"), [
    (9, 0.9, 9), (19, 0.9, 18), (10, 0.9, 10), (99, 0.9, 90), (99, 0.99, 99), (19, 0.55, 11),
    (1, 0.5, 1), (29, 0.7, 21), (999, 0.001, 1), (20, 0.95, 20),
])
def test_the_rank_is_exact(rows, coverage, rank):
    assert conformal_rank(rows, coverage) == rank


def test_the_rank_is_the_smallest_that_covers():
    for rows in range(1, 60):
        for percent in range(1, 100):
            wanted = -(-(rows + 1) * percent // 100)
            if wanted <= rows:
                assert conformal_rank(rows, percent / 100) == wanted
            else:
                with pytest.raises(DataError):
                    conformal_rank(rows, percent / 100)


@pytest.mark.parametrize("targets", [1, 2])
@pytest.mark.parametrize("own", [{"interval_fraction": 0.3}, {"X_val": True}, {"validation": 0.3}])
def test_widths_are_errors_on_held_out_rows(own, targets):
    x, y = numbers(targets=targets)
    y = y if y.ndim > 1 else y[:, None]
    y = y[:, 0] if targets == 1 else y
    given = {}
    settings = {**QUICK, "early_stopping": "interval_fraction" in own}
    if "X_val" in own:
        own = {}
        given = {"X_val": x[:60], "y_val": y[:60]}
    net = NetRegressor(**settings, **own).fit(x[60:] if given else x, y[60:] if given else y,
                                              **given)
    rows = len(net.conformal_)
    assert rows == 60
    assert (np.diff(net.conformal_, axis=0) >= 0).all()
    if given:
        errors = np.abs(y[:60] - net.predict(x[:60]))
        np.testing.assert_array_equal(net.conformal_, np.sort(errors.reshape(60, -1), axis=0))
    ends = net.predict_interval(x, 0.8)
    middle, width = net.predict(x), net.conformal_[math.ceil((rows + 1) * 0.8) - 1]
    assert ends.shape == (*y.shape[:0], 200, *y.shape[1:], 2)
    width = width[0] if targets == 1 else width
    np.testing.assert_array_equal(ends[..., 0], middle - width)
    np.testing.assert_array_equal(ends[..., 1], middle + width)


def test_rows_for_intervals_take_no_part_in_anything_else():
    seen = []

    def own(net, x, y):
        seen.append(x)
        return float(np.mean(net.predict(x)))

    net = NetRegressor(**QUICK, interval_fraction=0.25, monitor=own, validation=0.25).fit(X, Y)
    assert len(net.conformal_) + len(seen[0]) + net.scaler_.weight == 200
    groups = np.arange(200) // 10
    net = NetRegressor(**QUICK, interval_fraction=0.25, validation=0.25).fit(X, Y, groups=groups)
    assert len(net.conformal_) % 10 == 0
    assert net.scaler_.weight % 10 == 0


def test_the_training_is_that_without_these_rows():
    net = NetRegressor(**QUICK, interval_fraction=0.25, early_stopping=False).fit(X, Y)
    other = NetRegressor(**QUICK, early_stopping=False)
    errors = set(net.conformal_[:, 0].round(9))
    kept = np.array([e not in errors for e in np.abs(Y - net.predict(X)).round(9)])
    assert kept.sum() == 200 - len(net.conformal_)
    assert np.array_equal(other.fit(X[kept], Y[kept]).predict(X), net.predict(X))


def test_rows_that_early_stopping_watched_are_warned_of():
    net = NetRegressor(**QUICK).fit(X, Y)
    assert net.conformal_.shape == (20, 1)
    with pytest.warns(UserWarning, match=r"the 20 rows .* early stopping watched.*interval_frac"):
        ends = net.predict_interval(X)
    assert (ends[:, 0] < ends[:, 1]).all()
    many = NetRegressor(**{**QUICK, "max_epochs": 2}, validation=0.5).fit(*numbers(500))
    assert many.predict_interval(X).shape == (200, 2)


@pytest.mark.parametrize(("coverage", "words"), [
    (0.99, "coverage=0.99 needs at least 99 held-out rows, and there are 20: .* at most 0.952"),
    (0.96, "needs at least 24 held-out rows"),
])
def test_too_few_rows_for_a_coverage(coverage, words):
    net = NetRegressor(**QUICK).fit(X, Y)
    with pytest.raises(DataError, match=words):
        net.predict_interval(X, coverage)


@pytest.mark.parametrize("coverage", [0, 1, 1.5, -0.1, "0.9", True, None, np.nan])
def test_what_is_no_coverage(coverage):
    net = NetRegressor(**{**QUICK, "max_epochs": 1}).fit(X, Y)
    with pytest.raises(ConfigurationError, match="coverage must be a probability above 0"):
        net.predict_interval(X, coverage)


def test_where_there_are_no_rows():
    net = NetRegressor(**QUICK).fit(X[:50], Y[:50])
    with pytest.raises(DataError, match=r"no rows were held out .*interval_fraction=0.1"):
        net.predict_interval(X)
    net = NetRegressor(**QUICK, interval_fraction=0.5).fit(X[:40], Y[:40])
    assert len(net.conformal_) == 20
    with pytest.raises(DataError, match=r"no rows were held out .*partial_fit holds none out"):
        net.partial_fit(X, Y).predict_interval(X)
    for wrong in (0, 1, "half"):
        with pytest.raises(ConfigurationError, match="interval_fraction must be a share"):
            NetRegressor(interval_fraction=wrong).fit(X, Y)
    with pytest.raises(DataError, match=r"interval_fraction=0.001: of 180 rows none"):
        NetRegressor(interval_fraction=0.001).fit(X, Y)
    with pytest.raises(DataError, match=r"interval_fraction=0.5: with the rows that are held out"):
        NetRegressor(interval_fraction=0.5, validation=0.5).fit(X, Y)
    assert clone(net).interval_fraction == 0.5


def covered(seed, rows, coverage, **settings):
    """The share of new rows whose target lies within."""
    rng = np.random.default_rng(seed)
    net = NetRegressor(**{"hidden": 16, "max_epochs": 30, **settings}, random_state=seed, n_jobs=1)
    net.fit(*drawn(rng, rows))
    x, y = drawn(rng, 1000)
    low, high = net.predict_interval(x, coverage).T
    return np.mean((low <= y) & (y <= high)), len(net.conformal_)


def check_coverage(seeds, rows, coverage, **settings):
    told = [covered(seed, rows, coverage, **settings) for seed in range(seeds)]
    shares, held = zip(*told, strict=True)
    mean, error = np.mean(shares), np.std(shares) / math.sqrt(seeds)
    n = held[0]
    expected = conformal_rank(n, coverage) / (n + 1)
    assert abs(mean - expected) < 4 * error, (mean, expected, error)
    assert error < 0.03


def test_coverage():
    check_coverage(40, 150, 0.8, interval_fraction=0.2)


@pytest.mark.sweep
@pytest.mark.parametrize("early_stopping", [True, False])
@pytest.mark.parametrize(("rows", "coverage"), [(100, 0.9), (300, 0.5), (600, 0.95)])
def test_coverage_over_many_seeds(rows, coverage, early_stopping):
    check_coverage(200, rows, coverage, interval_fraction=0.2, early_stopping=early_stopping)


@pytest.mark.sweep
@pytest.mark.filterwarnings("ignore:predict_interval")
def test_rows_that_were_watched_cover_less():
    """Why there are rows of their own: a reuse would be told as what it is."""
    default = {"hidden": (128, 64), "max_epochs": 100}
    shares = [covered(seed, 200, 0.9, **default)[0] for seed in range(100)]
    assert np.mean(shares) < 0.9 - 0.01
    assert np.mean(shares) > 0.8
