"""Averages of weights: what is averaged when, and who sees the average."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest
import torch
from torch.optim.swa_utils import AveragedModel

import evenly as ev
from evenly.errors import ConfigurationError, DivergenceError
from evenly.rows.streams import Batches
from evenly.training.checkpoints import Checkpoint

from .checkpointing import BASE, VALUES, X, Y, batches

HELD = X[:30] + 0.1, Y[:30]
RUN = ev.Run(training=True)


@dataclass(frozen=True)
class Slow(ev.BatchNorm):
    """Batch normalization by its definition."""

    kernel = None
    tracks, takes_epilogue, subtracts_mean = False, False, False


def trained(**more):
    return ev.fit(**{**BASE, "validation": HELD, **more})


def assert_equal(model, other, same=True):
    pairs = [(array, other.weights[name]) for name, array in model.weights.items()]
    assert all(np.array_equal(a, b) for a, b in pairs) == same


def assert_mean(model, models, weights=None):
    assert {"dense_1.kernel", "batch_norm_1.running_variance"} <= model.weights.keys()
    for name, array in model.weights.items():
        each = [one.weights[name].astype(np.float64) for one in models]
        mean = np.average(each, axis=0, weights=weights)
        np.testing.assert_allclose(array, mean, rtol=1e-5, atol=1e-6, err_msg=name)
        # A bias in front of a normalization does not move.
        assert np.abs(array - each[-1]).max() > 1e-5 or name == "dense_1.bias", name


def test_swa_is_the_mean_of_the_weights_at_the_ends_of_epochs():
    model = trained(epochs=6, average=ev.SWA(from_epoch=3))
    assert_mean(model, [trained(epochs=n) for n in (3, 4, 5, 6)])
    assert_equal(model, trained(epochs=6, average=ev.SWA(2 / 3)))


def test_ema_weighs_the_weights_of_every_step():
    settings = {"batch": None, "optimizer": ev.SGD(0.5)}  # one step an epoch
    model = trained(**settings, epochs=5, average=ev.EMA(0.7))
    assert_mean(model, [trained(**settings, epochs=n) for n in range(1, 6)],
                0.7 ** np.arange(5)[::-1])


@pytest.mark.parametrize("norm", [ev.BatchNorm(), Slow()], ids=["kernel", "definition"])
def test_an_average_of_the_last_weights_alone_is_no_average(norm):
    net = ev.Sequential([ev.Dense(8), norm, ev.ReLU(), ev.Dropout(0.3), ev.Dense(2)])
    plain, own = trained(net=net), trained(net=net, average=ev.EMA(0.0))
    assert_equal(plain, own)
    last = trained(net=net, average=ev.SWA(from_epoch=4))
    assert_equal(plain, last)
    assert plain.history.column("validation_loss").tolist() == own.history.column(
        "validation_loss").tolist()


@pytest.mark.parametrize("average", [ev.EMA(0.9), ev.SWA(0.5)], ids=repr)
def test_the_training_goes_on_without_it_and_validation_sees_it(average):
    plain, model = trained(), trained(average=average)
    for name in ("loss", "score", "gradient_norm"):
        assert plain.history.column(name).tolist() == model.history.column(name).tolist()
    assert_equal(plain, model, same=False)
    assert model.history[-1].validation_loss == model.evaluate(*HELD).loss
    assert plain.history[-1].validation_loss != model.history[-1].validation_loss


@pytest.mark.parametrize("average", [ev.EMA(0.9), ev.SWA(from_epoch=4)], ids=repr)
def test_early_stopping_chooses_among_averages(average):
    model = trained(average=average, epochs=30, optimizer=ev.Adam(0.2),
                    early_stopping=ev.EarlyStopping(5))
    losses = model.history.column("validation_loss")
    first = average.first(30)
    assert model.history.best_epoch == first + int(losses[first - 1 :].argmin())
    assert model.evaluate(*HELD).loss == losses[model.history.best_epoch - 1]
    assert len(model.history) == model.history.best_epoch + 5 < 30


def test_patience_does_not_run_before_there_is_a_mean():
    rule = {"early_stopping": ev.EarlyStopping(1), "optimizer": ev.Adam(1.0), "epochs": 12}
    plain = trained(**rule)
    model = trained(**rule, average=ev.SWA(from_epoch=9))
    assert len(plain.history) < 9 <= len(model.history)
    assert model.history.best_epoch >= 9
    beyond = trained(epochs=3, average=ev.SWA(from_epoch=9), early_stopping=ev.EarlyStopping(1))
    assert beyond.history.best_epoch is None
    assert_equal(beyond, trained(epochs=3))


@pytest.mark.parametrize("average", [ev.EMA(0.9), ev.SWA(0.75)], ids=repr)
def test_what_is_interrupted_has_the_average(average):
    def callback(record):
        return "stop" if record.epoch == 3 else None

    model = trained(average=average, callbacks=[callback])
    assert model.history.stopped == "callback"
    assert model.history[-1].validation_loss == model.evaluate(*HELD).loss
    assert_equal(model, trained(callbacks=[callback]), same=False)


@pytest.mark.parametrize("average", [ev.EMA(0.9), ev.SWA(0.5)], ids=repr)
def test_the_same_for_any_number_of_threads_and_any_source(average):
    wide = ev.Sequential([ev.Dense(130), ev.BatchNorm(), ev.ReLU(), ev.Dense(70), ev.Dense(2)])
    one, three = (trained(net=wide, average=average, threads=n) for n in (1, 3))
    assert_equal(one, three)
    source = {"x": Batches(batches), "y": None, "validation": None}
    counted = {**source, "x": Batches(batches, rows=101)}
    one, other = (trained(**rows, average=average) for rows in (source, counted))
    assert_equal(one, other)
    assert_equal(one, trained(**source), same=False)


def test_standardized_targets_come_back_in_their_units():
    net = ev.Sequential([ev.Dense(8), ev.Tanh(), ev.Dense(1)])
    y = 1000 + 50 * VALUES
    for average in (ev.EMA(0.9), ev.SWA(0.5)):
        settings = ev.Settings(net, ev.MeanSquaredError(), ev.Adam(0.02), epochs=40,
                               targets="standardized", average=average)
        assert ev.fit(settings, X, y, progress=False).evaluate(X, y).score > 0.8


def test_what_diverges_has_the_weights_of_the_training():
    with pytest.raises(DivergenceError) as plain:
        trained(optimizer=ev.SGD(1e30), epochs=9)
    with pytest.raises(DivergenceError) as caught:
        trained(optimizer=ev.SGD(1e30), epochs=9, average=ev.EMA(0.9))
    for name, array in plain.value.weights.items():
        np.testing.assert_array_equal(array, caught.value.weights[name])


def test_other_epochs_are_averaged_of_another_number_of_epochs(tmp_path):
    rule = {"checkpoint": Checkpoint(tmp_path)}
    trained(**rule, average=ev.SWA(0.5))
    with pytest.raises(ConfigurationError, match=r"which epochs are averaged .* was 4 and is 9"):
        trained(**rule, average=ev.SWA(0.5), epochs=9, resume=True)
    rule = {"checkpoint": Checkpoint(tmp_path / "other"), "average": ev.SWA(from_epoch=2)}
    trained(**rule)
    assert_equal(trained(**rule, epochs=9, resume=True),
                 trained(average=ev.SWA(from_epoch=2), epochs=9))


def test_the_means_are_pytorchs():
    module = torch.nn.Linear(3, 2, dtype=torch.float64)
    theirs = AveragedModel(module, use_buffers=True)
    decayed = AveragedModel(module, avg_fn=lambda average, value, n: 0.9 * average + 0.1 * value)
    for parameter in decayed.module.parameters():
        parameter.data.zero_()
    decayed.n_averaged += 1
    mean = ema = np.zeros((2, 3))
    for n in range(1, 8):
        module.weight.data = torch.randn(2, 3, dtype=torch.float64)
        theirs.update_parameters(module)
        decayed.update_parameters(module)
        mean = ev.SWA().take(mean, module.weight.detach().numpy(), n, RUN)
        ema = ev.EMA(0.9).take(ema, module.weight.detach().numpy(), n, RUN)
        np.testing.assert_allclose(mean, theirs.module.weight.detach().numpy(), rtol=1e-12)
        raw = decayed.module.weight.detach().numpy()
        np.testing.assert_allclose(ema, raw / (1 - 0.9**n), rtol=1e-12)


def test_exact_numbers():
    average = Fraction(0)
    for n, value in enumerate((1, 4, 11), start=1):
        average = ev.EMA(Fraction(1, 2)).take(average, Fraction(value), n, RUN)
    assert average == Fraction(53, 7)


@pytest.mark.parametrize(("make", "words"), [
    (lambda: ev.EMA(1.0), "EMA: decay must be at least 0 and below 1, got 1.0"),
    (lambda: ev.EMA(-0.1), "EMA: decay must be at least 0"),
    (lambda: ev.EMA("0.9"), "EMA: decay must be a number, got '0.9'"),
    (lambda: ev.EMA(float("nan")), "EMA: decay must be at least 0"),
    (lambda: ev.SWA(0), "SWA: fraction must be above 0 and at most 1, got 0"),
    (lambda: ev.SWA(1.5), "SWA: fraction must be"),
    (lambda: ev.SWA(from_epoch=0), "SWA: from_epoch must be a whole number >= 1, or None, got 0"),
    (lambda: ev.SWA(from_epoch=True), "SWA: from_epoch must be"),
    (lambda: ev.SWA(from_epoch=2.0), "SWA: from_epoch must be"),
    (lambda: trained(average=ev.EMA), "average must be a WeightAverage, .* call it"),
    (lambda: trained(average=0.9), "average must be a WeightAverage, got 0.9"),
    (lambda: trained(average=ev.EMA(1 - 1e-12)), "EMA: decay=.* is 1 in float32"),
    (lambda: ev.compile(ev.Dense(2), 3, average=ev.EMA()), "an average of weights that no optim"),
])
def test_what_cannot_be(make, words):
    with pytest.raises(ConfigurationError, match=words):
        make()
