"""Row groups of Parquet files in an order drawn for each epoch."""

import numpy as np
import pytest

import evenly as ev
from evenly.errors import ConfigurationError
from evenly.random import generator
from evenly.rows import ParquetRows

pa = pytest.importorskip("pyarrow", reason="needs pyarrow")
pq = pytest.importorskip("pyarrow.parquet", reason="needs pyarrow")

ROWS, GROUP = 600, 50
X = np.arange(ROWS, dtype=np.float64).reshape(-1, 1) / ROWS
NET = ev.Sequential([ev.Dense(3), ev.Tanh(), ev.Dense(1)])


@pytest.fixture
def folder(tmp_path):
    for number, at in enumerate(np.array_split(np.arange(ROWS), [130, 430])):
        table = pa.table({"x": X[at, 0], "row": at, "y": np.sin(9 * X[at, 0])})
        pq.write_table(table, tmp_path / f"{number}.parquet", row_group_size=GROUP)
    return tmp_path


def order(rows, seed=0):
    return np.concatenate([piece.x[:, 1] for piece in rows.mixed(generator(seed, "o"))]).astype(int)


def trained(rows, **changes):
    return ev.fit(NET, rows, **{"loss": ev.MeanSquaredError(), "epochs": 3, "batch": 20, "seed": 4,
                                "shuffle_buffer": 40, **changes})


def same(one, other):
    return all((array == other.weights[name]).all() for name, array in one.weights.items())


def test_whole_groups_in_another_order(folder):
    rows = ParquetRows(folder, "y", ["x", "row"], by_groups=True)
    mixed = order(rows)
    assert sorted(mixed) == list(range(ROWS))
    # 130, 300 and 170 rows in groups of 50 and what is left over.
    jumps = np.flatnonzero(np.diff(mixed) != 1) + 1
    assert {len(part) for part in np.split(mixed, jumps)} >= {30, 20}
    starts = {int(part[0]) for part in np.split(mixed, jumps)}
    assert starts <= {0, 50, 100, *range(130, 430, 50), 430, 480, 530, 580}
    assert len(jumps) > 8
    assert (order(rows) == mixed).all()
    assert (order(rows, 1) != mixed).any()
    assert (order(ParquetRows(folder, "y", ["x", "row"])) == np.arange(ROWS)).all()


def test_the_seed_decides(folder):
    rows = ParquetRows(folder, "y", ["x"], by_groups=True)
    assert same(trained(rows), trained(rows))
    assert not same(trained(rows), trained(rows, seed=5))
    assert not same(trained(rows), trained(ParquetRows(folder, "y", ["x"])))
    # In order means in order, and so it is where nothing is trained.
    assert same(trained(rows, shuffle=False),
                trained(ParquetRows(folder, "y", ["x"]), shuffle=False))
    one = trained(rows)
    assert one.evaluate(rows) == one.evaluate(ParquetRows(folder, "y", ["x"]))


def test_a_training_goes_on_in_the_same_order(folder, tmp_path):
    rows = ParquetRows(folder, "y", ["x"], by_groups=True)
    whole = trained(rows)
    kept = ev.Checkpoint(tmp_path / "kept", steps=7)
    trained(rows, checkpoint=kept, epochs=2)
    assert same(trained(rows, checkpoint=kept, resume=True), whole)


def test_an_epoch_does_not_go_by_where_rows_lie(folder):
    """With a buffer of two steps a sorted file trains on one end, then on the other."""
    seen = []

    class Watch(ev.callbacks.Listener):
        def steps(self, first, records):
            seen.append(records[:, 0])

    trained(ParquetRows(folder, "row", ["x"], by_groups=True), epochs=1, callbacks=[Watch()],
            optimizer=ev.SGD(1e-12))
    by_groups = np.concatenate(seen)
    seen.clear()
    trained(ParquetRows(folder, "row", ["x"]), epochs=1, callbacks=[Watch()],
            optimizer=ev.SGD(1e-12))
    as_it_lies = np.concatenate(seen)

    def trend(losses):
        return abs(np.corrcoef(np.arange(len(losses)), losses)[0, 1])

    assert trend(as_it_lies) > 0.9
    assert trend(by_groups) < 0.6


def test_what_it_does_not_go_with(folder):
    with pytest.raises(ConfigurationError, match="by_groups must be True or False"):
        ParquetRows(folder, "y", by_groups=1)
    with pytest.raises(ConfigurationError, match="each process reads its rows in order"):
        ev.OwnRows(ParquetRows(folder, "y", by_groups=True))
