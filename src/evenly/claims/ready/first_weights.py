"""Large and small first weights."""

from __future__ import annotations

from math import log
from typing import Any

import numpy as np

import evenly as ev

from ..data import Data, split
from ..parts import less, more
from ..pictures import Picture
from ..study import Case, Study
from ..training import Times, guessed, mlp, steps_to, train

ACTIVATIONS = {"relu": ev.ReLU(), "tanh": ev.Tanh()}
RATES = (0.01, 0.03, 0.1, 0.3, 1.0)
EPOCHS = 10
# An answer that gets less than this while it is the right one costs 4.6 or more.
UNLIKELY = 0.01
# A quarter of a training more or less is what a user would notice, and a first loss twice as high.
SLOWER, COSTLY = log(1.25), log(2.0)


def measure(case: Case) -> dict[str, Any]:
    """A training at each rate; what is told of one is told of that which learns fastest."""
    data = split(case["data"], case)
    first = Times(ev.HeNormal(), case["scale"])
    net = mlp((32, 32), data.classes, activation=ACTIVATIONS[case["activation"]], first=first)
    goal = guessed(data)[1] / 4
    tried = [train(case, net, data, epochs=EPOCHS, optimizer=ev.SGD(rate)) for rate in RATES]
    epochs = [steps_to(done.losses, goal) for done in tried]
    best = tried[int(np.argmin(epochs))]
    loss, confident = first_look(net, data, case.seed)
    return {"first loss": loss, "confidently wrong": confident, "epochs": min(epochs),
            "epochs by rate": epochs, "rates": RATES, "loss": best.losses, "score": best.test}


def first_look(net: Any, data: Data, seed: int) -> tuple[float, float]:
    """The loss before training, and the share of it that is of rows whose right class has a
    probability below 1 %."""
    loss = ev.MeanSquaredError() if data.classes == 1 else None
    model = ev.init(net, data.x.shape[1:], seed, loss=loss)
    if loss is not None:
        return float(model.evaluate(data.x, data.y).loss), 0.0
    scores = model.predict(data.x).astype(np.float64)
    scores -= scores.max(axis=1, keepdims=True)
    scores -= np.log(np.exp(scores).sum(axis=1, keepdims=True))
    losses = -scores[np.arange(len(scores)), data.y]
    return float(losses.mean()), float(losses[losses > -log(UNLIKELY)].sum() / losses.sum())


STUDY = Study(
    name="first-weights",
    claim="Very large first weights cost much at the beginning, by saturated outputs; too small "
          "ones learn late.",
    source="course notes (deeplearning.ai, Improving deep neural networks, week 1); "
           "LeCun, Bottou, Orr and Mueller 1998, Efficient BackProp, section 4.6",
    factors={
        "data": ("digits", "cancer"),
        "activation": ("relu", "tanh"),
        "scale": (1.0, 10.0, 0.1, 0.01),
    },
    long_factors={"data": ("digits", "cancer", "wine"),
                  "scale": (1.0, 3.0, 10.0, 30.0, 0.3, 0.1, 0.03, 0.01)},
    long_blocks=15,
    technique=("scale",),
    measure=measure,
    parts=(
        more("first loss", {"scale": 10.0}, than={"scale": 1.0}, ratio=True, least=COSTLY,
             words="loss before training, ten times He's weights against He's", digits=1,
             every=("data", "activation"), name="cost"),
        more("confidently wrong", {"scale": 10.0}, than={"scale": 1.0}, least=0.5,
             words="share of that loss from right answers that get less than 1 %", unit="points",
             factor=100, digits=0, every=("data", "activation"), name="wrong"),
        more("epochs", {"scale": 10.0}, than={"scale": 1.0}, ratio=True, least=SLOWER,
             words="epochs until a quarter of a guess's loss, ten times against He's",
             every=("data",), name="large"),
        more("epochs", {"scale": 0.1}, than={"scale": 1.0}, ratio=True, least=SLOWER,
             words="the same, a tenth against He's", every=("data",), name="tenth"),
        more("epochs", {"scale": 0.01}, than={"scale": 1.0}, ratio=True, least=SLOWER,
             words="the same, a hundredth against He's", every=("data",), name="small"),
        less("score", {"scale": 10.0}, than={"scale": 1.0}, unit="points", factor=100, digits=1,
             words="test score at the end, ten times against He's", every=("data",), counts=False),
        less("score", {"scale": 0.01}, than={"scale": 1.0}, unit="points", factor=100, digits=1,
             words="test score at the end, a hundredth against He's", every=("data",),
             counts=False),
    ),
    test_ratio=1 / 3,
    about="Two hidden layers of 32 units, with He's first weights and with these times 10, 0.1 and "
          "0.01, learn by plain gradient descent in batches of 32 for 10 epochs. Every scale is "
          "trained at five rates from 0.01 to 1, and the one counts that gets its training loss "
          "soonest to a quarter of a guess's; what never gets there, or breaks, counts as 11 "
          "epochs. Before training it is seen how much of the loss is of rows whose right answer "
          "gets less than 1 %.",
    says={
        "holds": "Ten times He's weights begin with {cost} the loss, {wrong} more of it from right "
                 "answers that are almost ruled out, and need {large} the epochs; a tenth of them "
                 "needs {tenth}, a hundredth {small}.",
        "fails": "Against He's weights, ten times as large ones began with {cost} the loss and "
                 "needed {large} the epochs, a tenth {tenth}, a hundredth {small}: not all of it "
                 "as claimed.",
        "cannot tell": "Ten times He's weights need {large} the epochs, a tenth {tenth}, a "
                       "hundredth {small}; not all of the claim is sure.",
    },
    pictures=(
        Picture("Training loss, each scale at its fastest rate", "loss", over="epoch", by="scale",
                panels="data", log="y", about="Large weights begin high and come down; small ones "
                "stay at a guess's loss before they learn."),
        Picture("Epochs until a quarter of a guess's loss", "epochs by rate", over="rate",
                by="scale", panels="activation", places="rates", log="x"),
        Picture("Loss before training", "first loss", over="scale", by="activation", panels="data",
                log="xy"),
    ),
    exercises=("he", "vanishing-gradients"),
    layers=("Dense", "HeNormal", "Normal"),
    seconds=8.0,
)
