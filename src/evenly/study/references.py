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
from collections.abc import Callable
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
        fit: from the table, the split and what tells of a stop: (answers to the training part,
            answers to the test part, what is worth a note), or None where it was stopped.
    """

    name: str
    fit: Callable[[Table, Split, Any], tuple[Any, Any, str] | None]


def run_reference(
    table: Table, reference: Reference, seed: int, split: Split, stop: Any
) -> RunRecord | None:
    """One reference with one seed; None where `stop` was set before it was done."""
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    started = time.perf_counter()
    # One thread: the sums are then the same on every machine, and do not wait for busy cores.
    with _ALONE, threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = reference.fit(table, split, stop)
    if found is None:
        return None
    train, test, note = found
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


def _simplest(table: Table, split: Split, stop: Any) -> tuple[Any, Any, str]:
    from sklearn.dummy import DummyClassifier, DummyRegressor

    model = DummyClassifier(strategy="prior") if table.classes else DummyRegressor()
    model.fit(split.x_train, split.y_train)
    return (*_answers(table, model, split, np.asarray), "")


def _linear(table: Table, split: Split, stop: Any) -> tuple[Any, Any, str] | None:
    def flat(x: Any) -> Any:
        return x.reshape(len(x), -1)

    if not table.classes:
        from sklearn.linear_model import Ridge

        # Without a matrix of columns x columns.
        model = Ridge(solver="lsqr", tol=1e-7).fit(flat(split.x_train), split.y_train)
        return (*_answers(table, model, split, flat), "")
    from sklearn.linear_model import LogisticRegression

    model, taken = LogisticRegression(max_iter=STEPS, warm_start=True), STEPS
    for _ in range(ROUNDS):
        if stop.is_set():
            return None
        model.fit(flat(split.x_train), split.y_train)
        taken = int(np.max(model.n_iter_))
        if taken < STEPS:
            break
    return (*_answers(table, model, split, flat), NOT_CONVERGED if taken == STEPS else "")


def _answers(
    table: Table, model: Any, split: Split, shaped: Callable[[Any], Any]
) -> tuple[Any, Any]:
    """Answers to both parts: a probability for each class of the table, or numbers."""
    parts = (shaped(split.x_train), shaped(split.x_test))
    if not table.classes:
        return model.predict(parts[0]), model.predict(parts[1])
    found = []
    for part in parts:
        # A class that training lacks has probability 0.
        chances = np.zeros((len(part), len(table.classes)))
        chances[:, model.classes_] = model.predict_proba(part)
        found.append(chances / chances.sum(axis=1, keepdims=True))
    return found[0], found[1]


REFERENCES = (Reference("simplest", _simplest), Reference("linear", _linear))
