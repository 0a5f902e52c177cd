"""Numbers of one's own: worked out, or refused in words; never nan or infinity."""

import json
import random
from fractions import Fraction

import numpy as np
import pytest

from evenly.errors import ConfigurationError, DataError
from evenly.exercises import CATALOGUE, exercise, topic
from evenly.exercises.base import is_finite

IDENTITY, ROW = [[1, 0], [0, 1]], [1, 1]
BATCH_NORM = {
    "x": [[1, 2], [1, 3]], "kernel": IDENTITY, "bias": [0, 0], "gamma": ROW, "beta": ROW,
    "running_mean": ROW, "running_variance": ROW, "new": [[1, 2]], "d_y": [[1, 2], [3, 4]],
}
RUNNING = {
    "batches": [[[1, 2], [1, 3]]], "decay": 0, "running_mean": ROW, "running_variance": ROW,
    "new": [[0, 1]],
}
WARMUP = {"t": [10**9, 1, 2, 3], "length": 3, "start": 0, "factor": 1000, "learning_rate": 1,
          "weight": 1, "gradients": [1, 1, 1, 1]}
REFUSED = [
    ("batch-norm", 1, BATCH_NORM, "variance 0"),
    ("batch-norm", 1, BATCH_NORM | {"x": [[1, 2], [2, 3]], "bias": [-100, -100]}, "variance 0"),
    ("batch-norm", 2, BATCH_NORM | {"x": [[1, 2], [2, 3]], "running_variance": [-2, 1]},
     "running_variance must be at least 0"),
    ("running-averages", 2, RUNNING, "a division by 0"),
    ("warmup", 2, WARMUP, "beyond 10^308"),
    ("adagrad", 1, {"weights": [1], "gradients": [[0]], "learning_rate": 1, "epsilon": 0}, "0"),
    ("layer-norm", 1, {"x": [[2, 2]], "gamma": ROW, "beta": ROW, "d_y": [[1, 1]],
                       "learning_rate": 1}, "variance 0"),
    ("rms-norm", 1, {"x": [[0, 0]], "gamma": ROW, "d_y": [[1, 1]], "learning_rate": 1},
     "mean square 0"),
    ("weight-norm", 1, {"x": [[1, 1]], "direction": [[0], [0]], "gain": [1], "bias": [0],
                        "d_y": [[1]], "learning_rate": 1}, "column of zeros"),
]


@pytest.mark.parametrize(("name", "level", "inputs", "words"), REFUSED)
def test_what_is_no_number_is_refused_in_words(name, level, inputs, words):
    with pytest.raises(DataError, match=words.replace("^", r"\^")) as error:
        exercise(name, level=level, inputs=inputs)
    assert "nan" not in str(error.value)


def test_what_varies_is_worked_out():
    made = exercise("batch-norm", inputs=BATCH_NORM | {"x": [[1, 2], [3, 4]]})
    assert made.answers()["batch_norm_1.variance"] == [["1", "1"]]


def awkward(value):
    """Variants of an input: constant, zero, negative, large, small; a constant column or row."""
    array = np.asarray(value, object)

    def full(number):
        filled = np.empty(array.shape, object)
        filled[...] = number
        return filled

    yield from map(full, (0, 1, -1, 1000, -1000, 10**9, Fraction(1, 10**9)))
    if array.ndim == 2:
        for place in ((slice(None), 0), (0,)):
            changed = array.copy()
            changed[place] = 2
            yield changed
    if array.size > 1:
        for number in (10**9, -1):
            changed = array.copy()
            changed.reshape(-1)[0] = number
            yield changed


def never_no_number(name, level, cases, seed):
    rng = random.Random(f"{name} {level} {seed}")
    found = topic(name)
    drawn = found.exercise(seed, level).inputs
    worked = 0
    tried = [{own: variant} for own in drawn for variant in awkward(drawn[own])]
    tried = rng.sample(tried, min(cases, len(tried)))
    tried += [{own: rng.choice(list(awkward(drawn[own]))) for own in drawn if rng.random() < 0.5}
              for _ in range(cases)]
    for case in tried:
        inputs = {own: np.vectorize(str, otypes=[object])(np.asarray(value, object)).tolist()
                  for own, value in (drawn | case).items()}
        try:
            made = found.exercise(0, level, inputs)
        except (DataError, ConfigurationError):
            continue
        worked += 1
        assert all(is_finite(step.value) for step in made.asked.values()), inputs
        text = json.dumps(list(made.answers().values()))
        assert "nan" not in text, inputs
        assert "inf" not in text, inputs
    assert worked


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_awkward_numbers(name):
    never_no_number(name, 3, 3, 1)


@pytest.mark.sweep
@pytest.mark.parametrize("level", [1, 2, 3])
@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_many_awkward_numbers(name, level):
    never_no_number(name, level, 30, 2)


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_a_template_is_read_as_it_was_written(name):
    made = exercise(name, seed=3, level=3)
    template = json.loads(json.dumps(made.template()))
    assert list(template["about"]) == list(topic(name).fields)
    again = exercise(name, level=3, inputs=template)
    assert again.answers() == made.answers()
    assert again.sheet()["inputs"].keys() == topic(name).fields.keys()


def test_fractions_that_no_one_reads_are_decimals():
    inputs = {"weights": [1], "gradients": [[3]], "learning_rate": "1/10", "beta": "9/10",
              "epsilon": "1/100000000", "mean_square": [0]}
    made = exercise("rmsprop", inputs=inputs)
    (new,) = made.answers()["w.value"]
    assert new == "0.683772"
    assert made.sheet()["inputs"]["epsilon"] == "1/100000000"
    assert exercise("rmsprop", inputs=made.sheet()["inputs"]).answers() == made.answers()
