"""Averages of networks: the program against the definition, PyTorch and the mean itself."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import evenly as ev
from evenly.layers.containers import forward_of
from tests.contract.common import TOLERANCE, arrays_for, definition, error, values

WAYS = {
    "numbers": {"of": "numbers"}, "logs": {"of": "logs"}, "classes": {"of": "classes"},
    "labels": {"of": "labels"}, "quantiles": {"of": "quantiles", "levels": 3, "anchor": 1},
}
MEANS = {
    "numbers": lambda x: x, "logs": np.exp, "labels": lambda x: 1 / (1 + np.exp(-x)),
    "classes": lambda x: np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True),
    "quantiles": lambda x: np.where(np.arange(x.shape[-1]) % 3 == 1, x, np.log1p(np.exp(x))),
}


def net_of(way, members=3, width=6, front=()):
    parts = [[ev.Dense(5), ev.Tanh(), ev.Dense(width)] for _ in range(members - 1)]
    return ev.Sequential([*front, ev.Ensemble([*parts, ev.Dense(width)], **WAYS[way])])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=5, deadline=None)
@given(rows=st.integers(4, 30), seed=st.integers(0, 2**31), members=st.integers(1, 4),
       threads=st.sampled_from([1, 2, 3]), far=st.sampled_from([1, 30]))
def test_program_is_the_definition(way, dtype, rows, seed, members, threads, far):
    net = net_of(way, members, front=[ev.Dense(4)])
    program = ev.compile(net, (7,), batch=rows, dtype=dtype)
    arrays = arrays_for(net, (7,), seed, dtype)
    engine = ev.Engine(program, seed=seed, weights=arrays, threads=threads)
    x, d_y = far * values(seed, (rows, 7), dtype), values(seed + 2, (rows, 6), dtype)
    y, d_x, gradients = definition(net, x, arrays, d_y, ev.Run(training=True, seed=seed))
    tolerance = far * 30 * TOLERANCE[dtype]
    assert error(engine.forward(x), y, 1.0) < tolerance
    got_d_x, got = engine.backward(d_y)
    assert error(got_d_x, d_x, 1.0) < tolerance
    for array, gradient in gradients.items():
        assert error(got[array], gradient, 1.0) < tolerance, array
    assert error(engine.predict(x), y, 1.0) < tolerance


@pytest.mark.parametrize("way", WAYS)
def test_the_average_is_that_of_the_answers(way):
    net = net_of(way)
    model = ev.init(net, 7, seed=3, dtype="float64")
    x = values(0, (20, 7))
    parts = [forward_of(part, x, model.weights, ev.Run(training=False))[0]
             for part in net.resolved.layers[0].parts]
    mean = np.mean([MEANS[way](part) for part in parts], axis=0)
    assert error(MEANS[way](model.predict(x)), mean) < 1e-12


@pytest.mark.parametrize("way", WAYS)
def test_gradients_are_the_numeric_ones(way):
    net = net_of(way)
    arrays = arrays_for(net, (7,), 2, "float64")
    x, d_y = values(0, (5, 7)), values(1, (5, 6))
    run = ev.Run(training=True)
    _, d_x, _ = definition(net, x, arrays, d_y, run)
    step, numeric = 1e-6, np.empty_like(x)
    for place in np.ndindex(x.shape):
        ends = []
        for sign in (1, -1):
            moved = x.copy()
            moved[place] += sign * step
            ends.append((net.forward(moved, arrays, run)[0] * d_y).sum())
        numeric[place] = (ends[0] - ends[1]) / (2 * step)
    assert error(d_x, numeric) < 1e-7


@pytest.mark.parametrize("way", WAYS)
def test_pytorch_says_the_same_there_and_back(way):
    model = ev.init(net_of(way), 7, seed=3, dtype="float64")
    module = ev.to_torch(model)
    x, d_y = values(0, (9, 7)), values(1, (9, 6))
    tensor = torch.tensor(x, requires_grad=True)
    y = module(tensor)
    y.backward(torch.tensor(d_y))
    engine = ev.Engine(ev.compile(model.net, 7, batch=9, dtype="float64"), weights=model.weights)
    assert error(engine.forward(x), y.detach().numpy()) < 1e-12
    assert error(engine.backward(d_y)[0], tensor.grad.numpy()) < 1e-12
    back = ev.from_torch(module, 7, dtype="float64")
    assert error(back.predict(x), model.predict(x)) < 1e-14


@pytest.mark.parametrize(("way", "score"), [
    ("labels", 800.0), ("classes", 800.0), ("logs", 600.0), ("quantiles", 600.0),
])
def test_far_out_no_digit_is_lost(way, score):
    """Members that say the same say the same together, and those that contradict are finite."""
    layer = ev.Ensemble([[], []], **WAYS[way])
    net = ev.Sequential([layer])
    engine = ev.Engine(ev.compile(net, 3, batch=2, dtype="float64"))
    rows = np.array([[score, -score, 0.0], [-score, score, 0.0]])
    given = layer.forward(rows, {}, ev.Run(training=True))[0]
    assert error(engine.forward(rows), given, 1.0) < 1e-12
    same = rows if way != "classes" else rows - score
    assert error(given, same) < 1e-12
    apart = ev.Ensemble([ev.Dense(1, bias=False), ev.Dense(1, bias=False)], of=way, levels=1)
    net = ev.Sequential([apart])
    weights = {"dense_1.kernel": np.array([[score]]), "dense_2.kernel": np.array([[-score]])}
    engine = ev.Engine(ev.compile(net, 1, batch=1, dtype="float64"), weights=weights)
    x = np.ones((1, 1))
    assert np.isfinite(engine.forward(x)).all()
    assert np.isfinite(engine.backward(np.ones((1, 1)))[0]).all()


def test_trained_as_one_it_learns():
    x = values(0, (60, 4))
    y = (x[:, 0] > x[:, 1]).astype(int)
    parts = [[ev.Dense(6), ev.Tanh(), ev.Dense(2)] for _ in range(3)]
    net = ev.Sequential([ev.Ensemble(parts, of="classes")])
    told = [ev.fit(net, x, y, loss=ev.SoftmaxCrossEntropy(), epochs=30, batch=20, seed=1,
                   optimizer=ev.Adam(0.05), threads=threads) for threads in (1, 2)]
    assert told[0].history[-1].score > 0.9
    for name, array in told[0].weights.items():
        np.testing.assert_array_equal(array, told[1].weights[name])


def test_what_cannot_be_averaged():
    for wrong, words in (
        ({"members": []}, "1 to 1024 members"), ({"of": "odds"}, "of is one of 'numbers'"),
        ({"levels": 2}, "levels are for of='quantiles'"),
        ({"of": "quantiles", "levels": 2, "anchor": 2}, "anchor one from 0 to levels - 1"),
    ):
        with pytest.raises(ev.errors.ConfigurationError, match=words):
            ev.Ensemble(**{"members": [ev.Dense(2)], **wrong})
    with pytest.raises(ev.errors.ShapeError, match=(
        r"Ensemble 'ensemble_1': outputs that are averaged must have one shape, got \(2,\), \(3,\)"
    )):
        ev.compile([ev.Ensemble([ev.Dense(2), ev.Dense(3)])], 4)
    with pytest.raises(ev.errors.EvenlyError, match="3 levels of each target"):
        ev.compile([ev.Ensemble([ev.Dense(2)], of="quantiles", levels=3)], 4)
