"""What a study measures, as data: a new measure is a row of `MEASURES`.

| name | task | what | better |
|---|---|---|---|
| accuracy | classes | the share of right answers | higher |
| balanced-accuracy | classes | the share of a class's rows that is found, mean of all | higher |
| auc | classes | the area under the ROC curve, mean of each class against the others | higher |
| log-loss | classes | the mean of -log of the probability given to the true class | lower |
| brier | classes | the mean squared error of the probabilities, see :func:`brier` | lower |
| r2 | numbers | the share of the variance that is explained | higher |
| mae | numbers | the mean absolute error, in the target's own units | lower |
| rmse | numbers | the root of the mean squared error, in the target's own units | lower |

All come from scikit-learn's metrics, in float64.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from .records import Scale

Task = Literal["classification", "regression"]

# Below this many test rows over all seeds, a second decimal of a percentage is noise.
MANY_TEST_ROWS = 20_000
# What this many figures of a number in the target's units say is enough.
FIGURES = 3


@dataclass(frozen=True)
class Measure:
    """A row of the table.

    Attributes:
        name: what `--measure` calls it.
        title: what it is called in a table's head.
        task: what it is of.
        lower_is_better: whether less is better.
        percent: whether it is written in percent.
        find: from the true targets and the answers, as `measure` describes them; None where it is
            not defined.
    """

    name: str
    title: str
    task: Task
    lower_is_better: bool
    percent: bool
    find: Callable[[Any, Any], float | None]


def measure(task: Task, truth: Any, answers: Any) -> tuple[tuple[str, float | None], ...]:
    """All measures of a task, by name.

    Args:
        task: classification or regression.
        truth: (rows,): codes of the classes, or numbers in their own units.
        answers: (rows, classes): the probability of each class; or (rows,): numbers.

    Example:
        >>> truth = np.array([0, 0, 0, 1])
        >>> always = np.full((4, 2), [0.9, 0.1])
        >>> found = dict(measure("classification", truth, always))
        >>> found["accuracy"], found["balanced-accuracy"], found["auc"], round(found["brier"], 2)
        (0.75, 0.5, 0.5, 0.21)
    """
    return tuple((row.name, row.find(truth, answers)) for row in MEASURES if row.task == task)


def default_measure(task: Task) -> Measure:
    """The measure that decides where none is asked for: the first of the task."""
    return next(row for row in MEASURES if row.task == task)


def scale_of(row: Measure, values: Sequence[float], test_rows: int) -> Scale:
    """How a measure is written.

    Args:
        row: the measure.
        values: what was found of it, for the digits of numbers in the target's units.
        test_rows: over all seeds.
    """
    if row.percent:
        digits = 1 if test_rows < MANY_TEST_ROWS else 2
        return Scale(row.title, 100.0, digits, "%", "points", row.lower_is_better)
    if row.name not in IN_UNITS:
        return Scale(row.title, 1.0, 3, "", "", row.lower_is_better)
    largest = max((abs(value) for value in values), default=0.0)
    size = math.floor(math.log10(largest)) if largest > 0 else 0
    digits = min(12, max(0, FIGURES - size))
    return Scale(row.title, 1.0, digits, "", "", row.lower_is_better, 1e6)


def _accuracy(truth: Any, chances: Any) -> float:
    from sklearn import metrics

    return float(metrics.accuracy_score(truth, chances.argmax(axis=1)))


def _balanced_accuracy(truth: Any, chances: Any) -> float:
    from sklearn import metrics

    # Over the classes that are there: balanced_accuracy_score is the same, and warns about others.
    return float(
        metrics.recall_score(
            truth, chances.argmax(axis=1), labels=np.unique(truth), average="macro",
            zero_division=0,
        )
    )


def _auc(truth: Any, chances: Any) -> float | None:
    from sklearn import metrics

    there = np.unique(truth)
    if len(there) < 2:
        return None
    if chances.shape[1] == 2:
        return float(metrics.roc_auc_score(truth, chances[:, 1]))
    return float(np.mean([metrics.roc_auc_score(truth == k, chances[:, k]) for k in there]))


def _log_loss(truth: Any, chances: Any) -> float:
    from sklearn import metrics

    return float(metrics.log_loss(truth, chances, labels=np.arange(chances.shape[1])))


def brier(truth: Any, chances: Any) -> float:
    """The Brier score: of two classes the mean squared error of the second one's probability, of
    several the mean over the rows of the squared errors' sum over the classes, as scikit-learn has
    it.

    Source: G. W. Brier, "Verification of forecasts expressed in terms of probability", Monthly
    Weather Review 78, 1-3 (1950).
    """
    from sklearn import metrics

    if chances.shape[1] == 2:
        return float(metrics.mean_squared_error(truth == 1, chances[:, 1]))
    hits = truth[:, None] == np.arange(chances.shape[1])
    return float(metrics.mean_squared_error(hits, chances) * chances.shape[1])


def _r2(truth: Any, numbers: Any) -> float | None:
    from sklearn import metrics

    if len(truth) < 2 or (truth == truth[0]).all():
        return None
    return float(metrics.r2_score(truth, numbers))


def _mae(truth: Any, numbers: Any) -> float:
    from sklearn import metrics

    return float(metrics.mean_absolute_error(truth, numbers))


def _rmse(truth: Any, numbers: Any) -> float:
    from sklearn import metrics

    return float(math.sqrt(metrics.mean_squared_error(truth, numbers)))


MEASURES: tuple[Measure, ...] = (
    Measure("accuracy", "accuracy", "classification", False, True, _accuracy),
    Measure(
        "balanced-accuracy", "balanced accuracy", "classification", False, True, _balanced_accuracy
    ),
    Measure("auc", "AUC", "classification", False, False, _auc),
    Measure("log-loss", "log loss", "classification", True, False, _log_loss),
    Measure("brier", "Brier score", "classification", True, False, brier),
    Measure("r2", "R²", "regression", False, False, _r2),
    Measure("mae", "MAE", "regression", True, False, _mae),
    Measure("rmse", "RMSE", "regression", True, False, _rmse),
)
BY_NAME = {row.name: row for row in MEASURES}
# Those in the units of the target.
IN_UNITS = ("mae", "rmse")
