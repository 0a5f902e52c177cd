"""What ails a training, proved by refits: in pairs over seeds, on rows that no training saw."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

import evenly as ev

from .cases import Case
from .data import Data
from .networks import Plan
from .outcome import Outcome, train
from .recipes import RECIPES, STUCK, Made

FEWEST, MOST = 3, 5
# A gain counts from here on: of balanced accuracy or R^2; of cross-entropy over a constant's.
LEAST = {"score": 0.05, "risk": 0.15}
# A cure that brings so much of what undoing brings is as good a first one.
AS_GOOD = 0.8
# One-sided 5 % of Student's t, by degrees of freedom.
_T = {2: 2.920, 3: 2.353, 4: 2.132}


@dataclass(frozen=True)
class Gain:
    """What a change brings: means over pairs, and whether that is beyond chance and matters."""

    score: float
    risk: float
    proved: tuple[str, ...]

    @property
    def matters(self) -> bool:
        """Whether it would matter, were it no chance."""
        return self.score >= LEAST["score"] or self.risk >= LEAST["risk"]

    def as_good_as(self, other: Gain) -> bool:
        """Whether it brings about as much, in a measure in which both are proved."""
        return any(getattr(self, name) >= AS_GOOD * getattr(other, name)
                   for name in other.proved if name in self.proved)


def gain(before: Sequence[Outcome], after: Sequence[Outcome]) -> Gain:
    """Compares trainings with the same seeds."""
    means, proved = {}, []
    for name, sign in (("score", 1), ("risk", -1)):
        pairs = [(getattr(old, name), getattr(new, name))
                 for old, new in zip(before, after, strict=True)]
        if None in (value for pair in pairs for value in pair):
            means[name] = 0.0
            continue
        steps = [sign * (new - old) for old, new in pairs]
        means[name] = float(np.mean(steps))
        if len(steps) < FEWEST:
            continue
        error = float(np.std(steps, ddof=1)) / math.sqrt(len(steps))
        if means[name] >= LEAST[name] and means[name] > _T[len(steps) - 1] * error:
            proved.append(name)
    # Surer and wrong is no cure, nor right and far less sure.
    if means["score"] < -0.02:
        proved = []
    if means["risk"] < -LEAST["risk"]:
        proved = [name for name in proved if name != "score" or means["score"] > 0.1]
    return Gain(means["score"], means["risk"], tuple(proved))


def promise(before: Sequence[Outcome], after: Sequence[Outcome]) -> Gain:
    """How much less validation promises beyond what is true."""
    def without(outcomes: Sequence[Outcome]) -> list[Outcome]:
        return [replace(one, score=one.score - one.watch_score, risk=None) for one in outcomes]

    return gain(without(before), without(after))


Change = Callable[[Plan, Data], Made]


def cures(plan: Plan, data: Data) -> Iterator[tuple[tuple[str, ...], Change]]:
    """A fixed list of changes, each with the findings that ask for it, as far as they change
    anything here."""
    def of_plan(**changes: Any) -> Change:
        return lambda plan, data: (replace(plan, **changes), data)

    yield ("rate_too_high", "oscillation", "divergence"), of_plan(rate=plan.rate / 10)
    yield ("rate_too_high", "oscillation", "divergence"), of_plan(rate=plan.rate / 3)
    yield ("rate_too_low",), of_plan(rate=plan.rate * 10)
    yield ("rate_too_low",), of_plan(rate=plan.rate * 3)
    yield ("undertrained",), of_plan(epochs=4 * plan.epochs)
    yield ("underfitting_capacity",), of_plan(units=max(4 * plan.units, 16))
    yield ("overfitting",), of_plan(epochs=max(1, plan.epochs // 4), early_stopping=None)
    yield ("overfitting",), of_plan(l2=plan.l2 + 0.01)
    if plan.dropout < 0.3 and plan.family == "mlp":
        yield ("overfitting",), of_plan(dropout=0.3)
    if plan.early_stopping is None:
        yield ("overfitting",), of_plan(early_stopping=ev.EarlyStopping(patience=4))
    if plan.l2 or plan.weight_decay:
        yield ("over_regularized",), of_plan(l2=0.0, weight_decay=0.0)
    if plan.dropout:
        yield ("dropout_too_strong", "over_regularized"), of_plan(dropout=0.0)
    if plan.clip is not None:
        yield ("clipping_always",), of_plan(clip=None)
    else:
        yield ("exploding_gradient",), of_plan(clip=ev.ClipGlobalNorm(1.0))
    if plan.init is not None or plan.recurrent_init is not None or plan.bias:
        yield ("bad_init_scale",), of_plan(init=None, recurrent_init=None, bias=0.0)
    if plan.batch < 8:
        yield ("batch_too_small",), of_plan(batch=32)
    if plan.norm == "batch":
        yield ("batch_norm_mismatch",), of_plan(norm_decay=0.7)
    if plan.activation in ("sigmoid", "tanh") and plan.depth > 3:
        yield ("vanishing_gradient",), of_plan(activation="relu", init=None)
    yield _scaling(data)
    if data.task == "numbers" and not 0.5 < data.y.std() < 2:
        mean, deviation = data.y.mean(), data.y.std()
        yield ("targets_not_scaled",), lambda plan, data: (
            plan, data.targets(lambda y: (y - mean) / deviation))


def _scaling(data: Data) -> tuple[tuple[str, ...], Change]:
    axis = tuple(range(data.x.ndim - 1))
    mean, deviation = data.x.mean(axis, dtype=float), data.x.std(axis, dtype=float)
    # A change of columns that hardly vary would be a change of their noise.
    deviation = np.where(deviation > 1e-9, deviation, 1)
    kinds = ("inputs_not_scaled",)
    if np.median(deviation) < 0.1:
        kinds = ("inputs_not_scaled", "inputs_scaled_twice")
    return kinds, lambda plan, data: (plan, data.inputs(lambda x: (x - mean) / deviation))


@dataclass(frozen=True)
class Truth:
    """What was proved of a case.

    Attributes:
        sick: whether undoing a recipe helps; of a case without recipes, whether a cure of the list
            does, or may.
        roots: for each recipe that was proved, the findings that name it. Of two recipes one may
            hide the other: it is proved where it harms once the other one is gone.
        first: findings that are right as the first to cure.
        true: findings that are true of it, these included.
        gains: what undoing each recipe and what each cure brings: [score, risk].
        score: mean of the training as it is.
        trainings: how many refits that took.
    """

    sick: bool
    roots: tuple[tuple[str, ...], ...]
    first: tuple[str, ...]
    true: tuple[str, ...]
    gains: dict[str, tuple[float, float]]
    score: float
    trainings: int

    def plain(self) -> dict[str, Any]:
        return asdict(self)


class _Refits:
    """Trainings of one change of a case, each made once."""

    def __init__(self, made: Made, seed: int) -> None:
        self.made, self.seed = made, seed
        self.outcomes: list[Outcome] = []

    def first(self, count: int) -> list[Outcome]:
        """With the first so many seeds."""
        self.outcomes += [train(*self.made, self.seed + number)
                          for number in range(len(self.outcomes), count)]
        return self.outcomes[:count]


def compare(before: _Refits, after: _Refits, measure: Any = gain) -> Gain:
    """Three pairs, and two more where the gain matters but may be chance; one where that shows not
    half of a gain that counts."""
    first: Gain = measure(before.first(1), after.first(1))
    if first.score < LEAST["score"] / 2 and first.risk < LEAST["risk"] / 2:
        return replace(first, proved=())
    found: Gain = measure(before.first(FEWEST), after.first(FEWEST))
    if not found.proved and found.matters:
        found = measure(before.first(MOST), after.first(MOST))
    return found


def prove(case: Case) -> Truth:
    """What is true of a case."""
    proof = _Proof(case)
    if case.recipes:
        proof.undo()
    if proof.roots or not case.recipes:
        proof.cure()
    return proof.truth()


class _Proof:
    def __init__(self, case: Case) -> None:
        self.case = case
        self.plan, self.data = case.make()
        self.names = [name for name, _ in case.recipes]
        self.all: list[_Refits] = []
        self.sick = self.refits((self.plan, self.data))
        # Ailments that are proved; those that show only once the other one is gone are hidden.
        self.roots: dict[str, Gain] = {}
        self.hidden: set[str] = set()
        self.first, self.true = set[str](), set[str]()
        self.gains: dict[str, tuple[float, float]] = {}

    def refits(self, made: Made) -> _Refits:
        self.all.append(_Refits(made, self.case.seed))
        return self.all[-1]

    def note(self, name: str, found: Gain) -> None:
        self.gains[name] = (round(found.score, 3), round(found.risk, 3))

    def undo(self) -> None:
        """Leaves out each recipe, from the sick training and from the one without the other."""
        without = {name: self.refits(self.case.make([name])) for name in self.names}
        for name in self.names:
            measure = promise if RECIPES[name].harm == "promise" else gain
            found = compare(self.sick, without[name], measure)
            self.note(f"without {name}", found)
            if found.proved:
                self.roots[name] = found
        if len(self.names) == 2 and len(self.roots) < 2:
            neither = self.refits(self.case.make(self.names))
            for name, other in (self.names, self.names[::-1]):
                if name not in self.roots:
                    found = compare(without[other], neither)
                    self.note(f"without {name}, {other} gone", found)
                    if found.proved:
                        self.hidden.add(name)
            # What is hidden is an ailment only of a training that is sick.
            if not self.roots and not compare(self.sick, neither).proved:
                self.hidden.clear()
            if not self.roots:
                self.roots = {name: compare(self.sick, neither) for name in self.hidden}
        for name in {*self.roots, *self.hidden}:
            own = RECIPES[name]
            # Either of two may come first: both belong to what heals.
            self.first |= set(own.kinds)
            self.true |= set(own.kinds) | {k for k in own.also if _possible(k, self.plan)}

    def cure(self) -> None:
        """Tries the fixed list."""
        best = max(self.roots.values(), key=lambda one: (one.score, one.risk), default=None)
        for kinds, change in cures(self.plan, self.data):
            found = compare(self.sick, self.refits(change(self.plan, self.data)))
            if found.proved:
                self.true |= set(kinds)
                self.first |= set(kinds) if best and found.as_good_as(best) else set()
                self.note(kinds[0], found)
            elif not self.names and found.matters:
                self.note(f"{kinds[0]}, perhaps", found)
            if not self.names and self.gains:
                break

    def truth(self) -> Truth:
        before = self.sick.first(FEWEST)
        score = float(np.mean([one.score for one in before]))
        floor = chance(self.data)
        if not self.names and (score - floor) / (1 - floor) < 0.15:
            self.gains["learns too little"] = (round(score, 3), 0.0)
        if self.roots:
            self.true |= self.first | _symptoms(before, self.data)
        ailments = [name for name in self.names if name in self.roots or name in self.hidden]
        return Truth(
            bool(self.roots) if self.names else bool(self.gains),
            tuple(RECIPES[name].kinds for name in ailments), tuple(sorted(self.first)),
            tuple(sorted(self.true)), self.gains, score,
            sum(len(one.outcomes) for one in self.all))


def _possible(kind: str, plan: Plan) -> bool:
    """Whether a consequence can be there at all; those that curves tell are read off these."""
    if kind == "saturation":
        return plan.recurrent or bool({plan.activation, plan.output} & {"tanh", "sigmoid"})
    if kind == "dead_relu":
        return plan.activation == "relu"
    return kind not in STUCK


def chance(data: Data) -> float:
    """The score of the best constant answer."""
    return 0.0 if data.task == "numbers" else 1 / max(len(np.unique(data.judge_y)), 2)


def _symptoms(outcomes: Sequence[Outcome], data: Data) -> set[str]:
    """What is true of the curves themselves, whatever the cause."""
    found = set()
    learned = float(np.mean([one.train_score for one in outcomes]))
    learned = (learned - chance(data)) / (1 - chance(data))
    if learned < 0.25:
        found.add("not_learning")
    if learned < 0.6:
        found.add("cannot_memorize")
    first = outcomes[0]
    if first.diverged or first.losses[-1] > max(1.5 * min(first.losses), 0.5 * first.losses[0]):
        found.add("divergence")
    return found
