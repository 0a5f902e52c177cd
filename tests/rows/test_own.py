"""Rows of which each process has its own: the same model for any number of processes."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import evenly as ev
from evenly.errors import ConfigurationError, DataError
from evenly.parallel import Alone, Threads

ROWS, BATCH = 203, 32
RNG = np.random.default_rng(0)
X = RNG.standard_normal((ROWS, 3))
CLASSES = (X[:, 0] > 0).astype(int)
NUMBERS = X @ [1.0, 2.0, 3.0] + 5


def trained(workers, data, loss=None, **more):
    net = ev.Sequential([ev.Dense(8), ev.BatchNorm(), ev.ReLU(), ev.Dropout(0.2),
                         ev.Dense(1 if loss else 2)])
    given = {"batch": BATCH, "epochs": 3, "seed": 1, "threads": 1, **more}
    return ev.fit(net, data, workers=workers, progress=False,
                  loss=loss or ev.SoftmaxCrossEntropy(), **given)


def told(model):
    weights = {name: array.tolist() for name, array in model.weights.items()}
    columns = ("loss", "score", "gradient_norm")
    return weights, [list(model.history.column(name)) for name in columns]


def own(group, y, weights=None):
    at = ev.own_part(ROWS, group)
    return ev.OwnRows(X[at], y[at], None if weights is None else weights[at])


@pytest.mark.parametrize("size", [2, 4, 8])
def test_arrays(size):
    weights = np.linspace(0.5, 1.5, ROWS)
    for loss, y in ((None, CLASSES), (ev.MeanSquaredError(), NUMBERS)):
        one = told(trained(Alone(), own(Alone(), y, weights), loss))
        for found in Threads.run(size, lambda g, y=y, loss=loss: told(
                trained(g, own(g, y, weights), loss))):
            assert found == one


def test_part_p_of_every_batch_is_of_the_pth_eighth():
    """Without shuffling it is the training on all rows in the order that is written down here."""
    eighths = [list(range(ROWS * p // 8, ROWS * (p + 1) // 8)) for p in range(8)]
    order = []
    for begin in range(0, ROWS, BATCH):
        rows = min(BATCH, ROWS - begin)
        for p, eighth in enumerate(eighths):
            for _ in range(rows * (p + 1) // 8 - rows * p // 8):
                order.append(eighth.pop(0))
    whole = ev.fit(
        ev.Sequential([ev.Dense(8), ev.BatchNorm(), ev.ReLU(), ev.Dropout(0.2), ev.Dense(2)]),
        X[order], CLASSES[order], loss=ev.SoftmaxCrossEntropy(), batch=BATCH, epochs=3, seed=1,
        parts=8, shuffle=False, progress=False)
    assert told(trained(Alone(), own(Alone(), CLASSES), shuffle=False)) == told(whole)


def test_each_pass_is_another_order_of_all_rows():
    shuffled = trained(Alone(), own(Alone(), CLASSES))
    assert told(shuffled) != told(trained(Alone(), own(Alone(), CLASSES), shuffle=False))
    more = {"epochs": 20, "optimizer": ev.Adam(0.02)}
    assert trained(Alone(), own(Alone(), CLASSES), **more).history[-1].score > 0.85


@pytest.fixture
def folder(tmp_path):
    """Two files, of row groups that the parts' ends cut."""
    for number, at in enumerate((slice(0, 90), slice(90, ROWS))):
        columns = {"a": X[at, 0], "b": X[at, 1], "c": X[at, 2], "y": CLASSES[at]}
        pq.write_table(pa.table(columns), tmp_path / f"{number}.parquet", row_group_size=40)
    return tmp_path


def test_parquet(folder):
    source = ev.OwnRows(ev.ParquetRows(folder, target="y"))
    one = told(trained(Alone(), source))
    assert Threads.run(4, lambda group: told(trained(group, source))) == [one] * 4
    in_order = trained(Alone(), source, shuffle=False)
    assert told(in_order) == told(trained(Alone(), own(Alone(), CLASSES), shuffle=False))


@pytest.mark.parametrize(("begin", "end"), [(0, ROWS), (0, 40), (39, 41), (85, 95), (130, 131),
                                            (170, None), (90, 90)])
def test_some_rows_of_parquet(folder, begin, end):
    pieces = [piece.x for piece in ev.ParquetRows(folder, target="y").pieces_of(begin, end)]
    found = np.concatenate([np.empty((0, 3)), *pieces])
    assert (found == X[begin:end]).all()
    assert len(found) == len(X[begin:end])


def test_another_number_of_processes_goes_on(tmp_path):
    rule = ev.Checkpoint(tmp_path / "c", steps=4)
    stop = [lambda record: "stop" if record.epoch == 2 else None]
    Threads.run(2, lambda group: trained(group, own(group, CLASSES), checkpoint=rule,
                                         callbacks=stop))
    (tmp_path / "c" / "checkpoint-0000000014.evenly").unlink()
    resumed = Threads.run(4, lambda group: told(trained(
        group, own(group, CLASSES), checkpoint=rule, resume=True)))
    assert resumed == [told(trained(Alone(), own(Alone(), CLASSES)))] * 4


@pytest.mark.parametrize(("more", "words"), [
    ({"batch": 30}, "batch must be a multiple of 8"), ({"augment": ev.Mixup()}, "mixes rows"),
    ({"validation": 0.1}, "no share can be held out"), ({"doctor": True}, "the doctor looks"),
    ({"validation": ev.OwnRows(X, CLASSES)}, "validates with all rows"),
])
def test_what_cannot_be(more, words):
    with pytest.raises(ConfigurationError, match=words):
        trained(Alone(), own(Alone(), CLASSES), **more)


def test_wrong_shares():
    def wrong(group):
        at = slice(0, 100) if group.rank == 0 else slice(100, ROWS)
        return trained(group, ev.OwnRows(X[at], CLASSES[at]))

    with pytest.raises(DataError, match=r"process 0 has 100 of all 203 rows, and its part is 101"):
        Threads.run(2, wrong)
    with pytest.raises(ConfigurationError, match="ParquetRows name the columns"):
        ev.OwnRows(ev.ParquetRows("here"), CLASSES)
    with pytest.raises(ConfigurationError, match="OwnRows go with workers"):
        trained(None, ev.OwnRows(X, CLASSES))
    with pytest.raises(DataError, match="rows have the weight 0"):
        trained(Alone(), own(Alone(), CLASSES, np.arange(ROWS) % 2))


@pytest.mark.parametrize(("x", "y", "words"), [
    ("no", CLASSES, "x must be an array or ParquetRows"), (3, CLASSES, "x must be an array"),
    ({"a": X}, CLASSES, "x must be an array"), (X, None, "y must be given beside an array"),
])
def test_no_rows(x, y, words):
    with pytest.raises(ConfigurationError, match=words):
        ev.OwnRows(x, y)


@pytest.mark.parametrize("rows", [-1, 10.5, "x", None, True])
def test_rows_that_are_no_number_of_rows(rows):
    with pytest.raises(ConfigurationError, match="own_part: rows must be a whole number >= 0"):
        ev.own_part(rows, None)
