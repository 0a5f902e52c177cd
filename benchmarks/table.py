"""Results as Markdown and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from .goals import reason
from .peers import PEERS
from .rows import OURS, Result


def markdown(title: str, results: Sequence[Result], brief: bool = False) -> str:
    """A table: medians, the ratio to the fastest peer, the goals, the floor; below it why a goal is
    missed.

    Arguments:
        title: above it.
        results: its rows.
        brief: for a page: without smallest and largest samples, and without the reasons.
    """
    columns = [OURS] + [
        peer for peer in PEERS
        if peer != OURS and any(
            peer in r.samples or (peer in r.absent and not brief) for r in results)
    ]
    head = ["row", "unit", *(PEERS[peer].label for peer in columns)]
    head += ["ratio to the fastest", "wanted", "floor", "times the floor"]
    lines = [_line(head), _line(["---"] * len(head))]
    for result in results:
        row = result.row
        cells = [row.name, row.unit, *(_cell(result, peer, brief) for peer in columns)]
        cells += [_ratio(result), _goals(result), *_floor(result)]
        lines.append(_line(cells))
    if not brief:
        lines += ["", *(f"- {line}" for line in why(results))]
    return "\n".join([f"### {title}", "", *lines, ""])


def short(title: str, results: Sequence[Result]) -> str:
    """A table for a page that has the peers' own figures elsewhere: Evenly's median, the
    ratio to the fastest peer, the goals, and times the floor."""
    head = ["row", "unit", "Evenly", "ratio to the fastest", "wanted", "times the floor"]
    lines = [_line(head), _line(["---"] * len(head))]
    for result in results:
        row = result.row
        lines.append(_line([row.name, row.unit, _cell(result, OURS, brief=True), _ratio(result),
                            _goals(result), _floor(result)[1]]))
    return "\n".join([f"### {title}", "", *lines, ""])


def why(results: Sequence[Result]) -> list[str]:
    """A line for each row that misses a goal: the goals, and the reason."""
    lines = []
    for result in results:
        if missed := [goal for goal in result.row.goals if goal.met(result) is False]:
            texts = " and ".join(goal.text(result.row.unit) for goal in missed)
            said = reason(result.row.name) or "the reason is not known yet."
            name = result.row.name.partition(":")[0]
            lines.append(f"**{name}** misses {texts}: {said}")
    return lines


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _cell(result: Result, peer: str, brief: bool) -> str:
    values = result.samples.get(peer, ())
    if not values:
        return "not installed" if peer in result.absent else "-"
    text = _number(median(values))
    if peer == OURS and brief:
        text = f"**{text}**"
    if peer in result.scores:
        text += f" at {result.scores[peer]:.3f}"
    if brief or len(values) == 1:
        return text
    return f"{text} ({_number(min(values))} to {_number(max(values))})"


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _ratio(result: Result) -> str:
    peer = result.fastest()
    times = result.times_faster(peer)
    if peer is None or times is None:
        return "-"
    return f"{times:.2f} x {PEERS[peer].label}"


def _goals(result: Result) -> str:
    """What is wanted; "(no)" behind what is missed."""
    marks = {True: "", False: " (no)", None: " (not measured)" if result.samples else ""}
    texts = [goal.text(result.row.unit) + marks[goal.met(result)] for goal in result.row.goals]
    return "; ".join(texts) or "-"


def _floor(result: Result) -> tuple[str, str]:
    if result.floor is None:
        return "-", "-"
    ours = result.median(OURS)
    return _number(result.floor), "-" if ours is None else f"{ours / result.floor:.2f}"


def as_json(title: str, results: Sequence[Result]) -> list[dict[str, Any]]:
    """Every sample, for whoever wants to look closer."""
    return [
        {
            "subject": title,
            "row": result.row.name,
            "unit": result.row.unit,
            "samples": {peer: list(values) for peer, values in result.samples.items()},
            "medians": {peer: median(values) for peer, values in result.samples.items()},
            "scores": dict(result.scores),
            "absent": list(result.absent),
            "fastest": result.fastest(),
            "ratio": result.times_faster(result.fastest()),
            "ratio_of_minima": _ratio_of_minima(result),
            "floor": result.floor,
            "times_the_floor": _times_the_floor(result),
            "goals": [
                {"text": goal.text(result.row.unit), "met": goal.met(result)}
                for goal in result.row.goals
            ],
            "reason": reason(result.row.name),
            "notes": list(result.notes),
        }
        for result in results
    ]


def _times_the_floor(result: Result) -> float | None:
    ours = result.median(OURS)
    return ours / result.floor if ours and result.floor else None


def _ratio_of_minima(result: Result) -> float | None:
    """As the ratio, from the quietest round of each: it shows whether noise made the ratio."""
    least = {peer: min(result.samples[peer]) for peer in result.others()}
    ours = min(result.samples.get(OURS, ()), default=None)
    return min(least.values()) / ours if ours and least else None
