"""Dropout's kin: what the noise is, that the kernels draw the same, and that inference is quiet."""

import numpy as np
import pytest

import evenly as ev
from evenly.native import available_isas
from evenly.random import dropout_keep, normals
from tests.contract.common import TOLERANCE

TRAINING, INFERENCE = ev.Run(training=True, seed=3), ev.Run(training=False)
SEED = 2**63 + 5


def engine_for(layers, shape, batch, dtype="float64", **settings):
    return ev.Engine(ev.compile(layers, shape, batch=batch, dtype=dtype), seed=SEED, **settings)


def test_deviates_are_normal():
    n = normals(7, "gaussian_noise_1", 3, (2000, 1001)).ravel()
    bound = 5 / np.sqrt(n.size)
    assert abs(n.mean()) < bound
    assert abs((n**2).mean() - 1) < bound * np.sqrt(2)
    assert abs((n**3).mean()) < bound * np.sqrt(15)
    assert abs((n**4).mean() - 3) < bound * np.sqrt(96)
    # Frequencies between deciles of the normal distribution.
    deciles = [-1.2815515655, -0.8416212336, -0.5244005127, -0.2533471031, 0, 0.2533471031,
               0.5244005127, 0.8416212336, 1.2815515655]
    counts = np.bincount(np.searchsorted(deciles, n), minlength=10)
    assert (abs(counts / n.size - 0.1) < bound * 0.3).all()
    assert 4 < abs(n).max() < 5.78


def test_deviates_are_independent():
    n = normals(7, "gaussian_noise_1", 3, (500, 4096))
    bound = 5 / np.sqrt(n.size)
    # Neighbours, the two of a pair (8 apart), the two pairs of a block (16), and tiles (32).
    for lag in (1, 2, 8, 16, 24, 32, 64):
        a, b = n[:, :-lag], n[:, lag:]
        assert abs((a * b).mean()) < bound
        # A pair shares its radius; independent all the same, so the squares are too.
        assert abs(((a**2 - 1) * (b**2 - 1)).mean()) < 2 * bound
    assert abs((n[1:] * n[:-1]).mean()) < bound


def test_deviates_differ_by_seed_layer_and_step():
    def draw(seed=1, layer="a", step=0):
        return normals(seed, layer, step, (40, 1000)).ravel()

    first = draw()
    assert (first == draw()).all()
    for other in (draw(seed=2), draw(seed=1 << 40 | 1), draw(layer="b"), draw(step=1)):
        assert abs(np.corrcoef(first, other)[0, 1]) < 5 / np.sqrt(first.size)


def test_deviates_are_not_the_bits_of_a_mask():
    """The same words for both would tie the sign of the noise to what dropout keeps."""
    n = normals(1, "a", 0, (400, 1000)).ravel()
    keep = dropout_keep(1, "a", 0, (400, 1000), 0.5).ravel()
    for statistic in (n, n**2):
        assert abs(np.corrcoef(statistic, keep)[0, 1]) < 5 / np.sqrt(n.size)


@pytest.mark.parametrize("shape", [(700, 1000), (33, 1), (3, 31), (2, 33), (5, 7, 9, 3)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("isa", available_isas())
def test_kernel_draws_the_same_deviates(shape, dtype, isa):
    engine = engine_for([ev.GaussianNoise(1.0)], shape[1:], shape[0], dtype, isa=isa, threads=2)
    got = engine.forward(np.zeros(shape)).reshape(shape)
    wanted = normals(SEED, "gaussian_noise_1", 0, shape)
    assert np.abs(got - wanted).max() < TOLERANCE[dtype]


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_spatial_dropout_drops_whole_channels(rate):
    x = np.ones((300, 6, 5, 40))
    y = engine_for([ev.SpatialDropout(rate)], x.shape[1:], 300, threads=2).forward(x)
    by_channel = y.reshape(300, 30, 40)
    assert (by_channel == by_channel[:, :1]).all()
    kept = by_channel[:, 0] > 0
    assert abs(kept.mean() - (1 - rate)) < 5 * np.sqrt(rate * (1 - rate) / kept.size)
    assert by_channel.max() == pytest.approx(1 / (1 - rate))


def test_stochastic_depth_drops_whole_examples():
    x = np.ones((4000, 3, 7))
    y = engine_for([ev.StochasticDepth(0.3)], (3, 7), 4000).forward(x).reshape(4000, 21)
    assert (y == y[:, :1]).all()
    assert abs((y[:, 0] > 0).mean() - 0.7) < 5 * np.sqrt(0.21 / 4000)
    assert y.max() == pytest.approx(1 / 0.7)


@pytest.mark.parametrize("rate", [0.05, 0.3, 0.8])
def test_alpha_dropout_keeps_mean_and_variance(rate):
    x = np.random.default_rng(0).standard_normal((2000, 500))
    y = engine_for([ev.AlphaDropout(rate)], 500, 2000).forward(x)
    assert abs(y.mean()) < 5 / 1000
    assert abs(y.var() - 1) < 5 * 2 / 1000


def test_alpha_dropouts_numbers_are_pytorchs():
    """PyTorch's own run on zeros has two values: those of what is kept, and of what is dropped."""
    import torch

    theirs = torch.nn.AlphaDropout(0.3)(torch.zeros(1000, dtype=torch.float64)).unique()
    ours = np.unique(engine_for([ev.AlphaDropout(0.3)], 1000, 1).forward(np.zeros((1, 1000))))
    assert ours == pytest.approx(theirs.numpy())


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_gaussian_dropout_has_inverted_dropouts_mean_and_variance(rate):
    y = engine_for([ev.GaussianDropout(rate)], 500, 2000).forward(np.full((2000, 500), 3.0))
    variance = 9 * rate / (1 - rate)
    assert abs(y.mean() - 3) < 5 * np.sqrt(variance) / 1000
    assert abs(y.var() / variance - 1) < 5 * np.sqrt(2) / 1000


def test_gaussian_noise_has_its_deviation():
    y = engine_for([ev.GaussianNoise(0.2)], 500, 2000).forward(np.full((2000, 500), 3.0))
    assert abs(y.mean() - 3) < 5 * 0.2 / 1000
    assert abs(y.std() / 0.2 - 1) < 5 / np.sqrt(2) / 1000


NOISES = [ev.Dropout(0.4), ev.SpatialDropout(0.4), ev.StochasticDepth(0.4), ev.AlphaDropout(0.4),
          ev.GaussianDropout(0.4), ev.GaussianNoise(0.4)]


@pytest.mark.parametrize("layer", NOISES)
def test_inference_is_quiet_and_costs_nothing(layer):
    x = np.random.default_rng(0).standard_normal((9, 4, 6))
    assert layer.forward(x, {}, INFERENCE)[0] is x
    program = ev.compile([layer], (4, 6), batch=9, dtype="float64")
    assert program.lists["inference"] == ()
    assert (ev.Engine(program).predict(x) == x).all()


@pytest.mark.parametrize("layer", NOISES)
def test_noise_differs_from_step_to_step_and_threads_change_nothing(layer):
    x = np.random.default_rng(0).standard_normal((40, 5, 33))
    outputs = []
    for threads in (1, 2, 3, 7):
        engine = engine_for([layer], (5, 33), 40, "float32", threads=threads)
        first, d_x = engine.forward(x).tobytes(), engine.backward(x)[0].tobytes()
        engine.steps = 1
        outputs.append((first, d_x, engine.forward(x).tobytes()))
        assert first != outputs[-1][2]
    assert len(set(outputs)) == 1


@pytest.mark.parametrize("head", [[], [ev.Dense(70)], [ev.LayerNorm()], [ev.Dense(70), ev.ReLU()],
                                  [ev.GELU()]])
def test_classic_dropout_scales_by_the_keep_probability_in_inference(head):
    x = np.random.default_rng(0).standard_normal((20, 70))
    engine = engine_for([*head, ev.Dropout(0.2, classic=True)], 70, 20)
    plain = engine_for(head or [ev.Dropout(0.0)], 70, 20)
    plain.set_weights(engine.arrays)
    assert np.allclose(engine.predict(x), 0.8 * plain.predict(x), rtol=1e-14)
    y, kept = engine.forward(x), plain.forward(x)
    # In training what is kept is not scaled: scaling at both ends would cancel neither.
    share = (y != 0).mean() / (kept != 0).mean()
    assert np.allclose(y[y != 0], kept[y != 0], rtol=1e-14)
    assert abs(share - 0.8) < 5 * np.sqrt(0.16 / (kept != 0).sum())


def test_classic_and_inverted_dropout_drop_the_same():
    x = np.ones((30, 200))
    inverted = engine_for([ev.Dropout(0.3)], 200, 30).forward(x)
    classic = engine_for([ev.Dropout(0.3, classic=True)], 200, 30).forward(x)
    assert np.allclose(inverted * 0.7, classic)


@pytest.mark.parametrize("make", [
    lambda: ev.SpatialDropout(1.0), lambda: ev.StochasticDepth(-0.1), lambda: ev.AlphaDropout(1.0),
    lambda: ev.GaussianDropout(1.0), lambda: ev.GaussianNoise(-1.0),
])
def test_settings_that_cannot_work(make):
    with pytest.raises(ev.errors.ConfigurationError, match="at least 0"):
        make()
