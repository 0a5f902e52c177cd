"""The report of a search as one HTML page that opens offline and asks for nothing."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from evenly.search.records import SearchRecord, TrialRecord, said
from evenly.templating import beside, filled

from . import search_charts

ROOM = "evenly.report"

WIDE, NARROW = 9.6, 3.5
# Trials that the page lists; the others are counted.
MOST_TRIALS = 100


def render(record: SearchRecord) -> str:
    """The page as text."""
    from markupsafe import Markup

    style = beside(ROOM, "report.css", "fit.css")

    def drawn(svg: str | None) -> Any:
        return Markup(svg) if svg else None

    ranked = record.ranked()
    return filled(
        ROOM, "search.html.j2",
        record=record, style=Markup(style), banners=banners(record),
        history={"wide": drawn(search_charts.history_chart(record, WIDE)),
                 "narrow": drawn(search_charts.history_chart(record, NARROW))},
        importances={"wide": drawn(search_charts.importance_chart(record, WIDE)),
                     "narrow": drawn(search_charts.importance_chart(record, NARROW))},
        slices=[{"name": name, "range": words, "chart": drawn(chart)}
                for name, words in _ordered(record)
                if (chart := search_charts.slice_chart(record, name))],
        front=drawn(search_charts.front_chart(record)),
        front_rows=[_row(record, one) for number in record.front
                    for one in ranked if one.number == number],
        rows=[_row(record, one) for one in ranked[:MOST_TRIALS]],
        more=max(0, len(ranked) - MOST_TRIALS), names=[name for name, _ in record.space],
        failed=[one for one in record.trials if one.why][:MOST_TRIALS],
        facts=[("trials", record.told), *record.facts, ("took", f"{record.seconds:.1f} seconds")],
    )


def to_json(record: SearchRecord) -> str:
    """The record as JSON; a declaration is what its source says."""
    return json.dumps(dataclasses.asdict(record) | {
        "changed": {name: value if isinstance(value, (str, int, float, bool, tuple, type(None)))
                    else repr(value) for name, value in record.changed.items()},
    }, indent=1, ensure_ascii=False, default=repr) + "\n"


def banners(record: SearchRecord) -> list[str]:
    """What a reader must know before the numbers."""
    found = []
    if record.interrupted:
        found.append(f"Ended early by {record.why_ended}: {len(record.trials)} trials had ended.")
    if record.best == 0:
        found.append("Nothing that was tried is better than the estimator as it was given.")
    failed = record.count("failed")
    if failed:
        found.append(f"{failed} of {len(record.trials)} trials failed and have no score.")
    return found


def _ordered(record: SearchRecord) -> list[tuple[str, str]]:
    """The settings with their ranges, the most important first."""
    place = {name: number for number, name in enumerate(record.importances)}
    return sorted(record.space, key=lambda pair: place.get(pair[0], len(place)))


def _row(record: SearchRecord, one: TrialRecord) -> dict[str, Any]:
    return {
        "number": one.number, "is_best": one.number == record.best, "score": said(one.score),
        "seconds": f"{one.seconds:.2f}", "words": "as given" if one.number == 0 else "",
        "cells": [(name, said(one.settings.get(name))) for name, _ in record.space],
    }
