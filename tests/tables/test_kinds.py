"""What the columns of awkward files are read as."""

import io

import numpy as np
import polars as pl
import pytest

from evenly.tables import Columns, Reading

from .awkward import FILES


def frame_of(file):
    text = file.text.encode()
    return pl.read_csv(io.BytesIO(text), separator=file.sep, infer_schema=False)


def plain(values):
    """Values as numbers, strings of dates, or words; None for a gap of a date or a word."""
    if isinstance(values, pl.Series):
        return values.to_list()
    if values.dtype.kind == "M":
        return [None if np.isnat(value) else value for value in values]
    return values.tolist()


def same(got, expected):
    if isinstance(got, np.datetime64):
        return got == np.datetime64(expected)
    return got == expected or (got != got and expected != expected)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_an_awkward_file(file):
    frame = frame_of(file)
    columns = Columns.decide(frame, file.target, Reading(**file.reading))
    kinds = [column.kind.type + "-" * bool(column.left_out) for column in columns.columns]
    assert kinds == file.kinds.split(), [column.reason for column in columns.columns]
    for name, expected in file.values.items():
        column = next(column for column in columns.columns if column.name == name)
        read = column.kind.read(frame[name])
        assert not read.unread.any()
        got = plain(read.values)[: len(expected)]
        assert all(map(same, got, expected)), got
    lines = "\n".join(columns.notes)
    for part in file.says:
        assert part in lines, lines
    if file.silent:
        assert not lines
