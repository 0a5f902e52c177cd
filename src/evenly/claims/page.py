"""The report: the table of claims first, then each claim with its pictures."""

from __future__ import annotations

import platform
import re
import uuid
from collections.abc import Sequence
from typing import Any, Protocol

from ..report.drawing import PAGE, RAISED, svg
from ..report.scope import scoped, themed
from ..templating import beside, filled
from ..version import __version__
from . import drawn, forest
from .records import ClaimRecord, PartRecord, Verdict
from .series import told
from .study import FEWEST_BLOCKS, Study

ROOM, CLASS = "evenly.claims", "evenly-claim"
# Pictures in a row of a wide page.
COLUMNS = 3
KINDS: dict[Verdict, str] = {"holds": "holds", "fails": "fails", "cannot tell": "open"}
MINUS, TIMES, NOTHING = "\N{MINUS SIGN}", "\N{MULTIPLICATION SIGN}", "\N{EN DASH}"


class Tested(Protocol):
    """A study and what came of it."""

    @property
    def study(self) -> Study: ...

    @property
    def record(self) -> ClaimRecord: ...


def render(
    results: Sequence[Tested], title: str = "The claims, tested", command: str = "",
    facts: Sequence[tuple[str, str]] = (), missing: Sequence[str] = (),
) -> str:
    """The report of one study or of many, as a page that opens offline and asks for nothing.

    Arguments:
        results: in the order of the table.
        title: of the page.
        command: that makes it again.
        facts: names and texts, below what the page says of the run by itself.
        missing: names of studies of which no block ended.
    """
    records = [result.record for result in results]
    style = beside("evenly.report", "report.css") + beside(ROOM, "claims.css")
    sections = [_section(result.study, result.record, str(place))
                for place, result in enumerate(results, 1)]
    return filled(
        ROOM, "claims.html.j2", style=_markup(style), title=title, command=command,
        counts=counted(records), sections=sections,
        is_one=len(records) == 1, banners=banners(records, missing),
        facts=[*_facts(records), *facts],
    )


def in_notebook(study: Study, record: ClaimRecord) -> str:
    """One claim as a piece of a page: its styles are for it alone, and no name in it is that of
    another."""
    own = uuid.uuid4().hex[:8]
    css = beside("evenly.report", "report.css") + beside(ROOM, "claims.css", "notebook.css")
    return filled(
        ROOM, "notebook.html.j2",
        style=_markup(scoped(css, CLASS) + themed(css, CLASS)), name=CLASS,
        section=_section(study, record, own), banners=banners([record]),
    )


def counted(records: Sequence[ClaimRecord]) -> list[dict[str, Any]]:
    """How many claims hold, fail and cannot be told."""
    found = []
    plural = {"holds": "hold", "fails": "fail", "cannot tell": "cannot be told"}
    for verdict, kind in KINDS.items():
        count = sum(record.verdict == verdict for record in records)
        if count:
            one = "cannot be told" if verdict == "cannot tell" else verdict
            found.append({"count": count, "words": one if count == 1 else plural[verdict],
                          "kind": kind})
    return found


def banners(records: Sequence[ClaimRecord], missing: Sequence[str] = ()) -> list[str]:
    """What a reader must know before the verdicts: what did not end, what is too little."""
    found = []
    short = [f"{record.name} ({record.blocks_done} of {record.blocks} blocks)"
             for record in records
             if record.interrupted or record.blocks_done < record.blocks]
    if short:
        found.append(f"Stopped early: {', '.join(short)}. What is told is told from the blocks "
                     "that ended.")
    few = [record.name for record in records if record.blocks_done < FEWEST_BLOCKS]
    if few:
        found.append(f"Fewer than {FEWEST_BLOCKS} blocks, too few for a verdict: {', '.join(few)}.")
    if missing:
        found.append(f"No block ended, and nothing is told: {', '.join(missing)}.")
    return found


def _section(study: Study, record: ClaimRecord, mark: str) -> dict[str, Any]:
    """What the templates show of a claim."""
    holding = sum(part.verdict == "holds" for part in record.parts if part.counts)
    counting = sum(part.counts for part in record.parts)
    pictures = [_drawn(drawn.pictured(study, record, picture, f"{mark}-{place}"))
                for place, picture in enumerate(study.pictures)]
    # Where the last row of columns is full, the parts get a row of their own.
    alone = sum(not picture["broad"] for picture in pictures) % COLUMNS == 0
    return {
        "id": f"claim-{mark}", "name": record.name, "claim": record.claim,
        "verdict": record.verdict, "kind": KINDS[record.verdict],
        "sentence": typeset(record.sentence), "source": record.source, "about": record.about,
        "measured": record.headline.words, "effect": typeset(record.headline.effect),
        "share": f"{holding} of {counting} parts hold" if counting > 1 else "",
        "parts": [_part(study, record, place) for place in range(len(record.parts))],
        "pictures": pictures, "forest": _forest(study, record, mark, alone), "facts": _run(record),
        "exercises": [f"evenly exercise {name}" for name in record.exercises],
        "layers": list(record.layers), "command": record.command,
        "blocks": record.blocks_done,
    }


def _part(study: Study, record: ClaimRecord, place: int) -> dict[str, Any]:
    part, found = study.parts[place], record.parts[place]
    notes = []
    if len(found.at_each) > 1:
        each = [f"{level} {typeset(part.told(mean))}" for level, mean in found.at_each.items()]
        notes.append(f"At each level: {', '.join(each)}.")
    if found.corrected:
        count = sum(one.counts for one in record.parts)
        plural = "one part" if count == 1 else f"{count} parts"
        notes.append(f"The interval alone would have said more: after the correction for {plural} "
                     "it is not enough.")
    if part.least and found.verdict == "cannot tell" and found.p_holm < 0.05:
        notes.append(f"Less than {typeset(part.told(part.least))} is not worth the name.")
    if not found.counts:
        notes.append("Shown, and no part of the verdict.")
    return {"words": found.words, "expects": typeset(found.expects),
            "effect": typeset(found.effect), "p": _p(record, found), "notes": notes,
            "verdict": found.verdict, "kind": KINDS[found.verdict], "counts": found.counts}


def _p(record: ClaimRecord, part: PartRecord) -> str:
    if record.blocks_done < FEWEST_BLOCKS:
        return NOTHING
    return "< 0.001" if part.p_holm < 0.001 else f"{part.p_holm:.3f}"


def typeset(text: str) -> str:
    """Numbers as they are printed: a minus sign, a times sign in front of ratios, no e-05."""
    text = re.sub(r"(?<![\w.])(\d(?:\.\d+)?)e([+-]\d+)", _power, text)
    text = re.sub(r"(?<![\w.\N{MINUS SIGN}-])-(?=\.?\d)", MINUS, text)
    return re.sub(r"(?<!\w)x (?=[\d.])", f"{TIMES}\N{NO-BREAK SPACE}", text)


def _power(found: re.Match[str]) -> str:
    """1.9e-02 as 0.019, and what is far smaller or larger by its power of ten."""
    digits, power = found[1], int(found[2])
    if -4 <= power < 0:
        return f"{float(found[0]):.{len(digits.replace('.', '')) - 1 - power}f}"
    return f"{digits}{TIMES}10{str(power).translate(RAISED)}"


def _forest(study: Study, record: ClaimRecord, mark: str, alone: bool) -> dict[str, Any]:
    words = forest.described(record)
    title = "Effects with their 95\N{NO-BREAK SPACE}% intervals"

    def drawing(width: float) -> Any:
        figure = forest.forest(study, record, width, PAGE)
        return _markup(svg(figure, title, f"{mark}-parts-{width:g}-", words))

    return {"title": title, "about": "", "slim": drawing(drawn.COLUMN),
            "broad": drawing(drawn.ACROSS) if alone else "",
            "note": "Shaded: where the claim expects it. Effects of one unit share an axis."}


def _drawn(picture: dict[str, Any]) -> dict[str, Any]:
    return {**picture, "broad": _markup(picture["broad"]), "slim": _markup(picture["slim"])}


def _run(record: ClaimRecord) -> list[tuple[str, str]]:
    """What was run, in names and text."""
    levels = [(name, " · ".join(told(level) for level in found))
              for name, found in record.factors.items()]
    form = {"tour": "short, as in the tour", "long": "long"}.get(record.form, record.form)
    blocks = f"{record.blocks_done}" + ("" if record.blocks_done == record.blocks
                                        else f" of {record.blocks}")
    return [
        *((f"levels of {name}", text) for name, text in levels),
        ("blocks", f"{blocks}, each with its own seeds"), ("form", form),
        ("trainings", f"{len(record.runs):,}"),
        ("took", f"{_seconds(record.seconds)} of processor time"),
    ]


def _facts(records: Sequence[ClaimRecord]) -> list[tuple[str, str]]:
    return [
        ("trainings", f"{sum(len(record.runs) for record in records):,}"),
        ("took", f"{_seconds(sum(record.seconds for record in records))} of processor time"),
        ("evenly", __version__), ("Python", platform.python_version()),
    ]


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds / 60:.1f} min"


def _markup(text: str) -> Any:
    from markupsafe import Markup

    return Markup(text)
