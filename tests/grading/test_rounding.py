"""What a key prints is right, in every form; and so is what follows the sheet's rounding."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenly.byhand.exact import Exact
from evenly.byhand.notation import Notation, rounded
from evenly.byhand.render.latex import LaTeX
from evenly.byhand.render.mathml import MathML
from evenly.byhand.render.terminal import Marked
from evenly.exercises import CATALOGUE, exercise
from evenly.exercises.base import written
from evenly.grading import grade
from evenly.grading.answers import agrees, read_answer
from tests.seeds import many

TAGS = re.compile(r"<[^>]*>")
PLAIN, MARKED, MATH, TEX = Notation(), Marked(4), MathML(4), LaTeX(4)


def of_math(markup):
    """MathML as one types what one sees."""
    markup = re.sub(r"<msqrt>(.*?)</msqrt>", r"sqrt(\1)", markup)
    markup = re.sub(r"<mfrac>\s*((?:<mrow>.*?</mrow>)|(?:<m[nio]>.*?</m[nio]>)|(?:sqrt\(.*?\)))"
                    r"(.*?)</mfrac>", r"(\1)/(\2)", markup)
    markup = re.sub(r"<msup>(<mn>10</mn>)(.*?)</msup>", r"10^(\2)", markup)
    return TAGS.sub("", markup)


def forms(number):
    """The number in every form in which a key prints it: text, page, JSON."""
    yield PLAIN.number(number)
    yield str(written(np.asarray(number, object)))
    yield of_math(MATH.number(number))
    for notation in (PLAIN, MARKED):
        near = notation.approximate(number)
        if near is not None:
            yield f"{notation.number(number)} {notation.about} {near}"
            yield near


def finite(step):
    return [v for v in step.value.reshape(-1) if np.isfinite(float(v))]


def judge_the_key(name, level, seed):
    made = exercise(name, seed, level)
    for key, step in made.asked.items():
        for number in finite(step):
            for form in forms(number):
                assert agrees(read_answer(form), number), (name, level, seed, key, form, number)
    graded = grade(made, made.answers())
    assert all(s.points == s.possible - np.sum(~np.isfinite(made.asked[s.key].value.astype(float)))
               for s in graded.steps)


def attentive(made):
    """Answers of one who works with the numbers that he has written: four digits behind the point
    wherever a number is no whole number and no fraction."""
    from evenly.grading.own import Own

    answers, written_down = {}, {}
    for key, step in made.asked.items():
        own = Own(made.solution.work, written_down).following(step).reshape(-1)
        texts = [str(v) if v.fraction is not None else f"{float(v):.4f}" for v in own]
        answers[key] = np.array(texts, object).reshape(step.value.shape).tolist()
        written_down[step.number] = {i: read_answer(t) for i, t in enumerate(texts)
                                     if "nan" not in t and "inf" not in t}
    return answers


def judge_the_attentive(name, level, seed):
    made = exercise(name, seed, level)
    numbers = [v for s in made.asked.values() for v in s.value.reshape(-1)]
    if not all(np.isfinite(float(v)) for v in numbers):
        return
    graded = grade(made, attentive(made))
    wrong = {s.key: s.verdicts for s in graded.steps if s.count("right") < s.possible}
    assert not wrong, (name, level, seed, wrong)


@pytest.mark.parametrize("name", CATALOGUE)
@pytest.mark.parametrize("level", [1, 2, 3])
def test_what_a_key_prints_and_what_follows_the_sheet_is_right(name, level):
    judge_the_key(name, level, level)
    judge_the_attentive(name, level, level)


@pytest.mark.sweep
@pytest.mark.parametrize("name", CATALOGUE)
@pytest.mark.parametrize("level", [1, 2, 3])
def test_what_a_key_prints_and_what_follows_the_sheet_is_right_over_seeds(name, level):
    for seed in many(100):
        judge_the_key(name, level, seed)
        judge_the_attentive(name, level, seed)


def test_the_probability_that_the_key_prints():
    made = exercise("binary-cross-entropy", 3, 3)
    answers = made.answers()
    small = [(key, i, v) for key, step in made.asked.items()
             for i, v in enumerate(step.value.reshape(-1)) if 0 < abs(float(v)) < 0.001]
    for key, i, value in small:
        flat = np.array(answers[key], object)
        flat.reshape(-1)[i] = rounded(float(value), 4)
        assert grade(made, {**answers, key: flat.tolist()})[key].points == flat.size


@given(st.floats(1e-8, 1e8) | st.floats(-1e8, -1e-8))
def test_any_number_that_is_printed_is_right(value):
    number = Exact.inexact(value)
    for form in forms(number):
        assert agrees(read_answer(form), number), form
    if abs(value) >= 1e-3:
        assert not agrees(read_answer(f"{value * 1.01:.8f}"), number)
