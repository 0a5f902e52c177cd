"""A study's table on the terminal, 80 columns wide at most."""

from __future__ import annotations

import shlex
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from evenly.study.records import StudyRecord, VariantRecord

STYLES = {"helped": "green", "hurt": "red", "diverged": "yellow"}


def show(study: StudyRecord, report: Path) -> None:
    """Print the table, the sentence, what to train, and where the report is."""
    console = Console(highlight=False)
    console.print(_head(study), style="dim")
    console.print(_table(study))
    console.print(_legend(study), style="dim", markup=False)
    for note in study.data.notes:
        console.print(Text(note), style="yellow")
    for note in dict.fromkeys(run.note for run in study.reference_runs if run.note):
        console.print(Text(f"linear: {note}."), style="yellow")
    if study.interrupted:
        console.print(
            f"Stopped early: {len(study.runs)} of {study.runs_asked} runs had finished; "
            "the others are left out.",
            style="yellow",
        )
    if study.seeds == 1:
        console.print("One seed: no intervals.", style="yellow")
    console.print(Text(study.sentence))
    if study.advice:
        console.print(Text(study.advice))
        if study.fit_command:
            for line in folded(study.fit_command):
                console.print(Text(line, style="bold"), soft_wrap=True)
        else:
            console.print(Text("The Python for it is in the report."))
    console.print(Text.assemble("Report: ", (str(report), "bold")), soft_wrap=True)


def folded(command: str, width: int = 80) -> list[str]:
    """A line of the shell in several, so that a copy of them is the same line."""
    lines = ["  "]
    for word in shlex.split(command):
        quoted = shlex.quote(word)
        if lines[-1].strip() and len(lines[-1]) + len(quoted) + 2 > width:
            lines[-1] += " \\"
            lines.append("    ")
        lines[-1] += quoted if not lines[-1].strip() else f" {quoted}"
    return lines


def _head(study: StudyRecord) -> Text:
    data = study.data
    what = f"one of {len(data.classes)} classes" if data.classes else "a number"
    parts = data.parts[:1].lower() + data.parts[1:]
    parts = parts or f"{data.train_rows} rows to train, {data.test_rows} to test"
    return Text(f"{study.net} on {data.name}: '{data.target}', {what}; {parts}")


def _legend(study: StudyRecord) -> str:
    scale = study.scale
    lower = f" Lower {scale.name} is better." if scale.lower_is_better else ""
    references = "".join(f"{line.name}: {line.adds}. " for line in study.references)
    return (
        "plain: a network without normalization and regularization. "
        f"{references}±, [ ]: 95 % intervals over seeds, each by itself. "
        f"vs plain: paired difference{_points(study)}.{lower} "
        "gap: training minus test. ep95: epochs to 95 % of the best "
        f"{study.curve_scale.name}. sec: seconds to train once."
    )


def _table(study: StudyRecord) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("variant", no_wrap=True)
    for title in (_test_title(study), "vs plain", "gap", "ep95", "sec"):
        table.add_column(title, justify="right", no_wrap=True)
    for variant in (*study.references, *study.variants):
        style = "dim" if variant.verdict == "reference" else STYLES.get(variant.verdict, "")
        table.add_row(*_cells(study, variant), style=style)
    return table


def _test_title(study: StudyRecord) -> str:
    scale = study.scale
    if scale.name == "accuracy":
        return f"test {scale.unit}"
    short = {"balanced accuracy": "bal. acc."}.get(scale.name, scale.name)
    return f"{short} {scale.unit}" if scale.unit else short


def _points(study: StudyRecord) -> str:
    return f" in {study.scale.difference_unit}" if study.scale.difference_unit else ""


def _cells(study: StudyRecord, variant: VariantRecord) -> tuple[str, ...]:
    scale = study.scale
    if variant.test is None:
        return (variant.name, "diverged" if variant.diverged else "none done", "", "", "", "")
    return (
        variant.name,
        scale.interval(variant.test),
        scale.difference(variant.difference) if variant.difference else "",
        scale.signed(variant.gap) if variant.gap is not None else "",
        "" if variant.verdict == "reference" else _epochs(variant),
        f"{variant.seconds:.2f}" if variant.seconds is not None else "",
    )


def _epochs(variant: VariantRecord) -> str:
    return "never" if variant.target_epochs is None else f"{variant.target_epochs:g}"
