"""Draws a picture of every finding: ``python -m benchmarks.doctor.pictures --help``."""

from __future__ import annotations

import os

# One thread, before any library makes a pool.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"

import argparse  # noqa: E402
import sys  # noqa: E402
from collections.abc import Sequence  # noqa: E402
from pathlib import Path  # noqa: E402

from .sheet import draw  # noqa: E402
from .table import PICTURES  # noqa: E402

ROOT = Path(__file__).resolve().parents[3]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.doctor.pictures",
        description="Trains what each finding is shown on, sick and cured, and draws both.",
    )
    parser.add_argument("kinds", nargs="*", metavar="KIND", help="of finding; all by default")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "pictures")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.kinds) - set(PICTURES))
    if unknown:
        parser.error(f"no kind is called {unknown[0]}; there are {', '.join(PICTURES)}")
    options.out.mkdir(parents=True, exist_ok=True)
    for kind in options.kinds or PICTURES:
        text = draw(PICTURES[kind])
        (options.out / f"{kind}.svg").write_text(text, encoding="utf-8")
        print(f"{kind}: {len(text) / 1000:.1f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
