"""How long a table takes to be read and its types to be decided: ``python -m benchmarks.tables``.

Beside polars' own reader with types (``read_csv(try_parse_dates=True)``), in turns: medians, and
the ratio to it. The floor is what reading the file's bytes and their checksum take.
"""

from __future__ import annotations

import argparse
import hashlib
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from evenly.reading.table import read
from evenly.tables import Columns

ROUNDS = 7


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tables", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"({ROUNDS})")
    parser.add_argument("--rows", type=int, default=10**6, help="of the long table (1000000)")
    options = parser.parse_args()
    print("| table | MB | read [s] | with types [s] | polars [s] | ratio of reading | "
          "ratio with types | floor [s] |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        for name, frame, how in _tables(options.rows):
            path = Path(folder) / "t.csv"
            frame.write_csv(path, **how)
            del frame
            _measure(name, path, options.rounds)


def _tables(rows: int) -> Any:
    """(name, table, how it is written): a long one, the same quoted, a wide one."""
    yield f"{rows} x 20", _long(rows), {}
    yield f"{rows} x 20, all cells quoted", _long(rows), {"quote_style": "always"}
    numbers = np.random.default_rng(1).standard_normal((2000, 5000)).round(3)
    yield "2000 x 5000", pl.DataFrame(numbers, schema=[f"c{i}" for i in range(5000)]), {}


def _long(rows: int) -> pl.DataFrame:
    """Twelve columns of numbers with a point, four of whole ones, three of words, one of dates."""
    random = np.random.default_rng(0)
    columns: dict[str, Any] = {f"f{i}": random.standard_normal(rows).round(4) for i in range(12)}
    columns |= {f"i{i}": random.integers(0, 1000, rows) for i in range(4)}
    words = np.array(["red", "green", "blue", "yellow"])
    columns |= {f"c{i}": words[random.integers(0, 4, rows)] for i in range(3)}
    columns["day"] = np.datetime64("2020-01-01") + random.integers(0, 1500, rows)
    return pl.DataFrame(columns)


def _measure(name: str, path: Path, rounds: int) -> None:
    decide: Callable[[Any], Any] | None = getattr(Columns, "decide", None)
    acts: dict[str, Callable[[], Any]] = {
        "read": lambda: read(path),
        "polars": lambda: pl.read_csv(path, try_parse_dates=True),
        "floor": lambda: hashlib.sha256(path.read_bytes()).digest(),
    }
    if decide is not None:
        acts["types"] = lambda: decide(read(path).frame)
    seconds: dict[str, list[float]] = {what: [] for what in acts}
    order = list(acts)
    for _ in range(rounds + 1):
        for what in order:
            began = time.perf_counter()
            acts[what]()
            seconds[what].append(time.perf_counter() - began)
        # Nobody is always the one who comes after the heaviest neighbour.
        order = order[1:] + order[:1]
    samples = {what: values[1:] for what, values in seconds.items()}  # the first finds no file read
    ratios = [_ratio(samples, what) for what in ("read", "types")]
    cells = [name, f"{path.stat().st_size / 1e6:.0f}",
             *(_spread(samples.get(what)) for what in ("read", "types", "polars")), *ratios,
             f"{statistics.median(samples['floor']):.2f}"]
    print("| " + " | ".join(cells) + " |", flush=True)


def _ratio(samples: dict[str, list[float]], what: str) -> str:
    """The median of the ratios within a round: what disturbs a round disturbs both."""
    if what not in samples:
        return "-"
    pairs = zip(samples[what], samples["polars"], strict=True)
    return f"{statistics.median(own / other for own, other in pairs):.2f}"


def _spread(values: list[float] | None) -> str:
    if values is None:
        return "-"
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


if __name__ == "__main__":
    main()
