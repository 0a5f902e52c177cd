"""The counter-based generator: known answers, frequencies, and the kernels' bits."""

import numpy as np
import pytest
from scipy.stats import beta, kstest

import evenly as ev
from evenly.native import available_isas
from evenly.random import betas, dropout_keep, generator, philox

# Known-answer tests that come with the authors' implementation (Random123, kat_vectors).
KNOWN = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000",
     "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff",
     "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0",
     "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


def words(text):
    return [int(word, 16) for word in text.split()]


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN)
def test_known_answers(counter, key, answer):
    assert philox(words(counter), tuple(words(key))).tolist() == words(answer)


@pytest.mark.parametrize("rate", [0.5, 0.3, 0.1, 1 / 3, 0.999])
def test_frequency(rate):
    keep = dropout_keep(7, "dropout_1", 3, (1000, 500), rate)
    deviation = np.sqrt(rate * (1 - rate) / keep.size)
    assert abs(keep.mean() - (1 - rate)) < 5 * deviation


def test_masks_differ_by_seed_layer_step_and_row():
    def mask(seed=1, layer="dropout_1", step=0):
        return dropout_keep(seed, layer, step, (4, 1000), 0.5)

    first = mask()
    assert (mask() == first).all()
    others = [mask(seed=2), mask(seed=1 << 40 | 1), mask(layer="dropout_2"), mask(step=1)]
    for other in [*others, first[::-1]]:
        assert 0.4 < (other == first).mean() < 0.6


# Rates whose threshold needs its lower bits draw them in one of 256 cases.
@pytest.mark.parametrize("rate", [0.5, 0.25, 0.3, 0.1, 1 / 3, 0.999, 1e-6, 0.0])
@pytest.mark.parametrize("shape", [(700, 1000), (33, 1), (3, 63), (2, 65), (5, 7, 9, 3)])
@pytest.mark.parametrize("isa", available_isas())
def test_kernel_draws_the_same_bits(rate, shape, isa):
    program = ev.compile([ev.Dropout(rate)], shape[1:], batch=shape[0], dtype="float64")
    engine = ev.Engine(program, seed=2**63 + 5, isa=isa, threads=2)
    got = engine.forward(np.ones(shape)) > 0
    wanted = dropout_keep(2**63 + 5, "dropout_1", 0, shape, rate)
    assert (got.reshape(shape) == wanted).all()
    d_x, _ = engine.backward(np.ones(shape))
    assert ((d_x.reshape(shape) > 0) == wanted).all()


def test_ties_occur_and_matter():
    """Without the lower bits some elements of the test above would be wrong."""
    rate, shape = 0.3, (700, 1000)
    threshold = int(rate * 2**32 + 0.5)
    keep = dropout_keep(2**63 + 5, "dropout_1", 0, shape, rate)
    coarse = dropout_keep(2**63 + 5, "dropout_1", 0, shape, (threshold >> 24) / 2**8)
    assert (keep != coarse).any()


def test_generator_depends_on_seed_and_purpose_alone():
    a = generator(3, "dense_1.kernel").standard_normal(5)
    assert (a == generator(3, "dense_1.kernel").standard_normal(5)).all()
    assert (a != generator(3, "dense_2.kernel").standard_normal(5)).all()
    assert (a != generator(4, "dense_1.kernel").standard_normal(5)).all()


@pytest.mark.parametrize("alpha", [0.01, 0.3, 1.0, 7.0])
def test_betas_are_of_their_distribution(alpha):
    values, words = betas(3, "mixup", np.arange(20_000), alpha)
    assert abs(np.mean(values < 0.5) - 0.5) < 0.015
    lower = values[values < 0.5]  # the others, for a small alpha, are 1 to the last digit
    assert kstest(lower, lambda v: 2 * beta.cdf(v, alpha, alpha)).pvalue > 1e-3
    assert kstest(lower, lambda v: 2 * beta.cdf(v, alpha * 1.2, alpha * 1.2)).pvalue < 1e-3
    assert kstest(words / 2**32, "uniform").pvalue > 1e-3
    assert abs(np.corrcoef(values, words)[0, 1]) < 0.03
    assert abs(np.corrcoef(values[1:], values[:-1])[0, 1]) < 0.03


def test_betas_are_functions_of_seed_purpose_and_step():
    values, _ = betas(3, "mixup", np.arange(10), 0.5)
    np.testing.assert_array_equal(betas(3, "mixup", np.array([7, 2]), 0.5)[0], values[[7, 2]])
    for other in (betas(4, "mixup", np.arange(10), 0.5), betas(3, "x", np.arange(10), 0.5)):
        assert not np.any(other[0] == values)


def test_every_seed_has_a_generator_of_its_own():
    draws = {generator(seed, "x").integers(2**63) for seed in (0, 2**63, 2**64 - 2, 2**64 - 1)}
    assert len(draws) == 4
