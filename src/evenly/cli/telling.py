"""What `fit`, `show`, `predict` and `explain` say of a network for a table, 80 columns wide."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from evenly.explain import ColumnLine, Dependence, FitRecord, Importance
    from evenly.tables.records import FitScores, Measured

# The measures that a terminal has room for.
SHOWN = {"classification": ("accuracy", "auc", "log-loss"), "regression": ("r2", "mae", "rmse")}
# Columns that are listed; the others are counted.
MOST_COLUMNS = 20
# Lines of a dependence on numbers or dates.
MOST_POINTS = 12
NOTHING = "\N{EN DASH}"


def console(error: bool = False) -> Console:
    """A terminal that colours nothing by itself."""
    return Console(highlight=False, stderr=error)


def plain_table(*titles: str, right: Iterable[str] = ()) -> Table:
    """A table without lines."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for title in titles:
        table.add_column(title, justify="right" if title in right else "left",
                         overflow="fold")
    return table


def columns_table(lines: Sequence[ColumnLine], most: int = MOST_COLUMNS) -> Table:
    """The columns that are inputs: what each was taken for, what it becomes, what it holds."""
    table = plain_table("column", "type", "missing", "values", "becomes", right=("missing",))
    inputs = [line for line in lines if not line.left_out]
    for line in inputs[:most]:
        table.add_row(line.name, line.type, f"{line.missing:,}" if line.missing else "",
                      _short(line.shown, 30), line.becomes)
    if len(inputs) > most:
        table.add_row(Text(f"and {len(inputs) - most:,} more", style="dim"))
    return table


def scores_table(scores: FitScores) -> Table:
    """Each who answers: on the held-out rows, and below on those of training."""
    from evenly.study.measures import BY_NAME

    names = SHOWN[scores.task]
    parts = [("held_out", "held out", scores.held_out_rows),
             ("training", "training", scores.training_rows)]
    table = plain_table("", *(BY_NAME[name].title for name in names),
                        right=[BY_NAME[name].title for name in names])
    scales = dict(scales_of(scores))
    for part, word, rows in parts:
        if not rows:
            continue
        table.add_row(Text(f"{word}, {rows:,} rows", style="dim"))
        for line in scores.lines:
            cells = [said(scales[name], line.of(name, part)) for name in names]
            table.add_row(f"  {line.words}", *cells,
                          style="" if line.name == "network" else "dim")
    return table


def scales_of(scores: FitScores) -> Any:
    """How each measure is written."""
    from evenly.explain.fits import scales

    return scales(scores)


def said(scale: Any, value: float | None) -> str:
    """A measure with its unit."""
    if value is None:
        return NOTHING
    return f"{scale.value(value)}{f' {scale.unit}' if scale.unit else ''}"


def worth_table(worth: Sequence[Importance], scale: Any, most: int = MOST_COLUMNS) -> Table:
    """What the columns are worth, the most important first."""
    unit = f" in {scale.difference_unit}" if scale.difference_unit else ""
    title = f"{scale.name} lost{unit}"
    table = plain_table("column", title, "", right=(title,))
    reach = max((one.mean for one in worth), default=0.0)
    for one in worth[:most]:
        number = f"{scale.signed(one.mean)} ±{scale.value(one.spread)}"
        table.add_row(one.column, number, bar(one.mean, reach))
    if len(worth) > most:
        table.add_row(Text(f"and {len(worth) - most:,} more", style="dim"))
    return table


def bar(value: float, reach: float, width: int = 24) -> str:
    """A bar of blocks, eighths of a block exact; nothing for what is not above 0."""
    if not value > 0 or not reach > 0:
        return ""
    eighths = round(8 * width * min(1.0, value / reach))
    return "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()


def measured_line(measured: Measured, task: str, rows: int) -> str:
    """The measures of some rows, in a line."""
    from evenly.study.measures import BY_NAME, scale_of

    parts = []
    for name, value in measured:
        if name in SHOWN[task] and value is not None:
            scale = scale_of(BY_NAME[name], [value], rows)
            parts.append(f"{scale.name} {said(scale, value)}")
    return ", ".join(parts) or "no measure is defined for them"


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"


def dependence_table(one: Dependence, is_classes: bool, width: int = 30) -> Table:
    """How answers change with a column: a line a value, a bar for the first series."""
    what = "p({})" if is_classes else "{}"
    heads = [what.format(name) for name in one.series]
    table = plain_table(one.column, *heads, "", right=(one.column, *heads))
    points = one.points
    if len(points) > MOST_POINTS and points[0].place is not None:
        last = len(points) - 1
        points = tuple(points[round(i * last / (MOST_POINTS - 1))] for i in range(MOST_POINTS))
    firsts = [point.answers[0] for point in points]
    # Bars of numbers begin at the smallest: what differs is to be seen.
    low = 0.0 if is_classes else min(firsts)
    reach = max(firsts) - low
    for point in points:
        table.add_row(point.value, *(f"{answer:.3f}" if is_classes else f"{answer:.5g}"
                                     for answer in point.answers),
                      bar(point.answers[0] - low, reach, width) if len(heads) == 1 else "")
    return table


def shapley_table(found: Mapping[str, float], record: FitRecord) -> Table:
    """The mean size of the Shapley values of each column."""
    title = "mean |Shapley value|"
    table = plain_table("column", title, "", right=(title,))
    reach = max(found.values(), default=0.0)
    for name, value in list(found.items())[:MOST_COLUMNS]:
        table.add_row(name, f"{value:.4g}", bar(value, reach))
    return table


def worst_table(record: FitRecord) -> Table:
    """The rows that the network is most wrong about."""
    names = [name for name, _ in record.worst[0].cells] if record.worst else []
    table = plain_table("row", "truth", "answer", *names[:4], right=("row",))
    for row in record.worst:
        table.add_row(str(row.row), row.truth, row.answer,
                      *(_short(cell, 20) for _, cell in row.cells[:4]))
    if not record.worst:
        table.add_row("", "none: every row is right")
    return table
