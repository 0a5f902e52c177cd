"""What a study varies, as data.

To add a variant, add one row to `VARIANTS`. A row changes one thing about the plain network, so
that a difference has one cause. Where its layers stand depends on the network (`nets.py`):

    mlp     Dense [norm] ReLU [dropout]                   for each hidden width, then Dense
    cnn     Conv2D [norm] ReLU MaxPool2D                  twice, then Flatten and
            Dense ReLU [dropout]                          for each hidden width, then Dense
    lstm    LSTM [norm] [dropout] Dense
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import evenly as ev

from .errors import StudyError
from .measures import BY_NAME
from .nets import NETS, Net


@dataclass(frozen=True)
class Variant:
    """A row of the table: a name, what it adds in words, and the layers or penalty it adds.

    In `adds`, {norm} and {dropout} stand for the places that the network has for them.
    """

    name: str
    adds: str
    norm: tuple[Any, ...] = ()
    dropout: tuple[Any, ...] = ()
    penalty: Any = None


PLAIN = Variant(
    "plain",
    "nothing: it is the network without normalization and regularization, which the others are "
    "compared with",
)

VARIANTS: tuple[Variant, ...] = (
    PLAIN,
    Variant(
        "batch-norm",
        "batch normalization {norm}",
        norm=(ev.BatchNorm(),),
    ),
    Variant(
        "layer-norm",
        "layer normalization {norm}",
        norm=(ev.LayerNorm(),),
    ),
    Variant(
        "dropout",
        "dropout of 20 % {dropout}",
        dropout=(ev.Dropout(0.2),),
    ),
    Variant(
        "l2",
        "an L2 penalty of 0.001 on the kernels",
        penalty=ev.L2(1e-3),
    ),
    Variant(
        "batch-norm+dropout",
        "batch normalization {norm}, dropout of 20 % {dropout}",
        norm=(ev.BatchNorm(),),
        dropout=(ev.Dropout(0.2),),
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


SPLITS = ("random", "time")


@dataclass(frozen=True)
class Design:
    """The settings of a study, the same for all its variants.

    Args:
        variants: names from `VARIANTS`. Plain is always among them and comes first.
        net: a name from `NETS`.
        seeds: how many seeds, each with its own split, initial weights and batches.
        epochs: passes over the training part; None takes the network's own from `NETS`.
        hidden: the widths of the hidden layers; None takes the network's own.
        batch: rows a step.
        optimizer: a name from `OPTIMIZERS`.
        lr: the learning rate; None takes the optimizer's own from `OPTIMIZERS`.
        test_fraction: the part of the rows kept for testing.
        split: how rows are told to train or to test: "random", or "time" (`parts.py`).
        measure: the measure that decides, a name from `MEASURES`; None takes the task's first.

    Raises:
        StudyError: a setting out of its range, or a name that is not in its table.
    """

    variants: tuple[str, ...] = tuple(row.name for row in VARIANTS)
    seeds: int = 5
    net: str = "mlp"
    epochs: int | None = None
    hidden: tuple[int, ...] | None = None
    batch: int = 32
    optimizer: str = "adam"
    lr: float | None = None
    test_fraction: float = 0.25
    split: str = "random"
    measure: str | None = None

    def __post_init__(self) -> None:
        _known("variant", self.variants, [row.name for row in VARIANTS])
        _known("net", (self.net,), list(NETS))
        _known("optimizer", (self.optimizer,), list(OPTIMIZERS))
        _known("split", (self.split,), list(SPLITS))
        if self.measure is not None:
            _known("measure", (self.measure,), list(BY_NAME))
        _whole("seeds", self.seeds, 1, "try 5")
        _whole("epochs", self.passes, 1, f"try {self.network.epochs}")
        _whole("batch", self.batch, 1, "try 32")
        own = f"try {','.join(map(str, self.network.hidden))}"
        if not self.widths:
            raise StudyError(f"hidden: expects at least one width, got none: {own}")
        for width in self.widths:
            _whole("hidden", width, 1, own)
        most = self.network.most_hidden
        if most is not None and len(self.widths) > most:
            raise StudyError(
                f"hidden: {self.net} expects at most {most} width, got {len(self.widths)}: {own}"
            )
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
            isinstance(layer, ev.BatchNorm) for row in self.rows for layer in row.norm
        ):
            raise StudyError(
                "batch: batch norm expects at least 2 rows a batch, got 1: "
                "take a larger batch, or leave batch norm out of the variants"
            )

    @property
    def network(self) -> Net:
        """The row of the network."""
        return NETS[self.net]

    @property
    def passes(self) -> int:
        """The epochs that are trained."""
        return self.network.epochs if self.epochs is None else self.epochs

    @property
    def widths(self) -> tuple[int, ...]:
        """The hidden widths that are used."""
        return self.network.hidden if self.hidden is None else self.hidden

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

    def weight_count(self, shape: tuple[int, ...], outputs: int) -> int:
        """How many weights the plain network has, for examples of this shape."""
        arrays = build(PLAIN, self, shape, outputs).arrays(shape)
        return sum(math.prod(spec.shape) for spec in arrays.values())

    def adds(self, variant: Variant) -> str:
        """What a variant adds to this design's network, in words."""
        return variant.adds.format(norm=self.network.norm, dropout=self.network.dropout)


def build(variant: Variant, design: Design, shape: tuple[int, ...], outputs: int) -> Any:
    """The network of a variant.

    Layers with weights keep their names in every variant (`dense_1`, `dense_2`, ...), and initial
    weights depend on seed, name and shape alone. So all variants of a seed start from the same
    kernels.

    Args:
        variant: a row of `VARIANTS`.
        design: names the network and its hidden widths.
        shape: of one example, as the network reads it.
        outputs: the number of classes, or 1 for a number.

    Example:
        >>> net = build(VARIANTS[1], Design(hidden=(8,)), (4,), 3)
        >>> [type(layer).__name__ for layer in net.layers]
        ['Dense', 'BatchNorm', 'ReLU', 'Dense']
    """
    make = design.network.make
    return ev.Sequential(make(shape, design.widths, outputs, variant.norm, variant.dropout))


def describe(net: Any) -> str:
    """A network in one line: `Dense(128) · BatchNorm · ReLU · Dense(10)`."""
    return " · ".join(map(_in_short, net.layers))


def _in_short(layer: Any) -> str:
    name = type(layer).__name__
    if isinstance(layer, ev.Conv2D):
        return f"{name}({layer.filters}, {_side(layer.kernel_size)})"
    if isinstance(layer, ev.MaxPool2D):
        return f"{name}({_side(layer.pool_size)})"
    if isinstance(layer, ev.Dropout):
        return f"{name}({layer.rate:g})"
    units = getattr(layer, "units", None)
    return name if units is None else f"{name}({units})"


def _side(window: Any) -> Any:
    """One number for a square window."""
    return window[0]


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
