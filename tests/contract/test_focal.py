"""Focal and asymmetric losses: their limits, and answers that are nearly certain."""

import numpy as np
import pytest

import evenly as ev
from evenly.errors import ConfigurationError, DataError
from evenly.native import available_isas
from tests.contract.common import TOLERANCE, error, values
from tests.contract.test_scores_beyond import witnesses

inf = np.inf
BOTH = pytest.mark.parametrize("dtype", ["float32", "float64"])
FOCAL, BINARY, ASYMMETRIC = (
    ev.FocalCrossEntropy, ev.BinaryFocalCrossEntropy, ev.AsymmetricCrossEntropy
)


@BOTH
@pytest.mark.parametrize("weights", [None, (0.5, 2.0)])
@pytest.mark.parametrize("over", ["weights", "rows"])
def test_without_focus_they_are_the_cross_entropies(dtype, weights, over):
    rng = np.random.default_rng(0)
    scores, y = 5 * values(0, (30, 2), dtype), rng.integers(0, 2, 30)
    labels = rng.integers(0, 2, (30, 2)).astype(float)
    more = {"class_weights": weights, "mean_over": over}
    pairs = (
        (FOCAL(0.0, **more), ev.SoftmaxCrossEntropy(**more), y),
        (BINARY(0.0, **more), ev.BinaryCrossEntropy(**more), labels),
        (ASYMMETRIC(0.0, 0.0, 0.0, **more), ev.BinaryCrossEntropy(**more), labels),
        (ASYMMETRIC(1.5, 1.5, 0.0, **more), BINARY(1.5, **more), labels),
    )
    for loss, plain, target in pairs:
        for (value, gradient), (wanted, wanted_d) in zip(
                witnesses(loss, scores, target, dtype=dtype),
                witnesses(plain, scores, target, dtype=dtype), strict=True):
            assert value == pytest.approx(wanted, rel=TOLERANCE[dtype])
            assert error(gradient, wanted_d) < TOLERANCE[dtype]


def test_two_classes_are_yes_and_no():
    scores, y = 3 * values(1, (20, 1)), np.arange(20) % 2
    two = np.concatenate([np.zeros_like(scores), scores], axis=1)
    for (value, gradient), (wanted, wanted_d) in zip(
            witnesses(FOCAL(1.7), two, y), witnesses(BINARY(1.7), scores, y), strict=True):
        assert value == pytest.approx(wanted)
        np.testing.assert_allclose(np.asarray(gradient)[:, 1:], wanted_d, rtol=1e-10)


@BOTH
@pytest.mark.parametrize("isa", available_isas())
@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("gap", [1.0, 8.0, 16.5, 30.0, 37.0])
def test_what_is_nearly_certain_keeps_its_loss_and_gradient(gap, gamma, dtype, isa):
    """Against the leading terms in more digits: the wrong share to the power of gamma + 1."""
    wide = np.longdouble
    small = np.exp(-wide(np.dtype(dtype).type(gap)))
    q, p, entropy = small / (1 + small), 1 / (1 + small), np.log1p(small)
    wanted = float(q**gamma * entropy)
    slope = float(-(q**gamma) * (gamma * p * entropy + q))
    if abs(slope) < np.finfo(dtype).tiny:
        return
    own = TOLERANCE[dtype]
    for value, gradient in witnesses(BINARY(gamma), [[gap]], [[1.0]], dtype=dtype, isa=isa):
        assert value == pytest.approx(wanted, rel=own)
        assert gradient.item() == pytest.approx(slope, rel=own)
    for value, gradient in witnesses(FOCAL(gamma), [[gap, 0]], [0], dtype=dtype, isa=isa):
        assert value == pytest.approx(wanted, rel=own)
        np.testing.assert_allclose(gradient, [[slope, -slope]], rtol=own)


@BOTH
@pytest.mark.parametrize("loss", [BINARY(), BINARY(0.5), ASYMMETRIC(1.0, 2.0, 0.0)])
@pytest.mark.parametrize(("score", "target", "wanted", "slope"), [
    (-inf, 0.0, 0.0, 0.0), (-inf, 1.0, inf, -1.0), (inf, 1.0, 0.0, 0.0), (inf, 0.0, inf, 1.0),
    (-900.0, 1.0, 900.0, -1.0), (900.0, 0.0, 900.0, 1.0), (900.0, 1.0, 0.0, 0.0),
])
def test_scores_far_out(loss, score, target, wanted, slope, dtype):
    for value, gradient in witnesses(loss, [[score]], [[target]], dtype=dtype):
        assert value == pytest.approx(wanted)
        assert gradient.item() == pytest.approx(slope)


@BOTH
def test_below_the_margin_nothing_is_learned_of_what_is_not_there(dtype):
    loss = ASYMMETRIC(margin=0.2)
    for score in (-inf, -50.0, -2.0):
        for value, gradient in witnesses(loss, [[score]], [[0.0]], dtype=dtype):
            assert value == gradient.item() == 0
    for value, gradient in witnesses(loss, [[inf]], [[0.0]], dtype=dtype):
        assert value == pytest.approx(-(0.8**4) * np.log(0.2), rel=1e-6)
        assert gradient.item() == 0
    (value, gradient), _ = witnesses(loss, [[0.0]], [[0.0]], dtype=dtype)
    assert value == pytest.approx(-(0.3**4) * np.log(0.7), rel=1e-6)
    assert gradient.item() > 0


@pytest.mark.parametrize("scores", [[-inf, -inf, -inf], [inf, 0, 0], [0, np.nan, 0], [np.nan] * 3])
def test_a_row_without_probabilities_has_no_loss(scores):
    for y in range(3):
        for value, _ in witnesses(FOCAL(), [scores], [y]):
            assert np.isnan(value)
        target = FOCAL().prepare([y], (3,), "float64")
        assert FOCAL().evaluate(np.array([scores]), target, ev.Run(False))[1:] == (0.0, 1.0)
    for loss in (BINARY(), ASYMMETRIC()):
        for value, gradient in witnesses(loss, [[np.nan]], [[0.0]]):
            assert np.isnan(value)
            assert np.isnan(gradient).all()


@BOTH
def test_masked_classes(dtype):
    scores = [[-inf, 0.0, 2.0], [1, -inf, -inf]]
    alone = witnesses(FOCAL(mean_over="rows"), [[0.0, 2.0]], [1], dtype=dtype)
    masked = witnesses(FOCAL(mean_over="rows"), scores, [2, 0], dtype=dtype)
    for (value, gradient), (wanted, _) in zip(masked, alone, strict=True):
        assert 2 * value == pytest.approx(wanted, rel=TOLERANCE[dtype])
        assert not np.asarray(gradient)[np.isneginf(scores)].any()
    for value, gradient in witnesses(FOCAL(), scores[:1], [0], dtype=dtype):
        assert value == inf
        np.testing.assert_allclose(gradient, [[-1, 0.119203, 0.880797]], rtol=1e-5)


@pytest.mark.parametrize("weights", [None, (0.5, 2.0, 0.0, 1.0)])
def test_ignored_and_weighted_classes_in_sequences(weights):
    rng = np.random.default_rng(0)
    scores, y = 2 * values(0, (6, 5, 4)), rng.integers(0, 4, (6, 5))
    y[rng.random(y.shape) < 0.3] = -7
    loss = FOCAL(1.5, class_weights=weights, ignore_index=-7)
    kept = y >= 0
    flat = witnesses(FOCAL(1.5, class_weights=weights), scores[kept], y[kept])
    for (value, gradient), (wanted, wanted_d) in zip(witnesses(loss, scores, y), flat, strict=True):
        assert error(value, wanted) < 1e-12
        assert error(np.asarray(gradient)[kept], wanted_d) < 1e-11
        assert not np.asarray(gradient)[~kept].any()


def test_a_mixture_of_classes_costs_the_mixture_of_their_losses():
    scores = values(3, (1, 4))
    run = ev.Run(training=True)
    each = [float(FOCAL().forward(scores, np.array([c]), run)[0]) for c in (1, 3)]
    target = np.array([[0, 0.3, 0, 0.7]])
    own, _, _ = FOCAL().each(scores, target, run)
    assert own[0] == pytest.approx(0.3 * each[0] + 0.7 * each[1])


@pytest.mark.parametrize(("make", "words"), [
    (lambda: FOCAL(-1.0), "gamma is a number of at least 0"),
    (lambda: FOCAL(inf), "gamma is a number of at least 0"),
    (lambda: BINARY(np.nan), "gamma is a number of at least 0"),
    (lambda: ASYMMETRIC(gamma_pos=-0.1), "gamma_pos is a number"),
    (lambda: ASYMMETRIC(gamma_neg=-0.1), "gamma_neg is a number"),
    (lambda: ASYMMETRIC(margin=1.0), "margin is at least 0 and below 1"),
    (lambda: BINARY(class_weights=(1, 2, 3)), "two numbers, of no and of yes"),
    (lambda: FOCAL(class_weights=(0, 0)), "not all of them 0"),
    (lambda: FOCAL(ignore_index=0.5), "ignore_index is a whole number"),
])
def test_settings_that_cannot_be(make, words):
    with pytest.raises(ConfigurationError, match=words):
        make()


@pytest.mark.parametrize(("loss", "y", "words"), [
    (FOCAL(), [0, 3], "FocalCrossEntropy: expects class numbers 0 to 1"),
    (BINARY(), [0, 3], "BinaryFocalCrossEntropy: expects targets from 0 to 1"),
    (ASYMMETRIC(), [-1, 1], "AsymmetricCrossEntropy: expects targets from 0 to 1"),
])
def test_targets_that_have_no_meaning(loss, y, words):
    units = 2 if loss.targets_are_classes else 1
    with pytest.raises(DataError, match=words):
        ev.fit([ev.Dense(units)], np.zeros((2, 3)), y, loss=loss)
