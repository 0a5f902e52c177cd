"""A calculation or an exercise as a document: headings, sentences, steps. Every renderer reads
documents and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from .views import HEADINGS, Shown, View


@dataclass(frozen=True)
class Heading:
    """The beginning of a part."""

    text: str


@dataclass(frozen=True)
class Paragraph:
    """A sentence or a few. Parts between backticks are symbols or names."""

    text: str


@dataclass(frozen=True)
class StepBlock:
    """A step: what is computed, the formula, the formula with numbers, the result.

    Attributes:
        view: the step and which of its numbers are shown.
        title: what is computed, in words or by the step's name.
        blank: whether the numbers are left for the reader to fill in; then neither they nor the
            formula with numbers are shown.
        hint: a help towards it, "" for none.
        key: by which answers name the step; "" where nothing is asked.
    """

    view: View
    title: str
    blank: bool = False
    hint: str = ""
    key: str = ""


Block = Heading | Paragraph | StepBlock


@dataclass(frozen=True)
class Document:
    """What is rendered.

    Attributes:
        title: of the whole.
        blocks: in order.
        digits: behind the point, of decimals.
    """

    title: str
    blocks: tuple[Block, ...]
    digits: int = 4


def document_of(shown: Shown, title: str) -> Document:
    """A calculation as a document: a part for each phase, a block for each step."""
    blocks: list[Block] = []
    views, phase = list(shown.views()), ""
    for i, view in enumerate(views):
        # What is given on the way belongs to the part that it is given for.
        own = view.step.phase
        if own == "given" and phase:
            own = next((v.step.phase for v in views[i:] if v.step.phase != "given"), phase)
            own = phase if phase == "given" and not _on_the_way(view, shown) else own
        if own != phase:
            phase = own
            blocks.append(Heading(HEADINGS[phase]))
        again = view.step.phase == "given" and any(
            v.step.title == view.step.title and v.step.phase == "update" for v in views[i + 1 :]
        )
        # What an optimizer kept has the name of what it then keeps.
        blocks.append(StepBlock(view, f"{view.step.title} before" if again else view.step.title))
    left_out = shown.left_out()
    if left_out:
        blocks.append(Paragraph(f"{left_out}."))
    return Document(title, tuple(blocks), shown.digits)


def _on_the_way(view: View, shown: Shown) -> bool:
    """Whether something was computed before this was given."""
    return any(step.phase != "given" for step in shown.work.steps[: view.step.number])
