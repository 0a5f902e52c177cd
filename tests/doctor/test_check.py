"""check looks at a training before it begins."""

import numpy as np
import pytest

import evenly as ev
from evenly.clinic.check import check

GENERATOR = np.random.default_rng(0)
X = GENERATOR.standard_normal((300, 8))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)
PIXELS = np.random.default_rng(1).uniform(0, 1, (300, 8))
CLASSES = ev.SoftmaxCrossEntropy()


def mlp(*ends, outputs=2, **more):
    return ev.Sequential([ev.Dense(16, **more), ev.ReLU(), ev.Dense(outputs), *ends])


SOUND = mlp()
SICK = {
    "softmax twice": (mlp(ev.Softmax()), X, Y, CLASSES, "output_activation_wrong"),
    "sigmoid twice": (mlp(ev.Sigmoid(), outputs=1), X, Y, ev.BinaryCrossEntropy(),
                      "output_activation_wrong"),
    "one output": (mlp(outputs=1), X, Y, CLASSES, "output_activation_wrong"),
    "a sigmoid for numbers": (mlp(ev.Sigmoid(), outputs=1), X, 5 * X[:, 0], ev.MeanSquaredError(),
                              "output_activation_wrong"),
    "a softmax of one": (mlp(ev.Softmax(), outputs=1), X, 5 * X[:, 0], ev.MeanSquaredError(),
                         "output_activation_wrong"),
    "absolute error for classes": (mlp(), X, np.eye(2)[Y], ev.MeanAbsoluteError(), "loss_wrong"),
    "squared error for no and yes": (mlp(outputs=1), X, Y, ev.MeanSquaredError(), "loss_wrong"),
    "nothing in between": (ev.Sequential([ev.Dense(16), ev.Dense(16), ev.Dense(2)]), X, Y, CLASSES,
                           "missing_activations"),
    "zeros": (mlp(kernel_init=ev.Zeros()), X, Y, CLASSES, "symmetric_init"),
    "too large": (ev.Sequential([ev.Dense(16, kernel_init=ev.Normal(9.0)), ev.ReLU(), ev.Dense(
        16, kernel_init=ev.Normal(9.0)), ev.ReLU(), ev.Dense(2)]), X, Y, CLASSES, "bad_init_scale"),
    "inputs not scaled": (SOUND, 100 * X + 500, Y, CLASSES, "inputs_not_scaled"),
    "inputs scaled twice": (SOUND, X / 255, Y, CLASSES, "inputs_scaled_twice"),
    "inputs constant": (SOUND, np.ones_like(X), Y, CLASSES, "inputs_constant"),
    "targets not scaled": (mlp(outputs=1), X, 1e4 * X[:, 0] + 1e5, ev.MeanSquaredError(),
                           "targets_not_scaled"),
    "classes from one": (SOUND, X, Y + 1, CLASSES, "labels_wrong_range"),
    "classes below zero": (SOUND, X, Y - 1, CLASSES, "labels_wrong_range"),
    "minus one and one": (mlp(outputs=1), X, 2 * Y - 1, ev.BinaryCrossEntropy(),
                          "labels_wrong_range"),
    "rare classes": (SOUND, X, np.where(np.arange(300) % 25 == 0, 1, 0), CLASSES,
                     "class_imbalance"),
    "dropout in front": (ev.Sequential([ev.Dense(16), ev.ReLU(), ev.Dropout(0.5), ev.BatchNorm(),
                                        ev.Dense(2)]), X, Y, CLASSES, "batch_norm_mismatch"),
    "an outlier": (SOUND, np.where(np.arange(2400).reshape(300, 8) == 17, 1e6, X), Y, CLASSES,
                   "inputs_not_scaled"),
    "labels of other rows": (SOUND, X, np.random.default_rng(3).permutation(Y), CLASSES,
                             "labels_corrupted"),
}


@pytest.mark.parametrize("name", SICK)
def test_what_would_ail_is_told_before(name):
    net, x, y, loss, kind = SICK[name]
    diagnosis = check(net, x, y, loss=loss)
    assert diagnosis.findings[0].kind == kind, str(diagnosis)
    assert diagnosis.record.epochs == ()


def test_steps_are_tried():
    high = check(SOUND, X, Y, loss=CLASSES, optimizer=ev.SGD(100.0))
    assert high.findings[0].kind == "rate_too_high"
    low = check(SOUND, X, Y, loss=CLASSES, optimizer=ev.SGD(1e-7))
    assert low.findings[0].kind == "rate_too_low"


def test_batches_too_small():
    net = ev.Sequential([ev.Dense(16), ev.BatchNorm(), ev.ReLU(), ev.Dense(2)])
    assert check(net, X, Y, loss=CLASSES, batch=2).findings[0].kind == "batch_too_small"


class Mixes(ev.Layer):
    """A layer that lets each row see the one before it."""

    name = None

    def forward(self, x, arrays, run):
        return x + run.xp.concatenate([x[-1:], x[:-1]]), None

    def backward(self, d_y, arrays, saved, run):
        return d_y + run.xp.concatenate([d_y[1:], d_y[:1]]), {}


def test_rows_that_see_each_other():
    diagnosis = check(ev.Sequential([ev.Dense(8), Mixes(), ev.ReLU(), ev.Dense(2)]), X, Y,
                      loss=CLASSES)
    assert diagnosis.findings[0].kind == "rows_coupled"


HEALTHY = {
    "plain": (SOUND, X, Y, CLASSES),
    "a bias in front of batch norm": (
        ev.Sequential([ev.Dense(16), ev.BatchNorm(), ev.ReLU(), ev.Dense(2)]), X, Y, CLASSES),
    "a deep residual network": (ev.Sequential(
        [ev.Dense(16), *[ev.Residual([ev.LayerNorm(), ev.Dense(16), ev.ReLU(), ev.Dense(16)])] * 8,
         ev.Dense(2)]), X, Y, CLASSES),
    "tanh": (ev.Sequential([ev.Dense(16, kernel_init=ev.XavierUniform()), ev.Tanh(), ev.Dense(2)]),
             X, Y, CLASSES),
    "pixels": (SOUND, PIXELS, (PIXELS[:, 0] > PIXELS[:, 1]).astype(int), CLASSES),
    "outliers": (SOUND, np.where(np.random.default_rng(2).random(X.shape) < 0.005, 40.0, X), Y,
                 CLASSES),
    "two layers of a bottleneck": (
        ev.Sequential([ev.Dense(32), ev.ReLU(), ev.Dense(4), ev.Dense(32), ev.ReLU(),
                       ev.Dense(2)]), X, Y, CLASSES),
    "numbers": (mlp(outputs=1), X, X[:, 0] + X[:, 1] ** 2, ev.MeanSquaredError()),
    "a sequence": (ev.Sequential([ev.LSTM(8), ev.Dense(2)]), X.reshape(300, 4, 2), Y, CLASSES),
}


@pytest.mark.parametrize("name", HEALTHY)
def test_what_is_sound_is_left_alone(name):
    net, x, y, loss = HEALTHY[name]
    diagnosis = check(net, x, y, loss=loss, optimizer=ev.Adam(3e-3))
    assert diagnosis.healthy, str(diagnosis)
    assert "Looked at" in str(diagnosis)


def test_settings_and_models_are_taken():
    settings = ev.Settings(SOUND, CLASSES)
    assert check(settings, X, Y).healthy
    assert check(ev.init(SOUND, 8), X, Y, loss=CLASSES).healthy
    scaled = ev.Settings(SOUND, CLASSES, inputs="standardized")
    assert check(scaled, 100 * X + 500, Y).healthy


def test_what_fit_refuses_is_refused():
    with pytest.raises(ev.errors.DataError, match="NaN"):
        check(SOUND, np.full_like(X, np.nan), Y, loss=CLASSES)
    with pytest.raises(ev.errors.ConfigurationError, match="give a loss"):
        check(SOUND, X, Y)


def test_nothing_is_changed():
    model = ev.init(SOUND, 8, loss=CLASSES)
    before = {name: array.copy() for name, array in model.weights.items()}
    check(model, X, Y, loss=CLASSES)
    assert all((model.weights[name] == array).all() for name, array in before.items())
