"""What follows from a learner's own numbers, also where these take another branch.

The witness is the same exercise with another input: a learner who misread one goes on from it. What
he computes from the misread numbers directly is wrong; all that comes behind follows.
"""

import numpy as np
import pytest

from evenly.byhand.exact import Exact
from evenly.byhand.expressions import places
from evenly.exercises import exercise
from evenly.grading import grade

# Topic, level, the input that is misread, and how.
MISREAD = [
    *((name, 3, "bias", change) for change in (7, -7) for name in (
        "relu", "leaky-relu", "prelu", "hard-sigmoid", "hard-swish", "softsign")),
    *((name, 3, "bias", change) for change in (2, -2) for name in (
        "elu", "selu", "softplus", "silu", "mish", "gelu", "gelu-tanh", "tanh", "sigmoid")),
    *((name, 3, "target", change) for change in (4, -4) for name in
      ("squared-error", "absolute-error", "huber")),
    *(("max-norm", 3, "gradient", change) for change in (9, -9)),
    *(("gradient-clipping", 3, "kernel_gradient", change) for change in (9, -9)),
    *(("gradient-clipping", 1, "kernel_gradient", change) for change in (9, -9)),
    *(("batch-norm", 3, "bias", change) for change in (3, -3)),
    *(("linear-net", 2, "x", change) for change in (2, -2)),
]


def misread(name, level, which, change, seed):
    """(the exercise, the answers of one who misread it, the steps he could get right)."""
    made = exercise(name, seed, level)
    inputs = {key: np.asarray(value, object) for key, value in made.inputs.items()}
    inputs[which] = inputs[which] + change
    other = made.topic.exercise(level=level, inputs={k: v.tolist() for k, v in inputs.items()})
    right = [Exact(v) for v in np.asarray(made.inputs[which], object).reshape(-1)]
    given = {s.number for s in made.solution.work.steps if s.origin is None
             and s.value.reshape(-1).tolist() == right}
    fair = [key for key, step in made.asked.items()
            if not any(p.step in given for i in range(step.value.size)
                       for p in places(step.expression(i)))]
    return made, other.answers(), fair


def verdicts(graded, keys):
    return {v for key in keys for v in np.ravel(graded[key].verdicts)}


def judged(name, level, which, change, seeds):
    followed = 0
    for seed in seeds:
        made, answers, fair = misread(name, level, which, change, seed)
        graded = grade(made, answers)
        assert verdicts(graded, fair) <= {"right", "follows"}, seed
        followed += graded.followed
    assert followed


@pytest.mark.parametrize(("name", "level", "which", "change"), MISREAD)
def test_what_comes_behind_a_misread_number_follows(name, level, which, change):
    judged(name, level, which, change, range(3))


@pytest.mark.sweep
@pytest.mark.parametrize(("name", "level", "which", "change"), MISREAD)
def test_what_comes_behind_a_misread_number_follows_over_seeds(name, level, which, change):
    judged(name, level, which, change, range(3, 13))


@pytest.mark.parametrize("seed", range(5))
def test_the_gradient_goes_where_the_learners_own_largest_number_stood(seed):
    made = exercise("max-pooling", seed, 3)
    x = np.asarray(made.inputs["x"], object)
    y, d_x = (np.array(a, object) for a in made.answers().values())
    window, d_y = x[:2, :2].reshape(-1), made.inputs["d_y"]
    smallest = int(np.argmin(window.astype(float)))
    y[0, 0, 0, 0] = str(window[smallest])
    d_x[0, :2, :2] = "0"
    d_x[0, smallest // 2, smallest % 2] = str(np.asarray(d_y, object)[0, 0])
    graded = grade(made, {"max_pool2d_1.y": y.tolist(), "max_pool2d_1.d_x": d_x.tolist()})
    assert graded["max_pool2d_1.y"].points == 3
    assert graded["max_pool2d_1.d_x"].points == graded["max_pool2d_1.d_x"].possible
    assert graded["max_pool2d_1.d_x"].followed


@pytest.mark.parametrize(("name", "layer"), [("prelu", "prelu_1"), ("elu", "elu_1"),
                                             ("leaky-relu", "leaky_relu_1"), ("relu", "relu_1"),
                                             ("selu", "selu_1")])
def test_a_wrong_sign_takes_the_other_side(name, layer):
    """By hand: a number below 0 that is taken for 5 stays 5."""
    made = exercise(name, 3, 3)
    x = made.asked["dense_1.y"].value
    row, column = next(zip(*np.where(x.astype(float) < 0), strict=True))
    answers = made.answers()
    answers["dense_1.y"][row][column] = "5"
    last = "selu_1.elu" if name == "selu" else f"{layer}.y"
    answers[last][row][column] = "5"
    if f"{layer}.y" != last:
        answers[f"{layer}.y"][row][column] = f"{5 * 1.0507009873554805:.6f}"
    graded = grade(made, answers)
    assert graded[last].verdicts[row][column] == "follows"
    assert graded[f"{layer}.y"].verdicts[row][column] == "follows"


def test_a_wrong_error_takes_the_other_side():
    made = exercise("huber", 3, 1)
    delta = float(np.asarray(made.inputs["delta"], object)[()])
    error = made.asked["error"].value
    inside = next(zip(*np.where(abs(error.astype(float)) <= delta), strict=True))
    answers, mine = made.answers(), Exact(50)
    for key, value in (("error", mine), ("elements", delta * (mine - Exact(delta) / 2))):
        answers[key][inside[0]][inside[1]] = repr(Exact(value))
    graded = grade(made, answers)
    assert graded["elements"].verdicts[inside[0]][inside[1]] == "follows"


def test_numbers_that_lead_nowhere_stop_nothing():
    """A variance below 0 has no root: what comes behind is judged by the right numbers."""
    made = exercise("batch-norm", 3, 3)
    answers = made.answers()
    answers["batch_norm_1.variance"] = [["-100"] * 3]
    graded = grade(made, answers)
    assert graded["batch_norm_1.variance"].points == 0
    assert graded.points == graded.possible - 3
