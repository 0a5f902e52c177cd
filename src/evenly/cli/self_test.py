"""A tiny test of each family of kernels: the same network with and without them."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

import evenly as ev

# Largest difference, as a share of the largest number of an array.
TOLERANCE = 1e-10
FEATURES, IMAGE, STEPS = (12,), (6, 5, 2), (5, 4)
# Each family: what goes in (None: whole numbers), and the layers.
FAMILIES: dict[str, tuple[tuple[int, ...] | None, tuple[Any, ...]]] = {
    "products": (FEATURES, (ev.Dense(9),)),
    "activations": (FEATURES, (ev.ReLU(), ev.GELU(), ev.Softmax(), ev.PReLU())),
    "batch normalization": (FEATURES, (ev.BatchNorm(),)),
    "other normalizations": (FEATURES, (ev.LayerNorm(), ev.RMSNorm(), ev.GroupNorm(3))),
    "dropout": (FEATURES, (ev.Dropout(0.4),)),
    "noise": (FEATURES, (ev.GaussianNoise(0.1),)),
    "convolution": (IMAGE, (ev.Conv2D(4, 3, padding="same"),)),
    "pooling": (IMAGE, (ev.MaxPool2D(2), ev.GlobalAveragePool())),
    "recurrence": (STEPS, (ev.LSTM(5, sequences=True), ev.GRU(4))),
    "embedding": (None, (ev.Embedding(7, 5),)),
    "members": (FEATURES, (ev.Members(3), ev.BatchEnsemble(6), ev.MemberMean("numbers"))),
}


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of one family.

    Attributes:
        family: its name.
        difference: the largest relative one, of outputs and gradients.
        error: what was raised instead.
    """

    family: str
    difference: float | None
    error: str = ""

    @property
    def agrees(self) -> bool:
        """Whether the kernels compute what is defined."""
        return self.difference is not None and self.difference <= TOLERANCE


def by_definition(layer: Any) -> Any:
    """The same layer without its kernel."""
    kind = type(layer)
    plain: Any = object.__new__(type(kind.__name__, (kind,), {"kernel": None, "tracks": False}))
    for field, value in vars(layer).items():
        object.__setattr__(plain, field, value)
    return plain


def _numbers(layers: tuple[Any, ...], x: Any, y: Any) -> dict[str, Any]:
    net = ev.Sequential([*layers, ev.Flatten(), ev.Dense(3)])
    shape = x.shape[1:]
    model = ev.init(net, shape, loss=ev.SoftmaxCrossEntropy(), dtype="float64", seed=1)
    loss, gradients = model.gradients(x, y)
    return {"loss": np.array(loss), "scores": model.predict(x), **gradients}


def try_family(family: str) -> Outcome:
    """One family, by the kernels that run here, in float64."""
    shape, layers = FAMILIES[family]
    random = np.random.default_rng(0)
    x = random.integers(0, 7, (8, 4)) if shape is None else random.standard_normal((8, *shape))
    y = random.integers(0, 3, 8)
    try:
        got = _numbers(layers, x, y)
        wanted = _numbers(tuple(by_definition(layer) for layer in layers), x, y)
        worst = max(
            float(np.abs(got[name] - value).max() / max(1e-3, np.abs(value).max()))
            for name, value in wanted.items())
    except Exception as error:  # whatever is broken, it is said
        return Outcome(family, None, f"{type(error).__name__}: {error}")
    return Outcome(family, worst)


def try_kernels() -> list[Outcome]:
    """Every family."""
    return [try_family(family) for family in FAMILIES]
