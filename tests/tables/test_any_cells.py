"""No cells and no types break the reading: what cannot be used is a DataError."""

import datetime
import random
from decimal import Decimal

import numpy as np
import polars as pl
import pytest

from evenly.errors import DataError
from evenly.tables import Columns, Reading, task_of
from tests.seeds import many

from .awkward import FILES
from .test_kinds import frame_of

CELLS = sorted({cell for file in FILES for column in frame_of(file).iter_columns()
                for cell in column.drop_nulls().to_list()})
TYPES = [
    pl.Series([1, 2, None, 4], dtype=pl.Int8), pl.Series([1, 2, None, 4], dtype=pl.UInt64),
    pl.Series([1.5, None, float("nan"), 4], dtype=pl.Float32),
    pl.Series([True, None, False, True]), pl.Series(["a", None, "b", "a"], dtype=pl.Categorical),
    pl.Series(["1,5", None, "2,5", "3"], dtype=pl.Categorical),
    pl.Series(["a", None, "b", "a"], dtype=pl.Enum(["a", "b"])),
    pl.Series([Decimal("1.50"), None, Decimal("2.25"), Decimal("3.10")]),
    pl.Series([datetime.date(2024, 1, 31), None, datetime.date(2024, 2, 1), None]),
    pl.Series([datetime.datetime(2024, 1, 31, 12), None, datetime.datetime(2024, 2, 1), None],
              dtype=pl.Datetime("ns", "Europe/Berlin")),
    pl.Series([datetime.datetime(2024, 1, 31, 12), None, None, None], dtype=pl.Datetime("ms")),
    pl.Series([datetime.time(14, 30), None, datetime.time(8), None]),
    pl.Series([datetime.timedelta(hours=36), None, datetime.timedelta(1), None]),
    pl.Series([None] * 4), pl.Series([None] * 4, dtype=pl.String),
]
PARTS = [CELLS[i::9] for i in range(9)] + [
    [cell for column in frame_of(file).iter_columns() for cell in column.head(5)]
    for file in FILES[::4]]
KINDS = ["number", "number", "number", "boolean", "category", "number", "category", "number",
         "date", "date", "date", "date", "number", "nothing", "nothing"]


def some(count, whole):
    """The first seeds; a sweep goes on."""
    return [pytest.param(seed, marks=[pytest.mark.sweep] * (seed >= count))
            for seed in many(whole)]


@pytest.mark.parametrize("seed", some(6, 40))
def test_any_cells(seed):
    """Cells of all files, mixed: decided, and what was decided reads the rows that decided it."""
    choice = random.Random(seed)
    rows = choice.choice([1, 2, 5, 30])
    table = {}
    for i in range(12):
        some = choice.sample(CELLS, choice.choice([1, 2, 5]))
        table[f"v{i}"] = [choice.choice([*some, None]) for _ in range(rows)]
    frame = pl.DataFrame(table, schema=dict.fromkeys(table, pl.String))
    columns = Columns.decide(frame, "v0")
    assert columns.notes is not None
    said = ""
    try:
        values, notes = columns.values(frame)
    except DataError as error:
        said = str(error)
    if said:
        assert "infinity" in said
        return
    assert notes == []
    for column in columns.inputs:
        got = values[column.name]
        missing = got.null_count() if isinstance(got, pl.Series) else int((got != got).sum())
        assert missing == column.missing
    task_of(columns.target, columns.target.kind.read(frame["v0"]).values)


@pytest.mark.parametrize("seed", some(4, 20))
def test_any_new_cells(seed):
    """What was decided by some cells reads others, or names the column."""
    choice = random.Random(seed)
    frames = []
    for rows in (12, 7):
        frames.append(pl.DataFrame({f"v{i}": [choice.choice([*part, None]) for _ in range(rows)]
                                    for i, part in enumerate(PARTS)}))
    columns = Columns.decide(frames[0])
    for column in columns.inputs:
        alone = Columns((column,), None, 12)
        said = ""
        try:
            got = alone.values(frames[1].select(column.name))[0][column.name]
        except DataError as error:
            said = str(error)
        if said:
            assert f"column '{column.name}': was" in said or "infinity" in said
        else:
            assert len(got) == 7


@pytest.mark.parametrize("asked", ["number", "boolean", "date", "category", "text"])
@pytest.mark.parametrize("column", TYPES, ids=lambda value: str(value.dtype))
def test_any_type_asked_for(column, asked):
    frame = pl.DataFrame({"v": column, "w": [1.5, 2.5, 0.5, 7.5]})
    said = ""
    try:
        columns = Columns.decide(frame, reading=Reading(types={"v": asked}, keep=("v",)))
    except DataError as error:
        said = str(error)
    if said:
        assert f"column 'v': cannot be read as {asked}" in said
        return
    assert columns.columns[0].kind.type == asked
    if not columns.columns[0].left_out:
        columns.values(frame)


@pytest.mark.parametrize(("column", "kind"), list(zip(TYPES, KINDS, strict=True)),
                         ids=lambda value: str(getattr(value, "dtype", value)))
def test_any_type(column, kind):
    frame = pl.DataFrame({"v": column, "w": [1.5, 2.5, 0.5, 7.5]})
    columns = Columns.decide(frame, reading=Reading(keep=("v",)))
    assert columns.columns[0].kind.type == kind
    gaps = column.fill_nan(None) if column.dtype.is_float() else column
    assert columns.columns[0].missing == gaps.null_count()
    values, notes = columns.values(frame)
    assert notes == []
    if kind == "date" or isinstance(column.dtype, pl.Duration):
        return
    as_text = frame.with_columns(pl.col("v").cast(pl.String))
    again, _ = columns.values(as_text)
    for name, got in values.items():
        other = again[name]
        assert got.to_list() == other.to_list() if isinstance(got, pl.Series) else (
            np.array_equal(got, other, equal_nan=True))


@pytest.mark.parametrize("cells", [
    [[1], [2]], [{"a": 1}, {"a": 2}], [b"a", b"b"], [object(), object()],
])
def test_types_that_are_no_columns(cells):
    frame = pl.DataFrame({"v": cells}, strict=False)
    with pytest.raises(DataError, match="column 'v': holds"):
        Columns.decide(frame)
