"""What a column is worth: by how much a measure is worse when the column's cells are shuffled.

A column that says what another one says as well seems worth little, since the other stays. What is
worth nothing is about 0, to either side.

Source: L. Breiman, "Random forests", Machine Learning 45, 5-32 (2001); Fisher, Rudin and Dominici,
"All models are wrong, but many are useful", Journal of Machine Learning Research 20 (2019).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import DataError
from .answers import Answers
from .records import Importance

REPEATS = 5
# Rows that are asked at most: beyond them the spread over repeats hardly shrinks.
MOST_ROWS = 5000
# Cells that are read anew at most, so that a table of thousands of columns ends in minutes.
MOST_CELLS = 500_000_000
FEWEST_ROWS = 200


def importance(
    answers: Answers,
    columns: Sequence[str],
    *,
    measure: str | None = None,
    repeats: int = REPEATS,
    seed: int = 0,
    on_column: Callable[[str], None] | None = None,
) -> tuple[Importance, ...]:
    """What each column is worth, the most important first.

    Arguments:
        answers: the model, and rows that it has not learned from.
        columns: whose worth is asked.
        measure: a name of `evenly.study.MEASURES`; None: accuracy or R².
        repeats: how often each column is shuffled.
        seed: of the shuffling, and of the rows where there are more than 5000.
        on_column: hears of each column that is done.

    Raises:
        DataError: a measure that is not defined for these rows.
    """
    from sklearn.inspection import permutation_importance

    width = max(1, len(answers.frame.columns))
    most = max(FEWEST_ROWS, MOST_CELLS // (width * max(1, len(columns)) * (repeats + 1)))
    answers = answers.some(min(MOST_ROWS, most), seed)
    row = answers.measure(measure)
    places = np.arange(len(answers))[:, None]

    def lost(shuffled: _Shuffled, rows: Any, truth: Any) -> float:
        found = answers.find(row, shuffled.predict(rows))
        if found is None:
            raise DataError(f"{row.name}: is not defined for these rows: take another measure")
        return -found if row.lower_is_better else found

    worth = []
    for name in columns:
        found = permutation_importance(_Shuffled(answers, name), places, answers.codes,
                                       scoring=lost, n_repeats=repeats, random_state=seed)
        drops = found.importances[0]
        worth.append(Importance(name, float(drops.mean()), float(drops.std()),
                                tuple(map(float, drops))))
        if on_column is not None:
            on_column(name)
    return tuple(sorted(worth, key=lambda one: -one.mean))


class _Shuffled:
    """The model as a function of the rows that one column's cells come from."""

    def __init__(self, answers: Answers, column: str) -> None:
        self._answers, self._column = answers, column

    def fit(self, X: Any, y: Any) -> None:
        """It is fitted: scikit-learn asks for the name alone."""

    def predict(self, rows: Any) -> Any:
        return self._answers.exchanged([self._column], rows)
