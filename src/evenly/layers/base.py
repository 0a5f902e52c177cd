"""What a layer is.

A layer is a value: a frozen dataclass without arrays. Its page holds the declaration (fields,
arrays, output shape) and beneath it the definition: ``forward`` and ``backward`` in plain array
code. The definition is what the layer means. A kernel in ``cpp/kernels`` with the name that
``kernel`` gives computes the same, fast; a layer without one runs its definition in training too.
"""

from __future__ import annotations

import functools
import numbers
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar

import numpy as np

from ..errors import ShapeError
from ..errors import expect as expect
from ..initializers import Initializer, Zeros
from ..random import dropout_keep

Shape = tuple[int, ...]
# Arrays of whatever kind the namespace in use computes with: NumPy's, or exact ones.
ArrayLike = Any
Arrays = Mapping[str, Any]
# What backward gives: the gradient on the layer's input, and those of its arrays by name.
Gradients = tuple[ArrayLike, dict[str, ArrayLike]]


@dataclass(frozen=True)
class ArraySpec:
    """An array that a layer owns: a parameter, or a running statistic.

    Attributes:
        shape: of the array.
        initializer: gives its first values.
        trainable: False for running statistics.
        decays: whether penalties and weight decay touch it. True for kernels alone.
        fan: (inputs, outputs) of one unit, for initializers that need them.
        still_row: of a matrix, a row that training leaves as it is, penalties, weight decay and
            constraints too; its gradient is zero.
    """

    shape: Shape
    initializer: Initializer = field(default_factory=Zeros)
    trainable: bool = True
    decays: bool = False
    fan: tuple[int, int] = (1, 1)
    still_row: int | None = None


@dataclass(frozen=True)
class Run:
    """The circumstances of a definition's run: everything that is not the layer or its arrays.

    Attributes:
        training: whether batch statistics and dropout are in force.
        seed: of the random streams.
        step: training step, counted from 0.
        layer: the name of the layer that runs.
        xp: the array namespace, NumPy or one with the same names.
        recorder: called as ``recorder(layer, name, value, formula)`` at each step of a definition,
            returns what the definition goes on with; None: the value itself.
        updates: where a layer leaves new running statistics, by array name.
        lengths: how many steps of each example count, for sequences that were padded; None: all.
        weights: how much each example counts in the loss; None: 1 each.
        learning_rate, momentum: of this step, where a schedule moves them; None: the optimizer's.
        mix, shift: mixup's share of the example itself, and which row is the other: that many rows
            further on. 1 and 0: nothing is mixed.
        cut, place: how many columns of the input are cut out, and which, as
            :class:`evenly.CutMix` draws them.
        dropout, decay: what the rates of dropout and the weight decay are multiplied by, where a
            schedule moves them.
        kept: which elements dropout keeps, by layer name, instead of those that it would draw.
        first_row: where the rows are a part of a batch: which row of the whole the first one is.
    """

    training: bool
    seed: int = 0
    step: int = 0
    layer: str = ""
    xp: Any = np
    recorder: Callable[[str, str, Any, str], Any] | None = None
    updates: dict[str, Any] = field(default_factory=dict)
    lengths: Any = None
    weights: Any = None
    learning_rate: float | None = None
    momentum: float | None = None
    mix: float = 1.0
    shift: int = 0
    cut: int = 0
    place: int = 0
    dropout: float = 1.0
    decay: float = 1.0
    kept: Mapping[str, Any] = field(default_factory=dict)
    first_row: int = 0

    def at(self, layer: str) -> Run:
        """The same circumstances for another layer."""
        return replace(self, layer=layer)

    def note(self, name: str, value: ArrayLike, formula: str = "") -> ArrayLike:
        """Names a step of a definition; a definition goes on with what is returned."""
        return value if self.recorder is None else self.recorder(self.layer, name, value, formula)

    def dropped(self, rate: float) -> float:
        """The fraction that a layer of this rate drops in this step."""
        return rate if self.dropout == 1 else rate * self.dropout

    def keep(self, shape: Shape, rate: float) -> Any:
        """Which elements of an array of this shape dropout keeps: truth values."""
        if self.layer in self.kept:
            return np.asarray(self.kept[self.layer], bool).reshape(shape)
        return dropout_keep(self.seed, self.layer, self.step, shape, float(rate), self.first_row)

    def update(self, array: str, value: ArrayLike) -> None:
        """Leaves a new running statistic of the layer that runs."""
        self.updates[f"{self.layer}.{array}"] = value


class Declared:
    """Base of the declarations of this package: their numbers are checked to be numbers before any
    rule of their own compares them."""

    def __init_subclass__(cls, **settings: Any) -> None:
        super().__init_subclass__(**settings)
        own = cls.__dict__.get("__post_init__")
        if own is None or not cls.__module__.startswith(f"{__package__.partition('.')[0]}."):
            return

        @functools.wraps(own)
        def checked(self: Any) -> None:
            _check_numbers(self)
            own(self)

        cls.__post_init__ = checked  # type: ignore[attr-defined]


def _check_numbers(declared: Any) -> None:
    kinds = {"int": (numbers.Integral, "a whole number"), "float": (numbers.Real, "a number")}
    for entry in fields(declared):
        kind, words = kinds.get(str(entry.type), (object, ""))
        value = getattr(declared, entry.name)
        wrong = not isinstance(value, kind) or (bool(words) and isinstance(value, bool))
        expect(not wrong, declared, f"{entry.name} must be {words}", value)


class Layer(Declared):
    """Base of all layers. A subclass is a frozen dataclass with a ``name`` field.

    To add a layer of your own, subclass it with ``forward`` and ``backward``, and where it needs
    them ``arrays``, ``output_shape`` and ``check``. It then trains through its definition::

        @dataclass(frozen=True)
        class Square(ev.Layer):
            name: str | None = None

            def forward(self, x, arrays, run):
                return x * x, x

            def backward(self, d_y, arrays, x, run):
                return 2 * x * d_y, {}
    """

    name: str | None

    # The kernel's name, or None: then the definition runs.
    kernel: ClassVar[str | None] = None
    # What compile may fuse: an activation's number in the kernels, and whether its output tells its
    # slope (else it is not fused into the layer in front of it); whether a layer's kernel can take
    # an activation and dropout behind it.
    activation_code: ClassVar[int] = 0
    output_tells: ClassVar[bool] = True
    takes_epilogue: ClassVar[bool] = False
    # Which of its arrays' sums a batch normalization behind it cancels.
    cancelled_by_centering: ClassVar[tuple[str, ...]] = ()
    # Whether inference is another kernel ("<kernel>.inference") than training's forward.
    own_inference: ClassVar[bool] = False
    # Whether it changes the shape and not the numbers: then it costs nothing.
    reshapes: ClassVar[bool] = False
    # The kernel that makes arrays from others before the layer's own kernel runs, or None; from
    # which arrays; and whether inference takes these as they are.
    transform: ClassVar[str | None] = None
    made_from: ClassVar[tuple[str, ...]] = ()
    made_in_training_only: ClassVar[bool] = False
    # Whether its kernel's d_x may take the place of d_y: each number is read before it is written.
    backward_in_place: ClassVar[bool] = False
    # Whether it reads how long each example's sequence is.
    takes_lengths: ClassVar[bool] = False
    # Whether its inputs are row numbers of a table rather than quantities.
    reads_indices: ClassVar[bool] = False
    # Whether a loss right behind it judges, in training, what it reads, each row by itself.
    judged_before: ClassVar[bool] = False
    # Whether its output is some of the numbers of its input, as they are.
    picks: ClassVar[bool] = False
    # Whether its kernel draws random numbers in training: it then gets the number "stream".
    draws: ClassVar[bool] = False
    # Of a layer without a kernel: whether what it does to a row of a batch depends on no other row.
    # Only then can a batch be cut into parts, each with a process of its own.
    rows_apart: ClassVar[bool] = False
    # Whether a schedule moves how much it drops: its definition asks ``run.dropped(rate)``.
    drops: ClassVar[bool] = False

    @property
    def inference_is_identity(self) -> bool:
        """Whether inference hands its input through unchanged."""
        return False

    @property
    def row_axes(self) -> int:
        """How many of an example's last axes make up a row of the matrix that the kernel sees."""
        return 1

    @property
    def tracks(self) -> bool:
        """Whether training moves running statistics (a kernel named ``<kernel>.track``)."""
        return False

    @property
    def subtracts_mean(self) -> bool:
        """Whether training subtracts from each channel its mean over the batch."""
        return False

    def training_rows(self, shape: Shape) -> int:
        """Rows of a batch that training needs to mean anything, for examples of this shape."""
        return 1

    def expand(self) -> Layer:
        """The layers that this one stands for, named after it: itself, unless it is a short way to
        write several."""
        return self

    @property
    def type_name(self) -> str:
        """The layer's type as it appears in names: ``batch_norm`` for ``BatchNorm``."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(self).__name__).lower()

    def check(self, shape: Shape, name: str) -> None:
        """Raises ShapeError when one example of this shape cannot enter the layer."""

    def check_values(self, x: ArrayLike, name: str) -> None:
        """Raises DataError when this data cannot enter the layer. Asked where it is the first."""

    def output_shape(self, shape: Shape) -> Shape:
        """The shape of one example behind the layer, from its shape before it."""
        return shape

    def arrays(self, shape: Shape) -> dict[str, ArraySpec]:
        """The arrays that the layer owns, for examples of this shape."""
        return {}

    def numbers(self, shape: Shape) -> dict[str, float]:
        """The numbers that the kernel needs beside the shapes."""
        return {}

    def workspace(self, shape: Shape, rows: int) -> dict[str, Shape]:
        """What the kernel keeps from forward to backward, beside input and output."""
        return {}

    def working(self, shape: Shape, backward: bool) -> dict[str, Shape]:
        """What the kernel writes and reads while it runs, and nobody behind it: shapes by the
        kernel's names for them, given the shape of an example, in forward or in backward."""
        return {}

    def not_read_again(self, shape: Shape) -> tuple[str, ...]:
        """Those of x and y that the backward kernel does without: their memory is free sooner."""
        return ()

    def made(self, shape: Shape) -> dict[str, Shape]:
        """The arrays that are made from others in each step (`transform`), at most one."""
        return {}

    def states(self, shape: Shape) -> dict[str, Shape]:
        """What each row of a batch hands on to the same row of the next batch."""
        return {}

    def forward(self, x: ArrayLike, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        """The definition: returns (y, what backward needs)."""
        raise NotImplementedError(f"{type(self).__name__} needs a forward method")

    def backward(self, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run) -> Gradients:
        """The definition: returns (d_x, {array: its gradient})."""
        raise NotImplementedError(f"{type(self).__name__} needs a backward method")


def own_arrays(arrays: Arrays, name: str) -> dict[str, Any]:
    """The arrays of one layer, by their names within it."""
    start = name + "."
    return {key[len(start) :]: value for key, value in arrays.items() if key.startswith(start)}


def whole_panels(columns: int) -> int:
    """Columns of a matrix that a kernel packs in panels (``cpp/kernels/product.hpp``): rounded up
    to the widest panel, so that any instruction set's fits."""
    return -(-columns // 32) * 32


def expect_rank(shape: Shape, rank: int, name: str, expected: str, remedy: str) -> None:
    """Raises ShapeError unless an example has `rank` axes."""
    if len(shape) != rank:
        came = ", ".join(["batch", *map(str, shape)])
        raise ShapeError(f"{name}: expects {expected}, got ({came}): {remedy}")


def expect_positions(shape: Shape, name: str) -> None:
    """Raises ShapeError unless an example has positions: a sequence, an image."""
    if len(shape) < 2:
        came = ", ".join(["batch", *map(str, shape)])
        raise ShapeError(
            f"{name}: expects (batch, positions..., channels), got ({came}): it belongs before "
            "Flatten(), or needs Reshape((..., channels)) in front"
        )


def expect_axes(shape: Shape, axes: int, name: str) -> None:
    """Raises ShapeError unless an example has the axes that are to be normalized together."""
    if len(shape) < axes:
        came = ", ".join(["batch", *map(str, shape)])
        raise ShapeError(
            f"{name}: axes={axes} needs examples of at least {axes} axes, got ({came}): "
            f"use axes={len(shape)} or less"
        )


def sum_like(xp: Any, gradient: ArrayLike, axes: int) -> ArrayLike:
    """The gradient of an array that was broadcast over the first `axes` axes."""
    return xp.sum(gradient, axis=tuple(range(axes)))
