"""What is drawn of a training beside its curves."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

import evenly as ev
from evenly.doctor.findings.inputs import spread
from evenly.doctor.thresholds import LIMITS
from evenly.report.drawing import ACCENT, BAD, MUTED, PLAIN

from .curves import MOST_POINTS, Curves, Line, Points, short
from .runs import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Profile:
    """A measure from the first layer to the last, at the first look and at the last one.

    Attributes:
        field: of a layer's probe.
        title: what it is.
        kinds: of the layers that are drawn.
    """

    field: str
    title: str
    kinds: tuple[str, ...] = ("dense", "conv", "rnn", "lstm", "gru")

    def draw(self, axes: Axes, run: Run, twins: Sequence[Run]) -> list[Line]:
        values = [y for twin in twins for line in self._lines(twin) for _, y in line.points]
        axes.set_yscale("log")
        axes.set_ylim(min(values) / 2, max(values) * 2)
        lines = self._lines(run)
        for line in lines:
            axes.plot(*zip(*line.points, strict=True), color=line.colour, linestyle=line.style,
                      linewidth=line.width, marker="o", markersize=3.5)
        names = self._names(run)
        axes.set_xlim(-0.3, len(names) - 0.7)
        axes.set_xticks(range(len(names)), [str(place + 1) for place in range(len(names))])
        axes.set_xlabel("layer", color=MUTED)
        return lines

    def _names(self, run: Run) -> list[str]:
        net, first = run.record.network, run.record.probes[0].layers
        assert net is not None
        return [layer.name for layer in net.layers if layer.kind in self.kinds
                and layer.name in first and getattr(first[layer.name], self.field)]

    def _lines(self, run: Run) -> list[Line]:
        probes = run.record.probes
        chosen = [("first step", probes[0], PLAIN, "--"), ("last look", probes[-1], ACCENT, "-")]
        lines = []
        for name, probe, colour, style in chosen:
            points = [(float(place), float(value)) for place, layer in enumerate(self._names(run))
                      if layer in probe.layers
                      and (value := getattr(probe.layers[layer], self.field))]
            lines.append(Line(name, points, colour, style))
        return lines

    def words(self, run: Run) -> str:
        points = self._lines(run)[0].points
        return (f"{self.title} at the first step: {short(points[0][1])} at the first layer, "
                f"{short(points[-1][1])} at the last")


@dataclass(frozen=True)
class Columns:
    """The inputs' columns: a bar from the tenth to the ninetieth percent of a normal column of its
    middle and spread.

    Attributes:
        title: what it is.
        with_validation: whether those of validation stand beside.
    """

    title: str = "inputs, column by column"
    with_validation: bool = False
    most: int = 12

    def draw(self, axes: Axes, run: Run, twins: Sequence[Run]) -> list[Line]:
        reach = max(abs(end) for twin in twins for _, bars in self._parts(twin)
                    for bar in bars for end in bar)
        smallest = min((high - low for twin in twins for _, bars in self._parts(twin)
                        for low, high in bars if high > low), default=1.0)
        if reach > 30 * smallest:
            axes.set_yscale("symlog", linthresh=max(smallest, reach / 1e6))
        axes.set_ylim(-1.2 * reach, 1.2 * reach)
        keys = []
        for shift, (name, bars) in enumerate(self._parts(run)):
            colour = (ACCENT, BAD)[shift]
            for place, (low, high) in enumerate(bars):
                x = place + 0.32 * shift
                if high > low:
                    axes.plot([x, x], [low, high], color=colour, linewidth=4,
                              solid_capstyle="butt")
                else:
                    axes.plot([x], [low], color=colour, marker="_", markersize=6)
            keys.append(Line(name, [(0, 0)], colour, width=4))
        axes.set_xlim(-0.8, len(self._parts(run)[0][1]) - 0.2)
        axes.set_xlabel("column", color=MUTED)
        return keys if self.with_validation else []

    def _parts(self, run: Run) -> list[tuple[str, list[tuple[float, float]]]]:
        record = run.record
        parts = [("training", record.data)]
        if self.with_validation:
            parts.append(("validation", record.validation))
        told = []
        for name, data in parts:
            assert data is not None
            told.append((name, [(c.quartiles[1] - 1.28 * spread(c), c.quartiles[1]
                                 + 1.28 * spread(c)) for c in data.columns[: self.most]]))
        return told

    def words(self, run: Run) -> str:
        told = []
        for name, bars in self._parts(run):
            told.append(f"{name} columns reach from {short(min(low for low, _ in bars))} to "
                        f"{short(max(high for _, high in bars))}, "
                        f"{sum(low == high for low, high in bars)} of {len(bars)} are constant")
        return f"{self.title}: {'; '.join(told)}"


@dataclass(frozen=True)
class Answers:
    """Answers against targets, on validation rows."""

    title: str = "answer against target"
    most: int = 50

    def draw(self, axes: Axes, run: Run, twins: Sequence[Run]) -> list[Line]:
        points = self._points(run)
        every = [value for twin in twins for point in self._points(twin) for value in point]
        low, high = min(every), max(every)
        axes.plot([low, high], [low, high], color=MUTED, linewidth=1.2, linestyle=":")
        axes.plot(*zip(*points, strict=True), color=ACCENT, marker="o", markersize=2.6,
                  linestyle="none")
        axes.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))
        axes.set_xlabel("target", color=MUTED)
        return [Line("right answers", [(0, 0)], MUTED, ":", 1.2)]

    def _points(self, run: Run) -> Points:
        answers = np.asarray(run.predict(run.data.watch_x))[: self.most, 0]
        wanted = np.asarray(run.targets(run.data.watch_y)).reshape(len(run.data.watch_x), -1)
        return [(float(t), float(a)) for t, a in zip(wanted[: self.most, 0], answers, strict=True)]

    def words(self, run: Run) -> str:
        answers = [answer for _, answer in self._points(run)]
        wanted = [target for target, _ in self._points(run)]
        return (f"{self.title}: answers from {short(min(answers))} to {short(max(answers))}, "
                f"targets from {short(min(wanted))} to {short(max(wanted))}")


@dataclass(frozen=True)
class Bars:
    """Bars with names.

    Attributes:
        title: what they are.
        values: of a training: name and number.
        limit: a threshold that is drawn.
    """

    title: str
    values: Callable[[Run], list[tuple[str, float]]]
    limit: float | None = None

    def draw(self, axes: Axes, run: Run, twins: Sequence[Run]) -> list[Line]:
        told = self.values(run)
        every = [value for twin in twins for _, value in self.values(twin)]
        axes.bar(range(len(told)), [value for _, value in told], color=ACCENT, width=0.5)
        axes.axhline(0, color=MUTED, linewidth=1)
        axes.set_xticks(range(len(told)), [name for name, _ in told])
        axes.set_xlim(-0.8, len(told) - 0.2)
        axes.set_ylim(min(0.0, 1.2 * min(every)), 1.15 * max(1e-9, *every))
        if self.limit is None:
            return []
        axes.axhline(self.limit, color=BAD, linewidth=1.2, linestyle="--")
        return [Line("the doctor's limit", [(0, 0)], BAD, "--")]

    def words(self, run: Run) -> str:
        return f"{self.title}: " + ", ".join(
            f"{' '.join(name.split())}: {short(value)}" for name, value in self.values(run))


def _descent(run: Run) -> list[tuple[str, float]]:
    checks = run.record.checks
    assert checks is not None
    return [("a small step", float(checks.descent or 0.0))]


def _found(run: Run) -> list[tuple[str, float]]:
    """The share of each class's rows that is found, of rows that nobody saw."""
    data = run.data
    answers, right = np.asarray(run.predict(data.judge_x)), data.judge_y
    if data.task == "labels":
        told = (answers[:, 0] > 0) * 1
    else:
        told = np.rint(answers[:, 0]) if answers.shape[1] == 1 else answers.argmax(axis=1)
    shares = np.bincount(data.y, minlength=data.outputs) / len(data.y)
    return [(f"class {one}\n{shares[one]:.0%} of rows", float((told[right == one] == one).mean()))
            for one in np.unique(right)]


DESCENT = Bars("change of the loss over that foretold", _descent,
               LIMITS["descent"].value)
FOUND = Bars("share of each class that is found", _found)


@dataclass(frozen=True)
class Beside:
    """One row's score, with one and the other row beside it."""

    title: str = "the score of one row"
    neighbours: int = 12

    def draw(self, axes: Axes, run: Run, twins: Sequence[Run]) -> list[Line]:
        every = [y for twin in twins for _, y in self._points(twin)]
        margin = 0.1 * (max(every) - min(every)) or 0.1
        axes.set_ylim(min(every) - margin, max(every) + margin)
        axes.plot(*zip(*self._points(run), strict=True), color=ACCENT, marker="o", markersize=3.5,
                  linewidth=1.2)
        axes.set_xlabel("number of the rows beside it", color=MUTED)
        return []

    def _points(self, run: Run) -> Points:
        x = run.data.watch_x
        return [(float(place), float(np.asarray(
            run.predict(np.stack([x[0], x[place], x[place + 1]])))[0, 0]))
            for place in range(1, self.neighbours + 1)]

    def words(self, run: Run) -> str:
        scores = [score for _, score in self._points(run)]
        return f"{self.title}: {short(min(scores))} to {short(max(scores))}"


@dataclass(frozen=True)
class OneBatch:
    """The loss on one small batch, step by step, without dropout and penalty: can it be learned by
    heart?"""

    title: str = "loss on one batch"
    rows: int = 32
    steps: int = 300

    def draw(self, axes: Axes, run: Run, twins: Sequence[Run]) -> list[Line]:
        curves = Curves(self.title, self._lines, "step")
        return curves.draw(axes, run, twins)

    def _lines(self, run: Run) -> list[Line]:
        settings, data = run.settings, run.record.data
        try:
            model = ev.fit(settings.net, run.data.x[: self.rows],
                           run.targets(run.data.y[: self.rows]), loss=settings.loss,
                           optimizer=settings.optimizer, batch=self.rows, epochs=self.steps,
                           seed=0, threads=1, progress=False)
        except ev.errors.DivergenceError as error:
            model = error.model
        points = [(float(e.epoch), e.loss) for e in model.history if math.isfinite(e.loss)]
        chance = data.constant_loss if data is not None else None
        limit: Points = [] if chance is None else [(1.0, chance / 2), (self.steps, chance / 2)]
        return [Line("one batch alone", points[:: max(1, len(points) // MOST_POINTS)]),
                Line("the doctor's limit", limit, BAD, "--", 1.2)]

    def words(self, run: Run) -> str:
        return Curves(self.title, self._lines).words(run)
