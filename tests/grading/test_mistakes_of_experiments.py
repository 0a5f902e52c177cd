"""Mistakes in sheets on sizes, gates, softened targets, watched losses, chance, scales and data."""

import math

import numpy as np
import pytest

from evenly.exercises import exercise
from evenly.grading import grade
from evenly.grading.mistakes.experiments import EXPERIMENTS
from evenly.grading.mistakes.planned import PLANNED
from tests.grading.scenarios import Numbers
from tests.grading.test_mistakes_in_topics import inputs, made_in

BACK = "batch-norm-backward"


def side(padded, up=False, less=0):
    """The rows of a convolution's output, with so many times the padding."""
    def wrong(made, v):
        window, stride, padding, _ = v["conv_1"]
        places = (v["image"][0] + padded * padding - window) / stride
        return (math.ceil(places) if up else math.floor(places)) + 1 - less

    return wrong


def parameters(channels, biases):
    def wrong(made, v):
        window, _, _, filters = v["conv_1"]
        return window * window * (v["image"][2] if channels else 1) * filters + biases * filters

    return wrong


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def mixed(name):
    def wrong(made, v):
        share, shift = float(made.solution.setting["mix"]), int(inputs(made, "shift"))
        other = np.roll(v[name], -(1 + shift), axis=0)
        return np.round((1 - share) * v[name] + share * other, 12)

    return wrong


def swapped_weights(made, v):
    share = float(inputs(made, "share"))
    return share * v["weight"] + (1 - share) * v["w.value (2)"]


def smoothed(right, wrong):
    def made_of(made, v):
        e, classes = float(inputs(made, "smoothing")), v["y"].shape[1]
        return np.where(v["y"] == 1, right(e, classes), wrong(e, classes))

    return made_of


def watched(made, v):
    return np.minimum.accumulate(v["losses"])


def cut_at_patience(made, v):
    rate, factor = float(inputs(made, "learning_rate")), float(inputs(made, "factor"))
    least, patience = float(inputs(made, "min_delta")), int(inputs(made, "patience"))
    if patience == 0:
        return None
    best, count, rates = np.inf, 0, []
    for loss in v["losses"]:
        better = loss < best - (least if np.isfinite(best) else 0)
        best, count = (loss, 0) if better else (best, count + 1)
        if count >= patience:
            rate, count = rate * factor, 0
        rates.append(rate)
    return rates


def cost_of_other(made, v):
    z, target = v["small.z"], 1 - v["target"]
    return np.log1p(np.exp(-abs(z))) + np.maximum(z, 0) - z * target


# name, exercise, level, step, what is written
ROWS = [
    ("padding counted once", "output-size", 1, "conv_1.rows", side(1)),
    ("padding not counted", "output-size", 1, "conv_1.rows", side(0)),
    ("first position not counted", "output-size", 1, "conv_1.rows", side(2, less=1)),
    ("first position not counted", "output-size", 3, "pool_1.columns",
     lambda made, v: v["pool_1.columns"] - 1),
    ("padding counted once", "output-size", 3, "conv_2.columns", lambda made, v: math.floor(
        (v["pool_1.columns"] + v["conv_2"][2] - v["conv_2"][0]) / v["conv_2"][1]) + 1),
    ("positions rounded up", "output-size", 1, "conv_1.rows", side(2, up=True)),
    ("biases not counted", "output-size", 1, "conv_1.parameters", parameters(True, 0)),
    ("channels not counted", "output-size", 1, "conv_1.parameters", parameters(False, 1)),
    *(("gate not squashed", name, 1, "gate", lambda made, v: v["s"]) for name in ("glu", "swiglu")),
    ("sigmoid for SiLU", "swiglu", 1, "gate", lambda made, v: sigmoid(v["s"])),
    *(("gate added", name, 1, "y", lambda made, v: v["value"] + v["gate"])
      for name in ("glu", "swiglu")),
    ("input scales not used", "batch-ensemble", 1, "product", lambda made, v: np.tile(
        v["x"] @ v["kernel"], (len(v["input_scale"]), 1))),
    ("bias scaled", "batch-ensemble", 2, "y",
     lambda made, v: v["output_scale"] * (v["product"] + v["bias"])),
    ("loss of the mean", "batch-ensemble", 2, "loss",
     lambda made, v: ((v["mean"] - v["target"]) ** 2).mean()),
    ("members not in the mean", "batch-ensemble", 3, "d_y", lambda made, v: v["d_y"] * len(v["y"])),
    ("kernel's gradient from the example", "batch-ensemble", 3, "d_kernel",
     lambda made, v: np.outer(v["x"], v["d_product"].sum(axis=0))),
    ("shares of the mix swapped", "mixup", 1, "x.mixed", mixed("x")),
    ("shares of the mix swapped", "mixup", 2, "y.mixed", mixed("y")),
    ("shares of the mix swapped", "cutmix", 2, "y.mixed", mixed("y")),
    *(("shares of the two weights swapped", "lookahead", level, "w.average", swapped_weights)
      for level in (1, 2, 3)),
    ("smoothing over the wrong classes alone", "label-smoothing", 1, "smoothed",
     smoothed(lambda e, n: 1 - e, lambda e, n: e / (n - 1))),
    ("share of the right class forgotten", "label-smoothing", 1, "smoothed",
     smoothed(lambda e, n: 1 - e, lambda e, n: e / n)),
    *(("small improvements counted", name, 2, "best", watched)
      for name in ("early-stopping", "plateau")),
    ("an epoch too long", "early-stopping", 1, "end", lambda made, v: v["end"] + 1),
    ("last weights for the best", "early-stopping", 3, "restored", lambda made, v: v["end"]),
    ("rate cut at the patience", "plateau", 1, "rates", cut_at_patience),
    ("rate cut at the patience", "plateau", 2, "rates", cut_at_patience),
    ("column not divided by its length", "orthogonal", 1, "column_1",
     lambda made, v: v["numbers"][:, 0]),
    ("column not divided by its length", "orthogonal", 3, "column_3",
     lambda made, v: v["left_3"]),
    ("column not cleared", "orthogonal", 1, "left_2", lambda made, v: v["numbers"][:, 1]),
    ("column cleared of the first alone", "orthogonal", 3, "left_3",
     lambda made, v: v["numbers"][:, 2] - v["share_1_3"] * v["column_1"]),
    ("gain not squared", "orthogonal", 2, "products",
     lambda made, v: v["gain"] * np.eye(len(v["products"]))),
    *(("scaled by the variance", "lsuv", level, f"dense_{k}.scaled",
       lambda made, v, k=k: v[f"kernel_{k}"] / v[f"dense_{k}.variance"])
      for level, k in ((1, 1), (3, 2))),
    ("scaled the wrong way round", "lsuv", 1, "dense_1.scaled",
     lambda made, v: v["kernel_1"] * v["dense_1.deviation"]),
    ("roots upside down", "adadelta", 1, "w.change",
     lambda made, v: v["w.root"] / v["w.above"] * inputs(made, "gradients")[0]),
    ("change not squared", "adadelta", 1, "w.d", lambda made, v: float(inputs(made, "beta"))
     * inputs(made, "mean_change") + (1 - float(inputs(made, "beta"))) * v["w.change"]),
    ("factor r forgotten", "radam", 2, "w.share", lambda made, v: v["w.share"] / v["w.r"]),
    ("drop for keep probability", "dropout-expectation", 1, "keep", lambda made, v: v["p"]),
    ("drop for keep probability", "dropout-expectation", 1, "kept",
     lambda made, v: v["units"] * v["p"]),
    ("drop for keep probability", "dropout-expectation", 2, "factor", lambda made, v: 1 / v["p"]),
    ("scaled by keep in training", "dropout-expectation", 2, "factor", lambda made, v: v["keep"]),
    *(("variance of one for that of the mean", "batch-statistics", 1, f"{which}.of_mean",
       lambda made, v: v["variance"]) for which in ("small", "large")),
    ("deviation over n", "batch-statistics", 1, "small.error",
     lambda made, v: np.sqrt(v["variance"]) / v["small"]),
    ("n / (n - 1) turned round", "batch-statistics", 3, "large.within",
     lambda made, v: v["variance"] * v["large"] / (v["large"] - 1)),
    ("divided by the batch, not by its root", "gradient-spread", 2, "spread",
     lambda made, v: v["deviation"] / v["batch"]),
    ("window of 1 / beta", "averaging-window", 1, "window", lambda made, v: 1 / v["beta"]),
    ("share of the new value forgotten", "averaging-window", 1, "weights",
     lambda made, v: v["beta"] ** np.arange(len(v["weights"]))),
    *(("number of inputs forgotten", "variance-through-layers", level, f"layer_{k}.factor",
       lambda made, v, k=k: v["weights"][k - 1]) for level, k in ((1, 1), (3, 3))),
    ("half of the ReLU forgotten", "variance-through-layers", 2, "layer_2.square",
     lambda made, v: v["layer_2.variance"]),
    *(("multiplied by the layers", "matrix-chains", 1, f"{way}.product",
       lambda made, v, way=way: v["layers"] * v[f"{way}.kernel"]) for way in ("above", "below")),
    ("cost of the other class", "large-weights", 1, "small.cost", cost_of_other),
    ("smallest not subtracted", "min-max-scaling", 1, "train.scaled",
     lambda made, v: v["train.x"] / v["train.range"]),
    ("divided by the largest", "min-max-scaling", 2, "test.scaled",
     lambda made, v: (v["test.x"] - v["train.low"]) / v["train.high"]),
    ("measured in the new deviation", "covariate-shift", 1, "moved",
     lambda made, v: (v["new.mean"] - v["train.mean"]) / v["new.deviation"]),
    ("rate of the flat direction", "scaled-descent", 1, "raw.rate",
     lambda made, v: 1 / v["raw.curvature"].min()),
    ("strength halved", "l2-conventions", 1, "strength", lambda made, v: v["lambda"] / v["m"] / 2),
    ("divided by one epsilon", "gradient-checking", 1, "both",
     lambda made, v: (v["raised"] - v["lowered"]) / v["epsilon"]),
    ("divided by two epsilons", "gradient-checking", 2, "ahead",
     lambda made, v: (v["raised"] - v["here"]) / (2 * v["epsilon"])),
    ("straight way alone", BACK, 1, "norm.d_x", lambda made, v: v["norm.straight"]),
    ("way through the mean forgotten", BACK, 1, "norm.d_x", lambda made, v: v["norm.straight"]
     + v["norm.d_variance"] * 2 * v["norm.centred"] / len(v["norm.centred"])),
    ("way through the variance forgotten", BACK, 1, "norm.d_x", lambda made, v:
     v["norm.straight"] + v["norm.d_mean"] / len(v["norm.centred"])),
    ("half of the root forgotten", BACK, 1, "norm.d_variance",
     lambda made, v: -v["norm.share"] / v["norm.deviation"] ** 3),
    ("hidden units not counted", "equal-weights", 2, "net.z",
     lambda made, v: float(inputs(made, "last")) * v["net.h"]),
]
IDS = [f"{row[0]} {row[1]} {row[2]} {row[3]}" for row in ROWS]


@pytest.mark.parametrize(("name", "where", "level", "key", "wrong"), ROWS, ids=IDS)
def test_a_mistake_is_named_where_it_can_be_made(name, where, level, key, wrong):
    assert any(made_in(name, where, level, key, wrong, [seed]) for seed in range(6))


@pytest.mark.sweep
@pytest.mark.parametrize(("name", "where", "level", "key", "wrong"), ROWS, ids=IDS)
def test_a_mistake_is_named_over_seeds(name, where, level, key, wrong):
    made_in(name, where, level, key, wrong, range(24))


def test_every_mistake_of_these_sheets_has_a_row():
    assert {row[0] for row in ROWS} == {one.name for one in (*PLANNED, *EXPERIMENTS)}


@pytest.mark.parametrize("name", ["covariate-shift", "batch-statistics", "equal-weights"])
def test_a_mistake_of_one_sheet_is_not_spoken_of_on_another(name):
    """The titles of these steps are on other sheets too."""
    made = exercise(name, 2, 1)
    own = {row[0] for row in ROWS if row[1] != name} - {row[0] for row in ROWS if row[1] == name}
    for key in made.asked:
        for factor in (2, 0.5):
            wrong = np.asarray(Numbers(made)[key], float) * factor
            answers = made.answers() | {key: wrong.tolist()}
            assert not own & {m.name for m in grade(made, answers)[key].mistakes}
