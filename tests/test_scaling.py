"""RobustScaler against scikit-learn's, and what it promises."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn import preprocessing

import evenly as ev
from evenly.errors import ConfigurationError, DataError

X = np.random.default_rng(0).standard_t(2, (101, 4)) * [1, 10, 100, 0] + [0, 5, -3, 7]


@pytest.mark.parametrize("quantiles", [(0.25, 0.75), (0.05, 0.9), (0.0, 1.0)])
def test_robust_scaler_is_scikit_learns(quantiles):
    low, high = quantiles
    theirs = preprocessing.RobustScaler(quantile_range=(100 * low, 100 * high)).fit(X[:70])
    ours = ev.RobustScaler(quantiles=quantiles).fit(X[:70])
    np.testing.assert_allclose(ours.transform(X[70:]), theirs.transform(X[70:]), rtol=1e-12)


def test_outliers_move_the_standardizer_and_not_the_robust_scaler():
    spoiled = X.copy()
    spoiled[0, 0] = 1e9
    fitted, other = ev.RobustScaler().fit(X), ev.RobustScaler().fit(spoiled)
    assert abs(other.median[0] - fitted.median[0]) < 0.1
    assert other.range[0] < 2 * fitted.range[0]
    assert ev.Standardizer().fit(spoiled).deviation[0] > 1e6


def test_channels_share_their_statistics():
    images = np.random.default_rng(1).normal(5.0, 2.0, (20, 4, 3, 2)).astype(np.float32)
    scaler = ev.RobustScaler(channels=True).fit(images)
    assert scaler.median.shape == (2,)
    np.testing.assert_allclose(scaler.median, np.median(images.reshape(-1, 2), axis=0), rtol=1e-6)
    taller = scaler.transform(np.zeros((1, 9, 9, 2), np.float32))
    assert taller.dtype == np.float32


@pytest.mark.parametrize("quantiles", [(0.5, 0.5), (0.9, 0.1), (-0.1, 0.5), (25, 75)])
def test_quantiles_are_shares_in_order(quantiles):
    with pytest.raises(ConfigurationError, match="quantiles must be two shares of 1"):
        ev.RobustScaler(quantiles=quantiles)


@pytest.mark.parametrize(("act", "message"), [
    (lambda: ev.RobustScaler().transform(X), "RobustScaler: call fit on the training set"),
    (lambda: ev.RobustScaler().fit(X).transform(X[:, :2]), "RobustScaler: was fitted on features"),
    (lambda: ev.RobustScaler().fit(X[:0]), "RobustScaler: expects at least one row"),
    (lambda: ev.RobustScaler().fit(np.full((3, 2), np.nan)), "RobustScaler: the data hold NaN"),
    (lambda: ev.RobustScaler().fit([["red"]]), "RobustScaler: expects numbers, got <U3: encode"),
    (lambda: ev.Standardizer().fit(X).transform(X.astype(str)), "Standardizer: expects numbers"),
    (lambda: ev.Standardizer().fit(csr_array(X)), "Standardizer: expects dense rows, got a sparse"),
    (lambda: ev.RobustScaler().fit(X).transform(csr_array(X)), "RobustScaler: expects dense rows"),
])
def test_what_cannot_be_scaled_is_named(act, message):
    with pytest.raises(DataError, match=message):
        act()


@pytest.mark.parametrize("scaler", [ev.Standardizer(), ev.RobustScaler()])
@pytest.mark.parametrize("value", [2023, 0.0, 0.1, 1e300])
def test_a_feature_that_never_varied_is_zero_whatever_it_holds_later(scaler, value):
    x = np.c_[X[:, :2], np.full(len(X), value)]
    fitted = scaler.fit(x)
    assert fitted.constant.tolist() == [False, False, True]
    other = x + np.array([0.0, 0.0, 5.0 + value])
    np.testing.assert_array_equal(fitted.transform(other), fitted.transform(x))
    assert not fitted.transform(other)[:, 2].any()
    # What differs by rounding has not varied either.
    noisy = np.where(np.arange(len(X)) % 2, 0.1 + 0.2, 0.3)
    assert scaler.fit(noisy[:, None]).constant.all()
    assert not scaler.fit(np.array([[0], [1]], bool)).constant.any()


def test_a_network_behind_a_scaler_does_not_move():
    x = np.c_[X, np.full(len(X), 2023.0)]
    scaler = ev.Standardizer().fit(x)
    net = ev.Sequential([ev.Dense(8), ev.ReLU(), ev.Dense(1)])
    model = ev.fit(net, scaler.transform(x), X[:, :1], loss=ev.MeanSquaredError(), epochs=2)
    later = model.predict(scaler.transform(x + np.array([0, 0, 0, 3, 10])))
    assert np.array_equal(later, model.predict(scaler.transform(x)))


def test_a_channel_and_a_place_that_never_varied():
    images = np.random.default_rng(1).normal(size=(20, 4, 3, 2))
    images[..., 1] = 5.0
    channels = ev.Standardizer(channels=True).fit(images)
    assert channels.constant.tolist() == [False, True]
    assert not channels.transform(images + 1)[..., 1].any()
    images[:, 2, 1, 0] = 7.0
    places = ev.Standardizer().fit(images)
    assert places.constant[2, 1].tolist() == [True, True]
    assert not places.transform(images + 1)[:, 2, 1].any()
    assert places.transform(images + 1)[:, 0, 0, 0].all()


def test_numbers_whose_squares_are_none():
    """Of +-1e160 the variance overflows, of +-1e-170 it is 0; both become +-1."""
    sizes = np.array([1e160, 1e-170, 1.0, 8e307, 1e-323, 0.0])
    x = np.array([[1.0], [-1.0], [1.0], [-1.0]]) * sizes
    for scaler in (ev.Standardizer(), ev.RobustScaler()):
        y = scaler.fit(x).transform(x)
        wanted = [[1, 1, 1, 1, 1, 0], [-1, -1, -1, -1, -1, 0]] * 2
        np.testing.assert_allclose(y, np.array(wanted) / (2 - isinstance(scaler, ev.Standardizer)))
    fitted = ev.Standardizer().fit(x)
    assert (ev.Standardizer().fit(2 * x).transform(2 * x)[:, 3] == x[:, 2]).all()
    with pytest.raises(DataError, match="further apart than the largest number"):
        ev.RobustScaler().fit(2 * x)
    np.testing.assert_allclose(fitted.deviation, [*sizes[:5], 1.0])
    assert not fitted.mean.any()


def test_statistics_next_to_what_needs_no_care_stay_as_they_were():
    x = np.random.default_rng(0).standard_normal((50, 3)) + np.array([0, 5, 1e9])
    beside = np.concatenate([x, x[:, :1] * 1e200, x[:, :1] * 1e-200], axis=1)
    plain, both = ev.Standardizer().fit(x), ev.Standardizer().fit(beside)
    assert both.mean[:3].tobytes() == plain.mean.tobytes()
    assert both.deviation[:3].tobytes() == plain.deviation.tobytes()
    np.testing.assert_allclose(both.deviation[3:], plain.deviation[0] * np.array([1e200, 1e-200]))


@pytest.mark.parametrize("dtype", ["int64", "uint64", "int8", "float16", "float32"])
def test_the_ends_of_each_type(dtype):
    info = np.finfo(dtype) if dtype.startswith("float") else np.iinfo(dtype)
    x = np.array([[info.min], [info.max]] * 2, dtype)
    y = ev.Standardizer().fit(x).transform(x)
    np.testing.assert_allclose(y.astype(np.float64).ravel(), [-1, 1, -1, 1], rtol=1e-6)


def test_one_huge_value_and_a_constant():
    x = np.ones((101, 2))
    x[0, 0] = 1e300
    y = ev.Standardizer().fit(x).transform(x)
    np.testing.assert_allclose(y[:, 0], [10.0, *[-0.1] * 100])
    assert not y[:, 1].any()


SCALERS = {
    "Standardizer": (ev.Standardizer().fit(X), lambda: ev.Standardizer().fit(X.copy()),
                     [ev.Standardizer(), ev.Standardizer().fit(X[1:]),
                      ev.Standardizer(channels=True).fit(X), ev.RobustScaler().fit(X)]),
    "RobustScaler": (ev.RobustScaler().fit(X), lambda: ev.RobustScaler().fit(X.copy()),
                     [ev.RobustScaler(), ev.RobustScaler().fit(X[:-2]), ev.Standardizer().fit(X),
                      ev.RobustScaler(quantiles=(0.2, 0.8)).fit(X)]),
}


@pytest.mark.parametrize(("one", "same", "others"), SCALERS.values(), ids=SCALERS)
def test_scalers_are_values(one, same, others):
    assert one == one
    assert one == same()
    assert hash(one) == hash(same())
    for other in others:
        assert one != other
        assert len({one, other, same()}) == 2
    assert one != "a scaler"
    assert len({type(one)(), type(one)()}) == 1
    assert ev.RobustScaler(quantiles=[0.25, 0.75]) == ev.RobustScaler()
