"""How grades look in a terminal: words and signs, never colour alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..byhand.notation import Notation
from ..byhand.recorder import Step
from .grade import EMPTY, FOLLOWS, RIGHT, UNREADABLE, VERDICTS, WRONG, Grade, StepGrade

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

STYLES = {RIGHT: "green", FOLLOWS: "cyan", WRONG: "bold red", UNREADABLE: "magenta", EMPTY: "dim"}
_SIGNS = {RIGHT: "✓", FOLLOWS: "→", WRONG: "✗", UNREADABLE: "?", EMPTY: "·"}
_PLAIN = {RIGHT: "r", FOLLOWS: "f", WRONG: "X", UNREADABLE: "?", EMPTY: "."}
_SAID = {RIGHT: "right", FOLLOWS: "follows from your own numbers", WRONG: "wrong",
         UNREADABLE: "not understood", EMPTY: "empty"}


def signs(encoding: str | None) -> dict[str, str]:
    """A sign for each verdict: letters where the terminal has no others."""
    try:
        "".join(_SIGNS.values()).encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return _PLAIN
    return _SIGNS


def legend(encoding: str | None) -> Text:
    """What the signs mean."""
    from rich.text import Text

    own = signs(encoding)
    return Text("  ".join(f"{own[v]} {_SAID[v]}" for v in VERDICTS), style="dim")


def counts(step: StepGrade) -> str:
    """``"2 right, 1 wrong"``."""
    found = ((step.count(v), v) for v in VERDICTS)
    return ", ".join(f"{n} {v}" for n, v in found if n)


def matrix(values: Any, styles: Any = None) -> Table:
    """Numbers or signs as a matrix; of an array with more axes the last two, one below the other.

    Arguments:
        values: an array of text.
        styles: of each, an array of the same shape; None for none.
    """
    from rich.table import Table
    from rich.text import Text

    width = values.shape[-1] if values.ndim else 1
    rows = values.reshape(-1, width)
    table = Table(show_header=False, box=None, padding=(0, 1, 0, 1))
    for _ in range(width):
        table.add_column(justify="right", no_wrap=True)
    own = np.full(rows.shape, "") if styles is None else styles.reshape(rows.shape)
    for row, style in zip(rows, own, strict=True):
        table.add_row(*(Text(str(v), style=str(s)) for v, s in zip(row, style, strict=True)))
    return table


def verdict_matrix(step: StepGrade, encoding: str | None) -> Table:
    """The verdicts of a step as signs."""
    verdicts = np.asarray(step.verdicts, object)
    own = signs(encoding)
    flat = verdicts.reshape(-1)
    made = np.array([own[v] for v in flat], object).reshape(verdicts.shape)
    return matrix(made, np.array([STYLES[v] for v in flat], object).reshape(verdicts.shape))


def number_matrix(step: Step) -> Table:
    """The numbers of a step."""
    write = Notation().number
    made = np.array([write(v) for v in step.value.reshape(-1)], object)
    return matrix(made.reshape(step.value.shape))


def write_step(console: Console, step: StepGrade, number: int | None = None) -> None:
    """One step's grade: points, verdicts, and the mistake if it is known."""
    from rich.text import Text

    head = f"{number}. " if number is not None else ""
    full = step.points == step.possible
    console.print(Text(f"{head}{step.words}", style="bold"),
                  Text(f"  {step.points} of {step.possible}: {counts(step)}",
                       style="green" if full else "yellow"), sep="")
    if not full or step.followed:
        console.print(verdict_matrix(step, console.encoding))
    for note in step.notes:
        console.print(Text(f"   {note}", style=STYLES[UNREADABLE]))
    if step.mistake is not None:
        write_mistake(console, step)


def write_mistake(console: Console, step: StepGrade) -> None:
    """The mistake of a step, and others that give the same numbers."""
    from rich.text import Text

    for place, mistake in enumerate(step.mistakes):
        console.print(Text.assemble(("   Or: " if place else "   Mistake: ", "bold"),
                                    (mistake.name, "bold red"), ". ", mistake.words, " ",
                                    mistake.advice))


def write_grade(console: Console, graded: Grade, name: str = "", expected: bool = False) -> None:
    """A whole grade."""
    from rich.text import Text

    who = f"{name}: " if name else ""
    follows = f", of which {graded.followed} carried forward" if graded.followed else ""
    console.print(Text(f"{who}{graded.title}", style="bold underline"))
    console.print(Text(f"{graded.points} of {graded.possible} points{follows}"))
    for number, step in enumerate(graded.steps, 1):
        write_step(console, step, number)
        if expected and step.points < step.possible:
            console.print(Text("   right:", style="dim"))
            console.print(matrix(np.asarray(step.expected, object)))
    console.print(legend(console.encoding))
