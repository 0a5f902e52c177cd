"""Runs the accuracy study: ``python -m benchmarks.accuracy --help``."""

from __future__ import annotations

import os

# One thread each, before any library makes a pool: accuracy is compared, and processor time.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"

import argparse  # noqa: E402
import json  # noqa: E402
import sys  # noqa: E402
from collections.abc import Sequence  # noqa: E402
from concurrent.futures import ProcessPoolExecutor, as_completed  # noqa: E402
from functools import lru_cache  # noqa: E402
from multiprocessing import get_context  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

from . import keel, models, runs, summary, tables  # noqa: E402

Task = tuple[str, str, str, int, int, dict[str, Any]]


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    if options.summary:
        results = runs.read([options.out, *options.more]).values()
        print(summary.markdown([
            r for r in results
            if r.table in options.tables and r.repetition < options.repetitions
            and r.model in (options.models or models.NAMES)
        ]))
        return 0
    if runs.mend(options.out):
        print(f"{options.out}: the last line was not whole; that training is done again")
    done = runs.read([options.out]) if options.out.exists() else {}
    tasks = [task for task in _tasks(options) if (task[0], task[1], task[3], task[4]) not in done]
    print(f"{len(tasks)} trainings, {len(done)} results are there", flush=True)
    try:
        _run(tasks, options.jobs, options.out)
    except keel.Absent as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.accuracy",
        description="Accuracy of Evenly's estimators and their peers with defaults, 5x2 folds.",
    )
    parser.add_argument(
        "--out", type=Path, required=True, help="JSON lines; a run goes on where the last stopped",
    )
    parser.add_argument("--set", choices=sorted(tables.SETS), default="report", help="(report)")
    parser.add_argument("--tables", type=_list, help="only these of the set, with commas between")
    parser.add_argument("--models", type=_list, help=f"of {','.join(models.NAMES)}; by default all")
    parser.add_argument(
        "--variant", action="append", default=[], metavar="JSON",
        help='Evenly with other settings, {"dropout": 0.3}; on development tables only; may be '
        "given more than once, and leaves out the other models",
    )
    parser.add_argument("--jobs", type=int, default=1, help="processes, one thread each (1)")
    parser.add_argument(
        "--repetitions", type=int, default=runs.REPETITIONS,
        help=f"the first so many of {runs.REPETITIONS}",
    )
    parser.add_argument("--summary", action="store_true", help="print what is there as Markdown")
    parser.add_argument(
        "--more", action="append", default=[], type=Path, metavar="FILE",
        help="a further file of results for --summary; may be given more than once",
    )
    options = parser.parse_args(arguments)
    every = tables.SETS[options.set]
    for given, known in ((options.tables, every), (options.models, models.NAMES)):
        unknown = [name for name in given or () if name not in known]
        if unknown:
            parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(known)}")
    if options.variant and options.set != "development":
        parser.error("--variant: defaults are chosen on development tables: --set development")
    if not 1 <= options.repetitions <= runs.REPETITIONS:
        parser.error(f"--repetitions: 1 to {runs.REPETITIONS}")
    if options.jobs < 1:
        parser.error("--jobs: at least 1")
    try:
        options.variant = [json.loads(text) for text in options.variant]
    except ValueError as error:
        parser.error(f"--variant: {error}")
    if not all(isinstance(settings, dict) for settings in options.variant):
        parser.error('--variant: names and values are wanted, {"dropout": 0.3}')
    options.tables = options.tables or every
    return options


def _list(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")]


def _tasks(options: argparse.Namespace) -> list[Task]:
    """Every training that was asked for: table, label, model, repetition, fold, settings."""
    chosen = [
        (f"{models.OURS} {json.dumps(settings, sort_keys=True)}", models.OURS, settings)
        for settings in options.variant
    ] or [(name, name, {}) for name in options.models or models.NAMES]
    return [
        (table, label, name, repetition, fold, settings)
        for repetition in range(options.repetitions)
        for table in options.tables
        for label, name, settings in chosen
        for fold in range(runs.FOLDS)
    ]


def _run(tasks: Sequence[Task], jobs: int, out: Path) -> None:
    if jobs == 1:
        for task in tasks:
            runs.append(out, _train(task))
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        waiting = [pool.submit(_train, task) for task in tasks]
        try:
            for one in as_completed(waiting):
                runs.append(out, one.result())
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _train(task: Task) -> runs.Result:
    table, label, name, repetition, fold, settings = task
    return runs.measure(_load(table), name, repetition, fold, settings, label)


@lru_cache(maxsize=1)
def _load(name: str) -> tables.Table:
    return tables.load(name)


if __name__ == "__main__":
    sys.exit(main())
