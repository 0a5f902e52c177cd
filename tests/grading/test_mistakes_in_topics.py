"""Mistakes as learners make them, in every topic where they can be made, over seeds."""

import numpy as np
import pytest

from evenly.byhand.exact import float_array
from evenly.exercises import exercise
from evenly.grading import grade
from tests.grading.scenarios import Numbers, answer

B, L, R = "batch_norm_1.", "layer_norm_1.", "rms_norm_1."


def inputs(made, name):
    return float_array(np.asarray(made.inputs[name], object))


def below_keep(layer, of=None, scaled=True):
    """The mask of numbers below keep, times an array of the layer."""
    def wrong(made, v):
        numbers = v[f"dropout_{layer}.numbers"]
        rate = inputs(made, "rates")[layer - 1]
        mask = (numbers < 1 - rate) / ((1 - rate) if scaled else 1)
        return mask if of is None else mask * v[of]

    return wrong


def row_below_keep(made, v):
    return np.diag(below_keep(1)(made, v)[0])


def from_one(made, v):
    shifted = np.roll(v["y"], -1, axis=1)
    shifted[:, -1] = 0
    return shifted


def scaled(made, v):
    keep = 1 - inputs(made, "rates")[0]
    return (v["inference: relu_1.y"] * keep) @ v["dense_2.kernel.value"] + v["dense_2.bias.value"]


def old(layer, enters):
    return lambda made, v: v[enters] @ v[f"given: dense_{layer}.kernel"] \
        + v[f"given: dense_{layer}.bias"]


def adam_step(made, v):
    return v["w.weights"] - inputs(made, "learning_rate") * v["w.m"] / (
        np.sqrt(v["w.v"]) + inputs(made, "epsilon"))


def convolved(turn):
    def wrong(made, v):
        x, kernel = v["x"][0, ..., 0], turn(v["conv2d_1.kernel"][..., 0, 0])
        n = made.asked["conv2d_1.product"].value.shape[1]
        size = kernel.shape[0]
        return np.array([[(x[i : i + size, j : j + size] * kernel).sum() for j in range(n)]
                         for i in range(n)])[None, ..., None]

    return wrong


def d_x(prefix, scale, mean=True):
    def wrong(made, v):
        x_hat = v[f"forward: {prefix}x_hat"]
        part = v[f"{prefix}d_x_hat"].reshape(x_hat.shape) + x_hat * v[f"{prefix}mean_d_x_hat"]
        return (part - (v[f"{prefix}mean_d"] if mean else 0)) / v[f"{prefix}{scale}"]

    return wrong


def no_gamma(prefix):
    return lambda made, v: v["d_y"]


def blend(old_step, new, beta, square=False):
    def wrong(made, v):
        b = inputs(made, beta)
        return b * v[old_step] + (1 - b) * (v[new] ** 2 if square else v[new])

    return wrong


ROWS = [
    ("classes counted from 1", "softmax-cross-entropy", 1, "y", from_one),
    ("classes counted from 1", "softmax-cross-entropy", 3, "y", from_one),
    *(("kept what is below keep", "dropout", level, f"dropout_{k}.mask", below_keep(k))
      for level in (1, 3) for k in (1, 2)),
    *(("kept what is below keep", "dropout", 2, f"dropout_{k}.y", below_keep(k, f"relu_{k}.y"))
      for k in (1, 2)),
    ("kept what is below keep", "dropout", 1, "dropout_1.matrix_1", row_below_keep),
    *(("kept what is below keep", "dropout-classic", level, f"dropout_{k}.mask",
       below_keep(k, scaled=False)) for level in (1, 3) for k in (1, 2)),
    ("scaled at inference", "dropout", 3, "inference: dense_2.y", scaled),
    *(("old weights at inference", name, 3, "inference: dense_1.y", old(1, "x (2)"))
      for name in ("linear-net", "dropout", "dropout-classic")),
    ("old weights at inference", "linear-net", 3, "inference: dense_2.y",
     old(2, "inference: relu_1.y")),
    ("old weights at inference", "dropout", 3, "inference: dense_2.y",
     old(2, "inference: relu_1.y")),
    *(("corrected average kept", name, level, "w.m (2)", blend("w.m_hat", "w.gradient 2", "beta_1"))
      for name in ("adam", "adamw") for level in (2, 3)),
    *(("corrected average kept", name, 2, "w.v (2)",
       blend("w.v_hat", "w.gradient 2", "beta_2", True)) for name in ("adam", "adamw", "nadam")),
    ("corrected average kept", "momentum", 3, "w.velocity (2)",
     blend("w.corrected", "w.gradient 2", "beta")),
    ("bias not corrected", "adam", 1, "w.value", adam_step),
    *(("bias not corrected", name, level, "w.root", lambda made, v: np.sqrt(v["w.v"]))
      for name in ("adam", "adamw", "nadam") for level in (1, 2)),
    ("softmax over the wrong axis", "softmax", 1, "softmax_1.y",
     lambda made, v: np.exp(v["x"]) / np.exp(v["x"]).sum(axis=0)),
    ("softmax over the wrong axis", "softmax-cross-entropy", 1, "y_hat",
     lambda made, v: np.exp(v["scores"]) / np.exp(v["scores"]).sum(axis=0)),
    *(("kernel turned", "convolution", level, "conv2d_1.product", convolved(turn))
      for level in (1,) for turn in (np.transpose, np.flipud, np.fliplr)),
    ("kernel flipped", "convolution", 1, "conv2d_1.product", convolved(lambda k: k[::-1, ::-1])),
    *(("sign of x_hat reversed", name, level, f"{p}x_hat", lambda made, v, p=p: -v[f"{p}x_hat"])
      for name, p in (("batch-norm", B), ("layer-norm", L), ("rms-norm", R)) for level in (1, 3)),
    ("sign of x_hat reversed", "layer-norm", 3, L + "d_x", d_x(L, "deviation")),
    ("sign of x_hat reversed", "batch-norm", 3, B + "d_x", d_x(B, "deviation")),
    ("sign of x_hat reversed", "rms-norm", 3, R + "d_x", d_x(R, "root", False)),
    *(("gamma forgotten backward", name, 3, f"{p}d_x_hat", no_gamma(p))
      for name, p in (("batch-norm", B), ("layer-norm", L), ("rms-norm", R))),
    ("average in place of a sum", "momentum", 1, "w.velocity (2)",
     blend("w.velocity", "w.gradient 2", "beta")),
    ("average in place of a sum", "nesterov", 2, "w.velocity (2)",
     blend("w.velocity", "w.gradient 2", "beta")),
    ("loss over another count", "squared-error", 1, "loss",
     lambda made, v: (v["error"] ** 2).mean()),
    ("loss over another count", "linear-net", 1, "loss",
     lambda made, v: (v["error"] ** 2).mean() if made.asked["error"].value.shape[1] > 1 else None),
    ("sums of the columns", "softmax", 1, "softmax_1.total",
     lambda made, v: v["softmax_1.powers"].sum(axis=0)),
    *(("sign of the gradient reversed", name, 3, f"{p}d_beta",
       lambda made, v, p=p: -v[f"{p}d_beta"])
      for name, p in (("batch-norm", B), ("layer-norm", L))),
    ("target minus prediction", "softmax-cross-entropy", 1, "d_scores",
     lambda made, v: -v["d_scores"]),
]


def made_in(name, where, level, key, wrong, seeds):
    found = 0
    for seed in seeds:
        sizes = {"examples": 3, "features": 3} if name == "sums of the columns" else {}
        made = exercise(where, seed, level, **sizes)
        numbers = wrong(made, Numbers(made))
        step = made.asked[key]
        right = float_array(step.value)
        if numbers is None or np.size(numbers) != right.size:
            continue
        numbers = np.asarray(numbers, float).reshape(right.shape)
        if np.allclose(numbers, right, atol=1e-9):
            continue
        answers = made.answers() | {key: answer(numbers)}
        graded = grade(made, answers)
        if graded[key].points == graded[key].possible:
            # It is the right number, rounded.
            continue
        found += 1
        named = [mistake.name for mistake in graded[key].mistakes]
        assert name in named, (seed, named)
        for other in graded.steps:
            assert other.key == key or not other.mistakes or other.points < other.possible
    return found


IDS = [f"{row[0]} {row[1]} {row[2]} {row[3]}" for row in ROWS]


@pytest.mark.parametrize(("name", "where", "level", "key", "wrong"), ROWS, ids=IDS)
def test_a_mistake_is_named_where_it_can_be_made(name, where, level, key, wrong):
    made = made_in(name, where, level, key, wrong, range(4))
    assert made or where == "linear-net"


@pytest.mark.sweep
@pytest.mark.parametrize(("name", "where", "level", "key", "wrong"), ROWS, ids=IDS)
def test_a_mistake_is_named_over_seeds(name, where, level, key, wrong):
    made_in(name, where, level, key, wrong, range(4, 24))


def test_two_causes_are_both_said():
    made = exercise("softmax-cross-entropy", 1, 1)
    graded = grade(made, made.answers() | {"d_scores": answer(-Numbers(made)["d_scores"])})
    assert [m.name for m in graded["d_scores"].mistakes][:2] == [
        "sign of the gradient reversed", "target minus prediction"]
    told = graded["d_scores"].as_dict()
    assert [one["name"] for one in [told["mistake"], *told["others"]]] == [
        m.name for m in graded["d_scores"].mistakes]


def test_what_a_layer_does_not_have_is_not_spoken_of():
    """The backward of batch normalization knows no prediction and no target."""
    made = exercise("batch-norm", 3, 3)
    for key in (B + "d_x", B + "d_beta", B + "d_gamma"):
        for mistake in grade(made, made.answers() | {
                key: answer(-Numbers(made)[key])})[key].mistakes:
            assert "prediction" not in mistake.words + mistake.advice


@pytest.mark.parametrize(("value", "text", "name"), [
    ("p", "0.3", "rounded too far"), ("p", "0.0", None),
])
def test_what_was_rounded_too_far(value, text, name):
    made = next(m for m in (exercise("binary-cross-entropy", s, 1) for s in range(50))
                if abs(float(m.asked["p"].value[0, 0]) - 0.2689) < 0.001)
    answers = made.answers()
    answers[value][0][0] = text
    named = [m.name for m in grade(made, answers)[value].mistakes]
    assert (name in named) if name else ("rounded too far" not in named)


def test_a_small_fraction_rounded_to_nothing():
    made, key = exercise("softmax", 1, 1), "softmax_1.y"
    at = next(i for i, v in enumerate(made.asked[key].value.reshape(-1)) if float(v) < 0.05)
    answers = made.answers()
    flat = np.array(answers[key], object)
    flat.reshape(-1)[at] = "0.0"
    graded = grade(made, {**answers, key: flat.tolist()})[key]
    assert graded.points == graded.possible - 1
    assert graded.mistake.name == "rounded too far"
