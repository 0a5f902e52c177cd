"""Runs the bank of trainings: ``python -m benchmarks.doctor --help``."""

from __future__ import annotations

import os

# One thread each, before any library makes a pool.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"

import argparse  # noqa: E402
import sys  # noqa: E402
from collections.abc import Callable, Iterator, Mapping, Sequence  # noqa: E402
from dataclasses import fields  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

from . import cases, cured, data, healthy, measure, networks, others  # noqa: E402
from .cases import Case  # noqa: E402
from .run import Lines, run  # noqa: E402
from .truth import prove  # noqa: E402
from .watch import plain, record_of, verdict, watch  # noqa: E402

DOCTOR = "Evenly"


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    bank = [*cases.sick(options.part), *healthy.healthy(options.part)]
    truths = Lines(options.out / f"truth-{options.part}.jsonl")
    run(truths, bank, _truth, "truth", options.jobs)
    proved = [case for case in bank if measure.belongs(truths.known[case.name])]
    records = Lines(options.out / f"records-{options.part}.jsonl")
    run(records, proved, _record, "records", options.jobs)
    told = _told(proved, records)
    print(_report(bank, proved, truths.known, told))
    if options.cures:
        ill = [case for case in proved if cured.curable(case)]
        healed = Lines(options.out / f"cures-{options.part}.jsonl")
        run(healed, ill, cured.heal, "cures", options.jobs)
        print("\n" + cured.table([healed.known[case.name] for case in ill]))
    if options.examples is not None:
        options.examples.write_text("\n\n".join(_examples(proved, truths.known, records)) + "\n")
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.doctor",
        description="How good the doctor is, on trainings whose ailments are proved by refits.",
    )
    parser.add_argument("--out", type=Path, default=Path("doctor-bank"),
                        help="folder of results; what is there is not done again")
    parser.add_argument("--part", choices=(cases.CHOOSE, cases.REPORT), default=cases.CHOOSE,
                        help="thresholds are chosen on the first, judged on the second")
    parser.add_argument("--jobs", type=int, default=1, help="processes, of one thread each")
    parser.add_argument("--cures", action="store_true", help="refit the cures too")
    parser.add_argument("--examples", type=Path,
                        help="file for what the doctor got wrong; of the first part only")
    options = parser.parse_args(arguments)
    if options.examples is not None and options.part == cases.REPORT:
        parser.error("--examples: what is reported is not looked at")
    return options


def _truth(case: Case) -> dict[str, Any]:
    return prove(case).plain()


def _record(case: Case) -> dict[str, Any]:
    return plain(watch(case))


def _told(bank: Sequence[Case], records: Lines) -> dict[str, dict[str, list[str]]]:
    """By rule set and case: the findings."""
    told: dict[str, dict[str, list[str]]] = {DOCTOR: {}, **{name: {} for name in others.RULE_SETS}}
    for case in bank:
        line = records.known[case.name]
        record = record_of(line)
        told[DOCTOR][case.name] = [finding.kind for finding in verdict(line).findings]
        for name in others.RULE_SETS:
            told[name][case.name] = others.kinds(name, record)
    return told


def _report(bank: Sequence[Case], proved: Sequence[Case], truths: Mapping[str, Any],
            told: Mapping[str, Mapping[str, Sequence[str]]]) -> str:
    known = [truths[case.name] for case in proved]
    counted = {name: measure.measured(found, known) for name, found in told.items()}
    sick = sum(bool(case.recipes) for case in proved)
    tried = sum(bool(case.recipes) for case in bank)
    trainings = sum(truths[case.name]["trainings"] for case in bank)
    return "\n\n".join([
        f"{sick} of {tried} sick candidates were proved sick, {len(proved) - sick} of "
        f"{len(bank) - tried} sound ones healthy, by {trainings} trainings.",
        measure.table(counted), measure.table(_parts(proved, truths, told[DOCTOR])),
        measure.kinds_table(counted[DOCTOR]),
    ])


def _parts(proved: Sequence[Case], truths: Mapping[str, Any],
           found: Mapping[str, Sequence[str]]) -> dict[str, measure.Measures]:
    """The doctor on some of the cases."""
    def new(case: Case) -> bool:
        return case.data in data.REPORT_ONLY or case.make()[0].family in networks.REPORT_ONLY

    chosen: dict[str, Callable[[Case], bool]] = {
        "one ailment": lambda case: len(case.recipes) == 1,
        "two ailments": lambda case: len(case.recipes) == 2,
        "healthy, plain": lambda case: not case.recipes and not case.trick,
        "healthy, easily taken for sick": lambda case: bool(case.trick),
        "data or network of the report alone": new,
    }
    return {name: measure.measured(found, [truths[case.name] for case in proved if is_one(case)])
            for name, is_one in chosen.items()}


def _examples(proved: Sequence[Case], truths: Mapping[str, Any], records: Lines) -> Iterator[str]:
    """What the doctor got wrong: the case, what is true of it, and what the doctor says."""
    for case in proved:
        truth, diagnosis = truths[case.name], verdict(records.known[case.name])
        kinds = [finding.kind for finding in diagnosis.findings]
        wrong = [kind for kind in kinds if kind not in truth["true"]]
        missed = [root[0] for root, miss in zip(
            truth["roots"], measure.misses(truth, kinds), strict=True) if miss]
        late = bool(truth["roots"]) and kinds[:1] and kinds[0] not in truth["first"]
        if not wrong and not missed and not late:
            continue
        lines = [f"## {case.name}", f"plan: {_short(case)}",
                 f"score {truth['score']:.3f}; gains [score, risk]: {truth['gains']}",
                 f"first: {', '.join(truth['first'])}", f"true: {', '.join(truth['true'])}",
                 f"said: {', '.join(kinds) or 'healthy'}; "
                 f"behind: {', '.join(f.kind for f in diagnosis.consequences)}"]
        lines += [f"MISSED {kind}" for kind in missed]
        lines += [f"WRONG FIRST {kinds[0]}"] if late else []
        for finding in diagnosis.findings:
            mark = "FALSE" if finding.kind in wrong else "true"
            seen = "; ".join(f"{e.text} (limit {e.limit})" for e in finding.evidence)
            lines.append(f"{mark} {finding.kind} at {finding.layer}: {seen}")
        yield "\n".join(lines)


def _short(case: Case) -> str:
    """What of the plan is not as it is by default."""
    plan = case.make()[0]
    return ", ".join(f"{field.name}={getattr(plan, field.name)}" for field in fields(plan)
                     if getattr(plan, field.name) != field.default)


if __name__ == "__main__":
    sys.exit(main())
