"""Training on data that is read as it is needed."""

import signal
import threading
import tracemalloc

import numpy as np
import pytest

import evenly as ev
from evenly.errors import ConfigurationError, DataError, DivergenceError, ShapeError
from evenly.rows import sources, training_set
from evenly.rows.ahead import WAITING, Ahead
from evenly.rows.parquet import ParquetRows
from evenly.rows.sources import MappedRows, is_mapped
from evenly.rows.streams import Batches, Piece

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

ROWS = 205
LOSS = ev.SoftmaxCrossEntropy()


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    """Chunks of a few batches; and no thread is left behind."""
    monkeypatch.setattr(sources, "CHUNK_BYTES", 1000)
    monkeypatch.setattr(sources, "READ_BYTES", 2000)
    monkeypatch.setattr(training_set, "READ_BYTES", 2000)
    monkeypatch.setattr("evenly.rows.streams.READ_BYTES", 2000)
    monkeypatch.setattr("evenly.rows.parquet.READ_BYTES", 2000)
    yield
    assert readers() == []


def readers():
    return [t for t in threading.enumerate() if t.name == "evenly-reader"]


def net():
    return ev.Sequential([ev.Dense(6), ev.BatchNorm(), ev.ReLU(), ev.Dropout(0.2), ev.Dense(3)])


def data(rows=ROWS, features=8, dtype="float64"):
    rng = np.random.default_rng(3)
    x = rng.standard_normal((rows, features)) * 20
    return (np.abs(x) if dtype == "uint8" else x).astype(dtype), rng.integers(0, 3, rows)


def mapped(tmp_path, x, order="C"):
    file = np.memmap(tmp_path / f"x{len(list(tmp_path.iterdir()))}", x.dtype, "w+", 0, x.shape,
                     order)
    file[...] = x
    file.flush()
    return file


def same(a, b, evaluations=True):
    for name, value in a.weights.items():
        np.testing.assert_array_equal(value, b.weights[name], name)
    for name in ("loss", "gradient_norm", "learning_rate", "steps"):
        np.testing.assert_array_equal(a.history.column(name), b.history.column(name), name)
    for name in ("score", "validation_loss", "validation_score"):
        np.testing.assert_allclose(a.history.column(name), b.history.column(name), rtol=1e-9)


def batches(x, y, *weights, sizes=(7, 50, 1, 40)):
    """A function that gives the rows in items of changing sizes."""
    def items():
        start, number = 0, 0
        while start < len(x):
            at = slice(start, start + sizes[number % len(sizes)])
            yield (x[at], y[at], *(w[at] for w in weights))
            start, number = at.stop, number + 1
    return items


def table(x, y, **more):
    columns = {f"c{i}": x[:, i] for i in range(x.shape[1])}
    return pa.table({**columns, "y": y, **more})


# Arrays in files ----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float64", "float32", "int8", "uint8", ">f4"])
@pytest.mark.parametrize("program", ["float32", "float64"])
def test_mapped_rows_train_to_the_same_bits(tmp_path, dtype, program):
    x, y = data(dtype=dtype)
    settings = {"loss": LOSS, "epochs": 3, "batch": 12, "dtype": program, "seed": 4}
    file = mapped(tmp_path, x)
    assert isinstance(sources.as_source(file), MappedRows)
    for more in ({}, {"shuffle": False}, {"validation": 0.2},
                 {"schedule": ev.OneCycle(), "sample_weight": np.linspace(0.5, 2, ROWS)}):
        same(ev.fit(net(), x, y, **settings, **more), ev.fit(net(), file, y, **settings, **more))


def test_mapped_images_of_any_layout(tmp_path):
    x = data(60, 6 * 6 * 2, "uint8")[0].reshape(60, 6, 6, 2)
    y = np.arange(60) % 3
    image_net = ev.Sequential([ev.Conv2D(4, 3), ev.ReLU(), ev.Flatten(), ev.Dense(3)])
    whole = ev.fit(image_net, x, y, loss=LOSS, epochs=2, batch=7)
    for file in (mapped(tmp_path, x), mapped(tmp_path, x, "F"), np.asarray(mapped(tmp_path, x)),
                 mapped(tmp_path, np.repeat(x, 2, axis=0))[::2]):
        assert is_mapped(file)
        same(whole, ev.fit(image_net, file, y, loss=LOSS, epochs=2, batch=7))
    assert not is_mapped(x)
    assert not is_mapped(np.frombuffer(b"1234", np.uint8))


def test_mapped_sequences_with_lengths(tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((90, 5, 3)), rng.integers(0, 3, 90)
    lengths = rng.integers(0, 6, 90)
    x[np.arange(5) >= lengths[:, None]] = np.nan
    file = mapped(tmp_path, x)
    sequence_net = ev.Sequential([ev.GRU(4), ev.Dense(3)])
    settings = {"loss": LOSS, "epochs": 2, "batch": 8, "lengths": lengths}
    whole = ev.fit(sequence_net, x, y, **settings)
    same(whole, ev.fit(sequence_net, file, y, **settings))
    np.testing.assert_array_equal(whole.predict(x, lengths), whole.predict(file, lengths))
    a, b = whole.evaluate(x, y, lengths=lengths), whole.evaluate(file, y, lengths=lengths)
    assert b.loss == pytest.approx(a.loss, rel=1e-6)
    assert b.score == pytest.approx(a.score)


def test_layers_without_kernels_and_mixup_read_from_files(tmp_path):
    class Square(ev.Layer):
        name = None

        def forward(self, x, arrays, run):
            return x * x, x

        def backward(self, d_y, arrays, x, run):
            return 2 * x * d_y, {}

    x, y = data(rows=73)
    x /= 20
    own = ev.Sequential([ev.Dense(4), Square(), ev.Dense(3)])
    file = mapped(tmp_path, x)
    settings = {"loss": LOSS, "epochs": 2, "batch": 9, "augment": ev.Mixup(0.4)}
    same(ev.fit(own, x, y, **settings), ev.fit(own, file, y, **settings))


@pytest.mark.parametrize("loss", [
    LOSS, ev.SoftmaxCrossEntropy(class_weights=(1.0, 5.0, 0.2)),
    ev.SoftmaxCrossEntropy(mean_over="rows"), ev.MeanSquaredError(),
    ev.BinaryCrossEntropy(class_weights=(1.0, 3.0)),
])
@pytest.mark.parametrize("weighted", [False, True])
def test_evaluation_in_chunks(tmp_path, loss, weighted):
    x, y = data(700)  # chunks are those of the kernels: 256 rows
    y = y if loss.targets_are_classes else (x[:, :3] > 0) * 1.0
    weights = np.repeat([0.0, 2.0, 0.5], [300, 155, 245]) if weighted else None
    model = ev.init(net(), 8, loss=loss, dtype="float64")
    expected = model.evaluate(x, y, weights)
    given = (y,) if weights is None else (y, weights)
    items = Batches(batches(x, *given))
    for found in (model.evaluate(mapped(tmp_path, x), y, weights), model.evaluate(items)):
        assert found.loss == pytest.approx(expected.loss, rel=1e-12)
        assert found.score == pytest.approx(expected.score, rel=1e-12)
    np.testing.assert_array_equal(model.predict(x), model.predict(mapped(tmp_path, x)))
    np.testing.assert_array_equal(model.predict(x), model.predict(items))


def test_mapped_rows_that_do_not_fit(tmp_path):
    x, y = data()
    x[[130, 190], 2] = np.nan
    with pytest.raises(DataError, match=r"first in row 130.*\(2 of 205\)"):
        ev.fit(net(), mapped(tmp_path, x), y, loss=LOSS)
    good, _ = data()
    model = ev.fit(net(), good, y, loss=LOSS, epochs=1)
    with pytest.raises(ShapeError):
        model.predict(mapped(tmp_path, data(features=9)[0]))
    with pytest.raises(ShapeError):
        ev.fit(net(), good, y, loss=LOSS, validation=(mapped(tmp_path, data(features=9)[0]), y))


def test_a_mapped_array_is_never_copied_whole(tmp_path):
    file = mapped(tmp_path, data(20_000, 32)[0])  # 5 MB
    y = np.arange(20_000) % 3
    tracemalloc.start()
    try:
        model = ev.fit(net(), file, y, loss=LOSS, epochs=1, validation=0.1)
        model.predict(file)
        model.evaluate(file, y)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < file.nbytes / 2


# Streams ------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [204, 205, 13])
@pytest.mark.parametrize("dtype", ["float64", "float32", "uint8"])
def test_streams_in_order_train_to_the_same_bits(tmp_path, rows, dtype):
    x, y = data(rows, dtype=dtype)
    weights = np.linspace(0.5, 2, rows)
    file = tmp_path / "rows.parquet"
    pq.write_table(table(x, y, w=weights), file, row_group_size=33)
    settings = {"loss": LOSS, "epochs": 3, "batch": 12, "shuffle": False}
    columns = [f"c{i}" for i in range(8)]
    held = data(50, dtype=dtype)
    plain = ev.fit(net(), x, y, validation=held, **settings)
    weighted = ev.fit(net(), x, y, sample_weight=weights, **settings)
    same(plain, ev.fit(net(), Batches(batches(x, y)), validation=held, **settings))
    same(plain, ev.fit(net(), ParquetRows(file, "y", columns=columns), **settings,
                       validation=Batches([held, (held[0][:0], held[1][:0])])))
    same(weighted, ev.fit(net(), Batches(batches(x, y, weights)), **settings))
    same(weighted, ev.fit(net(), ParquetRows(file, "y", weight="w"), **settings))


def test_a_folder_is_its_files_in_order(tmp_path):
    x, y = data()
    targets = x[:, :2] @ np.ones((2, 2))
    for name, at in (("b/1", slice(140, None)), ("a", slice(90)), ("b/0", slice(90, 140))):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        part = table(x[at], y[at], t0=targets[at, 0], t1=targets[at, 1])
        pq.write_table(part, tmp_path / f"{name}.parquet")
    (tmp_path / "_metadata.parquet").write_text("no rows")
    own = ev.Sequential([ev.Dense(4), ev.Tanh(), ev.Dense(2)])
    settings = {"loss": ev.MeanSquaredError(), "epochs": 2, "shuffle": False}
    source = ParquetRows(tmp_path, ["t0", "t1"], columns=[f"c{i}" for i in (3, 0, 1)])
    same(ev.fit(own, x[:, [3, 0, 1]], targets, **settings), ev.fit(own, source, **settings))


def test_float64_and_schedules_by_step_and_epoch():
    x, y = data()
    settings = {"loss": LOSS, "epochs": 3, "batch": 12, "shuffle": False, "dtype": "float64"}
    for schedule in (ev.OneCycle(), ev.ExponentialDecay(0.5, by="epoch")):
        whole = ev.fit(net(), x, y, schedule=schedule, **settings)
        source = Batches(batches(x, y), rows=ROWS)
        same(whole, ev.fit(net(), source, schedule=schedule, **settings))
    unknown = Batches(batches(x, y))
    same(whole, ev.fit(net(), unknown, schedule=schedule, **settings))
    plateau = ev.ReduceOnPlateau(monitor="loss", patience=1)
    same(ev.fit(net(), x, y, schedule=plateau, **settings),
         ev.fit(net(), unknown, schedule=plateau, **settings))
    with pytest.raises(ConfigurationError, match=r"OneCycle counts in steps.*rows="):
        ev.fit(net(), unknown, schedule=ev.OneCycle(), **settings)


class Watch:
    """What a training sees of the rows, through the first column."""

    def __init__(self, monkeypatch):
        self.epochs = []
        kept = training_set.in_chunks

        def watched(pieces, size, leave_out):
            seen = []
            self.epochs.append(seen)
            for piece in kept(pieces, size, leave_out):
                seen.extend(piece.x[:, 0].astype(int))
                np.testing.assert_array_equal(piece.x[:, 0] % 3, piece.y[:, 0])
                yield piece

        monkeypatch.setattr(training_set, "in_chunks", watched)


@pytest.mark.parametrize("buffer", [None, 1, 2, 50, 51, 205, 1000])
@pytest.mark.parametrize("known", [True, False])
def test_the_shuffle_buffer(monkeypatch, buffer, known):
    x = np.arange(ROWS)[:, None] * np.ones(8)
    y = np.arange(ROWS) % 3
    watch = Watch(monkeypatch)
    settings = {"loss": LOSS, "epochs": 3, "batch": 6, "shuffle_buffer": buffer, "seed": 1}
    plain = ev.Sequential([ev.Dense(3)])
    rows = ROWS if known else None
    first = ev.fit(plain, Batches(batches(x, y), rows), **settings)
    once = watch.epochs
    for seen in once:
        assert sorted(seen) == list(range(ROWS))
    if buffer != 1:
        assert once[0] != once[1] != once[2] != once[0]
        assert once[0] != list(range(ROWS))
    watch.epochs = []
    again = ev.fit(plain, Batches(batches(x, y, sizes=(13, 4))), **settings)
    assert watch.epochs == once, "the order depends on the sizes of the items"
    same(first, again)
    watch.epochs = []
    ev.fit(plain, Batches(batches(x, y), rows), **{**settings, "seed": 2})
    assert (watch.epochs == once) == (buffer == 1)


def test_a_single_row_that_is_left_over_sits_out(monkeypatch):
    watch = Watch(monkeypatch)
    x, y = np.arange(25)[:, None] * np.ones(8), np.arange(25) % 3
    model = ev.fit(net(), Batches(batches(x, y)), loss=LOSS, batch=8, epochs=4)
    assert [len(seen) for seen in watch.epochs] == [24] * 4
    assert model.history[-1].steps == 3
    assert len({tuple(sorted(seen)) for seen in watch.epochs}) > 1


def test_progress_and_early_stopping_where_rows_are_not_known(capsys):
    x, y = data()
    stop = ev.EarlyStopping(patience=2)
    source = Batches(batches(x, y))
    model = ev.fit(net(), source, loss=LOSS, epochs=40, validation=source, early_stopping=stop,
                   progress=True)
    assert "epoch" in capsys.readouterr().err
    assert model.history.best_epoch
    expected = model.history[model.history.best_epoch - 1].validation_loss
    assert model.evaluate(source).loss == pytest.approx(expected)


# What goes wrong ----------------------------------------------------------------------------


@pytest.mark.parametrize(("more", "words"), [
    ({"y": [0]}, "brings its own targets"),
    ({"batch": None}, "batch=None needs all rows"),
    ({"validation": 0.1}, "no share can be held out"),
    ({"sample_weight": [1]}, "takes no sample_weight"),
    ({"lengths": [1]}, "takes no lengths"),
    ({"shuffle_buffer": 0}, "shuffle_buffer must be a whole number of rows >= 1, got 0"),
])
def test_what_goes_with_arrays_alone(more, words):
    with pytest.raises(ConfigurationError, match=words):
        ev.fit(net(), Batches([data()]), **{"loss": LOSS, **more})


def test_arrays_have_no_shuffle_buffer():
    with pytest.raises(ConfigurationError, match="shuffle_buffer is for sources"):
        ev.fit(net(), *data(), loss=LOSS, shuffle_buffer=5)


def test_what_can_be_read_only_once():
    x, y = data()
    items = batches(x, y)
    with pytest.raises(ConfigurationError, match="generator, which can be read only once"):
        Batches(items())
    kept = items()
    with pytest.raises(DataError, match="read only once"):
        ev.fit(net(), Batches(lambda: kept), loss=LOSS)
    with pytest.raises(ConfigurationError, match="rows must be a whole number"):
        Batches(items, rows=0)
    with pytest.raises(ConfigurationError, match="source must be an iterable"):
        Batches(5)


def changed(number, item):
    items = [data(20), data(20), data(20)]
    items[number] = item
    return items


@pytest.mark.parametrize(("items", "words"), [
    (changed(2, data(5, 7)), r"item 2: x has rows of float64 and shape \(7,\).*item 0.*\(8,\)"),
    (changed(1, data(5, dtype="float32")), "item 1: x has rows of float32"),
    (changed(1, (data(5)[0], np.ones(5))), "item 1: y has rows of float64"),
    (changed(1, (*data(5), np.ones(5))), "item 1: has a sample_weight, other than item 0"),
    (changed(1, (data(5)[0], np.zeros(4, int))), "item 1: x has 5 rows and y has shape"),
    (changed(1, (np.full((5, 8), np.inf), data(5)[1])), "item 1: x holds NaN .* row 0"),
    (changed(1, (data(5)[0], np.full(5, 3))), "item 1: SoftmaxCrossEntropy: expects class numbers"),
    (changed(1, np.ones(3)), r"item 1: expects \(x, y\)"),
    (changed(0, (np.ones(3), np.ones(3))), r"item 0: x must hold numbers of shape"),
    ([], "no items"),
])
def test_items_that_do_not_fit(items, words):
    with pytest.raises(DataError, match=words):
        ev.fit(net(), Batches(items), loss=LOSS)


def test_rows_that_were_promised():
    for rows, words in ((ROWS + 1, "205"), (ROWS - 10, "at least 196, with .* item 7")):
        with pytest.raises(DataError, match=f"rows={rows} was promised, and there are {words}:"):
            ev.fit(net(), Batches(batches(*data()), rows=rows), loss=LOSS)


def test_errors_of_the_reader_keep_their_type_and_say_where():
    x, y = data()
    calls = []

    def failing():
        calls.append(1)
        yield x, y
        yield x, y
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone") as caught:
        ev.fit(net(), Batches(failing), loss=LOSS)
    assert caught.value.__notes__ == ["while reading item 2 of Batches"]
    assert len(calls) == 2  # for the shape, and for the first epoch


@pytest.mark.parametrize(("column", "words"), [
    (pa.array(["a"] * 205), "column 'c' of .*bad.parquet holds string, not numbers"),
    (pa.array([1] * 133 + [None] + [2] * 71), "column 'c' of .* has a missing value in row 133"),
    (pa.array([1.0] * 200 + [np.nan] * 5), "column 'c' of .* NaN or infinity in row 200"),
])
def test_parquet_columns_that_do_not_fit(tmp_path, column, words):
    pq.write_table(table(*data(), c=column), tmp_path / "bad.parquet", row_group_size=50)
    with pytest.raises(DataError, match=words):
        ev.fit(net(), ParquetRows(tmp_path, "y"), loss=LOSS, batch=12)


def test_parquet_files_that_do_not_fit(tmp_path):
    x, y = data()
    with pytest.raises(DataError, match="holds no"):
        ev.fit(net(), ParquetRows(tmp_path, "y"), loss=LOSS)
    with pytest.raises(DataError, match="there is no file"):
        ev.fit(net(), ParquetRows(tmp_path / "x", "y"), loss=LOSS)
    pq.write_table(table(x, y), tmp_path / "a.parquet")
    with pytest.raises(DataError, match="has no column 'z'; there are: c0"):
        ev.fit(net(), ParquetRows(tmp_path, "z"), loss=LOSS)
    with pytest.raises(ConfigurationError, match="has no targets"):
        ev.fit(net(), ParquetRows(tmp_path), loss=LOSS)
    with pytest.raises(ConfigurationError, match="each column has one role"):
        ParquetRows(tmp_path, "y", columns=["a", "y"])
    model = ev.fit(net(), ParquetRows(tmp_path, "y"), loss=LOSS, epochs=1)
    with pytest.raises(ShapeError, match=r"shape \(8,\), got \(9,\)"):
        model.predict(ParquetRows(tmp_path))
    inputs = ParquetRows(tmp_path, columns=[f"c{i}" for i in range(8)])
    np.testing.assert_array_equal(model.predict(inputs), model.predict(x))
    pq.write_table(table(x.astype("float32"), y), tmp_path / "b.parquet")
    with pytest.raises(DataError, match=r"'c0' of .*b.parquet holds float, .* before it double"):
        ev.fit(net(), ParquetRows(tmp_path, "y"), loss=LOSS)
    (tmp_path / "b.parquet").write_text("words")
    with pytest.raises(DataError, match=r"b.parquet is no Parquet file"):
        ev.fit(net(), ParquetRows(tmp_path, "y"), loss=LOSS)


# The thread ---------------------------------------------------------------------------------


def endless(closed):
    x, y = data(40)
    try:
        while True:
            yield x, y
    finally:
        closed.append(threading.current_thread().name)


def test_stop_ends_an_endless_source():
    closed, asked = [], []
    model = ev.fit(net(), Batches(lambda: endless(closed)), loss=LOSS,
                   stop=lambda: asked.append(1) or len(asked) > 5)
    assert model.history.stopped == "interrupted"
    assert readers() == []
    assert closed[-1] == "evenly-reader"


def test_stop_is_heard_while_the_reader_waits():
    x, y = data(40)
    asked, go_on = [], threading.Event()

    def stuck():
        yield x, y
        go_on.wait(60)

    def stop():
        asked.append(1)
        if len(asked) > 3:
            go_on.set()
        return len(asked) > 3

    model = ev.fit(net(), Batches(stuck), loss=LOSS, stop=stop)
    assert model.history.stopped == "interrupted"


def test_ctrl_c_ends_the_thread():
    sent = []

    def items():
        yield data(40)
        if not sent:  # a second one would be an error in the middle, as for an impatient user
            sent.append(True)
            signal.raise_signal(signal.SIGINT)  # Python runs the handler in the main thread
        yield data(40)
        threading.Event().wait(0.2)
        yield data(40)

    model = ev.fit(net(), Batches(items), loss=LOSS, epochs=1000)
    assert model.history.stopped == "interrupted"
    assert readers() == []


def test_divergence_and_callbacks_end_the_thread():
    closed = []
    with pytest.raises(DivergenceError):
        ev.fit(net(), Batches(lambda: endless(closed)), loss=LOSS, optimizer=ev.SGD(1e38))
    assert readers() == []

    def fail(record):
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        ev.fit(net(), Batches(batches(*data())), loss=LOSS, callbacks=[fail])


def test_ahead_is_bounded_and_raises_in_its_place():
    made, may_end = [], threading.Event()

    def items():
        for number in range(6):
            made.append(number)
            yield number
        may_end.set()
        raise KeyError("end")

    with Ahead(items()) as ahead:
        numbers = (item for item in ahead if item is not WAITING)
        assert next(numbers) == 0
        for _ in range(100):
            assert len(made) <= 4, "more than one in use, two ready and one being made"
            threading.Event().wait(0.001)
        assert [next(numbers) for _ in range(5)] == [1, 2, 3, 4, 5]
        with pytest.raises(KeyError, match="end"):
            next(numbers)
    assert may_end.is_set()


def test_the_shuffle_mixes_beyond_the_buffer():
    from evenly.rows.shuffle_buffer import shuffled

    def pieces():
        for start in range(0, 1000, 100):
            x = np.arange(start, start + 100)[:, None]
            yield Piece(x, None, None)

    order = np.concatenate([
        p.x[:, 0] for p in shuffled(pieces(), 100, 30, np.random.default_rng(0))
    ])
    assert sorted(order) == list(range(1000))
    moved = np.abs(order - np.arange(1000))
    assert moved.max() > 100
    assert np.median(moved) > 15
