"""What a table must have to be fitted, told before any work is done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from .values import CLASS_LOSSES, LOSSES

if TYPE_CHECKING:
    from evenly.reading.table import Read


def target_of(read: Read, asked: str | None) -> str:
    """The column to predict.

    Raises:
        UsageError: none was named, there is none of that name, or several.
    """
    from evenly.tables.asked import MIN_ROWS
    from evenly.tables.rules import nearest_names

    names = read.frame.columns
    if read.example is not None and len(read.example) > 1:
        raise click.UsageError(
            f"{read.name}: expects x of shape (rows, features), got examples of shape "
            f"{read.example}: reshape x"
        )
    if asked is None and read.inputs is not None:
        asked = "y"
        if asked not in names:
            arrays = dict.fromkeys(name.rstrip("0123456789") if name in read.inputs else name
                                   for name in names)
            raise click.UsageError(f"{read.name}: there is no array 'y': say --target NAME: it "
                                   f"holds {', '.join(arrays)}")
    if asked is None:
        shown = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
        raise click.UsageError(f"{read.name}: which column is to be predicted? Say --target NAME: "
                               f"the columns are {shown}")
    if asked in read.repeated:
        raise click.UsageError(f"{read.name}: several columns are named '{asked}': rename them")
    if asked not in names:
        raise click.UsageError(f"{read.name}: there is no column '{asked}': "
                               f"{nearest_names(asked, names)}")
    if not read.frame.height:
        raise click.UsageError(f"{read.name}: the table is empty: expects at least {MIN_ROWS} rows")
    if len(names) == 1:
        raise click.UsageError(f"{read.name}: no input columns beside the target: add some")
    return asked


def check_settings(
    settings: Mapping[str, Any], target: str, task: str, of_numbers: tuple[str, ...],
    of_classes: tuple[str, ...],
) -> None:
    """Raises UsageError for an option that is for the other task."""
    is_classes = task == "classification"
    for name in of_numbers if is_classes else of_classes:
        if name in settings:
            expects, has, other = ("numbers", "classes", "regression") if is_classes else (
                "classes", "numbers", "classification")
            raise click.UsageError(
                f"--{name.replace('_', '-')}: expects {expects}, '{target}' is {has}: leave it "
                f"out, or say --task {other}"
            )


def check_losses(loss: str | None, target: str, task: str) -> None:
    """Raises UsageError for a loss that is for the other task."""
    own, other = (CLASS_LOSSES, LOSSES) if task == "classification" else (LOSSES, CLASS_LOSSES)
    if loss in other:
        has, expects = ("classes", "numbers") if own is CLASS_LOSSES else ("numbers", "classes")
        raise click.UsageError(f"--loss: {loss} expects {expects}, '{target}' is {has}: take one "
                               f"of {', '.join(own)}")


def check_groups(read: Read, groups: str | None, target: str) -> None:
    """Raises UsageError where the column of groups cannot be one."""
    from evenly.tables.rules import nearest_names

    if groups is None:
        return
    if groups not in read.frame.columns:
        raise click.UsageError(f"{read.name}: --groups: there is no column '{groups}': "
                               f"{nearest_names(groups, read.frame.columns)}")
    if groups == target:
        raise click.UsageError(f"--groups: '{groups}' is the target: name another column")
