"""Runs the benchmarks: ``python -m benchmarks --help``."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from . import harness, table
from .floor import measure_machine
from .peers import PEERS, installed, pin, versions
from .rows import Result, Row

SUBJECTS = (
    "training_step", "networks", "operations", "prediction", "startup", "digits", "memory",
)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    pin(options.threads)
    here, missing = installed(options.peers)
    for line in missing:
        print(line)
    settings = harness.Settings(
        threads=options.threads, rounds=5 if options.quick else options.rounds,
    )
    chosen = _chosen(options.subjects, options.row or [""])
    if not chosen:
        wanted = " or ".join(map(repr, options.row))
        print(f"no row's name has {wanted} in it; python -m benchmarks --list shows them")
        return 2
    if options.list:
        for _, rows in chosen:
            print(*(row.name for row in rows), sep="\n")
        return 0
    about = _about(here, settings)
    print(about, flush=True)
    machine = measure_machine(options.threads)
    records: list[dict[str, Any]] = []
    for name, rows in chosen:
        subject = import_module(f"benchmarks.{name}")
        results = [_measure(name, subject, row, here, settings) for row in rows]
        machine = machine.best(measure_machine(options.threads))
        results = [
            replace(r, floor=machine.floor_ms(r.row.needs)) if r.row.needs else r for r in results
        ]
        print("\n" + table.markdown(subject.TITLE, results), flush=True)
        records += table.as_json(subject.TITLE, results)
        if options.json:
            report = {"about": about, "machine": machine.text(), "rows": records}
            options.json.write_text(json.dumps(report, indent=1) + "\n")
    print(machine.text())
    return 0


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
    parser.add_argument("--threads", type=int, default=2, help="of every peer (2)")
    parser.add_argument("--rounds", type=int, default=30, help="samples a peer (30)")
    parser.add_argument("--quick", action="store_true", help="5 rounds: to see that all runs")
    parser.add_argument("--json", type=Path, help="write every sample into this file")
    parser.add_argument("--list", action="store_true", help="show the rows and stop")
    options = parser.parse_args(arguments)
    for given, known in ((options.subjects, SUBJECTS), (options.peers, PEERS)):
        unknown = [name for name in given if name not in known]
        if unknown:
            parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(known)}")
    available = os.cpu_count() or 1
    if not 1 <= options.threads <= available:
        parser.error(f"--threads: 1 to {available}, the processors there are")
    return options


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
    name: str, subject: Any, row: Row, here: Sequence[str], settings: harness.Settings
) -> Result:
    def say(line: str) -> None:
        print(f"{row.name}: {line}", flush=True)

    share = getattr(subject, "ROUNDS_SHARE", 1)
    settings = replace(settings, rounds=max(2, round(settings.rounds * share)))
    print(f"... {row.name}", file=sys.stderr, flush=True)
    if hasattr(subject, "measure"):
        peers = [peer for peer in subject.PEER_NAMES[row.case] if peer in here]
        return subject.measure(row, peers, settings, say)
    peers = [peer for peer in subject.BUILDERS if peer in here]
    return harness.measure(name, row, peers, settings, say)


def _about(here: Sequence[str], settings: harness.Settings) -> str:
    found = ", ".join(f"{label} {version}" for label, version in versions(here).items())
    return (
        f"{datetime.now():%Y-%m-%d}, {_processor()}, {settings.threads} threads each, medians of "
        f"{settings.rounds} rounds (smallest to largest).\nPython {platform.python_version()}, "
        f"{found}."
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


if __name__ == "__main__":
    sys.exit(main())
