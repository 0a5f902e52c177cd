"""What a fit came to: scores on both parts, dropout off, beside the simplest answer and a linear
model that learn from the same rows and inputs."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from ..study.measures import default_measure, measure
from ..study.references import REFERENCES, Reference, reference_answers
from ..tables.records import FitScores, Scored
from .answers import Answers

# Of more rows and inputs a logistic regression takes minutes.
MOST_CELLS = 20_000_000


def score(
    training: Answers,
    held_out: Answers | None,
    inputs: Any,
    *,
    table: str = "",
    target: str = "",
    notes: tuple[str, ...] = (),
    sha256: str = "",
    stop: threading.Event | None = None,
) -> FitScores:
    """The scores of a fitted model and of what it must be better than.

    Arguments:
        training: the model, and the rows that it learned from.
        held_out: the rows that it did not see; None: there are none.
        inputs: makes of a frame what the network reads, (rows, inputs), as a linear model needs it.
        table, target, notes, sha256: as :class:`evenly.tables.records.FitScores` keeps them.
        stop: ends the linear model early; its line is left out then.
    """
    parts = [training] if held_out is None else [training, held_out]
    own = [answers.measured() for answers in parts]
    lines = [Scored("network", "the network", own[0], own[1] if len(own) > 1 else ())]
    chosen, few = _learned(training, inputs)
    for reference in REFERENCES:
        line = _line(reference, chosen, parts, inputs, few, stop or threading.Event())
        if line is not None:
            lines.append(line)
    return FitScores(
        table=table, target=target, task=training.task, classes=training.classes,
        rows=sum(map(len, parts)), training_rows=len(training),
        held_out_rows=0 if held_out is None else len(held_out), lines=tuple(lines),
        measure=default_measure(training.task).name, notes=notes, sha256=sha256,
    )


def _learned(training: Answers, inputs: Any) -> tuple[tuple[Any, Any], str]:
    """What the references learn from: (inputs, truth), and a note where it is some rows alone."""
    width = inputs(training.frame[:1]).shape[1]
    some = training.some(max(1000, MOST_CELLS // max(1, width)), 0)
    note = "" if len(some) == len(training) else f"fitted on {len(some):,} of the training rows"
    return (inputs(some.frame), some.codes), note


def _line(
    reference: Reference, learned: tuple[Any, Any], parts: list[Answers], inputs: Any, few: str,
    stop: threading.Event,
) -> Scored | None:
    x, y = learned
    classes = len(parts[0].classes)
    found = reference_answers(reference, x, y, [inputs(part.frame) for part in parts], classes,
                              stop)
    if found is None:
        return None
    answers, note = found
    own = [measure(part.task, part.codes, given)
           for part, given in zip(parts, answers, strict=True)]
    notes = [note] if note else []
    if few and reference.name == "linear":
        notes.append(few)
    return Scored(reference.name, _words(reference.name, parts[0].classes, y), own[0],
                  own[1] if len(own) > 1 else (), "; ".join(notes))


def _words(name: str, classes: tuple[str, ...], y: Any) -> str:
    if name == "linear":
        return "logistic regression" if classes else "ridge regression"
    if not classes:
        return "always the mean"
    return f"always '{classes[int(np.bincount(y).argmax())]}'"
