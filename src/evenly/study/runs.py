"""Runs every variant with every seed, and the references beside them, a thread a run."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

import numpy as np

import evenly as ev
from evenly.errors import DivergenceError

from .data import Table, input_shape
from .designs import Design, Variant, build
from .measures import measure
from .records import EpochPoint, RunRecord
from .references import REFERENCES, Reference, run_reference
from .splits import Split, SplitStore

# How long the main thread sleeps at most before it looks for a signal again.
LISTEN_SECONDS = 0.1


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
    threads: int = 1,
    stop: threading.Event | None = None,
    on_epoch: Callable[[str, int], None] = lambda variant, seed: None,
) -> Outcome:
    """Train all variants with all seeds.

    All variants of a seed see the same split, start from the same weights where shapes agree, and
    get the same batches in the same order: they are pairs. Seeds are run one after the other, so
    that what has finished after a stop is whole seeds as far as possible.

    Args:
        table: the checked table.
        design: what is varied and how it is trained.
        jobs: runs at the same time.
        threads: threads within one run. Results do not depend on it.
        stop: when set, running runs end after the step they are at, and are dropped.
        on_epoch: called with variant and seed after every epoch, from any thread.

    Raises:
        StudyError: the table cannot be prepared, or does not fit the network.
    """
    stop = stop or threading.Event()
    started = time.perf_counter()
    shape = input_shape(table, design)
    rows: tuple[Reference | Variant, ...] = (*REFERENCES, *design.rows)
    store = SplitStore(table, design, shape, uses=len(rows))
    order = [(seed, row) for seed in range(design.seeds) for row in rows]

    def run(seed: int, row: Reference | Variant) -> RunRecord | None:
        if stop.is_set():
            return None
        split = store.take(seed)
        # Making a split of a large table takes its time: somebody may have lost patience.
        if stop.is_set():
            return None
        if isinstance(row, Reference):
            return run_reference(table, row, seed, split, stop)
        return run_one(table, design, row, seed, split, threads, stop, on_epoch)

    with ThreadPoolExecutor(jobs, thread_name_prefix="study") as pool:
        futures = [pool.submit(run, seed, row) for seed, row in order]
        try:
            _wait(futures)
        except BaseException:
            # Leaving the block waits for the threads: tell them that nobody waits for results.
            stop.set()
            raise
    found = [record for future in futures if (record := future.result()) is not None]
    names = {row.name for row in REFERENCES}
    return Outcome(
        tuple(record for record in found if record.variant not in names),
        len(found) < len(order),
        time.perf_counter() - started,
        tuple(record for record in found if record.variant in names),
    )


def _wait(futures: list[Future[RunRecord | None]]) -> None:
    """Wait for all, waking often enough to hear Ctrl-C; the first error ends the waiting."""
    pending = set(futures)
    while pending:
        done, pending = wait(pending, LISTEN_SECONDS, FIRST_COMPLETED)
        for future in done:
            future.result()


def run_one(
    table: Table,
    design: Design,
    variant: Variant,
    seed: int,
    split: Split,
    threads: int,
    stop: threading.Event,
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
