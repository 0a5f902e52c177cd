"""Curves over a training."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from evenly.doctor.thresholds import LIMITS
from evenly.records import TrainingRecord
from evenly.records.network import KINDS
from evenly.report.drawing import ACCENT, BAD, INK, MUTED, PLAIN

from .runs import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Points = list[tuple[float, float]]
MOST_POINTS = 60


@dataclass(frozen=True)
class Line:
    """A curve.

    Attributes:
        name: for the key, "" for none.
        points: of it.
        colour, style, width: of it; style as Matplotlib names them.
    """

    name: str
    points: Points
    colour: str = ACCENT
    style: str = "-"
    width: float = 1.8


class View(Protocol):
    """Something of a training that is drawn, in the same way for both twins."""

    @property
    def title(self) -> str:
        """What it is."""

    def draw(self, axes: Axes, run: Run, twins: Sequence[Run]) -> list[Line]:
        """Draws it; returns what the key names.

        Arguments:
            axes: to draw on.
            run: the training.
            twins: both, for scales that suit both.
        """

    def words(self, run: Run) -> str:
        """The same for those who hear it."""


@dataclass(frozen=True)
class Curves:
    """Curves over the training.

    Attributes:
        title: what they are.
        lines: the curves of a training.
        axis: what runs to the right.
        limit: a threshold of the doctor's that is drawn; None: none.
        is_share: whether values are shares, so that the scale is that of shares.
    """

    title: str
    lines: Callable[[Run], list[Line]]
    axis: str = "epoch"
    limit: float | None = None
    is_share: bool = False

    def draw(self, axes: Axes, run: Run, twins: Sequence[Run]) -> list[Line]:
        values = [y for twin in twins for line in self._of(twin) for _, y in line.points]
        lines = self._of(run)
        above = [value for value in values if value > 0]
        is_log = not self.is_share and min(values) >= 0 and max(above) > 20 * min(above)
        if is_log:
            axes.set_yscale("log", nonpositive="clip")
            values = above
        # What is still far above on its way to divergence would squeeze all the rest.
        top = min(max(values), 1e6 * float(np.median(values))) if is_log else max(values)
        low = -0.04 if self.is_share else min(values)
        if is_log:
            low = max(low, 1e-6 * float(np.median(values)))
        if not is_log:
            margin = 0.06 * (top - low) or 0.1
            axes.set_ylim(min(low, 0) if self.is_share else low - margin,
                          max(top, 1.04) if self.is_share else top + margin)
        else:
            axes.set_ylim(low / 1.3, top * 1.3)
        for line in lines:
            marker = "o" if len(line.points) == 1 else None
            axes.plot(*zip(*line.points, strict=True), color=line.colour, linestyle=line.style,
                      linewidth=line.width, marker=marker, markersize=4,
                      alpha=1.0 if line.name else 0.7)
        ends = [x for twin in twins for line in self._of(twin) for x, _ in line.points]
        axes.set_xlim(min(ends), max(max(ends), min(ends) + 1))
        axes.set_xlabel(self.axis, color=MUTED)
        if self.limit is not None:
            axes.axhline(self.limit, color=BAD, linewidth=1.2, linestyle="--")
            lines.append(Line("the doctor's limit", [(0, self.limit)], BAD, "--"))
        return [line for line in lines if line.name]

    def _of(self, run: Run) -> list[Line]:
        return [line for line in self.lines(run) if line.points]

    def words(self, run: Run) -> str:
        told = [f"{line.name} from {short(line.points[0][1])} to {short(line.points[-1][1])}"
                for line in self._of(run) if line.name]
        return f"{self.title}: {', '.join(told)}"


def short(value: float) -> str:
    return f"{value:.2g}" if abs(value) < 1e4 else f"{value:.0e}"


def _epochs(record: TrainingRecord, value: Callable[[Any], float | None]) -> Points:
    told = [(float(epoch.epoch), value(epoch)) for epoch in record.epochs]
    points = [(x, float(y)) for x, y in told if y is not None and math.isfinite(y)]
    return points[:: max(1, len(points) // MOST_POINTS)]


def _flat(record: TrainingRecord, value: float | None) -> Points:
    if value is None or not record.epochs:
        return []
    return [(1.0, value), (float(max(2, len(record.epochs))), value)]


def _losses(run: Run) -> list[Line]:
    record = run.record
    constant = record.data.constant_loss if record.data is not None else None
    return [
        Line("a constant answer", _flat(record, constant), MUTED, ":", 1.4),
        Line("training", _epochs(record, lambda e: e.loss), PLAIN),
        Line("validation", _epochs(record, lambda e: e.validation_loss)),
        Line("weights that are kept", _kept(record), MUTED, "-.", 1.4),
    ]


def _kept(record: TrainingRecord) -> Points:
    """A line through the epoch whose weights early stopping kept."""
    losses = [epoch.loss for epoch in record.epochs]
    if record.best_epoch is None:
        return []
    return [(float(record.best_epoch), min(losses)), (float(record.best_epoch), max(losses))]


def _both_modes(run: Run) -> list[Line]:
    record = run.record
    return [
        Line("training", _epochs(record, lambda e: e.loss), PLAIN),
        Line("training rows, inferred", _epochs(record, lambda e: e.train_loss), INK, "--"),
        Line("validation", _epochs(record, lambda e: e.validation_loss)),
    ]


def _scores(run: Run) -> list[Line]:
    record, data = run.record, run.record.data
    assert data is not None
    return [
        Line("a constant answer", _flat(record, data.constant_score), MUTED, ":", 1.4),
        Line("training", _epochs(record, lambda e: e.train_score), PLAIN),
        Line("validation", _epochs(record, lambda e: e.validation_score)),
    ]


def _against_simple(run: Run) -> list[Line]:
    data = run.record.data
    assert data is not None
    return [
        *_scores(run)[1:],
        Line("a linear model", _flat(run.record, data.linear_score), MUTED, ":", 1.4),
        Line("nearest neighbour", _flat(run.record, data.neighbour_score), MUTED, "--", 1.4),
    ]


def _promised(run: Run) -> list[Line]:
    """The score that validation promises, and that of rows which nobody saw."""
    data = run.data
    answers = np.asarray(run.predict(data.judge_x))
    if data.task == "classes":
        true = float((answers.argmax(axis=1) == data.judge_y).mean())
    else:
        true = float(((answers[:, 0] > 0) == (data.judge_y > 0)).mean())
    return [*_scores(run)[1:], Line("rows never seen, at the end", _flat(run.record, true), BAD,
                                    "--", 1.4)]


LOSS = Curves("loss", _losses)
MODES = Curves("loss", _both_modes)
SCORE = Curves("score", _scores, is_share=True)
SIMPLE = Curves("score", _against_simple, is_share=True)
PROMISED = Curves("score", _promised, is_share=True)


def _norms(run: Run) -> list[Line]:
    return [
        Line("largest", _epochs(run.record, lambda e: e.largest_gradient_norm), PLAIN),
        Line("mean", _epochs(run.record, lambda e: e.gradient_norm)),
    ]


def _clipped(run: Run) -> list[Line]:
    limit = run.record.optimizer.clip_limit if run.record.optimizer is not None else None
    return [*_norms(run), Line("clipped at", _flat(run.record, limit), MUTED, "--", 1.4)]


NORMS = Curves("norm of the gradients", _norms)
CLIPPED = Curves("norm of the gradients", _clipped)
FIRST_STEPS = Curves(
    "loss of the first steps",
    lambda run: [Line("training", [(float(p.step), p.loss) for p in run.record.probes
                                   if math.isfinite(p.loss) and p.step <= 60])],
    axis="step")


def layers(field: str, title: str, limit: str | None = None, is_share: bool = False,
           kinds: tuple[str, ...] = KINDS) -> Curves:
    """A measure of all layers of some kinds over the steps."""

    def lines(run: Run) -> list[Line]:
        found: dict[str, Points] = {}
        net = run.record.network
        assert net is not None
        for probe in run.record.probes:
            for name, layer in probe.layers.items():
                value = getattr(layer, field)
                if net[name].kind in kinds and value is not None and \
                        math.isfinite(value) and (is_share or value > 0):
                    found.setdefault(name, []).append((float(probe.step), float(value)))
        shades = (PLAIN, ACCENT, INK, MUTED)
        every = max(1, max(map(len, found.values()), default=1) // MOST_POINTS)
        return [Line(name, points[::every], shades[place % 4], ("-", "--", "-.", ":")[place % 4])
                for place, (name, points) in enumerate(found.items())]

    return Curves(title, lines, "step", LIMITS[limit].value if limit else None, is_share)
