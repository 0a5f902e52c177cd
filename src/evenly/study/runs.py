"""Runs every variant with every seed, and the references beside them: a cell a run."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

import evenly as ev
from evenly.errors import DivergenceError

from .cells import Cell, Stopped, Store, run_cells, stopped
from .data import Table, input_shape
from .designs import Design, Variant, build
from .measures import measure
from .records import EpochPoint, RunRecord
from .references import REFERENCES, Reference, run_reference
from .shared import Shared
from .splits import Split, SplitStore
from .stored import from_values, to_values


class Stop(Protocol):
    """What tells of a stop, as threading.Event does."""

    def is_set(self) -> bool: ...


@dataclass(frozen=True)
class Outcome:
    """The runs that finished, by seed and then by variant, and whether some were given up.

    `references` are those of the simplest answer and the linear model.
    """

    runs: tuple[RunRecord, ...]
    interrupted: bool
    seconds: float
    references: tuple[RunRecord, ...] = ()


def run_all(
    table: Table,
    design: Design,
    *,
    jobs: int = 1,
    threads: int | None = 1,
    backend: str | None = "threading",
    store: Store | None = None,
    stop: threading.Event | None = None,
    on_epoch: Callable[[str, int], None] = lambda variant, seed: None,
) -> Outcome:
    """Train all variants with all seeds.

    All variants of a seed see the same split, start from the same weights where shapes agree, and
    get the same batches in the same order: they are pairs. Seeds are run one after the other, so
    that what has finished after a stop is whole seeds as far as possible. Results depend neither on
    `jobs` nor on `threads` nor on `backend`.

    Args:
        table: the checked table.
        design: what is varied and how it is trained.
        jobs: runs at the same time.
        threads: threads within one run; None leaves it to the worker.
        backend: "threading", "loky" for processes, or another of :func:`evenly.parallel.backend`;
            None takes the one in use.
        store: keeps runs that have finished, and has those that need not be run again.
        stop: when set, running runs end after the step they are at, and are dropped.
        on_epoch: called with variant and seed after every epoch, from any thread; for processes,
            and for runs that the store has, when the run is there.

    Raises:
        StudyError: the table cannot be prepared, or does not fit the network.
        BackendError: the backend is not known, does not answer, or its workers end.
    """
    stop = stop or threading.Event()
    input_shape(table, design)
    rows: tuple[Reference | Variant, ...] = (*REFERENCES, *design.rows)
    cells = [
        Cell(f"{seed} {row.name}", (row.name, seed)) for seed in range(design.seeds) for row in rows
    ]
    networks = {row.name for row in design.rows}
    told: set[tuple[str, int]] = set()

    def tell(variant: str, seed: int) -> None:
        told.add((variant, seed))
        on_epoch(variant, seed)

    def done(cell: Cell) -> None:
        variant, seed = cell.asks
        if variant in networks and cell.asks not in told:
            for _ in range(design.passes):
                on_epoch(variant, seed)

    with Shared((table, design, threads), _Work) as shared:
        shared.here = _Work(table, design, threads, most=jobs + 1, stop=stop, on_epoch=tell)
        found = run_cells(shared, cells, jobs=jobs, backend=backend, store=store, stop=stop,
                          on_done=done)
    runs = [from_values(values) for values in found.values.values()]
    return Outcome(
        tuple(run for run in runs if run.variant in networks),
        found.interrupted,
        found.seconds,
        tuple(run for run in runs if run.variant not in networks),
    )


class _Asked:
    """What tells of a stop in another process."""

    def is_set(self) -> bool:
        return stopped()


class _Work:
    """Runs cells of a study, in whichever process."""

    def __init__(
        self,
        table: Table,
        design: Design,
        threads: int | None,
        most: int = 1,
        stop: threading.Event | None = None,
        on_epoch: Callable[[str, int], None] = lambda variant, seed: None,
    ) -> None:
        self.table, self.design, self.threads = table, design, threads
        self.on_epoch = on_epoch
        self.own, self.stop = stop, stop or _Asked()
        rows: tuple[Reference | Variant, ...] = (*REFERENCES, *design.rows)
        self.rows = {row.name: row for row in rows}
        self.store = SplitStore(
            table, design, input_shape(table, design), uses=len(rows), most=most
        )

    def __call__(self, asks: tuple[str, int]) -> dict[str, Any]:
        name, seed = asks
        row = self.rows[name]
        split = self.store.take(seed)
        # Making a split of a large table takes its time: somebody may have lost patience.
        if self.stop.is_set():
            raise Stopped
        if isinstance(row, Variant):
            record = run_one(
                self.table, self.design, row, seed, split, self.threads, self.stop, self.on_epoch
            )
        else:
            record = run_reference(self.table, row, seed, split, self.stop)
        if record is None:
            # A training in the main thread hears Ctrl-C by itself: it is meant for all.
            if self.own is not None:
                self.own.set()
            raise Stopped
        return to_values(record)


def run_one(
    table: Table,
    design: Design,
    variant: Variant,
    seed: int,
    split: Split,
    threads: int | None,
    stop: Stop,
    on_epoch: Callable[[str, int], None],
) -> RunRecord | None:
    """Train one variant with one seed.

    The test part is looked at after every epoch, for the curves. Nothing is chosen by it: the
    scores are those after the last epoch.

    Returns:
        The record, of a diverged run too; None where `stop` was set before the run was done.
    """
    points: list[EpochPoint] = []

    def note(record: Any) -> None:
        points.append(
            EpochPoint(
                epoch=record.epoch,
                loss=record.loss,
                score=record.score,
                test_loss=record.validation_loss,
                test_score=record.validation_score,
                seconds=record.seconds,
            )
        )
        on_epoch(variant.name, seed)

    started = time.perf_counter()
    try:
        model = ev.fit(
            build(variant, design, split.x_train.shape[1:], table.outputs),
            split.x_train,
            split.y_train,
            loss=ev.SoftmaxCrossEntropy() if table.classes else ev.MeanSquaredError(),
            optimizer=design.make_optimizer(),
            epochs=design.passes,
            batch=design.batch,
            validation=(split.x_test, split.y_test),
            seed=seed,
            penalty=variant.penalty,
            threads=threads,
            progress=False,
            callbacks=(note,),
            stop=stop.is_set,
        )
    except DivergenceError as error:
        seconds = time.perf_counter() - started
        reason = f"epoch {error.epoch}, step {error.step}: {error.layer} is not finite"
        return _broken(variant, seed, points, seconds, reason)
    seconds = time.perf_counter() - started
    if model.history.stopped == "interrupted":
        return None
    train = model.evaluate(split.x_train, split.y_train)
    test = model.evaluate(split.x_test, split.y_test)
    if not all(map(math.isfinite, (train.loss, train.score, test.loss, test.score))):
        return _broken(variant, seed, points, seconds, "a loss after training is not finite")
    return RunRecord(
        variant=variant.name,
        seed=seed,
        epochs=tuple(points),
        train_loss=train.loss,
        train_score=train.score,
        test_loss=test.loss,
        test_score=test.score,
        seconds=seconds,
        train=measure(table.task, *_answers(table, model, split, split.x_train, split.y_train)),
        test=measure(table.task, *_answers(table, model, split, split.x_test, split.y_test)),
    )


def _answers(table: Table, model: Any, split: Split, x: Any, y: Any) -> tuple[Any, Any]:
    """The truth and the network's answers, as the measures take them."""
    scores = np.asarray(model.predict(x), np.float64)
    if not table.classes:
        return split.in_units(y), split.in_units(scores.reshape(-1))
    chances = np.exp(scores - scores.max(axis=1, keepdims=True))
    return y, chances / chances.sum(axis=1, keepdims=True)


def _broken(
    variant: Variant, seed: int, points: list[EpochPoint], seconds: float, reason: str
) -> RunRecord:
    return RunRecord(variant.name, seed, tuple(points), None, None, None, None, seconds, reason)
