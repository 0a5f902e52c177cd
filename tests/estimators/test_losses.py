"""What a loss makes of a regressor and a classifier: what it predicts, on which scale it is
trained, which targets it takes."""

import pickle
import warnings

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.metrics import d2_pinball_score, r2_score
from sklearn.model_selection import GridSearchCV, cross_val_score

import evenly as ev
from evenly.errors import ConfigurationError, DataError
from evenly.estimators import NetClassifier, NetRegressor
from evenly.estimators.answers.regression_losses import LOSSES, far_targets
from evenly.estimators.scales.target_scales import MOST_ROWS, MeanScale, RobustScale

from .common import QUICK, classes, labels

NAMES = tuple(LOSSES)
ROBUST = ("absolute", "huber", "quantile")


def rows(seed=0, count=500):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((count, 4))
    return x, 2 * x[:, 0] + np.sin(2 * x[:, 1]) + 0.3 * rng.standard_normal(count)


def positive(seed=0, count=500):
    x, y = rows(seed, count)
    return x, np.exp(y / 2)


X, Y = rows()
P = np.exp(Y / 2)
SHORT = {**QUICK, "max_epochs": 8}


# Scale ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", ROBUST)
def test_one_target_far_out_leaves_what_was_learned(loss):
    x, y = rows(1)
    far = Y.copy()
    far[7] = 1e6
    told = [NetRegressor((64, 32), loss=loss, random_state=0).fit(X, given).score(x, y)
            if loss != "quantile" else
            r2_score(y, NetRegressor((64, 32), loss=loss, random_state=0).fit(X, given).predict(x))
            for given in (Y, far)]
    assert told[0] > 0.9
    assert told[1] > told[0] - 0.03


def test_squares_with_a_target_far_out():
    """The warning names the row, and the others still differ."""
    x, y = rows(1)
    far = Y.copy()
    far[7] = 1e6
    with pytest.warns(UserWarning, match=r"y: 1e\+06 in row 7 lies far .*loss='huber'") as caught:
        net = NetRegressor((64, 32), random_state=0).fit(X, far)
    assert caught[0].filename == __file__
    assert net.score(x, y) > 0.5
    assert isinstance(net.target_scaler_, RobustScale)


def test_the_row_is_that_of_the_table_given():
    for row in (0, 3, 499):
        far = Y.copy()
        far[row] = -1e7
        weights = np.ones(500)
        with pytest.warns(UserWarning, match=rf"-1e\+07 in row {row} "):
            NetRegressor(**SHORT).fit(X, far)
        with pytest.warns(UserWarning, match=rf"in row {row} ") as caught:
            NetRegressor(**SHORT).partial_fit(X, far)
        assert caught[0].filename == __file__
        weights[row] = 0
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            NetRegressor(**SHORT).fit(X, far, sample_weight=weights)
            NetRegressor(**SHORT, loss="huber").fit(X, far)
    with pytest.warns(UserWarning, match="y of column 1: .* in row 499"):
        NetRegressor(**SHORT).fit(X, np.stack([Y, far], axis=1))


def test_which_targets_are_far():
    rng = np.random.default_rng(0)
    for y in (rng.standard_normal(300), np.exp(2 * rng.standard_normal(300)), np.zeros(300),
              rng.standard_normal(300) + 1e9, np.r_[np.zeros(200), rng.standard_normal(100)],
              np.r_[rng.standard_normal(150), 1e6 + rng.standard_normal(150)]):
        assert not far_targets(y[:, None], None)
    y = rng.standard_normal((300, 2))
    y[[5, 9], 1] = 1e5, -1e5
    assert [(c, np.flatnonzero(far).tolist()) for c, far in far_targets(y, None).items()] == [
        (1, [5, 9])]
    assert not far_targets(y[:19], None)
    y[:4, 0] = 1e6  # more than one in a hundred: a group of their own
    assert list(far_targets(y, None)) == [1]
    assert not far_targets(np.r_[np.zeros(299), 1e300][:, None], None)  # no spread to go by


@pytest.mark.parametrize("loss", NAMES)
@pytest.mark.parametrize("unit", [2.0**-30, 2.0**30])
def test_units_of_the_targets_change_nothing(loss, unit):
    """Up to the order of the rows, which depends on their contents."""
    settings = {**SHORT, "early_stopping": False, "batch": None, "dropout": 0, "dtype": "float64",
                "loss": loss}
    plain = NetRegressor(**settings).fit(X, P)
    other = NetRegressor(**settings).fit(X, P * unit)
    np.testing.assert_allclose(other.predict(X) / unit, plain.predict(X), rtol=1e-6)
    np.testing.assert_allclose(other.loss_curve_, plain.loss_curve_, rtol=1e-6)


def test_robust_scale():
    rng = np.random.default_rng(0)
    y = rng.standard_normal((1000, 2)) * [1, 1e-8] + [5, 0]
    scale = RobustScale(2)
    scale.fold(y)
    np.testing.assert_allclose(scale.middle, np.median(y, axis=0), rtol=1e-12, atol=1e-22)
    np.testing.assert_allclose(scale.width, y.std(axis=0), rtol=0.1)
    np.testing.assert_allclose(scale.original(scale.scaled(y)), y, rtol=1e-12, atol=1e-20)
    parts = RobustScale(2)
    for part in np.array_split(y, 7):
        parts.fold(part)
    np.testing.assert_array_equal(parts.width, scale.width)
    # Quartiles that are equal; only one value differs; none does.
    for values, width in ((np.r_[np.zeros(80), rng.standard_normal(20)], 0.1), ([0] * 99 + [1], 0),
                          ([7] * 100, 1)):
        scale = RobustScale(1)
        scale.fold(np.asarray(values, float)[:, None])
        assert width < scale.width[0] < 2 or scale.width[0] == width == 1
    assert scale.original(np.array([[3.0]])) == 7


def test_robust_scale_weighs_rows_and_keeps_few():
    y = np.random.default_rng(0).standard_normal((200, 1))
    weights = np.random.default_rng(1).integers(0, 4, 200)
    weighted, repeated, many = RobustScale(1), RobustScale(1), RobustScale(1)
    weighted.fold(y[weights > 0], weights[weights > 0])
    repeated.fold(np.repeat(y, weights, axis=0))
    np.testing.assert_allclose(weighted.width, repeated.width, rtol=0.05)
    for seed in range(5):
        many.fold(3 + np.random.default_rng(seed).standard_normal((3000, 1)))
    assert len(many.rows) <= MOST_ROWS
    assert many.seen == 15000
    assert many.middle == pytest.approx(3, abs=0.1)
    assert many.width == pytest.approx(1, abs=0.1)


def test_mean_scale():
    scale = MeanScale(2)
    y = np.random.default_rng(0).gamma(1.0, size=(100, 2)) * [1e-300, 1e308 / 100]
    for part, own in ((y[:30], None), (y[30:], np.full(70, 1.0))):
        scale.fold(part, own)
    np.testing.assert_allclose(scale.scaled(y).mean(axis=0), 1, rtol=1e-12)
    none = MeanScale(1)
    none.fold(np.zeros((3, 1)))
    assert none.original(np.array([[0.5]])) == 0


@pytest.mark.parametrize(("loss", "value", "words"), [
    ("huber", 1e60, r"target 1e\+60 is too large beside the others for float32.*dtype='float64'"),
    ("gamma", 1e-60, "target 1e-60 is too small beside the others for float32"),
])
def test_targets_that_float32_cannot_hold_beside_each_other(loss, value, words):
    y = P.copy()
    y[7] = value
    with pytest.raises(DataError, match=words):
        NetRegressor(**SHORT, loss=loss).fit(X, y)
    assert np.isfinite(NetRegressor(**SHORT, loss=loss, dtype="float64").fit(X, y).predict(X)).all()


# Predictions ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("loss", "kind"), [("poisson", "counts"), ("gamma", "positive")])
@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
def test_means_of_counts_and_of_positive_quantities(loss, kind, unit):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((1500, 3))
    mean = np.exp(1 + 0.8 * x[:, 0])
    y = rng.poisson(mean) if kind == "counts" else mean * rng.gamma(4.0, 0.25, 1500)
    net = NetRegressor(32, loss=loss, random_state=0, max_epochs=40).fit(x, y * unit)
    told = net.predict(x) / unit
    assert (told > 0).all()
    assert r2_score(mean, told) > 0.85
    assert told.mean() == pytest.approx(mean.mean(), rel=0.1)
    assert net.validation_score_curve_[-1] > 0.3
    assert net.score(x, y * unit) == pytest.approx(r2_score(y, told))


def test_quantiles_never_cross_and_are_of_the_targets():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((3000, 3))
    y = 1e5 + 1e3 * (x[:, 0] + rng.standard_normal(3000))
    levels = (0.05, 0.25, 0.5, 0.75, 0.95)
    net = NetRegressor(32, loss="quantile", quantiles=levels, dropout=0, random_state=0,
                       max_epochs=40).fit(x[:2000], y[:2000])
    told = net.predict(x[2000:])
    assert told.shape == (1000, 5)
    assert (np.diff(told, axis=1) >= 0).all()
    np.testing.assert_allclose((y[2000:, None] <= told).mean(axis=0), levels, atol=0.06)
    far = net.predict(1e6 * rng.standard_normal((1000, 3)))
    assert (np.diff(far, axis=1) >= 0).all()
    score = np.mean([d2_pinball_score(y[2000:], told[:, j], alpha=a) for j, a in enumerate(levels)])
    assert net.score(x[2000:], y[2000:]) == pytest.approx(score)


def test_quantiles_of_several_targets():
    y = np.stack([Y, 1e4 - 100 * Y], axis=1)
    net = NetRegressor(**SHORT, loss="quantile", quantiles=[0.1, 0.5, 0.9]).fit(X, y)
    told = net.predict(X)
    assert told.shape == (500, 2, 3)
    assert (np.diff(told, axis=2) >= 0).all()
    for target in range(2):
        one = NetRegressor(**SHORT, loss="quantile", quantiles=0.5).fit(X, y[:, target])
        assert one.predict(X).shape == (500,)
        assert told[:, target, 1].mean() == pytest.approx(one.predict(X).mean(), rel=0.2, abs=0.5)
    assert 0 < net.score(X, y) < 1


def test_the_median_is_half_the_absolute_error():
    nets = [NetRegressor(**SHORT, loss=loss).fit(X, Y) for loss in ("absolute", "quantile")]
    np.testing.assert_allclose(nets[0].loss_curve_, 2 * nets[1].loss_curve_, rtol=1e-3)


@pytest.mark.parametrize("loss", NAMES)
def test_a_constant_target_is_predicted_as_it_is(loss):
    told = NetRegressor(**SHORT, loss=loss).fit(X, np.full(500, 0.1)).predict(X)
    np.testing.assert_array_equal(told, 0.1)
    if loss not in ("gamma",):
        assert (NetRegressor(**SHORT, loss=loss).fit(X, np.zeros(500)).predict(X) == 0).all()


# Everything that goes with an estimator -----------------------------------------------------------


SEVERAL = [*({"loss": name} for name in NAMES), {"loss": "quantile", "quantiles": (0.1, 0.9)},
           {"loss": ev.Huber(delta=0.3)}, {"loss": ev.Quantile((0.2, 0.5, 0.6))}]


@pytest.mark.parametrize("settings", SEVERAL, ids=str)
def test_parts_weights_pickles_files_and_sparse_rows(settings, tmp_path):
    net = NetRegressor(**SHORT, **settings)
    for start in range(0, 500, 125):
        net.partial_fit(X[start : start + 125], P[start : start + 125])
    net.partial_fit(X[:1], P[:1], sample_weight=[2.0])
    fitted = NetRegressor(**SHORT, **settings).fit(X, P, sample_weight=np.arange(500) % 3)
    table = np.repeat(X, np.arange(500) % 3, axis=0), np.repeat(P, np.arange(500) % 3)
    again = NetRegressor(**SHORT, **settings).fit(*table)
    np.testing.assert_array_equal(fitted.predict(X), again.predict(X))
    weighed = NetRegressor(**SHORT, **settings).fit(X, P, sample_weight=np.arange(500) / 7)
    assert np.isfinite(weighed.predict(X)).all()
    sparse = NetRegressor(**SHORT, **settings).fit(csr_array(np.maximum(X, 0)), P)
    assert np.isfinite(sparse.predict(csr_array(X[:5] * 0))).all()
    for one in (net, fitted):
        ev.save(tmp_path / "net.evenly", one)
        for twin in (pickle.loads(pickle.dumps(one)), ev.load(tmp_path / "net.evenly")):
            assert repr(twin) == repr(one)
            np.testing.assert_array_equal(twin.predict(X), one.predict(X))
            twin.partial_fit(X[:50], P[:50])
            own = pickle.loads(pickle.dumps(one)).partial_fit(X[:50], P[:50])
            np.testing.assert_allclose(twin.predict(X), own.predict(X), rtol=1e-5)
    assert cross_val_score(clone(net), X, P, cv=2).shape == (2,)


def test_a_fit_that_goes_on_keeps_its_scale():
    for loss in NAMES:
        net = NetRegressor(**SHORT, loss=loss, warm_start=True).fit(X, P)
        before = net.target_scaler_.scaled(P[:, None])
        net.fit(X, 100 * P)
        np.testing.assert_array_equal(net.target_scaler_.scaled(P[:, None]), before)
        still = NetRegressor(**SHORT, loss=loss, warm_start=True).fit(X, np.full(500, 2.0))
        still.fit(X, P)
        assert np.std(still.target_scaler_.scaled(P[:, None])) < 10
        assert np.std(still.predict(X)) > 0.1


def test_a_loss_in_a_grid():
    grid = {"loss": ["squared", ev.Huber()], "hidden": [8]}
    assert GridSearchCV(NetRegressor(**{**QUICK, "max_epochs": 2}), grid, cv=2).fit(X, Y)
    net = NetRegressor(loss="huber").set_params(loss__delta=0.5)
    assert net.loss == ev.Huber(delta=0.5)


def test_curves_of_a_held_out_part_in_any_unit():
    net = NetRegressor(**SHORT, loss="poisson").fit(X, P, X_val=X[:50], y_val=P[:50])
    assert -5 < net.validation_score_curve_[-1] <= 1


# Refused ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("loss", "value", "words"), [
    ("poisson", -1.0, r"loss='poisson': expects targets of at least 0, got -1.0 in row 3"),
    ("gamma", 0.0, r"loss='gamma': expects targets above 0, got 0.0 in row 3.*Poisson"),
    ("gamma", -2.0, r"loss='gamma': expects targets above 0, got -2.0 in row 3"),
])
def test_targets_that_a_loss_has_no_meaning_for(loss, value, words):
    y = P.copy()
    y[3] = value
    for call in ("fit", "partial_fit"):
        with pytest.raises(DataError, match=words):
            getattr(NetRegressor(**SHORT, loss=loss), call)(X, y)
    with pytest.raises(DataError, match=words):
        NetRegressor(**SHORT, loss=loss).fit(X, P, X_val=X, y_val=y)
    with pytest.raises(DataError, match="in row 3, column 1"):
        NetRegressor(**SHORT, loss=loss).fit(X, np.stack([P, y], axis=1))


@pytest.mark.parametrize(("settings", "words"), [
    ({"loss": "mse"}, "loss must be one of 'squared', 'absolute', .* or a loss, got 'mse'"),
    ({"loss": ev.Huber}, "call it"),
    ({"loss": ev.SoftmaxCrossEntropy()}, "is a loss of classes: take a NetClassifier"),
    ({"quantiles": 0.5}, "quantiles=0.5 with loss='squared': they are for loss='quantile'"),
    ({"loss": "quantile", "quantiles": (0.9, 0.1)}, r"between 0 and 1, rising, got \(0.9, 0.1\)"),
    ({"loss": "quantile", "quantiles": ()}, "between 0 and 1, rising"),
    ({"loss": "quantile", "quantiles": 90}, "between 0 and 1, rising"),
    ({"loss": ev.Quantile(), "quantiles": 0.5}, "or in the loss itself"),
    ({"loss": "quantile", "quantiles": (0.1, 0.9), "net": ev.Dense(1)}, "need 2 outputs"),
])
def test_losses_that_cannot_be(settings, words):
    with pytest.raises((ConfigurationError, ev.errors.ShapeError), match=words):
        NetRegressor(**settings).fit(X, Y)


# Classifiers ------------------------------------------------------------------------------------


C, K = classes()
L, M = labels()


@pytest.mark.parametrize("loss", ["focal", ev.FocalCrossEntropy(1.0), ev.SoftmaxCrossEntropy(0.1)])
def test_losses_of_classes(loss):
    net = NetClassifier(**QUICK, loss=loss).fit(C, K)
    assert net.score(C, K) > 0.6
    two = NetClassifier(**QUICK, loss=loss).fit(C, K > 0)
    np.testing.assert_allclose(two.predict_proba(C).sum(axis=1), 1)
    assert two.score(C, K > 0) > 0.6
    kind = ev.BinaryFocalCrossEntropy if loss == "focal" else type(loss)
    assert type(two.model_.loss) is kind
    assert two.model_.loss.mean_over == "rows"


@pytest.mark.parametrize("loss", ["focal", "asymmetric", ev.BinaryFocalCrossEntropy(1.0),
                                  ev.AsymmetricCrossEntropy(margin=0.2)])
def test_losses_of_labels(loss, tmp_path):
    net = NetClassifier(**QUICK, loss=loss).fit(L, M)
    assert net.predict_proba(L).shape == M.shape
    assert ((net.predict_proba(L) > 0.5) == M).mean() > 0.6
    two = NetClassifier(**QUICK, loss=loss).fit(C, K > 0)
    assert two.score(C, K > 0) > 0.6
    ev.save(tmp_path / "net.evenly", net)
    np.testing.assert_array_equal(ev.load(tmp_path / "net.evenly").predict(L), net.predict(L))
    assert NetClassifier(**QUICK, loss=loss).partial_fit(L, M).partial_fit(L, M).n_iter_ == 2


@pytest.mark.parametrize(("loss", "y", "words"), [
    ("asymmetric", K, "'asymmetric' takes answers of yes and no, and these are 3 classes"),
    (ev.BinaryCrossEntropy(), K, "takes answers of yes and no"),
    (ev.FocalCrossEntropy(), M, "takes one class a row, and these are several labels"),
    ("hinge", K, "loss must be one of 'cross_entropy', 'focal', 'asymmetric'.* got 'hinge'"),
    (ev.Huber(), K, "that is a loss of numbers, for a NetRegressor"),
    (ev.FocalCrossEntropy, K, "call it"),
])
def test_losses_of_other_targets(loss, y, words):
    with pytest.raises(ConfigurationError, match=words):
        NetClassifier(**QUICK, loss=loss).fit(L if y is M else C, y)
