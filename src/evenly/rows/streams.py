"""Sources that can only be read from front to back: what they are, and batches from any iterable.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..engine import Engine, as_array, as_weights
from ..errors import ConfigurationError, DataError, ShapeError
from ..given import no_numbers
from ..layers.base import Declared, Shape, expect
from .sources import READ_BYTES, rows_in, rows_not_finite


class Outline(NamedTuple):
    """What is known of a stream before it is read.

    Attributes:
        shape: of one example.
        rows: how many; None where only reading will tell.
        has_targets: whether targets come with the examples.
    """

    shape: Shape
    rows: int | None
    has_targets: bool


class Piece(NamedTuple):
    """Some rows of a stream, in its order: arrays, prepared or as they came.

    Attributes:
        x, y, weights: y and weights may be None.
        place: where they come from, in words.
    """

    x: Any
    y: Any
    weights: Any
    place: str = ""

    def part(self, at: Any) -> Piece:
        """Some of the rows."""
        own = None if self.weights is None else self.weights[at]
        return Piece(self.x[at], None if self.y is None else self.y[at], own, self.place)


class Stream(Declared):
    """Base of the sources that are read from front to back, anew in every epoch."""

    @abstractmethod
    def outline(self) -> Outline:
        """Looks at the source without reading it whole."""

    @abstractmethod
    def pieces(self) -> Iterator[Piece]:
        """Reads from the beginning. The numbers are finite."""

    def mixed(self, random: np.random.Generator) -> Iterator[Piece]:
        """Reads for one epoch of a training that shuffles: in another order where the source has
        parts that can be read in any, else as it lies."""
        return self.pieces()


@dataclass(frozen=True)
class Batches(Stream):
    """Rows from anything that gives batches one after the other: a loader of your own, a database,
    a generator function.

    The sizes of the batches do not matter: :func:`evenly.fit` makes steps of its own ``batch``.
    Iterated over anew in every epoch, in a thread of its own; and once before, for the first batch
    alone, which tells the shape of an example.

    Arguments:
        source: a function that returns a new iterator at each call, or an object that gives a new
            one each time it is iterated over, such as a list. Items are ``(x, y)`` or
            ``(x, y, sample_weight)``, arrays with as many rows; all of one type and width. Rows of
            weight 0 are left out.
        rows: of one epoch. None where it is not known: then no schedule can count in steps.

    Raises:
        ConfigurationError: a generator or another iterator that can be used only once.
        DataError: while reading, for items that do not fit, with the number of the item.

    Example:
        >>> import evenly as ev
        >>> from evenly.rows import Batches
        >>> def draws():
        ...     rng = np.random.default_rng(0)
        ...     for _ in range(20):
        ...         x = rng.standard_normal((50, 3))
        ...         yield x, x[:, 0] > 0
        >>> net = ev.Sequential([ev.Dense(2)])
        >>> model = ev.fit(net, Batches(draws), loss=ev.SoftmaxCrossEntropy(), epochs=5)
        >>> model.history[-1].steps
        32
    """

    source: Callable[[], Iterable[Any]] | Iterable[Any]
    rows: int | None = None

    def __post_init__(self) -> None:
        whole = isinstance(self.rows, int) and not isinstance(self.rows, bool) and self.rows > 0
        expect(self.rows is None or whole, self, "rows must be a whole number >= 1, or None",
               self.rows)
        if isinstance(self.source, Iterator):
            raise ConfigurationError(
                f"Batches: got a {type(self.source).__name__}, which can be read only once, and "
                "every epoch reads anew: give the function that makes it, without calling it"
            )
        usable = callable(self.source) or isinstance(self.source, Iterable)
        expect(usable, self, "source must be an iterable, or a function that returns one",
               self.source)

    def outline(self) -> Outline:
        items = self._open()
        try:
            first = _parts_of(next(items, None), 0)
        finally:
            _close(items)
        return Outline(first.x.shape[1:], self.rows, True)

    def pieces(self) -> Iterator[Piece]:
        items = self._open()
        first, count, number = None, 0, -1
        try:
            while True:
                try:
                    item = next(items)
                except StopIteration:
                    break
                except Exception as error:
                    error.add_note(f"while reading item {number + 1} of Batches")
                    raise
                number += 1
                piece = _parts_of(item, number)
                first = first or piece.part(slice(0))
                _same_kind(first, piece)
                count += len(piece.x)
                if self.rows is not None and count > self.rows:
                    raise self._wrong_count(f"at least {count}, with {piece.place}")
                yield piece
        finally:
            _close(items)
        if not count:
            raise DataError(
                "Batches: no rows: a source that can be read only once gives none in the second "
                "pass"
            )
        if self.rows is not None and count < self.rows:
            raise self._wrong_count(str(count))

    def _open(self) -> Iterator[Any]:
        made = self.source() if callable(self.source) else self.source
        if not isinstance(made, Iterable):
            raise ConfigurationError(
                f"Batches: the function must return an iterable of (x, y), got {made!r}"
            )
        items = iter(made)
        if not callable(self.source) and items is made:
            raise ConfigurationError(
                f"Batches: {type(made).__name__} is its own iterator, so it can be read only once, "
                "and every epoch reads anew: give a function that makes it"
            )
        return items

    def _wrong_count(self, came: str) -> DataError:
        return DataError(f"Batches: rows={self.rows} was promised, and there are {came}: "
                         "give the number that one pass has, or rows=None")


def _close(items: Any) -> None:
    close = getattr(items, "close", None)  # of a generator: what it holds open is closed now
    if close is not None:
        close()


def _parts_of(item: Any, number: int) -> Piece:
    """An item of Batches, checked by itself."""
    where = f"Batches, item {number}"
    if item is None and number == 0:
        raise DataError(
            "Batches: no items: a source that can be read only once gives none in a second pass"
        )
    if not isinstance(item, (tuple, list)) or len(item) not in (2, 3):
        came = f"{len(item)} parts" if isinstance(item, (tuple, list)) else type(item).__name__
        raise DataError(f"{where}: expects (x, y) or (x, y, sample_weight), got {came}")
    x, y = as_array(item[0], f"{where}: x"), as_array(item[1], f"{where}: y")
    weights = as_array(item[2], f"{where}: sample_weight") if len(item) == 3 else None
    if x.dtype.kind not in "iubf":
        raise DataError(f"{where}: x must hold numbers, {no_numbers(x)}")
    if x.ndim < 2:
        raise DataError(f"{where}: x must hold numbers of shape (rows, features...), got {x.dtype} "
                        f"of shape {x.shape}")
    for name, part in (("y", y), ("sample_weight", weights)):
        if part is not None and (part.ndim == 0 or len(part) != len(x)):
            raise DataError(f"{where}: x has {len(x)} rows and {name} has shape {part.shape}: they "
                            "must be as many")
    bad = rows_not_finite(x)
    if bad.any():
        raise DataError(f"{where}: x holds NaN or infinity, first in its row {int(bad.argmax())}: "
                        "fill or leave out such rows")
    return Piece(x, y, weights, where)


def _same_kind(first: Piece, piece: Piece) -> None:
    """Raises DataError where an item is not like the first."""
    for name in ("x", "y", "weights"):
        a, b = getattr(first, name), getattr(piece, name)
        what = "sample_weight" if name == "weights" else name
        if (a is None) != (b is None):
            raise DataError(f"{piece.place}: has {'no ' if b is None else 'a '}{what}, other than "
                            "item 0: give it with all items or none")
        if a is not None and (a.dtype, a.shape[1:]) != (b.dtype, b.shape[1:]):
            raise DataError(
                f"{piece.place}: {what} has rows of {b.dtype} and shape {b.shape[1:]}, and those "
                f"of item 0 have {a.dtype} and {a.shape[1:]}: all items must be alike"
            )


def prepared(
    stream: Stream, engine: Engine, targets: bool = True, reading: Iterator[Piece] | None = None,
) -> Iterator[Piece]:
    """The rows of a stream as the kernels want them, in pieces of a few megabytes. With targets,
    those of weight 0 are left out.

    Arguments:
        stream: which.
        engine: whose program says how they want them.
        targets: whether they are needed.
        reading: its pieces, where not from front to back.
    """
    program = engine.program
    size = rows_in(READ_BYTES, program.input_shape, np.dtype(program.dtype).itemsize)
    reading = stream.pieces() if reading is None else reading
    try:
        for x, y, weights, place in reading:
            for start in range(0, len(x), size):
                at = slice(start, start + size)
                own = None if weights is None else weights[at]
                try:
                    rows = engine.rows(x[at])
                    part = Piece(rows, engine.targets(y[at]) if targets else None,
                                 _weights(engine, own, len(rows)), place)
                    if targets and part.weights is not None and not part.weights.all():
                        part = part.part(part.weights != 0)
                    if len(part.x):
                        yield part
                except (DataError, ShapeError) as error:
                    raise type(error)(f"{place}: {error}") from None
    finally:
        _close(reading)


def _weights(engine: Engine, weights: Any, rows: int) -> Any:
    """Sample weights of a part of the rows: here all may be 0."""
    if weights is not None and weights.shape == (rows,) and not np.any(weights):
        return np.zeros(rows, engine.program.dtype)
    return as_weights(engine.program.dtype, weights, rows)
