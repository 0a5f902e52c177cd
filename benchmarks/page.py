"""The tables of the documentation, from what was measured: ``python -m benchmarks.page``.

``python -m benchmarks.page evenly-bench.json`` takes the rows of that run into the file of
``measured/`` that is named after its instruction set, each in place of what was known of it, and
writes the pages anew; without a file it writes them from what is there. Goals and reasons are those
of ``goals.py`` and ``reasons.toml`` as they stand. A test holds the pages to it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

from . import table
from .__main__ import SUBJECTS
from .harness import ROOT
from .peers import PEERS
from .rows import Result, Row

MEASURED = Path(__file__).parent / "measured"
# The instruction sets that pages tell of: the best one of the processor that was measured on.
ISAS = ("x86_64_v3", "x86_64_v4")
DOCS = ROOT / "docs"
RESTLESS = "other programs disturbed"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page", description=__doc__)
    parser.add_argument("runs", nargs="*", type=Path, help="what `python -m benchmarks` wrote")
    parser.add_argument("--measured", type=Path, default=MEASURED, help="the folder of the rows")
    parser.add_argument("--docs", type=Path, default=DOCS, help="the folder of the pages")
    options = parser.parse_args(arguments)
    kept = known(options.measured)
    for path in options.runs:
        run = json.loads(path.read_text(encoding="utf-8"))
        isa = run["isa"]
        if isa not in ISAS:
            parser.error(f"{path}: measured with {isa}; the pages tell of {' and '.join(ISAS)}")
        kept[isa] = taken(kept[isa], run)
        (options.measured / f"{isa}.json").write_text(written(kept[isa]), encoding="utf-8")
    for page, parts in PAGES.items():
        path = options.docs / page
        path.write_text(filled(path.read_text(encoding="utf-8"), parts, kept), encoding="utf-8")
    return 0


def known(folder: Path) -> dict[str, dict[str, Any]]:
    """What was measured with each instruction set."""
    return {isa: json.loads((folder / f"{isa}.json").read_text(encoding="utf-8")) for isa in ISAS}


def written(kept: dict[str, Any]) -> str:
    """As it stands in the file, a line for each row."""
    rows = ",\n".join("  " + json.dumps(row) for row in kept["rows"])
    rest = {key: value for key, value in kept.items() if key != "rows"}
    return json.dumps(rest, indent=1)[:-2] + ',\n "rows": [\n' + rows + "\n ]\n}\n"


def taken(kept: dict[str, Any], run: dict[str, Any]) -> dict[str, Any]:
    """What is kept, with the rows of a run; of its samples three: smallest, median, largest. Rows
    that the bench does not have any more are dropped."""
    rows = {row["row"]: row for row in kept["rows"]}
    for row in run["rows"]:
        samples = {peer: [min(v), median(v), max(v)] for peer, v in row["samples"].items()}
        rows[row["row"]] = {
            **{key: row[key] for key in ("row", "floor", "scores", "absent")}, "samples": samples,
            "measured": run["measured"],
            "restless": any(RESTLESS in note for note in row["notes"]),
        }
    return {
        "versions": run["versions"], "machine": run["machine"],
        "isa": run["isa"], "rows": [rows[row.name] for _, row in every_row() if row.name in rows],
    }


def every_row() -> list[tuple[str, Row]]:
    """(title of its subject, row) of the whole bench."""
    modules = [import_module(f"benchmarks.{name}") for name in SUBJECTS]
    return [(module.TITLE, row) for module in modules for row in module.ROWS]


def results(kept: dict[str, Any]) -> dict[str, list[Result]]:
    """What is known of each subject's rows."""
    known = {row["row"]: row for row in kept["rows"]}
    found: dict[str, list[Result]] = {}
    for title, row in every_row():
        one = known.get(row.name, {"samples": {}, "floor": None, "scores": {}, "absent": ()})
        samples = {peer: tuple(values) for peer, values in one["samples"].items()}
        found.setdefault(title, []).append(Result(
            row, samples, floor=one["floor"], scores=one["scores"], absent=tuple(one["absent"])))
    return found


def tables(kept: dict[str, Any]) -> str:
    """A table for each subject; below it when it was measured, and what was not."""
    return _each(kept, results(kept), partial(table.markdown, brief=True))


def short_tables(kept: dict[str, Any]) -> str:
    """Likewise, without the peers' figures, of the rows that were measured."""
    measured = {title: [one for one in own if one.samples] for title, own in results(kept).items()}
    return _each(kept, {title: own for title, own in measured.items() if own}, table.short)


def _each(
    kept: dict[str, Any], found: dict[str, list[Result]],
    write: Callable[[str, Sequence[Result]], str],
) -> str:
    about = {row["row"]: row for row in kept["rows"]}
    parts = [f"{kept['versions']} {kept['machine']}\n"]
    for title, own in found.items():
        parts.append(write(title, own))
        parts += [line + "\n" for line in _said(own, about)]
    return "\n".join(parts)


def _said(own: Sequence[Result], about: dict[str, Any]) -> list[str]:
    times: dict[str, list[str]] = {}
    for result in own:
        row = about.get(result.row.name)
        busy = ", on a busy machine" if row and row["restless"] else ""
        # The page's own words say that all have two threads.
        said = (f"measured {row['measured']}{busy}".replace(", 2 threads each", "")
                if row else "not measured yet")
        times.setdefault(said, []).append(result.row.name.partition(":")[0])
    # Most rows are of one run: the others are named.
    most = max(times, key=lambda said: len(times[said]))
    others = [f"{', '.join(names)}: {said.removeprefix('measured ')}"
              for said, names in times.items() if said != most]
    lines = ["; ".join([most[0].upper() + most[1:], *others]) + "."]
    gone = dict.fromkeys(PEERS[peer].label for result in own for peer in result.absent)
    return lines + ([f"Not installed: {', '.join(gone)}."] if gone else [])


def reasons(kept: dict[str, Any]) -> str:
    """Each row that misses a goal, and why."""
    lines = [line for own in results(kept).values() for line in table.why(own)]
    return "\n".join(f"- {line}" for line in lines) + "\n"


def filled(text: str, parts: Sequence[str], kept: dict[str, dict[str, Any]]) -> str:
    """A page with its generated parts written anew, from what is known of each instruction set.

    Raises:
        ValueError: a page without the marks of a part.
    """
    for part in parts:
        isa, maker = MAKERS[part]
        begin, end = f"<!-- {part}: begin -->\n", f"<!-- {part}: end -->"
        head, found, rest = text.partition(begin)
        _, closed, tail = rest.partition(end)
        if not found or not closed:
            raise ValueError(f"the page lacks the marks {begin.strip()} and {end}")
        text = f"{head}{begin}\n{maker(kept[isa])}\n{end}{tail}"
    return text


def growth(kept: dict[str, Any]) -> str:
    """When the picture of `benchmarks.growth` was measured."""
    report = json.loads((MEASURED / "growth.json").read_text(encoding="utf-8"))
    busy = ", on a busy machine" if report["restless"] else ""
    return f"Measured {report['measured']}{busy}; {report['versions']}.\n"


MAKERS = {"tables": ("x86_64_v3", tables), "reasons": ("x86_64_v3", reasons),
          "growth": ("x86_64_v3", growth), "avx-512": ("x86_64_v4", short_tables)}
PAGES = {"performance.md": ("growth", "tables"), "performance-more.md": ("reasons",),
         "performance-avx-512.md": ("avx-512",)}


if __name__ == "__main__":
    sys.exit(main())
