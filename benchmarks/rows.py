"""What a benchmark row is: a case, what it needs at least, and what it is to reach."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Protocol

from .peers import PEERS

OURS = "evenly"


@dataclass(frozen=True)
class Needs:
    """The work that no implementation of a row can do without.

    Attributes:
        flops: of the matrix products, a multiplication and an addition counted as two.
        bytes: memory read and written, every array once for each pass that must exist.
        working_set: bytes of all arrays of the step: it tells which cache they can stay in.
    """

    flops: float
    bytes: float
    working_set: float


@dataclass(frozen=True)
class Result:
    """What was measured for a row.

    Attributes:
        row: it.
        samples: of each peer, in the row's unit.
        floor: what the row needs at least, in its unit.
        notes: what was said of the measurement.
        scores: of each peer's trained model, where there is one.
        absent: peers that would take part and are not installed.
    """

    row: Row
    samples: Mapping[str, tuple[float, ...]]
    floor: float | None = None
    notes: tuple[str, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)
    absent: tuple[str, ...] = ()

    def median(self, peer: str) -> float | None:
        return median(self.samples[peer]) if self.samples.get(peer) else None

    def others(self) -> list[str]:
        """The peers that Evenly is compared with."""
        return [p for p in self.samples if p != OURS and p not in self.row.not_ranked]

    def fastest(self) -> str | None:
        """The peer with the lowest median; None if Evenly is alone."""
        others = self.others()
        return min(others, key=lambda p: median(self.samples[p]), default=None)

    def times_faster(self, peer: str | None) -> float | None:
        """A peer's median over Evenly's."""
        ours, theirs = self.median(OURS), self.median(peer) if peer else None
        return theirs / ours if ours and theirs else None


class Goal(Protocol):
    """What a row is to reach."""

    def text(self, unit: str) -> str: ...

    def met(self, result: Result) -> bool | None: ...


@dataclass(frozen=True)
class Faster:
    """At least so many times faster than a peer, by default the fastest one."""

    times: float
    peer: str | None = None

    def text(self, unit: str) -> str:
        return f"{self.times:g} x" + (f" {PEERS[self.peer].label}" if self.peer else "")

    def met(self, result: Result) -> bool | None:
        times = result.times_faster(self.peer or result.fastest())
        return None if times is None else times >= self.times


@dataclass(frozen=True)
class NearFloor:
    """At most so many times the floor."""

    times: float

    def text(self, unit: str) -> str:
        return f"{self.times:g} x floor"

    def met(self, result: Result) -> bool | None:
        ours = result.median(OURS)
        if ours is None or result.floor is None:
            return None
        return ours <= self.times * result.floor


@dataclass(frozen=True)
class FasterThanAsGood:
    """At least so many times faster than every peer whose score is as good, but for `slack`."""

    times: float
    slack: float = 0.002

    def text(self, unit: str) -> str:
        return f"{self.times:g} x whoever is as good"

    def met(self, result: Result) -> bool | None:
        scores = result.scores
        others = [peer for peer in result.others() if peer in scores]
        if OURS not in scores or not others:
            return None
        as_good = [peer for peer in others if scores[peer] >= scores[OURS] - self.slack]
        return all((result.times_faster(peer) or 0.0) >= self.times for peer in as_good)


@dataclass(frozen=True)
class AtMost:
    """At most so much, in the row's unit, or so many times what a peer takes."""

    value: float
    peer: str | None = None

    def text(self, unit: str) -> str:
        return f"at most {self.value:g} " + (f"x {PEERS[self.peer].label}" if self.peer else unit)

    def met(self, result: Result) -> bool | None:
        ours = result.median(OURS)
        scale = result.median(self.peer) if self.peer else 1.0
        return None if ours is None or scale is None else ours <= self.value * scale


@dataclass(frozen=True)
class Row:
    """One line of a table.

    Attributes:
        name: shown, and what ``--row`` looks into.
        case: what the peers' builders get: plain values of the subject.
        goals: what Evenly is to reach.
        needs: for the floor; None where a floor has no meaning.
        unit: of the samples.
        not_ranked: peers shown for comparison that "the fastest peer" leaves out.
    """

    name: str
    case: Any
    goals: tuple[Goal, ...] = ()
    needs: Needs | None = None
    unit: str = "ms"
    not_ranked: frozenset[str] = field(default_factory=frozenset)
