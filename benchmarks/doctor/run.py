"""Runs the bank; what is known already is read from a file of JSON lines."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import closing
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from .cases import Case, share


class Lines:
    """Results by the name of their case, each a line, written when it is there: a run that was
    stopped goes on where it was."""

    def __init__(self, path: Path) -> None:
        self.path, self.known = path, dict[str, Any]()
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            return
        whole = []
        for line in path.read_text().splitlines():
            try:
                result = json.loads(line)
            except ValueError:
                continue  # written to in the moment of the end
            whole.append(line)
            self.known[result["case"]] = result
        path.write_text("".join(line + "\n" for line in whole))

    def add(self, case: str, result: dict[str, Any]) -> None:
        """Keeps a result."""
        line = {"case": case, **result}
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")
        self.known[case] = line


Work = Callable[[Case], dict[str, Any]]


def run(lines: Lines, cases: Iterable[Case], work: Work, what: str, jobs: int = 1) -> None:
    """Does the work for every case that is not known, and says how far it is."""
    left = [case for case in cases if case.name not in lines.known]
    # Mixed, so that a part of the results tells of the whole already.
    left.sort(key=lambda case: share(case.name))
    start = said = time.monotonic()
    with closing(_results(left, work, jobs)) as results:
        for number, (name, result) in enumerate(results, 1):
            lines.add(name, result)
            if time.monotonic() - said > 20 or number == len(left):
                said = time.monotonic()
                print(f"{what}: {number} of {len(left)}, {said - start:.0f} s", file=sys.stderr,
                      flush=True)


def _results(cases: Sequence[Case], work: Work, jobs: int) -> Iterator[tuple[str, dict[str, Any]]]:
    if jobs == 1:
        yield from map(partial(_timed, work), cases)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        waiting = [pool.submit(_timed, work, case) for case in cases]
        try:
            for one in as_completed(waiting):
                yield one.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _timed(work: Work, case: Case) -> tuple[str, dict[str, Any]]:
    begun = time.process_time()
    result = work(case)
    return case.name, {**result, "seconds": round(time.process_time() - begun, 3)}
