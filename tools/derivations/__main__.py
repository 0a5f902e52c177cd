"""Writes the formulas of the derivations from the lines that run, and runs every line:
``python -m tools.derivations [PAGE ...]``; with ``--check`` nothing is written."""

from __future__ import annotations

import sys

from .check import problems
from .pages import pages, stale, write


def main() -> int:
    wanted = set(sys.argv[1:]) - {"--check"}
    found = list(stale()) if "--check" in sys.argv else []
    if "--check" not in sys.argv:
        write()
    found += [problem for path in pages() if not wanted or path.stem in wanted
              for problem in problems(path)]
    print("\n".join(found) or "every line holds")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
