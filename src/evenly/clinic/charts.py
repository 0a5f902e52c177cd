"""Charts of a diagnosis: curves over the training, and layers over time."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from ..doctor import Finding
from ..records import TrainingRecord
from ..report.drawing import ACCENT, BAD, INK, MUTED, PLAIN, bare, drawing, plain_log_ticks, svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Points = list[tuple[float, float]]
MOST_COLUMNS, MOST_LAYERS = 40, 40
# Measures whose limits are on their own scale; those of others compare layers with each other.
LIMITED = ("update_ratio", "dead_share", "saturated_share", "twin_share", "variance_gap",
           "unit_deviation")


@dataclass(frozen=True)
class Measure:
    """A measure of layers that is drawn over time.

    Attributes:
        field: of :class:`~evenly.records.LayerProbe`.
        title: what it is.
        about: how to read it, in a sentence.
        is_log: whether its size counts by powers of ten.
    """

    field: str
    title: str
    about: str
    is_log: bool


MEASURES = (
    Measure("deviation", "Activations", "Deviation of a layer's outputs. It should be of a like "
            "size in all layers, and neither fade nor grow from the first to the last.", True),
    Measure("output_gradient", "Gradients", "Size of the gradient on a layer's outputs. It should "
            "reach the first layers (top) much as it leaves the last.", True),
    Measure("update_ratio", "Updates", "A step's change of a kernel over the kernel. From 0.0001 "
            "to 0.01 is usual.", True),
    Measure("dead_share", "Dead units", "Share of units that were 0 for every row that was looked "
            "at.", False),
    Measure("saturated_share", "Saturated outputs", "Share of outputs at the flat ends of a "
            "sigmoid or tanh.", False),
)


def loss_chart(record: TrainingRecord, finding: Finding | None = None) -> str | None:
    """Training and validation loss by epoch; the steps of a finding are marked."""
    lines = [
        ("training", _epochs(record, "loss"), PLAIN, "-"),
        ("training, inference mode", _epochs(record, "train_loss"), MUTED, "--"),
        ("validation", _epochs(record, "validation_loss"), ACCENT, "-"),
    ]
    return _curves(record, lines, "loss", finding, is_loss=True)


def score_chart(record: TrainingRecord) -> str | None:
    """Training and validation score by epoch."""
    own = _epochs(record, "train_score")
    lines = [("training", own if len(own) > 1 else _epochs(record, "score"), PLAIN, "-"),
             ("validation", _epochs(record, "validation_score"), ACCENT, "-")]
    return _curves(record, lines, "score")


def rate_chart(record: TrainingRecord) -> str | None:
    """The norm of all gradients at each look."""
    points: Points = [(probe.step, probe.gradient_norm) for probe in record.probes
                      if probe.gradient_norm is not None and math.isfinite(probe.gradient_norm)
                      and probe.gradient_norm > 0]
    lines = [("gradient norm", points, ACCENT, "-")]
    return _curves(record, lines, "gradient norm", is_loss=True, axis="step")


def _curves(
    record: TrainingRecord, lines: Sequence[tuple[str, Points, str, str]], title: str,
    finding: Finding | None = None, *, is_loss: bool = False, axis: str = "epoch",
) -> str | None:
    lines = [line for line in lines if line[1]]
    if not lines:
        return None
    values = [y for _, points, _, _ in lines for _, y in points]
    with drawing(3.6, 2.5) as (figure, axes):
        for _, points, colour, style in lines:
            marker = "o" if len(points) == 1 else None
            axes.plot(*zip(*points, strict=True), color=colour, linewidth=1.9, linestyle=style,
                      marker=marker, markersize=4)
        if is_loss and min(values) > 0 and max(values) > 8 * min(values):
            axes.set_yscale("log")
            plain_log_ticks(axes.yaxis)
        if axis == "epoch":
            _mark(axes, record, finding)
        _finish(axes, title, axis, lines)
        return svg(figure, _told(title, axis, lines), f"{id(finding) if finding else ''}")


def _told(title: str, axis: str, lines: Sequence[tuple[str, Points, str, str]]) -> str:
    """The curves in words, for those who hear them."""
    parts = [f"{name} from {points[0][1]:.3g} to {points[-1][1]:.3g}"
             for name, points, _, _ in lines]
    return f"{title[0].upper()}{title[1:]} by {axis}: {'; '.join(parts)}"


def _mark(axes: Axes, record: TrainingRecord, finding: Finding | None) -> None:
    if finding is None or finding.steps is None or not record.epochs:
        return
    first, last = (_epoch_of(record, step) for step in finding.steps)
    if last > first and (first > 1 or last < len(record.epochs)):
        axes.axvspan(first, last, color=BAD, alpha=0.12, linewidth=0)
    elif last == first:
        axes.axvline(first, color=BAD, linewidth=1.4, linestyle=":")


def _epoch_of(record: TrainingRecord, step: int) -> int:
    over = 0
    for epoch in record.epochs:
        over += epoch.steps
        if step < over:
            return epoch.epoch
    return record.epochs[-1].epoch


def _epochs(record: TrainingRecord, field: str) -> Points:
    return [(epoch.epoch, float(value)) for epoch in record.epochs
            if (value := getattr(epoch, field)) is not None and math.isfinite(value)]


def evidence_chart(record: TrainingRecord, finding: Finding) -> str | None:
    """The series that a finding was read off, with the limit that it broke."""
    for evidence in finding.evidence:
        place, _, field = evidence.series.rpartition(".")
        if place == "epochs" and field in ("loss", "train_loss", "validation_loss"):
            return loss_chart(record, finding)
        if place.startswith("probes."):
            drawn = _series_chart(record, place[len("probes."):], field, evidence.limit, finding)
            if drawn is not None:
                return drawn
        if evidence.series == "probes.update_ratio":
            name = _fastest(record)
            drawn = name and _series_chart(record, name, field, evidence.limit, finding)
            if drawn:
                return drawn
    return None


def _fastest(record: TrainingRecord) -> str:
    """The layer whose updates are of the middle size."""
    typical = {}
    for name in _names(record):
        values = [y for _, y in _series(record, name, "update_ratio")]
        if values:
            typical[name] = statistics.median(values)
    ordered = sorted(typical, key=lambda name: typical[name])
    return ordered[len(ordered) // 2] if ordered else ""


def _series_chart(
    record: TrainingRecord, layer: str, field: str, limit: float | None, finding: Finding
) -> str | None:
    own = _series(record, layer, field)
    if not own:
        return None
    others = [points for name in _names(record)
              if name != layer and (points := _series(record, name, field))]
    title = f"{field.replace('_', ' ')} of {layer}"
    limit = limit if field in LIMITED else None
    with drawing(3.6, 2.5) as (figure, axes):
        for points in others:
            axes.plot(*zip(*points, strict=True), color=PLAIN, linewidth=1.0, alpha=0.6)
        axes.plot(*zip(*own, strict=True), color=ACCENT, linewidth=2.0,
                  marker="o" if len(own) == 1 else None)
        if limit is not None and limit > 0:
            axes.axhline(limit, color=BAD, linewidth=1.2, linestyle="--")
        values = [y for points in (own, *others) for _, y in points]
        values += [limit] if limit else []
        if min(values) > 0 and max(values) > 30 * min(values):
            axes.set_yscale("log")
            plain_log_ticks(axes.yaxis)
        named = [(layer, own, ACCENT, "-")]
        if others:
            named.append(("other layers", others[0], PLAIN, "-"))
        if limit:
            named.append(("limit", [(0, limit)], BAD, "--"))
        _finish(axes, title, "step", named)
        return svg(figure, f"{_told(title, 'step', named[:1])}; limit {limit:.3g}"
                   if limit else _told(title, "step", named[:1]), f"{id(finding)}")


def _series(record: TrainingRecord, name: str, field: str) -> Points:
    found = []
    for probe in record.probes:
        layer = probe.layers.get(name)
        value = getattr(layer, field, None) if layer is not None else None
        if value is not None and math.isfinite(value):
            found.append((float(probe.step), float(value)))
    return found


def _names(record: TrainingRecord) -> list[str]:
    if record.network is not None:
        names = [layer.name for layer in record.network.layers]
        seen = {name for probe in record.probes for name in probe.layers}
        return [name for name in names if name in seen] or sorted(seen)
    return list(dict.fromkeys(name for probe in record.probes for name in probe.layers))


def layer_chart(record: TrainingRecord, measure: Measure, ailing: Sequence[str] = ()) -> str | None:
    """A measure of all layers over time: a row a layer, the first on top, darker is more."""
    rows = [(name, points) for name in _names(record)
            if (points := _series(record, name, measure.field))][:MOST_LAYERS]
    if not rows or (not measure.is_log and not any(y for _, points in rows for _, y in points)):
        return None
    steps = sorted({x for _, points in rows for x, _ in points})
    columns = [steps[int(i * len(steps) / min(len(steps), MOST_COLUMNS))]
               for i in range(min(len(steps), MOST_COLUMNS))]
    sizes = [y for _, points in rows for _, y in points if y > 0] or [1.0]
    low, high = (_log(min(sizes)), _log(max(sizes))) if measure.is_log else (0.0, 1.0)
    # Less than a power of ten is no difference to be seen as one.
    low = min(low, high - 1.0) if measure.is_log else low
    from matplotlib.patches import Rectangle

    with drawing(3.6, 0.75 + 0.27 * len(rows)) as (figure, axes):
        for place, (name, points) in enumerate(rows):
            known = dict(points)
            for column, step in enumerate(columns):
                if step not in known:
                    continue
                value = known[step]
                share = ((_log(value) if value > 0 else low) - low) / (high - low) \
                    if measure.is_log else min(max(value, 0.0), 1.0)
                axes.add_patch(Rectangle((column, place), 1.02, 0.9, facecolor=ACCENT,
                                         alpha=0.06 + 0.94 * share, linewidth=0))
            axes.text(len(columns) + 0.02 * len(columns), place + 0.45, f"{points[-1][1]:.2g}",
                      va="center", color=INK if name in ailing else MUTED, fontsize=9)
        axes.set_xlim(0, len(columns))
        axes.set_ylim(len(rows), 0)
        labels = [f"\N{BLACK RIGHT-POINTING SMALL TRIANGLE} {name}" if name in ailing else name
                  for name, _ in rows]
        axes.set_yticks([place + 0.45 for place in range(len(rows))], labels)
        ticks = sorted({0, len(columns) // 2, len(columns) - 1})
        axes.set_xticks([tick + 0.5 for tick in ticks], [f"{columns[tick]:g}" for tick in ticks])
        axes.set_xlabel("step", color=MUTED)
        axes.set_title(_scale_title(measure, low, high), loc="left", color=MUTED, fontsize=9)
        axes.tick_params(length=0, labelcolor=MUTED)
        axes.tick_params(axis="y", labelcolor=INK, labelsize=9)
        for label, (name, _) in zip(axes.get_yticklabels(), rows, strict=True):
            label.set_color(BAD if name in ailing else INK)
        axes.spines[:].set_visible(False)
        parts = [f"{name} from {points[0][1]:.2g} to {points[-1][1]:.2g}" for name, points in rows]
        return svg(figure, f"{measure.title} by layer and step: {'; '.join(parts)}")


def _scale_title(measure: Measure, low: float, high: float) -> str:
    if measure.is_log:
        return f"light: {10**low:.1g}, dark: {10**high:.1g}; at the right the last"
    return "light: none, dark: all; at the right the last"


def _log(value: float) -> float:
    return math.log10(max(value, 1e-300))


def _finish(axes: Axes, title: str, axis: str,
            lines: Sequence[tuple[str, Points, str, str]]) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.set_title(title, loc="left", color=MUTED, fontsize=10)
    axes.set_xlabel(axis, color=MUTED)
    bare(axes)
    if len(lines) > 1:
        keys = [Line2D([], [], color=colour, ls=cast(Any, style), linewidth=1.9)
                for _, _, colour, style in lines]
        figure = axes.get_figure()
        assert figure is not None
        figure.legend(keys, [name for name, _, _, _ in lines], frameon=False, fontsize=9,
                      labelcolor=MUTED, loc="outside lower left", ncols=2, handlelength=1.6,
                      columnspacing=1.2)
