"""What a training step costs as batch, width and depth grow: ``python -m benchmarks.growth``.

Plain networks of dense layers and ReLU, each size measured as the rows of the bench are. One of
three grows from a middle size, the others stay. The measurements are kept in
``measured/growth.json``; ``--draw`` draws the picture of the documentation from them again: the
smallest samples, which other programs disturb least.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from . import harness, training_step
from .floor import measure_machine
from .nets.stack import CLASSES, Part, Stack
from .peers import PEERS, pin, versions
from .rows import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BUILDERS = {peer: training_step.BUILDERS[peer] for peer in ("evenly", "torch", "jax")}
MEASURED = Path(__file__).parent / "measured" / "growth.json"
PICTURE = harness.ROOT / "docs" / "performance-growth.svg"
INPUTS = 64
# Of each axis: the middle size, and all sizes.
SIZES = {
    "batch": (64, (1, 4, 16, 64, 256, 1024)),
    "width": (128, (16, 32, 128, 512, 2048)),
    "depth": (2, (1, 2, 4, 8, 16)),
}
FLOOR = "products alone"


@dataclass(frozen=True)
class Point:
    """A size: where an axis stands, the others in the middle."""

    axis: str
    at: int

    def net(self) -> Stack:
        size = {axis: middle for axis, (middle, _) in SIZES.items()} | {self.axis: self.at}
        hidden = (Part("dense", size["width"]), Part("relu")) * size["depth"]
        return Stack(f"{self.axis} {self.at}", (INPUTS,), (*hidden, Part("dense", CLASSES)),
                     size["batch"])


def points() -> Iterator[Point]:
    for axis, (_, sizes) in SIZES.items():
        for at in sizes:
            yield Point(axis, at)


ROWS = tuple(Row(f"{p.axis} {p.at}", p.net(), needs=p.net().training_needs()) for p in points())


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10, help="samples a peer and size (10)")
    parser.add_argument("--threads", type=int, default=2, help="of every peer (2)")
    parser.add_argument("--processor-time", action="store_true",
                        help="seconds of the processor; with --threads 1")
    parser.add_argument("--axis", choices=[*SIZES], action="append", help="only this one")
    parser.add_argument("--draw", action="store_true", help="draw what was measured, and stop")
    parser.add_argument("--out", type=Path, default=MEASURED, help="where measurements are kept")
    parser.add_argument("--picture", type=Path, default=PICTURE)
    options = parser.parse_args(arguments)
    if not options.draw:
        if options.processor_time and options.threads > 1:
            parser.error("--processor-time needs --threads 1")
        settings = harness.Settings(options.threads, options.rounds,
                                    processor_time=options.processor_time)
        report = _measured(options.axis or [*SIZES], settings)
        options.out.parent.mkdir(exist_ok=True)
        options.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    report = json.loads(options.out.read_text(encoding="utf-8"))
    options.picture.write_text(draw(report), encoding="utf-8")
    return 0


def _measured(axes: Sequence[str], settings: harness.Settings) -> dict[str, Any]:
    pin(settings.threads)
    here = versions(BUILDERS)
    for peer in BUILDERS:
        if peer not in here:
            print(f"{PEERS[peer].label} is left out: it is not installed.")
    machine = measure_machine(settings.threads)
    found, restless = [], 0
    for point, row in zip(points(), ROWS, strict=True):
        if point.axis not in axes:
            continue
        result = harness.measure("growth", row, [*here], settings, print)
        medians = {peer: median(values) for peer, values in result.samples.items()}
        print(row.name, *(f"{peer} {value:.3g} ms" for peer, value in medians.items()), flush=True)
        restless += any("other programs" in note for note in result.notes)
        samples = {peer: [min(v), median(v), max(v)] for peer, v in result.samples.items()}
        found.append({"axis": point.axis, "at": point.at, "samples": samples,
                      "floor": machine.floor_ms(row.needs) if row.needs else None})
    labels = ", ".join(f"{PEERS[peer].label} {version}" for peer, version in here.items())
    return {"measured": settings.said("smallest"), "versions": labels, "machine": machine.text(),
            "restless": restless, "points": found}


def curves(report: dict[str, Any], axis: str) -> dict[str, list[tuple[int, float]]]:
    """(size, milliseconds) of each peer, and of the floor, along an axis."""
    own = [point for point in report["points"] if point["axis"] == axis]
    lines: dict[str, list[tuple[int, float]]] = {}
    for point in own:
        for peer, (least, _, _) in point["samples"].items():
            lines.setdefault(PEERS[peer].label, []).append((point["at"], least))
        if point["floor"]:
            lines.setdefault(FLOOR, []).append((point["at"], point["floor"]))
    return lines


def draw(report: dict[str, Any]) -> str:
    """The picture of what was measured, as an SVG file."""
    from evenly.report.drawing import MUTED, SERIES, panels

    from .doctor.pictures.standalone import svg_file

    names = list(dict.fromkeys(name for axis in SIZES for name in curves(report, axis)
                               if name != FLOOR))
    colours = dict(zip(names, SERIES, strict=False)) | {FLOOR: MUTED}
    known = [p["floor"] for p in report["points"] if p["floor"]]
    known += [s[0] for p in report["points"] for s in p["samples"].values()]
    limits = min(known) / 1.5, max(known) * 1.5
    words = []
    with panels(1, len(SIZES), 8.4, 3.0) as (figure, rows):
        figure.set_layout_engine("none")
        for place, (axes, axis) in enumerate(zip(rows[0], SIZES, strict=True)):
            axes.set_position((0.08 + 0.31 * place, 0.16, 0.26, 0.66))
            words.append(_panel(axes, axis, curves(report, axis), colours, limits))
        rows[0][0].set_ylabel("ms a step", color=MUTED)
        for place, (name, colour) in enumerate(colours.items()):
            rows[0][0].annotate(name, (0, 1), xytext=(120 * place, 14), xycoords="axes fraction",
                                textcoords="offset points", color=colour, weight="bold")
        return svg_file(figure, "A training step as batch, width and depth grow", " ".join(words))


def _panel(
    axes: Axes, axis: str, lines: dict[str, list[tuple[int, float]]], colours: dict[str, str],
    limits: tuple[float, float],
) -> str:
    """Draws an axis' curves; returns what they show in words."""
    from matplotlib.ticker import FixedLocator

    from evenly.report.drawing import MUTED, bare, plain_log_ticks

    sizes = SIZES[axis][1]
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(sizes[0] / 1.2, sizes[-1] * 1.2)
    axes.set_ylim(*limits)
    for name, line in lines.items():
        style = "--" if name == FLOOR else "-"
        axes.plot(*zip(*line, strict=True), color=colours[name], linewidth=1.8, linestyle=style,
                  marker=None if name == FLOOR else "o", markersize=3.5)
    bare(axes)
    plain_log_ticks(axes.xaxis)
    plain_log_ticks(axes.yaxis)
    axes.xaxis.set_major_locator(FixedLocator(list(sizes)))
    middle = ", ".join(f"{other} {size}" for other, (size, _) in SIZES.items() if other != axis)
    axes.set_xlabel(f"{axis} ({middle})", color=MUTED)
    told = [f"{name} from {line[0][1]:.2g} to {line[-1][1]:.2g} ms" for name, line in lines.items()]
    return f"{axis} from {sizes[0]} to {sizes[-1]}: {', '.join(told)}."


if __name__ == "__main__":
    sys.exit(main())
