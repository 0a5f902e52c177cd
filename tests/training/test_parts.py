"""A training whose batches are cut into parts: the same bits however many processes share them,
and what the whole batches give but for rounding."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest

import evenly as ev
from evenly.parallel import Threads
from evenly.rows.data import Examples

CLASSES, NUMBERS = ev.SoftmaxCrossEntropy(), ev.MeanSquaredError()
ROWS = 37  # batches of 16: the last has 5 rows, so that some of its parts are empty


@cache
def drawn(*shape):
    return np.random.default_rng(sum(shape)).standard_normal(shape)


def classes(n=ROWS):
    return (drawn(n, 3)[:, 0] > 0).astype(int)


@dataclass(frozen=True)
class Square(ev.Layer):
    name: str | None = None
    rows_apart = True

    def forward(self, x, arrays, run):
        keep = run.keep(x.shape, 0.3)
        return x * x * keep, (x, keep)

    def backward(self, d_y, arrays, saved, run):
        x, keep = saved
        return 2 * x * keep * d_y, {}


TABLE, IMAGE, STEPS, WORDS = (ROWS, 6), (ROWS, 6, 6, 2), (ROWS, 5, 3), (ROWS, 4)
LENGTHS = np.arange(ROWS) % 6
WEIGHTS = np.abs(drawn(ROWS)) + (np.arange(ROWS) % 3) * 2
NETS = {
    "dense": (TABLE, [ev.Dense(8), ev.ReLU(), ev.Dense(2)], {}),
    "batch norm": (TABLE, [ev.Dense(8), ev.BatchNorm(), ev.ReLU(), ev.Dropout(0.4), ev.Dense(2)],
                   {}),
    "batch norm, tanh": (TABLE, [ev.BatchNorm(center=False), ev.Dense(8), ev.BatchNorm(), ev.Tanh(),
                                 ev.Dense(2)], {}),
    "batch norm, frozen": (TABLE, [ev.Dense(8), ev.BatchNorm(frozen=True), ev.Dense(2)], {}),
    "images": (IMAGE, [ev.Conv2D(4, 3), ev.BatchNorm(), ev.ReLU(), ev.MaxPool2D(2), ev.Flatten(),
                       ev.Dense(2)], {}),
    "images, residual": (IMAGE, [ev.Conv2D(4, 3, padding="same"),
                                 ev.Residual([ev.Conv2D(4, 3, padding="same"), ev.BatchNorm(),
                                              ev.ReLU()]),
                                 ev.BatchNorm(scale=False), ev.GlobalAveragePool(), ev.Dense(2)],
                         {}),
    "other norms": (IMAGE, [ev.Conv2D(4, 3), ev.GroupNorm(2), ev.ReLU(), ev.Flatten(), ev.Dense(8),
                            ev.LayerNorm(), ev.RMSNorm(), ev.Dense(2)], {}),
    "noise": (TABLE, [ev.GaussianNoise(0.1), ev.Dense(8), ev.SELU(), ev.AlphaDropout(0.2),
                      ev.GaussianDropout(0.2), ev.Dense(2)], {}),
    "spatial": (IMAGE, [ev.Conv2D(4, 3), ev.SpatialDropout(0.3), ev.Flatten(),
                        ev.DropConnect(ev.Dense(8), 0.3), ev.WeightNorm(ev.Dense(2))], {}),
    "depth": (TABLE, [ev.Dense(8), ev.Residual([ev.Dense(8), ev.ReLU(), ev.StochasticDepth(0.4)]),
                      ev.Dense(2)], {}),
    "sequences": (STEPS, [ev.LSTM(5, recurrent_dropout=0.2), ev.Dense(2)], {"lengths": LENGTHS}),
    "steps": (STEPS, [ev.RNN(4, sequences=True), ev.BatchNorm(), ev.Conv1D(2, 1)], {
        "lengths": LENGTHS,
        "loss": ev.SoftmaxCrossEntropy(ignore_index=-1, class_weights=(1.0, 2.0))}),
    "both ways": (STEPS, [ev.GRU(4, bidirectional=True), ev.Dense(2)], {}),
    "words": (WORDS, [ev.Embedding(7, 3, padding=0), ev.Flatten(), ev.Dense(2)], {}),
    "weights": (TABLE, [ev.Dense(8), ev.BatchNorm(), ev.ReLU(), ev.Dense(2)],
                {"sample_weight": WEIGHTS}),
    "weights over rows": (TABLE, [ev.Dense(2)], {
        "sample_weight": WEIGHTS,
        "loss": ev.SoftmaxCrossEntropy(class_weights=(1.0, 3.0), mean_over="rows")}),
    "class weights": (TABLE, [ev.Dense(2)],
                      {"loss": ev.SoftmaxCrossEntropy(class_weights=(1.0, 3.0))}),
    "numbers": (TABLE, [ev.Dense(8), ev.BatchNorm(), ev.Dense(2)], {"loss": NUMBERS}),
    "penalties": (TABLE, [ev.Dense(8), ev.ReLU(), ev.Dense(2)], {
        "penalty": ev.ElasticNet(0.01, 0.02), "clip": ev.ClipGlobalNorm(0.05),
        "constraint": ev.MaxNorm(0.5)}),
    "clip by norm": (TABLE, [ev.Dense(8), ev.Dense(2)], {"clip": ev.ClipNorm(0.01)}),
    "momentum": (TABLE, [ev.Dense(8), ev.BatchNorm(), ev.Dense(2)], {
        "optimizer": ev.Momentum(0.05, 0.9), "schedule": ev.CosineDecay(),
        "average": ev.EMA(0.9)}),
    "mixup": (TABLE, [ev.Dense(8), ev.BatchNorm(), ev.Dense(2)], {"augment": ev.Mixup(0.4)}),
    "mixup of numbers": (TABLE, [ev.Dense(2)], {
        "augment": ev.Mixup(0.4), "loss": NUMBERS, "sample_weight": WEIGHTS}),
    "cutmix": (TABLE, [ev.Dense(2)], {"augment": ev.CutMix(1.0)}),
    "cutout": (TABLE, [ev.Dense(2)], {"augment": ev.Cutout(0.3)}),
    "a layer of one's own": (TABLE, [ev.Dense(8), Square(), ev.BatchNorm(), ev.Dense(2)], {}),
    "early stopping": (TABLE, [ev.Dense(8), ev.BatchNorm(), ev.Dense(2)], {
        "loss": NUMBERS,
        "validation": 0.2, "early_stopping": ev.EarlyStopping(patience=1),
        "average": ev.SWA(from_epoch=2)}),
    "members": (TABLE, [ev.Members(3), ev.BatchEnsemble(8), ev.ReLU(), ev.MemberDense(2),
                        ev.MemberMean()], {}),
}


def data(shape, given):
    x = drawn(*shape)
    if shape is WORDS:
        x = np.abs(x * 3).astype(int) % 7
    if "lengths" in given and "loss" in given:  # a target a step
        return x, np.arange(ROWS * 5).reshape(ROWS, 5) % 3 - 1
    return x, drawn(ROWS, 2) if given.get("loss") is NUMBERS else classes()


def train(name, workers=None, **more):
    shape, layers, given = NETS[name]
    x, y = data(shape, given)
    settings = {"loss": CLASSES, "optimizer": ev.Adam(0.01), "epochs": 2, "batch": 16, "seed": 5,
                "threads": 1, **given, **more}
    return ev.fit(ev.Sequential(layers), x, y, workers=workers, **settings)


def told(model):
    """All that a training leaves, but for the time it took."""
    epochs = [{k: v for k, v in vars(record).items() if k != "seconds"} for record in model.history]
    return {k: v.tobytes() for k, v in model.engine.kept().items()}, epochs


def close(model, other, limit):
    for name, value in model.weights.items():
        scale = np.abs(value).max() + 1e-3
        assert np.abs(other.weights[name] - value).max() <= limit * scale, name
    losses = [[record.loss for record in one.history] for one in (model, other)]
    assert losses[0] == pytest.approx(losses[1], rel=limit)


@pytest.mark.parametrize("name", NETS)
def test_the_same_bits_for_any_number_of_workers(name):
    alone = told(train(name, parts=8))
    for size in (2, 4, 8):
        for model in Threads.run(size, lambda group: train(name, group)):
            assert told(model) == alone, size


@pytest.mark.parametrize("name", NETS)
def test_parts_give_what_whole_batches_give(name):
    close(train(name, dtype="float64"), train(name, parts=16, dtype="float64"), 1e-10)


@pytest.mark.parametrize("name", ["batch norm", "images", "mixup", "sequences"])
def test_parts_give_what_whole_batches_give_in_float32(name):
    sgd = {"optimizer": ev.SGD(0.05)}
    close(train(name, **sgd), train(name, parts=8, **sgd), 1e-5)


def test_gradients_are_sent_while_backward_computes_others(monkeypatch):
    monkeypatch.setattr("evenly.engine.gradient_sum._MESSAGE", 64)
    name = "images, residual"
    alone = told(train(name, parts=8))
    sent = []

    def rank(group):
        begin = group.start_exchange

        def counted(partner, values, out):
            sent.append(values.size)
            return begin(partner, values, out)
        group.start_exchange = counted
        return told(train(name, group))
    assert all(one == alone for one in Threads.run(4, rank))
    size = train(name, epochs=1).engine.buffer("gradients").size
    steps = 2 * 3
    # Each process exchanges all of it with two partners, in several messages.
    assert sum(sent) == 4 * steps * 2 * size
    assert len(sent) >= 4 * steps * 2 * 5


@pytest.mark.parametrize("name", ["early stopping", "weights"])
def test_each_process_validates_its_share(name):
    whole = train(name, validation=0.3).history[-1]
    cut = train(name, validation=0.3, parts=8).history[-1]
    assert cut.validation_loss == pytest.approx(whole.validation_loss, rel=1e-5)
    assert cut.validation_score == pytest.approx(whole.validation_score, rel=1e-5)
    rows = []

    def rank(group):
        model = train(name, group, validation=0.3, epochs=1)
        return model.history[-1].validation_loss
    take = Examples.take

    def counted(self, at):
        rows.append(at.stop - at.start if isinstance(at, slice) else 0)
        return take(self, at)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Examples, "take", counted)
        losses = Threads.run(4, rank)
    assert len(set(losses)) == 1
    assert sum(rows) == round(0.3 * ROWS)


def test_squares_that_float32_does_not_hold_are_summed_over_the_parts():
    x = (drawn(ROWS, 6) * [7e18, 1e-18, 1e4, 1, 1, 1]).astype(np.float32)
    net = ev.Sequential([ev.BatchNorm(epsilon=0.0), ev.Dense(2)])
    whole, cut = (ev.fit(net, x, classes(), loss=CLASSES, optimizer=ev.SGD(0.1), epochs=2, batch=16,
                         parts=parts) for parts in (None, 8))
    for name, value in whole.weights.items():
        np.testing.assert_allclose(cut.weights[name], value, rtol=1e-5, atol=1e-7 * value.max())
    tiny = [model.weights["batch_norm_1.running_variance"][1] for model in (cut, whole)]
    assert tiny[0] == pytest.approx(tiny[1], rel=1e-5)
