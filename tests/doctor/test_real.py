"""Real trainings of Evenly's: the doctor finds what was done to them, and is silent otherwise."""

import warnings

import numpy as np
import pytest

import evenly as ev

GENERATOR = np.random.default_rng(0)
X = GENERATOR.standard_normal((300, 6))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)
CLASSES = ev.SoftmaxCrossEntropy()


def mlp(*ends, activation=ev.ReLU, depth=1, **more):
    hidden = [layer for _ in range(depth) for layer in (ev.Dense(16, **more), activation())]
    return ev.Sequential([*hidden, ev.Dense(2), *ends])


def diagnosis(net, x=X, y=Y, optimizer=None, epochs=30, **more):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ev.errors.DoctorWarning)
        try:
            return ev.fit(net, x, y, loss=CLASSES, optimizer=optimizer or ev.Adam(0.02),
                          epochs=epochs, validation=0.25, progress=False, doctor=True,
                          **more).diagnosis
        except ev.errors.DivergenceError as error:
            return error.model.diagnosis


SICK = {
    "rate_too_high": lambda: diagnosis(mlp(), optimizer=ev.Adam(5.0)),
    "rate_too_low": lambda: diagnosis(mlp(), optimizer=ev.Adam(1e-6)),
    "symmetric_init": lambda: diagnosis(mlp(kernel_init=ev.Zeros())),
    "vanishing_gradient": lambda: diagnosis(
        mlp(activation=ev.Sigmoid, depth=8, kernel_init=ev.XavierUniform()),
        optimizer=ev.SGD(0.1)),
    "inputs_not_scaled": lambda: diagnosis(mlp(), 300 * X + 2000, optimizer=ev.SGD(0.01)),
    "output_activation_wrong": lambda: diagnosis(mlp(ev.Softmax())),
    "labels_corrupted": lambda: diagnosis(mlp(), y=np.random.default_rng(1).permutation(Y),
                                          epochs=60),
    "over_regularized": lambda: diagnosis(mlp(), penalty=ev.L2(5.0)),
    "dead_relu": lambda: diagnosis(mlp(bias_init=ev.Constant(-30.0))),
}


@pytest.mark.parametrize("kind", SICK)
def test_what_was_done_is_found_first(kind):
    found = SICK[kind]()
    assert [finding.kind for finding in found.findings][:1] == [kind], str(found)


@pytest.mark.parametrize("net", [
    mlp(), mlp(activation=ev.Tanh), mlp(depth=3), ev.Sequential(
        [ev.Dense(16), ev.BatchNorm(), ev.ReLU(), ev.Dropout(0.2), ev.Dense(2)])])
def test_what_is_sound_is_left_alone(net):
    rule = ev.EarlyStopping(patience=10)
    found = diagnosis(net, epochs=60, early_stopping=rule)
    assert found.healthy, str(found)
