"""Interleaved measurement: every peer of a row is alive at once and they take turns.

A slow minute of the machine then hits all peers alike. Only one of them works at a time: the others
block on a pipe, and before each round the harness rests until their threads have stopped spinning
and the machine is quiet. A round that another program disturbs is repeated.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from .peers import PEERS, environment
from .rows import Result, Row

ROOT = Path(__file__).resolve().parent.parent
# Threads of libgomp and OpenBLAS spin for some 5 to 30 ms after their last work.
_REST_SECONDS = 0.04
# A row waits no longer than this, all rounds together, for other programs to fall silent.
_PATIENCE_SECONDS = 20.0
# A round in which other programs took more of the processors than this share is disturbed.
_OTHERS_SHARE = 0.15
_TICK = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
_A_SECOND = {"s": 1.0, "ms": 1e3}


@dataclass(frozen=True)
class Settings:
    """How to measure.

    Attributes:
        threads: of every peer.
        rounds: timed rounds a peer.
        round_seconds: what a round lasts at least.
        repeats: so many disturbed rounds are repeated, as a multiple of the rounds; later ones
            count.
        pythons: the interpreter of a peer, where it is not this one.
        processor_time: whether samples are of processor time: then nothing waits for other
            programs.
    """

    threads: int = 2
    rounds: int = 30
    round_seconds: float = 0.1
    repeats: int = 2
    pythons: Mapping[str, str] = field(default_factory=dict)
    processor_time: bool = False

    def said(self, what: str = "medians") -> str:
        """When and on what is measured, and how often."""
        threads = "one thread" if self.threads == 1 else f"{self.threads} threads"
        clock = "processor time, " if self.processor_time else ""
        rounds = "1 round" if self.rounds == 1 else f"{self.rounds} rounds"
        return (f"{datetime.now():%Y-%m-%d}, {_processor()}, {threads} each, {clock}{what} of "
                f"{rounds}")


class BuildError(RuntimeError):
    """A peer could not build its step."""


class Worker:
    """A peer's process, see ``worker.py``."""

    def __init__(
        self, subject: str, row: str, peer: str, threads: int, python: str = sys.executable
    ) -> None:
        self.peer = peer
        self.steps = 1
        self.idle_cpu = 0.0
        self._process = subprocess.Popen(
            [python, "-m", "benchmarks.worker"],
            cwd=ROOT, env=environment(peer, threads), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )
        self._send(subject=subject, row=row, peer=peer, threads=threads)

    def wait_until_ready(self) -> None:
        self._receive()

    def calibrate(self, seconds: float) -> None:
        self._send(calibrate=seconds)
        self.steps = self._receive()["steps"]

    def round(self, processor_time: bool = False) -> tuple[float, float]:
        """Seconds a step, and processor seconds of the round."""
        self._send(steps=self.steps)
        reply = self._receive()
        self.idle_cpu += reply["idle_cpu"]
        return reply["own" if processor_time else "seconds"], reply["cpu"]

    def score(self) -> float | None:
        """Of the model that was trained last; None where there is none."""
        self._send(score=True)
        value: float | None = self._receive()["score"]
        return value

    def close(self) -> None:
        self._process.stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def _send(self, **request: Any) -> None:
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()

    def _receive(self) -> dict[str, Any]:
        line = self._process.stdout.readline()
        reply = json.loads(line) if line else {"error": "its process ended"}
        if "error" in reply:
            raise BuildError(f"{PEERS[self.peer].label} fails: {reply['error'].strip()}")
        return reply


def measure(
    subject: str, row: Row, peers: Sequence[str], settings: Settings, say: Callable[[str], None]
) -> Result:
    """Measures a row in worker processes, one a peer."""
    # They build one after the other: on few processors that is no slower, and a compiler that
    # picks the fastest of several kernels must not be disturbed while it measures.
    workers, notes = [], []
    try:
        for peer in peers:
            python = settings.pythons.get(peer, sys.executable)
            worker = Worker(subject, row.name, peer, settings.threads, python)
            workers.append(worker)
            try:
                worker.wait_until_ready()
                worker.calibrate(settings.round_seconds)
            except BuildError as error:
                workers.remove(worker)
                worker.close()
                notes.append(str(error))
        own = settings.processor_time
        turns = {worker.peer: partial(worker.round, own) for worker in workers}
        seconds_a_step, disturbed, seconds = take_turns(
            turns, settings.rounds, 0 if own else settings.repeats,
            0.0 if own else _PATIENCE_SECONDS,
        )
        scale = _A_SECOND[row.unit]
        samples = {p: tuple(scale * s for s in values) for p, values in seconds_a_step.items()}
        notes += _complaints(workers, disturbed, seconds, settings)
        told = {worker.peer: worker.score() for worker in workers}
        scores = {peer: score for peer, score in told.items() if score is not None}
    finally:
        for worker in workers:
            worker.close()
    for note in notes:
        say(note)
    return Result(row, samples, notes=tuple(notes), scores=scores)


def take_turns(
    turns: Mapping[str, Callable[[], tuple[float, float]]], rounds: int, repeats: int = 2,
    patience: float = _PATIENCE_SECONDS,
) -> tuple[dict[str, tuple[float, ...]], int, float]:
    """Asks each peer in turn for a sample, so many times.

    Arguments:
        turns: functions that return a sample and the processor seconds it took.
        rounds: samples a peer.
        repeats: so many disturbed rounds are repeated, as a multiple of `rounds`.
        patience: seconds to wait for other programs, all rounds together.

    Returns:
        The samples of each peer; how many of them other programs disturbed; seconds in all.
    """
    samples: dict[str, list[float]] = {peer: [] for peer in turns}
    left = repeats * rounds
    disturbed = 0
    start = time.perf_counter()
    order = list(turns)
    for _ in range(rounds):
        for peer in order:
            while True:
                patience -= _rest(patience)
                sample, was_disturbed = _observed(turns[peer])
                if not was_disturbed or left == 0:
                    break
                left -= 1
            samples[peer].append(sample)
            disturbed += was_disturbed
        # Nobody is always the one who comes after the heaviest neighbour.
        order = order[1:] + order[:1]
    took = time.perf_counter() - start
    return {peer: tuple(values) for peer, values in samples.items()}, disturbed, took


def _observed(turn: Callable[[], tuple[float, float]]) -> tuple[float, bool]:
    """A sample, and whether other programs disturbed it."""
    start, before = time.perf_counter(), _busy_ticks()
    sample, own_seconds = turn()
    after, seconds = _busy_ticks(), time.perf_counter() - start
    if before is None or after is None:
        return sample, False
    others = (after - before) / _TICK - own_seconds
    processors = len(os.sched_getaffinity(0))
    # The kernel counts whole ticks: up to one a processor proves nothing.
    return sample, others > max(_OTHERS_SHARE * seconds, 1 / _TICK) * processors


def _complaints(
    workers: Sequence[Worker], disturbed: int, seconds: float, settings: Settings
) -> list[str]:
    """What made the samples less than clean."""
    notes = []
    rounds = settings.rounds * len(workers)
    if disturbed > rounds // 10 and not settings.processor_time:
        notes.append(f"other programs disturbed {disturbed} of {rounds} rounds.")
    for worker in workers:
        # While the others have their turns, a peer is away.
        away = seconds * (len(workers) - 1) / len(workers)
        if len(workers) > 1 and worker.idle_cpu > 0.5 * away:
            label = PEERS[worker.peer].label
            notes.append(f"{label} kept computing for {worker.idle_cpu:.1f} s between its rounds.")
    return notes


def _rest(patience: float) -> float:
    """Waits until the processors are idle. Returns the seconds waited beyond a rest.

    One busy tick is let pass.
    """
    start = time.perf_counter()
    while True:
        before = _busy_ticks()
        time.sleep(_REST_SECONDS)
        after = _busy_ticks()
        waited = time.perf_counter() - start - _REST_SECONDS
        if before is None or after is None or after - before <= 1 or waited > patience:
            return max(waited, 0.0)


def _busy_ticks() -> int | None:
    """Ticks that this process's processors have been busy, by anyone; None where unknown."""
    try:
        lines = Path("/proc/stat").read_text().splitlines()
        ours = {f"cpu{cpu}" for cpu in os.sched_getaffinity(0)}
    except (OSError, AttributeError):
        return None
    ticks = 0
    for line in lines:
        name, *counts = line.split()
        if name in ours:
            user, nice, system, _, _, irq, soft_irq, steal, *_ = map(int, counts)
            ticks += user + nice + system + irq + soft_irq + steal
    return ticks


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
