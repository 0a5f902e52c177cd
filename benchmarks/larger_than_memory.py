"""Training on a file of four times the memory that training may take.

Each source is measured in a fresh process. Once the libraries are imported, the operating system
allows that process a quarter of the file's size more of private memory (``RLIMIT_DATA``): copying
the file would fail. Printed beside the file's size: the peak of private memory (``RssAnon``,
sampled) that training added, the peak of all resident memory (``VmHWM``), which also counts pages
of a mapped file that the system takes back when it needs them, and the throughput; the array in
memory has no limit.

Run: ``python -m benchmarks.larger_than_memory --megabytes 800``
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from .harness import ROOT

FEATURES = 64
SOURCES = ("memory", "memmap", "Parquet", "Batches")
_SHARE = 4
_PART = 2**15


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=800, help="size of the float64 inputs")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="where the files are put while it runs")
    parser.add_argument("--in-process", nargs=2, metavar=("SOURCE", "FOLDER"),
                        help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.in_process:
        source, folder = options.in_process
        print(json.dumps(measure(source, Path(folder), options.epochs)))
        return 0
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        write(folder, options.megabytes * 10**6 // (8 * FEATURES))
        print("| Source | File | Allowed | Private memory added | VmHWM | Rows a second |")
        print("|---|---|---|---|---|---|")
        for source in SOURCES:
            output = subprocess.run(
                [sys.executable, "-m", "benchmarks.larger_than_memory", "--epochs",
                 str(options.epochs), "--in-process", source, name],
                cwd=ROOT, check=True, text=True, stdout=subprocess.PIPE,
                # Arrow's own allocator reserves a gigabyte of addresses, which the limit counts.
                env={**os.environ, "ARROW_DEFAULT_MEMORY_POOL": "system"},
            ).stdout
            found = json.loads(output)
            allowed = f"{found['allowed'] / 1e6:.0f} MB" if found["allowed"] else "any"
            print(f"| {source} | {found['file'] / 1e6:.0f} MB | {allowed} | "
                  f"{found['added'] / 1e6:.0f} MB | {found['peak'] / 1e6:.0f} MB | "
                  f"{found['rate']:,.0f} |", flush=True)
    return 0


def write(folder: Path, rows: int) -> None:
    """Makes the same rows as a .npy file and as Parquet, a part at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(0)
    x = np.lib.format.open_memmap(folder / "x.npy", "w+", np.float64, (rows, FEATURES))
    y = np.empty(rows, np.int64)
    names = [f"x{i}" for i in range(FEATURES)]
    schema = pa.schema([(name, pa.float64()) for name in names] + [("y", pa.int64())])
    with pq.ParquetWriter(folder / "rows.parquet", schema, use_dictionary=False) as writer:
        for start in range(0, rows, _PART):
            at = slice(start, min(rows, start + _PART))
            part = rng.standard_normal((at.stop - start, FEATURES))
            x[at], y[at] = part, part[:, :8].sum(axis=1) > 0
            columns = [*part.T.copy(), y[at]]
            writer.write_table(pa.table(columns, schema=schema))
    x.flush()
    np.save(folder / "y.npy", y)


def measure(source: str, folder: Path, epochs: int) -> dict[str, Any]:
    """Trains in this process."""
    import pyarrow.parquet  # noqa: F401 - what it takes is not training's

    import evenly as ev
    from evenly.training import Batches, ParquetRows

    path = folder / ("rows.parquet" if source == "Parquet" else "x.npy")
    y = np.load(folder / "y.npy")
    mapped = np.load(folder / "x.npy", mmap_mode="r")
    data: tuple[Any, ...] = (mapped, y)
    if source == "memory":
        data = (np.load(folder / "x.npy"), y)
    elif source == "Parquet":
        data = (ParquetRows(path, target="y"),)
    elif source == "Batches":
        def parts() -> Any:
            with open(path, "rb") as file:
                file.seek(mapped.offset)
                for start in range(0, len(y), 1000):
                    own = y[start : start + 1000]
                    rows = np.fromfile(file, np.float64, len(own) * FEATURES)
                    yield rows.reshape(-1, FEATURES), own

        data = (Batches(parts, rows=len(y)),)
    net = ev.Sequential([ev.Dense(64), ev.BatchNorm(), ev.ReLU(), ev.Dense(2)])
    settings: dict[str, Any] = {"loss": ev.SoftmaxCrossEntropy(), "batch": 128, "threads": 1}
    x_small, y_small = np.ones((256, FEATURES)), np.arange(256) % 2
    ev.fit(net, x_small, y_small, epochs=1, **settings)  # what is loaded at the first use
    size = path.stat().st_size
    allowed = 0 if source == "memory" else size // _SHARE
    if allowed:
        limit = _status("VmData") + allowed
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    before = _status("RssAnon")
    peak, over = [before], threading.Event()

    def sample() -> None:
        while not over.wait(0.002):
            peak[0] = max(peak[0], _status("RssAnon"))

    sampler = threading.Thread(target=sample)
    sampler.start()
    began = time.perf_counter()
    model = ev.fit(net, *data, epochs=epochs, **settings)
    seconds = time.perf_counter() - began
    over.set()
    sampler.join()
    assert model.history[-1].score > 0.9
    return {"file": size, "allowed": allowed, "added": peak[0] - before,
            "peak": _status("VmHWM"), "rate": epochs * len(y) / seconds}


def _status(name: str) -> int:
    """A number of bytes of ``/proc/self/status``."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/self/status has no {name}")


if __name__ == "__main__":
    raise SystemExit(main())
