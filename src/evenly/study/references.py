"""What a network must be better than to be of use: the simplest answer, and a linear model.

To add one, add a row to `REFERENCES`. Each gets the same split and the same prepared inputs as the
networks of its seed, images and sequences flattened, so that it makes pairs with them.

| name | classes | numbers |
|---|---|---|
| simplest | the most frequent class, with the classes' shares as probabilities | the mean |
| linear | logistic regression, scikit-learn's own settings (C = 1) | ridge regression, alpha = 1 |
"""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .data import Table
from .measures import measure
from .records import RunRecord
from .splits import Split

# A logistic regression is fitted so many steps at a time, so that it hears of a stop in between.
STEPS, ROUNDS = 50, 20
NOT_CONVERGED = f"not converged after {STEPS * ROUNDS} steps"
# Filters of warnings and the threads of BLAS belong to the process, and runs are threads of it.
_ALONE = threading.Lock()


@dataclass(frozen=True)
class Reference:
    """A row of the table.

    Attributes:
        name: of its line.
        fit: from inputs and targets of the training part, the inputs to answer, how many classes
            there are (0: numbers) and what tells of a stop: (answers to each of the inputs, what is
            worth a note), or None where it was stopped.
    """

    name: str
    fit: Callable[[Any, Any, Sequence[Any], int, Any], tuple[list[Any], str] | None]


def run_reference(
    table: Table, reference: Reference, seed: int, split: Split, stop: Any
) -> RunRecord | None:
    """One reference with one seed; None where `stop` was set before it was done."""
    started = time.perf_counter()
    found = reference_answers(reference, split.x_train, split.y_train,
                              (split.x_train, split.x_test), len(table.classes), stop)
    if found is None:
        return None
    (train, test), note = found
    y_train, y_test = split.y_train, split.y_test
    if not table.classes:
        y_train, y_test, train, test = map(split.in_units, (y_train, y_test, train, test))
    return RunRecord(
        variant=reference.name,
        seed=seed,
        epochs=(),
        train_loss=None,
        train_score=None,
        test_loss=None,
        test_score=None,
        seconds=time.perf_counter() - started,
        train=measure(table.task, y_train, train),
        test=measure(table.task, y_test, test),
        note=note,
    )


def reference_answers(
    reference: Reference, x: Any, y: Any, parts: Sequence[Any], classes: int, stop: Any
) -> tuple[list[Any], str] | None:
    """What a reference answers.

    Arguments:
        reference: a row of `REFERENCES`.
        x, y: what it learns from: prepared inputs, one example a row; codes of classes, or numbers.
        parts: the inputs that it answers.
        classes: how many there are; 0: numbers.
        stop: an event that ends it.

    Returns:
        (for each part (rows, classes) probabilities or (rows,) numbers, what is worth a note), or
        None where `stop` was set before it was done.
    """
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    # One thread: the sums are then the same on every machine, and do not wait for busy cores.
    with _ALONE, threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return reference.fit(x, y, parts, classes, stop)


def _simplest(
    x: Any, y: Any, parts: Sequence[Any], classes: int, stop: Any
) -> tuple[list[Any], str]:
    from sklearn.dummy import DummyClassifier, DummyRegressor

    model = DummyClassifier(strategy="prior") if classes else DummyRegressor()
    model.fit(x, y)
    return _answers(model, parts, classes), ""


def _linear(
    x: Any, y: Any, parts: Sequence[Any], classes: int, stop: Any
) -> tuple[list[Any], str] | None:
    x, *parts = [part.reshape(len(part), -1) for part in (x, *parts)]
    if not classes:
        from sklearn.linear_model import Ridge

        # Without a matrix of columns x columns.
        return _answers(Ridge(solver="lsqr", tol=1e-7).fit(x, y), parts, classes), ""
    from sklearn.linear_model import LogisticRegression

    model, taken = LogisticRegression(max_iter=STEPS, warm_start=True), STEPS
    for _ in range(ROUNDS):
        if stop.is_set():
            return None
        model.fit(x, y)
        taken = int(np.max(model.n_iter_))
        if taken < STEPS:
            break
    return _answers(model, parts, classes), NOT_CONVERGED if taken == STEPS else ""


def _answers(model: Any, parts: Sequence[Any], classes: int) -> list[Any]:
    """Answers to the parts: a probability for each class, or numbers."""
    if not classes:
        return [model.predict(part) for part in parts]
    found = []
    for part in parts:
        # A class that training lacks has probability 0.
        chances = np.zeros((len(part), classes))
        chances[:, model.classes_] = model.predict_proba(part)
        found.append(chances / chances.sum(axis=1, keepdims=True))
    return found


REFERENCES = (Reference("simplest", _simplest), Reference("linear", _linear))
