"""A study as a value: a claim, what is varied, what one training measures, what the claim expects.

A study is a file of some twenty lines. `measure` trains one network and returns what it measured;
everything else is declared: which levels of which factors, how many blocks, which comparisons the
claim stands or falls with, and the picture. The rule of the verdict is in `parts.py`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any, Literal

import numpy as np

from ..study.errors import StudyError
from .parts import Part
from .pictures import Picture

Form = Literal["tour", "long"]
Level = str | int | float | bool
Levels = Mapping[str, Level]
FEWEST_BLOCKS = 6


@dataclass(frozen=True)
class Case:
    """What one training is asked for.

    Cases of a block share `data_seed` and `seed`: the same data, the same split, the same first
    weights where shapes agree, the same batches. So their measures come in pairs.

    Attributes:
        levels: of each factor; ``case["norm"]`` is short for it.
        block: counted from 0.
        seed: of weights and batches, to give to ``fit``.
        data_seed: of data and splits.
        long: whether this is the long form.
    """

    levels: Levels
    block: int
    seed: int
    data_seed: int
    long: bool = False

    def __getitem__(self, factor: str) -> Any:
        return self.levels[factor]

    def rng(self, purpose: str = "") -> np.random.Generator:
        """A generator for the data of this block: equal for equal purposes."""
        return np.random.default_rng([self.data_seed, *purpose.encode()])


@dataclass(frozen=True)
class Study:
    """A claim and how it is tested.

    Arguments:
        name: on the command line, as ``dropout-gap``.
        claim: in its usual words, a sentence.
        source: who says so: paper and section, or the kind of text.
        factors: the levels of each factor, what the others are compared with first. All
            combinations are run.
        measure: trains once: from a :class:`Case` to its measures, finite numbers or lists of
            them. A function of a module: it may run in another process.
        parts: what the claim expects, see :class:`Part`. It stands or falls with them together.
        blocks: how many repetitions, each with its own seeds, in the tour; at least 6.
        long_blocks: in the long form.
        long_factors: other levels in the long form, by factor.
        leaves_out: levels that are not run together: a function that says so.
        technique: the factors whose levels are the technique; replaced by the first level each,
            with other seeds, they make the null that the verdict is tried on.
        test_ratio: rows of the test part over rows of the training part where blocks split the
            same table anew: intervals are widened for it. 0 where each block draws its own.
        about: how it is tested, in a few plain sentences: data, network, what is measured.
        says: what the verdict means, by verdict; ``{name}`` is the effect of the part of that name.
        pictures: drawn in the report, the first on its first screen.
        exercises: topics of ``evenly exercise`` that work it by hand.
        layers: public names that it is about.
        seconds: processor seconds that the tour's form takes, about.
        in_tour: whether ``evenly study`` without arguments runs it.
        origin: the file that it is from, where that is a user's.

    Raises:
        StudyError: a study that cannot work.

    Example:
        >>> from evenly.claims import Study, less, run
        >>> def measure(case):
        ...     spread = case.rng("draw").normal(size=case["rows"]).mean()
        ...     return {"error": abs(float(spread))}
        >>> study = Study(
        ...     name="more-rows", claim="A mean of more rows is nearer.", source="Bernoulli 1713",
        ...     factors={"rows": (10, 1000)}, measure=measure, blocks=12,
        ...     parts=(less("error", {"rows": 1000}, than={"rows": 10}),),
        ... )
        >>> run(study).verdict
        'holds'
    """

    name: str
    claim: str
    source: str
    factors: Mapping[str, tuple[Level, ...]]
    measure: Callable[[Case], Mapping[str, Any]] = field(repr=False)
    parts: tuple[Part, ...]
    blocks: int = 10
    long_blocks: int = 30
    long_factors: Mapping[str, tuple[Level, ...]] = field(default_factory=dict)
    leaves_out: Callable[[Levels], bool] | None = None
    technique: tuple[str, ...] = ()
    test_ratio: float = 0.0
    about: str = ""
    says: Mapping[str, str] = field(default_factory=dict)
    pictures: tuple[Picture, ...] = ()
    exercises: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    seconds: float = 0.0
    in_tour: bool = True
    origin: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "factors", {k: tuple(v) for k, v in self.factors.items()})
        object.__setattr__(self, "parts", tuple(self.parts))
        if not self.name or not all(c.isalnum() or c == "-" for c in self.name):
            raise StudyError(f"study: a name has letters, digits and '-', got {self.name!r}")
        if not self.factors or not all(self.factors.values()):
            raise self.wrong("factors: expects at least one, each with a level")
        if not any(part.counts for part in self.parts):
            raise self.wrong("parts: expects at least one that counts")
        for what, blocks in (("blocks", self.blocks), ("long_blocks", self.long_blocks)):
            if blocks < FEWEST_BLOCKS:
                raise self.wrong(f"{what}: expects at least {FEWEST_BLOCKS}, got {blocks}")
        for what, names in (("long_factors", self.long_factors), ("technique", self.technique)):
            for name in names:
                if name not in self.factors:
                    raise self.wrong(f"{what}: there is no factor '{name}': "
                                     f"expects one of {', '.join(self.factors)}")

    def wrong(self, what: str) -> StudyError:
        """An error that names this study."""
        return StudyError(f"study {self.name}: {what}")

    def levels_of(self, form: Form) -> dict[str, tuple[Level, ...]]:
        """The levels of each factor in a form."""
        more = self.long_factors if form == "long" else {}
        return {name: tuple(more.get(name, levels)) for name, levels in self.factors.items()}

    def combinations(self, form: Form) -> list[dict[str, Level]]:
        """The levels that are run together, in the order of the factors."""
        levels = self.levels_of(form)
        every = [dict(zip(levels, chosen, strict=True))
                 for chosen in itertools.product(*levels.values())]
        return [one for one in every if not (self.leaves_out and self.leaves_out(one))]

    def cases(self, form: Form = "tour", blocks: int | None = None) -> list[Case]:
        """All cases, block by block, so that what has ended after a stop is whole blocks."""
        count = blocks or (self.long_blocks if form == "long" else self.blocks)
        return [
            Case(levels, block, *self.seeds(block), long=form == "long")
            for block in range(count) for levels in self.combinations(form)
        ]

    def with_blocks(self, count: int) -> Study:
        """This study with another number of blocks, in both forms."""
        return replace(self, blocks=count, long_blocks=count)

    def seeds(self, block: int) -> tuple[int, int]:
        """The seeds of a block, of training and of data: functions of study and block alone."""
        state = np.random.SeedSequence([block, *self.name.encode()]).generate_state(2)
        return int(state[0] >> 1), int(state[1] >> 1)

    def _repr_html_(self) -> str:
        rows = [("Source", self.source), ("Tested", self.about)]
        rows += [(f"Factor: {name}", ", ".join(map(str, levels)))
                 for name, levels in self.factors.items()]
        rows += [(f"Expected: {part.expects}", part.words) for part in self.parts]
        cells = "".join(f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>"
                        for name, text in rows if text)
        return f"<h4>{escape(self.claim)}</h4><table>{cells}</table>"


def with_origin(study: Study, origin: str) -> Study:
    """The study, with the file that it is from: its function is then loaded anew in each worker."""
    return replace(study, origin=origin)
