"""The embedding: a row of a trained table for each whole number."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from ..errors import DataError
from ..initializers import Initializer, Normal
from .base import ArrayLike, Arrays, ArraySpec, Gradients, Layer, Run, Shape, expect
from .containers import Container, Sequential

# float32 holds every whole number up to here.
_LARGEST = 2**24


@dataclass(frozen=True)
class _Padded:
    """Another initializer's table with a row of zeros."""

    initializer: Initializer
    row: int

    def sample(self, generator: np.random.Generator, shape: tuple[int, ...],
               fan: tuple[int, int]) -> Any:
        table = np.array(self.initializer.sample(generator, shape, fan))
        table[self.row] = 0
        return table


@dataclass(frozen=True)
class Embedding(Layer):
    """Looks numbers up in a trained table: ``y = table[x]``, zeros where x is `padding`.

    Gradient: ``d_table[r]`` is the sum of d_y over where x = r (zero for `padding`); d_x is zero.

    Arguments:
        vocabulary: number of rows of the table: x holds whole numbers from 0 to vocabulary - 1.
            At most 2^24, since x travels as floating-point numbers and float32 holds whole numbers
            exactly up to there.
        units: length of a row.
        padding: a number whose output is zero, or None. Its row begins as zeros, and stays as it is
            whatever optimizer, penalty, weight decay, clipping and constraint train the others: it
            counts in none of them.
        table_init: first values of the table; by default N(0, 1), as PyTorch's.
        name: the layer's name; by default ``embedding_1``, ...

    Shapes: (batch, steps) to (batch, steps, units), or any (batch, ...) to (batch, ..., units).
    ``table`` is (vocabulary, units): PyTorch's ``Embedding.weight``. (PyTorch puts out the row of
    ``padding_idx`` as it stands, zeros unless it was changed.)

    Raises:
        DataError: data with a number that is not whole or not of the table. Where other layers come
            before this one nobody can look beforehand: then such a number's output is NaN.

    Source: Bengio, Ducharme, Vincent and Jauvin 2003, "A neural probabilistic language model",
    section 2.

    Example:
        >>> arrays = {"table": np.array([[1.0, 2.0], [3.0, 4.0]])}
        >>> y, _ = Embedding(2, 2).forward(np.array([[1.0, 0.0]]), arrays, Run(training=True))
        >>> y
        array([[[3., 4.],
                [1., 2.]]])
    """

    vocabulary: int
    units: int
    padding: int | None = None
    table_init: Initializer = field(default_factory=Normal)
    name: str | None = None

    kernel: ClassVar[str | None] = "embedding"
    reads_indices: ClassVar[bool] = True

    def __post_init__(self) -> None:
        rule = f"vocabulary must be from 1 to 2^24 = {_LARGEST}"
        expect(1 <= self.vocabulary <= _LARGEST, self, rule, self.vocabulary)
        expect(self.units >= 1, self, "units must be at least 1", self.units)
        if self.padding is not None:
            rule = f"padding must be one of the table's numbers, 0 to {self.vocabulary - 1}"
            expect(0 <= self.padding < self.vocabulary, self, rule, self.padding)

    def check_values(self, x: ArrayLike, name: str) -> None:
        # NaN fails the comparisons too.
        bad = ~((x >= 0) & (x < self.vocabulary) & (np.floor(x) == x))
        if bad.any():
            place = tuple(int(i) for i in np.argwhere(bad)[0])
            raise DataError(
                f"Embedding '{name}': expects whole numbers from 0 to {self.vocabulary - 1}, got "
                f"{x[place]:g} at {list(place)} ({int(bad.sum())} of {bad.size} do not fit): "
                "map the data to such numbers, or enlarge the vocabulary"
            )

    def output_shape(self, shape: Shape) -> Shape:
        return (*shape, self.units)

    def arrays(self, shape: Shape) -> dict[str, ArraySpec]:
        table = (self.vocabulary, self.units)
        first: Initializer = self.table_init
        if self.padding is not None:
            first = _Padded(first, self.padding)
        return {"table": ArraySpec(table, first, decays=True, fan=table, still_row=self.padding)}

    def numbers(self, shape: Shape) -> dict[str, float]:
        padding = -1 if self.padding is None else self.padding
        return {"vocabulary": self.vocabulary, "padding": padding}

    def forward(self, x: ArrayLike, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        self.check_values(x, run.layer)
        index = x.astype(np.int64)
        y = run.note("rows", arrays["table"][index], "table[x]")
        if self.padding is not None:
            counts = (index != self.padding)[..., None]
            y = run.note("y", run.xp.where(counts, y, 0), "rows, 0 where x is padding")
        return y, index

    def backward(self, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run) -> Gradients:
        d_table = run.xp.zeros_like(arrays["table"])
        np.add.at(d_table, saved.reshape(-1), d_y.reshape(-1, self.units))
        if self.padding is not None:
            d_table[self.padding] = 0
        d_table = run.note("d_table", d_table, "sum of d_y by row")
        return run.note("d_x", run.xp.zeros_like(d_y[..., 0]), "0"), {"table": d_table}


def index_reader(layer: Layer) -> Layer | None:
    """The layer that reads numbers of a network's own input as row numbers; None where none does.

    In front of it stands nothing but what hands numbers on as they are.
    """
    if isinstance(layer, Sequential):
        for part in layer.layers:
            found = index_reader(part)
            if found is not None or not _hands_on(part):
                return found
        return None
    if isinstance(layer, Container):
        return next(filter(None, map(index_reader, layer.parts)), None)
    return layer if layer.reads_indices else None


def _hands_on(layer: Layer) -> bool:
    if isinstance(layer, Sequential):
        return all(map(_hands_on, layer.layers))
    return layer.reshapes or layer.picks
