"""Clipped gradients and recurrent networks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

import evenly as ev

from ..data import Data, split
from ..parts import Part, more
from ..pictures import Picture
from ..study import Case, Study
from ..training import by_step, guessed

RATES = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
# Of a training, in the tour and in the long form.
STEPS = {False: 300, True: 900}
UNITS = 16
NETWORKS = {
    # ReLU with the identity (Le, Jaitly and Hinton 2015): nothing holds the state back.
    "recurrent relu": ev.RNN(UNITS, activation="relu", recurrent_init=ev.Identity()),
    "recurrent tanh": ev.RNN(UNITS),
}
# Rows held out: few beside the training part, so that blocks overlap little in what they test on.
TEST = {"digits": 200}
CLIPS = {"none": None, "norm 1": ev.ClipGlobalNorm(1.0), "norm 0.1": ev.ClipGlobalNorm(0.1),
         "value 0.1": ev.ClipValue(0.1)}
# Gradients beyond this are drawn at it: float32 ends a little above.
LARGEST = 1e30
# A point of accuracy is what a user would not notice.
NOTICED = 0.01


def measure(case: Case) -> dict[str, Any]:
    """A training at each rate; the one that does best on the validation part is told of."""
    data = sequences(case)
    kept = len(data.x) * 3 // 4
    part = replace(data, x=data.x[:kept], y=data.y[:kept])
    net = ev.Sequential([NETWORKS[case["network"]], ev.Dense(data.classes)])
    guess = guessed(part)[0]
    tried = [by_step(case, net, part, steps=STEPS[case.long], rate=rate, batch=16,
                     clip=CLIPS[case["clip"]]) for rate in RATES]
    held = data.x[kept:], data.y[kept:]
    found = [one.scored(*held, guess) for one in tried]
    best = tried[int(np.argmax(found))]
    tests = [one.scored(part.x_test, part.y_test, guess) for one in tried]
    return {
        "score": tests[int(np.argmax(found))], "score by rate": tests, "rates": RATES,
        "mean score": float(np.mean(tests)),
        "loss": thinned(best.losses), "steps": thinned(np.arange(1.0, len(best.losses) + 1)),
        "gradient": thinned(np.minimum(tried[RATES.index(0.03)].norms, LARGEST)),
    }


def sequences(case: Case) -> Data:
    """A number a step: a digit pixel by pixel, 64 of them, or the columns of a table."""
    if case["data"] == "order":
        return order(case)
    data = split(case["data"], case, test=TEST.get(case["data"]), standardize=False)
    middle, spread = data.x.mean(), data.x.std()
    x, x_test = (((part - middle) / spread)[:, :, None] for part in (data.x, data.x_test))
    return replace(data, x=x, x_test=x_test)


def order(case: Case, rows: int = 1600, steps: int = 60) -> Data:
    """Which of two symbols came early, which one late, among four others that mean nothing
    (Pascanu et al. 2013, section 4.1.1)."""
    rng = case.rng("order")
    symbols = rng.integers(2, 6, (rows, steps))
    asked = rng.integers(0, 2, (rows, 2))
    for which, (first, last) in enumerate(((0.1, 0.2), (0.5, 0.6))):
        places = rng.integers(int(first * steps), int(last * steps), rows)
        symbols[np.arange(rows), places] = asked[:, which]
    x, y = np.eye(6, dtype=np.float32)[symbols], asked[:, 0] * 2 + asked[:, 1]
    cut = rows * 3 // 4
    return Data(x[:cut], y[:cut], x[cut:], y[cut:])


def thinned(values: Any) -> list[float]:
    """The means of ten steps each."""
    return [float(part.mean()) for part in np.split(np.asarray(values), len(values) // 10)]


def helps(measure: str, words: str, **settings: Any) -> Part:
    """Clipping against none."""
    return more(measure, {"clip": "norm 1"}, than={"clip": "none"}, unit="points", factor=100,
                digits=1, words=f"{words}, norm clipped to 1 against none", **settings)


STUDY = Study(
    name="clipping",
    claim="Clipping gradients lets recurrent networks train on long sequences.",
    source="Pascanu, Mikolov and Bengio 2013, On the difficulty of training recurrent neural "
           "networks, section 3.2 and algorithm 1",
    factors={
        "data": ("digits",),
        "network": ("recurrent relu", "recurrent tanh"),
        "clip": ("none", "norm 1"),
    },
    long_factors={"data": ("digits", "order"),
                  "clip": ("none", "norm 1", "norm 0.1", "value 0.1")},
    long_blocks=10,
    technique=("clip",),
    measure=measure,
    parts=(
        helps("score", "test score, each at its best rate", least=NOTICED, name="best",
              every=("data", "network")),
        helps("mean score", "test score, mean over the rates tried", least=NOTICED, name="mean",
              every=("data", "network")),
        helps("score", "test score at its best rate, ReLU", at={"network": "recurrent relu"},
              name="relu", counts=False),
        helps("score", "test score at its best rate, tanh", at={"network": "recurrent tanh"},
              name="tanh", counts=False),
    ),
    test_ratio=1 / 8,
    about="A recurrent layer of 16 units reads a handwritten digit pixel by pixel, 64 steps, and "
          "names it at the end: with tanh and orthogonal first weights, and with ReLU and the "
          "identity. Plain gradient descent in batches of 16 makes 300 steps, 900 in the long "
          "form, at seven rates from 0.0003 to 0.3. Each side counts at the rate that does best on "
          "a validation part cut out of the training part, and is scored on a test part; a "
          "training that breaks counts as a guess. The long form adds the order of two symbols "
          "among 60, and other limits.",
    says={
        "holds": "With the gradient's norm clipped to 1 the test score at the best rate changes by "
                 "{best} (ReLU {relu}, tanh {tanh}), and the mean over all rates tried by {mean}.",
        "fails": "With the gradient's norm clipped to 1 the test score at the best rate changes by "
                 "{best} (ReLU {relu}, tanh {tanh}), and the mean over all rates tried by {mean}: "
                 "not as claimed.",
        "cannot tell": "With the gradient's norm clipped to 1 the test score at the best rate "
                       "changes by {best} (ReLU {relu}, tanh {tanh}), and the mean over all rates "
                       "by {mean}; that is not sure at both networks.",
    },
    pictures=(
        Picture("Test score by rate", "score by rate", over="rate", by="clip", panels="network",
                places="rates", log="x", about="Clipping lets larger rates learn; at small ones "
                "it only slows."),
        Picture("Gradient norm before clipping, rate 0.03", "gradient", over="step", by="clip",
                panels="network", places="steps", log="y"),
        Picture("Training loss at the best rate", "loss", over="step", by="clip",
                panels="network", places="steps", log="y"),
    ),
    exercises=("gradient-clipping", "exploding-gradients", "rnn"),
    layers=("ClipGlobalNorm", "RNN"),
    seconds=7.0,
)
