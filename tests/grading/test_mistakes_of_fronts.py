"""Mistakes in sheets on layers in front of a network."""

import numpy as np
import pytest

from evenly.grading.mistakes.fronts import FRONTS
from tests.grading.test_mistakes_in_topics import inputs, made_in


def given(made, name):
    return np.asarray(inputs(made, name), float)


def along(made):
    return given(made, "slope") * (given(made, "x")[:, None] - given(made, "edge"))


def turns(made, v):
    return given(made, "x")[:, None] * given(made, "frequency") + given(made, "phase")


SCALE, PARAMETRIC, PIECES, WAVES = "scale_1", "parametric_1", "piecewise_linear_1", "periodic_1"
# name, exercise, level, step, what is written
ROWS = [
    ("factor added", "scale", 1, f"{SCALE}.y", lambda m, v: given(m, "x") + given(m, "factor")),
    ("factor of the row", "scale", 1, f"{SCALE}.y",
     lambda m, v: given(m, "x") * given(m, "factor")[:, None]),
    ("input forgotten in a factor's gradient", "scale", 2, f"{SCALE}.share",
     lambda m, v: given(m, "d_y")),
    ("input forgotten in a factor's gradient", "scale", 2, f"{SCALE}.d_factor",
     lambda m, v: given(m, "d_y").sum(axis=0)),
    ("factor forgotten backward", "scale", 2, f"{SCALE}.d_x", lambda m, v: given(m, "d_y")),
    ("factor forgotten backward", "scale", 3, f"{SCALE}.d_x", lambda m, v: v["dense_1.d_x"]),
    ("shares swapped", "parametric", 1, f"{PARAMETRIC}.y", lambda m, v: given(m, "share")
     * given(m, "x") + (1 - given(m, "share")) * np.maximum(given(m, "x"), 0)),
    ("x left out", "parametric", 1, f"{PARAMETRIC}.y",
     lambda m, v: given(m, "share") * np.maximum(given(m, "x"), 0)),
    ("x left out of the share's gradient", "parametric", 2, f"{PARAMETRIC}.d_share",
     lambda m, v: (given(m, "d_y") * np.maximum(given(m, "x"), 0)).sum(axis=0)),
    ("difference turned round", "parametric", 3, f"{PARAMETRIC}.d_share",
     lambda m, v: -v[f"{PARAMETRIC}.d_share"]),
    ("way of x forgotten", "parametric", 2, f"{PARAMETRIC}.d_x",
     lambda m, v: given(m, "share") * given(m, "d_y") * (given(m, "x") > 0)),
    ("width for slope", "piecewise-linear", 1, f"{PIECES}.z",
     lambda m, v: along(m) / given(m, "slope") ** 2),
    ("not cut off at 0 and 1", "piecewise-linear", 1, f"{PIECES}.y",
     lambda m, v: along(m).reshape(len(along(m)), -1)),
    ("outermost bins cut off too", "piecewise-linear", 1, f"{PIECES}.y",
     lambda m, v: along(m).clip(0, 1).reshape(len(along(m)), -1)),
    ("gradient through every bin", "piecewise-linear", 2, f"{PIECES}.share",
     lambda m, v: given(m, "d_y").reshape(along(m).shape) * given(m, "slope")),
    ("2 pi forgotten", "periodic", 1, f"{WAVES}.angle", turns),
    ("2 pi forgotten", "periodic", 2, f"{WAVES}.d_frequency",
     lambda m, v: v[f"{WAVES}.d_frequency"] / (2 * np.pi)),
    ("sine for cosine", "periodic", 1, f"{WAVES}.wave", lambda m, v: np.sin(v[f"{WAVES}.angle"])),
    ("angle in degrees", "periodic", 1, f"{WAVES}.wave",
     lambda m, v: np.cos(np.radians(v[f"{WAVES}.angle"]))),
    ("sign of the cosine's slope", "periodic", 2, f"{WAVES}.d_angle",
     lambda m, v: -v[f"{WAVES}.d_angle"]),
    ("one use of x forgotten", "periodic", 2, f"{WAVES}.d_x",
     lambda m, v: given(m, "d_y")[:, : given(m, "x").shape[1]]),
    ("one use of x forgotten", "periodic", 2, f"{WAVES}.d_x",
     lambda m, v: v[f"{WAVES}.d_x"] - given(m, "d_y")[:, : given(m, "x").shape[1]]),
]
IDS = [f"{row[0]} {row[2]} {row[3]} {i}" for i, row in enumerate(ROWS)]


@pytest.mark.parametrize(("name", "where", "level", "key", "wrong"), ROWS, ids=IDS)
def test_a_mistake_is_named_where_it_can_be_made(name, where, level, key, wrong):
    assert made_in(name, where, level, key, wrong, range(3))


@pytest.mark.sweep
@pytest.mark.parametrize(("name", "where", "level", "key", "wrong"), ROWS, ids=IDS)
def test_a_mistake_is_named_over_seeds(name, where, level, key, wrong):
    made_in(name, where, level, key, wrong, range(3, 15))


def test_every_mistake_of_these_sheets_has_a_row():
    assert {row[0] for row in ROWS} == {one.name for one in FRONTS}
