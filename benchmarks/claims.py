"""Can a verdict be an accident? Each ready study under its null; and all studies as a table.

    python -m benchmarks.claims                      # 200 null studies of each, drawn from a pool
    python -m benchmarks.claims --fresh              # every null study trained by itself (hours)
    python -m benchmarks.claims --table long         # all studies, as the table of docs/claims.md

Under its null a study's technique is replaced by nothing: its arms differ by the seeds of weights
and batches alone, data and split stay those of the block. Where a claim says that two things are
the same within a margin, the null is an effect of exactly the margin. "holds" and "fails" together
must then come out in at most 5 %.

The pool is six times as many blocks as a study has. A null study takes its number of blocks from
it, without repeating one, and gives the arms of each block their names by lot, which changes
nothing where the null is true. So 200 studies cost what six do; they share blocks, and their rate
is a little less certain than the interval of 200 independent ones says: --fresh has those.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy import stats

from evenly.claims import load, names, run_all
from evenly.claims.records import RunRecord
from evenly.claims.verdict import judged

POOL = 6


def at_the_margin(study, sign, centres):
    """The study with effects of exactly the margin where it expects none.

    `centres` are the mean effects of the pool: not 0 where a part is no comparison of two arms.
    """
    def moved(part, centre):
        if part.expects != "same":
            return part
        return replace(part, effect=lambda block: part.effect(block) - centre + sign * part.margin)

    parts = tuple(map(moved, study.parts, centres))
    return replace(study, parts=parts, says={})


def drawn(study, runs, blocks, random):
    """The runs of a null study: some blocks of the pool, their arms named by lot."""
    chosen = random.choice(sorted({run.block for run in runs}), size=blocks, replace=False)
    found = []
    for place, block in enumerate(chosen):
        own = [run for run in runs if run.block == block]
        arms = sorted({tuple(run.levels[name] for name in study.technique) for run in own},
                      key=str)
        lot = dict(zip(arms, random.permutation(len(arms)), strict=True))
        for run in own:
            arm = arms[lot[tuple(run.levels[name] for name in study.technique)]]
            levels = {**run.levels, **dict(zip(study.technique, arm, strict=True))}
            found.append(RunRecord(levels, place, run.values))
    return found


def null_verdicts(study, count, fresh, jobs):
    """What `count` null studies say."""
    random = np.random.default_rng([len(study.name), *study.name.encode()])
    verdicts = []
    if fresh:
        found = []
        for number in range(count):
            again = replace(study, name=f"{study.name}-null-{number}", says={})
            found += run_all([again], null=True, jobs=jobs)
        centres = np.mean([[part.mean for part in one.record.parts] for one in found], axis=0)
        for one in found:
            shifted = at_the_margin(study, random.choice([-1, 1]), centres)
            verdicts.append(judged(shifted, "tour", one.record.runs, study.cases(), 0.0).verdict)
        return verdicts
    [pool] = run_all([study.with_blocks(POOL * study.blocks)], null=True, jobs=jobs)
    centres = [part.mean for part in pool.record.parts]
    for _ in range(count):
        runs = drawn(study, pool.record.runs, study.blocks, random)
        shifted = at_the_margin(study, random.choice([-1, 1]), centres)
        verdicts.append(judged(shifted, "tour", runs, study.cases(), 0.0).verdict)
    return verdicts


def nulls(studies, count, fresh, jobs):
    """Prints a line a study; returns the rates."""
    print(f"{'study':<28}{'holds':>7}{'fails':>7}{'either':>9}   95 % interval")
    rates = {}
    for study in studies:
        if not study.technique:
            print(f"{study.name:<28}has no technique that could be replaced by nothing")
            continue
        verdicts = null_verdicts(study, count, fresh, jobs)
        holds, fails = (verdicts.count(verdict) for verdict in ("holds", "fails"))
        low, high = stats.binomtest(holds + fails, len(verdicts)).proportion_ci()
        rates[study.name] = (holds + fails) / len(verdicts)
        print(f"{study.name:<28}{holds / len(verdicts):>7.3f}{fails / len(verdicts):>7.3f}"
              f"{rates[study.name]:>9.3f}   {low:.3f} to {high:.3f}", flush=True)
    if rates:
        print(f"\nmean over {len(rates)} studies: {np.mean(list(rates.values())):.3f}; "
              f"largest: {max(rates.values()):.3f}")
    return rates


def table(studies, form, jobs):
    """Prints the studies as a Markdown table; returns them as plain values."""
    print("| study | claim | verdict | what was measured | effect | p (Holm) |")
    print("|---|---|---|---|---|---|")
    kept = []
    for study in studies:
        [result] = run_all([study], form, jobs=jobs)
        record = result.record
        for place, part in enumerate(record.parts):
            head = (f"| `{record.name}` | {record.claim} | **{record.verdict}** |" if not place
                    else "| | | |")
            p = "< .001" if part.p_holm < 0.001 else f"{part.p_holm:.3f}"
            print(f"{head} {part.words} | {part.effect} | {p} |", flush=True)
        print(f"{record.name}: {record.sentence} ({record.seconds:.0f} s of processor time)",
              file=sys.stderr, flush=True)
        kept.append({"name": record.name, "verdict": record.verdict, "sentence": record.sentence,
                     "seconds": record.seconds,
                     "parts": [[part.words, part.effect, part.verdict] for part in record.parts]})
    return kept


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="of studies; all if none is given")
    parser.add_argument("--nulls", type=int, default=200, help="null studies of each")
    parser.add_argument("--fresh", action="store_true", help="train each null study by itself")
    parser.add_argument("--table", choices=["tour", "long"], help="run the studies themselves")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--json", type=Path, help="write the numbers there")
    asked = parser.parse_args()
    studies = [load(name) for name in itertools.chain(asked.names or names())]
    if asked.table:
        found = table(studies, asked.table, asked.jobs)
    else:
        found = nulls(studies, asked.nulls, asked.fresh, asked.jobs)
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
