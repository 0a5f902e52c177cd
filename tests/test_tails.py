"""SmoothClipScaler and NormalScaler as values."""

import numpy as np
import pytest

import evenly as ev
from evenly.errors import ConfigurationError, DataError, FileFormatError

X = np.random.default_rng(0).standard_t(1.5, (120, 3))
KINDS = [ev.SmoothClipScaler, ev.NormalScaler]


@pytest.mark.parametrize("kind", KINDS)
def test_shapes_and_types(kind):
    images = np.random.default_rng(1).lognormal(size=(20, 4, 3, 2)).astype(np.float32)
    by_channel = kind(channels=True).fit(images)
    assert by_channel.median.shape == (2,)
    flat = kind().fit(images.reshape(-1, 2))
    got = by_channel.transform(images)
    assert got.dtype == np.float32
    assert np.array_equal(got.reshape(-1, 2), flat.transform(images.reshape(-1, 2)))
    assert kind().fit(images).transform(images).shape == images.shape
    assert kind(channels=True).fit(images).transform(np.ones((1, 9, 9, 2))).shape == (1, 9, 9, 2)


@pytest.mark.parametrize("kind", KINDS)
def test_order_stays_and_nothing_is_far(kind):
    z = kind().fit(X).transform(X)
    assert np.abs(z).max() <= 3
    assert np.array_equal(np.argsort(z, axis=0), np.argsort(X, axis=0))
    constant = np.full((5, 1), 7.0)
    assert not kind().fit(constant).transform(np.array([[9.0]])).any()


@pytest.mark.parametrize("kind", KINDS)
def test_what_cannot_be_scaled(kind):
    name = kind.__name__
    with pytest.raises(DataError, match=f"{name}: call fit on the training set"):
        kind().transform(X)
    with pytest.raises(DataError, match=f"{name}: was fitted on features"):
        kind().fit(X).transform(X[:, :2])
    with pytest.raises(DataError, match=f"{name}: the data hold NaN"):
        kind().fit(np.full((3, 2), np.nan))
    with pytest.raises(DataError, match=f"{name}: column 1 holds numbers beyond 1e\\+300"):
        kind().fit(np.array([[1.0, 1e301], [2.0, -1e301]]))


@pytest.mark.parametrize("limit", [0, -1.0, np.inf, np.nan, "3"])
def test_the_limit_is_a_number_above_0(limit):
    with pytest.raises(ConfigurationError, match="limit must be a number above 0"):
        ev.SmoothClipScaler(limit=limit)


def test_the_limit_counts():
    z = ev.SmoothClipScaler(limit=10.0).fit(X).transform(X)
    assert 3 < np.abs(z).max() <= 10


@pytest.mark.parametrize("kind", KINDS)
def test_saved_with_a_model(kind, tmp_path):
    scaler = kind().fit(X)
    model = ev.init(ev.Sequential([ev.Dense(2)]), input_shape=3, seed=0)
    ev.save(tmp_path / "m", model, scaler=scaler)
    twin = ev.load(tmp_path / "m")
    assert twin.scaler == scaler
    assert type(twin.scaler) is kind
    assert np.array_equal(twin.scores(X), model.predict(scaler.transform(X)))
    with pytest.raises(ConfigurationError, match=f"{kind.__name__} is not fitted"):
        ev.save(tmp_path / "m", model, scaler=kind())


def test_a_file_whose_knots_do_not_rise_is_refused(tmp_path):
    model = ev.init(ev.Sequential([ev.Dense(2)]), input_shape=3, seed=0)
    scaler = ev.NormalScaler().fit(X)
    ev.save(tmp_path / "m", model, scaler=scaler)
    content = bytearray((tmp_path / "m").read_bytes())
    place = content.index(scaler.values.tobytes())
    content[place : place + 8] = np.float64(1e200).tobytes()
    (tmp_path / "m").write_bytes(bytes(content))
    with pytest.raises(FileFormatError):
        ev.load(tmp_path / "m")
