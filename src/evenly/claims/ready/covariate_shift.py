"""Whether batch norm works because it reduces internal covariate shift."""

from __future__ import annotations

from typing import Any

import numpy as np

import evenly as ev

from ..data import split
from ..parts import Block, Part, less, more
from ..pictures import Picture
from ..shift import MovingNoise, Shift
from ..stepwise import train_steps
from ..study import Case, Study

RATES = (0.3, 1.0)
LONG_RATES = (0.1, 0.3, 1.0, 3.0)
NORMS = ("none", "batch", "batch, noise")


def network(norm: str) -> Any:
    """Three hidden layers of 100 sigmoids; in front of each a norm, or a norm and noise."""
    before = {"none": (), "batch": (ev.BatchNorm(),), "batch, noise": (
        ev.BatchNorm(), MovingNoise(2.0))}
    hidden = [layer for _ in range(3)
              for layer in (ev.Dense(100), *before[norm], ev.Sigmoid())]
    return ev.Sequential([*hidden, ev.Dense(10)])


def measure(case: Case) -> dict[str, Any]:
    """Trains with each rate; looks at some steps of the one with rate 1."""
    data = split("mnist", case, train=2500, test=500, standardize=False).halved().standardized()
    part = data.validation(0.2)
    net = network(case["norm"])
    steps, rates = (800, LONG_RATES) if case.long else (120, RATES)
    shift = Shift(case, net, ev.Sigmoid, part)
    looks = range(0, steps, steps // 6)
    found = []
    for rate in rates:
        done = train_steps(
            case, net, part, steps=steps, batch=50, optimizer=ev.SGD(rate), look=shift,
            at=[look + step for look in looks for step in (0, 1)] if rate == 1.0 else (),
        )
        found.append((done.score(part.x_test, part.y_test), done.score(data.x_test, data.y_test),
                      done.losses))
    _, accuracy, losses = max(found)
    return {
        "accuracy": accuracy, "losses": losses, "looks": list(looks),
        "distributions by step": shift.distributions, "gradients by step": shift.gradients,
        "distributions": np.mean(shift.distributions), "gradients": np.mean(shift.gradients),
    }


def half_lost(block: Block) -> float:
    """What the noise takes away, less half of what batch norm brings."""
    none, batch, noisy = (block("accuracy", norm=norm) for norm in NORMS)
    return float(batch - noisy - (batch - none) / 2)


NONE, BATCH, NOISY = ({"norm": norm} for norm in NORMS)

STUDY = Study(
    name="covariate-shift",
    claim="Batch norm works because it reduces internal covariate shift.",
    source="Ioffe and Szegedy 2015, sections 1 and 2; against it Santurkar et al. 2018, "
           "sections 2.1 and 2.2",
    factors={"norm": NORMS},
    technique=("norm",),
    measure=measure,
    test_ratio=1 / 9,
    parts=(
        less("distributions", BATCH, than=NONE, ratio=True, name="distributions",
             words="how far a step moves what units get, with batch norm against without"),
        less("gradients", BATCH, than=NONE, ratio=True, name="gradients",
             words="how far the layers in front turn a layer's gradient, with batch norm against "
                   "without"),
        # The cause taken away, most of the effect must go: half of it at least.
        Part("accuracy that the noise takes, less half of what batch norm brings", half_lost,
             "more", unit="points", factor=100, digits=1, name="lost"),
        more("distributions", NOISY, than=NONE, ratio=True, name="noise", counts=False,
             words="how far a step moves what units get, with batch norm and noise against "
                   "without both"),
        more("accuracy", BATCH, than=NONE, unit="points", factor=100, digits=1, name="batch",
             words="test accuracy, with batch norm less without", counts=False),
        more("accuracy", NOISY, than=NONE, unit="points", factor=100, digits=1, name="noisy",
             words="test accuracy, with batch norm and noise less without both", counts=False),
    ),
    about="Three hidden layers of 100 sigmoids learn 2,000 MNIST images (2 x 2 pixels to one) by "
          "plain descent, 50 images a step: without batch norm, with it, and with it and noise "
          "behind it, whose mean and scale change at every step, so strong that the shift is no "
          "smaller than without batch norm. Accuracy is that of 500 "
          "other images, at the rate that 500 more choose. The shift is measured at a rate of 1, "
          "in both its meanings: how far one step moves the distribution of what a sigmoid gets, "
          "in its own deviations; and how far a layer's gradient turns (1 less the cosine) when "
          "only the layers in front of it are updated. If the shift is the reason, the noise "
          "takes away at least half of what batch norm brings.",
    says={
        verdict: f"{first} With batch norm a step moves what units get {{distributions}} as far as "
                 "without it, with noise behind it {noise} as far; test accuracy is {batch} above "
                 "that without batch norm, and {noisy} with the noise."
        for verdict, first in (
            ("holds", "What batch norm brings comes and goes with the shift."),
            ("fails", "Not all of it is so."), ("cannot tell", "It cannot be told."))
    },
    pictures=(
        Picture("Training loss at each one's best rate", "losses", over="step", by="norm",
                about="With noise the shift is back, and training is as fast."),
        Picture("How far a step moves what units get", "distributions by step", over="step",
                places="looks", by="norm", log="y", unit="deviations"),
        Picture("How far a layer's gradient turns when the layers in front are updated",
                "gradients by step", over="step", places="looks", by="norm", log="y",
                unit="1 - cosine"),
    ),
    exercises=("batch-norm", "covariate-shift"),
    layers=("BatchNorm", "Sigmoid", "Dense"),
    seconds=6,
)
