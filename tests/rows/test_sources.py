"""Tables of Arrow, Dask and Ray, folders that say columns, and stores of fsspec: the same rows."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import evenly as ev
from evenly.errors import ConfigurationError, DataError

pa = pytest.importorskip("pyarrow", reason="needs pyarrow")
pq = pytest.importorskip("pyarrow.parquet", reason="needs pyarrow")

ROWS = 230
X = np.random.default_rng(0).standard_normal((ROWS, 3))
Y = (X.sum(axis=1) > 0).astype(np.int64)
COLUMNS = {"a": X[:, 0], "b": X[:, 1], "c": X[:, 2], "y": Y}
TABLE = pa.table(COLUMNS)
NET = ev.Sequential([ev.Dense(4), ev.ReLU(), ev.Dense(2)])


def trained(x, y=None, **changes):
    return ev.fit(NET, x, y, **{"loss": ev.SoftmaxCrossEntropy(), "epochs": 2, "batch": 20,
                                "seed": 3, "shuffle_buffer": 60, **changes})


def same(one, other):
    for name, array in one.weights.items():
        np.testing.assert_array_equal(array, other.weights[name])


@pytest.fixture(scope="module")
def plain():
    """Trained on the same rows through Batches."""
    return trained(ev.Batches([(X, Y)]))


class Chunk:
    """As Arrow Flight hands it out: a batch with metadata beside it."""

    def __init__(self, data):
        self.data, self.app_metadata = data, None


SOURCES = {
    "a table": lambda: TABLE,
    "parts of a table": lambda: pa.concat_tables([TABLE.slice(0, 7), TABLE.slice(7)]),
    "a list": lambda: TABLE.to_batches(max_chunksize=33),
    "a reader's function": lambda: lambda: pa.RecordBatchReader.from_batches(
        TABLE.schema, TABLE.to_batches(max_chunksize=50)),
    "a generator function": lambda: lambda: iter(TABLE.to_batches(max_chunksize=1)),
    "flight": lambda: lambda: (Chunk(batch) for batch in TABLE.to_batches(max_chunksize=90)),
}


@pytest.mark.parametrize("name", SOURCES)
def test_arrow_gives_the_same_rows_however_they_are_cut(name, plain):
    same(trained(ev.ArrowRows(SOURCES[name](), target="y")), plain)


def test_a_reader_of_arrow_flight(plain):
    flight = pytest.importorskip("pyarrow.flight", reason="needs Arrow Flight in pyarrow")

    class Server(flight.FlightServerBase):
        def do_get(self, context, ticket):
            return flight.RecordBatchStream(TABLE)

    with Server("grpc://127.0.0.1:0") as server, \
            flight.connect(f"grpc://127.0.0.1:{server.port}") as client:
        rows = ev.ArrowRows(lambda: client.do_get(flight.Ticket(b"rows")), target="y")
        same(trained(rows), plain)


@pytest.mark.parametrize("partitions", [1, 3, 7])
def test_dask_gives_the_same_rows_however_many_partitions_and_workers(partitions, plain):
    dask = pytest.importorskip("dask", reason="needs dask")
    frames = pytest.importorskip("dask.dataframe", reason="needs dask.dataframe")
    arrays = pytest.importorskip("dask.array", reason="needs dask.array")
    frame = frames.from_pandas(TABLE.to_pandas(), npartitions=partitions)
    for workers in (1, 4):
        with dask.config.set(scheduler="threads", num_workers=workers):
            same(trained(frame, "y"), plain)
    same(trained(frame[["a", "b", "c"]], frame["y"]), plain)
    size = -(-ROWS // partitions)
    x, y = arrays.from_array(X, chunks=(size, 2)), arrays.from_array(Y, chunks=50)
    same(trained(x, y), plain)
    same(trained(x, Y), plain)


def test_what_dask_cannot_say_is_one_line():
    frames = pytest.importorskip("dask.dataframe", reason="needs dask.dataframe")
    frame = frames.from_pandas(TABLE.to_pandas(), npartitions=2)
    with pytest.raises(ConfigurationError, match=r"call x\.compute_chunk_sizes"):
        trained(frame[["a"]].to_dask_array(), frame["y"].to_dask_array())
    with pytest.raises(ConfigurationError, match="must both be arrays of Dask"):
        trained(frame[["a"]], frame["y"].to_dask_array(lengths=True))
    with pytest.raises(ConfigurationError, match="same partitions"):
        trained(frame[["a"]], frame["y"].repartition(npartitions=1))
    with pytest.raises(ConfigurationError, match="y must be given"):
        trained(frame[["a"]].to_dask_array(lengths=True))
    with pytest.raises(DataError, match=r"ArrowRows: batch 0 has no column 'z'; there are: a, b"):
        trained(frame, "z")


RAY = """
import ray
import evenly as ev
from tests.rows.test_sources import TABLE, trained
ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
ray.data.DataContext.get_current().enable_progress_bars = False
model = trained(ray.data.from_arrow([TABLE.slice(0, 100), TABLE.slice(100)]), "y")
ev.save("ray.evenly", model)
ray.shutdown()
"""


@pytest.mark.sweep
def test_ray_gives_the_same_rows(plain, tmp_path):
    pytest.importorskip("ray.data", reason="needs ray[data]")
    root = str(Path(__file__).resolve().parents[2])
    # In a program of its own: Ray leaves sockets and warnings behind.
    subprocess.run([sys.executable, "-c", RAY], cwd=tmp_path, check=True, timeout=120,
                   env=os.environ | {"RAY_AUTH_MODE": "disabled", "PYTHONPATH": os.pathsep.join(
                       [root, *sys.path])})
    same(ev.load(tmp_path / "ray.evenly"), plain)


def once(*_):
    return iter(TABLE.to_batches())


@pytest.mark.parametrize(("source", "error", "says"), [
    (once(), ConfigurationError, "can be read only once, and every epoch reads anew"),
    (pa.RecordBatchReader.from_batches(TABLE.schema, []), ConfigurationError, "only once"),
    (3, ConfigurationError, "must give record batches, got int"),
    ([(X, Y)], DataError, "item 0: expects a pyarrow.RecordBatch, got tuple"),
    ([], DataError, "no batches"),
    (pa.table({"a": ["x"], "y": [1]}), DataError, "column 'a' of batch 0 holds string, not"),
    (pa.table({"a": [1.0, None], "y": [1, 2]}), DataError,
     "ArrowRows: column 'a' of batch 0 has a missing value in row 1"),
    (pa.table({"a": [1.0, float("inf")], "y": [1, 2]}), DataError,
     "column 'a' of batch 0 holds NaN or infinity in row 1"),
    ([*TABLE.to_batches(), pa.RecordBatch.from_pydict({**COLUMNS, "a": Y})], DataError,
     "column 'a' of batch 1 holds int64, and that of the batches before it double"),
])
def test_what_is_no_table_is_said(source, error, says):
    with pytest.raises(error, match=says):
        trained(ev.ArrowRows(source, target="y"))


@pytest.mark.parametrize("source", [3, None, "x.parquet", b"x", {"a": [1]}, X])
def test_what_gives_no_batches_is_refused_where_it_is_given(source):
    with pytest.raises(ConfigurationError, match="source must give record batches, got "):
        ev.ArrowRows(source, target="y")


def test_a_number_of_rows_that_is_not_held_is_said():
    with pytest.raises(DataError, match=r"rows=5 was promised, and there are 230"):
        trained(ev.ArrowRows(lambda: TABLE.to_batches(), target="y", rows=5))
    with pytest.raises(ConfigurationError, match="rows must be a whole number"):
        ev.ArrowRows(TABLE, target="y", rows=0)
    with pytest.raises(ConfigurationError, match="each column has one role"):
        ev.ArrowRows(TABLE, target="y", columns=["y"])


def test_answers_need_no_targets(plain):
    rows = ev.ArrowRows(TABLE, columns=["a", "b", "c"])
    np.testing.assert_array_equal(plain.predict(rows), plain.predict(X))


def partitioned(folder):
    """Parquet, one folder a year and ward."""
    for year, ward, at in ((2023, "north", slice(0, 100)), (2024, "south", slice(100, ROWS))):
        own = folder / f"year={year}" / f"ward={ward}"
        own.mkdir(parents=True)
        pq.write_table(TABLE.slice(at.start, at.stop - at.start), own / "rows.parquet")
    return folder


def test_what_folders_say_is_a_column_where_it_is_named(tmp_path, plain):
    folder = partitioned(tmp_path)
    same(trained(ev.ParquetRows(folder, target="y")), plain)
    same(trained(str(folder), "y"), plain)
    years = np.where(np.arange(ROWS) < 100, 2023, 2024)
    rows = ev.ParquetRows(folder, target="y", columns=["year", "a"])
    same(trained(rows), trained(ev.Batches([(np.column_stack([years, X[:, 0]]), Y)])))
    by_year = ev.ParquetRows(folder, target=["year", "a"], columns=["b"])
    assert trained(by_year, loss=ev.MeanSquaredError()).input_shape == (1,)
    with pytest.raises(DataError, match=r"column 'ward' is said by the folders .* in words, such"):
        trained(ev.ParquetRows(folder, target="y", columns=["ward"]))


@pytest.mark.parametrize("where", ["memory://bucket", "file://{}"])
def test_stores_of_fsspec_give_the_same_rows(where, tmp_path, plain):
    fsspec = pytest.importorskip("fsspec", reason="needs fsspec")
    where = where.format(tmp_path)
    for part, at in enumerate((slice(0, 100), slice(100, ROWS))):
        with fsspec.open(f"{where}/rows/k={part}/p.parquet", "wb", auto_mkdir=True) as file:
            pq.write_table(TABLE.slice(at.start, at.stop - at.start), file, row_group_size=30)
    same(trained(f"{where}/rows", "y"), plain)
    rows = ev.ParquetRows(f"{where}/rows/k=1/p.parquet", target="y")
    assert trained(rows, epochs=1).history[-1].steps == 7
    assert trained(ev.ParquetRows(f"{where}/rows", target="y", columns=["k"])).input_shape == (1,)
    with pytest.raises(DataError, match=r"there is no file or folder .*/nowhere"):
        trained(f"{where}/nowhere", "y")


def test_what_cannot_be_reached_is_one_line(monkeypatch):
    pytest.importorskip("fsspec", reason="needs fsspec")
    with pytest.raises(ConfigurationError, match=r"foo://a cannot be read: .*foo"):
        trained("foo://a", "y")
    with pytest.raises(ConfigurationError, match=r"fit: y must name the column of the targets in"):
        trained("memory://a", Y)
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(ConfigurationError, match=r"needs fsspec: pip install 'evenly\[remote\]'"):
        trained("memory://a", "y")


def test_no_more_is_read_than_is_used(monkeypatch):
    """Of a large file at an address: never all of it at once."""
    fsspec = pytest.importorskip("fsspec", reason="needs fsspec")
    large = pa.table({name: np.zeros(400_000) for name in "abcdy"})
    with fsspec.open("memory://large/p.parquet", "wb") as file:
        pq.write_table(large, file, row_group_size=20_000, compression=None, use_dictionary=False)
    read, memory = [], type(fsspec.filesystem("memory").open("memory://large/p.parquet"))
    whole = memory.read
    monkeypatch.setattr(memory, "read",
                        lambda self, size=-1: read.append(size) or whole(self, size))
    pieces = ev.ParquetRows("memory://large/p.parquet", target="y").pieces()
    next(pieces)
    pieces.close()
    assert 0 < sum(read) < 4 * 2**20
    assert min(read) >= 0
    fsspec.filesystem("memory").rm("/large", recursive=True)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_commands_read_addresses(ending, tmp_path, capsys, monkeypatch):
    pytest.importorskip("fsspec", reason="needs fsspec")
    pytest.importorskip("polars", reason="needs polars")
    from evenly.cli import run

    monkeypatch.chdir(tmp_path)
    here = tmp_path / f"t.{ending}"
    frame = TABLE.to_pandas()
    (frame.to_csv(here, index=False) if ending == "csv" else frame.to_parquet(here))
    quick = ["--target", "y", "--epochs", "1", "--effort", "fast", "--force"]
    assert run(["fit", str(here), *quick, "--out", "here.evenly"]) == 0
    assert run(["fit", f"file://{here}", *quick, "--out", "there.evenly"]) == 0
    for name, array in ev.load("here.evenly").model_.weights.items():
        np.testing.assert_array_equal(array, ev.load("there.evenly").model_.weights[name])
    assert run(["predict", "there.evenly", f"file://{here}", "--out", "p.csv"]) == 0
    capsys.readouterr()
    assert run(["columns", f"file://{tmp_path}/none.{ending}"]) == 2
    assert f"file://{tmp_path}/none.{ending}: no such file" in capsys.readouterr().err
    assert run(["columns", "foo://a/t.csv"]) == 2
    assert "foo://a/t.csv cannot be read: " in capsys.readouterr().err


def test_tables_are_read_from_a_store(tmp_path):
    fsspec = pytest.importorskip("fsspec", reason="needs fsspec")
    pytest.importorskip("polars", reason="needs polars")
    from evenly.reading.table import read

    with fsspec.open("memory://shop/t.csv", "wb") as file:
        file.write(b"a;b\n1;x\n2;y\n")
    found = read("memory://shop/t.csv")
    assert (found.name, found.frame.rows()) == ("memory://shop/t.csv", [("1", "x"), ("2", "y")])
    for part in range(2):
        with fsspec.open(f"memory://shop/rows/{part}.parquet", "wb") as file:
            pq.write_table(TABLE.slice(part * 100, 100), file)
    assert read("memory://shop/rows").frame.height == 200
    fsspec.filesystem("memory").rm("/shop", recursive=True)
