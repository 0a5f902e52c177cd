"""The report as one HTML page that opens offline and asks for nothing."""

from __future__ import annotations

import re
from typing import Any

from evenly.study.records import Interval, StudyRecord, VariantRecord
from evenly.templating import beside, filled

from . import charts

ROOM = "evenly.report"

VERDICTS = {
    "baseline": "baseline",
    "helped": "helped",
    "hurt": "hurt",
    "unclear": "unclear",
    "diverged": "diverged",
    "untested": "not judged",
    "outdone": "above plain only",
    "reference": "reference",
}
STANDINGS = {
    "better": "better", "worse": "worse", "unclear": "unclear", "untested": "not judged",
}
NOTHING = "\N{EN DASH}"
WIDE, NARROW = 9.6, 3.5


def render(study: StudyRecord) -> str:
    """The page as text.

    Args:
        study: the records of a study.
    """
    from markupsafe import Markup

    style = beside(ROOM, "report.css")
    return filled(
        ROOM, "report.html.j2",
        study=study,
        headline=headline(study),
        style=Markup(style),
        about=about(study),
        banners=banners(study),
        rows=[_row(study, variant) for variant in (*study.references, *study.variants)],
        needed=_needed(study),
        forest=_forest(study),
        panels=[_panel(study, variant) for variant in study.variants],
        facts=facts(study),
    )


def headline(study: StudyRecord) -> Any:
    """The sentence as markup, with names that no line end breaks."""
    from markupsafe import Markup, escape

    text = str(escape(study.sentence))
    names = sorted((variant.name for variant in study.variants), key=len, reverse=True)
    pattern = r"(?<![\w+-])(" + "|".join(re.escape(name) for name in names) + r")(?![\w+-])"
    return Markup(re.sub(pattern, r"<span class='name'>\1</span>", text))


def about(study: StudyRecord) -> str:
    """Networks and table in a sentence."""
    data, title = study.data, study.net_title
    parts = data.parts or f"{data.train_rows} rows train, {data.test_rows} rows test."
    what = f"which of {len(data.classes)} classes" if data.classes else "the number that"
    return (
        f"{title[0].upper()}{title[1:]} ({study.net}) learn from {data.examples} of {data.name} "
        f"{what} '{data.target}' is. {parts} The score is {study.scale.name}"
        f"{': lower is better' if study.scale.lower_is_better else ''}. "
        f"Plain is the network without normalization and regularization; the others add to it."
    )


def banners(study: StudyRecord) -> list[str]:
    """What a reader must know before the numbers: an early end, divergence, a single seed."""
    found = []
    if study.interrupted:
        found.append(
            f"Stopped early: {len(study.runs)} of {study.runs_asked} runs had finished. "
            "The others are left out."
        )
    broken = [run for run in study.runs if run.diverged]
    if broken:
        found.append(
            f"{len(broken)} of {len(study.runs)} runs diverged and have no scores. "
            f"The first: {broken[0].variant}, seed {broken[0].seed}: {broken[0].diverged}"
        )
    for name, note in dict.fromkeys((r.variant, r.note) for r in study.reference_runs if r.note):
        found.append(f"{name}: {note}.")
    if study.seeds == 1:
        found.append("One seed: there are no intervals, and no difference can be judged.")
    return found


def facts(study: StudyRecord) -> list[tuple[str, str]]:
    """Data, settings and versions, as names and text."""
    data = study.data
    columns = f"{data.number_columns} of numbers, {data.text_columns} of text"
    found = [
        ("data", data.name),
        ("target", f"{data.target} ({data.task}: {data.task_reason})"),
        ("rows", f"{data.rows}. {data.parts}" if data.parts else
         f"{data.rows}: {data.train_rows} to train, {data.test_rows} to test"),
        ("columns", f"{columns}; {data.inputs} inputs to the network; {data.gaps} gaps"),
        ("examples", data.examples),
        *study.settings,
        *study.versions,
        ("started", study.started),
        ("took", f"{study.seconds:.1f} seconds"),
    ]
    if data.sha256:
        found.insert(1, ("SHA-256", data.sha256))
    return found


def _row(study: StudyRecord, variant: VariantRecord) -> dict[str, Any]:
    scale = study.scale
    return {
        "name": variant.name,
        "words": variant.adds if variant.verdict == "reference" else "",
        "verdict": variant.verdict,
        "verdict_text": _verdict(variant),
        "test": _minus(scale.interval(variant.test)) if variant.test else "none",
        "difference": _difference(study, variant.difference, variant.verdict == "baseline"),
        "p": NOTHING if variant.verdict == "reference" else _p(variant.p_holm),
        "gap": _minus(scale.signed(variant.gap)) if variant.gap is not None else "none",
        "epochs": _epochs(variant),
        "seconds": f"{variant.seconds:.2f}" if variant.seconds is not None else "none",
        "runs": variant.finished,
    }


def _verdict(variant: VariantRecord) -> str:
    # The interval beside it says otherwise: why it does not count stands in the same cell.
    return "unclear after Holm" if variant.alone else VERDICTS[variant.verdict]


def _needed(study: StudyRecord) -> list[dict[str, Any]]:
    """Each network beside each reference."""
    return [
        {
            "name": variant.name,
            "cells": [
                {
                    "reference": line.name,
                    "difference": _difference(study, found.difference, False),
                    "p": _p(found.p_holm),
                    "standing": found.standing,
                    "standing_text": STANDINGS[found.standing],
                }
                for line in study.references
                for found in variant.against
                if found.reference == line.name
            ],
        }
        for variant in study.variants
        if variant.against and variant.test is not None
    ]


def _difference(study: StudyRecord, difference: Interval | None, is_plain: bool) -> str:
    if difference is None:
        return NOTHING if is_plain else "none"
    return _minus(study.scale.difference(difference))


def _minus(number: str) -> str:
    return number.replace("-", "\N{MINUS SIGN}")


def _p(value: float | None) -> str:
    if value is None:
        return NOTHING
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _epochs(variant: VariantRecord) -> str:
    if variant.verdict == "reference":
        return NOTHING
    if variant.target_epochs is None:
        return "not reached" if variant.finished else "none"
    text = f"{variant.target_epochs:g}"
    if variant.target_reached < variant.finished:
        text += f" ({variant.target_reached} of {variant.finished} seeds)"
    return text


def _forest(study: StudyRecord) -> dict[str, Any] | None:
    from markupsafe import Markup

    if not any(variant.difference for variant in study.variants):
        return None
    wide, narrow = (charts.forest_chart(study, width) for width in (WIDE, NARROW))
    return {"wide": Markup(wide), "narrow": Markup(narrow)}


def _panel(study: StudyRecord, variant: VariantRecord) -> dict[str, Any]:
    from markupsafe import Markup

    return {
        "name": variant.name,
        "adds": variant.adds,
        "network": variant.network,
        "verdict": variant.verdict,
        "verdict_text": _verdict(variant),
        "score": Markup(charts.score_chart(study, variant)),
        "loss": Markup(charts.loss_chart(study, variant)),
    }
