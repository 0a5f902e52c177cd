"""The topics of training: a thousand seeds of each, and what is right of their answers."""

import json

import numpy as np
import pytest

from evenly.byhand.exact import float_array
from evenly.byhand.expressions import evaluate
from evenly.errors import DataError, EvenlyError
from evenly.exercises import topic
from evenly.exercises.base import written
from tests.exercises.topics_b import (
    LAYERS,
    RULES,
    SCHEDULES,
    TOPICS,
    floats,
    fractions,
    inputs,
    made,
)
from tests.seeds import many

pytestmark = pytest.mark.sweep


def friendly(name, exercise):
    """What the exercise is about comes out whole, or as fractions that one computes with."""
    if name in ("lstm", "gru") or (name == "rnn" and exercise.level > 1):
        return  # sigmoid and tanh: decimals, from whole numbers
    for key, step in exercise.asked.items():
        bound = 1
        if name in RULES:
            # Roots are whole or halves; the other steps are fractions that fit on a line.
            bound = 2 if ".root" in key else 3_000_000
        elif name in (*SCHEDULES, "l2", "l1", "elastic-net", "weight-decay", "gradient-clipping",
                      "max-norm", "unit-norm", "running-averages", "mini-batches",
                      "input-normalization"):
            bound = {".variance": 6, ".deviation": 2, "norm": 1, ".norm": 1, ".root": 1,
                     "x_hat": 1}.get(f".{key.rpartition('.')[2].split(' ')[0]}", 10**12)
        elif name == "robust-scaling":
            bound = {"scaled": 40, "mean": 9}.get(key.rpartition(".")[2], 1)
        for number in fractions(step):
            assert number.denominator <= bound, (key, number)


def interesting(name, exercise):
    """There is something to compute: the numbers move."""
    answers, given = floats(exercise), inputs(exercise)
    assert answers
    for key, values in answers.items():
        assert np.isfinite(values).all(), key
    if name in LAYERS:
        last = [v for k, v in answers.items() if k.endswith((".y", ".h")) or ".h (" in k]
        assert any(np.abs(v).max() > 0 for v in last)
        if exercise.level == 3:
            assert any(np.abs(v).max() > 0 for k, v in answers.items() if ".d_" in k)
    if "convolution" in name:
        assert np.count_nonzero(given["kernel"]) >= 2
    if "pooling" in name:
        assert len(np.unique(given["x"])) > 3
    if name in RULES:
        values = [v for k, v in answers.items() if ".value" in k]
        assert len(values) == len(given["gradients"])
        for before, after in zip([given["weights"], *values[:-1]], values, strict=True):
            # A velocity may stand still for a weight, never for all of several.
            assert (before != after).any() or before.size == 1
    if name in SCHEDULES:
        assert len(set(answers["factor"].tolist())) > 1
    if name == "max-norm":
        assert (answers["w.norms"] > given["limit"]).any()
    if name == "gradient-clipping":
        assert answers["factor"] < 1
    if name == "unit-norm":
        assert (answers["w.norms"] > 1).all()
        last = answers["w.value" if exercise.level == 1 else "w.value (2)"]
        assert (np.abs(last) < 1).any()
    if name in ("l1", "l2", "elastic-net"):
        assert np.abs(answers["dense_1.kernel.d_penalty"]).max() > 0
    if name == "input-normalization":
        assert (answers["train.deviation"][: len(given["x"].T)] > 0).all()
        assert np.abs(answers["train.mean"]).max() < 100
    if name == "robust-scaling":
        for title in ("median", "lower", "upper", "range"):
            assert (answers[f"train.{title}"] % 1 == 0).all()
        assert (answers["train.range"] > 1).all()
        if exercise.level == 3:
            moved = np.abs(answers["outlier.median"] - answers["train.median"])
            assert (moved < np.abs(answers["outlier.mean"] - answers["train.mean"])).all()
    if name == "mini-batches":
        assert answers["steps"] >= 2
        assert (answers["last"] < given["batch"]) == (exercise.level > 1)


def complete(exercise):
    """Words and hints for every step, none of which holds its answer; a problem and its title."""
    assert exercise.solution.text
    assert exercise.solution.given
    for ask in exercise.solution.asked:
        assert ask.words[0].isupper()
        assert ask.hint.endswith((".", "?"))
    for title in exercise.solution.given:
        assert [s for s in exercise.solution.work.phase("given") if s.title == title], title


@pytest.mark.parametrize("name", TOPICS)
def test_a_thousand_seeds(name):
    seen = set()
    for seed in many(1000):
        exercise = made(name, seed)
        friendly(name, exercise)
        interesting(name, exercise)
        complete(exercise)
        seen.add(json.dumps([exercise.level, exercise.sheet()["sizes"],
                             {n: written(np.asarray(v, object)) for n, v in
                              exercise.inputs.items()}]))
    assert len(seen) > 0.95 * len(many(1000))


@pytest.mark.parametrize("name", TOPICS)
def test_seeds(name):
    found = topic(name)
    for level in (1, 2, 3):
        again = [found.exercise(5, level) for _ in range(2)]
        assert again[0].sheet() == again[1].sheet()
        assert again[0].answers() == again[1].answers()
        different = {str(found.exercise(seed, level).document()) for seed in range(30)}
        assert len(different) >= 27


@pytest.mark.parametrize("name", TOPICS)
def test_formulas_give_their_numbers(name):
    for seed in range(30):
        exercise = made(name, seed)
        for key, step in exercise.asked.items():
            for index, value in enumerate(step.value.reshape(-1)):
                got = evaluate(step.expression(index))
                assert float(got) == pytest.approx(float(value), rel=1e-12, abs=1e-12), key


@pytest.mark.parametrize("name", [name for name in TOPICS if name != "max-pooling"])
def test_the_formulas_follow_what_a_learner_puts_in(name):
    """A formula holds no number that another step made: with those steps' numbers changed, the
    results change."""
    moved = 0
    for seed in range(6):
        exercise = made(name, seed)
        steps = exercise.solution.work.steps
        asked = {step.number for step in exercise.asked.values()}

        def changed(place, steps=steps, asked=asked):
            return 7 if place.step in asked else steps[place.step].number_at(place.flat)

        for step in exercise.asked.values():
            for index in range(step.value.size):
                expression = step.expression(index)
                moved += float(evaluate(expression)) != float(evaluate(expression, changed))
    assert moved > 0


@pytest.mark.parametrize("name", TOPICS)
def test_own_numbers(name):
    found = topic(name)
    for level in (1, 2, 3):
        exercise = found.exercise(3, level)
        as_text = {n: written(np.asarray(v, object)) for n, v in exercise.inputs.items()}
        own = found.exercise(level=level, inputs=as_text)
        assert own.own
        assert own.answers() == exercise.answers()
        # Through a file and back: what a sheet holds makes the same exercise.
        sheet = json.loads(json.dumps(own.sheet()))
        assert found.exercise(level=level, inputs=sheet["inputs"]).answers() == own.answers()
        # Numbers that come out badly are worked out as well.
        first = next(iter(found.fields))
        unfriendly = dict(as_text)
        if name != "mini-batches" and first != "t":
            unfriendly[first] = (float_array(np.asarray(exercise.inputs[first])) + 0.37).tolist()
            assert found.exercise(level=level, inputs=unfriendly).answers() != own.answers()


# Inputs that play no part at level 3.
DEEP = [[[[[1]]]]]
UNUSED = dict.fromkeys(("l1", "l2", "elastic-net"), ("gradient",))


@pytest.mark.parametrize("name", TOPICS)
def test_numbers_that_do_not_fit(name):
    found = topic(name)
    exercise = found.exercise(3, 3)
    good = {n: written(np.asarray(v, object)) for n, v in exercise.inputs.items()}
    unused = UNUSED.get(name, ())
    for field in found.fields:
        with pytest.raises(DataError, match=f"'{field}' is missing"):
            found.exercise(level=3, inputs={k: v for k, v in good.items() if k != field})
        for bad in ("x", [[1, 2], [3]], [], [None], {"a": 1}, DEEP, float("nan")):
            own = good | {field: bad}
            if bad == DEEP and field in unused:
                assert found.exercise(level=3, inputs=own).answers() == exercise.answers()
                continue
            with pytest.raises(DataError, match=f"{name}|{field}"):
                found.exercise(level=3, inputs=own)
    with pytest.raises(DataError, match="no input is called 'other'"):
        found.exercise(level=3, inputs=good | {"other": [1]})


SETTINGS = [
    ("adam", {"beta_1": 1}), ("adam", {"epsilon": 0}), ("adam", {"learning_rate": -1}),
    ("rmsprop", {"mean_square": [-1, 4]}), ("momentum", {"beta": 2}),
    ("convolution", {"stride": 0}), ("convolution", {"padding": "1/2"}),
    ("convolution", {"d_y": [[1]]}), ("max-pooling", {"window": 8}),
    ("average-pooling", {"window": 0}), ("l2", {"strength": 0}), ("max-norm", {"limit": 0}),
    ("gradient-clipping", {"max_norm": -2}), ("gradient-clipping", {"limit": 0}),
    ("step-decay", {"every": 0}), ("exponential-decay", {"factor": 0}), ("cosine", {"floor": 2}),
    ("cosine", {"t": [-1, 2, 3, 4]}), ("warmup", {"start": 2}), ("inverse-time-decay",
                                                                 {"decay": 0}),
    ("mini-batches", {"batch": 0}), ("mini-batches", {"rows": 3}),
    ("running-averages", {"decay": 1}), ("running-averages", {"running_variance": [-1, 1]}),
    ("rnn", {"x": [[1, 2]] * 9}), ("weight-decay", {"weight_decay": 0}),
    ("elastic-net", {"l1": 0}), ("elastic-net", {"l2": -1}), ("unit-norm", {"learning_rate": 0}),
    ("adamax", {"beta_2": 1}), ("nadam", {"epsilon": 0}),
    ("cosine-restarts", {"growth": 0}), ("cosine-restarts", {"first": "1/2"}),
]


@pytest.mark.parametrize(("name", "change"), SETTINGS, ids=[f"{n} {c}" for n, c in SETTINGS])
def test_settings_that_there_are_not(name, change):
    found = topic(name)
    good = {n: written(np.asarray(v, object)) for n, v in found.exercise(3, 3).inputs.items()}
    (field,) = change
    with pytest.raises(EvenlyError, match=field):
        found.exercise(level=3, inputs=good | change)
