"""A study's table on the terminal, 80 columns wide at most."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from evenly.study.records import StudyRecord, VariantRecord

STYLES = {"helped": "green", "hurt": "red", "diverged": "yellow"}


def show(study: StudyRecord, report: Path) -> None:
    """Print the table, the sentence, and where the report is."""
    console = Console(highlight=False)
    console.print(_head(study), style="dim")
    console.print(_table(study))
    console.print(
        f"±, [ ]: 95 % intervals over seeds. vs plain: paired difference{_points(study)}. "
        "gap: training minus test. ep95: epochs to 95 % of the best score. "
        "sec: seconds to train once.",
        style="dim",
        markup=False,
    )
    if study.interrupted:
        console.print(
            f"Stopped early: {len(study.runs)} of {study.runs_asked} runs had finished; "
            "the others are left out.",
            style="yellow",
        )
    if study.seeds == 1:
        console.print("One seed: no intervals.", style="yellow")
    console.print(Text(study.sentence))
    console.print(Text.assemble("Report: ", (str(report), "bold")), soft_wrap=True)


def _head(study: StudyRecord) -> Text:
    data = study.data
    what = f"one of {len(data.classes)} classes" if data.classes else "a number"
    return Text(
        f"{study.net} on {data.name}: '{data.target}', {what}; "
        f"{data.train_rows} rows to train, {data.test_rows} to test"
    )


def _table(study: StudyRecord) -> Table:
    scale = study.scale
    unit = f" {scale.unit}" if scale.unit else ""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("variant", no_wrap=True)
    for title in (f"test{unit}" if unit else scale.name, "vs plain", "gap", "ep95", "sec"):
        table.add_column(title, justify="right", no_wrap=True)
    for variant in study.variants:
        style = STYLES.get(variant.verdict, "")
        table.add_row(*_cells(study, variant), style=style)
    return table


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
        _epochs(variant),
        f"{variant.seconds:.2f}" if variant.seconds is not None else "",
    )


def _epochs(variant: VariantRecord) -> str:
    return "never" if variant.target_epochs is None else f"{variant.target_epochs:g}"
