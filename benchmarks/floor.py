"""What this machine cannot beat: its rate of matrix products and its memory bandwidth.

    floor = flops of the row's matrix products / peak rate
          + bytes the row must move / bandwidth for a working set of that size

The peak rate is that of large float32 products on all threads. The bandwidth is that of
``a += b`` on all threads: it reads two arrays and writes one of them in place, so the 12 bytes an
element are all the bytes there are. (A third array, as in the classic triad, would be read from
memory before it is written, traffic that its formula does not count.) It is measured for many
sizes of the arrays, because a working set that fits into a cache never sees the memory.
A row gets the bandwidth of the largest measured size that is not larger than its working set, or of
a larger one that measured faster, so that the floor stays a floor.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

from .peers import environment
from .rows import Needs

# The small ones find the quiet moments of a busy machine, the large ones amortize their edges.
_PRODUCT_SIZES = (512, 1024, 2048)
_SECONDS_A_SIZE = 1.0
_SET_BYTES = tuple(1 << k for k in range(20, 29))


@dataclass(frozen=True)
class Machine:
    """Measured limits: flops per second, and (bytes of working set, bytes per second) pairs."""

    flops: float
    bandwidths: tuple[tuple[int, float], ...]

    def bandwidth(self, working_set: float) -> float:
        sizes = [size for size, _ in self.bandwidths]
        largest = max((size for size in sizes if size <= working_set), default=sizes[0])
        return max(rate for size, rate in self.bandwidths if size >= largest)

    def floor_ms(self, needs: Needs) -> float:
        return 1e3 * (needs.flops / self.flops + needs.bytes / self.bandwidth(needs.working_set))

    def best(self, other: Machine) -> Machine:
        """The higher of two measurements: what a disturbed one missed, another may have found."""
        both = zip(self.bandwidths, other.bandwidths, strict=True)
        rates = tuple((size, max(rate, again)) for (size, rate), (_, again) in both)
        return Machine(max(self.flops, other.flops), rates)

    def text(self) -> str:
        sizes = ", ".join(f"{rate / 1e9:.0f} ({size >> 20} MB)" for size, rate in self.bandwidths)
        return f"Matrix products {self.flops / 1e9:.0f} GFLOP/s; memory, GB/s: {sizes}."


def measure_machine(threads: int) -> Machine:
    """Measures in a process of its own, whose threads end with it."""
    output = subprocess.run(
        [sys.executable, "-m", "benchmarks.floor", "--threads", str(threads)],
        env=environment("numpy", threads), check=True, capture_output=True, text=True,
    ).stdout
    values = json.loads(output)
    return Machine(values["flops"], tuple((size, rate) for size, rate in values["bandwidths"]))


def _peak_flops() -> float:
    import numpy as np

    best = 0.0
    for n in _PRODUCT_SIZES:
        a = np.full((n, n), 0.5, dtype=np.float32)
        b, c = a.copy(), np.empty_like(a)
        end = time.perf_counter() + _SECONDS_A_SIZE
        while (start := time.perf_counter()) < end:
            np.matmul(a, b, out=c)
            best = max(best, 2.0 * n**3 / (time.perf_counter() - start))
    return best


def _bandwidth(working_set: int, threads: int) -> float:
    """Bytes per second of ``a += b``, each thread on its own part of the working set."""
    import numpy as np

    elements = working_set // 8 // threads
    parts = [
        (np.full(elements, 1.0, dtype=np.float32), np.full(elements, 1e-9, dtype=np.float32))
        for _ in range(threads)
    ]
    passes = max(2, (64 << 20) // working_set)
    return max(
        12.0 * elements * threads * passes / _together(parts, passes, np.add) for _ in range(9)
    )


def _together(parts: list, passes: int, add: Callable) -> float:
    """Seconds until all threads have done their passes."""
    gate = threading.Barrier(len(parts) + 1)

    def work(a, b) -> None:
        gate.wait()
        for _ in range(passes):
            add(a, b, a)
        gate.wait()

    threads = [threading.Thread(target=work, args=part) for part in parts]
    for thread in threads:
        thread.start()
    start = time.perf_counter()
    gate.wait()
    gate.wait()
    seconds = time.perf_counter() - start
    for thread in threads:
        thread.join()
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures this machine's limits.")
    parser.add_argument("--threads", type=int, default=2)
    threads = parser.parse_args().threads
    bandwidths = tuple((size, _bandwidth(size, threads)) for size in _SET_BYTES)
    print(json.dumps(asdict(Machine(_peak_flops(), bandwidths))))


if __name__ == "__main__":
    main()
