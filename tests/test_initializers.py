"""First values: moments and limits, fans, and what they do to training."""

from math import sqrt

import numpy as np
import pytest
import torch

import evenly as ev
from evenly.errors import ConfigurationError, ShapeError
from evenly.initializers import (
    Constant,
    GateBias,
    HeNormal,
    HeUniform,
    Identity,
    LeCunNormal,
    LeCunUniform,
    Normal,
    Orthogonal,
    TruncatedNormal,
    Uniform,
    XavierNormal,
    XavierUniform,
    Zeros,
)

SHAPE = FAN = (500, 300)
nn = torch.nn.init

# Each: the initializer, its mean, its variance, its limit (None: has none), its fourth moment over
# the squared variance, and PyTorch's for a weight of shape (300, 500).
ROWS = {
    "normal": (Normal(0.3), 0, 0.09, None, 3, lambda w: nn.normal_(w, 0, 0.3)),
    "uniform": (Uniform(-0.2, 0.4), 0.1, 0.03, None, 1.8, lambda w: nn.uniform_(w, -0.2, 0.4)),
    "truncated": (TruncatedNormal(0.5), 0, 0.25 * 0.77374, 1.0, 2.3656,
                  lambda w: nn.trunc_normal_(w, std=0.5, a=-1.0, b=1.0)),
    "xavier normal": (XavierNormal(), 0, 2 / 800, None, 3, nn.xavier_normal_),
    "xavier uniform": (XavierUniform(), 0, 2 / 800, sqrt(6 / 800), 1.8, nn.xavier_uniform_),
    "xavier normal, gain": (XavierNormal(5 / 3), 0, 25 / 9 / 400, None, 3,
                            lambda w: nn.xavier_normal_(w, nn.calculate_gain("tanh"))),
    "xavier uniform, gain": (XavierUniform(0.5), 0, 0.5 / 800, sqrt(1.5 / 800), 1.8,
                             lambda w: nn.xavier_uniform_(w, 0.5)),
    "he normal": (HeNormal(), 0, 2 / 500, None, 3, nn.kaiming_normal_),
    "he uniform": (HeUniform(), 0, 2 / 500, sqrt(6 / 500), 1.8, nn.kaiming_uniform_),
    "he normal, out": (HeNormal(mode="fan_out"), 0, 2 / 300, None, 3,
                       lambda w: nn.kaiming_normal_(w, mode="fan_out")),
    "he uniform, out, slope": (
        HeUniform(mode="fan_out", negative_slope=0.5), 0, 1.6 / 300, sqrt(4.8 / 300), 1.8,
        lambda w: nn.kaiming_uniform_(w, 0.5, mode="fan_out")),
    "he normal, slope": (HeNormal(negative_slope=0.25), 0, 2 / 1.0625 / 500, None, 3,
                         lambda w: nn.kaiming_normal_(w, 0.25)),
    "lecun normal": (LeCunNormal(), 0, 1 / 500, None, 3,
                     lambda w: nn.kaiming_normal_(w, nonlinearity="linear")),
    "lecun uniform": (LeCunUniform(), 0, 1 / 500, sqrt(3 / 500), 1.8,
                      lambda w: nn.kaiming_uniform_(w, nonlinearity="linear")),
}


@pytest.mark.parametrize("name", ROWS)
def test_moments(name):
    initializer, mean, variance, limit, kurtosis, witness = ROWS[name]
    own = initializer.sample(np.random.default_rng(0), SHAPE, FAN)
    assert own.shape == SHAPE
    assert own.dtype == np.float64
    torch.manual_seed(0)
    theirs = witness(torch.empty(SHAPE[::-1], dtype=torch.float64)).numpy()
    for values in (own, theirs):
        # Five standard errors: a wrong formula is off by far more.
        assert values.mean() == pytest.approx(mean, abs=5 * sqrt(variance / values.size))
        assert values.var() == pytest.approx(
            variance, rel=5 * sqrt((kurtosis - 1) / values.size)
        )
        fourth = ((values - mean) ** 4).mean() / variance**2
        assert fourth == pytest.approx(kurtosis, rel=0.05)
        if limit is not None:
            assert 0.998 * limit < np.abs(values).max() <= limit * (1 + 1e-12)
        elif kurtosis == 3:
            assert np.abs(values).max() > 3.8 * sqrt(variance)


def test_uniform_lies_between_its_limits():
    values = Uniform(2.0, 3.0).sample(np.random.default_rng(0), (10_000,), (1, 1))
    assert 2 <= values.min() < 2.001
    assert 2.999 < values.max() < 3


# Recorded before gain, mode and negative_slope existed.
FIRST = {
    Normal(2.0): 0.25146044219, HeNormal(): 0.12573022109, HeUniform(): 0.47444920226,
    XavierNormal(): 0.10265829564, XavierUniform(): 0.38738615147, Orthogonal(): 0.68941379762,
}


@pytest.mark.parametrize("initializer", FIRST, ids=str)
def test_a_seed_gives_the_numbers_that_it_gave_before(initializer):
    values = initializer.sample(np.random.default_rng(0), (2, 1), (2, 1))
    assert values[0, 0] == pytest.approx(FIRST[initializer], abs=1e-10)


@pytest.mark.parametrize("shape", [(7, 4), (4, 7), (5, 5), (3, 3, 2, 6), (2, 12), (3, 1)])
@pytest.mark.parametrize("gain", [1.0, 1.7])
def test_orthogonal(shape, gain):
    kernel = Orthogonal(gain).sample(np.random.default_rng(0), shape, (1, 1))
    assert kernel.shape == shape
    flat = kernel.reshape(-1, shape[-1])
    flat = flat if flat.shape[0] >= flat.shape[1] else flat.T
    np.testing.assert_allclose(flat.T @ flat, gain**2 * np.eye(flat.shape[1]), atol=1e-12)


def test_no_rotation_is_likelier_than_another():
    """Without the correction of the signs the first number would hardly ever be positive."""
    rng = np.random.default_rng(0)
    first = [Orthogonal().sample(rng, (3, 3), (3, 3))[0, 0] for _ in range(2000)]
    assert abs(np.mean(first)) < 5 * sqrt(1 / 3 / 2000)
    assert np.var(first) == pytest.approx(1 / 3, rel=0.1)


def test_identity():
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(Identity().sample(rng, (3, 3), (3, 3)), np.eye(3))
    np.testing.assert_array_equal(
        Identity(0.5).sample(rng, (4, 2), (4, 2)), nn.eye_(torch.empty(4, 2)).numpy() / 2
    )
    layer = ev.LSTM(3, recurrent_init=Identity())
    kernel = ev.init(layer, (5, 2), dtype="float64").weights["lstm_1.recurrent_kernel"]
    np.testing.assert_array_equal(kernel, np.tile(np.eye(3), 4))
    with pytest.raises(ShapeError, match=r"Identity: fits kernels of two axes.*\(3, 3, 1, 4\)"):
        ev.init(ev.Conv2D(4, 3, kernel_init=Identity()), (8, 8, 1))


def test_a_relu_rnn_with_identity_adds_up():
    """What Le, Jaitly and Hinton start from: the state is the sum of what came in."""
    layer = ev.RNN(2, activation="relu", input_init=Identity(), recurrent_init=Identity())
    x = np.random.default_rng(0).random((4, 6, 2))
    model = ev.init(layer, (6, 2), dtype="float64")
    np.testing.assert_allclose(model.predict(x), x.sum(axis=1))


# Fans ----------------------------------------------------------------------------------------


def torch_fans(module, name="weight"):
    return nn._calculate_fan_in_and_fan_out(getattr(module, name))


FANS = [
    (ev.Dense(7), (5,), (5, 7), torch.nn.Linear(5, 7), 1),
    (ev.Conv1D(7, 3), (9, 5), (15, 21), torch.nn.Conv1d(5, 7, 3), 1),
    (ev.Conv2D(7, (2, 3)), (9, 9, 5), (30, 42), torch.nn.Conv2d(5, 7, (2, 3)), 1),
    # PyTorch's fan_out leaves out that a channel reaches the filters of its own group alone.
    (ev.Conv2D(8, 3, groups=2), (9, 9, 6), (27, 36), torch.nn.Conv2d(6, 8, 3, groups=2), 2),
    (ev.DepthwiseConv1D(3), (9, 5), (3, 3), torch.nn.Conv1d(5, 5, 3, groups=5), 5),
    (ev.DepthwiseConv2D(3, multiplier=2), (9, 9, 5), (9, 18),
     torch.nn.Conv2d(5, 10, 3, groups=5), 5),
]


@pytest.mark.parametrize(("layer", "shape", "fan", "module", "groups"), FANS)
def test_fans(layer, shape, fan, module, groups):
    spec = layer.arrays(shape)["kernel"]
    assert spec.fan == fan
    fan_in, fan_out = torch_fans(module)
    assert fan == (fan_in, fan_out / groups)


@pytest.mark.parametrize(("layer", "gates", "module"), [
    (ev.RNN(7), 1, torch.nn.RNN), (ev.LSTM(7), 4, torch.nn.LSTM), (ev.GRU(7), 3, torch.nn.GRU),
])
def test_fans_of_recurrent_layers_are_those_of_one_gate(layer, gates, module):
    arrays = layer.arrays((9, 5))
    assert arrays["input_kernel"].fan == (5, 7)
    assert arrays["recurrent_kernel"].fan == (7, 7)
    assert arrays["input_kernel"].shape == (5, 7 * gates)
    for ours, theirs in (("input_kernel", "weight_ih_l0"), ("recurrent_kernel", "weight_hh_l0")):
        fan_in, fan_out = torch_fans(module(5, 7), theirs)
        assert arrays[ours].fan == (fan_in, fan_out / gates)


@pytest.mark.parametrize(("layer", "shape"), [
    (lambda i: ev.Dense(400, kernel_init=i), (300,)),
    (lambda i: ev.Conv2D(96, 3, kernel_init=i), (5, 5, 64)),
    (lambda i: ev.Conv1D(96, 5, groups=4, kernel_init=i), (9, 128)),
])
@pytest.mark.parametrize(("initializer", "gain"), [(LeCunNormal(), 1), (HeUniform(), 2)])
def test_variance_of_what_comes_out(layer, shape, initializer, gain):
    """The formulas' own purpose: inputs of variance 1 come out with variance 1, or 2 for ReLU to
    halve."""
    x = np.random.default_rng(0).standard_normal((200, *shape))
    y = ev.init(layer(initializer), shape, seed=1).predict(x)
    assert y.var() == pytest.approx(gain, rel=0.05)


# Training ------------------------------------------------------------------------------------


def trained(first, last):
    net = ev.Sequential([ev.Dense(6, kernel_init=first), ev.Tanh(), ev.Dense(2, kernel_init=last)])
    x = np.random.default_rng(0).standard_normal((40, 5))
    model = ev.fit(net, x, (x[:, 0] > 0).astype(int), loss=ev.SoftmaxCrossEntropy(), epochs=5,
                   optimizer=ev.SGD(0.5))
    return model.weights["dense_1.kernel"], model.weights["dense_2.kernel"]


def test_zeros_everywhere_never_move():
    first, last = trained(Zeros(), Zeros())
    assert not first.any()
    assert not last.any()


def test_equal_units_stay_equal():
    first, last = trained(Constant(0.3), Constant(0.2))
    assert (first != np.float32(0.3)).any()
    assert (first == first[:, :1]).all()
    assert (last == last[:1]).all()


def test_units_with_different_weights_behind_them_do_not_stay_equal():
    first, _ = trained(Zeros(), HeNormal())
    assert (first != first[:, :1]).any()


def test_the_forget_gate_begins_open():
    bias = ev.init(ev.LSTM(3), (5, 2)).weights["lstm_1.bias"]
    np.testing.assert_array_equal(bias, [0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0])
    bias = ev.init(ev.LSTM(3, forget_bias=2.5), (5, 2)).weights["lstm_1.bias"]
    assert bias.sum() == 7.5


# Arguments -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("make", "message"), [
    (lambda: Normal(-1.0), "Normal: deviation must be at least 0, got -1.0"),
    (lambda: Normal("x"), "Normal: deviation must be a finite number, got 'x'"),
    (lambda: Constant(float("nan")), "Constant: value must be a finite number, got nan"),
    (lambda: Constant(None), "Constant: value must be a finite number"),
    (lambda: Uniform(1.0, 1.0), r"Uniform: low must be below high, got \(1.0, 1.0\)"),
    (lambda: Uniform(0.0, np.inf), "Uniform: high must be a finite number"),
    (lambda: TruncatedNormal(0.0), "TruncatedNormal: deviation must be positive, got 0.0"),
    (lambda: XavierNormal(0.0), "XavierNormal: gain must be positive, got 0.0"),
    (lambda: XavierUniform(True), "XavierUniform: gain must be a finite number, got True"),
    (lambda: HeNormal(mode="in"), "HeNormal: mode is 'fan_in' or 'fan_out', got 'in'"),
    (lambda: HeUniform(negative_slope=np.nan), "HeUniform: negative_slope must be a finite"),
    (lambda: Orthogonal(-1.0), "Orthogonal: gain must be positive"),
    (lambda: Identity(0.0), "Identity: gain must not be 0"),
    (lambda: GateBias(4, 4, 1.0), "GateBias: gate is one of 4, counted from 0, got 4"),
    (lambda: GateBias(0.5, 4, 1.0), "GateBias: gate must be a whole number, got 0.5"),
])
def test_wrong_arguments(make, message):
    with pytest.raises(ConfigurationError, match=message):
        make()
