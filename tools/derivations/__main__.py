"""Writes the formulas of the derivations from the lines that run, and checks every page:
``python -m tools.derivations [PAGE ...]``."""

from __future__ import annotations

import sys

from .check import problems
from .pages import pages, write


def main() -> int:
    write()
    wanted = sys.argv[1:]
    found = [problem for path in pages() if not wanted or path.stem in wanted
             for problem in problems(path)]
    print("\n".join(found) or "every line holds")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
