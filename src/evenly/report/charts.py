"""Charts of a study, as SVG for the inside of a page."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from evenly.study.records import EpochPoint, RunRecord, StudyRecord, VariantRecord

from .drawing import PAGE, PAPER, Look, bare, drawing, plain_log_ticks, svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BAND = 0.16

Pick = Callable[[EpochPoint], float | None]


def score_chart(study: StudyRecord, variant: VariantRecord) -> str:
    """The test score by epoch: the variant in colour against plain in grey.

    The line is the mean over seeds, the band reaches from the lowest seed to the highest.
    """
    with drawing(3.4, 2.15) as (figure, axes):
        _draw_score(axes, study, variant, PAGE)
        return svg(figure, f"Test {study.curve_scale.name} of {variant.name} by epoch")


def loss_chart(study: StudyRecord, variant: VariantRecord) -> str:
    """The loss by epoch on a log scale: training dashed, test solid."""
    with drawing(3.4, 2.15) as (figure, axes):
        _draw_loss(axes, study, variant, PAGE)
        return svg(figure, f"Training and test loss of {variant.name} by epoch")


def forest_chart(study: StudyRecord, width: float) -> str:
    """The paired differences from plain with their 95 % intervals, a line a variant.

    Args:
        study: the records.
        width: in inches, 100 CSS pixels each.
    """
    with drawing(width, _forest_height(study)) as (figure, axes):
        _draw_forest(axes, study, PAGE)
        return svg(figure, "Paired differences from plain with 95 % intervals", f"{width:g}-")


def figures(study: StudyRecord) -> list[Figure]:
    """The charts as Matplotlib figures: the differences, where there are any, then the curves."""
    from matplotlib.figure import Figure

    found = []
    if any(row.difference is not None for row in study.variants):
        figure = Figure(figsize=(8, _forest_height(study) + 0.4), layout="constrained")
        axes = figure.add_subplot()
        _draw_forest(axes, study, PAPER)
        scale = study.scale
        side = "left" if scale.lower_is_better else "right"
        unit = f", in {scale.difference_unit}" if scale.difference_unit else ""
        title = f"{scale.name} minus plain's{unit}: {side} of 0 is better"
        axes.set_title(title, loc="left", color=PAPER.muted, fontsize=10)
        found.append(figure)
    curves = Figure(figsize=(8, 2.3 * len(study.variants)), layout="constrained")
    grid = curves.subplots(len(study.variants), 2, squeeze=False)
    for variant, (left, right) in zip(study.variants, grid, strict=True):
        _draw_score(left, study, variant, PAPER)
        _draw_loss(right, study, variant, PAPER)
        left.set_title(f"{variant.name}: {left.get_title('left')}", loc="left",
                       color=PAPER.ink, fontsize=10)
    return [*found, curves]


def _draw_score(axes: Axes, study: StudyRecord, variant: VariantRecord, look: Look) -> None:
    scale = study.curve_scale
    factor = scale.factor
    plain = study.variants[0]
    if variant is not plain:
        _curve(axes, _of(study, plain), _test_score, look.plain, factor=factor)
    _curve(axes, _of(study, variant), _test_score, look.accent, factor=factor)
    low, high = _score_limits(study)
    axes.set_ylim(low * factor, high * factor)
    unit = f" ({scale.unit})" if scale.unit else ""
    _finish(axes, study, f"test {scale.name}{unit}", look)


def _draw_loss(axes: Axes, study: StudyRecord, variant: VariantRecord, look: Look) -> None:
    runs = _of(study, variant)
    _curve(axes, runs, lambda point: point.loss, look.muted, dashed=True)
    _curve(axes, runs, lambda point: point.test_loss, look.accent)
    limits = _loss_limits(study)
    if limits is not None:
        axes.set_yscale("log")
        axes.set_ylim(*limits)
        plain_log_ticks(axes.yaxis)
    _finish(axes, study, "loss", look)


def _forest_rows(study: StudyRecord) -> list[VariantRecord]:
    return [row for row in study.variants[1:] if row.difference is not None]


def _forest_height(study: StudyRecord) -> float:
    return 0.4 + 0.42 * len(_forest_rows(study))


def _draw_forest(axes: Axes, study: StudyRecord, look: Look) -> None:
    rows = _forest_rows(study)
    factor = study.scale.factor
    colours = {"helped": look.good, "hurt": look.bad}
    axes.axvline(0, color=look.muted, linewidth=1)
    for position, row in enumerate(reversed(rows)):
        difference = row.difference
        if difference is None:
            continue
        colour = colours.get(row.verdict, look.plain)
        ends = [difference.low * factor, difference.high * factor]
        axes.plot(ends, [position] * 2, color=colour, linewidth=2.5, solid_capstyle="round")
        axes.plot([difference.mean * factor], [position], "o", color=colour, markersize=7)
    axes.set_yticks(range(len(rows)), [row.name for row in reversed(rows)])
    axes.set_ylim(-0.6, len(rows) - 0.4)
    reach = max(
        [abs(end) for row in rows if (d := row.difference) for end in (d.low, d.high)],
        default=0.0,
    )
    reach = 1.08 * factor * (reach or 10.0 ** -(study.scale.digits + 1))
    axes.set_xlim(-reach, reach)
    axes.tick_params(axis="y", labelcolor=look.ink, length=0)
    axes.tick_params(axis="x", labelcolor=look.muted, color=look.rule)
    axes.grid(axis="x", color=look.rule, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)


def _test_score(point: EpochPoint) -> float | None:
    return point.test_score


def _of(study: StudyRecord, variant: VariantRecord) -> list[RunRecord]:
    return [run for run in study.runs if run.variant == variant.name]


def _by_epoch(runs: Sequence[RunRecord], pick: Pick) -> list[list[float]]:
    """The seeds' values of every epoch that at least one run has."""
    length = max((len(run.epochs) for run in runs), default=0)
    found = [
        [
            value
            for run in runs
            if len(run.epochs) > i
            and (value := pick(run.epochs[i])) is not None
            and math.isfinite(value)
        ]
        for i in range(length)
    ]
    return [values for values in found if values]


def _curve(
    axes: Axes,
    runs: Sequence[RunRecord],
    pick: Pick,
    colour: str,
    *,
    dashed: bool = False,
    factor: float = 1.0,
) -> None:
    columns = [[factor * value for value in values] for values in _by_epoch(runs, pick)]
    if not columns:
        return
    epochs = range(1, len(columns) + 1)
    means = [sum(values) / len(values) for values in columns]
    if len(runs) > 1:
        axes.fill_between(
            epochs,
            [min(v) for v in columns],
            [max(v) for v in columns],
            color=colour,
            alpha=BAND,
            linewidth=0,
        )
    # A single epoch is a point: a line through it could not be seen.
    marker = "o" if len(columns) == 1 else None
    axes.plot(
        epochs,
        means,
        color=colour,
        linewidth=1.8,
        marker=marker,
        linestyle="--" if dashed else "-",
    )


def _score_limits(study: StudyRecord) -> tuple[float, float]:
    """One range for all panels, from where most epochs lie: the first rise may start below it."""
    values = sorted(
        point.test_score
        for run in study.runs
        for point in run.epochs
        if point.test_score is not None and math.isfinite(point.test_score)
    )
    if not values:
        return 0.0, 1.0
    low, high = values[len(values) // 20], values[-1]
    margin = 0.06 * (high - low) or 0.01
    return low - margin, high + margin


def _loss_limits(study: StudyRecord) -> tuple[float, float] | None:
    """One range for all panels; None where a loss is not above zero and has no logarithm."""
    values = sorted(
        value
        for run in study.runs
        for point in run.epochs
        for value in (point.loss, point.test_loss)
        if value is not None and math.isfinite(value)
    )
    if not values or values[0] <= 0:
        return None
    # A run on its way to divergence would squeeze all others into a line.
    high = values[min(len(values) - 1, int(0.995 * len(values)))]
    return max(values[0] * 0.8, high * 1e-6), high * 1.3


def _finish(axes: Axes, study: StudyRecord, title: str, look: Look) -> None:
    from matplotlib.ticker import MaxNLocator

    longest = max((len(run.epochs) for run in study.runs), default=1)
    axes.set_xlim(1 if longest > 1 else 0.5, max(longest, 1.5))
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.set_title(title, loc="left", color=look.muted, fontsize=10)
    axes.set_xlabel("epoch", color=look.muted)
    bare(axes, look)
