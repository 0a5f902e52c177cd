"""Momentum, RMSprop and Adam against plain gradient descent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

import evenly as ev

from ..data import Data, split
from ..parts import less
from ..pictures import Picture
from ..study import Case, Study
from ..training import guessed, mlp, train
from ..tuned import best_rate

# Each with the rate that the search for its best one begins at.
OPTIMIZERS = {
    "descent": (ev.SGD, 0.1),
    "momentum": (ev.Momentum, 0.01),
    "rmsprop": (ev.RMSprop, 0.003),
    "adam": (ev.Adam, 0.003),
}
EPOCHS = 10


def bowl(case: Case) -> Data:
    """Targets linear in ten inputs whose deviations go from 1 to 10, as much by one as by another:
    the cost is a bowl a hundred times as steep one way as the other."""
    rng = case.rng("bowl")
    scales = np.geomspace(1, 10, 10)
    x = rng.standard_normal((800, 10)) * scales
    y = (x / scales) @ rng.choice((-1.0, 1.0), 10) / 10**0.5 + 0.1 * rng.standard_normal(800)
    x, y = x.astype(np.float32), y.astype(np.float32)
    return Data(x[:600], y[:600], x[600:], y[600:])


def losses(case: Case, data: Data, rate: float) -> Any:
    """The loss on the test part after each epoch, as a share of a guess's: at most that, and at
    least a thousandth of it, below which a curve is luck."""
    net = mlp((64, 32), data.classes)
    if case["data"] == "bowl":
        net = mlp((), 1, first=ev.Zeros())
    done = train(case, net, data, epochs=EPOCHS, curve=True,
                 optimizer=OPTIMIZERS[case["optimizer"]][0](rate))
    return np.clip(np.array(done.test_losses) / guessed(data)[1], 1e-3, 1.0)


def over_epochs(curve: Any) -> float:
    """The geometric mean: how high the curve lies where losses are drawn on a logarithmic scale, in
    which the first epochs count no more than the last."""
    return float(np.exp(np.log(curve).mean()))


def measure(case: Case) -> dict[str, Any]:
    """The test loss by epoch, at the rate that is best on a part held out of the training part."""
    rows = {"digits": (400, 130), "mnist": (900, 300)}.get(case["data"], (None, None))
    data = bowl(case) if case["data"] == "bowl" else split(case["data"], case, *rows)
    found = best_rate(case, data, OPTIMIZERS[case["optimizer"]][1],
                      lambda one, part, rate: over_epochs(losses(one, part, rate)))
    # Two trainings, so that the luck of one does not hide what the optimizer does.
    cases = [case, replace(case, seed=(case.seed + 10) % 2**31)]
    curve = np.mean([losses(one, data, found.best) for one in cases], axis=0)
    return {"test loss by epoch": curve, "test loss": over_epochs(curve),
            "last test loss": curve[-1], "rate": found.best}


def _part(optimizer: str, **settings: Any) -> Any:
    # A twentieth of the loss is what a user would notice in a curve.
    return less("test loss", {"optimizer": optimizer}, than={"optimizer": "descent"}, ratio=True,
                least=0.05, name=optimizer,
                words=f"test loss over the first epochs: {optimizer} against plain descent",
                **settings)


_ABOUT = (
    "Mini-batches of 32. Each optimizer has its own best learning rate: the one with the smallest "
    "loss on a quarter held out of the training part, found by steps to both sides, a factor of "
    "1.8 fine, by two trainings each. Then it trains on the whole training part, twice. Measured "
    "is the loss on the test part after each of ten epochs, as a share of a guess's, and the "
    "geometric mean of these ten: it is small where the loss falls soon. A training that breaks, "
    "and a loss above a guess's, count as a guess."
)
_FOUND = ("each at its own best rate the test loss over the first epochs is, against plain "
          "descent's, {momentum} with momentum, {rmsprop} with RMSprop and {adam} with Adam")
_SAYS = {
    "holds": f"All three are sooner down: {_FOUND}.",
    "fails": f"Not all three are sooner down: {_FOUND}.",
    "cannot tell": f"Not all three are surely sooner down: {_FOUND}.",
}
_PICTURES = (
    Picture("Test loss, each at its own best rate", "test loss by epoch", over="epoch",
            by="optimizer", panels="data", log="y", unit="share of a guess's"),
    Picture("The best rate of each", "rate", over="optimizer", by="data", log="y",
            about="What is best for one optimizer is far too large or too small for another."),
)
_EXERCISES = ("gradient-descent", "momentum", "rmsprop", "adam")

STUDY = Study(
    name="optimizers",
    claim="Momentum, RMSprop and Adam train faster than plain gradient descent.",
    source="course notes; Kingma and Ba 2015, section 6",
    factors={"data": ("digits", "cancer"), "optimizer": tuple(OPTIMIZERS)},
    long_factors={"data": ("digits", "cancer", "wine", "diabetes")},
    technique=("optimizer",),
    measure=measure,
    parts=tuple(_part(name, every=("data",)) for name in ("momentum", "rmsprop", "adam")),
    test_ratio=1 / 3,
    long_blocks=12,
    about=f"Real tables, a network with hidden layers of 64 and 32 (ReLU). {_ABOUT}",
    says=_SAYS, pictures=_PICTURES, exercises=_EXERCISES,
    layers=("SGD", "Momentum", "RMSprop", "Adam"),
    seconds=7,
)

BOWL = Study(
    name="optimizers-bowl",
    claim="In an elongated bowl momentum, RMSprop and Adam are faster than plain descent.",
    source="course notes",
    factors={"data": ("bowl",), "optimizer": tuple(OPTIMIZERS)},
    technique=("optimizer",),
    measure=measure,
    parts=tuple(_part(name) for name in ("momentum", "rmsprop", "adam")),
    long_blocks=20,
    about="A linear layer that starts at zero, on ten inputs whose deviations go from 1 to 10, 600 "
          "rows drawn anew in each block: the cost is a bowl, 100 times as steep one way as the "
          f"other. {_ABOUT}",
    says=_SAYS, pictures=_PICTURES, exercises=_EXERCISES,
    layers=("SGD", "Momentum", "RMSprop", "Adam"),
    seconds=4,
)
