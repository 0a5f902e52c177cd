"""What each column adds to an answer: Shapley values, by the package shap.

The players are the table's columns, not the network's inputs: a cell is present, or it is that of
another row. In Python the package takes a model's own functions too: docs/tables-explain.md.

Source: Lundberg and Lee, "A unified approach to interpreting model predictions", NeurIPS (2017).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .answers import Answers

ROWS = 100
BACKGROUND = 50


def shapley(
    answers: Answers, columns: Sequence[str], *, rows: int = ROWS, background: int = BACKGROUND,
    seed: int = 0,
) -> dict[str, float]:
    """The mean size of each column's Shapley value over some rows.

    Of classes the values are of the probabilities, the sizes summed over the classes and halved: a
    probability that one class wins another loses.

    Arguments:
        answers: the model and the rows.
        columns: whose values are asked: all inputs of the model.
        rows: how many rows are explained.
        background: how many stand for absent cells.
        seed: of both.
    """
    import shap

    names = list(columns)
    some = answers.some(rows + background, seed)
    order = np.random.default_rng(seed).permutation(len(some))
    cut = max(1, min(background, len(some) // 2))
    # A feature's value is the row that its cell comes from.
    absent, asked = (np.repeat(part[:, None], len(names), axis=1)
                     for part in (order[:cut], order[cut:] if len(some) > 1 else order))

    def model(places: Any) -> Any:
        return some.exchanged(names, np.asarray(places).astype(np.int64))

    explainer = shap.Explainer(model, shap.maskers.Independent(absent, max_samples=cut), seed=seed,
                               algorithm="permutation")
    found = np.abs(explainer(asked, max_evals=max(500, 2 * len(names) + 1), silent=True).values)
    size = found.mean(axis=0)
    if size.ndim == 2:
        size = size.sum(axis=1) / 2
    return {name: float(value) for name, value in zip(names, size, strict=True)}
