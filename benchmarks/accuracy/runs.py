"""Trains a model on one fold and judges it on the other; results are kept line by line."""

from __future__ import annotations

import json
import os
import time
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.model_selection import KFold, StratifiedKFold

from . import models
from .tables import CLASSIFICATION, Table

REPETITIONS, FOLDS = 5, 2
_SMALLEST = 1e-15  # a probability of 0 costs 34.5, not infinity


@dataclass(frozen=True)
class Result:
    """What one training came to.

    Attributes:
        table, model, repetition, fold: which training.
        score: accuracy, or R2 (of several targets their mean).
        log_loss: mean of -log of the true class's probability; None for regression.
        seconds: processor time of `fit`, the preparation included.
        predicting: processor time of one prediction of the other fold: probabilities, or numbers.
        auc: area under the ROC curve, of more than two classes the mean of one against the rest.
        rmse, mae: of numbers, in deviations of the table's targets; of several their mean.
        warnings: how often each category was raised while it was fitted and judged.
        kind: of the table.
        shape: rows, columns and classes (or targets) of the table.
    """

    table: str
    model: str
    repetition: int
    fold: int
    score: float
    log_loss: float | None
    seconds: float
    warnings: Mapping[str, int] = field(default_factory=dict)
    kind: str = CLASSIFICATION
    shape: tuple[int, int, int] = (0, 0, 0)
    predicting: float = 0.0
    auc: float | None = None
    rmse: float | None = None
    mae: float | None = None

    @property
    def key(self) -> tuple[str, str, int, int]:
        return self.table, self.model, self.repetition, self.fold


def splits(table: Table, repetition: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rows to learn from and rows to judge by, twice; the same in every run and for every model."""
    kind = StratifiedKFold if table.kind == CLASSIFICATION else KFold
    folds = kind(n_splits=FOLDS, shuffle=True, random_state=repetition)
    return list(folds.split(table.inputs, table.targets))


def measure(
    table: Table, name: str, repetition: int, fold: int,
    settings: Mapping[str, Any] | None = None, label: str | None = None,
) -> Result:
    """Trains and judges one model once; whatever fails is raised with the place it failed at."""
    train, test = splits(table, repetition)[fold]
    model = models.build(name, table, seed=FOLDS * repetition + fold, settings=settings)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            start = time.process_time()
            model.fit(table.inputs.iloc[train], table.targets[train])
            seconds = time.process_time() - start
            figures, predicting = _judged(model, table, test)
            score = figures.pop("score")
            if not np.isfinite(score):
                raise ValueError(f"its score is {score}")
        except Exception as error:
            error.add_note(f"{table.name}, {label or name}, repetition {repetition}, fold {fold}")
            raise
    count = Counter(w.category.__name__ for w in caught)
    return Result(
        table.name, label or name, repetition, fold, score, figures.pop("log_loss", None), seconds,
        dict(count), table.kind, (*table.inputs.shape, _width(table)), predicting, **figures,
    )


def _judged(model: Any, table: Table, test: np.ndarray) -> tuple[dict[str, float], float]:
    """The figures of a trained model on some rows, and the processor time of its prediction."""
    inputs, targets = table.inputs.iloc[test], table.targets[test]
    classifies = table.kind == CLASSIFICATION
    start = time.process_time()
    given = np.asarray((model.predict_proba if classifies else model.predict)(inputs), float)
    seconds = time.process_time() - start
    if not np.isfinite(given).all():
        raise ValueError("what it predicts is not finite")
    if classifies:
        score = float((model.classes_[given.argmax(axis=1)] == targets).mean())
        return {
            "score": score, "log_loss": _log_loss(given, model.classes_, targets),
            "auc": _auc(given, model.classes_, targets),
        }, seconds
    far = given.reshape(targets.shape) - targets
    spread = table.targets.std(axis=0)
    return {
        "score": float(r2_score(targets, given.reshape(targets.shape))),
        "rmse": float((np.sqrt((far**2).mean(axis=0)) / spread).mean()),
        "mae": float((abs(far).mean(axis=0) / spread).mean()),
    }, seconds


def _width(table: Table) -> int:
    if table.kind == CLASSIFICATION:
        return len(np.unique(table.targets))
    return 1 if table.targets.ndim == 1 else table.targets.shape[1]


def _log_loss(given: np.ndarray, classes: np.ndarray, targets: np.ndarray) -> float:
    column = np.searchsorted(classes, targets)
    true = given[np.arange(len(targets)), column]
    return float(-np.log(np.clip(true.astype(float), _SMALLEST, 1.0)).mean())


def _auc(given: np.ndarray, classes: np.ndarray, targets: np.ndarray) -> float:
    """Of two classes that of the second; classes that the rows lack are left out."""
    columns = [1] if len(classes) == 2 else range(len(classes))
    there = [c for c in columns if 0 < (targets == classes[c]).sum() < len(targets)]
    return float(np.mean([roc_auc_score(targets == classes[c], given[:, c]) for c in there]))


def append(path: Path, result: Result) -> None:
    """Adds a line to a file of results; it is on the disk when this returns."""
    with path.open("ab") as file:
        file.write(json.dumps(asdict(result)).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def read(paths: Iterable[Path]) -> dict[tuple[str, str, int, int], Result]:
    """Results by table, model, repetition and fold; of two lines for one, the later counts."""
    results = {}
    for path in paths:
        for number, line in enumerate(path.read_bytes().split(b"\n")[:-1], start=1):
            try:
                values = json.loads(line)
                result = Result(**{**values, "shape": tuple(values["shape"])})
            except (ValueError, TypeError, KeyError) as error:
                raise ValueError(f"{path}, line {number} is not a result: {error}") from error
            results[result.key] = result
    return results


def mend(path: Path) -> bool:
    """Cuts off a last line that was not written to its end; tells whether there was one."""
    content = path.read_bytes() if path.exists() else b""
    whole = content.rfind(b"\n") + 1
    if whole == len(content):
        return False
    with path.open("r+b") as file:
        file.truncate(whole)
    return True
