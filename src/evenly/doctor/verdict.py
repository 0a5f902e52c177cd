"""Which findings stand, and in which order: causes before their consequences."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..records import TrainingRecord
from .finding import Finding
from .findings import KINDS, RULES
from .measures import Case

# What follows from almost anything that is wrong.
RESULTS = ("oscillation", "overfitting", "undertrained", "underfitting_capacity", "divergence",
           "cannot_memorize", "not_learning")
# What a network comes to that is fed, begun or moved wrongly.
FLOW = ("exploding_gradient", "saturation", "dead_relu", "vanishing_gradient")
STEPS = ("rate_too_high", "rate_too_low", "clipping_always")
FIT = ("dropout_too_strong", "over_regularized", "batch_norm_mismatch", "batch_too_small")

# Cause: what it explains. A finding that another one explains stands behind as a consequence.
EXPLAINS: Mapping[str, tuple[str, ...]] = {
    "class_imbalance": ("overfitting",),
    "inputs_constant": (*RESULTS, *FLOW, *STEPS, *FIT, "labels_corrupted", "class_imbalance",
                        "bad_init_scale", "inputs_not_scaled"),
    "labels_wrong_range": (*RESULTS, *FLOW, *STEPS, "loss_wrong", "output_activation_wrong"),
    "labels_corrupted": (*RESULTS, "class_imbalance", "vanishing_gradient",
                         "dead_relu", "missing_activations"),
    "rows_coupled": (*RESULTS, *FLOW, "rate_too_low"),
    "gradient_sign": (*RESULTS, *FLOW, *STEPS, "batch_norm_mismatch"),
    "loss_wrong": (*RESULTS, *FLOW, *STEPS, "output_activation_wrong", "targets_not_scaled"),
    "output_activation_wrong": (*RESULTS, *FLOW, *STEPS, "targets_not_scaled"),
    "inputs_scaled_twice": (*RESULTS, *FLOW, *STEPS, "bad_init_scale", "train_test_mismatch"),
    "inputs_not_scaled": (*RESULTS, *FLOW, *STEPS, *FIT, "bad_init_scale", "targets_not_scaled"),
    "targets_not_scaled": (*RESULTS, *FLOW, *STEPS, *FIT, "bad_init_scale"),
    "train_test_mismatch": ("overfitting", "batch_norm_mismatch"),
    "symmetric_init": (*RESULTS, *FLOW, "rate_too_low", "bad_init_scale", "missing_activations"),
    "bad_init_scale": (*RESULTS, *FLOW, *STEPS),
    "missing_activations": ("underfitting_capacity", "cannot_memorize", "not_learning"),
    "rate_too_high": (*RESULTS, *FLOW, "dropout_too_strong", "batch_norm_mismatch",
                      "batch_too_small", "class_imbalance"),
    "exploding_gradient": RESULTS,
    "batch_too_small": (*RESULTS, *FLOW, "batch_norm_mismatch"),
    "batch_norm_mismatch": RESULTS,
    "dropout_too_strong": (*RESULTS, "rate_too_low", "class_imbalance"),
    "over_regularized": (*RESULTS, *FLOW, "rate_too_high", "rate_too_low", "class_imbalance"),
    "clipping_always": (*RESULTS, "rate_too_low"),
    "saturation": (*RESULTS, "vanishing_gradient", "rate_too_low"),
    "dead_relu": (*RESULTS, "vanishing_gradient", "rate_too_low"),
    "vanishing_gradient": (*RESULTS, "rate_too_low"),
    "rate_too_low": ("undertrained", "underfitting_capacity", "cannot_memorize", "not_learning"),
    "underfitting_capacity": ("cannot_memorize", "not_learning", "undertrained"),
    "oscillation": ("undertrained", "divergence"),
    "undertrained": ("cannot_memorize", "not_learning"),
    "divergence": ("cannot_memorize", "not_learning"),
    "cannot_memorize": ("not_learning",),
}


def diagnose(record: TrainingRecord, limits: Mapping[str, float] | None = None) -> Diagnosis:
    """What ails a training, by its record.

    Arguments:
        record: of a training that is over, runs, or is about to begin; parts of it may be missing.
        limits: thresholds other than those of ``doctor/thresholds.py``, by name.

    Example:
        >>> from evenly.records import TrainingRecord
        >>> diagnose(TrainingRecord()).healthy
        True
    """
    case = Case(record, limits)
    found = [finding for rule in RULES for finding in rule(case)]
    explained = {kind for finding in found for kind in EXPLAINS.get(finding.kind, ())}
    stands = [f for f in found if f.by_itself or f.kind not in explained]
    return Diagnosis(tuple(sorted(stands, key=_place)),
                     tuple(f for f in found if f not in stands),
                     tuple(_looked_at(record)), record)


def _place(finding: Finding) -> int:
    return KINDS.index(finding.kind)


@dataclass(frozen=True)
class Diagnosis:
    """What the doctor says of a training. ``print`` shows it; empty findings mean healthy.

    Attributes:
        findings: what ails it, the first to be cured first.
        consequences: what was seen too and follows from those.
        looked_at: what of the training was there to be looked at.
        record: that it was read off.

    Example:
        >>> from evenly.records import TrainingRecord
        >>> print(diagnose(TrainingRecord()))
        Healthy, as far as can be seen.
        Looked at: nothing.
    """

    findings: tuple[Finding, ...] = ()
    consequences: tuple[Finding, ...] = ()
    looked_at: tuple[str, ...] = ()
    record: TrainingRecord = dataclasses.field(default_factory=TrainingRecord, repr=False)

    @property
    def healthy(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def __bool__(self) -> bool:
        """Always True: ask `healthy`."""
        return True

    @property
    def headline(self) -> str:
        """The verdict in a line."""
        if self.healthy:
            return "Healthy, as far as can be seen."
        names = [_named(finding) for finding in self.findings]
        if len(names) == 1:
            return f"One finding: {names[0]}."
        return f"{len(names)} findings, to be cured in this order: {', '.join(names)}."

    def __str__(self) -> str:
        lines = [self.headline]
        for number, finding in enumerate(self.findings, 1):
            lines += ["", f"{number}. {_named(finding)}{_when(finding)}"]
            lines += [f"   - {evidence.text}" for evidence in finding.evidence]
            lines += [f"   Why:  {finding.why}", f"   Cure: {finding.cure.text}",
                      f"   From: {finding.source}"]
            told = [f"evenly exercise {finding.exercise}"] if finding.exercise is not None else []
            told += [line for line in (self.by_hand(number),) if line]
            if told:
                lines.append(f"   By hand: {'; on your rows: '.join(told)}")
        if self.consequences:
            names = dict.fromkeys(finding.kind for finding in self.consequences)
            lines += ["", f"Seen too, and explained by that: {', '.join(names)}."]
        if not self.findings:
            lines.append(f"Looked at: {'; '.join(self.looked_at) or 'nothing'}.")
        return "\n".join(lines)

    def by_hand(self, number: int = 1) -> str:
        """The line of code that shows the layer that ails with its numbers, on rows of one's own;
        "" where the network is one that Evenly cannot run.

        Arguments:
            number: of the finding, as it is printed.
        """
        net = {"evenly": "model" if self.record.epochs or self.record.failed_at else "net",
               "torch": "ev.from_torch(module, input_shape)"}.get(self.record.source)
        if net is None or self.record.network is None:
            return ""
        loss = "" if net == "model" else ", loss=loss"
        which = "" if number == 1 else f", number={number}"
        return f"ev.see(diagnosis, {net}, x, y{loss}{which})"

    def to_json(self) -> str:
        """As JSON: the same as the text, with numbers."""
        told: dict[str, Any] = {
            "version": 1, "healthy": self.healthy, "headline": self.headline,
            "findings": [{**_plain(finding), "by_hand": self.by_hand(number)}
                         for number, finding in enumerate(self.findings, 1)],
            "consequences": [_plain(finding) for finding in self.consequences],
            "looked_at": list(self.looked_at),
        }
        return json.dumps(told, ensure_ascii=False, indent=2, allow_nan=False)

    def _repr_html_(self) -> str:
        from html import escape

        parts = [f"<p><strong>{escape(self.headline)}</strong></p>"]
        if self.findings:
            parts.append("<ol>")
            for number, finding in enumerate(self.findings, 1):
                seen = "".join(f"<li>{escape(e.text)}</li>" for e in finding.evidence)
                parts.append(
                    f"<li><strong>{escape(_named(finding))}</strong>{escape(_when(finding))}"
                    f"<ul>{seen}</ul><p>{escape(finding.why)}</p>"
                    f"<p><strong>Cure:</strong> {escape(finding.cure.text)}</p>"
                    f"<p><small>{escape(finding.source)}{_exercise(finding)}"
                    f"{_shown(self.by_hand(number))}</small></p></li>")
            parts.append("</ol>")
        else:
            parts.append(f"<p>Looked at: {escape('; '.join(self.looked_at) or 'nothing')}.</p>")
        return "".join(parts)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": self._repr_html_()}


def _exercise(finding: Finding) -> str:
    if finding.exercise is None:
        return ""
    return f". By hand: <code>evenly exercise {finding.exercise}</code>"


def _shown(line: str) -> str:
    return f". On your rows: <code>{line}</code>" if line else ""


def _named(finding: Finding) -> str:
    return finding.kind + (f" at {finding.layer}" if finding.layer else "")


def _when(finding: Finding) -> str:
    if finding.steps is None:
        return ""
    first, last = finding.steps
    return f" (step {first})" if first == last else f" (steps {first} to {last})"


def _plain(finding: Finding) -> dict[str, Any]:
    return {
        "kind": finding.kind, "layer": finding.layer,
        "steps": list(finding.steps) if finding.steps is not None else None,
        "confidence": finding.confidence,
        "evidence": [
            {"text": e.text, "value": _number(e.value), "limit": _number(e.limit),
             "series": e.series} for e in finding.evidence
        ],
        "why": finding.why, "source": finding.source, "exercise": finding.exercise,
        "cures": [{"text": c.text, "by_hand": c.change is None} for c in finding.cures],
    }


def _number(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None


def _looked_at(record: TrainingRecord) -> Sequence[str]:
    told = []
    if record.data is not None:
        told.append(f"inputs and targets of {record.data.rows} rows")
    if record.network is not None:
        told.append(f"a network of {len(record.network.layers)} layers")
    if record.loss is not None:
        told.append(f"the loss ({record.loss.kind})")
    if record.checks is not None:
        told.append("trials before training")
    if record.probes:
        layers = len(record.probes[-1].layers)
        told.append(f"{len(record.probes)} looks at {layers} layers")
    if record.epochs:
        held = any(e.validation_loss is not None for e in record.epochs)
        told.append(f"{len(record.epochs)} epochs" + (", with validation" if held else ""))
    return told
