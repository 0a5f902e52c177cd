"""What the studies of normalized inputs and of clipping measure, against NumPy and formulas."""

import numpy as np
import pytest

import evenly as ev
from evenly.claims.data import Data, split
from evenly.claims.ready import clipping, normalized_inputs, whose_statistics
from evenly.claims.study import Case
from evenly.claims.training import by_step

pytestmark = pytest.mark.sweep


def case(**levels):
    return Case(levels, block=0, seed=11, data_seed=12)


def second_moments(x):
    rows = np.column_stack([x, np.ones(len(x))]).astype(np.float64)
    return np.linalg.eigvalsh(rows.T @ rows / len(rows))


def test_the_condition_of_inputs_whose_scales_are_known():
    # Centered, and orthogonal to each other: the second moments are diagonal.
    signs = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]])
    assert normalized_inputs.condition(signs) == pytest.approx(1.0)
    assert normalized_inputs.condition(signs * [1, 10]) == pytest.approx(100.0)
    assert normalized_inputs.condition(signs * [0.1, 10]) == pytest.approx(1e4)
    constant = np.column_stack([signs, np.zeros(4)])
    assert normalized_inputs.condition(constant) == pytest.approx(1.0)


@pytest.mark.parametrize("inputs", ["raw", "normalized"])
def test_rates_below_the_bound_only_descend(inputs, monkeypatch):
    """The curvature of softmax cross-entropy is at most half of the second moments' largest
    eigenvalue, and below 2 / curvature every step descends."""
    rates = (1e-7, 1e-6, 3e-6, 1e-2, 0.1, 0.4)
    monkeypatch.setattr(normalized_inputs, "RATES", rates)
    found = normalized_inputs.measure(case(data="wine", network="linear", inputs=inputs))
    x = split("wine", case(), standardize=inputs == "normalized").x
    bound = 4 / second_moments(x)[-1]
    assert found["largest rate"] >= max(rate for rate in rates if rate < bound)
    assert found["condition"] == pytest.approx(second_moments(x)[-1] / second_moments(x)[0])
    if inputs == "raw":
        assert found["largest rate"] < 1e-4


def test_normalized_inputs_take_fewer_steps_and_the_best_rate_is_told(monkeypatch):
    monkeypatch.setattr(normalized_inputs, "RATES", (1e-6, 0.1))
    found = {inputs: normalized_inputs.measure(
        case(data="cancer", network="hidden layer", inputs=inputs))
        for inputs in ("raw", "normalized")}
    assert found["raw"]["steps"] == 81
    assert found["normalized"]["steps"] < 30
    assert found["normalized"]["steps by rate"] == [81, found["normalized"]["steps"]]
    assert found["normalized"]["rates that learn"] == 0.5
    assert found["normalized"]["loss"][-1] < found["normalized"]["loss"][0] / 2


@pytest.mark.parametrize("how", whose_statistics.STUDY.factors["test rows"])
def test_every_test_row_comes_once(how):
    data = split("cancer", case(), standardize=False)
    parts = whose_statistics.parts_of(data, how)
    assert sorted(np.concatenate(parts)) == list(range(len(data.x_test)))
    sizes = {"one at a time": 1, "ten at a time": 10, "all at once": len(data.x_test)}
    if how in sizes:
        assert {len(part) for part in parts[:-1]} <= {sizes[how]}
    else:
        assert [set(data.y_test[part]) for part in parts] == [{0}, {1}]


def test_rows_are_scaled_by_whose_statistics_it_says():
    data = split("cancer", case(), standardize=False)
    mean, deviation = data.x.mean(axis=0, dtype=np.float64), data.x.std(axis=0, dtype=np.float64)
    x, order = whose_statistics.as_it_gets_them(data, "one class at a time", "training")
    assert x == pytest.approx((data.x_test[order] - mean) / deviation, rel=1e-3, abs=1e-4)
    own, order = whose_statistics.as_it_gets_them(data, "one class at a time", "own")
    for one in (0, 1):
        part = own[data.y_test[order] == one]
        assert part.mean(axis=0) == pytest.approx(0, abs=1e-4)
        assert part.std(axis=0) == pytest.approx(1, abs=1e-3)
    alone, _ = whose_statistics.as_it_gets_them(data, "one at a time", "own")
    assert (alone == 0).all()
    none, order = whose_statistics.as_it_gets_them(data, "all at once", "none")
    assert (none == data.x_test[order]).all()


def test_one_row_by_its_own_statistics_gets_everyones_answer():
    levels = {"data": "cancer", "test rows": "one at a time"}
    own, training = (whose_statistics.measure(case(**levels, statistics=whose))["score"]
                     for whose in ("own", "training"))
    y = split("cancer", case()).y_test
    assert min(abs(np.bincount(y) / len(y) - own)) < 1e-6
    assert training > own + 0.2


def test_a_digit_is_read_pixel_by_pixel():
    data = clipping.sequences(case(data="digits"))
    plain = split("digits", case(), test=200, standardize=False)
    assert data.x.shape == (len(plain.x), 64, 1)
    assert data.x_test.shape == (200, 64, 1)
    back = data.x[:, :, 0] * plain.x.std() + plain.x.mean()
    assert back == pytest.approx(plain.x, abs=1e-5)
    assert data.x.mean() == pytest.approx(0, abs=1e-4)


def test_the_order_of_two_symbols_is_the_class():
    data = clipping.order(case(), rows=80, steps=60)
    symbols = data.x.argmax(axis=2)
    assert (data.x.sum(axis=2) == 1).all()
    for row, label in zip(symbols, data.y, strict=True):
        places = np.flatnonzero(row < 2)
        assert len(places) == 2
        assert 6 <= places[0] < 12
        assert 30 <= places[1] < 36
        assert label == 2 * row[places[0]] + row[places[1]]
    assert set(data.y) == {0, 1, 2, 3}
    assert (clipping.order(case(), rows=80).x == data.x).all()


def test_clipping_keeps_a_training_that_breaks_without_it():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, 30, 1)).astype(np.float32)
    data = Data(x, (x.sum(axis=(1, 2)) > 0).astype(int), x, np.zeros(64, int))
    net = ev.Sequential([clipping.NETWORKS["recurrent relu"], ev.Dense(2)])
    none, clipped = (
        by_step(case(), net, data, steps=40, rate=1.0, batch=16, clip=clipping.CLIPS[name])
        for name in ("none", "norm 1"))
    assert none.engine is None
    assert clipped.engine is not None
    assert clipped.norms[0] == pytest.approx(none.norms[0], rel=1e-6)  # before clipping
    # The step is no longer than the rate.
    short = by_step(case(), net, data, steps=1, rate=0.5, batch=16, clip=clipping.CLIPS["norm 1"])
    first = ev.init(net, (30, 1), 11).weights
    moved = sum(float(((short.engine.arrays[name] - first[name]) ** 2).sum()) for name in first)
    assert short.norms[0] > 1
    assert moved == pytest.approx(0.25, rel=1e-3)


def test_the_rate_is_chosen_on_the_validation_part(monkeypatch):
    monkeypatch.setattr(clipping, "RATES", (1e-6, 0.03))
    monkeypatch.setattr(clipping, "STEPS", {False: 60})
    found = clipping.measure(case(data="digits", network="recurrent tanh", clip="norm 1"))
    assert found["score"] in found["score by rate"]
    assert found["score"] == found["score by rate"][1] > found["score by rate"][0]
    assert found["mean score"] == pytest.approx(np.mean(found["score by rate"]))
    assert len(found["loss"]) == len(found["steps"]) == len(found["gradient"]) == 6
    assert found["steps"][0] == 5.5
