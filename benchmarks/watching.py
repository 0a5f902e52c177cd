"""What it costs to have a training watched: ``python -m benchmarks.watching``.

Each network is trained for some seconds without the doctor and with it, in turns; the numbers are
medians of processor time, of one thread, over the whole call of ``fit``: data summaries, looks and
diagnoses included. Processor time, since another program's turn is nobody's cost.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import evenly as ev

# Beyond this share of the time watching is too dear.
GOAL = 0.03


@dataclass(frozen=True)
class Case:
    """A network and its data.

    Attributes:
        name: in the table.
        net: makes it.
        shape: of one example.
        rows, batch: of the training set, of a step.
    """

    name: str
    net: Callable[[], ev.Sequential]
    shape: tuple[int, ...]
    rows: int
    batch: int


CASES = (
    Case("64-128-64-10, batch 32", lambda: ev.Sequential([
        ev.Dense(128), ev.ReLU(), ev.Dense(64), ev.ReLU(), ev.Dense(10)]), (64,), 1792, 32),
    Case("784-1024-1024-10, batch 128", lambda: ev.Sequential([
        ev.Dense(1024), ev.ReLU(), ev.Dense(1024), ev.ReLU(), ev.Dense(10)]), (784,), 6400, 128),
    Case("two convolutions on 28 x 28, batch 64", lambda: ev.Sequential([
        ev.Conv2D(16, 3), ev.BatchNorm(), ev.ReLU(), ev.MaxPool2D(2), ev.Conv2D(32, 3),
        ev.BatchNorm(), ev.ReLU(), ev.MaxPool2D(2), ev.Flatten(), ev.Dense(10)]),
         (28, 28, 1), 2048, 64),
    Case("LSTM of 64 units, 30 steps of 16, batch 32", lambda: ev.Sequential([
        ev.LSTM(64), ev.Dense(10)]), (30, 16), 2048, 32),
)


def main() -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="of one training")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--case", default="", help="those with this in their name")
    given = parser.parse_args()
    print("| network | a training | watched | looks | more |")
    print("|---|--:|--:|--:|--:|")
    for case in CASES:
        if given.case in case.name:
            print(measure(case, given.seconds, given.rounds), flush=True)


def measure(case: Case, seconds: float, rounds: int) -> str:
    """A line of the table."""
    random = np.random.default_rng(0)
    x = random.standard_normal((case.rows, *case.shape)).astype(np.float32)
    y = (x.reshape(len(x), -1)[:, :10] + random.standard_normal((len(x), 10))).argmax(axis=1)

    def train(epochs: int, **given: Any) -> tuple[float, ev.Model]:
        begin = time.process_time()
        model = ev.fit(case.net(), x, y, loss=ev.SoftmaxCrossEntropy(), epochs=epochs,
                       batch=case.batch, optimizer=ev.Adam(1e-4), threads=1, progress=False,
                       **given)
        return time.process_time() - begin, model

    train(1)
    epochs = 3
    for _ in range(2):  # the first guess is of a training too short to tell
        taken, _ = train(epochs)
        epochs = max(2, round(epochs * seconds / taken))
    plain, watched, looks = [], [], 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ev.errors.DoctorWarning)
        train(1, doctor=True)
        for _ in range(rounds):
            plain.append(train(epochs)[0])
            taken, model = train(epochs, doctor=True)
            watched.append(taken)
            assert model.record is not None
            looks = len(model.record.probes)
    before, after = statistics.median(plain), statistics.median(watched)
    more = statistics.median(b / a for a, b in zip(plain, watched, strict=True)) - 1
    mark = "" if more < GOAL else f" (more than {GOAL:.0%})"
    return f"| {case.name} | {before:.2f} s | {after:.2f} s | {looks} | {more:+.1%}{mark} |"


if __name__ == "__main__":
    main()
