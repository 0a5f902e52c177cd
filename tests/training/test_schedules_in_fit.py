"""Schedules, mixup and constraints as fit applies them; what cannot work is said beforehand."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from scipy import sparse

import evenly as ev
from evenly.errors import ConfigurationError, DataError
from evenly.rows import sources

RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 4)).astype(np.float32)
Y = (X[:, 0] > X[:, 1]).astype(int)
NET = ev.Sequential([ev.Dense(5), ev.Tanh(), ev.Dense(2)])
COMMON = {"loss": ev.SoftmaxCrossEntropy(), "batch": 16, "seed": 3, "progress": False}


def test_a_schedule_by_epoch_is_a_training_with_one_rate_after_the_other():
    whole = ev.fit(NET, X, Y, optimizer=ev.SGD(0.8), epochs=3, shuffle=False,
                   schedule=ev.ExponentialDecay(0.5), **COMMON)
    parts = ev.init(NET, 4, seed=3, loss=COMMON["loss"])
    for rate in (0.8, 0.4, 0.2):
        parts = ev.fit(parts, X, Y, optimizer=ev.SGD(rate), epochs=1, shuffle=False, **COMMON)
    for name, array in whole.weights.items():
        np.testing.assert_array_equal(array, parts.weights[name])
    np.testing.assert_allclose(whole.history.column("learning_rate"), [0.8, 0.4, 0.2])


def test_a_schedule_by_step_counts_over_epochs():
    model = ev.fit(NET, X, Y, optimizer=ev.SGD(1.0), epochs=3,
                   schedule=ev.LinearWarmup(8, start=0.0), **COMMON)  # 4 steps an epoch
    np.testing.assert_allclose(model.history.column("learning_rate"), [3 / 8, 7 / 8, 1.0])


def test_reduce_on_plateau_follows_the_records():
    model = ev.fit(NET, X, Y, optimizer=ev.SGD(1e-6), epochs=6, validation=0.2,
                   schedule=ev.ReduceOnPlateau(0.1, patience=1, threshold=0.5), **COMMON)
    np.testing.assert_allclose(model.history.column("learning_rate"),
                               [1e-6, 1e-6, 1e-6, 1e-7, 1e-7, 1e-8], rtol=1e-12)


def test_one_cycle_moves_the_momentum():
    settings = {"optimizer": ev.Momentum(0.05), "epochs": 3, **COMMON}
    moved = ev.fit(NET, X, Y, schedule=ev.OneCycle(), **settings)
    fixed = ev.fit(NET, X, Y, schedule=ev.OneCycle(cycle_momentum=False), **settings)
    assert not np.array_equal(moved.weights["dense_1.kernel"], fixed.weights["dense_1.kernel"])


@pytest.mark.parametrize("rule", [ev.SGD(), ev.RMSprop(), ev.NAdam(), ev.Adagrad()])
def test_one_cycle_needs_a_momentum(rule):
    with pytest.raises(ConfigurationError, match=f"OneCycle moves the momentum, and {rule.__class__.__name__} has none"):  # noqa: E501
        ev.fit(NET, X, Y, optimizer=rule, schedule=ev.OneCycle(), **COMMON)


@pytest.mark.parametrize(("settings", "message"), [
    ({"schedule": ev.ReduceOnPlateau()}, "ReduceOnPlateau watches the validation_loss: give"),
    ({"schedule": ev.CosineDecay}, "schedule must be a Schedule .* call it"),
    ({"schedule": 0.1}, "schedule must be a Schedule or a ReduceOnPlateau, got 0.1"),
    ({"constraint": ev.UnitNorm}, "constraint must be a Constraint, .* call it"),
    ({"constraint": 3.0}, "constraint must be a Constraint, got 3.0"),
    ({"augment": 0.2}, "augment must be an Augmentation, got 0.2"),
    ({"penalty": 1e-4}, "penalty must be a Penalty, got 0.0001"),
    ({"clip": 1.0}, "clip must be a Clip, got 1.0"),
])
def test_wrong_settings_are_named(settings, message):
    with pytest.raises(ConfigurationError, match=message):
        ev.fit(NET, X, Y, **settings, **COMMON)


@pytest.mark.parametrize(("make", "message"), [
    (lambda: ev.Mixup(0), "Mixup: alpha must be positive, got 0"),
    (lambda: ev.Mixup(np.inf), "Mixup: alpha must be finite, got inf"),
    (lambda: ev.L1(np.inf), "L1: strength must be finite, got inf"),
    (lambda: ev.SGD(np.inf), "SGD: learning_rate must be finite, got inf"),
    (lambda: ev.Adam(weight_decay=np.inf), "Adam: weight_decay must be finite, got inf"),
    (lambda: ev.Adagrad(epsilon=np.inf), "Adagrad: epsilon must be finite, got inf"),
    (lambda: ev.MaxNorm(-1), "MaxNorm: limit must be positive, got -1"),
    (lambda: ev.ClipValue("a"), "ClipValue: limit must be a number, got 'a'"),
    (lambda: ev.ElasticNet(l1=-1, l2=0), "ElasticNet: l1 must not be negative, got -1"),
    (lambda: ev.Adagrad(rate_decay=-1), "Adagrad: rate_decay must not be negative, got -1"),
    (lambda: ev.NAdam(beta_2=1), "NAdam: beta_2 must be at least 0 and below 1, got 1"),
    (lambda: ev.RAdam(weight_decay=-0.1), "RAdam: weight_decay must not be negative, got -0.1"),
    (lambda: ev.RMSprop(momentum=1.0), "RMSprop: momentum must be at least 0 and below 1, got 1.0"),
])
def test_wrong_numbers_are_named(make, message):
    with pytest.raises(ConfigurationError, match=message):
        make()


def test_mixup_of_row_numbers_and_of_lengths_is_refused():
    net = ev.Sequential([ev.Embedding(9, 3), ev.LSTM(4), ev.Dense(2)])
    with pytest.raises(ConfigurationError, match="Embedding 'embedding_1': mixup takes means"):
        ev.fit(net, np.zeros((20, 6)), Y[:20], augment=ev.Mixup(), **COMMON)
    net = ev.Sequential([ev.LSTM(4), ev.Dense(2)])
    with pytest.raises(ConfigurationError, match="leave augment or lengths out"):
        ev.fit(net, np.zeros((20, 6, 3)), Y[:20], lengths=np.full(20, 3), augment=ev.Mixup(),
               **COMMON)


def test_mixup_with_a_share_of_one_is_the_plain_training(monkeypatch):
    plain = ev.fit(NET, X, Y, epochs=2, **COMMON)
    monkeypatch.setattr(ev.Mixup, "draw", lambda self, seed, first, n: (np.ones(n), np.zeros(n)))
    mixed = ev.fit(NET, X, Y, epochs=2, augment=ev.Mixup(), **COMMON)
    for name, array in plain.weights.items():
        np.testing.assert_allclose(mixed.weights[name], array, rtol=2e-5, atol=2e-6)


def test_mixup_draws_are_functions_of_seed_and_step():
    rule = ev.Mixup(0.3)
    mix, shift = rule.draw(7, 0, 10)
    later, later_shift = rule.draw(7, 4, 3)
    np.testing.assert_array_equal(later, mix[4:7])
    np.testing.assert_array_equal(later_shift, shift[4:7])
    assert not np.array_equal(rule.draw(8, 0, 10)[0], mix)


def test_mixup_draws_are_of_the_beta_distribution():
    from scipy.stats import beta, kstest

    mix, _ = ev.Mixup(0.7).draw(1, 0, 4000)
    folded = kstest(mix, lambda v: beta.cdf(v, 0.7, 0.7) - beta.cdf(1 - v, 0.7, 0.7))
    assert folded.pvalue > 1e-3
    assert kstest(mix, lambda v: beta.cdf(v, 2, 2) - beta.cdf(1 - v, 2, 2)).pvalue < 1e-6


def test_sparse_rows_get_the_same_rates_in_any_chunks(monkeypatch):
    x = sparse.csr_array(X * (np.abs(X) > 0.5))
    settings = {"optimizer": ev.Momentum(0.05), "epochs": 3, "schedule": ev.OneCycle(), **COMMON}
    dense = ev.fit(NET, x.toarray(), Y, **settings)
    monkeypatch.setattr(sources, "CHUNK_BYTES", 1)  # one batch a chunk
    chunks = ev.fit(NET, x, Y, **settings)
    for name, array in dense.weights.items():
        np.testing.assert_array_equal(chunks.weights[name], array)


def test_a_users_schedule_that_gives_nonsense_is_named_before_training():
    @dataclass(frozen=True)
    class Wrong(ev.Schedule):
        by: str = "step"
        seen: ClassVar[list[int]] = []

        def factors(self, positions, length):
            self.seen.append(len(positions))
            return -positions

    with pytest.raises(ConfigurationError, match=r"Wrong\.factors: expects finite numbers"):
        ev.fit(NET, X, Y, schedule=Wrong(), **COMMON)
    assert Wrong.seen == [4]


def test_targets_too_large_for_the_element_type_are_named():
    net, y = ev.Sequential([ev.Dense(1)]), np.full(len(X), 1e100)
    with pytest.raises(DataError, match="targets hold numbers too large for float32: divide"):
        ev.fit(net, X, y, loss=ev.MeanSquaredError(), epochs=1)
    loss, _ = ev.init(net, X.shape[1], loss=ev.MeanSquaredError(), dtype="float64").gradients(X, y)
    assert loss > 1e199
