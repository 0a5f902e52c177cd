"""Results as Markdown and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from .peers import PEERS
from .rows import OURS, Result


def markdown(title: str, results: Sequence[Result]) -> str:
    """A table: medians with (smallest to largest sample), the ratio, the goals, the floor."""
    columns = [OURS] + [
        peer for peer in PEERS
        if peer != OURS and any(peer in result.samples for result in results)
    ]
    head = ["row", *(PEERS[peer].label for peer in columns)]
    head += ["ratio to the fastest", "wanted", "floor", "times the floor"]
    lines = [_line(head), _line(["---"] * len(head))]
    for result in results:
        row = result.row
        cells = [f"{row.name} [{row.unit}]"]
        cells += [_samples(result.samples.get(peer, ())) for peer in columns]
        cells += [_ratio(result), _goals(result), *_floor(result)]
        lines.append(_line(cells))
    return "\n".join([f"### {title}", "", *lines, ""])


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _samples(values: Sequence[float]) -> str:
    if not values:
        return "-"
    if len(values) == 1:
        return _number(values[0])
    return f"{_number(median(values))} ({_number(min(values))} to {_number(max(values))})"


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _ratio(result: Result) -> str:
    peer = result.fastest()
    times = result.times_faster(peer)
    if peer is None or times is None:
        return "-"
    return f"{times:.2f} x {PEERS[peer].label}"


def _goals(result: Result) -> str:
    texts = []
    for goal in result.row.goals:
        met = goal.met(result)
        said = {True: "reached", False: "missed", None: "not measured"}[met]
        texts.append(f"{goal.text(result.row.unit)}: {said}")
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
            "fastest": result.fastest(),
            "ratio": result.times_faster(result.fastest()),
            "ratio_of_minima": _ratio_of_minima(result),
            "floor": result.floor,
            "goals": [
                {"text": goal.text(result.row.unit), "met": goal.met(result)}
                for goal in result.row.goals
            ],
            "notes": list(result.notes),
        }
        for result in results
    ]


def _ratio_of_minima(result: Result) -> float | None:
    """As the ratio, from the quietest round of each: it shows whether noise made the ratio."""
    least = {
        peer: min(values) for peer, values in result.samples.items()
        if peer not in result.row.not_ranked
    }
    ours = least.pop(OURS, None)
    return min(least.values()) / ours if ours and least else None
