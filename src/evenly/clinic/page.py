"""A diagnosis as one HTML page that opens offline and asks for nothing."""

from __future__ import annotations

from typing import Any

from ..doctor import Diagnosis, Finding
from ..records import TrainingRecord
from ..templating import beside, filled
from . import charts


def render(diagnosis: Diagnosis, name: str = "") -> str:
    """The page as text.

    Arguments:
        diagnosis: with the record that it was read off.
        name: of the training, for the title.
    """
    from markupsafe import Markup

    style = beside("evenly.report", "report.css") + beside("evenly.clinic", "doctor.css")
    record = diagnosis.record
    ailing = [f.layer for f in (*diagnosis.findings, *diagnosis.consequences) if f.layer]

    def drawn(svg: str | None) -> Any:
        return Markup(svg) if svg else None

    curves = [drawn(c) for c in (charts.loss_chart(record), charts.score_chart(record),
                                 charts.rate_chart(record)) if c]
    layers = [
        {"title": m.title, "about": m.about, "chart": drawn(chart)} for m in charts.MEASURES
        if (chart := charts.layer_chart(record, m, ailing))
    ]
    return filled(
        "evenly.clinic", "doctor.html.j2", style=Markup(style), name=name or "a training",
        diagnosis=diagnosis,
        findings=[{**_finding(record, finding, drawn), "by_hand": diagnosis.by_hand(number)}
                  for number, finding in enumerate(diagnosis.findings, 1)],
        consequences=list(dict.fromkeys(f.kind for f in diagnosis.consequences)),
        curves=curves, layers=layers, facts=facts(record), lead=_lead(diagnosis),
    )


def _lead(diagnosis: Diagnosis) -> str:
    looked = "; ".join(diagnosis.looked_at) or "nothing"
    return f"Looked at: {looked}."


def _finding(record: TrainingRecord, finding: Finding, drawn: Any) -> dict[str, Any]:
    when = ""
    if finding.steps is not None:
        first, last = finding.steps
        when = f"step {first}" if first == last else f"steps {first} to {last}"
    return {
        "kind": finding.kind, "layer": finding.layer, "when": when,
        "confidence": f"{finding.confidence:.0%}",
        "evidence": [e.text for e in finding.evidence], "why": finding.why,
        "source": finding.source, "exercise": finding.exercise,
        "cures": [c.text for c in finding.cures],
        "chart": drawn(charts.evidence_chart(record, finding)),
    }


def facts(record: TrainingRecord) -> list[tuple[str, str]]:
    """What was trained, in names and text."""
    found = [("source", record.source)]
    if record.network is not None:
        found.append(("network", f"{len(record.network.layers)} layers, "
                                 f"{record.network.parameters:,} parameters"))
    if record.loss is not None:
        found.append(("loss", record.loss.kind))
    if record.optimizer is not None:
        o = record.optimizer
        found.append(("optimizer", f"{o.kind}, learning rate {o.learning_rate:g}"
                      + (f", {o.schedule}" if o.schedule else "")
                      + (f", clipped ({o.clip})" if o.clip else "")
                      + (f", penalty {o.penalty}" if o.penalty else "")))
    if record.batch is not None:
        found.append(("batch", f"{record.batch} rows"))
    if record.data is not None:
        found.append(("rows", f"{record.data.rows} to train" + (
            f", {record.validation.rows} to validate" if record.validation is not None else "")))
    if record.epochs:
        found.append(("epochs", f"{len(record.epochs)}" + (
            f" (ended: {record.stopped})" if record.stopped else "")))
    if record.seconds:
        found.append(("took", f"{record.seconds:.1f} s; looking cost {record.probe_seconds:.2f} s "
                              "of processor time"))
    return found
