"""Numbers into verdicts: the rule of `parts.py` on the blocks of a study."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..study.errors import StudyError
from ..study.statistics import holm
from .measures import Measures, finite, whole_blocks
from .parts import Part, Test, tested
from .records import ClaimRecord, PartRecord, RunRecord, Verdict
from .study import FEWEST_BLOCKS, Case, Form, Study

SIGNIFICANCE = 0.05
EXPECTS = {"less": "below 0", "more": "above 0"}


def judged(
    study: Study, form: Form, runs: Sequence[RunRecord], cases: Sequence[Case], seconds: float,
) -> ClaimRecord:
    """The record of a study's runs: parts tested on the whole blocks, and the verdict.

    With fewer than six whole blocks nothing is told: every part then "cannot tell".
    """
    blocks = whole_blocks(runs, cases)
    parts = _parts(study, blocks)
    verdict = _verdict(parts)
    asked = len({case.block for case in cases})
    return ClaimRecord(
        name=study.name, claim=study.claim, source=study.source, about=study.about,
        verdict=verdict, sentence=_sentence(study, verdict, parts), parts=tuple(parts),
        factors=study.levels_of(form), blocks=asked, blocks_done=len(blocks), form=form,
        runs=tuple(runs), seconds=seconds, interrupted=len(runs) < len(cases),
        exercises=study.exercises, layers=study.layers,
        command=f"evenly study {study.origin or study.name}" + (
            " --short" if form == "tour" else ""),
    )


def _parts(study: Study, blocks: dict[int, list[RunRecord]]) -> list[PartRecord]:
    found = []
    for part in study.parts:
        values = [_effect(study, part, Measures(runs)) for runs in blocks.values()]
        test = tested(part, values, study.test_ratio) if len(values) > 1 else None
        found.append((part, values, test, _at_each(study, part, blocks)))
    if len(blocks) < FEWEST_BLOCKS:
        return [_untested(part, values) for part, values, _, _ in found]
    counted = [test for part, _, test, _ in found if part.counts and test]
    holds, fails = holm([t.p_holds for t in counted]), holm([t.p_fails for t in counted])
    corrected = iter(zip(holds, fails, strict=True))
    return [
        _record(part, values, test, each,
                next(corrected) if part.counts else (test.p_holds, test.p_fails))
        for part, values, test, each in found if test
    ]


def _effect(study: Study, part: Part, block: Measures) -> float:
    try:
        return finite(part.effect(block), f"part '{part.words}'")
    except StudyError as error:
        raise study.wrong(str(error)) from error


def _at_each(
    study: Study, part: Part, blocks: dict[int, list[RunRecord]]
) -> dict[str, float]:
    """The mean effect at each level of the factors that the part must hold at."""
    found = {}
    for factor in part.every:
        levels = dict.fromkeys(run.levels[factor] for run in next(iter(blocks.values())))
        for level in levels:
            found[f"{factor} {level}"] = float(np.mean([
                _effect(study, part, Measures(runs, {factor: level})) for runs in blocks.values()
            ]))
    return found


def _record(
    part: Part, values: list[float], test: Test, at_each: dict[str, float],
    p_holm: tuple[float, float],
) -> PartRecord:
    alone = _of_part(part, test, (test.p_holds, test.p_fails), at_each)
    verdict = _of_part(part, test, p_holm, at_each)
    is_failing = verdict == "fails" or (verdict != "holds" and p_holm[1] < p_holm[0])
    return PartRecord(
        words=part.words, expects=_expected(part),
        effect=part.told(test.mean, test.low, test.high),
        mean=test.mean, low=test.low, high=test.high, values=tuple(values), at_each=at_each,
        p=test.p_fails if is_failing else test.p_holds, p_holm=p_holm[1 if is_failing else 0],
        verdict=verdict, corrected=alone != verdict, counts=part.counts, ratio=part.ratio,
    )


def _untested(part: Part, values: list[float]) -> PartRecord:
    mean = float(np.mean(values))
    return PartRecord(
        words=part.words, expects=_expected(part), effect=part.told(mean), mean=mean,
        low=mean, high=mean, values=tuple(values), at_each={}, p=1.0, p_holm=1.0,
        verdict="cannot tell", corrected=False, counts=part.counts, ratio=part.ratio,
    )


def _expected(part: Part) -> str:
    if part.expects == "same":
        return (f"between {part.told(-part.margin)} and {part.told(part.margin)}" if part.ratio
                else f"within {part.told(part.margin).lstrip('+')} of 0")
    if part.ratio:
        return {"less": "below x 1", "more": "above x 1"}[part.expects]
    return EXPECTS[part.expects]


def _of_part(
    part: Part, test: Test, p_values: tuple[float, float], at_each: dict[str, float]
) -> Verdict:
    holds, fails = p_values
    if fails < SIGNIFICANCE:
        return "fails"
    if holds >= SIGNIFICANCE:
        return "cannot tell"
    if part.expects == "same":
        return "holds"
    sign = 1 if part.expects == "more" else -1
    if sign * test.mean < part.least or any(sign * mean <= 0 for mean in at_each.values()):
        return "cannot tell"
    return "holds"


def _verdict(parts: Sequence[PartRecord]) -> Verdict:
    found = {part.verdict for part in parts if part.counts}
    if "fails" in found:
        return "fails"
    return "holds" if found == {"holds"} else "cannot tell"


def _sentence(study: Study, verdict: Verdict, parts: Sequence[PartRecord]) -> str:
    names = {part.name: part.told(record.mean)
             for part, record in zip(study.parts, parts, strict=True) if part.name}
    if verdict in study.says:
        try:
            return study.says[verdict].format(**names)
        except (KeyError, IndexError) as error:
            raise study.wrong(f"says: there is no part of the name {error}") from error
    decisive = [p for p in parts if p.counts and p.verdict == verdict] or list(parts)
    worst = max(decisive, key=lambda part: part.p_holm)
    return f"{worst.words[0].upper()}{worst.words[1:]}: {worst.effect}."
