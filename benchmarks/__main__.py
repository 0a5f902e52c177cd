"""Runs the benchmarks: ``python -m benchmarks --help``."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from evenly.native import available_isas

from . import harness, table
from .floor import measure_machine
from .peers import PEERS, pin, versions
from .rows import Result, Row

SUBJECTS = (
    "training_step", "networks", "operations", "prediction", "startup", "digits", "estimators",
    "memory",
)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    chosen = _chosen(options.subjects, options.row or [""])
    if not chosen:
        wanted = " or ".join(map(repr, options.row))
        print(f"no row's name has {wanted} in it; python -m benchmarks --list shows them")
        return 2
    if options.list:
        for _, rows in chosen:
            print(*(row.name for row in rows), sep="\n")
        return 0
    pin(options.threads)
    pythons = dict(options.python)
    here = versions(options.peers, pythons)
    absent = tuple(peer for peer in options.peers if peer not in here)
    for peer in absent:
        print(f"{PEERS[peer].label} is left out: it is not installed.")
    settings = harness.Settings(
        threads=options.threads, rounds=5 if options.quick else options.rounds, pythons=pythons,
        processor_time=options.processor_time,
    )
    run = _Run(here, absent, settings, options.json)
    print(f"{run.measured} (smallest to largest).", run.versions, sep="\n", flush=True)
    try:
        run.all(chosen)
    except KeyboardInterrupt:
        kept = f"; {options.json} has them" if options.json else ""
        print(f"\nstopped after {len(run.records)} rows{kept}")
        return 130
    print(run.machine.text())
    return 0


class _Run:
    """A run of some rows: it prints a table for each subject, and keeps what is measured."""

    def __init__(
        self, here: Mapping[str, str], absent: tuple[str, ...], settings: harness.Settings,
        path: Path | None,
    ) -> None:
        self.here, self.absent, self.settings, self.path = here, absent, settings, path
        self.records: list[dict[str, Any]] = []
        self.measured = settings.said()
        # The first label of each distribution: some take part twice.
        labels = {PEERS[peer].distribution: PEERS[peer].label for peer in reversed([*here])}
        found = ", ".join(
            f"{labels.pop(PEERS[peer].distribution)} {version}" for peer, version in here.items()
            if PEERS[peer].distribution in labels)
        self.versions = f"Python {platform.python_version()}, {found}."

    def all(self, chosen: Sequence[tuple[str, list[Row]]]) -> None:
        self.machine = measure_machine(self.settings.threads)
        for name, rows in chosen:
            results: list[Result] = []
            try:
                for row in rows:
                    results.append(self._row(name, row))
                self.machine = self.machine.best(measure_machine(self.settings.threads))
            finally:
                if results:
                    self._keep(import_module(f"benchmarks.{name}").TITLE, results)

    def _row(self, name: str, row: Row) -> Result:
        subject = import_module(f"benchmarks.{name}")
        result = _measure(name, subject, row, self.here, self.settings)
        peers = subject.PEER_NAMES[row.case] if hasattr(subject, "measure") else subject.BUILDERS
        return replace(result, absent=tuple(peer for peer in peers if peer in self.absent))

    def _keep(self, title: str, results: Sequence[Result]) -> None:
        results = [
            replace(r, floor=self.machine.floor_ms(r.row.needs)) if r.row.needs else r
            for r in results
        ]
        print("\n" + table.markdown(title, results), flush=True)
        self.records += table.as_json(title, results)
        if self.path is not None:
            report = {"measured": self.measured, "versions": self.versions,
                      "machine": self.machine.text(), "isa": available_isas()[-1],
                      "rows": self.records}
            self.path.write_text(json.dumps(report, indent=1) + "\n")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Benchmarks of Evenly against its peers."
    )
    parser.add_argument(
        "subjects", nargs="*", metavar="subject",
        help=f"which to run, by default all: {', '.join(SUBJECTS)}",
    )
    parser.add_argument(
        "--row", action="append", metavar="TEXT",
        help="only rows with this text in their name; may be given more than once",
    )
    parser.add_argument(
        "--peers", default=",".join(PEERS), type=lambda text: text.split(","),
        help="only these, separated by commas",
    )
    parser.add_argument(
        "--python", action="append", default=[], metavar="PEER=PATH", type=_pair,
        help="the interpreter of a peer that this one does not have: pytabkit=/venv/bin/python",
    )
    parser.add_argument("--threads", type=int, default=2, help="of every peer (2)")
    parser.add_argument("--rounds", type=int, default=30, help="samples a peer (30)")
    parser.add_argument("--quick", action="store_true", help="5 rounds: to see that all runs")
    parser.add_argument(
        "--processor-time", action="store_true",
        help="seconds of the processor, where other programs leave no quiet; with --threads 1",
    )
    parser.add_argument("--json", type=Path, help="write every sample into this file")
    parser.add_argument("--list", action="store_true", help="show the rows and stop")
    options = parser.parse_args(arguments)
    others = [peer for peer, _ in options.python]
    for given, known in ((options.subjects, SUBJECTS), (options.peers, PEERS), (others, PEERS)):
        unknown = [name for name in given if name not in known]
        if unknown:
            parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(known)}")
    for _, path in options.python:
        if not os.access(path, os.X_OK):
            parser.error(f"--python: {path} is no interpreter")
    available = os.cpu_count() or 1
    if not 1 <= options.threads <= available:
        parser.error(f"--threads: 1 to {available}, the processors there are")
    if options.processor_time and options.threads > 1:
        parser.error("--processor-time needs --threads 1: what waits for others by spinning counts")
    return options


def _pair(text: str) -> tuple[str, str]:
    peer, sign, path = text.partition("=")
    if not sign:
        raise argparse.ArgumentTypeError(f"expects PEER=PATH, got {text!r}")
    return peer, path


def _chosen(subjects: Sequence[str], texts: Sequence[str]) -> list[tuple[str, list[Row]]]:
    """Subjects and their rows that were asked for."""
    chosen = []
    for name in subjects or SUBJECTS:
        every = import_module(f"benchmarks.{name}").ROWS
        rows = [row for row in every if any(text in row.name for text in texts)]
        if rows:
            chosen.append((name, rows))
    return chosen


def _measure(
    name: str, subject: Any, row: Row, here: Mapping[str, str], settings: harness.Settings
) -> Result:
    def say(line: str) -> None:
        print(f"{row.name}: {line}", flush=True)

    share, least = getattr(subject, "ROUNDS_SHARE", 1), getattr(subject, "LEAST_ROUNDS", 2)
    settings = replace(
        settings, rounds=max(least, round(settings.rounds * share)),
        repeats=getattr(subject, "REPEATS", settings.repeats),
    )
    print(f"... {row.name}", file=sys.stderr, flush=True)
    if hasattr(subject, "measure"):
        peers = [peer for peer in subject.PEER_NAMES[row.case] if peer in here]
        return subject.measure(row, peers, settings, say)
    peers = [peer for peer in subject.BUILDERS if peer in here]
    return harness.measure(name, row, peers, settings, say)


if __name__ == "__main__":
    sys.exit(main())
