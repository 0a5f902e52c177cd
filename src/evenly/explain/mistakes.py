"""Where a model is wrong: the confusion of classes, the residuals of numbers, the worst rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .answers import Answers
from .records import Confusion, Residuals, WorstRow

MOST_CLASSES = 20
MOST_PAIRS = 400
BINS = 24
QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
WORST = 10
OTHERS = "(others)"


def confusion(answers: Answers, given: Any) -> Confusion:
    """How often which class was taken for which. Beyond 20 classes the rarest share one line.

    Arguments:
        answers: the rows, and what is true of them.
        given: (rows, classes): the probabilities that they got.
    """
    names, truth = list(answers.classes), answers.codes
    taken = answers.chosen(np.asarray(given))
    places = np.arange(len(names))
    if len(names) > MOST_CLASSES:
        often = np.argsort(-np.bincount(truth, minlength=len(names)), kind="stable")
        kept = np.sort(often[: MOST_CLASSES - 1])
        places = np.full(len(names), len(kept))
        places[kept] = np.arange(len(kept))
        names = [names[place] for place in kept] + [OTHERS]
    counts = np.zeros((len(names), len(names)), int)
    np.add.at(counts, (places[truth], places[taken]), 1)
    return Confusion(tuple(names), tuple(tuple(map(int, row)) for row in counts))


def residuals(answers: Answers, given: Any, seed: int = 0) -> Residuals:
    """Truth minus answer: quantiles, a histogram, and some pairs.

    Arguments:
        answers: the rows, and what is true of them.
        given: (rows,): the numbers that were answered.
        seed: of the pairs, where there are more than 400 rows.
    """
    truth, given = answers.codes, np.asarray(given)
    missed = truth - given
    ends = np.quantile(missed, [0.01, 0.99])
    reach = max(abs(ends[0]), abs(ends[1])) or 1.0
    edges = np.linspace(-reach, reach, BINS + 1)
    counts, _ = np.histogram(np.clip(missed, -reach, reach), edges)
    places = np.arange(len(truth))
    if len(truth) > MOST_PAIRS:
        places = np.random.default_rng(seed).choice(len(truth), MOST_PAIRS, replace=False)
    return Residuals(
        pairs=tuple((float(given[i]), float(truth[i])) for i in places),
        quantiles=tuple((share, float(np.quantile(missed, share))) for share in QUANTILES),
        edges=tuple(map(float, edges)), counts=tuple(map(int, counts)), rows=len(truth),
    )


def worst_rows(
    answers: Answers, given: Any, numbers: Any, columns: Sequence[str], most: int = WORST
) -> tuple[WorstRow, ...]:
    """The rows that the model is most wrong about, the worst first; none that it is right about.

    Arguments:
        answers: the rows, and what is true of them.
        given: what was answered.
        numbers: (rows,): the row of the table that each is, counted from 0.
        columns: whose cells are shown.
        most: how many rows.
    """
    given, truth = np.asarray(given), answers.codes
    if answers.task == "classification":
        chance = given[np.arange(len(truth)), truth]
        loss = -np.log(np.maximum(chance, np.finfo(np.float64).tiny))
        taken = answers.chosen(given)
        wrong = taken != truth
    else:
        loss = np.abs(truth - given)
        wrong = loss > 0
    order = np.argsort(-loss, kind="stable")
    found = []
    for place in order[wrong[order]][:most]:
        if answers.task == "classification":
            best = int(taken[place])
            said = f"{answers.classes[best]} ({given[place, best]:.0%})"
            true = answers.classes[truth[place]]
        else:
            said, true = f"{given[place]:.6g}", f"{truth[place]:.6g}"
        cells = answers.frame[int(place)].to_dicts()[0]
        found.append(WorstRow(
            row=int(numbers[place]) + 1, truth=true, answer=said, loss=float(loss[place]),
            cells=tuple((name, _written(cells[name])) for name in columns),
        ))
    return tuple(found)


def _written(cell: Any) -> str:
    if cell is None or cell != cell:
        return ""
    return f"{cell:g}" if isinstance(cell, float) else str(cell)
