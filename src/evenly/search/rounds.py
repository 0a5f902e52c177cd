"""A search for the settings of a network."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from typing import Any

import numpy as np

from ..estimators.names import is_number
from ..study.cells import Cell, Values, run_cells
from ..study.cells import Store as CellStore
from ..study.shared import Shared
from . import findings
from .errors import SearchError
from .problem import Problem, Work, problem_of
from .records import FINISHED, SearchRecord, TrialRecord
from .space import Space, default_space
from .store import Store

OBJECTIVES = (("score",), ("score", "time"))
# Finished trials that a curve is compared with, at least.
FEWEST_CURVES = 5


@dataclass(frozen=True)
class Tuned:
    """What a search found.

    Attributes:
        record: all of it as plain values; :func:`evenly.report.render_search` makes a page of it.
        problem: what was tuned.

    Example:
        >>> import evenly as ev
        >>> x = np.random.default_rng(0).normal(size=(120, 3))
        >>> found = ev.tune(ev.NetRegressor(8, max_epochs=5), x, x[:, 0], trials=3)
        >>> found.best_score >= found.record.first.score
        True
    """

    record: SearchRecord
    problem: Problem = field(repr=False)

    @property
    def best_score(self) -> float:
        """The largest score on the rows held out."""
        return float(self.record.best_trial.score or 0.0)

    @property
    def best_settings(self) -> dict[str, Any]:
        """What it was trained with, by the names of the space."""
        return dict(self.record.best_trial.settings)

    def estimator(self, number: int | None = None) -> Any:
        """The estimator of a trial, not fitted.

        Arguments:
            number: of the trial, such as one of ``record.front``; None: the best.
        """
        number = self.record.best if number is None else number
        trial = next((one for one in self.record.trials if one.number == number), None)
        if trial is None:
            raise SearchError(f"there is no trial {number}: there are {len(self.record.trials)}")
        return self.problem.with_settings({} if number == 0 else trial.settings)

    def fit(self) -> Any:
        """The best, trained on all rows."""
        problem = self.problem
        more = {} if problem.groups is None else {"groups": problem.groups}
        return self.estimator().fit(problem.x, problem.y, **more)

    def __str__(self) -> str:
        return f"{self.record.headline}\n{self.record.told}"


def tune(
    *data: Any,
    space: Mapping[str, Any] | None = None,
    trials: int = 50,
    time_limit: float | None = None,
    cv: Any = 0.25,
    scoring: Any = None,
    objectives: Sequence[str] = ("score",),
    groups: Any = None,
    prune: bool = True,
    round: int = 4,
    seed: int = 0,
    n_jobs: int | None = None,
    storage: str | PathLike[str] | None = None,
    name: str = "evenly",
    resume: bool = False,
    on_trial: Callable[[TrialRecord], None] = lambda trial: None,
    stop: threading.Event | None = None,
) -> Tuned:
    """Searches for the settings with which a network does best on rows that are held out.

    The first trial is the estimator as it was given, so the best is never worse than it on these
    rows. The best of many is a little lucky: its score is too good by some of the spread between
    trials. Rows that no trial has seen tell what it is worth.

    Trials are asked for in rounds of a fixed size, each by what the rounds before it found
    (Optuna's tree-structured Parzen estimator), and run through joblib's current backend. So what
    is found does not depend on the number of workers, nor on the backend. With the objective
    ``"time"``, which is measured, and on a time limit it does depend on the machine.

    Arguments:
        data: ``x, y``, or ``estimator, x, y``: a :class:`evenly.NetClassifier`,
            :class:`evenly.NetRegressor`, :class:`evenly.TableClassifier`,
            :class:`evenly.TableRegressor`, or a Pipeline that ends in one. Without, one is chosen:
            for tables where `x` is a frame or a file's path, for numbers where `y` has some that
            are not whole. `y` may be the name of a column of a table.
        space: what to vary: for each name a list of values, ``{"low": 1, "high": 4}`` (whole where
            both are), with ``"log": True`` where it is to be drawn evenly in the logarithm, or a
            distribution of Optuna. Names are arguments of the estimator, also within one
            (``optimizer__beta_2``), or ``layers``, ``units`` and ``taper`` (`hidden`: each layer so
            many times as wide as the one before it), ``momentum``, ``decay`` (of weights),
            ``label_smoothing``. None: a space around what the estimator has.
        trials: how many, with those that the store has.
        time_limit: seconds that the search may take, or None. What has not ended then is dropped.
        cv: a share of the rows that is held out once, a number of parts of which each is held out
            in turn, or a splitter of scikit-learn.
        scoring: a name of ``sklearn.metrics.get_scorer_names()``, or a scorer; None: accuracy, or
            R^2.
        objectives: ``("score",)``, or ``("score", "time")``: score and seconds of training, which
            then has a front of trials that none beats in both.
        groups: (rows,): labels of rows that belong together, or a column's name: a group is held
            out whole or not at all.
        prune: whether a trial ends when, from the tenth epoch on, its best validation score is
            below the median of those that finished in earlier rounds, at that epoch. Not with two
            objectives.
        round: trials that are asked for at once; more than `n_jobs` workers have no use of a
            smaller one.
        seed: of what is drawn and of the rows held out; of the estimator too, if it has none.
        n_jobs: trials at the same time, on joblib's current backend; None: as that has it, one by
            itself.
        storage: where trials are kept: the path of an SQLite file, or the URL of a database, such
            as ``postgresql://user@host/name``; None: in memory.
        name: of the search in its store.
        resume: whether to go on with what the store has; several processes may do so at once.
        on_trial: called with each trial that has ended, one of the store too.
        stop: an event that ends the search when it is set.

    Returns:
        What was found. Ctrl-C ends a search early, with what has finished.

    Raises:
        SearchError: a space, a store or data that cannot be used; every trial failed.
        DataError: a table that cannot be read.
        KeyboardInterrupt: Ctrl-C before a trial has finished.

    Source: J. Bergstra, R. Bardenet, Y. Bengio and B. Kegl, "Algorithms for hyper-parameter
    optimization", NIPS 2011; the median rule: D. Golovin et al., "Google Vizier", KDD 2017.

    Example:
        >>> import evenly as ev
        >>> from sklearn.datasets import load_wine
        >>> x, y = load_wine(return_X_y=True)
        >>> space = {"units": {"low": 4, "high": 32}, "dropout": [0.0, 0.2]}
        >>> found = ev.tune(ev.NetClassifier(16, max_epochs=10), x, y, space=space, trials=4)
        >>> len(found.record.trials), sorted(found.best_settings)
        (4, ['dropout', 'units'])
    """
    if len(data) not in (2, 3):
        raise SearchError("tune: expects x and y, or an estimator, x and y, got "
                          f"{len(data)} values")
    problem = problem_of(data, groups=groups, cv=cv, scoring=scoring, seed=seed)
    return search(
        problem, space=space, trials=trials, time_limit=time_limit, objectives=tuple(objectives),
        prune=prune, round=round, seed=seed, n_jobs=n_jobs, storage=storage, name=name,
        resume=resume, on_trial=on_trial, stop=stop,
    )


def search(
    problem: Problem, *, space: Mapping[str, Any] | None, trials: int, time_limit: float | None,
    objectives: tuple[str, ...], prune: bool, round: int, seed: int, n_jobs: int | None,
    storage: str | PathLike[str] | None, name: str, resume: bool,
    on_trial: Callable[[TrialRecord], None], stop: threading.Event | None,
) -> Tuned:
    """The search of a problem: see :func:`tune`."""
    began = time.time()
    for what, value in (("trials", trials), ("round", round)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
            raise SearchError(f"{what}: expects a whole number of at least 1, got {value!r}")
    if time_limit is not None and not (is_number(time_limit) and time_limit > 0):
        raise SearchError(f"time_limit: expects seconds above 0, got {time_limit!r}")
    if objectives not in OBJECTIVES:
        raise SearchError("objectives: expects ('score',) or ('score', 'time'), got "
                          f"{objectives!r}")
    until = None if time_limit is None else began + float(time_limit)
    within = Space.of(default_space(problem.network) if space is None else space)
    near, exact = within.nearest(problem.network)
    problem.with_settings(within.settings({name: getattr(own, "low", None) if name not in
                                           within.values else own.choices[0]
                                           for name, own in within.ranges.items()}))
    way = f"{seed} {round} {problem.scoring} {objectives} {prune}"
    store = Store(storage, name, {**problem.told(), "way": way}, within, seed, objectives, resume)
    stop = stop or threading.Event()
    run = _Run(problem, store, exact, trials, round, prune and len(objectives) == 1, until,
               _workers(n_jobs), stop, on_trial)
    try:
        if store.is_new:
            store.begin(near)
        run.all()
        records = store.records(exact)
    finally:
        store.close()
    done = [one for one in records if one.state == FINISHED]
    if not done:
        _none_finished(run, records, time_limit)
    best = max(done, key=lambda one: (one.score, -one.number))
    record = SearchRecord(
        estimator=type(problem.network).__name__, data=f"{problem.rows:,} rows",
        scoring=problem.scoring if isinstance(problem.scoring, str) else
        getattr(problem.scoring, "__name__", "score"),
        objectives=objectives, space=within.words(),
        logarithmic=tuple(name for name, own in within.ranges.items()
                          if getattr(own, "log", False)),
        trials=records, best=best.number,
        front=findings.front(records) if len(objectives) == 2 else (),
        importances=findings.importances(records, within, seed),
        changed=findings.changed(problem, best), code=findings.code(problem, best),
        facts=(("held out", _parts(problem)), ("seed", str(seed)), ("round", f"{round} trials"),
               ("store", store.shown)),
        notes=problem.notes, interrupted=bool(run.why), why_ended=run.why,
        seconds=time.time() - began,
    )
    return Tuned(record, problem)


def _workers(n_jobs: int | None) -> int:
    from joblib import effective_n_jobs

    return int(effective_n_jobs(n_jobs))


def _parts(problem: Problem) -> str:
    held = sum(len(part) for _, part in problem.parts)
    if len(problem.parts) == 1:
        return f"{held:,} of {problem.rows:,} rows, once"
    return f"{len(problem.parts)} parts, {held:,} rows in all"


def _none_finished(run: _Run, records: Sequence[TrialRecord], time_limit: float | None) -> None:
    if run.why == "the time limit":
        raise SearchError(f"time_limit: no trial has ended within {time_limit:g} seconds: give "
                          "more, or fewer rows")
    if run.why:
        raise KeyboardInterrupt
    raise SearchError(f"every trial failed, the first: {records[0].why}")


@dataclass
class _Run:
    """The rounds of a search."""

    problem: Problem
    store: Store
    exact: bool
    trials: int
    round: int
    prune: bool
    until: float | None
    workers: int
    stop: threading.Event
    on_trial: Callable[[TrialRecord], None]
    why: str = ""

    def all(self) -> None:
        """Runs round after round until all trials are there, or it is told to end."""
        for one in self.store.records(self.exact):
            self.on_trial(one)
        with Shared((self.problem,), Work) as shared:
            shared.here = Work(self.problem, self.stop)
            left = self.store.waiting()
            while not self.why:
                asked = self.store.count()
                # What was left behind is the rest of a round, and is run before another begins.
                size = 0 if left and asked % self.round == 0 else self.round - asked % self.round
                size = min(size, self.trials - asked)
                batch = [*left, *(self.store.ask() for _ in range(size))]
                if not batch:
                    return
                left = []
                self._batch(shared, batch)

    def _batch(self, shared: Shared, batch: Sequence[tuple[int, dict[str, Any]]]) -> None:
        bars = self._bars(batch[0][0] // self.round * self.round)
        cells = [Cell(str(number), {"settings": settings if number else {}, "bars": bars,
                                    "until": self.until}) for number, settings in batch]
        told: dict[int, Mapping[str, Any]] = {}
        try:
            if self._over():
                return
            run_cells(shared, cells, jobs=self.workers, backend=None,
                      store=_Told(self.store, told), stop=self.stop)
        except KeyboardInterrupt:
            self.stop.set()
        finally:
            lost = [number for number, _ in batch if number not in told]
            if lost:
                self.store.release(lost)
            self.why = self.why or ("Ctrl-C" if self.stop.is_set() else "") or (
                "the time limit" if lost or self._over() else "")
            for one in self.store.records(self.exact):
                if one.number in told:
                    self.on_trial(one)

    def _over(self) -> bool:
        if self.until is not None and time.time() >= self.until:
            self.why = "the time limit"
        return bool(self.why)

    def _bars(self, before: int) -> tuple[float, ...]:
        """The median of the best validation score so far, at each epoch, of what has finished in
        the rounds before one.

        Arguments:
            before: the number of that round's first trial.
        """
        if not self.prune:
            return ()
        curves = [np.maximum.accumulate(one.curve) for one in self.store.records(self.exact)
                  if one.state == FINISHED and one.curve and one.number < before]
        if len(curves) < FEWEST_CURVES:
            return ()
        reach = max(map(len, curves))
        # What ended early keeps its best.
        whole = [np.pad(curve, (0, reach - len(curve)), mode="edge") for curve in curves]
        return tuple(float(value) for value in np.median(whole, axis=0))


class _Told(CellStore):
    """Tells the store of each trial as it ends.

    Arguments:
        store: of the search.
        told: gets what came of each, by number.
    """

    def __init__(self, store: Store, told: dict[int, Values]) -> None:
        self.found: dict[str, Values] = {}
        self._store, self._told = store, told

    def add(self, key: str, values: Values) -> None:
        self._store.tell(int(key), values)
        self._told[int(key)] = values
