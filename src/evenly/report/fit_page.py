"""The report of a fit as one HTML page that opens offline and asks for nothing."""

from __future__ import annotations

from typing import Any

from evenly.explain.records import Confusion, Dependence, FitRecord
from evenly.study.records import Scale
from evenly.templating import beside, filled

from . import fit_charts

ROOM = "evenly.report"

WIDE, NARROW = 9.6, 3.5
NOTHING = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
# Columns of a large table that the page lists; the others are counted.
MOST_COLUMNS = 300
MOST_NOTES = 200


def render(record: FitRecord) -> str:
    """The page as text."""
    from markupsafe import Markup

    style = beside(ROOM, "report.css", "fit.css")

    def drawn(svg: str | None) -> Any:
        return Markup(svg) if svg else None

    scales, measure = dict(record.scales), record.scores.measure
    factor = record.importance_measure.factor
    is_classes = bool(record.scores.classes)
    return filled(
        ROOM, "fit.html.j2",
        record=record, scores=record.scores, style=Markup(style), headline=headline(record),
        about=about(record), banners=banners(record), scale=scales[measure],
        table=scores_table(record), columns=record.columns[:MOST_COLUMNS],
        more_columns=max(0, len(record.columns) - MOST_COLUMNS),
        notes=record.scores.notes[:MOST_NOTES],
        more_notes=max(0, len(record.scores.notes) - MOST_NOTES),
        curves=[drawn(c) for c in (
            fit_charts.loss_chart(record),
            fit_charts.score_chart(record, "accuracy" if is_classes else "R\N{SUPERSCRIPT TWO}"),
        ) if c],
        confusion=None if record.confusion is None else confusion_rows(record.confusion),
        residuals=[drawn(c) for c in (fit_charts.pairs_chart(record),
                                      fit_charts.residuals_chart(record)) if c],
        quantiles=_quantiles(record),
        wide=drawn(fit_charts.importance_chart(record, WIDE, factor)),
        narrow=drawn(fit_charts.importance_chart(record, NARROW, factor)),
        dependence=[_panel(record, one, place) for place, one in enumerate(record.dependence)],
        calibration=drawn(fit_charts.calibration_chart(record)),
        worst=record.worst, cells=[name for name, _ in record.worst[0].cells]
        if record.worst else [],
    )


def headline(record: FitRecord) -> str:
    """What it came to, in a sentence."""
    scores = record.scores
    part = "held_out" if scores.held_out_rows else "training"
    rows = scores.held_out_rows or scores.training_rows
    words = [f"'{scores.target}' is predicted with {_said(record, 0, part)} on {rows:,} "
             f"{record.part} rows"]
    others = [f"{line.words} has {_said(record, place, part)}"
              for place, line in enumerate(scores.lines) if place]
    return "; ".join([*words, *others]) + "."


def _said(record: FitRecord, place: int, part: str) -> str:
    scores = record.scores
    scale = dict(record.scales)[scores.measure]
    value = scores.lines[place].of(scores.measure, part)
    if value is None:
        return f"no {scale.name}"
    return f"{scale.name} {_number(scale, value)}{_unit(scale)}"


def about(record: FitRecord) -> str:
    """The rows in a sentence."""
    scores = record.scores
    what = f"one of {len(scores.classes)} classes" if scores.classes else "a number"
    if record.part == "given":
        return (f"{scores.table}: {scores.rows:,} rows; '{scores.target}' is {what}. Scores are "
                "taken without dropout.")
    out = (f"{scores.held_out_rows:,} were held out" if scores.held_out_rows else
           "none were held out, so that nothing here tells how new rows will do")
    return (f"{scores.table}: {scores.rows:,} rows; '{scores.target}' is {what}. "
            f"{scores.training_rows:,} rows trained, {out}. Scores are taken without dropout.")


def banners(record: FitRecord) -> list[str]:
    """What a reader must know before the numbers."""
    scores = record.scores
    scale = dict(record.scales)[scores.measure]
    found = []
    if not scores.held_out_rows:
        found.append("No rows were held out: all scores and pictures are of rows that the network "
                     "learned from.")
    part = "held_out" if scores.held_out_rows else "training"
    own = scores.lines[0].of(scores.measure, part)
    for line in scores.lines[1:]:
        other = line.of(scores.measure, part)
        if own is not None and other is not None and scale.sign * own <= scale.sign * other:
            found.append(f"The network is no better than {line.words}: "
                         f"{_number(scale, own)}{_unit(scale)} against "
                         f"{_number(scale, other)}{_unit(scale)}.")
    found += [f"{line.words}: {line.note}." for line in scores.lines if line.note]
    return found


def scores_table(record: FitRecord) -> dict[str, Any]:
    """A row for each measure, two columns for each who answers."""
    parts = [("held_out", "held out"), ("training", "training")]
    if record.part == "given":
        parts = [("held_out", "given rows")]
    if not record.scores.held_out_rows:
        parts = parts[1:]
    heads = [f"{line.name}, {word}" for line in record.scores.lines for _, word in parts]
    rows = []
    for name, scale in record.scales:
        cells = [line.of(name, part) for line in record.scores.lines for part, _ in parts]
        lower = "less is better" if scale.lower_is_better else ""
        rows.append({
            "name": f"{scale.name}{_unit(scale).replace(NBSP, ', ')}", "words": lower,
            "cells": list(zip(heads, [NOTHING if cell is None else _number(scale, cell)
                                      for cell in cells], strict=True)),
        })
    return {"heads": heads, "rows": rows}


NBSP = "\N{NO-BREAK SPACE}"


def _number(scale: Scale, value: float) -> str:
    return scale.value(value).replace("-", MINUS)


def _unit(scale: Scale) -> str:
    return f"{NBSP}{scale.unit}" if scale.unit else ""


def confusion_rows(found: Confusion) -> list[dict[str, Any]]:
    """The counts with how dark each cell is: its share of the true class."""
    rows = []
    for name, counts in zip(found.classes, found.counts, strict=True):
        total = sum(counts)
        cells = [{"of": other, "count": count, "right": other == name,
                  "shade": round(100 * count / total) if total else 0}
                 for other, count in zip(found.classes, counts, strict=True)]
        own = counts[found.classes.index(name)]
        rows.append({"name": name, "total": total, "cells": cells,
                     "found": f"{own / total:.0%}" if total else NOTHING})
    return rows


def _quantiles(record: FitRecord) -> str:
    if record.residuals is None:
        return ""
    said = dict(record.residuals.quantiles)
    inner, outer = (said[0.25], said[0.75]), (said[0.05], said[0.95])
    return (f"Half of the residuals lie between {inner[0]:.4g} and {inner[1]:.4g}, nine tenths "
            f"between {outer[0]:.4g} and {outer[1]:.4g}.").replace("-", MINUS)


def _panel(record: FitRecord, one: Dependence, place: int) -> dict[str, Any]:
    from markupsafe import Markup

    keys = [] if len(one.series) == 1 else [
        {"name": name, "place": 1 + number % 6} for number, name in enumerate(one.series)]
    what = f"probability of {one.series[0]}" if record.scores.classes else one.series[0]
    return {"name": one.column, "what": "probabilities" if keys else what, "series": keys,
            "chart": Markup(fit_charts.dependence_chart(record, one, str(place)))}
