"""Scale, Slice, Periodic and PiecewiseLinear beyond the contract that all layers keep."""

import numpy as np
import pytest
import torch

import evenly as ev
from evenly.errors import ConfigurationError, ShapeError
from tests.contract.test_numeric import slope

X = np.random.default_rng(0).normal(size=(300, 4))
FRONTS = [ev.Scale(), ev.Periodic(2, 5), ev.PiecewiseLinear(3), ev.Slice(1), ev.Slice(0, 2)]


def test_scale_turns_down_what_does_not_help():
    y = np.sign(X[:, 0]) + 0.01 * X[:, 1]
    net = ev.Sequential([ev.Scale(), ev.Dense(16), ev.Tanh(), ev.Dense(1)])
    model = ev.fit(net, X, y[:, None], loss=ev.MeanSquaredError(), epochs=60, penalty=ev.L2(0.01),
                   optimizer=ev.Adam(0.02), seed=0)
    factor = np.abs(model.weights["scale_1.factor"])
    assert factor[0] > 2 * factor[2:].max()


def test_waves_learn_what_a_line_cannot():
    y = np.sin(5 * X[:, :1])
    errors = []
    for front in ([], [ev.Periodic(deviation=0.5)]):
        model = ev.fit(ev.Sequential([*front, ev.Dense(1)]), X, y, loss=ev.MeanSquaredError(),
                       optimizer=ev.Adam(0.02), epochs=150, seed=0)
        errors.append(float(((model.predict(X) - y) ** 2).mean()))
    assert errors[1] < 0.2 * errors[0]


@pytest.mark.parametrize("value", [1e300, -1e12, np.inf, np.nan])
def test_far_values_give_no_waves_beyond_1(value):
    layer = ev.Periodic(1, 3)
    model = ev.init(ev.Sequential([layer]), 2, seed=0, dtype="float64")
    y = model.predict(np.array([[value, 0.5]]))
    made = y[0, 2] - model.weights["periodic_1.bias"][0]
    most = np.abs(model.weights["periodic_1.kernel"][:, 0]).sum()
    assert np.isnan(made) if not np.isfinite(value) else abs(made) <= most * (1 + 1e-12)
    assert np.isfinite(y[0, 3])


def test_bins_are_those_of_the_rows():
    x = np.c_[X[:, 0], np.round(X[:, 1]), np.full(300, 2.0)]
    layer = ev.PiecewiseLinear(8)
    arrays = layer.bins_of(x)
    y, _ = layer.forward(x, arrays, ev.Run(training=True))
    parts = y.reshape(300, 8, 3)
    beyond = (parts[:, 1:, 0] > 0).mean(axis=0)
    np.testing.assert_allclose(beyond, np.arange(7, 0, -1) / 8, atol=0.01)
    assert ((parts >= -1e-12) & (parts <= 1 + 1e-12)).all()
    values = len(np.unique(np.quantile(x[:, 1], np.linspace(0, 1, 9))))
    assert (arrays["slope"][:, 1] != 0).sum() == values - 1
    assert not parts[:, :, 2].any()
    far, _ = layer.forward(x[:1] + 100, arrays, ev.Run(training=True))
    ends = far.reshape(8, 3)
    assert ends[-1, 0] > 10
    assert ends[values - 2, 1] > 10  # the last bin that is none of the empty ones


def test_the_gradient_between_the_edges():
    layer = ev.PiecewiseLinear(4)
    net = ev.Sequential([layer])
    arrays = {f"piecewise_linear_1.{k}": v for k, v in layer.bins_of(X).items()}
    x = X[np.abs(X[:, None, :] - arrays["piecewise_linear_1.edge"]).min(axis=(1, 2)) > 1e-2]
    run = ev.Run(training=True)
    d_y = np.random.default_rng(1).normal(size=(len(x), 16))
    direction = np.random.default_rng(2).normal(size=x.shape)
    d_x, _ = net.backward(d_y, arrays, net.forward(x, arrays, run)[1], run)
    numeric = slope(lambda t: float((net.forward(t, arrays, run)[0] * d_y).sum()), x, direction)
    np.testing.assert_allclose((d_x * direction).sum(), numeric, rtol=1e-9)


@pytest.mark.parametrize(("layer", "words"), [
    (lambda: ev.Periodic(units=0), "units must be at least 1"),
    (lambda: ev.Periodic(frequencies=0), "frequencies must be at least 1"),
    (lambda: ev.Periodic(deviation=0.0), "deviation must be above 0"),
    (lambda: ev.Periodic(units=1.5), "units must be a whole number"),
    (lambda: ev.PiecewiseLinear(0), "bins must be at least 1"),
    (lambda: ev.Scale(init="one"), "init must be a number"),
    (lambda: ev.Slice(-1), "start must be at least 0"),
    (lambda: ev.Slice(1.0), "start must be a whole number"),
    (lambda: ev.Slice(2, 2), "stop must be a whole number above start, or None"),
    (lambda: ev.Slice(0, 2.0), "stop must be a whole number above start"),
])
def test_settings(layer, words):
    with pytest.raises(ConfigurationError, match=words):
        layer()


@pytest.mark.parametrize("front", FRONTS)
def test_saved_and_exchanged(front, tmp_path):
    net = ev.Sequential([ev.Dense(3), front, ev.Dense(2)])
    model = ev.fit(net, X, X[:, :2], loss=ev.MeanSquaredError(), epochs=2, seed=0)
    ev.save(tmp_path / "m", model)
    assert np.array_equal(ev.load(tmp_path / "m").predict(X), model.predict(X))
    theirs = ev.to_torch(model)
    got = theirs(torch.tensor(X, dtype=torch.float32)).detach().numpy()
    np.testing.assert_allclose(got, model.predict(X), atol=1e-5)
    assert np.array_equal(ev.from_torch(theirs, (4,)).predict(X), model.predict(X))


@pytest.mark.parametrize("front", FRONTS)
def test_shown_and_initialized_by_the_data(front):
    model = ev.lsuv(ev.init(ev.Sequential([front, ev.Dense(2)]), 4, seed=0), X)
    assert abs(model.predict(X).var() - 1) < 0.1
    text = str(ev.show_work(model, X[:2], X[:2, :2], loss=ev.MeanSquaredError()))
    assert front.type_name in text


@pytest.mark.parametrize(("layer", "needed"), [(ev.Slice(4), 5), (ev.Slice(1, 6), 6)])
def test_a_slice_of_features_that_there_are_not(layer, needed):
    words = rf"Slice 'slice_1': expects at least {needed} features, got \(batch, 4\)"
    with pytest.raises(ShapeError, match=words):
        ev.compile(ev.Sequential([layer]), 4)
