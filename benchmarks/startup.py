"""What a library costs before it trains: its import, the way to a first step, its place on disk.

Times are of fresh processes, whose files are in the page cache from an untimed first run. Installed
size is that of the distribution and of all it requires, extras left out: the files that their
installation recorded. A library installed for editing has recorded none of its own and is left out.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib import metadata
from pathlib import Path

from .goals import goals
from .harness import ROOT, Settings, take_turns
from .peers import PEERS, environment
from .rows import Result, Row

TITLE = "Before training"
_BASELINE = frozenset({"numpy"})
_NAMES = (
    "import of what trains", "process start to the end of the first step",
    "installed size with what it needs",
)

_IMPORT = Row(
    _NAMES[0], "import", goals(_NAMES[0]), unit="s", not_ranked=_BASELINE
)
_FIRST = Row(_NAMES[1], "first step", goals(_NAMES[1]), unit="s")
_SIZE = Row(_NAMES[2], "size", goals(_NAMES[2]), unit="MB", not_ranked=_BASELINE)
ROWS = (_IMPORT, _FIRST, _SIZE)
# Packages may load their parts late, as Evenly and scikit-learn do. So the import is that of what a
# user trains with.
_IMPORTS = {
    "evenly": "from evenly import Engine, compile, fit",
    "sklearn": "from sklearn.neural_network import MLPClassifier",
}
PEER_NAMES = {
    "import": ("evenly", "numpy", "sklearn", "jax", "torch"),
    "first step": ("evenly", "sklearn", "jax", "torch"),
    "size": ("evenly", "numpy", "sklearn", "jax", "torch"),
}


def measure(row: Row, peers: list[str], settings: Settings, say: Callable[[str], None]) -> Result:
    """Measures a row in fresh processes."""
    if row is _SIZE:
        sizes = {peer: installed_size(PEERS[peer].distribution) for peer in peers}
        notes = tuple(
            f"{PEERS[peer].label} has no size: it is installed for editing."
            for peer, size in sizes.items() if size is None
        )
        for note in notes:
            say(note)
        samples = {peer: (size / 1e6,) for peer, size in sizes.items() if size is not None}
        return Result(row, samples, notes=notes)
    take = _import_seconds if row is _IMPORT else _first_step_seconds
    turns = {}
    for peer in peers:
        turns[peer] = partial(_turn, take, peer, settings.threads)
        turns[peer]()
    samples, _, _ = take_turns(turns, settings.rounds)
    return Result(row, samples)


def _turn(take: Callable[[str, int], float], peer: str, threads: int) -> tuple[float, float]:
    """A sample and the processor seconds of its process."""
    before = os.times()
    sample = take(peer, threads)
    after = os.times()
    return sample, sum(after[2:4]) - sum(before[2:4])


def _import_seconds(peer: str, threads: int) -> float:
    """Seconds of the import statement, the interpreter's own start not counted."""
    statement = _IMPORTS.get(peer, f"import {PEERS[peer].module}")
    code = (
        "import time; start = time.perf_counter()\n"
        f"{statement}\n"
        "print(time.perf_counter() - start)"
    )
    return float(_output([sys.executable, "-c", code], peer, threads))


def _first_step_seconds(peer: str, threads: int) -> float:
    """Seconds from before the process exists until it has made one training step."""
    command = [sys.executable, "-m", f"benchmarks.first_step.with_{peer}"]
    start = time.clock_gettime(time.CLOCK_MONOTONIC)
    return float(_output(command, peer, threads)) - start


def _output(command: list[str], peer: str, threads: int) -> str:
    return subprocess.run(
        command, cwd=ROOT, env=environment(peer, threads), check=True, text=True,
        stdout=subprocess.PIPE,
    ).stdout


def installed_size(distribution: str) -> int | None:
    """Bytes of a distribution and of all it requires; None where its files are elsewhere."""
    sizes = {name: _own_size(name) for name in _closure(distribution)}
    return None if None in sizes.values() else sum(size or 0 for size in sizes.values())


def _closure(distribution: str) -> set[str]:
    """Names of a distribution and of all it requires here, without extras."""
    found: set[str] = set()
    waiting = [distribution]
    while waiting:
        name = _normal(waiting.pop())
        if name in found:
            continue
        try:
            requirements = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            # A requirement whose marker does not hold here, for another system or an extra.
            continue
        found.add(name)
        waiting += [
            re.match(r"[A-Za-z0-9._-]+", line).group()
            for line in requirements if not re.search(r";.*\bextra\b", line)
        ]
    return found


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _own_size(name: str) -> int | None:
    distribution = metadata.distribution(name)
    if "editable\": true" in (distribution.read_text("direct_url.json") or ""):
        return None
    paths = [Path(distribution.locate_file(file)) for file in distribution.files or ()]
    return sum(path.stat().st_size for path in set(paths) if path.is_file())


