"""What the doctor says of losses of counts, quantiles and hard rows: nothing where all is well, and
what it says of their kin where it is not."""

import warnings

import numpy as np
import pytest

import evenly as ev
from evenly.clinic.check import check

RNG = np.random.default_rng(0)
X = RNG.standard_normal((400, 6))
MEAN = np.exp(0.7 * X[:, 0])
COUNTS, SIZES = RNG.poisson(MEAN).astype(float), MEAN * RNG.gamma(3, 1 / 3, 400)
Y = X[:, 0] + 0.3 * RNG.standard_normal(400)
K = (X[:, 0] > 0).astype(int)
LABELS = (X[:, :3] > 0).astype(float)
LEVELS = ev.Quantile((0.1, 0.5, 0.9))
FOCAL, BINARY = ev.FocalCrossEntropy(), ev.BinaryFocalCrossEntropy()


def mlp(units, *ends):
    return ev.Sequential([ev.Dense(16), ev.ReLU(), ev.Dense(units), *ends])


WELL = [
    (ev.Poisson(), COUNTS, 1), (ev.Gamma(), SIZES, 1), (ev.Quantile(0.5), Y, 1), (LEVELS, Y, 3),
    (LEVELS, 1000 * Y[:, None] * [0.001, -0.002], 6), (FOCAL, K, 2), (BINARY, K, 1),
    (BINARY, LABELS, 3), (ev.AsymmetricCrossEntropy(), LABELS, 3),
]


@pytest.mark.parametrize(("loss", "y", "units"), WELL, ids=lambda value: type(value).__name__)
def test_nothing_is_said_of_what_is_well(loss, y, units):
    settings = {"loss": loss, "optimizer": ev.Adam(0.03)}
    assert not [finding.kind for finding in check(mlp(units), X, y, **settings)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ev.errors.DoctorWarning)
        model = ev.fit(mlp(units), X, y, epochs=15, doctor=True, **settings)
    assert {finding.kind for finding in model.diagnosis} <= {"undertrained"}


@pytest.mark.parametrize(("net", "y", "loss", "kind"), [
    (mlp(2, ev.Softmax()), K, FOCAL, "output_activation_wrong"),
    (mlp(1, ev.Sigmoid()), K, BINARY, "output_activation_wrong"),
    (mlp(3, ev.ReLU()), LABELS, ev.AsymmetricCrossEntropy(), "output_activation_wrong"),
    (mlp(1, ev.Tanh()), 10 * Y, ev.Quantile(0.5), "output_activation_wrong"),
    (mlp(1), K, FOCAL, "output_activation_wrong"),
    (mlp(1), COUNTS - 1, ev.Poisson(), "labels_wrong_range"),
    (mlp(1), COUNTS, ev.Gamma(), "labels_wrong_range"),
    (mlp(2), K + 1, FOCAL, "labels_wrong_range"),
    (mlp(1), 2 * K - 1, BINARY, "labels_wrong_range"),
    (mlp(1), 1e4 * Y + 1e5, ev.Quantile(0.5), "targets_not_scaled"),
    (mlp(3), np.eye(3)[K], ev.Quantile(0.5), "loss_wrong"),
])
def test_what_is_said_of_what_is_not(net, y, loss, kind):
    assert kind in [finding.kind for finding in check(net, X, y, loss=loss)]


def test_the_best_constant_of_quantiles():
    from evenly.probes.baselines import best_constant_loss
    from evenly.probes.data import summary_of_targets
    from evenly.probes.describe import loss_info

    for loss in (ev.Quantile(0.2), LEVELS):
        y = loss.prepare(Y, (loss.outputs_each,), "float64")
        told = loss_info(loss)
        constant = np.quantile(Y, loss.several)
        each = [np.maximum(a * (Y - q), (a - 1) * (Y - q)).mean()
                for a, q in zip(loss.several, constant, strict=True)]
        summary, own = summary_of_targets(y, told)
        assert best_constant_loss(own, summary, told) == pytest.approx(np.mean(each))
        assert ev.check(mlp(loss.outputs_each), X, Y, loss=loss).healthy


@pytest.mark.parametrize("loss", [ev.Poisson(), LEVELS])
def test_a_cure_judges_what_is_predicted(loss):
    sick, seen = ev.Settings(mlp(loss.outputs_each), loss, ev.Adam(1e-6), epochs=2), []

    def measure(targets, answers):
        seen.append(answers)
        return -float(np.abs(targets - answers).mean())

    ev.cure(sick, X, COUNTS + 0.5, seeds=2, most=1, measure=measure)
    assert seen
    for answers in seen:
        assert answers.shape == (80, 1)
        assert isinstance(loss, ev.Quantile) or (answers > 0).all()
