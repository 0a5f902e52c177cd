"""What one trial trains and how it is judged: the part of a search that runs on any machine."""

from __future__ import annotations

import hashlib
import re
import threading
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.model_selection import (
    GroupShuffleSplit,
    KFold,
    ShuffleSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
    StratifiedShuffleSplit,
)
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing
from sklearn.utils.multiclass import type_of_target

from ..errors import ConfigurationError, DataError, DivergenceError, TableWarning
from ..estimators import NetClassifier, NetRegressor
from ..estimators.answers.monitor import scored, scorer_of
from ..estimators.base import NetEstimator
from ..estimators.fits.held_out import Held, checked_groups
from ..estimators.names import is_number
from ..reading.frames import frame_of
from ..study.cells import Stopped, stopped
from ..tables import Reading, TableClassifier, TableModel, TableRegressor
from ..tables.asked import answered
from ..tables.given_table import GivenTable
from .errors import SearchError
from .records import FAILED, FINISHED, PRUNED
from .space import arguments

# Epochs of a training before it may be pruned.
WARM_EPOCHS = 10
TABLES = ("pandas", "polars", "pyarrow")


class Pruned(Exception):
    """A training gave up because others were better at the same epoch."""


@dataclass(frozen=True)
class Problem:
    """What is tuned, on what, and how it is judged.

    Attributes:
        estimator: as it was given, with a whole number as seed.
        x, y, groups: all rows; `y` may be the name of a column of `x`.
        parts: (rows to train on, rows to judge by) of each part.
        scoring: the name of a scorer, or a scorer.
        notes: what was left out of the data: a line each.
    """

    estimator: Any
    x: Any
    y: Any
    groups: Any
    parts: tuple[tuple[Any, Any], ...]
    scoring: Any
    notes: tuple[str, ...] = ()

    @property
    def network(self) -> Any:
        """The network of the estimator: its last step, or itself."""
        return last_of(self.estimator)[1]

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return int(self.x.shape[0])

    def with_settings(self, settings: Mapping[str, Any]) -> Any:
        """The estimator with other settings, not fitted.

        Raises:
            SearchError: a name that is no argument.
        """
        made = clone(self.estimator)
        start, network = last_of(made)
        given = {f"{start}{name}" if name.partition("__")[0] not in _steps(made) else name: value
                 for name, value in arguments(network, settings).items()}
        try:
            return made.set_params(**given)
        except ValueError as error:
            raise SearchError(f"space: {' '.join(str(error).split())}") from error

    def told(self) -> dict[str, str]:
        """What a search depends on, as text that tells one from another."""
        network = re.sub(r" at 0x\w+", "", repr(sorted(
            (name, repr(value)) for name, value in self.estimator.get_params(deep=False).items())))
        whole = hashlib.sha256()
        for part in (self.x, self.y, self.groups):
            whole.update(_bytes_of(part))
        for train, held in self.parts:
            for rows in (train, held):
                whole.update(np.asarray(rows, np.int64).tobytes())
        return {"data": whole.hexdigest()[:16],
                "estimator": f"{type(self.estimator).__name__} "
                             f"{hashlib.sha256(network.encode()).hexdigest()[:16]}"}


def problem_of(
    given: Sequence[Any], *, groups: Any, cv: Any, scoring: Any, seed: int, task: Any = None,
    reading: Reading | None = None, settings: Mapping[str, Any] | None = None,
) -> Problem:
    """The problem of what was given to ``tune``.

    Arguments:
        given: (x, y) or (estimator, x, y).
        groups: labels of rows that belong together, or a column's name.
        cv: how rows are held out to judge by.
        scoring: a scorer, its name, or None.
        seed: of the division, and of estimators that have none.
        task: of a table's target, or None: told by its values.
        reading, settings: of the estimator where none is given.

    Raises:
        SearchError, DataError: what cannot be tuned, or divided.
    """
    estimator, (x, y) = (given[0], given[1:]) if len(given) == 3 else (None, given)
    if isinstance(x, (str, Path)):
        from ..reading.table import read

        x = read([str(x)]).frame
    notes: tuple[str, ...] = ()
    classes: Any
    if isinstance(y, str):
        x, classes, kind, notes, types = _named_target(x, y, estimator, reading, task)
        if estimator is None:
            rules = {**vars(reading or Reading()), "types": types or None}
            estimator = kind(quiet=True, **rules, **(settings or {}))
    else:
        x = frame_of(dict(x)) if isinstance(x, Mapping) else x
        if not hasattr(x, "shape"):
            x = np.asarray(x)
        y = np.asarray(y) if isinstance(y, (list, tuple)) else y
        if not x.shape or not getattr(y, "shape", ()):
            raise SearchError("tune: expects x of shape (rows, columns) and a target for each row, "
                              f"got {type(x).__name__} and {type(y).__name__}")
        if x.shape[0] != len(y):
            raise SearchError(f"tune: expects a target for each row, got {x.shape[0]} rows and "
                              f"{len(y)} targets")
        if estimator is None:
            numbers = type_of_target(y).startswith("continuous")
            pair = (TableRegressor, TableClassifier) if type(x).__module__.partition(".")[0] in (
                TABLES) else (NetRegressor, NetClassifier)
            estimator = pair[not numbers](**(settings or {}))
        classes = np.asarray(y) if is_classifier(estimator) and np.ndim(y) == 1 else None
    if isinstance(groups, str):
        groups = _safe_indexing(x, groups, axis=1)
    groups = checked_groups(groups, x.shape[0])
    if scoring is not None:
        scorer_of("scoring", scoring, "None")
    estimator = clone(estimator)
    _, network = last_of(estimator)
    if network.random_state is None:
        network.set_params(random_state=seed)
    return Problem(estimator, x, y, groups, divisions(x.shape[0], classes, groups, cv, seed),
                   scoring or ("accuracy" if is_classifier(estimator) else "r2"), notes)


def _named_target(
    x: Any, y: str, estimator: Any, reading: Reading | None, task: Any
) -> tuple[Any, Any, type, tuple[str, ...], Any]:
    """(rows that have a target, their classes or None, the estimator for it, notes, types)."""
    frame = GivenTable.of(x, "tune").frame
    if y not in frame.columns:
        raise SearchError(f"tune: there is no column '{y}': the columns are "
                          f"{', '.join(frame.columns[:8])}")
    if estimator is not None:
        if not isinstance(last_of(estimator)[1], TableModel):
            raise SearchError(f"tune: '{y}' names a column, which {type(estimator).__name__} does "
                              "not read: give x and y apart, or take TableClassifier or "
                              "TableRegressor")
        task = "classification" if is_classifier(estimator) else "regression"
        own = last_of(estimator)[1]
        reading = Reading(types=dict(own.types or {}), decimal=own.decimal, na=tuple(own.na))
    found = answered(frame, y, reading or Reading(), task)
    is_classes = found.task == "classification"
    values = found.values if isinstance(found.values, np.ndarray) else found.values.to_numpy()
    frame = frame if found.rows.all() else frame.filter(found.rows)
    return (frame, values if is_classes else None,
            TableClassifier if is_classes else TableRegressor, found.notes,
            found.types((reading or Reading()).types))


def divisions(
    rows: int, classes: Any, groups: Any, cv: Any, seed: int
) -> tuple[tuple[Any, Any], ...]:
    """(rows to train on, rows to judge by) of each part.

    Arguments:
        rows: how many there are.
        classes: (rows,): each has its share in every part; or None.
        groups: (rows,): a group is on one side; or None.
        cv: a share to hold out once, a number of parts, or a splitter.
        seed: of the shares and parts.

    Raises:
        SearchError: what cannot be divided so.
    """
    whole = isinstance(cv, (int, np.integer)) and not isinstance(cv, bool)
    splitter: Any
    if whole and cv >= 2:
        if groups is not None:
            splitter = StratifiedGroupKFold(cv, shuffle=True, random_state=seed)
            classes = np.zeros(rows, int) if classes is None else classes
        else:
            kind = KFold if classes is None else StratifiedKFold
            splitter = kind(cv, shuffle=True, random_state=seed)
    elif is_number(cv) and 0 < cv < 1:
        kind = GroupShuffleSplit if groups is not None else (
            ShuffleSplit if classes is None else StratifiedShuffleSplit)
        splitter = kind(1, test_size=float(cv), random_state=seed)
    elif hasattr(cv, "split") and not isinstance(cv, str):
        splitter = cv
    else:
        raise SearchError("cv: expects a share between 0 and 1 to hold out, a number of parts from "
                          f"2 on, or a splitter with split(X, y, groups), got {cv!r}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            parts = tuple(splitter.split(np.zeros((rows, 1)), classes, groups))
    except (ValueError, TypeError, UserWarning) as error:
        raise SearchError(f"cv={cv!r}: {' '.join(str(error).split())}: hold out fewer rows, or "
                          "take fewer parts") from error
    if not parts:
        raise SearchError(f"cv={cv!r}: gives no part")
    return parts


def last_of(estimator: Any) -> tuple[str, Any]:
    """(what names of its arguments begin with, the network): of a Pipeline the last step.

    Raises:
        SearchError: it is no network.
    """
    start, network = "", estimator
    if isinstance(estimator, Pipeline):
        start, network = f"{estimator.steps[-1][0]}__", estimator.steps[-1][1]
    if not isinstance(network, (NetEstimator, TableModel)):
        raise SearchError(
            f"tune: expects NetClassifier, NetRegressor, TableClassifier, TableRegressor, or a "
            f"Pipeline that ends in one, got {type(network).__name__}")
    return start, network


def _steps(estimator: Any) -> tuple[str, ...]:
    return tuple(name for name, _ in estimator.steps) if isinstance(estimator, Pipeline) else ()


def _bytes_of(part: Any) -> bytes:
    if type(part).__module__.partition(".")[0] == "polars":
        return f"{part.schema!r}{part.write_csv()}".encode()
    import joblib

    return str(joblib.hash(part)).encode()


# One trial --------------------------------------------------------------------------------------


class Work:
    """Runs trials of a problem, in whichever process.

    Arguments:
        problem: what is tuned.
        stop: of this process: set where Ctrl-C ends a training in the main thread.
    """

    def __init__(self, problem: Problem, stop: threading.Event | None = None) -> None:
        self.problem, self.own = problem, stop
        self.scorer = scorer_of("scoring", problem.scoring, "None")

    def __call__(self, asks: Mapping[str, Any]) -> dict[str, Any]:
        """Trains one setting and judges it.

        Arguments:
            asks: `settings`; `bars`: what validation score others had at each epoch, or nothing;
                `until`: the end of the time, in seconds since the epoch, or None.
        """
        watch = _Watch(self.own, asks["bars"], asks["until"])
        found: dict[str, Any] = {"state": FINISHED, "score": None, "scores": [], "seconds": 0.0,
                                 "curve": watch.curve, "why": ""}
        try:
            for train, held in self.problem.parts:
                watch.ask()
                started = time.perf_counter()
                model = self._fitted(asks["settings"], train, watch)
                found["seconds"] += time.perf_counter() - started
                found["scores"].append(self._score(model, held))
                watch.ask()
                watch.closed = True
            found["score"] = float(np.mean(found["scores"]))
        except Pruned:
            found |= {"state": PRUNED, "scores": []}
        except (DivergenceError, ConfigurationError, DataError) as error:
            found |= {"state": FAILED, "scores": [], "why": " ".join(str(error).split())}
        return found

    def _fitted(self, settings: Mapping[str, Any] | None, train: Any, watch: _Watch) -> Any:
        problem = self.problem
        model = problem.with_settings(settings or {})
        start, network = last_of(model)
        limits = [seconds for seconds in (network.time_limit, watch.left()) if seconds is not None]
        network.set_params(callbacks=(*(network.callbacks or ()), watch),
                           time_limit=min(limits) if limits else None)
        more = {} if problem.groups is None else {f"{start}groups": problem.groups[train]}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TableWarning)
            model.fit(_safe_indexing(problem.x, train), self._targets(train), **more)
        if last_of(model)[1].history_.stopped == "interrupted" and self.own is not None:
            # A training in the main thread hears Ctrl-C by itself: it is meant for all.
            self.own.set()
            raise Stopped
        return model

    def _targets(self, rows: Any) -> Any:
        y = self.problem.y
        return y if isinstance(y, str) else _safe_indexing(y, rows)

    def _score(self, model: Any, held: Any) -> float:
        x, y = _safe_indexing(self.problem.x, held), self._targets(held)
        truth = model._labels_to_score(x, y) if isinstance(y, str) else y
        given = self.problem.scoring
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TableWarning)
            return scored(self.scorer, model, Held(x, truth, None), f"scoring={given!r}",
                          isinstance(given, str))


class _Watch:
    """A callback of the epochs: keeps the curve of the first training, and ends what is to end."""

    def __init__(self, own: threading.Event | None, bars: Sequence[float], until: Any) -> None:
        self.own, self.bars, self.until = own, bars, until
        self.curve: list[float] = []
        self.best = -np.inf
        self.closed = False

    def left(self) -> float | None:
        return None if self.until is None else max(1e-3, self.until - time.time())

    def ask(self) -> None:
        over = self.until is not None and time.time() >= self.until
        if over or stopped() or (self.own is not None and self.own.is_set()):
            raise Stopped

    def __call__(self, record: Any) -> None:
        self.ask()
        score = record.validation_score
        # Of several networks and several parts the first tells.
        self.closed = self.closed or (record.epoch == 1 and bool(self.curve)) or score is None
        if self.closed:
            return
        self.curve.append(float(f"{score:.6g}"))
        self.best = max(self.best, score)
        epochs = len(self.curve)
        if WARM_EPOCHS <= epochs <= len(self.bars) and self.best < self.bars[epochs - 1]:
            raise Pruned
