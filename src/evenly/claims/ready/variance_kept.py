"""The variance of first weights in deep networks."""

from __future__ import annotations

from math import log
from typing import Any

import numpy as np

import evenly as ev

from ..data import split
from ..parts import Part, less, more, same
from ..pictures import Picture
from ..study import Case, Study
from ..training import Times, by_step, engine_of, guessed, spreads

WIDTH = 32
STEPS, RATES = 150, (0.01, 0.1)
ACTIVATIONS = {"tanh": ev.Tanh(), "relu": ev.ReLU()}
# 1/n is LeCun's, and Xavier's between layers of one width; 2/n is He's.
RULES = {"tanh": ev.LeCunNormal(), "relu": ev.HeNormal()}
# Orthogonal weights have the deviation of the rule; LSUV begins with them.
GAINS = {"tanh": 1.0, "relu": 2.0**0.5}
VARIANCES = {"the rule's": 1.0, "half": 0.5, "double": 2.0}
# Through thirty layers a factor of 1.08 in each: a tenth or ten times as much still trains.
KEPT = log(10.0)
DEEP = 30
# float32 holds no less than this with all its digits.
SMALLEST = 1e-38


def measure(case: Case) -> dict[str, Any]:
    """The spread of activations and gradients before training, and the best of two trainings."""
    data = split(case["data"], case)
    act, weights = case["activation"], case["weights"]
    if weights in VARIANCES:
        kernel: Any = Times(RULES[act], VARIANCES[weights] ** 0.5)
    else:
        kernel = ev.Orthogonal(GAINS[act])
    layers = [layer for _ in range(case["depth"])
              for layer in (ev.Dense(WIDTH, kernel_init=kernel), ACTIVATIONS[act])]
    net = ev.Sequential([*layers, ev.Dense(data.classes)])
    first = None
    if weights == "LSUV":
        first = ev.lsuv(ev.init(net, data.x.shape[1:], case.seed), data.x[:200]).weights
    rows = min(64, len(data.x))
    engine = engine_of(net, data, rows, case.seed, first=first)
    outputs, gradients = (np.maximum(values[: case["depth"]], SMALLEST)
                          for values in spreads(engine, data.x[:rows], data.y[:rows]))
    tried = [by_step(case, net, data, steps=STEPS, rate=rate, batch=32, first=first)
             for rate in RATES]
    return {
        "activations": outputs, "gradients": gradients,
        "activation": outputs[-1] / outputs[0], "gradient": gradients[0] / gradients[-1],
        "learned": max(learned(one.losses, guessed(data)[1]) for one in tried),
    }


def learned(losses: list[float], guess: float) -> float:
    """The share of a guess's loss that is gone in the last steps; 0 where more is left."""
    return 1.0 - min(1.0, float(np.mean(losses[-STEPS // 5 :])) / guess)


def kept(activation: str, measure: str, words: str) -> Part:
    """The rule's variance keeps it."""
    at = {"weights": "the rule's", "activation": activation, "depth": DEEP}
    rule = {"tanh": "1/n", "relu": "2/n"}[activation]
    return Part(f"{activation}, variance {rule}: {words}",
                lambda block: log(block(measure, **at)), "same", margin=KEPT, ratio=True,
                name=f"{activation} {measure}")


SEEN = ("Through thirty layers the rule's variance makes activations {tanh activation} with tanh "
        "and {relu activation} with ReLU, gradients {tanh gradient} and {relu gradient}")

STUDY = Study(
    name="variance-kept",
    claim="First weights of variance 1/n (tanh) and 2/n (ReLU) keep the spread of activations and "
          "gradients through a deep network; with half it vanishes, with twice it explodes.",
    source="Glorot and Bengio 2010, Understanding the difficulty of training deep feedforward "
           "neural networks, section 4.2; He, Zhang, Ren and Sun 2015, Delving deep into "
           "rectifiers, section 2.2",
    factors={
        "data": ("digits",),
        "activation": ("tanh", "relu"),
        "depth": (2, DEEP),
        "weights": ("the rule's", "half", "double"),
    },
    long_factors={"depth": (2, 10, DEEP, 50),
                  "weights": ("the rule's", "half", "double", "orthogonal", "LSUV")},
    long_blocks=10,
    technique=("weights",),
    measure=measure,
    parts=(
        kept("tanh", "activation", "activations of the last of 30 layers over the first's"),
        kept("tanh", "gradient", "gradients of the first of 30 layers over the last's"),
        kept("relu", "activation", "activations of the last of 30 layers over the first's"),
        kept("relu", "gradient", "gradients of the first of 30 layers over the last's"),
        less("activation", {"weights": "half"}, than={"weights": "the rule's"},
             at={"depth": DEEP}, ratio=True, least=KEPT, every=("activation",), name="vanish",
             words="activations, last of 30 layers over first, half against the rule's"),
        more("gradient", {"weights": "double"}, than={"weights": "the rule's"},
             at={"depth": DEEP}, ratio=True, least=KEPT, every=("activation",), name="explode",
             words="gradients, first of 30 layers over last, double against the rule's"),
        more("learned", {"weights": "the rule's"}, than={"weights": "half"}, at={"depth": DEEP},
             least=0.05, unit="points", factor=100, digits=1, every=("activation", "data"),
             words="loss learned by 30 layers, the rule's against half", name="trains"),
        more("learned", {"weights": "the rule's"}, than={"weights": "double"},
             at={"depth": DEEP, "activation": "relu"}, unit="points", factor=100, digits=1,
             words="ReLU: loss learned by 30 layers, the rule's against double", counts=False),
        same("learned", {"weights": "the rule's"}, than={"weights": "double"}, margin=0.05,
             at={"depth": DEEP, "activation": "tanh"}, unit="points", factor=100, digits=1,
             words="tanh: loss learned by 30 layers, the rule's against double", counts=False),
    ),
    about="Networks of 2 and of 30 layers of 32 units, to 50 in the long form, start with normal "
          "weights of the rule's variance, of half and of twice that; in the long form with "
          "orthogonal weights and with LSUV too. Before training the root mean squares of each "
          "layer's outputs and of each example's gradient on them are taken on 64 digits. Kept "
          "means within a factor of ten through thirty layers. Then 150 steps of plain descent in "
          "batches of 32 follow, at the rates 0.01 and 0.1; the better one counts, by the share of "
          "a guess's training loss that is gone. A training that breaks counts as a guess.",
    says={
        "holds": SEEN + ", where half the variance leaves {vanish} of the activations and double "
                 "makes {explode} of the gradients; the rule learns {trains} more of the loss than "
                 "half.",
        "fails": SEEN + "; against half the variance it learns {trains}: not all of it as "
                 "claimed.",
        "cannot tell": SEEN + "; against half the variance it learns {trains}; not all of the "
                       "claim is sure.",
    },
    pictures=(
        Picture("Activations by layer before training", "activations", over="layer", by="weights",
                panels="activation", at={"depth": DEEP}, log="y",
                about="Tanh holds large activations back, so that twice the variance shows in the "
                "gradients alone."),
        Picture("Gradients by layer before training", "gradients", over="layer", by="weights",
                panels="activation", at={"depth": DEEP}, log="y"),
        Picture("Share of a guess's loss learned in 150 steps", "learned", over="depth",
                by="weights", panels="activation"),
    ),
    exercises=("xavier", "he", "vanishing-gradients", "exploding-gradients",
               "variance-through-layers", "tanh-fan-in"),
    layers=("Dense", "LeCunNormal", "XavierNormal", "HeNormal", "Orthogonal", "lsuv"),
    seconds=7.0,
)
