"""How right the verdicts are: precision, recall, first finding, false alarms, with intervals."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Z = 1.959964


@dataclass
class Count:
    """So many of so many."""

    right: int = 0
    all: int = 0

    def add(self, right: bool) -> None:
        self.right += right
        self.all += 1

    @property
    def share(self) -> float:
        return self.right / self.all if self.all else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson 1927: 95 %."""
        if not self.all:
            return math.nan, math.nan
        n, p = self.all, self.share
        middle = (p + Z**2 / (2 * n)) / (1 + Z**2 / n)
        half = Z / (1 + Z**2 / n) * math.sqrt(p * (1 - p) / n + Z**2 / (4 * n**2))
        return max(0.0, middle - half), min(1.0, middle + half)

    def __str__(self) -> str:
        if not self.all:
            return "-"
        low, high = self.interval
        return f"{self.share:.3f} ({low:.2f} to {high:.2f})"


@dataclass
class Measures:
    """Of one rule set.

    Attributes:
        precision: findings, on sick and healthy runs, that are true of the run.
        recall: ailments that were put in and proved, of which a finding speaks.
        first: sick runs whose first finding is right to cure first.
        named: sick runs of which a finding names an ailment.
        alarms: healthy runs with any finding.
        by_kind: recall by the ailment's own name.
        claims: precision by finding.
    """

    precision: Count = field(default_factory=Count)
    recall: Count = field(default_factory=Count)
    first: Count = field(default_factory=Count)
    named: Count = field(default_factory=Count)
    alarms: Count = field(default_factory=Count)
    by_kind: dict[str, Count] = field(default_factory=lambda: defaultdict(Count))
    claims: dict[str, Count] = field(default_factory=lambda: defaultdict(Count))

    def see(self, truth: Mapping[str, Any], kinds: Sequence[str]) -> None:
        """Counts the findings on one run of the bank."""
        for kind in dict.fromkeys(kinds):
            right = kind in truth["true"]
            self.precision.add(right)
            self.claims[kind].add(right)
        if not truth["roots"]:
            self.alarms.add(bool(kinds))
            return
        self.first.add(bool(kinds) and kinds[0] in truth["first"])
        found = [not missed for missed in misses(truth, kinds)]
        self.named.add(any(found))
        for root, right in zip(truth["roots"], found, strict=True):
            self.recall.add(right)
            self.by_kind[root[0]].add(right)


def misses(truth: Mapping[str, Any], kinds: Sequence[str]) -> list[bool]:
    """Of each ailment, whether no finding names it. Where it is the only one, so does any finding
    whose own cure is as good."""
    alone = set(truth["first"]) if len(truth["roots"]) == 1 else set()
    return [not set(kinds) & {*root, *alone} for root in truth["roots"]]


def belongs(truth: Mapping[str, Any]) -> bool:
    """Whether a case proved to be what it was made to be; others leave the bank."""
    return bool(truth["sick"] and truth["roots"]) or is_healthy(truth)


def is_healthy(truth: Mapping[str, Any]) -> bool:
    """Of a case to which nothing was done: no cure helps."""
    return truth["case"].startswith("healthy") and not truth["sick"]


def measured(found: Mapping[str, Sequence[str]], truths: Iterable[Mapping[str, Any]]) -> Measures:
    """All of one rule set's findings, by case."""
    measures = Measures()
    for truth in truths:
        if belongs(truth) and truth["case"] in found:
            measures.see(truth, found[truth["case"]])
    return measures


def table(sets: Mapping[str, Measures]) -> str:
    """Rule sets side by side, as Markdown."""
    lines = ["| rules | precision | recall | first finding right | sick runs named | "
             "healthy runs warned |", "|---|---|---|---|---|---|"]
    lines += [f"| {name} | {m.precision} | {m.recall} | {m.first} | {m.named} | {m.alarms} |"
              for name, m in sets.items()]
    return "\n".join(lines)


def kinds_table(measures: Measures) -> str:
    """By ailment and by finding."""
    lines = ["| finding | ailments of this kind | of which found | said | of which true |",
             "|---|---|---|---|---|"]
    for kind in sorted({*measures.by_kind, *measures.claims}):
        own, said = measures.by_kind.get(kind, Count()), measures.claims.get(kind, Count())
        lines.append(f"| `{kind}` | {own.all} | {own} | {said.all} | {said} |")
    return "\n".join(lines)
