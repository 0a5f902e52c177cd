"""Cures are tried in pairs; those that help are kept."""

import numpy as np
import pytest

import evenly as ev
from evenly.clinic.cure import cure
from evenly.doctor import Cure, Evidence, Finding

GENERATOR = np.random.default_rng(0)
X = GENERATOR.standard_normal((240, 6))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)
NET = ev.Sequential([ev.Dense(16), ev.ReLU(), ev.Dense(2)])
CLASSES = ev.SoftmaxCrossEntropy()
HIGH = ev.Settings(NET, CLASSES, ev.Adam(3.0), epochs=15)


def finding(*cures):
    return Finding("rate_too_high", None, None, 0.9, (Evidence("Too long.", 1.0),), "Why. Why.",
                   "A book", cures)


def test_what_helps_is_kept_and_told():
    cured = cure(HIGH, X, Y, seeds=3, most=5)
    assert cured.helped
    first = cured.trials[0]
    assert first.kind == "rate_too_high"
    assert first.effect.mean > 0.1
    assert len(first.before) == len(first.after) == 3
    assert cured.settings.optimizer.learning_rate < 3.0
    assert "ev.fit(" in cured.code()
    assert "helps" in str(cured)


def test_the_code_trains():
    cured = cure(HIGH, X, Y, seeds=2, most=1)
    namespace = {"ev": ev, "x": X, "y": Y}
    exec(f"model = {cured.code()}", namespace)
    assert namespace["model"].net == ev.Sequential(cured.settings.net.layers)


def test_what_does_not_help_is_left_out():
    same = Cure("Change nothing.", lambda settings: settings)
    cured = cure(ev.Settings(NET, CLASSES, ev.Adam(0.02), epochs=15), X, Y, seeds=3,
                 finding=finding(same), most=1)
    (trial,) = cured.trials
    assert trial.before == trial.after, "the same seeds give the same trainings"
    assert not trial.helped
    assert not cured.helped
    assert cured.settings.optimizer == ev.Adam(0.02)
    assert "Nothing helped" in str(cured)


def test_a_cure_that_cannot_be_applied_says_why():
    wrong = Cure("Break it.", lambda settings: ev.Settings(
        ev.Sequential([ev.Conv2D(3, 3)]), settings.loss))
    cured = cure(HIGH, X, Y, seeds=2, finding=finding(wrong), most=1)
    assert "Cannot be applied here" in str(cured.trials[0])
    assert cured.trials[0].after == ()


def test_a_training_that_diverges_has_a_constants_score():
    settings = ev.Settings(ev.Sequential([ev.Dense(8), ev.ReLU(), ev.Dense(1)]),
                           ev.MeanSquaredError(), ev.SGD(1e6), epochs=3)
    cured = cure(settings, X, X[:, 0], seeds=2, most=1)
    assert cured.trials[0].before == (0.0, 0.0)
    assert cured.score_name == "R2"


def test_another_loss_takes_other_targets():
    net = ev.Sequential([ev.Dense(16), ev.ReLU(), ev.Dense(3), ev.Softmax()])
    settings = ev.Settings(net, ev.MeanAbsoluteError(), ev.SGD(0.03), epochs=30)
    y = np.eye(3)[np.digitize(X[:, 0] + X[:, 1], (-0.6, 0.6))]
    cured = cure(settings, X, y, seeds=4, most=2)
    assert cured.diagnosis.findings[0].kind == "loss_wrong"
    assert cured.settings.loss == CLASSES
    assert cured.score_name == "accuracy"
    assert cured.code().startswith("y = y.argmax(axis=1)\n")


def test_arguments_are_checked():
    with pytest.raises(ev.errors.ConfigurationError, match="seeds must be at least 2"):
        cure(HIGH, X, Y, seeds=1)
    with pytest.raises(ev.errors.ConfigurationError, match="most must be at least 1"):
        cure(HIGH, X, Y, most=0)


def test_a_given_validation_set_is_judged_by():
    cured = cure(HIGH, X[:200], Y[:200], validation=(X[200:], Y[200:]), seeds=2, most=1)
    assert all(score * 40 == round(score * 40) for score in cured.trials[0].before)
