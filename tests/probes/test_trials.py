"""What is tried before a training tells what works from what does not."""

import warnings
from dataclasses import dataclass

import numpy as np
import pytest

import evenly as ev
from evenly.errors import ConfigurationError, DataError, DoctorWarning
from evenly.training.before import before_training


def rows():
    return np.random.default_rng(0).standard_normal((120, 5)).astype(np.float32)


X = rows()
Y = (X[:, 0] > 0).astype(int)
SOFTMAX = ev.SoftmaxCrossEntropy()


def checks(layers, x=X, y=Y, loss=SOFTMAX, **settings):
    return before_training(ev.Settings(ev.Sequential(layers), loss, **settings), x, y).checks


@dataclass(frozen=True)
class Centered(ev.Layer):
    """Subtracts a mean over the rows: they influence each other."""

    name: str | None = None

    def forward(self, x, arrays, run):
        return x - x.mean(axis=0), None

    def backward(self, d_y, arrays, saved, run):
        return d_y - d_y.mean(axis=0), {}


@dataclass(frozen=True)
class CenteredInTraining(Centered):
    def forward(self, x, arrays, run):
        return (x - x.mean(axis=0) if run.training else x * 1.0), None


@dataclass(frozen=True)
class WrongWay(ev.Layer):
    """Its gradient points uphill."""

    name: str | None = None

    def forward(self, x, arrays, run):
        return x * 1.0, None

    def backward(self, d_y, arrays, saved, run):
        return -d_y, {}


HEALTHY = [
    [ev.Dense(16), ev.BatchNorm(), ev.ReLU(), ev.Dropout(0.5), ev.Dense(2)],
    [ev.Reshape((5, 1)), ev.LSTM(6, recurrent_dropout=0.3), ev.Dense(2)],
    [ev.Reshape((5, 1)), ev.Conv1D(6, 2), ev.Tanh(), ev.GaussianNoise(1.0), ev.Flatten(),
     ev.Dense(2)],
    [ev.Dense(8), ev.LayerNorm(), ev.Residual([ev.Dense(8), ev.GELU()]), ev.Dense(2)],
]


@pytest.mark.parametrize("layers", HEALTHY, ids=["mlp", "lstm", "cnn", "residual"])
def test_what_is_right_passes(layers):
    told = checks(layers, optimizer=ev.Adam(0.01))
    assert told.descent == pytest.approx(1, abs=0.01)
    assert told.coupling == 0
    assert told.memorized_score == 1
    assert told.memorized_best <= told.memorized_loss < 0.2 < told.first_loss
    assert told.seeing_loss < 0.9 * told.blind_loss


@pytest.mark.parametrize("optimizer", [
    ev.SGD(0.1), ev.Momentum(0.1, nesterov=True), ev.RMSprop(), ev.Adagrad(), ev.NAdam(),
    ev.AdamW(weight_decay=0.1),
])
def test_every_optimizer_descends(optimizer):
    assert checks(HEALTHY[3], optimizer=optimizer).descent == pytest.approx(1, abs=0.02)


def test_rows_that_influence_each_other():
    for layer in (Centered(), CenteredInTraining()):
        assert checks([ev.Dense(8), layer, ev.Dense(2)]).coupling > 0.1


def test_a_gradient_that_points_uphill():
    told = checks([ev.Dense(8), ev.ReLU(), ev.Dense(2), WrongWay()], optimizer=ev.SGD(0.1))
    assert told.descent == pytest.approx(-1, abs=0.01)


def test_labels_that_cannot_be_seen_are_no_better_than_blind():
    told = checks(HEALTHY[0], x=np.ones_like(X))
    assert told.seeing_loss == pytest.approx(told.blind_loss, rel=0.2)
    assert told.memorized_score < 0.9


def test_a_training_that_bursts_is_told():
    told = checks([ev.Dense(8), ev.ReLU(), ev.Dense(1)], y=X[:, 0] * 1e10,
                  loss=ev.MeanSquaredError(), optimizer=ev.SGD(1e6))
    assert told.memorized_loss == np.inf
    assert told.seeing_loss == np.inf


def test_row_numbers_and_labels_and_numbers():
    words = np.random.default_rng(0).integers(0, 9, (90, 4))
    net = [ev.Embedding(9, 6), ev.Flatten(), ev.Dense(2)]
    told = checks(net, words, (words[:, 0] > 4).astype(int), optimizer=ev.Adam(0.05))
    assert (told.coupling, told.memorized_score) == (0, 1)
    net = [ev.Dense(16), ev.Tanh(), ev.Dense(3)]
    told = checks(net, y=X[:, :3] > 0, loss=ev.BinaryCrossEntropy(), optimizer=ev.Adam(0.05))
    assert told.memorized_score > 0.95
    told = checks(net, y=1000 + X[:, :3], loss=ev.MeanSquaredError(), targets="standardized")
    assert told.first_loss < 20


def test_the_record_before_training_has_the_untouched_network():
    settings = ev.Settings(ev.Sequential(HEALTHY[0]), SOFTMAX, batch=20)
    record = before_training(settings, X, Y, validation=0.25, trials=False)
    assert record.checks is None
    assert [probe.step for probe in record.probes] == [0]
    assert (record.data.rows, record.validation.rows, record.batch) == (90, 30, 20)
    assert record.epochs == ()
    with warnings.catch_warnings(action="ignore", category=DoctorWarning):
        trained = ev.fit(settings, X, Y, validation=0.25, doctor=True).record
    assert record.probes[0] == trained.probes[0]


def test_what_cannot_be_trained_is_refused():
    settings = ev.Settings(ev.Sequential(HEALTHY[0]), SOFTMAX)
    with pytest.raises(DataError, match="check: x has 120 rows and y has 3"):
        before_training(settings, X, Y[:3])
    with pytest.raises(ConfigurationError, match="give the targets"):
        before_training(settings, X, None)
    with pytest.raises(DataError, match="check: x holds NaN"):
        before_training(settings, X * np.nan, Y)


