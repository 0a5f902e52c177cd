"""Runs a study: every case a cell, blocks that are whole into numbers, numbers into a verdict."""

from __future__ import annotations

import hashlib
import inspect
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import EvenlyError
from ..study.cells import Cell, Store, run_cells
from ..study.errors import StudyError
from ..version import __version__
from .catalog import from_file
from .data import table
from .measures import whole_blocks
from .records import RunRecord
from .result import Result
from .study import Case, Form, Study
from .verdict import judged


def run(
    study: Study, form: Form = "tour", *, blocks: int | None = None, jobs: int = 1,
    backend: str | None = "loky", store: Store | None = None, stop: threading.Event | None = None,
    on_done: Callable[[Cell], None] = lambda cell: None,
) -> Result:
    """Runs all cases of a study and gives the verdict.

    Arguments:
        study: the declaration.
        form: ``"tour"`` or ``"long"``.
        blocks: another number of them than the study's own.
        jobs: trainings at the same time. The numbers do not depend on it, nor on the backend.
        backend: of :func:`evenly.parallel.backend`; None takes the one in use.
        store: keeps what has ended, and has what need not be run again.
        stop: when set, what has not ended is given up.
        on_done: called with each training that has ended.

    Raises:
        StudyError: `measure` gave what cannot be used; no block was whole.
    """
    found = run_all([study], form, blocks=blocks, jobs=jobs, backend=backend, store=store,
                    stop=stop, on_done=on_done)
    if not found:
        raise study.wrong("stopped before a block was finished: there is nothing to tell")
    return found[0]


def run_all(
    studies: Sequence[Study], form: Form = "tour", *, blocks: int | None = None, jobs: int = 1,
    backend: str | None = "loky", store: Store | None = None, stop: threading.Event | None = None,
    on_done: Callable[[Cell], None] = lambda cell: None, null: bool = False,
) -> list[Result]:
    """Runs studies, all their cases in one go, and judges each: see :func:`run`.

    Arguments:
        studies: in the order to run them; their names differ.
        null: replaces each technique by nothing, see :func:`nulled`.

    Returns:
        A result for each study of which a block is whole.
    """
    cases = {study.name: study.cases(form, blocks) for study in studies}
    assert len(cases) == len(studies), "two studies of one name"
    cells = [
        Cell(key(study, case), (measured, nulled(study, case) if null else case))
        for study in studies
        for measured in [Measured(study)]
        for case in cases[study.name]
    ]
    done = run_cells(_measure, cells, jobs=jobs, backend=backend, store=store, stop=stop,
                     on_done=on_done)
    results = []
    for study in studies:
        ended = [(case, done.values[name]) for case in cases[study.name]
                 if (name := key(study, case)) in done.values]
        runs = [RunRecord(case.levels, case.block, values["measures"]) for case, values in ended]
        if whole_blocks(runs, cases[study.name]):
            seconds = sum(values["seconds"] for _, values in ended)
            results.append(Result(study, judged(study, form, runs, cases[study.name], seconds)))
    return results


def _measure(asks: tuple[Measured, Case]) -> dict[str, Any]:
    measured, case = asks
    started = time.process_time()
    measures = measured(case)
    return {"measures": measures, "seconds": round(time.process_time() - started, 6)}


def key(study: Study, case: Case) -> str:
    """The name of a case among all cases of all studies."""
    return f"{study.name} {case.block} {json.dumps(dict(case.levels), sort_keys=True)}"


def fingerprint(studies: Sequence[Study], form: Form) -> str:
    """Names what results depend on: the library's version, the studies' own text, levels and form,
    the user's table. Results of another fingerprint are no use when a study is resumed."""
    told = [__version__, form]
    for study in studies:
        text = _text(study)
        told += [study.name, text, repr(study.levels_of(form))]
        told += [str(table(str(level)).sha256) for level in study.levels_of(form).get("data", ())
                 if str(level).startswith("file:")]
    return hashlib.sha256("\0".join(told).encode()).hexdigest()[:16]


def _text(study: Study) -> str:
    """What a study's measures are computed by, as text."""
    if study.origin:
        return Path(study.origin).read_text(encoding="utf-8")
    try:
        return inspect.getsource(inspect.getmodule(study.measure) or study.measure)
    except (OSError, TypeError):
        return study.measure.__code__.co_code.hex()


def nulled(study: Study, case: Case) -> Case:
    """The case with its technique replaced by nothing: the first level of each factor of the
    technique, and seeds of weights and batches that are its own, so that it is no copy. Data and
    split stay those of the block."""
    first = {name: study.factors[name][0] for name in study.technique}
    arm = json.dumps({name: case.levels[name] for name in study.technique}, sort_keys=True)
    state = np.random.SeedSequence([case.seed, *arm.encode()]).generate_state(1)
    return replace(case, levels={**case.levels, **first}, seed=int(state[0] >> 1))


class Measured:
    """Measures a case, in whichever process: a user's file is loaded there by its path.

    Raises:
        StudyError: a measure is missing, or no finite number.
    """

    def __init__(self, study: Study) -> None:
        self.name = study.name
        self.origin = str(Path(study.origin).resolve()) if study.origin else ""
        self.measure = None if study.origin else study.measure

    def __call__(self, case: Case) -> dict[str, Any]:
        measure = self.measure
        if measure is None:
            measure = from_file(self.origin, self.name).measure
        where = f"study {self.name}, block {case.block}, {dict(case.levels)}"
        try:
            found = measure(case)
        except EvenlyError as error:
            raise StudyError(f"{where}: {error}") from error
        if not isinstance(found, Mapping) or not found:
            raise StudyError(f"{where}: measure gave {found!r}, expects names with numbers")
        return {str(name): _plain(value, f"{where}: measure '{name}'")
                for name, value in found.items()}


def _plain(value: Any, where: str) -> Any:
    array = np.asarray(value)
    if array.dtype.kind not in "biuf" or array.ndim > 1:
        raise StudyError(f"{where}: expects a number or a list of numbers, got {value!r}")
    if not np.isfinite(array).all():
        raise StudyError(f"{where}: is not finite: say what a training that breaks counts as")
    plain = array.astype(np.float64).tolist()
    return plain if array.ndim else float(plain)
