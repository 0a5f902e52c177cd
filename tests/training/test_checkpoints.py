"""Checkpoints: a training that is resumed ends as one that never stopped."""

import os
import signal
from dataclasses import dataclass

import numpy as np
import pytest

import evenly as ev
from evenly.errors import ConfigurationError
from evenly.rows import sources, training_set
from evenly.rows.parquet import ParquetRows
from evenly.rows.streams import Batches
from evenly.training.checkpoints import Checkpoint

from .checkpointing import (
    BASE,
    VALUES,
    WEIGHTS,
    Killed,
    X,
    Y,
    assert_same,
    batches,
    begun,
    named,
)

RNG = np.random.default_rng(4)
SEQUENCES = RNG.standard_normal((48, 7, 3)).astype(np.float32)
LENGTHS = RNG.integers(1, 8, 48)
SIGNS = (SEQUENCES[:, 0, 0] > 0).astype(int)


@dataclass(frozen=True)
class Square(ev.Layer):
    """A layer without a kernel."""

    name: str | None = None

    def forward(self, x, arrays, run):
        return x * x, x

    def backward(self, d_y, arrays, x, run):
        return 2 * x * d_y, {}


def after(asks):
    """A `stop` that kills after so many steps or so: with steps=1 it is asked after each one."""
    left = asks

    def stop():
        nonlocal left
        left -= 1
        if left < 0:
            raise Killed
        return False

    return stop


def values():
    for start in range(0, 101, 17):
        yield X[start : start + 17], VALUES[start : start + 17], WEIGHTS[start : start + 17]


def parquet(folder):
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    columns = {f"c{i}": X[:, i] for i in range(5)} | {"y": Y}
    pq.write_table(pa.table(columns), folder / "rows.parquet")
    return ParquetRows(folder / "rows.parquet", target="y")


def mapped(folder):
    np.save(folder / "rows.npy", X)
    return np.load(folder / "rows.npy", mmap_mode="r")


def sparse(folder):
    return pytest.importorskip("scipy.sparse").csr_matrix(X)


LSTM = ev.Sequential([ev.LSTM(4, stateful=True), ev.Dense(2)])
READ = ev.Sequential([ev.LSTM(4), ev.Dense(2)])
KINDS = {
    "plain": {},
    "validation": {"validation": 0.2, "early_stopping": ev.EarlyStopping(1), "epochs": 8},
    "rates": {"schedule": ev.OneCycle(), "optimizer": ev.Momentum(0.05)},
    "plateau": {"schedule": ev.ReduceOnPlateau(0.5, patience=0, monitor="loss", cooldown=1,
                                               threshold=0.2), "epochs": 8},
    "weights": {"sample_weight": WEIGHTS, "clip": ev.ClipGlobalNorm(0.5), "penalty": ev.L2(1e-3)},
    "mixup": {"augment": ev.Mixup(0.4), "batch": 16},
    "all rows": {"batch": None, "epochs": 9},
    "one row over": {"batch": 20, "shuffle": False},
    "values": {"y": VALUES, "loss": ev.MeanSquaredError(), "dtype": "float64",
               "net": ev.Sequential([ev.Dense(4), ev.Tanh(), ev.Dense(1)])},
    "definition": {"net": ev.Sequential([ev.Dense(4), Square(), ev.Dense(2)])},
    "ema": {"average": ev.EMA(0.8), "validation": 0.2, "early_stopping": ev.EarlyStopping(2),
            "epochs": 8},
    "swa": {"average": ev.SWA(from_epoch=3), "validation": 0.2, "epochs": 8,
            "early_stopping": ev.EarlyStopping(1)},
    "average of a definition": {"net": ev.Sequential([ev.Dense(4), Square(), ev.Dense(2)]),
                                "average": ev.EMA(0.5)},
    "averaged batches": {"x": Batches(batches), "y": None, "average": ev.SWA(0.5)},
    "stateful": {"net": LSTM, "x": SEQUENCES, "y": SIGNS, "shuffle": False, "batch": 8},
    "lengths": {"net": READ, "x": SEQUENCES, "y": SIGNS, "lengths": LENGTHS},
    "sparse": {"x": sparse},
    "mapped": {"x": mapped, "sample_weight": WEIGHTS},
    "batches": {"x": Batches(batches), "y": None, "shuffle_buffer": 30},
    "counted batches": {"x": Batches(batches, rows=101), "y": None, "schedule": ev.CosineDecay(),
                        "validation": Batches(batches), "early_stopping": ev.EarlyStopping(9)},
    "weighted batches": {"x": Batches(values), "y": None, "loss": ev.MeanSquaredError(),
                         "net": ev.Sequential([ev.Dense(4), ev.Tanh(), ev.Dense(1)])},
    "listed batches": {"x": Batches(list(batches())), "y": None},
    "parquet": {"x": parquet, "y": None, "shuffle_buffer": 40},
}


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(sources, "CHUNK_BYTES", 1000)
    monkeypatch.setattr(sources, "READ_BYTES", 1000)
    monkeypatch.setattr(training_set, "READ_BYTES", 1000)


@pytest.mark.parametrize("kind", KINDS)
def test_resumed_ends_as_if_never_stopped(kind, tmp_path, small_chunks):
    settings = BASE | KINDS[kind]
    if callable(settings["x"]):
        settings["x"] = settings["x"](tmp_path)
    whole = ev.fit(**settings)
    rule = Checkpoint(tmp_path / "run", steps=1)
    killed = 0
    for asks in (3, 12, 1, 17, 5):  # within an epoch, in another, and almost at once
        try:
            ev.fit(**settings, checkpoint=rule, resume=True, stop=after(asks))
        except Killed:
            killed += 1
    assert killed >= 2
    assert_same(ev.fit(**settings, checkpoint=rule, resume=True), whole)


@pytest.mark.parametrize(
    "every", [{"steps": 1}, {"steps": 4}, {"steps": np.int64(1000)}, {"minutes": 1e-9}]
)
def test_checkpoints_change_nothing(every, tmp_path):
    whole = ev.fit(**BASE)
    model = ev.fit(**BASE, checkpoint=Checkpoint(tmp_path, **every))
    assert_same(model, whole)
    assert model.engine.pause_every is None


def test_threads_may_differ(tmp_path):
    settings = BASE | {"net": ev.Sequential([ev.Dense(300), ev.ReLU(), ev.Dense(2)])}
    whole = ev.fit(**settings, threads=1)
    rule = Checkpoint(tmp_path, steps=3)
    for threads, asks in ((1, 4), (2, 3), (1, 2)):
        with pytest.raises(Killed):
            ev.fit(**settings, checkpoint=rule, resume=True, threads=threads, stop=after(asks))
    assert named(tmp_path)
    assert_same(ev.fit(**settings, checkpoint=rule, resume=True, threads=2), whole)


def test_the_last_ones_stay(tmp_path):
    seen = []
    model = ev.fit(**BASE, checkpoint=Checkpoint(tmp_path, steps=7, keep=2),
                   callbacks=[lambda record: seen.append(named(tmp_path))])
    assert model.engine.steps == 40
    assert seen == [[f"checkpoint-{n:010d}.evenly" for n in there]
                    for there in ((7,), (7, 14), (21, 28), (28, 35))]
    assert named(tmp_path) == [f"checkpoint-{n:010d}.evenly" for n in (35, 40)]


def test_every_so_many_minutes(tmp_path, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("evenly.training.checkpoints.time.monotonic", lambda: clock[0])

    def tick(record):
        clock[0] += 61

    seen = []
    ev.fit(**BASE | {"batch": None, "epochs": 6}, checkpoint=Checkpoint(tmp_path, minutes=2),
           callbacks=[tick, lambda record: seen.append(named(tmp_path)[-1:])])
    assert [int(n[0][11:21]) if n else 0 for n in seen] == [0, 0, 3, 3, 5, 5]


def test_time_goes_on(tmp_path):
    rule = Checkpoint(tmp_path, steps=1)
    first = ev.fit(**BASE | {"epochs": 2}, checkpoint=rule)
    second = ev.fit(**BASE, checkpoint=rule, resume=True)
    times = second.history.column("seconds")
    assert times[:2].tolist() == first.history.column("seconds").tolist()
    assert (np.diff(times) > 0).all()


def test_an_ended_training_is_not_trained_further(tmp_path):
    settings = BASE | {"validation": 0.2, "early_stopping": ev.EarlyStopping(1), "epochs": 60}
    rule = Checkpoint(tmp_path, steps=5)
    model = ev.fit(**settings, checkpoint=rule)
    assert model.history.stopped == "early stopping"
    calls = []
    for epochs in (60, 90):
        again = ev.fit(**settings | {"epochs": epochs}, checkpoint=rule, resume=True,
                       callbacks=[calls.append])
        assert_same(again, model)
    assert calls == []


def test_patience_that_ran_out_as_ctrl_c_came(tmp_path):
    settings = BASE | {"validation": 0.2, "early_stopping": ev.EarlyStopping(1), "epochs": 60}
    whole = ev.fit(**settings)
    last = len(whole.history)
    seen = []
    model = ev.fit(**settings, checkpoint=Checkpoint(tmp_path), callbacks=[seen.append],
                   stop=lambda: len(seen) == last)
    assert model.history.stopped == "interrupted"
    assert_same(ev.fit(**settings, checkpoint=Checkpoint(tmp_path), resume=True), whole)


@pytest.mark.parametrize("kind", ["plain", "weighted batches"])
def test_interrupted_again_before_it_got_further(kind, tmp_path, small_chunks):
    settings = BASE | KINDS[kind]
    whole = ev.fit(**settings)
    rule = begun(tmp_path, steps=11, **KINDS[kind])
    for answers in ([], [], [False]):
        stop = iter([*answers, *[True] * 9]).__next__
        model = ev.fit(**settings, checkpoint=rule, resume=True, stop=stop)
        assert model.history.stopped == "interrupted"
        assert np.isfinite(model.history.column("score")).all()
    assert_same(ev.fit(**settings, checkpoint=rule, resume=True), whole)


def test_a_callback_ends_it_for_good(tmp_path):
    rule = Checkpoint(tmp_path, steps=100)
    model = ev.fit(**BASE, checkpoint=rule, callbacks=[lambda r: "stop" if r.epoch == 2 else None])
    assert model.history.stopped == "callback"
    assert_same(ev.fit(**BASE, checkpoint=rule, resume=True), model)


def test_more_epochs(tmp_path):
    rule = Checkpoint(tmp_path, steps=100)
    for schedule in (None, ev.StepDecay(every=15), ev.ReduceOnPlateau(monitor="loss")):
        settings = BASE | {"schedule": schedule}
        own = Checkpoint(tmp_path / str(type(schedule)), steps=100)
        ev.fit(**settings | {"epochs": 2}, checkpoint=own)
        assert_same(ev.fit(**settings, checkpoint=own, resume=True), ev.fit(**settings))
    settings = BASE | {"schedule": ev.CosineDecay()}
    ev.fit(**settings | {"epochs": 2}, checkpoint=rule)
    with pytest.raises(ConfigurationError) as caught:
        ev.fit(**settings, checkpoint=rule, resume=True)
    assert str(caught.value) == (
        "fit: the schedule depends on the number of epochs, which was 2 and is 4: give epochs=2, "
        "or another folder"
    )
    with pytest.raises(ConfigurationError) as caught:
        ev.fit(**settings | {"epochs": 1}, checkpoint=rule, resume=True)
    assert str(caught.value) == (
        "fit: the checkpoint stands in epoch 2: epochs must be at least that, got 1"
    )


@pytest.mark.parametrize("where", ["steps", "record", "between"])
def test_ctrl_c_writes_one_more(where, tmp_path, monkeypatch):
    """In the middle of an epoch, after one, and during the last checkpoint of one."""
    settings = BASE | {"validation": 0.2, "epochs": 5}
    rule = Checkpoint(tmp_path, steps=1000)
    whole = ev.fit(**settings)
    count = 0

    def stop():
        nonlocal count
        count += 1
        if where == "steps" and count == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return False

    def callback(record):
        if where == "record" and record.epoch == 2:
            os.kill(os.getpid(), signal.SIGINT)

    if where == "steps":  # a step at a time, without a checkpoint at each
        monkeypatch.setattr("evenly.engine.engine._SECONDS_A_CALL", 0.0)
        monkeypatch.setattr("evenly.engine.engine._SECONDS_A_TRIAL", 0.0)
    if where == "between":
        def stop():
            return bool(named(tmp_path))

        rule = Checkpoint(tmp_path, steps=8)  # the last step of an epoch
    model = ev.fit(**settings, checkpoint=rule, stop=stop, callbacks=[callback])
    assert model.history.stopped == "interrupted"
    steps = {"steps": 3, "record": 16, "between": 8}[where]
    assert named(tmp_path)[-1] == f"checkpoint-{model.engine.steps:010d}.evenly"
    assert model.engine.steps == steps
    assert_same(ev.fit(**settings, checkpoint=Checkpoint(tmp_path), resume=True), whole)
