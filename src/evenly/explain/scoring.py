"""What a fit came to: scores on both parts, dropout off, beside the simplest answer and a linear
model that learn from the same rows and inputs."""

from __future__ import annotations

import threading
from dataclasses import replace
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
    width = max(1, inputs(training.frame[:1]).shape[1])
    few = [part.some(max(1000, MOST_CELLS // width), 0) for part in parts]
    x = [inputs(part.frame) for part in few]
    for reference in REFERENCES:
        line = _line(reference, few, x, stop or threading.Event())
        if line is not None:
            lines.append(line)
    if len(few[0]) < len(training):
        note = f"fitted on {len(few[0]):,} of the training rows"
        lines = [replace(line, note="; ".join(filter(None, (line.note, note))))
                 if line.name == "linear" else line for line in lines]
    return FitScores(
        table=table, target=target, task=training.task, classes=training.classes,
        rows=sum(map(len, parts)), training_rows=len(training),
        held_out_rows=0 if held_out is None else len(held_out), lines=tuple(lines),
        measure=default_measure(training.task).name, notes=notes, sha256=sha256,
    )


def _line(
    reference: Reference, parts: list[Answers], x: list[Any], stop: threading.Event
) -> Scored | None:
    """A reference that learns from the first of the parts; None where it was stopped."""
    first = parts[0]
    found = reference_answers(reference, x[0], first.codes, x, len(first.classes), stop)
    if found is None:
        return None
    answers, note = found
    own = [measure(part.task, part.codes, given)
           for part, given in zip(parts, answers, strict=True)]
    return Scored(reference.name, _words(reference.name, first.classes, first.codes), own[0],
                  own[1] if len(own) > 1 else (), note)


def _words(name: str, classes: tuple[str, ...], y: Any) -> str:
    if name == "linear":
        return "logistic regression" if classes else "ridge regression"
    if not classes:
        return "always the mean"
    return f"always '{classes[int(np.bincount(y).argmax())]}'"
