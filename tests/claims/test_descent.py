"""What the studies of descent measure, against NumPy and against formulas."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

import evenly as ev
from evenly.claims import run
from evenly.claims.data import Data
from evenly.claims.ready import (
    adam_generalizes,
    batch_sizes,
    growing_batches,
    hyperparameters,
    optimizers,
    rate_decay,
)
from evenly.claims.study import Case
from evenly.claims.training import guessed, mlp, train

pytestmark = pytest.mark.sweep


def case(**levels):
    return Case(levels, block=0, seed=11, data_seed=12)


def some_rows(rows=48, features=5, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, features)).astype(np.float32)
    y = (x @ rng.normal(size=(features, classes))).argmax(axis=1)
    return Data(x[: rows // 2], y[: rows // 2], x[rows // 2 :], y[rows // 2 :])


def told(study, measure, **settings):
    """The verdict on measures that are planted: a function of levels and block."""
    def planted(one):
        noise = one.rng(str(sorted(one.levels.items()))).normal()
        return {name: value * np.exp(0.05 * noise) for name, value in measure(one).items()}
    return run(replace(study, **{"name": "planted", "measure": planted, **settings}))


# Losses on the test part ------------------------------------------------------------------------


def test_test_losses_by_epoch_end_at_the_test_loss():
    done = train(case(), mlp((8,), 3), some_rows(), epochs=5, curve=True)
    assert len(done.test_losses) == 5
    assert done.test_losses[-1] == pytest.approx(done.test_loss, rel=1e-6)
    assert done.test_losses[0] > done.test_losses[-1]


def test_a_training_that_breaks_has_the_test_losses_of_a_guess():
    data = replace(some_rows(), y=some_rows().x[:, 0], y_test=some_rows().x_test[:, 0])
    done = train(case(), mlp((8,), 1), data, epochs=9, curve=True, optimizer=ev.SGD(1e6))
    assert done.broke
    assert len(done.test_losses) == 9
    assert done.test_losses[-1] == guessed(data)[1]


# Batch sizes ------------------------------------------------------------------------------------


def by_hand(case, data, rate, steps):
    """Costs after each step of the whole batch, in NumPy, as shares of a guess's."""
    engine, *_ = batch_sizes.made(case, data, rate)
    w1, b1, w2, b2 = (engine.arrays[name].astype(np.float64) for name in
                      ("dense_1.kernel", "dense_1.bias", "dense_2.kernel", "dense_2.bias"))
    right, costs = np.eye(3)[data.y], []
    for step in range(steps + 1):
        hidden = np.maximum(data.x @ w1 + b1, 0)
        scores = hidden @ w2 + b2
        p = np.exp(scores - scores.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        if step:
            costs.append(-(right * np.log(p)).sum(axis=1).mean() / guessed(data)[1])
        d_scores = (p - right) / len(data.x)
        d_hidden = d_scores @ w2.T * (hidden > 0)
        w2, b2 = w2 - rate * hidden.T @ d_scores, b2 - rate * d_scores.sum(axis=0)
        w1, b1 = w1 - rate * data.x.T @ d_hidden, b1 - rate * d_hidden.sum(axis=0)
    return costs


def test_the_cost_of_the_whole_batch_is_that_of_descent_by_hand():
    data, way = some_rows(), case(batch="whole")
    steps, costs, losses = batch_sizes.descent(way, data, 0.3)
    wanted = by_hand(way, data, 0.3, 8)
    assert steps[:4].tolist() == [1, 2, 3, 6]
    assert steps[-1] == 128
    np.testing.assert_allclose(costs[:4], [min(wanted[step - 1], 1) for step in steps[:4]],
                               rtol=1e-4)
    np.testing.assert_allclose(losses[1:8] / guessed(data)[1], wanted[:7], rtol=1e-4)


@pytest.mark.parametrize("way", ["one", "mini"])
def test_every_row_has_its_turn_once_in_a_pass(way, monkeypatch):
    data, seen = some_rows(), []
    real = ev.Engine.train
    monkeypatch.setattr(ev.Engine, "train", lambda engine, x, y, order, batch:
                        (seen.append(order), real(engine, x, y, order, batch))[1])
    batch_sizes.descent(case(batch=way), data, 0.01)
    rows = np.concatenate(seen)
    for start in range(0, len(rows) - 24, 24):
        assert sorted(rows[start : start + 24]) == list(range(24))
    sizes = {"mini": [1, 1, 2, 4], "one": [1, 2, 5, 15]}[way]
    assert [len(part) for part in seen[:4]] == [
        number * batch_sizes.WAYS[way][0] for number in sizes]


def test_steps_to_the_target_on_a_line():
    steps = 2 ** np.arange(8)
    assert batch_sizes.steps_to(steps, 1 / steps, 0.1) == pytest.approx(10)
    assert batch_sizes.steps_to(steps, np.full(8, 0.5), 0.1) == pytest.approx(128 * 5)
    assert batch_sizes.steps_to(steps, np.full(8, 0.05), 0.1) == 1.0


def test_unrest_is_the_noise_and_not_the_fall():
    fall = np.exp(-0.05 * np.arange(20000))[:5000] + 1e-200
    assert batch_sizes.unrest(fall) < 1e-6
    noise = np.exp(0.3 * np.random.default_rng(0).normal(size=5000))
    assert batch_sizes.unrest(fall * noise) == pytest.approx(0.3, rel=0.03)


def test_seconds_of_a_pass_are_the_least_of_five(monkeypatch):
    took = iter([5.0, 3.0, 9.0, 4.0, 7.0])
    now, asked = [0.0], [0]

    def clock():
        asked[0] += 1
        # Asked at the start of a pass, after it, and once more for the result.
        if asked[0] % 3 == 2:
            now[0] += next(took)
        return now[0]

    monkeypatch.setattr(batch_sizes.time, "thread_time", clock)
    assert batch_sizes.seconds_of_a_pass(case(batch="mini"), some_rows()) == 3.0


def test_a_machine_that_is_somewhat_busy_tells_nothing():
    """Seconds that differ by a fifth are no finding, and the plain numbers are one."""
    def measure(one, busy=0.0):
        way = one["batch"]
        slow = {"mini": 1.0, "one": 1.2, "whole": 1.2} if busy else {
            "mini": 1.0, "one": 6.0, "whole": 6.0}
        return {"unrest": {"mini": 0.5, "one": 1.0, "whole": 0.1}[way],
                "seconds an example": slow[way], "seconds a step": slow[way],
                "seconds to target": slow[way],
                "steps to target": {"mini": 9.0, "one": 99.0, "whole": 4.0}[way]}
    assert told(batch_sizes.STUDY, measure).verdict == "holds"
    assert told(batch_sizes.STUDY, lambda one: measure(one, busy=1)).verdict == "cannot tell"


# Optimizers -------------------------------------------------------------------------------------


def test_the_bowl_is_a_hundred_times_as_steep_one_way_as_the_other():
    data = optimizers.bowl(case(data="bowl"))
    steepness = np.linalg.eigvalsh(np.cov(data.x, rowvar=False, bias=True))
    assert steepness.max() / steepness.min() == pytest.approx(100, rel=0.3)
    slopes, *_ = np.linalg.lstsq(data.x, data.y, rcond=None)
    np.testing.assert_allclose(np.abs(slopes) * np.geomspace(1, 10, 10), 10**-0.5, atol=0.03)
    assert np.var(data.y) == pytest.approx(1.01, rel=0.2)


def test_the_curve_is_that_of_descent_by_hand():
    data = optimizers.bowl(case(data="bowl"))
    data = Data(data.x[:32], data.y[:32], data.x_test, data.y_test)
    found = optimizers.losses(case(data="bowl", optimizer="descent"), data, 0.003)
    kernel, bias, wanted = np.zeros(10), 0.0, []
    for _ in range(optimizers.EPOCHS):
        off = data.x @ kernel + bias - data.y
        kernel, bias = kernel - 0.006 * data.x.T @ off / 32, bias - 0.006 * off.mean()
        wanted.append(np.mean((data.x_test @ kernel + bias - data.y_test) ** 2))
    np.testing.assert_allclose(found, np.array(wanted) / np.var(data.y), rtol=1e-4)


def test_what_breaks_is_a_guess_and_curves_count_by_their_logarithm():
    data = optimizers.bowl(case(data="bowl"))
    for rate in (0.012, 10.0):  # one climbs, the other breaks
        found = optimizers.losses(case(data="bowl", optimizer="descent"), data, rate)
        assert (found == 1).all()
    assert optimizers.over_epochs(np.array([1, 0.01])) == pytest.approx(0.1)


@pytest.mark.parametrize(("gain", "verdict"), [(0.5, "holds"), (1.0, "cannot tell"),
                                               (2.0, "fails")])
def test_a_planted_gain_is_seen(gain, verdict):
    found = told(optimizers.STUDY, lambda one: {
        "test loss": 1.0 if one["optimizer"] == "descent" else gain})
    assert found.verdict == verdict


# Decay ------------------------------------------------------------------------------------------


def test_rates_fall_to_what_the_study_says():
    epochs = np.array([0.0, rate_decay.EPOCHS])
    ends = {name: schedule.factors(epochs, rate_decay.EPOCHS)
            for name, schedule in rate_decay.SCHEDULES.items() if schedule}
    assert {name: found[0] for name, found in ends.items()} == dict.fromkeys(ends, 1)
    assert ends["exponential"][1] == pytest.approx(0.01)
    assert ends["inverse time"][1] == pytest.approx(0.2)
    assert ends["cosine"][1] == pytest.approx(0, abs=1e-12)


def test_wandering_is_what_is_off_the_line():
    line = np.exp(-0.3 * np.arange(20))
    assert rate_decay.wandering(line) == 1e-6
    jumps = np.exp(0.1 * np.array([1, -1, -1, 1] * 5))
    assert rate_decay.wandering(line * jumps) == pytest.approx(0.1, rel=0.05)
    early = np.where(np.arange(20) < 5, 5.0, 1.0)
    assert rate_decay.wandering(line * early) == 1e-6


# Hyperparameters --------------------------------------------------------------------------------


def test_settings_are_drawn_over_their_ranges():
    rng = np.random.default_rng(0)
    settings = [hyperparameters.drawn(rng) for _ in range(2000)]
    for name, (low, high, is_log, is_whole) in hyperparameters.SPACE.items():
        values = np.array([one[name] for one in settings])
        middle = (low * high) ** 0.5 if is_log else (low + high) / 2
        assert low <= values.min() <= low + 0.1 * (high - low)
        assert high >= values.max() >= high - 0.1 * (high - low)
        assert abs(np.mean(values <= middle) - np.mean(values >= middle)) < 0.1
        assert not is_whole or (values == np.round(values)).all()


def test_importance_is_found_where_it_is_planted():
    rng = np.random.default_rng(0)
    settings = [hyperparameters.drawn(rng) for _ in range(40)]
    for name in ("learning rate", "units"):
        values = np.log([one[name] for one in settings])
        errors = (values - values.mean()) ** 2
        found = hyperparameters.fanova(settings, errors, seed=1)
        assert max(found, key=found.__getitem__) == name
        assert found[name] > 0.7
        assert sum(found.values()) == pytest.approx(1, abs=0.3)
    nothing = hyperparameters.fanova(settings, np.zeros(40), seed=1)
    assert set(nothing.values()) == {0.0}


@pytest.mark.parametrize(("share", "verdict"), [(0.5, "holds"), (0.1, "cannot tell"),
                                                (0.01, "fails")])
def test_the_lead_of_the_rate_is_what_is_beyond_chance(share, verdict):
    def measure(one):
        is_rate = one["hyperparameter"] == "learning rate" and one["scores"] == "measured"
        return {"importance": share if is_rate else 0.1}
    assert told(hyperparameters.STUDY, measure, name="planted-shares").verdict == verdict


# Contradictions ---------------------------------------------------------------------------------


def test_signs_say_yes_to_all_of_the_constructed_data_and_the_smallest_solution_is_right():
    data = adam_generalizes.constructed(case())
    signs = np.sign(data.x.T @ data.y)
    assert (data.x_test @ signs > 0).all()
    smallest = np.linalg.pinv(data.x) @ data.y
    assert (np.sign(data.x_test @ smallest) == data.y_test).all()
    own = data.x[:, 3:].sum(axis=1)
    assert (own == np.where(data.y > 0, 1, 5)).all()
    assert not data.x_test[:, 3:].any()


def test_adam_says_yes_to_all_and_with_a_large_epsilon_it_does_not():
    one = case(data="constructed")
    data = adam_generalizes.constructed(one)
    always = np.mean(data.y_test > 0)
    assert adam_generalizes.trained(one, data, 1e-8, 0.03)[0] == pytest.approx(always)
    assert adam_generalizes.trained(one, data, 1.0, 0.05)[0] == 1.0
    assert adam_generalizes.trained(one, data, 0.0, 0.02)[0] == 1.0


def test_batches_grow_as_rates_fall():
    """The scale of the noise, rate over batch, is the same in both at every epoch."""
    decay, grow = (growing_batches.plan(way, 10**4) for way in ("decay", "grow"))
    assert [share / batch for batch, share in decay] == [share / batch for batch, share in grow]
    assert [batch for batch, _ in grow] == [16] * 8 + [64] * 8 + [256] * 8
    assert all(a >= b for (_, a), (_, b) in pairwise(decay))
    assert {batch for batch, _ in growing_batches.plan("large", 900)} == {90}
    assert max(growing_batches.plan("grow", 100))[0] == 100


@pytest.mark.parametrize(("way", "schedule"), [
    ("small", None), ("decay", ev.MultiStepDecay((8, 16), 0.25)),
])
def test_plans_train_as_fit_does(way, schedule):
    data = some_rows(rows=32)
    data = replace(data, x_test=data.x, y_test=data.y)
    found = growing_batches.trained(case(), data, 0.2, way)
    done = train(case(), mlp((64,), 3), data, epochs=growing_batches.EPOCHS, batch=None, curve=True,
                 optimizer=ev.SGD(0.2), schedule=schedule)
    wanted = np.minimum(done.test_losses, guessed(data)[1])
    np.testing.assert_allclose(found["test losses"] * guessed(data)[1], wanted, rtol=1e-4)
    assert found["test losses"][-1] < found["test losses"][10] < 0.9
    assert found["steps"] == growing_batches.EPOCHS
    assert found["accuracy"] == pytest.approx(done.test)


def test_steps_are_counted_by_the_batches():
    found = growing_batches.trained(case(), some_rows(rows=200), 0.1, "grow")
    assert found["steps"] == 8 * (7 + 2 + 1)


@pytest.mark.parametrize(("large", "verdict"), [(0.8, "holds"), (0.9, "cannot tell"),
                                                (0.95, "fails")])
def test_both_sides_of_the_batches_are_seen(large, verdict):
    def measure(one):
        right = large if one["way"] == "large" else 0.9
        return {"accuracy": right + 0.002 * one.rng(one["way"]).normal(), "steps": 9.0}
    assert run(replace(growing_batches.STUDY, name="planted", measure=measure)).verdict == verdict
