"""Poisson, Gamma and Quantile: scores far out, what they predict, and which targets they take."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import evenly as ev
from evenly.errors import ConfigurationError, DataError, ShapeError
from tests.contract.common import error
from tests.contract.test_scores_beyond import witnesses

inf = np.inf
BOTH = pytest.mark.parametrize("dtype", ["float32", "float64"])
LEVELS = (0.1, 0.3, 0.6, 0.95)


@BOTH
@pytest.mark.parametrize(("loss", "score", "target", "wanted", "slope"), [
    (ev.Poisson(), -inf, 0.0, 0.0, 0.0), (ev.Poisson(), -inf, 2.0, inf, -2.0),
    (ev.Poisson(), inf, 0.0, inf, inf), (ev.Poisson(), inf, 2.0, inf, inf),
    (ev.Poisson(), 800.0, 3.0, inf, inf), (ev.Poisson(), -800.0, 0.0, 0.0, 0.0),
    (ev.Poisson(), -800.0, 3.0, 2400.0, -3.0),
    (ev.Gamma(), inf, 2.0, inf, 1.0), (ev.Gamma(), -inf, 2.0, inf, -inf),
    (ev.Gamma(), 800.0, 2.0, 800.0, 1.0), (ev.Gamma(), -800.0, 2.0, inf, -inf),
    (ev.Quantile(0.2), inf, 1.0, inf, 0.8), (ev.Quantile(0.2), -inf, 1.0, inf, -0.2),
    (ev.Quantile(0.2), 1.0, 1.0, 0.0, 0.0), (ev.Quantile(0.2), 1e30, -1e30, 1.6e30, 0.8),
])
def test_scores_far_out(loss, score, target, wanted, slope, dtype):
    with np.errstate(over="ignore", invalid="ignore"):
        for value, gradient in witnesses(loss, [[score]], [[target]], dtype=dtype):
            assert value == pytest.approx(wanted, rel=1e-6)
            assert gradient.item() == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize("loss", [ev.Poisson(), ev.Gamma(), ev.Quantile(), ev.Quantile(LEVELS)])
def test_a_score_that_is_no_number_has_no_loss(loss):
    scores = np.full((1, loss.outputs_each), np.nan)
    for value, gradient in witnesses(loss, scores, [[1.0]]):
        assert np.isnan(value)
        assert np.isnan(gradient).all()


@pytest.mark.parametrize(("loss", "exact"), [
    (ev.Poisson(), lambda s, y: (np.exp(s) - y * s, np.exp(s) - y)),
    (ev.Gamma(), lambda s, y: (s + y * np.exp(-s), 1 - y * np.exp(-s))),
])
def test_float32_keeps_the_digits_of_a_small_slope(loss, exact):
    """Near its lowest point the slope is a difference of nearly equal numbers."""
    target = np.float32(1e6)
    score = np.nextafter(np.float32(np.log(1e6)), np.float32(99))
    wanted, slope = exact(np.longdouble(score), np.longdouble(target))
    (value, gradient), _ = witnesses(loss, [[score]], [[target]], dtype="float32")
    assert value == pytest.approx(float(wanted), rel=1e-12)
    assert gradient.item() == pytest.approx(float(slope), rel=1e-5)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**31), size=st.sampled_from([1e-3, 1.0, 50.0, 1e6, 1e30]),
       dtype=st.sampled_from(["float32", "float64"]), targets=st.integers(1, 3))
def test_quantiles_never_cross(seed, size, dtype, targets):
    rng = np.random.default_rng(seed)
    scores = (size * rng.standard_normal((20, targets * 4))).astype(dtype)
    told = ev.Quantile(LEVELS).predicted(scores).reshape(20, targets, 4)
    assert told.dtype == dtype
    assert (np.diff(told, axis=2) >= 0).all()
    np.testing.assert_array_equal(told[:, :, 2], scores[:, 2::4])  # 0.6 is nearest 1/2


def test_every_rising_quantiles_are_those_of_some_scores():
    wanted = np.array([[-3.0, -1.0, 2.0, 2.5]])
    gaps = np.diff(wanted)
    scores = np.array([[0, 0, 2.0, 0]])
    scores[:, [0, 1, 3]] = gaps + np.log(-np.expm1(-gaps))
    np.testing.assert_allclose(ev.Quantile(LEVELS).predicted(scores), wanted, rtol=1e-14)


def test_quantiles_of_a_constant_answer_are_those_of_the_targets():
    y = np.random.default_rng(0).gamma(1.0, size=2000)
    model = ev.fit([ev.Dense(4)], np.zeros((2000, 1)), y, loss=ev.Quantile(LEVELS), epochs=200,
                   batch=500, optimizer=ev.Adam(0.03), schedule=ev.CosineDecay(), seed=0)
    told = model.loss.predicted(model.predict(np.zeros((1, 1))))[0]
    np.testing.assert_allclose(told, np.quantile(y, LEVELS), atol=0.05)


def test_the_median_is_half_the_absolute_error():
    rng = np.random.default_rng(0)
    scores, y = rng.standard_normal((9, 3)), rng.standard_normal((9, 3))
    for (half, own), (whole, theirs) in zip(
            witnesses(ev.Quantile(0.5), scores, y), witnesses(ev.MeanAbsoluteError(), scores, y),
            strict=True):
        assert 2 * half == pytest.approx(whole)
        np.testing.assert_allclose(2 * own, theirs)


def test_targets_of_quantiles():
    loss, y = ev.Quantile(LEVELS), np.arange(6.0)
    for told in (y, y[:, None], y.tolist()):
        once = loss.prepare(told, (4,), "float32")
        np.testing.assert_array_equal(once, np.repeat(y[:, None], 4, axis=1))
        np.testing.assert_array_equal(loss.prepare(once, (4,), "float32"), once)
    two = loss.prepare(y.reshape(3, 2), (8,), "float64")
    np.testing.assert_array_equal(two, np.repeat(y.reshape(3, 2), 4, axis=1))
    steps = loss.prepare(y.reshape(2, 3), (3, 4), "float64")
    assert steps.shape == (2, 3, 4)
    with pytest.raises(DataError, match=r"shape \(n, 1\), got \(3, 2\).* 8 units"):
        loss.prepare(y.reshape(3, 2), (4,), "float64")


@pytest.mark.parametrize("levels", [0, 1, -0.5, 50, (), (0.5, 0.5), (0.9, 0.1), (0.1, np.nan),
                                    "0.5", None, True, [[0.1, 0.9]]])
def test_levels_that_cannot_be(levels):
    with pytest.raises(ConfigurationError, match="levels are numbers between 0 and 1, rising, got"):
        ev.Quantile(levels)


def test_levels_of_any_kind_are_one_value():
    assert ev.Quantile(0.5) == ev.Quantile([0.5]) == ev.Quantile(np.array([0.5]))
    assert hash(ev.Quantile([0.1, 0.9])) == hash(ev.Quantile((0.1, 0.9)))


def test_a_network_whose_outputs_do_not_fit_the_levels():
    with pytest.raises(ShapeError, match=r"multiple of 4, got 6: end the network with Dense\(4 \*"):
        ev.compile([ev.Dense(6)], 3, loss=ev.Quantile(LEVELS))


@BOTH
@pytest.mark.parametrize(("loss", "y", "words"), [
    (ev.Poisson(), [1, 0, -2], "Poisson: expects targets of at least 0, got -2.0 in row 2"),
    (ev.Gamma(), [1, 0, 2], "Gamma: expects targets above 0, got 0.0 in row 1.* take Poisson"),
    (ev.Gamma(), [1, -3, 2], "Gamma: expects targets above 0, got -3.0 in row 1"),
    (ev.Poisson(), [1, np.nan, 2], "the targets hold nan in row 1"),
    (ev.Gamma(), ["a", "b", "c"], "expects numbers as targets"),
])
def test_targets_that_have_no_meaning(loss, y, words, dtype):
    with pytest.raises(DataError, match=words):
        ev.fit([ev.Dense(1)], np.zeros((3, 2)), y, loss=loss, dtype=dtype)


def test_the_score_is_that_of_what_is_predicted():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((400, 2))
    y = rng.poisson(np.exp(x[:, 0])).astype(float) + 1
    r2 = lambda told: 1 - ((told - y) ** 2).sum() / ((y - y.mean()) ** 2).sum()  # noqa: E731
    for loss, units in ((ev.Poisson(), 1), (ev.Gamma(), 1), (ev.Quantile(LEVELS), 4)):
        model = ev.fit([ev.Dense(units)], x, y, loss=loss, epochs=20, validation=(x, y),
                       optimizer=ev.Adam(0.05))
        told = loss.predicted(model.predict(x).astype(np.float64))
        wanted = r2(told[:, 2 if units == 4 else 0])
        assert wanted > 0.2
        assert model.evaluate(x, y).score == pytest.approx(wanted, rel=1e-4)
        assert model.history[-1].validation_score == pytest.approx(wanted, rel=1e-4)
        parts = ev.Batches(lambda: ((x[i : i + 90], y[i : i + 90]) for i in range(0, 400, 90)))
        assert model.evaluate(parts).score == pytest.approx(wanted, rel=1e-4)
        streamed = ev.fit([ev.Dense(units)], parts, loss=loss, epochs=3, shuffle=False, batch=90)
        assert np.isfinite(streamed.history[-1].score)


@pytest.mark.parametrize("loss", [ev.Poisson(), ev.Gamma(), ev.Quantile((0.1, 0.9))])
def test_targets_are_not_standardized_where_the_scores_have_other_units(loss):
    net = ev.Sequential([ev.Dense(loss.outputs_each)])
    settings_ = ev.Settings(net, loss, epochs=1, targets="standardized")
    with pytest.raises(ConfigurationError, match=r"scores of \w+ are not in the targets' units"):
        ev.fit(settings_, np.zeros((8, 2)), np.arange(1.0, 9))
    one = ev.Settings(ev.Sequential([ev.Dense(1)]), ev.Quantile(0.3), epochs=1,
                      targets="standardized")
    assert ev.fit(one, np.zeros((8, 2)), np.arange(8.0))


def test_poisson_is_pytorchs_where_the_mean_is_beyond_float32():
    scores, y = np.array([[95.0], [-95.0]]), np.array([[2.0], [3.0]])
    tensor = torch.tensor(scores, requires_grad=True)
    theirs = torch.nn.functional.poisson_nll_loss(tensor, torch.tensor(y))
    theirs.backward()
    for value, gradient in witnesses(ev.Poisson(), scores, y):
        assert error(value, theirs.item()) < 1e-12
        assert error(gradient, tensor.grad.numpy()) < 1e-12
