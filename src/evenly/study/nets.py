"""The networks that a study varies, as data: a new one is a row of `NETS`.

| net | reads | plain network |
|---|---|---|
| mlp | columns; images and sequences flattened | (Dense, ReLU) for each hidden width, Dense |
| cnn | images (height, width, channels) | two of (Conv2D, ReLU, MaxPool2D), as mlp behind them |
| lstm | sequences (steps, features) | LSTM of the hidden width, Dense |

Where variants put a normalization and dropout into them, each row says in words for the report.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import evenly as ev

Shape = tuple[int, ...]
Layers = tuple[Any, ...]

FILTERS = (16, 32)


@dataclass(frozen=True)
class Net:
    """A row of the table.

    Attributes:
        name: what `--net` calls it.
        title: what it is in words.
        expects: what its examples must be, in words; empty where it takes any.
        norm, dropout: where variants put normalization and dropout, in words.
        hidden: the hidden widths used where none are given.
        most_hidden: how many hidden widths it has at most.
        epochs: the epochs used where none are given.
        reads: the shape of an example, as the network reads it; None where it cannot.
        words: what an example of that shape is, in words.
        make: the layers, from that shape, hidden widths, outputs, normalization and dropout.
    """

    name: str
    title: str
    expects: str
    norm: str
    dropout: str
    hidden: tuple[int, ...]
    most_hidden: int | None
    epochs: int
    reads: Callable[[Shape], Shape | None]
    words: Callable[[Shape], str]
    make: Callable[[Shape, tuple[int, ...], int, Layers, Layers], list[Any]]


def _dense(
    shape: Shape, hidden: tuple[int, ...], outputs: int, norm: Layers, dropout: Layers
) -> list[Any]:
    layers: list[Any] = []
    for width in hidden:
        layers += [ev.Dense(width), *norm, ev.ReLU(), *dropout]
    return [*layers, ev.Dense(outputs)]


def _convolutions(
    shape: Shape, hidden: tuple[int, ...], outputs: int, norm: Layers, dropout: Layers
) -> list[Any]:
    layers: list[Any] = []
    smaller = min(shape[:2])
    for filters in FILTERS:
        layers += [ev.Conv2D(filters, 3, padding="same"), *norm, ev.ReLU()]
        if smaller >= 2:
            layers.append(ev.MaxPool2D(2))
            smaller //= 2
    return [*layers, ev.Flatten(), *_dense((), hidden, outputs, (), dropout)]


def _recurrent(
    shape: Shape, hidden: tuple[int, ...], outputs: int, norm: Layers, dropout: Layers
) -> list[Any]:
    return [ev.LSTM(hidden[0]), *norm, *dropout, ev.Dense(outputs)]


def _image(shape: Shape) -> Shape | None:
    """Images without an axis of channels have one channel."""
    return {2: (*shape, 1), 3: shape}.get(len(shape))


def _image_words(shape: Shape) -> str:
    height, width, channels = shape
    return f"images of {height} x {width} with {_count(channels, 'channel')}"


def _sequence_words(shape: Shape) -> str:
    steps, features = shape
    return f"sequences of {_count(steps, 'step')} with {_count(features, 'feature')}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' if number != 1 else ''}"


ROWS: tuple[Net, ...] = (
    Net(
        name="mlp",
        title="dense networks",
        expects="",
        norm="before each ReLU",
        dropout="after each ReLU",
        hidden=(128, 64),
        most_hidden=None,
        epochs=30,
        reads=lambda shape: shape,
        words=lambda shape: _count(shape[0], "column"),
        make=_dense,
    ),
    Net(
        name="cnn",
        title="convolutional networks",
        expects="images, x of shape (rows, height, width) or (rows, height, width, channels)",
        norm="before the ReLU of each convolution",
        dropout="after the ReLU of each dense layer",
        hidden=(64,),
        most_hidden=None,
        epochs=20,
        reads=_image,
        words=_image_words,
        make=_convolutions,
    ),
    Net(
        name="lstm",
        title="LSTM networks",
        expects="sequences, x of shape (rows, steps, features)",
        norm="behind the LSTM",
        dropout="before the last layer",
        hidden=(64,),
        most_hidden=1,
        epochs=20,
        reads=lambda shape: shape if len(shape) == 2 else None,
        words=_sequence_words,
        make=_recurrent,
    ),
)
NETS: dict[str, Net] = {row.name: row for row in ROWS}
