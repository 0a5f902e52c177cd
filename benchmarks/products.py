"""Matrix products, shape by shape: the kernels' own against OpenBLAS, in one process on one thread.

Shapes are those of a linear layer's step: forward (x kernel), the gradient on its input
(d_y kernel') and on its kernel (x' d_y). All are cut as a layer cuts them for its
threads: the kernels make the first two in strips of 32 columns, OpenBLAS makes a large one in four
tiles. The two take turns; told is the lower quartile of the processor time.

Run: ``python -m benchmarks.products`` (``--double``, ``--isa x86_64_v3``, ``--rounds 40``).
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

import numpy as np

OWN, BLAS = 1, 2
_STRIP, _LARGE = 32, 2e6
_MULTIPLICATIONS = 4e6  # of a sample, at least: some 100 microseconds
# (rows of the batch, inputs, outputs) of a layer.
LAYERS = ((32, 30, 64), (32, 64, 64), (32, 64, 2), (64, 128, 128), (64, 128, 10), (128, 256, 10),
          (128, 256, 256), (128, 784, 256), (256, 1024, 1024))


@dataclass(frozen=True)
class Case:
    """A product: m x n numbers, each a sum of k terms."""

    what: str
    m: int
    n: int
    k: int
    transpose_a: bool = False
    transpose_b: bool = False

    @property
    def multiplications(self) -> float:
        return float(self.m) * self.n * self.k


def cases() -> list[Case]:
    found = []
    for rows, inputs, outputs in LAYERS:
        found += [
            Case("forward", rows, outputs, inputs),
            Case("input gradient", rows, inputs, outputs, transpose_b=True),
            Case("kernel gradient", inputs, outputs, rows, transpose_a=True),
        ]
    return found


def cut(size: int, step: int) -> list[slice]:
    return [slice(first, first + step) for first in range(0, size, step)]


def measure(case: Case, dtype: str, isa: str, rounds: int) -> dict[int, float]:
    """Microseconds of a product by each maker."""
    from evenly.native import matrix_product

    random = np.random.default_rng(0)
    a = random.standard_normal((case.k, case.m) if case.transpose_a else (case.m, case.k))
    b = random.standard_normal((case.n, case.k) if case.transpose_b else (case.k, case.n))
    a, b, c = a.astype(dtype), b.astype(dtype), np.empty((case.m, case.n), dtype)
    own = cut(case.n, case.n if case.transpose_a else _STRIP)
    large = case.multiplications > _LARGE
    tall, wide = (cut(size, -(-size // 2) if large else size) for size in (case.m, case.n))
    tiles = {OWN: [(slice(None), part) for part in own],
             BLAS: [(rows, part) for rows in tall for part in wide]}
    calls = {
        maker: [(a[:, rows] if case.transpose_a else a[rows],
                 b[part] if case.transpose_b else b[:, part], c[rows, part])
                for rows, part in places]
        for maker, places in tiles.items()
    }
    times = max(1, round(_MULTIPLICATIONS / case.multiplications))
    samples: dict[int, list[float]] = {OWN: [], BLAS: []}
    for _ in range(rounds):
        for maker, taken in samples.items():
            start = time.process_time()
            for left, right, result in calls[maker]:
                matrix_product(left, right, result, case.transpose_a, case.transpose_b, isa=isa,
                               by=maker, times=times)
            taken.append((time.process_time() - start) / times * 1e6)
    return {maker: sorted(taken)[rounds // 4] for maker, taken in samples.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--double", action="store_true")
    parser.add_argument("--isa", default="", help="instruction set of the kernels; the best one")
    options = parser.parse_args()
    dtype = "float64" if options.double else "float32"
    print("| product | m x n, k terms | own [us] | OpenBLAS [us] | own / OpenBLAS | own GFLOP/s |")
    print("|---|---|---|---|---|---|")
    for case in cases():
        taken = measure(case, dtype, options.isa, options.rounds)
        print(f"| {case.what} | {case.m} x {case.n}, {case.k} | {taken[OWN]:.3g} | "
              f"{taken[BLAS]:.3g} | {taken[OWN] / taken[BLAS]:.2f} | "
              f"{2e-3 * case.multiplications / taken[OWN]:.1f} |", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
