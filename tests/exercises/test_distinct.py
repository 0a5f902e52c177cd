"""Sheets of a class differ: not one has the answers of another, and hardly a step is the same."""

import json

import pytest

from evenly.cli.sheets import different
from evenly.exercises import CATALOGUE, topic

# Steps that must be the same on all sheets: what they are is the lesson.
SAME = {
    ("zero-initialization", 1): 7, ("zero-initialization", 2): 3,
    # Every sigmoid meets 0: its output is 1/2, its slope 1/4.
    **{(f"{kind}-gradients", level): 12 for kind in ("vanishing", "exploding")
       for level in (2, 3)},
    # How many there are is the size of the exercise.
    ("mini-batches", 3): 1,
    # The identity, in inference.
    ("dropout", 3): 2, ("dropout-classic", 3): 2,
    # 1 / sqrt(n): n is the size.
    **{("tanh-fan-in", level): 1 for level in (1, 2, 3)},
    # Scaled features make the bowl round.
    ("scaled-descent", 2): 5, ("scaled-descent", 3): 7,
    # A bias in front of batch normalization has no gradient.
    ("batch-norm-backward", 3): 1,
    # From zero nothing but the last bias moves.
    ("equal-weights", 1): 7,
}


def thirty(name, level, seed):
    return different(lambda number: topic(name).exercise(number, level), seed, 30)


def check(name, level, seed):
    made = thirty(name, level, seed)
    steps = [own.answers() for own in made]
    assert len({json.dumps(own) for own in steps}) == 30
    # Hardly a seed is passed over.
    assert made[-1].seed - seed <= 31
    same = [key for key in steps[0] if len({json.dumps(own.get(key)) for own in steps}) == 1]
    assert len(same) == SAME.get((name, level), 0), same


@pytest.mark.parametrize("name", sorted(CATALOGUE)[::3])
def test_thirty_sheets_have_thirty_answers(name):
    check(name, 1, 1)


@pytest.mark.sweep
@pytest.mark.parametrize("level", [1, 2, 3])
@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_thirty_sheets_have_thirty_answers_at_every_level(name, level):
    check(name, level, 1000)


def deviations(name, step):
    written = (json.dumps(own.answers()[step]).split('"') for own in thirty(name, 1, 1))
    return {text for texts in written for text in texts if text[:1].isdigit()}


@pytest.mark.parametrize(("name", "step"), [
    ("batch-norm", "batch_norm_1.deviation"), ("input-normalization", "train.deviation"),
    ("weight-norm", "weight_norm_1.length")])
def test_deviations_and_lengths_differ(name, step):
    found = deviations(name, step)
    assert len(found) >= 3
    assert all(text.isdecimal() for text in found)
