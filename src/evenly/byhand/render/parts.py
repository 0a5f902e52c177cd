"""What every renderer says of a step: its equation, an example with numbers, its numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..expressions import Apply, places
from ..formulas import is_formula
from ..notation import Notation, readable, rounded
from ..recorder import Step
from ..views import View
from .pieces import cell_name


@dataclass(frozen=True)
class Example:
    """A number of a step with how it was computed.

    Attributes:
        index: the number's flat index.
        label: which number it is, ``"example 1, feature 2"``; "" for the only one.
        formula: with numbers.
        results: (sign, number) pairs: what it is, and about what if it has roots.
        sources: the numbers of the steps that the formula's numbers are from, in order.
    """

    index: int
    label: str
    formula: str
    results: tuple[tuple[str, str], ...]
    sources: tuple[int, ...]

    @property
    def result(self) -> str:
        """The results as one text."""
        return _joined(self.results)


def equation(step: Step, notation: Notation) -> str:
    """``variance = mean of (x - mean)^2``; "" for what was given."""
    if not step.formula:
        return ""
    written, name = notation.formula(step.formula), notation.symbol(step.name)
    return f"{name} {notation.equals} {written}" if is_formula(step.formula) else written


def example_of(view: View, notation: Notation) -> Example | None:
    """The example of a step; None where a formula with numbers would say nothing: for what was
    given, or only moved from elsewhere."""
    example = view.example()
    if example is None or not isinstance(example[1], Apply):
        return None
    index, expression = example
    sources = dict.fromkeys(place.step for place in places(expression))
    return Example(index, label_of(view, index), notation.expression(expression),
                   results(view.step.number_at(index), notation), tuple(sources))


def results(value: Any, notation: Notation) -> tuple[tuple[str, str], ...]:
    """What stands behind a formula with numbers: ``= sqrt(5)/2`` and ``≈ 1.118``."""
    number, about = notation.number(value), notation.approximate(value)
    exact = readable(value).is_exact or float(rounded(float(value), notation.digits)) == value
    own = (notation.equals if exact else notation.about, number)
    return (own,) if about is None else (own, (notation.about, about))


def written_results(value: Any, notation: Notation) -> str:
    """The same as one text."""
    return _joined(results(value, notation))


def _joined(results: tuple[tuple[str, str], ...]) -> str:
    return " ".join(f"{sign} {number}" for sign, number in results)


def cell(value: Any, notation: Notation) -> str:
    """A number of a table, with its decimal where it has roots."""
    number, about = notation.number(value), notation.approximate(value)
    return number if about is None else f"{number} {notation.about} {about}"


def label_of(view: View, index: int) -> str:
    """Which number of a step a flat index is, by the names on the tables."""
    for table in view.tables:
        for row, column in np.argwhere(table.places == index)[:1]:
            return cell_name(table, int(row), int(column))
    return ""


def is_single(view: View) -> bool:
    """Whether a step is one number without names, which its example says already."""
    return bool(len(view.tables) == 1 and view.tables[0].places.size == 1
                and label_of(view, int(view.tables[0].places[0, 0])) == "")
