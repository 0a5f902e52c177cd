"""Runs the bank of trainings: ``python -m benchmarks.doctor --help``."""

from __future__ import annotations

import os

# One thread each, before any library makes a pool.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"

import argparse  # noqa: E402
import sys  # noqa: E402
from collections.abc import Sequence  # noqa: E402
from pathlib import Path  # noqa: E402

from . import cases, healthy  # noqa: E402
from .run import Lines, run  # noqa: E402
from .truth import prove  # noqa: E402


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.doctor",
        description="How good the doctor is, on trainings whose ailments are proved by refits.",
    )
    parser.add_argument("--out", type=Path, default=Path("doctor-bank"),
                        help="folder of results; what is there is not done again")
    parser.add_argument("--part", choices=(cases.CHOOSE, cases.REPORT), default=cases.CHOOSE,
                        help="thresholds are chosen on the first, judged on the second")
    options = parser.parse_args(arguments)
    bank = [case for case in (*cases.sick(), *healthy.healthy()) if case.part == options.part]
    truths = Lines(options.out / f"truth-{options.part}.jsonl")
    run(truths, bank, lambda case: prove(case).plain(), "truth")
    return 0


if __name__ == "__main__":
    sys.exit(main())
