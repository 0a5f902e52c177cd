"""Cures are tried in pairs; those that help are kept."""

import warnings
from dataclasses import replace

import numpy as np
import pytest

import evenly as ev
from evenly.clinic.cure import cure
from evenly.clinic.pairs import Pairs
from evenly.doctor import Cure, Evidence, Finding
from evenly.rows.data import Examples, split

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


MANY = np.random.default_rng(5).standard_normal((900, 6))
RARE = (MANY[:, 0] > 1.6).astype(int)  # one in twenty
HELD = {"validation": (X[200:], Y[200:])}


def test_rare_classes_are_judged_alike():
    """Weights for the classes cost accuracy, and find what matters."""
    net = ev.Sequential([ev.Dense(8), ev.ReLU(), ev.Dense(2)])
    settings = ev.Settings(net, CLASSES, ev.SGD(0.02), epochs=8)
    weights = Cure("Weigh.", lambda settings: replace(
        settings, loss=ev.SoftmaxCrossEntropy(class_weights=(0.5, 10.0))))
    given = {"seeds": 3, "finding": finding(weights), "most": 1,
             "validation": (MANY[600:], RARE[600:])}
    x, y = MANY[:600], RARE[:600]
    cured = cure(settings, x, y, **given)
    assert cured.score_name == "balanced accuracy"
    assert max(cured.trials[0].before) < 0.7, "hardly more than the frequent class"
    assert cured.helped
    assert "by balanced accuracy on validation rows" in str(cured)
    plain = cure(settings, x, y, measure="accuracy", **given)
    assert plain.score_name == "accuracy"
    assert not plain.helped
    assert min(plain.trials[0].before) > 0.9
    assert cure(HIGH, X, Y, seeds=2, most=1).score_name == "accuracy"


def test_a_loss_is_better_where_it_is_lower():
    # It begins at ln 2 whatever the seed is, and stays there.
    net = ev.Sequential([ev.Dense(16), ev.ReLU(), ev.Dense(2, kernel_init=ev.Normal(0.01))])
    low = ev.Settings(net, CLASSES, ev.Adam(1e-6), epochs=15)
    faster = Cure("Raise.", lambda settings: replace(settings, optimizer=ev.Adam(0.02)))
    given = {"seeds": 3, "most": 1, "measure": "loss", **HELD}
    cured = cure(low, X, Y, finding=finding(faster), **given)
    trial = cured.trials[0]
    assert cured.score_name == "loss"
    assert trial.effect.mean < 0
    assert trial.loss_effect is None
    assert trial.helped
    worse = Cure("Far too much.", lambda settings: replace(settings, optimizer=ev.Adam(30.0)))
    trial = cure(low, X, Y, finding=finding(worse), **given).trials[0]
    assert trial.effect.mean > 0
    assert not trial.helped


def test_losses_of_two_kinds_are_not_compared():
    other = Cure("Weigh.", lambda settings: replace(
        settings, loss=ev.SoftmaxCrossEntropy(class_weights=(1.0, 2.0))))
    trial = cure(HIGH, X, Y, seeds=2, most=1, measure="loss", finding=finding(other)).trials[0]
    assert "losses of two kinds cannot be compared" in str(trial)
    assert not trial.helped


@pytest.mark.parametrize(("net", "loss", "y"), [
    (NET, CLASSES, Y), (ev.Sequential([ev.Dense(1)]), ev.MeanSquaredError(), 1e3 * X[:, 0]),
    (ev.Sequential([ev.Dense(2)]), ev.MeanSquaredError(), 1e3 * X[:, :2]),
    (ev.Sequential([ev.Dense(1)]), ev.BinaryCrossEntropy(), Y),
])
def test_a_training_that_diverges_has_a_constants_loss(net, loss, y, monkeypatch):
    def diverges(settings, x, y, **more):
        raise_of = ev.fit(settings.net, x, y, loss=settings.loss, epochs=1, progress=False,
                          doctor=True)
        error = ev.errors.DivergenceError("", epoch=1, step=1, layer="")
        error.model = raise_of
        raise error

    monkeypatch.setattr("evenly.clinic.pairs.fit", diverges)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        state = Pairs(Examples(X, y), 0.2, 2, "float32", "loss").train(ev.Settings(net, loss))
    train, _ = split(Examples(X, y), 0.2, 0)
    if loss.counts_right_answers:
        shares = np.bincount(train.y) / len(train.y)
        wanted = -(shares * np.log(shares)).sum()
    else:
        wanted = train.y.var(axis=0).mean()
    assert state.scores[0] == pytest.approx(wanted, rel=1e-3)


def test_any_measure_of_ones_own():
    seen = []

    def recall(y, answers):
        seen.append((y, answers))
        return float((answers[y == 1] == 1).mean())

    cured = cure(HIGH, X, Y, seeds=2, most=1, measure=recall)
    assert cured.score_name == "recall"
    assert "by recall on validation rows" in str(cured)
    for y, answers in seen:
        assert y.shape == answers.shape == (48,)
        assert set(np.unique(answers)) <= {0, 1}
    one_hot = cure(replace(HIGH, loss=ev.BinaryCrossEntropy()), X, np.eye(2)[Y], seeds=2, most=1,
                   measure=recall)
    assert set(np.unique(seen[-1][1])) <= {0, 1}
    assert one_hot.trials[0].before

    def error(y, answers):
        seen.append((y, answers))
        return -float(np.abs(y - answers).mean())

    net = ev.Sequential([ev.Dense(8), ev.ReLU(), ev.Dense(1)])
    numbers = ev.Settings(net, ev.MeanSquaredError(), ev.Adam(1e-5), epochs=10)
    faster = Cure("Raise.", lambda settings: replace(settings, optimizer=ev.Adam(0.02)))
    assert cure(numbers, X, X[:, 0], seeds=4, most=1, measure=error, finding=finding(faster)).helped
    assert seen[-1][0].dtype == np.float64


@pytest.mark.parametrize(("measure", "y", "told"), [
    ("f1", Y, "measure is one of accuracy, balanced, R2, loss, or a function"),
    (3, Y, "measure is one of"), ("R2", Y, "has no meaning for these targets: give accuracy"),
    ("accuracy", X[:, 0], "give R2, or loss"), ("balanced", X[:, 0], "give R2, or loss"),
])
def test_measures_are_checked(measure, y, told):
    with pytest.raises(ev.errors.ConfigurationError, match=told):
        cure(HIGH, X, y, measure=measure)


def test_arguments_are_checked():
    with pytest.raises(ev.errors.ConfigurationError, match="seeds must be at least 2"):
        cure(HIGH, X, Y, seeds=1)
    with pytest.raises(ev.errors.ConfigurationError, match="most must be at least 1"):
        cure(HIGH, X, Y, most=0)


def test_a_given_validation_set_is_judged_by():
    cured = cure(HIGH, X[:200], Y[:200], validation=(X[200:], Y[200:]), seeds=2, most=1)
    assert all(score * 40 == round(score * 40) for score in cured.trials[0].before)
