"""What a study varies, as data.

To add a variant, add one row to `VARIANTS`. A row changes one thing about the plain network, so
that a difference has one cause:

    plain          Dense  ........  ReLU  .......   for each hidden width, then Dense
    with a row     Dense [before]   ReLU  [after]   and the penalty, if the row names one
"""

from __future__ import annotations

import difflib
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import evenly as ev

from .errors import StudyError


@dataclass(frozen=True)
class Variant:
    """A row of the table: a name, what it adds in words, and the layers or penalty it adds."""

    name: str
    adds: str
    before_relu: tuple[Any, ...] = ()
    after_relu: tuple[Any, ...] = ()
    penalty: Any = None


PLAIN = Variant("plain", "nothing: what the others are compared with")

VARIANTS: tuple[Variant, ...] = (
    PLAIN,
    Variant(
        "batch-norm",
        "batch normalization before each ReLU",
        before_relu=(ev.BatchNorm(),),
    ),
    Variant(
        "layer-norm",
        "layer normalization before each ReLU",
        before_relu=(ev.LayerNorm(),),
    ),
    Variant(
        "dropout",
        "dropout of 20 % after each ReLU",
        after_relu=(ev.Dropout(0.2),),
    ),
    Variant(
        "l2",
        "an L2 penalty of 0.001 on the kernels",
        penalty=ev.L2(1e-3),
    ),
    Variant(
        "batch-norm+dropout",
        "batch normalization before and dropout of 20 % after each ReLU",
        before_relu=(ev.BatchNorm(),),
        after_relu=(ev.Dropout(0.2),),
    ),
)


@dataclass(frozen=True)
class OptimizerChoice:
    """An optimizer by name, and the learning rate used where none is given."""

    make: Callable[[float], Any]
    rate: float


OPTIMIZERS: dict[str, OptimizerChoice] = {
    "sgd": OptimizerChoice(ev.SGD, 0.1),
    "momentum": OptimizerChoice(ev.Momentum, 0.01),
    "rmsprop": OptimizerChoice(ev.RMSprop, 1e-3),
    "adam": OptimizerChoice(ev.Adam, 1e-3),
    "adamw": OptimizerChoice(ev.AdamW, 1e-3),
}


@dataclass(frozen=True)
class Design:
    """The settings of a study, the same for all its variants.

    Args:
        variants: names from `VARIANTS`. Plain is always among them and comes first.
        seeds: how many seeds, each with its own split, initial weights and batches.
        epochs: passes over the training part.
        hidden: the widths of the hidden layers.
        batch: rows a step.
        optimizer: a name from `OPTIMIZERS`.
        lr: the learning rate; None takes the optimizer's own from `OPTIMIZERS`.
        test_fraction: the part of the rows kept for testing.

    Raises:
        StudyError: a setting out of its range, or a name that is not in its table.
    """

    variants: tuple[str, ...] = tuple(row.name for row in VARIANTS)
    seeds: int = 5
    epochs: int = 30
    hidden: tuple[int, ...] = (128, 64)
    batch: int = 32
    optimizer: str = "adam"
    lr: float | None = None
    test_fraction: float = 0.25

    def __post_init__(self) -> None:
        _known("variant", self.variants, [row.name for row in VARIANTS])
        _known("optimizer", (self.optimizer,), list(OPTIMIZERS))
        _whole("seeds", self.seeds, 1, "try 5")
        _whole("epochs", self.epochs, 1, "try 30")
        _whole("batch", self.batch, 1, "try 32")
        if not self.hidden:
            raise StudyError("hidden: expects at least one width, got none: try 128,64")
        for width in self.hidden:
            _whole("hidden", width, 1, "try 128,64")
        if self.lr is not None and not (math.isfinite(self.lr) and self.lr > 0):
            raise StudyError(
                f"lr: expects a finite number above 0, got {self.lr:g}: try {self.default_rate:g}"
            )
        if not 0 < self.test_fraction < 1:
            raise StudyError(
                "test_fraction: expects a number between 0 and 1, "
                f"got {self.test_fraction:g}: try 0.25"
            )
        if self.batch == 1 and any(
            isinstance(layer, ev.BatchNorm) for row in self.rows for layer in row.before_relu
        ):
            raise StudyError(
                "batch: batch norm expects at least 2 rows a batch, got 1: "
                "take a larger batch, or leave batch norm out of the variants"
            )

    @property
    def default_rate(self) -> float:
        """The learning rate that the optimizer's row names."""
        return OPTIMIZERS[self.optimizer].rate

    @property
    def rate(self) -> float:
        """The learning rate that is used."""
        return self.default_rate if self.lr is None else self.lr

    @property
    def rows(self) -> tuple[Variant, ...]:
        """The variants' rows: plain, then the others in the order they were asked for."""
        table = {row.name: row for row in VARIANTS}
        asked = dict.fromkeys((PLAIN.name, *self.variants))
        return tuple(table[name] for name in asked)

    def make_optimizer(self) -> Any:
        """The optimizer, with its learning rate."""
        return OPTIMIZERS[self.optimizer].make(self.rate)

    def weight_count(self, inputs: int, outputs: int) -> int:
        """Roughly how many weights a network has: its kernels and biases."""
        widths = (inputs, *self.hidden, outputs)
        return sum((a + 1) * b for a, b in itertools.pairwise(widths))


def build(variant: Variant, hidden: tuple[int, ...], outputs: int) -> Any:
    """The network of a variant.

    Dense layers keep their names in every variant (`dense_1`, `dense_2`, ...), and initial weights
    depend on seed, name and shape alone. So all variants of a seed start from the same kernels.

    Args:
        variant: a row of `VARIANTS`.
        hidden: the hidden layers' widths.
        outputs: the number of classes, or 1 for a number.

    Example:
        >>> net = build(VARIANTS[1], (8,), 3)
        >>> [type(layer).__name__ for layer in net.layers]
        ['Dense', 'BatchNorm', 'ReLU', 'Dense']
    """
    layers: list[Any] = []
    for width in hidden:
        layers += [ev.Dense(width), *variant.before_relu, ev.ReLU(), *variant.after_relu]
    return ev.Sequential([*layers, ev.Dense(outputs)])


def describe(variant: Variant, hidden: tuple[int, ...], outputs: int) -> str:
    """The network of a variant in one line: `Dense(128) · BatchNorm · ReLU · Dense(10)`."""
    before = [type(layer).__name__ for layer in variant.before_relu]
    after = [
        f"Dropout({layer.rate:g})" if isinstance(layer, ev.Dropout) else type(layer).__name__
        for layer in variant.after_relu
    ]
    parts: list[str] = []
    for width in hidden:
        parts += [f"Dense({width})", *before, "ReLU", *after]
    return " · ".join([*parts, f"Dense({outputs})"])


def nearest(name: str, known: list[str]) -> str:
    """The known name most like `name`, as a question; all of them where none is like it."""
    close = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.5)
    if close:
        return f"did you mean '{close[0]}'?"
    return f"choose from {', '.join(known)}"


def _known(what: str, names: tuple[str, ...], known: list[str]) -> None:
    if not names:
        raise StudyError(f"{what}s: expects at least one, got none: choose from {', '.join(known)}")
    for name in names:
        if name not in known:
            raise StudyError(f"{what}: there is no '{name}': {nearest(name, known)}")


def _whole(what: str, value: int, least: int, remedy: str) -> None:
    if value < least:
        raise StudyError(
            f"{what}: expects a whole number of at least {least}, got {value}: {remedy}"
        )
