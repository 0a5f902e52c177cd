"""Folders of Parquet larger than memory: as rows of a training, sampled, surveyed."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest

import evenly as ev
from evenly.errors import DataError
from evenly.reading.parts import files_of
from evenly.reading.streamed import sampled, streamed
from evenly.reading.surveys import surveyed

NET = ev.Sequential([ev.Dense(4), ev.ReLU(), ev.Dense(2)])
LOSS = ev.SoftmaxCrossEntropy()
ROWS = 203


def table(rows=ROWS):
    rng = np.random.default_rng(0)
    return pl.DataFrame({
        "a": rng.standard_normal(rows), "kind": rng.choice(["u", "v", "w"], rows),
        "y": rng.integers(0, 2, rows), "number": np.arange(rows),
    })


def parted(folder, frame, sizes, group=50):
    """A table as files of so many rows."""
    start = 0
    for i, size in enumerate(sizes):
        pq.write_table(frame[start : start + size].to_arrow(), folder / f"{i:02d}.parquet",
                       row_group_size=group)
        start += size
    return folder


def encode(frame):
    x = frame.select("a", *(pl.col("kind").eq(word).alias(word) for word in "uvw"))
    return x.cast(pl.Float64).to_numpy(), frame["y"].to_numpy()


def weights(model):
    return {name: array.copy() for name, array in model.weights.items()}


def same(one, other):
    return all(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("sizes", [(ROWS,), (1, 100, 0, 102), (70, 70, 63)])
def test_a_folder_trains_as_its_rows_do(tmp_path, sizes):
    folder = parted(tmp_path, table(), sizes, 30)
    settings = {"loss": LOSS, "epochs": 3, "batch": 20, "shuffle": False}
    model = ev.fit(NET, *encode(table()), **settings)
    source = streamed(folder, encode, ["y", "kind", "a"])
    own = ev.fit(NET, source, **settings)
    assert same(weights(own), weights(model))
    assert np.array_equal(own.predict(source), model.predict(encode(table())[0]))
    assert own.evaluate(source).loss == pytest.approx(model.evaluate(*encode(table())).loss)


class Failing:
    """Encodes, until the disk is gone."""

    def __init__(self, calls):
        self.calls = calls

    def __call__(self, frame):
        self.calls -= 1
        if self.calls < 0:
            raise OSError("the disk is gone")
        return encode(frame)


def test_a_training_goes_on_from_its_checkpoint(tmp_path):
    (tmp_path / "rows").mkdir()
    folder = parted(tmp_path / "rows", table(), (70, 70, 63))
    settings = {"loss": LOSS, "batch": 20, "shuffle_buffer": 64, "seed": 3, "epochs": 4}
    whole = ev.fit(NET, streamed(folder, encode), **settings)
    at = {"checkpoint": ev.Checkpoint(tmp_path / "c", steps=3), "resume": True}
    # Once for the shape, three times an epoch, and once more for what the checkpoint is of.
    with pytest.raises(OSError, match="the disk is gone"):
        ev.fit(NET, streamed(folder, Failing(9), told="u v w"), **at, **settings)
    written = sorted(path.name for path in (tmp_path / "c").glob("checkpoint-*"))
    assert written
    assert written[-1] != f"checkpoint-{whole.history[-1].steps * 4:010d}.evenly"
    with pytest.raises(ev.errors.EvenlyError, match="data was"):
        ev.fit(NET, streamed(folder, Failing(99), told="w v u"), **at, **settings)
    own = ev.fit(NET, streamed(folder, Failing(99), told="u v w"), **at, **settings)
    assert same(weights(own), weights(whole))


def test_rows_of_weight_zero_and_rows_to_predict(tmp_path):
    folder = parted(tmp_path, table(), (100, 103))
    x, y = encode(table())
    own = (table()["number"].to_numpy() % 3 > 0).astype(float)
    settings = {"loss": LOSS, "epochs": 2, "batch": 20, "shuffle": False}
    source = streamed(folder, lambda f: (*encode(f), (f["number"].to_numpy() % 3 > 0) * 1.0))
    model = ev.fit(NET, source, **settings)
    assert same(weights(model), weights(ev.fit(NET, x[own > 0], y[own > 0], **settings)))
    bare = streamed(folder, lambda frame: (encode(frame)[0], None))
    assert np.array_equal(model.predict(bare), model.predict(x))


@pytest.mark.parametrize(("encoded", "words"), [
    (lambda f: (np.where(f["number"].to_numpy()[:, None] == 150, np.nan, 1.0), f["y"].to_numpy()),
     r"01\.parquet: encode gives NaN or infinity for row 50"),
    (lambda f: encode(f)[0], r"rows 0 to 63: encode must give \(x, y\) or \(x, y, weights\)"),
    (lambda f: (encode(f)[0][1:], None), r"encode must give x of shape \(64, features...\), got"),
    (lambda f: (f.select("kind").to_numpy(), None), "encode must give numbers, got "),
    (lambda f: (encode(f)[0], np.zeros(3)), r"encode must give y for 64 rows, got shape \(3,\)"),
])
def test_what_an_encoding_must_give(tmp_path, encoded, words):
    folder = parted(tmp_path, table(), (100, 103), 64)
    with pytest.raises(DataError, match=words):
        ev.fit(NET, streamed(folder, encoded), loss=LOSS, epochs=1)


def test_an_encodings_error_says_where(tmp_path):
    def refuses(frame):
        if frame["number"][-1] > 150:
            raise DataError("column 'kind': was words")
        return encode(frame)

    folder = parted(tmp_path, table(), (100, 103), 40)
    with pytest.raises(DataError, match=r"01\.parquet, rows \d+ to 1\d\d: column 'kind': was wo"):
        ev.fit(NET, streamed(folder, refuses), loss=LOSS, epochs=1)


def test_a_sample_is_of_all_rows_alike(tmp_path):
    counts = np.zeros(ROWS)
    folder = parted(tmp_path, table(), (3, 100, 0, 100), 20)
    for seed in range(100):
        numbers = sampled(folder, 40, seed, ["number"])["number"].to_numpy()
        assert len(set(numbers)) == 40
        assert (np.diff(numbers) > 0).all()
        counts[numbers] += 1
    expected = 100 * 40 / ROWS
    deviation = np.sqrt(expected * (1 - 40 / ROWS))
    assert np.abs(counts - expected).max() < 4.5 * deviation


def test_a_sample_depends_on_seed_and_rows_alone(tmp_path):
    for name in ("one", "many"):
        (tmp_path / name).mkdir()
    one = parted(tmp_path / "one", table(), (ROWS,))
    many = parted(tmp_path / "many", table(), (50, 50, 103), 7)
    assert sampled(one, 30, 1).equals(sampled(many, 30, 1))
    assert not sampled(one, 30, 1).equals(sampled(one, 30, 2))
    assert sampled(one, 1000, 1).equals(table())
    with pytest.raises(DataError, match="has no column 'z'; there are: a, kind, y, number"):
        sampled(one, 5, 0, ["z"])
    with pytest.raises(DataError, match="rows must be at least 1, got 0"):
        sampled(one, 0, 0)


def test_a_survey_is_of_all_rows(tmp_path):
    frame = table().with_columns(
        a=pl.when(pl.col("number") % 10 == 0).then(None).otherwise(pl.col("a")),
        kind=pl.when(pl.col("number") == 120).then(pl.lit("?")).otherwise(pl.col("kind")),
        none=pl.lit(None), day=pl.date(2024, 1, 1) + pl.duration(days=pl.col("number") % 5),
    )
    folder = parted(tmp_path, frame, (100, 103), 7)
    survey = surveyed(folder, lambda f: {"kind": ~f["kind"].is_in(["u", "v"]), "y": f["y"] > 1},
                      limit=100)
    assert survey.rows == ROWS
    for name, found in survey.columns.items():
        column = frame[name]
        distinct = column.drop_nulls().n_unique()
        assert found.missing == column.null_count()
        assert (found.minimum, found.maximum) == (column.min(), column.max())
        assert found.distinct == (distinct if distinct <= 100 else None)
        assert found.type == str(column.dtype)
    odd = np.flatnonzero(~frame["kind"].is_in(["u", "v"]).to_numpy())
    assert set(survey.misfits) == {"kind"}
    misfit = survey.misfits["kind"]
    first = frame["kind"][int(odd[0])]
    assert (misfit.count, misfit.row, misfit.value) == (len(odd), odd[0], first)
    assert str(misfit).startswith(f"{folder}/00.parquet, row {odd[0]}: column 'kind': 'w', and in ")
    first = surveyed(folder, lambda f: {"kind": f["kind"] == "?"}).misfits["kind"]
    assert str(first) == f"{folder}/01.parquet, row 20: column 'kind': '?'"


def test_types_of_numbers_may_differ_among_files(tmp_path):
    pl.DataFrame({"n": [1, None]}).write_parquet(tmp_path / "0.parquet")
    pl.DataFrame({"n": [1.5, float("nan")]}).write_parquet(tmp_path / "1.parquet")
    found = surveyed(tmp_path).columns["n"]
    assert (found.type, found.missing, found.minimum, found.maximum, found.distinct) == (
        "Float64", 2, 1, 1.5, 2)
    assert sampled(tmp_path, 9, 0)["n"].to_list()[:3] == [1.0, None, 1.5]


@pytest.mark.parametrize(("second", "words"), [
    ({"a": [1], "c": [2]}, r"1\.parquet: lacks 'b' and has 'c', unlike .*0\.parquet: files that"),
    ({"a": ["x"], "b": [1]}, r"1\.parquet: column 'a' holds .*string.*, and that of .* int64"),
])
def test_files_that_are_not_alike(tmp_path, second, words):
    pl.DataFrame({"a": [1], "b": [2]}).write_parquet(tmp_path / "0.parquet")
    pl.DataFrame(second).write_parquet(tmp_path / "1.parquet")
    for act in (surveyed, files_of, lambda path: sampled(path, 2, 0),
                lambda path: streamed(path, encode)):
        with pytest.raises(DataError, match=words):
            act(tmp_path)


def test_folders_that_do_not_do(tmp_path):
    with pytest.raises(DataError, match=r"the folder holds no \*\.parquet"):
        files_of(tmp_path)
    with pytest.raises(DataError, match="gone: no such file: name Parquet files"):
        files_of(tmp_path / "gone")
    (tmp_path / "t.parquet").write_text("a,b\n")
    with pytest.raises(DataError, match="is no Parquet file"):
        files_of(tmp_path)
    pl.DataFrame({"a": []}).write_parquet(tmp_path / "t.parquet")
    with pytest.raises(DataError, match="no rows: expects at least one"):
        files_of([tmp_path / "t.parquet"])


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in kilobytes on Linux")
def test_a_folder_is_never_in_memory_whole(tmp_path):
    """Twenty files of 200 MB together, in a fifth of that."""
    rng = np.random.default_rng(0)
    for name, files in (("small", 1), ("large", 20)):
        (tmp_path / name).mkdir()
        for i in range(files):
            numbers = rng.standard_normal((20_000, 60))
            frame = pl.DataFrame({f"c{j}": numbers[:, j] for j in range(60)} | {"y": numbers[:, 0]})
            frame.write_parquet(tmp_path / name / f"{i}.parquet", compression="uncompressed",
                                row_group_size=5000)
    size = sum(path.stat().st_size for path in (tmp_path / "large").iterdir())
    output = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("streamed_child.py")),
         str(tmp_path / "small"), str(tmp_path / "large")],
        check=True, text=True, stdout=subprocess.PIPE,
    ).stdout
    told = json.loads(output)
    assert told["told"] == [1563, 400_000, 500]
    assert size > 190e6
    assert told["kilobytes"] * 1024 < size / 5, told
