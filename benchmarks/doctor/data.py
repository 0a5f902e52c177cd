"""The data of the bank: small, offline, in three parts: to train on, to watch, to judge by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

TRAIN, WATCH, JUDGE = 240, 80, 400

# Never looked at while thresholds are chosen.
REPORT_ONLY = ("spirals", "surface", "peaks", "bars")


@dataclass(frozen=True, eq=False)
class Data:
    """Three parts of one data set.

    Attributes:
        name: of the data set.
        task: ``classes`` (class numbers), ``labels`` (0 or 1), ``numbers``.
        outputs: how many numbers a network answers with.
        x, y: to train on.
        watch_x, watch_y: validation data, that the doctor sees.
        judge_x, judge_y: what the truth is decided on; no training sees it.
        noisy: whether labels are partly chance, so that one can overfit.
        linear: whether a linear model is all that it needs.
    """

    name: str
    task: str
    outputs: int
    x: Any
    y: Any
    watch_x: Any
    watch_y: Any
    judge_x: Any
    judge_y: Any
    noisy: bool = False
    linear: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one example."""
        return tuple(self.x.shape[1:])

    @property
    def form(self) -> str:
        """``table``, ``sequence`` or ``image``."""
        return ("table", "sequence", "image")[len(self.shape) - 1]

    def inputs(self, change: Callable[[Any], Any]) -> Data:
        """The same data with all inputs changed alike."""
        x, watch, judge = (change(part).astype(np.float32)
                           for part in (self.x, self.watch_x, self.judge_x))
        return replace(self, x=x, watch_x=watch, judge_x=judge)

    def targets(self, change: Callable[[Any], Any]) -> Data:
        """The same data with all targets changed alike."""
        return replace(self, y=change(self.y), watch_y=change(self.watch_y),
                       judge_y=change(self.judge_y))


@lru_cache(maxsize=64)
def load(name: str) -> Data:
    """A data set by its name; inputs and numbers to learn are standardized by the training part."""
    make, options = SETS[name]
    generator = np.random.default_rng(sum(map(ord, name)))
    x, y = make(generator)
    task = options.get("task", "classes")
    order = generator.permutation(len(x))
    train = min(TRAIN, len(x) // 2)
    watch = min(WATCH, len(x) // 6)
    parts = np.split(order, [train, train + watch])
    parts[2] = parts[2][:JUDGE]
    axis = tuple(range(x.ndim - 1)) if x.ndim > 2 else 0
    fit = x[parts[0]]
    mean, deviation = fit.mean(axis=axis), fit.std(axis=axis)
    if options.get("scaled", True):
        x = (x - mean) / np.where(deviation > 1e-9, deviation, 1)
    if task == "numbers":
        y = (y - y[parts[0]].mean()) / y[parts[0]].std()
    outputs = int(y.max()) + 1 if task == "classes" else 1
    y = y.astype(np.float32 if task == "numbers" else np.int64)
    arrays = [array for part in parts for array in (x[part].astype(np.float32), y[part])]
    return Data(name, task, outputs, *arrays, noisy=options.get("noisy", False),
                linear=options.get("linear", False))


def _sklearn(name: str) -> Callable[[Any], tuple[Any, Any]]:
    def make(generator: Any) -> tuple[Any, Any]:
        from sklearn import datasets

        x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
        return x.astype(float), y

    return make


def _digits(shape: tuple[int, ...]) -> Callable[[Any], tuple[Any, Any]]:
    def make(generator: Any) -> tuple[Any, Any]:
        x, y = _sklearn("digits")(generator)
        return x.reshape(len(x), *shape) / 16, y

    return make


def _clusters(generator: Any, flips: float = 0.0) -> tuple[Any, Any]:
    """Three classes of two clusters each in ten columns."""
    centres = generator.standard_normal((6, 10)) * 1.6
    which = generator.integers(0, 6, 720)
    x = centres[which] + generator.standard_normal((720, 10))
    y = which % 3
    flipped = generator.random(720) < flips
    return x, np.where(flipped, generator.integers(0, 3, 720), y)


def _rings(generator: Any) -> tuple[Any, Any]:
    """Two rings around each other, and two columns that say nothing."""
    y = generator.integers(0, 2, 720)
    angle = generator.uniform(0, 2 * np.pi, 720)
    radius = 1 + y + 0.2 * generator.standard_normal(720)
    more = generator.standard_normal((720, 2))
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle), more]), y


def _moons(generator: Any) -> tuple[Any, Any]:
    """Two half moons that overlap."""
    y = generator.integers(0, 2, 720)
    angle = generator.uniform(0, np.pi, 720)
    x = np.column_stack([np.where(y, 1 - np.cos(angle), np.cos(angle)),
                         np.where(y, 0.5 - np.sin(angle), np.sin(angle))])
    more = generator.standard_normal((720, 4))
    return np.column_stack([x + 0.3 * generator.standard_normal(x.shape), more]), y


def _friedman(generator: Any) -> tuple[Any, Any]:
    """Friedman 1991, section 4.2, without the columns that say nothing."""
    x = generator.random((720, 5))
    y = (10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2 + 10 * x[:, 3]
         + 5 * x[:, 4])
    return x, y + 0.5 * generator.standard_normal(720)


def _straight(generator: Any) -> tuple[Any, Any]:
    x = generator.standard_normal((720, 8))
    return x, x @ generator.standard_normal(8) + 0.3 * generator.standard_normal(720)


def _sides(generator: Any) -> tuple[Any, Any]:
    """Two classes with a plane between them."""
    x = generator.standard_normal((720, 6))
    return x, (x @ generator.standard_normal(6) + 0.2 * generator.standard_normal(720) > 0) * 1


def _waves(generator: Any) -> tuple[Any, Any]:
    """Sine, sawtooth or square wave, of any phase and a little noise."""
    y = generator.integers(0, 3, 720)
    time = np.arange(20) / generator.uniform(5, 9, (720, 1)) + generator.random((720, 1))
    turn = time % 1
    shapes = np.stack([np.sin(2 * np.pi * time), 2 * turn - 1, np.where(turn < 0.5, 1.0, -1.0)])
    x = shapes[y, np.arange(720)] + 0.1 * generator.standard_normal((720, 20))
    return x[..., None], y


def _marked_sum(generator: Any) -> tuple[Any, Any]:
    """The sum of the two numbers of a sequence that are marked (Hochreiter and Schmidhuber 1997,
    experiment 4), of length 10."""
    x = np.zeros((720, 10, 2))
    x[..., 0] = generator.uniform(-1, 1, (720, 10))
    for row in x:
        row[generator.choice(10, 2, replace=False), 1] = 1
    return x, (x[..., 0] * x[..., 1]).sum(axis=1)


def _order(generator: Any) -> tuple[Any, Any]:
    """Which of two pulses comes first."""
    x = 0.1 * generator.standard_normal((720, 14, 2))
    y = generator.integers(0, 2, 720)
    for row, answer in zip(x, y, strict=True):
        first, second = sorted(generator.choice(12, 2, replace=False))
        row[first, answer] += 1.5
        row[second, 1 - answer] += 1.5
    return x, y


def _shapes(generator: Any) -> tuple[Any, Any]:
    """A cross or a square, anywhere in an image of 8 x 8, with noise."""
    x = 0.25 * generator.standard_normal((720, 8, 8, 1))
    y = generator.integers(0, 2, 720)
    cross = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]])
    square = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]])
    for image, answer in zip(x, y, strict=True):
        top, left = generator.integers(0, 6, 2)
        image[top:top + 3, left:left + 3, 0] += np.where(answer, square, cross)
    return x, y


def _stripes(generator: Any) -> tuple[Any, Any]:
    """Stripes that lie, stand, or run aslant, in an image of 8 x 8."""
    y = generator.integers(0, 4, 720)
    rows, columns = np.mgrid[:8, :8]
    direction = np.stack([rows, columns, rows + columns, rows - columns])[y]
    phase = generator.uniform(0, 2 * np.pi, (720, 1, 1))
    x = np.sin(direction * generator.uniform(1.2, 2.0, (720, 1, 1)) + phase)
    return (x + 0.4 * generator.standard_normal(x.shape))[..., None], y


def _spirals(generator: Any) -> tuple[Any, Any]:
    """Two spirals of one turn that wind around each other, and three columns that say nothing."""
    y = generator.integers(0, 2, 720)
    turn = generator.uniform(0.3, 1, 720)
    angle = 2 * np.pi * turn + np.pi * y
    x = np.column_stack([turn * np.cos(angle), turn * np.sin(angle)])
    more = generator.standard_normal((720, 3))
    return np.column_stack([x + 0.04 * generator.standard_normal(x.shape), 0.5 * more]), y


def _surface(generator: Any) -> tuple[Any, Any]:
    x = generator.uniform(-1, 1, (720, 6))
    y = np.sin(3 * x[:, 0]) + 2 * x[:, 1] * x[:, 2] + np.abs(x[:, 3]) + 0.5 * x[:, 4]
    return x, y + 0.1 * generator.standard_normal(720)


def _peaks(generator: Any) -> tuple[Any, Any]:
    """How many pulses a sequence has: one, two or three."""
    x = 0.2 * generator.standard_normal((720, 16, 1))
    y = generator.integers(0, 3, 720)
    for row, answer in zip(x, y, strict=True):
        row[generator.choice(8, answer + 1, replace=False) * 2, 0] += 2
    return x, y


def _bars(generator: Any) -> tuple[Any, Any]:
    """How many bars cross an image of 8 x 8, lying or standing: one, two or three."""
    x = 0.3 * generator.standard_normal((720, 8, 8, 1))
    y = generator.integers(0, 3, 720)
    for image, answer in zip(x, y, strict=True):
        for place in generator.choice(4, answer + 1, replace=False) * 2:
            if answer % 2:
                image[place, :, 0] += 1
            else:
                image[:, place, 0] += 1
    return x, y


SETS: dict[str, tuple[Callable[[Any], tuple[Any, Any]], dict[str, Any]]] = {
    "iris": (_sklearn("iris"), {"linear": True}),
    "wine": (_sklearn("wine"), {"linear": True}),
    "cancer": (_sklearn("breast_cancer"), {"task": "labels", "linear": True}),
    "diabetes": (_sklearn("diabetes"), {"task": "numbers", "noisy": True, "linear": True}),
    "digits": (_digits((64,)), {}),
    "digit images": (_digits((8, 8, 1)), {}),
    "digit rows": (_digits((8, 8)), {}),
    "clusters": (_clusters, {}),
    "flipped clusters": (lambda generator: _clusters(generator, 0.15), {"noisy": True}),
    "rings": (_rings, {"task": "labels"}),
    "moons": (_moons, {"task": "labels", "noisy": True}),
    "friedman": (_friedman, {"task": "numbers"}),
    "straight": (_straight, {"task": "numbers", "linear": True}),
    "sides": (_sides, {"task": "labels", "linear": True}),
    "waves": (_waves, {}),
    "marked sum": (_marked_sum, {"task": "numbers", "scaled": False}),
    "order": (_order, {"task": "labels"}),
    "shapes": (_shapes, {"task": "labels"}),
    "stripes": (_stripes, {}),
    "spirals": (_spirals, {"task": "labels"}),
    "surface": (_surface, {"task": "numbers"}),
    "peaks": (_peaks, {}),
    "bars": (_bars, {}),
}
