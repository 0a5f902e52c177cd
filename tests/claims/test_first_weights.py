"""What the studies of first weights measure, against NumPy and against formulas."""

from math import log

import numpy as np
import pytest

import evenly as ev
from evenly.claims.data import Data, split
from evenly.claims.ready import deep_chain, first_weights, variance_kept, zero_weights
from evenly.claims.study import Case
from evenly.claims.training import Times, by_step, engine_of, guessed, spreads

pytestmark = pytest.mark.sweep


def case(**levels):
    return Case(levels, block=0, seed=11, data_seed=12)


def some_rows(classes=3, rows=40, features=5):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, features)).astype(np.float32)
    return Data(x, np.arange(rows) % classes, x[:10], np.arange(10) % classes)


def softmax(scores):
    p = np.exp(scores - scores.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True)


def test_steps_are_those_of_descent_by_hand():
    data, rate = some_rows(), 0.3
    done = by_step(case(), ev.Dense(3, kernel_init=ev.Zeros()), data, steps=6, rate=rate)
    kernel, bias, losses, norms = np.zeros((5, 3)), np.zeros(3), [], []
    for _ in range(6):
        p = softmax(data.x @ kernel + bias)
        losses.append(-np.log(p[np.arange(40), data.y]).mean())
        p[np.arange(40), data.y] -= 1
        d_kernel, d_bias = data.x.T @ p / 40, p.mean(axis=0)
        norms.append(np.sqrt((d_kernel**2).sum() + (d_bias**2).sum()))
        kernel, bias = kernel - rate * d_kernel, bias - rate * d_bias
    assert done.losses == pytest.approx(losses, rel=1e-5)
    assert done.norms == pytest.approx(norms, rel=1e-4)
    assert done.engine.arrays["dense_1.kernel"] == pytest.approx(kernel, rel=1e-4, abs=1e-6)


def test_batches_take_every_row_once_a_pass():
    data = some_rows(rows=12)
    done = by_step(case(), ev.Dense(3), data, steps=3, rate=1e-12, batch=4)
    p = softmax(data.x @ ev.init(ev.Dense(3), 5, 11).weights["dense_1.kernel"])
    assert np.mean(done.losses) == pytest.approx(-np.log(p[np.arange(12), data.y]).mean(), rel=1e-5)
    assert len(set(done.losses)) == 3


def test_a_training_that_breaks_counts_as_a_guess_from_there_on():
    data = some_rows()
    net = ev.Sequential([ev.Dense(8), ev.ReLU(), ev.Dense(8), ev.ReLU(), ev.Dense(3)])
    done = by_step(case(), net, data, steps=30, rate=1e25)
    assert done.engine is None
    assert len(done.losses) == len(done.norms) == 30
    assert done.losses[-1] == guessed(data)[1]
    assert done.losses[0] != guessed(data)[1]
    assert np.isfinite(done.norms).all()
    assert done.scored(data.x, data.y, 0.25) == 0.25


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_spreads_are_those_of_forward_and_backward_by_hand(activation):
    data = some_rows()
    act = variance_kept.ACTIVATIONS[activation]
    net = ev.Sequential([ev.Dense(7), act, ev.Dense(6), act, ev.Dense(3)])
    engine = engine_of(net, data, 40, seed=3)
    weights = [engine.arrays[f"dense_{k}.kernel"].astype(np.float64) for k in (1, 2, 3)]
    f = np.tanh if activation == "tanh" else lambda z: np.maximum(z, 0)
    one = f(data.x @ weights[0])
    two = f(one @ weights[1])
    scores = two @ weights[2]
    d_scores = softmax(scores)
    d_scores[np.arange(40), data.y] -= 1  # of each example's own loss
    d_two = d_scores @ weights[2].T
    slope = 1 - two**2 if activation == "tanh" else two > 0
    d_one = (d_two * slope) @ weights[1].T
    outputs, gradients = spreads(engine, data.x, data.y)
    rms = [np.sqrt((a**2).mean()) for a in (one, two, scores, d_one, d_two, d_scores)]
    assert outputs == pytest.approx(rms[:3], rel=1e-5)
    assert gradients == pytest.approx(rms[3:], rel=1e-4)


def test_times_multiplies():
    drawn = [first.sample(np.random.default_rng(1), (4, 3), (4, 3))
             for first in (ev.HeNormal(), Times(ev.HeNormal(), 10.0))]
    assert drawn[1] == pytest.approx(10 * drawn[0])


def test_twins_are_counted():
    assert zero_weights.share_of_twins(np.array([[1, 1, 2, 3], [5, 5, 6, 7]])) == 0.5
    assert zero_weights.share_of_twins(np.array([[1, 1, 2, 3], [5, 4, 6, 7]])) == 0.0
    assert zero_weights.share_of_twins(np.ones((3, 4))) == 1.0


@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
def test_zero_weights_leave_one_unit_many_times_over(activation):
    levels = {"data": "digits", "activation": activation}
    zeros = zero_weights.measure(case(**levels, start="zero weights"))
    random = zero_weights.measure(case(**levels, start="random weights"))
    assert (zeros["twins"], random["twins"]) == (1.0, 0.0)
    assert random["score"] > zeros["score"] + 0.3
    if activation == "relu":  # every row gets the same answer
        data = split("digits", case())
        shares = np.bincount(data.y_test) / len(data.y_test)
        assert min(abs(shares - zeros["score"])) < 1e-6


def test_odd_digits_are_odd():
    digits, odd = (zero_weights.data_of(case(data=name)) for name in ("digits", "odd digits"))
    assert (odd.x == digits.x).all()
    assert (odd.y == digits.y % 2).all()
    assert (odd.y_test == digits.y_test % 2).all()


def test_the_first_loss_and_who_it_is_of():
    data = some_rows()
    net = ev.Dense(3, kernel_init=ev.Normal(4.0))
    loss, wrong = first_weights.first_look(net, data, seed=5)
    kernel = ev.init(net, 5, 5).weights["dense_1.kernel"].astype(np.float64)
    p = softmax(data.x @ kernel)[np.arange(40), data.y]
    assert loss == pytest.approx(-np.log(p).mean(), rel=1e-5)
    assert wrong == pytest.approx(np.log(p[p < 0.01]).sum() / np.log(p).sum(), rel=1e-5)
    assert 0 < wrong < 1
    zeros = first_weights.first_look(ev.Dense(3, kernel_init=ev.Zeros()), data, seed=5)
    assert zeros == pytest.approx((log(3), 0.0))


def test_a_chain_grows_by_its_factor_a_layer(monkeypatch):
    monkeypatch.setattr(deep_chain, "RATES", (0.01,))
    monkeypatch.setattr(deep_chain, "STEPS", 10)
    for weights in (1.1, 0.9):
        found = deep_chain.measure(case(data="wine", depth=20, weights=weights))
        assert found["growth"] == pytest.approx(weights**19, rel=1e-5)
        assert found["gradient growth"] == pytest.approx(weights**19, rel=1e-4)
        assert found["activations"] == pytest.approx(
            found["activations"][0] * weights ** np.arange(20), rel=1e-5)


def test_half_the_variance_halves_the_squares_of_every_relu_layer(monkeypatch):
    monkeypatch.setattr(variance_kept, "STEPS", 5)
    found = {
        weights: variance_kept.measure(
            case(data="digits", activation="relu", depth=10, weights=weights))
        for weights in ("the rule's", "half", "double")
    }
    rule = found["the rule's"]["activations"]
    for weights, factor in (("half", 0.5), ("double", 2.0)):
        expected = rule * factor ** (np.arange(1, 11) / 2)
        assert found[weights]["activations"] == pytest.approx(expected, rel=1e-4)
        assert found[weights]["activation"] == pytest.approx(
            found["the rule's"]["activation"] * factor**4.5, rel=1e-4)


def test_lsuv_starts_every_layer_at_variance_one(monkeypatch):
    starts = []

    def watched(*args, first, **settings):
        starts.append(first)
        return by_step(*args, first=first, **settings)

    monkeypatch.setattr(variance_kept, "STEPS", 5)
    monkeypatch.setattr(variance_kept, "by_step", watched)
    found = variance_kept.measure(
        case(data="digits", activation="relu", depth=6, weights="LSUV"))
    # Behind a ReLU about half of the squares is left.
    assert found["activations"] == pytest.approx(np.full(6, 0.5**0.5), rel=0.25)
    assert [first is not None for first in starts] == [True, True]


def test_given_weights_are_where_training_starts():
    data = some_rows()
    first = {"dense_1.kernel": np.full((5, 3), 0.5)}
    done = by_step(case(), ev.Dense(3), data, steps=1, rate=1.0, first=first)
    assert done.losses[0] == pytest.approx(log(3), rel=1e-5)


def test_what_is_learned_of_a_guess():
    steps = variance_kept.STEPS
    assert variance_kept.learned([2.0] * steps, 2.0) == 0.0
    assert variance_kept.learned([9.0] * steps, 2.0) == 0.0
    assert variance_kept.learned([9.0] * (steps - steps // 5) + [0.5] * (steps // 5), 2.0) == 0.75
