"""Estimators' whole `fit` on 10,000 x 30: seconds, and the score on 5,000 other rows.

Each as its users write it with what its documentation offers first: Evenly, scikit-learn and
pytabkit with their defaults; skorch with Adam, early stopping and scikit-learn's widths, for it has
no network of its own. Inputs, and targets that are numbers, are standardized for all.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from .goals import goals
from .rows import Row

TITLE = "Whole fits, seconds at the score on other rows"
# One round is a whole training.
ROUNDS_SHARE, LEAST_ROUNDS, REPEATS = 1 / 10, 1, 0
ROWS_TRAINED, ROWS_JUDGED, FEATURES = 10_000, 5_000, 30
# Of skorch: those of scikit-learn's network.
_WIDTH, _BATCH, _EPOCHS, _PATIENCE, _RATE = 100, 200, 200, 10, 1e-3


@dataclass(frozen=True)
class Table:
    """A table that is drawn.

    Attributes:
        classifies: whether targets are classes: two clusters a class of three, on 15 of the 30
            columns, one label in twenty drawn anew. Else Friedman's first function of 5 of the 30
            columns, with noise of deviation 1.
    """

    classifies: bool

    def parts(self) -> tuple[Any, Any, Any, Any]:
        """Inputs and targets to train on, inputs and targets to judge by."""
        return _drawn(self.classifies)


@cache
def _drawn(classifies: bool) -> tuple[Any, Any, Any, Any]:
    import numpy as np
    from sklearn import datasets

    rows = ROWS_TRAINED + ROWS_JUDGED
    if classifies:
        x, y = datasets.make_classification(
            rows, FEATURES, n_informative=15, n_redundant=5, n_classes=3, n_clusters_per_class=2,
            flip_y=0.05, random_state=0)
        y = y.astype(np.int64)
    else:
        x, y = datasets.make_friedman1(rows, FEATURES, noise=1.0, random_state=0)
        y = ((y - y.mean()) / y.std()).astype(np.float32)
    x = ((x - x.mean(0)) / x.std(0)).astype(np.float32)
    return x[:ROWS_TRAINED], y[:ROWS_TRAINED], x[ROWS_TRAINED:], y[ROWS_TRAINED:]


class Fit:
    """Fits new estimators; the last one has a score.

    Arguments:
        make: an untrained estimator.
        table: what it learns.
        column: whether targets that are numbers stand in a column.
    """

    def __init__(self, make: Callable[[], Any], table: Table, column: bool = False) -> None:
        self.make, self.model = make, None
        self.x, self.y, self.judged_x, self.judged_y = table.parts()
        if column and not table.classifies:
            self.y, self.judged_y = self.y[:, None], self.judged_y[:, None]

    def __call__(self, times: int) -> None:
        for _ in range(times):
            with warnings.catch_warnings():
                # They warn that their epochs are over, and of their own packages.
                warnings.simplefilter("ignore")
                self.model = self.make().fit(self.x, self.y)

    def score(self) -> float:
        """Accuracy or R^2."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return float(self.model.score(self.judged_x, self.judged_y))


def _evenly(table: Table, threads: int, effort: str = "default") -> Fit:
    import evenly as ev

    kind = ev.NetClassifier if table.classifies else ev.NetRegressor
    return Fit(lambda: kind(effort=effort, random_state=0, n_jobs=threads), table)


def _evenly_fast(table: Table, threads: int) -> Fit:
    return _evenly(table, threads, "fast")


def _sklearn(table: Table, threads: int) -> Fit:
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    kind = MLPClassifier if table.classifies else MLPRegressor
    return Fit(lambda: kind(random_state=0), table)


def _skorch(table: Table, threads: int) -> Fit:
    import skorch
    import torch
    from skorch.callbacks import EarlyStopping
    from torch import nn

    torch.set_num_threads(threads)
    outputs = 3 if table.classifies else 1

    def make() -> Any:
        torch.manual_seed(0)
        network = nn.Sequential(
            nn.Linear(FEATURES, _WIDTH), nn.ReLU(), nn.Linear(_WIDTH, outputs))
        kind = skorch.NeuralNetClassifier if table.classifies else skorch.NeuralNetRegressor
        loss = nn.CrossEntropyLoss if table.classifies else nn.MSELoss
        return kind(
            network, criterion=loss, optimizer=torch.optim.Adam, lr=_RATE, batch_size=_BATCH,
            max_epochs=_EPOCHS, iterator_train__shuffle=True, verbose=0,
            callbacks=[EarlyStopping(patience=_PATIENCE, load_best=True, sink=lambda _: None)])

    return Fit(make, table, column=True)


def _pytabkit(table: Table, threads: int) -> Fit:
    import logging

    import pytabkit

    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    kind = (pytabkit.RealMLP_TD_S_Classifier if table.classifies
            else pytabkit.RealMLP_TD_S_Regressor)
    return Fit(
        lambda: kind(device="cpu", n_threads=threads, random_state=0, verbosity=0), table)


def _row(name: str, table: Table) -> Row:
    return Row(name, table, goals(name), unit="s", not_ranked=frozenset({"evenly_fast"}))


ROWS = (
    _row("fit, three classes, 10,000 x 30", Table(True)),
    _row("fit, numbers, 10,000 x 30", Table(False)),
)
BUILDERS = {
    "evenly": _evenly, "evenly_fast": _evenly_fast, "sklearn": _sklearn, "skorch": _skorch,
    "pytabkit": _pytabkit,
}
