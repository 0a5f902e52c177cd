"""Checkpoints: what they hold, when they are written, and what comes of resuming."""

import errno
import os
import signal
import subprocess
import sys
import threading
import warnings
from dataclasses import dataclass

import numpy as np
import pytest

import evenly as ev
from evenly import files
from evenly.engine import kept_buffers
from evenly.errors import CheckpointError, ConfigurationError, DataError, FileFormatError
from evenly.training import sources, training_set
from evenly.training.checkpoints import Checkpoint
from evenly.training.parquet import ParquetRows
from evenly.training.streams import Batches

LOSS = ev.SoftmaxCrossEntropy()
RNG = np.random.default_rng(3)
X = RNG.standard_normal((101, 5)).astype(np.float32)
Y = (X[:, 0] * X[:, 1] + 0.3 * RNG.standard_normal(101) > 0).astype(int)
VALUES = X[:, :2] @ [1.0, -2.0] + 0.1 * RNG.standard_normal(101)
WEIGHTS = RNG.uniform(0.5, 2, 101)
SEQUENCES = RNG.standard_normal((48, 7, 3)).astype(np.float32)
LENGTHS = RNG.integers(1, 8, 48)
SIGNS = (SEQUENCES[:, 0, 0] > 0).astype(int)
NET = ev.Sequential([ev.Dense(8), ev.BatchNorm(), ev.ReLU(), ev.Dropout(0.3), ev.Dense(2)])
BASE = {"net": NET, "x": X, "y": Y, "loss": LOSS, "optimizer": ev.Adam(0.01), "epochs": 4,
        "batch": 10, "seed": 7, "progress": False}


@dataclass(frozen=True)
class Square(ev.Layer):
    """A layer without a kernel."""

    name: str | None = None

    def forward(self, x, arrays, run):
        return x * x, x

    def backward(self, d_y, arrays, x, run):
        return 2 * x * d_y, {}


class Killed(BaseException):
    """Stands for a kill: nothing more is written."""


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


def assert_same(model, other, engine=True):
    for name, array in model.weights.items():
        assert array.tobytes() == other.weights[name].tobytes(), name
    if engine:
        assert model.engine.steps == other.engine.steps
        for name in kept_buffers(model.engine.program).values():
            a, b = (m.engine.buffer(name) for m in (model, other))
            assert a.tobytes() == b.tobytes(), name
    assert model.history.stopped == other.history.stopped
    assert model.history.best_epoch == other.history.best_epoch
    assert [plain(r) for r in model.history] == [plain(r) for r in other.history]


def plain(record):
    """A record but for its time; NaN is equal to itself."""
    return repr([v for k, v in vars(record).items() if k != "seconds"])


def named(folder):
    return sorted(path.name for path in folder.glob("checkpoint-*"))


def batches():
    for start in range(0, 101, 17):
        yield X[start : start + 17], Y[start : start + 17]


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
    "stateful": {"net": LSTM, "x": SEQUENCES, "y": SIGNS, "shuffle": False, "batch": 8},
    "lengths": {"net": READ, "x": SEQUENCES, "y": SIGNS, "lengths": LENGTHS},
    "sparse": {"x": sparse},
    "mapped": {"x": mapped, "sample_weight": WEIGHTS},
    "batches": {"x": Batches(batches), "y": None, "shuffle_buffer": 30},
    "counted batches": {"x": Batches(batches, rows=101), "y": None, "schedule": ev.CosineDecay(),
                        "validation": Batches(batches), "early_stopping": ev.EarlyStopping(9)},
    "weighted batches": {"x": Batches(values), "y": None, "loss": ev.MeanSquaredError(),
                         "net": ev.Sequential([ev.Dense(4), ev.Tanh(), ev.Dense(1)])},
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


@pytest.mark.parametrize("every", [{"steps": 1}, {"steps": 4}, {"steps": 1000}, {"minutes": 1e-9}])
def test_checkpoints_change_nothing(every, tmp_path):
    whole = ev.fit(**BASE)
    assert_same(ev.fit(**BASE, checkpoint=Checkpoint(tmp_path, **every)), whole)


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


# Ends ---------------------------------------------------------------------------------------------


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
    steps = {"steps": 2, "record": 16, "between": 8}[where]
    assert named(tmp_path)[-1] == f"checkpoint-{model.engine.steps:010d}.evenly"
    assert model.engine.steps == steps or where == "steps"
    assert_same(ev.fit(**settings, checkpoint=Checkpoint(tmp_path), resume=True), whole)


# Files --------------------------------------------------------------------------------------------


def begun(folder, steps=3, **more):
    """A folder with checkpoints 6, 9 and 12 of a training that was killed, ten steps an epoch."""
    def stop():
        if any(name >= "checkpoint-0000000012.evenly" for name in named(folder)):
            raise Killed
        return False

    with pytest.raises(Killed):
        ev.fit(**BASE | more, checkpoint=Checkpoint(folder, steps=steps), stop=stop)
    if steps == 3:
        assert named(folder) == [f"checkpoint-{n:010d}.evenly" for n in (6, 9, 12)]
    return Checkpoint(folder, steps=steps)


def test_a_damaged_one_is_set_aside(tmp_path):
    whole = ev.fit(**BASE)
    rule = begun(tmp_path)
    newest = tmp_path / named(tmp_path)[-1]
    older = named(tmp_path)[-2]
    newest.write_bytes(newest.read_bytes()[:-5])
    with pytest.warns(UserWarning, match="Training goes on") as caught:
        model = ev.fit(**BASE, checkpoint=rule, resume=True)
    assert len(caught) == 1
    text = str(caught[0].message)
    assert text.startswith(f"fit: {newest}: ")
    assert text.endswith(f"Training goes on from {older}, and the file is now "
                         f"{newest.name}.damaged")
    assert caught[0].filename == __file__
    assert (tmp_path / f"{newest.name}.damaged").exists()
    assert_same(model, whole)


def test_none_is_whole(tmp_path):
    rule = begun(tmp_path)
    for name in named(tmp_path):
        (tmp_path / name).write_bytes(b"")
    before = named(tmp_path)
    with pytest.raises(FileFormatError, match=rf"none of its {len(before)} checkpoints is whole; "
                       rf"the newest: .*{before[-1]}: .* Give another folder to begin anew"):
        ev.fit(**BASE, checkpoint=rule, resume=True)
    assert named(tmp_path) == before


def test_a_folder_that_holds_checkpoints_is_not_begun_in(tmp_path):
    begun(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(ConfigurationError) as caught:
        ev.fit(**BASE, checkpoint=Checkpoint(tmp_path))
    newest = named(tmp_path)[-1]
    assert str(caught.value) == (
        f"fit: {tmp_path} holds checkpoints, the newest is {newest}: give resume=True to go on "
        "from it, or another folder"
    )
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    place = tmp_path / "file"
    place.write_text("")
    with pytest.raises(ConfigurationError, match="is a file, not a folder"):
        ev.fit(**BASE, checkpoint=Checkpoint(place))


CHANGES = {
    "seed": ({"seed": 8}, "seed was 7 and is 8"),
    "batch": ({"batch": 11}, "batch was 10 and is 11"),
    "optimizer": ({"optimizer": ev.SGD(0.01)}, "optimizer was Adam("),
    "net": ({"net": ev.Sequential([ev.Dense(9), *NET.layers[1:]])},
            "net was Sequential(layers=(Dense(units=8, bias=True, kernel_init=HeN... and is "
            "Sequential(layers=(Dense(units=9, bias=True, kernel_init=HeN..."),
    "loss": ({"loss": ev.SoftmaxCrossEntropy(label_smoothing=0.1)}, "loss was "),
    "schedule": ({"schedule": ev.CosineDecay()}, "schedule was None and is CosineDecay("),
    "penalty": ({"penalty": ev.L2(0.1)}, "penalty was None and is L2("),
    "clip": ({"clip": ev.ClipGlobalNorm(1.0)}, "clip was None and is ClipGlobalNorm("),
    "augment": ({"augment": ev.Mixup(0.2)}, "augment was None and is Mixup("),
    "dtype": ({"dtype": "float64"}, "dtype was 'float32' and is 'float64'; data was float32"),
    "shuffle": ({"shuffle": False}, "shuffle was True and is False"),
    "inputs": ({"x": X + (np.arange(101) == 50)[:, None]},
               "data was float32 of shape (101, 5), sha256 "),
    "targets": ({"y": 1 - Y}, "data was float32 of shape (101, 5), sha256 "),
    "sample_weight": ({"sample_weight": WEIGHTS}, "data was float32 of shape (101, 5), sha256 "),
    "stream": ({"x": Batches(batches), "y": None}, "data was float32 of shape (101, 5), sha256 "),
    "validation": ({"validation": (X, Y)},
                   "validation was None and is float32 of shape (101, 5), sha256 "),
    "early_stopping": ({"validation": (X, Y), "early_stopping": ev.EarlyStopping(3)},
                       "early_stopping was None and is EarlyStopping("),
    "constraint": ({"constraint": ev.MaxNorm(2.0)}, "constraint was None and is MaxNorm("),
}


@pytest.mark.parametrize("change", CHANGES)
def test_another_training_is_refused(change, tmp_path):
    begun(tmp_path)
    before = named(tmp_path)
    settings, words = CHANGES[change]
    with pytest.raises(ConfigurationError) as caught:
        ev.fit(**BASE | settings, checkpoint=Checkpoint(tmp_path), resume=True)
    text = str(caught.value)
    assert text.startswith(f"fit: {tmp_path / before[-1]} is a checkpoint of another training: "
                           f"{words}")
    assert text.endswith(". Give what it was begun with, or another folder")
    assert named(tmp_path) == before


def test_long_settings_that_differ_far_behind_are_told_apart():
    from evenly.training.run_settings import as_text, differences

    a = 1 + np.random.default_rng(0).random(3000)
    b = a.copy()
    b[2500] = np.nextafter(b[2500], 9)
    words = differences({"x": as_text(a)}, {"x": as_text(b)})
    assert repr(float(a[2500])) in words
    assert repr(float(b[2500])) in words
    assert len(words) < 200
    assert differences({"f": as_text(lambda: 1)}, {"f": as_text(lambda: 2)}) == ""


@pytest.mark.parametrize(("made", "message"), [
    ({"folder": ""}, "Checkpoint: folder must be a path, got ''"),
    ({"folder": 3}, "Checkpoint: folder must be a path, got 3"),
    ({"steps": 0}, "Checkpoint: steps must be a whole number >= 1, or None, got 0"),
    ({"steps": 1.5}, "Checkpoint: steps must be a whole number >= 1, or None, got 1.5"),
    ({"minutes": 0}, "Checkpoint: minutes must be a number > 0, or None, got 0"),
    ({"minutes": float("nan")}, "Checkpoint: minutes must be a number > 0, or None, got nan"),
    ({"minutes": True}, "Checkpoint: minutes must be a number > 0, or None, got True"),
    ({"steps": 3, "minutes": 2}, "Checkpoint: give steps or minutes, not both, got (3, 2)"),
    ({"keep": 0}, "Checkpoint: keep must be at least 1, got 0"),
    ({"keep": 1.0}, "Checkpoint: keep must be a whole number, got 1.0"),
])
def test_wrong_settings(made, message):
    with pytest.raises(ConfigurationError) as caught:
        Checkpoint(**{"folder": "here"} | made)
    assert str(caught.value) == message


@pytest.mark.parametrize(("given", "message"), [
    ({"resume": True},
     "fit: resume=True goes on from a checkpoint: give checkpoint=Checkpoint(folder)"),
    ({"resume": "auto"}, "fit: resume must be True or False, got 'auto'"),
    ({"checkpoint": "here"},
     "fit: checkpoint must be a Checkpoint, got 'here': Checkpoint(folder), say"),
])
def test_wrong_arguments(given, message):
    with pytest.raises(ConfigurationError) as caught:
        ev.fit(**BASE, **given)
    assert str(caught.value) == message


def edited(path, edit):
    """A checkpoint that says something else, with a right checksum."""
    arrays, content = files.read_arrays(path)
    edit(arrays, content)
    files.write_arrays(path, arrays, content)


def first_column(values):
    def edit(arrays, content):
        arrays["history"][:, 0] = values
    return edit


def without(key):
    return lambda arrays, content: arrays.pop(key)


def telling(**told):
    return lambda arrays, content: content.update(told)


def with_array(key, value):
    return lambda arrays, content: arrays.update({key: value})


LIES = {
    "kind": (telling(kind="Model"), "no checkpoint of a training"),
    "version": (telling(version=2), "a checkpoint of version 2; this Evenly reads version 1"),
    "settings": (telling(settings=[1]), "tells no settings of its training"),
    "setting": (telling(settings={"net": 3}), "tells no settings of its training"),
    "steps": (telling(steps=-1), "does not say its number of steps"),
    "truth": (telling(epochs=True), "does not say its number of epochs"),
    "count": (telling(steps=13), "tells of another number of steps than its records have"),
    "seconds": (telling(seconds="long"), "does not say how long its training took"),
    "ended": (telling(ended="tired"), "does not say whether its training is over"),
    "over": (telling(ended="callback"), "tells of more than its training was to have"),
    "epochs": (telling(epochs=1), "tells of more than its training was to have"),
    "no weights": (without("weights/dense_1.kernel"), "lacks the array 'weights/dense_1.kernel'"),
    "no state": (without("state_2/dense_1.bias"), "lacks the array 'state_2/dense_1.bias'"),
    "shape": (with_array("weights/dense_1.bias", np.zeros(9, np.float32)),
              "the array 'weights/dense_1.bias' is of float32 and shape (9,), which its training's "
              "is not"),
    "type": (with_array("weights/dense_1.bias", np.zeros(8)), "is of float64 and shape (8,)"),
    "axes": (with_array("steps", np.zeros(5)), "is of float64 and shape (5,)"),
    "more": (with_array("other", np.zeros(5)), "holds the array 'other', which is nobody's"),
    "best": (with_array("best/dense_1.bias", np.zeros(8, np.float32)),
             "lacks the array 'best/dense_1.kernel'"),
    "records": (with_array("steps", np.zeros((3, 5))), "tells of another number of steps"),
    "history": (first_column(7), "its epochs are not counted as epochs are"),
    "infinite": (first_column(np.nan), "its epochs are not counted as epochs are"),
    "columns": (with_array("history", np.zeros((1, 10))), "is of float64 and shape (1, 10)"),
    "whole best": (lambda arrays, content: arrays.update({
        name.replace("weights", "best"): array for name, array in list(arrays.items())
        if name.startswith("weights")}), "early stopping's best weights are there where"),
    "name": (lambda arrays, content: (
        content.update(steps=13), arrays.update(steps=np.zeros((3, 5)))),
        "stands at step 13, and its name says other"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_hostile_file_is_damaged(lie, tmp_path):
    rule = begun(tmp_path)
    edit, words = LIES[lie]
    for name in named(tmp_path)[:-1]:
        (tmp_path / name).unlink()
    newest = tmp_path / named(tmp_path)[-1]
    edited(newest, edit)
    with pytest.raises(FileFormatError) as caught:
        ev.fit(**BASE, checkpoint=rule, resume=True)
    assert words in str(caught.value)


def test_more_steps_than_an_epoch_has(tmp_path):
    rule = begun(tmp_path)
    newest = tmp_path / named(tmp_path)[-1]
    edited(newest, lambda arrays, content: (
        content.update(steps=21), arrays.update(steps=np.zeros((11, 5)))))
    with pytest.warns(UserWarning, match="has 11 steps of an epoch of 10 behind it"):
        ev.fit(**BASE, checkpoint=rule, resume=True)


# The folder ---------------------------------------------------------------------------------------


def test_what_a_killed_one_left_is_removed_and_nothing_else(tmp_path):
    rule = begun(tmp_path)
    others = [".evenly-0123456789abcdef.tmp", "checkpoint-1.evenly", "notes.txt", ".evenly-x.tmp",
              "checkpoint-0000000001.evenly.damaged"]
    for name in [*others, ".evenly-checkpoint.tmp"]:
        (tmp_path / name).write_text("x")
    ev.fit(**BASE, checkpoint=rule, resume=True)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {*others, "checkpoint.lock", *(
        f"checkpoint-{n:010d}.evenly" for n in (36, 39, 40))}


def test_two_in_one_folder(tmp_path):
    rule = Checkpoint(tmp_path, steps=3)
    refused = []

    def second(record):
        def other():
            try:
                ev.fit(**BASE, checkpoint=rule, resume=True)
            except ConfigurationError as error:
                refused.append(str(error))

        thread = threading.Thread(target=other)
        thread.start()
        thread.join()

    ev.fit(**BASE | {"epochs": 1}, checkpoint=rule, callbacks=[second])
    words = (f"fit: another training that is running keeps its checkpoints in {tmp_path}: wait for "
             "its end, or give another folder")
    assert refused == [words]
    child = (
        "import sys\n"
        "from evenly.training.folder_lock import FolderLock\n"
        "with FolderLock(sys.argv[1]):\n"
        "    print('has it', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    with subprocess.Popen([sys.executable, "-c", child, str(tmp_path)], text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == "has it\n"
        with pytest.raises(ConfigurationError) as caught:
            ev.fit(**BASE, checkpoint=rule, resume=True)
        assert str(caught.value) == words
        process.stdin.close()
    ev.fit(**BASE, checkpoint=rule, resume=True)  # and nothing stays locked


@pytest.mark.parametrize(("call", "number"), [("write", 4), ("fsync", 7), ("replace", 4)])
def test_a_full_disk(call, number, tmp_path, monkeypatch):
    whole = ev.fit(**BASE)
    rule = Checkpoint(tmp_path, steps=3)

    calls = 0

    def full(*arguments):
        nonlocal calls
        calls += 1
        if calls == number:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(*arguments)

    place, name = (files, "_write_all") if call == "write" else (os, call)
    real = getattr(place, name)
    with monkeypatch.context() as patch:
        patch.setattr(place, name, full)
        with pytest.raises(CheckpointError) as caught:
            ev.fit(**BASE, checkpoint=rule)
    error = caught.value
    path = tmp_path / "checkpoint-0000000012.evenly"
    assert str(error) == (
        f"the checkpoint {path} cannot be written: No space left on device. Those before it are "
        "whole, and the model as it is now is in error.model: make room, and go on with resume=True"
    )
    assert isinstance(error, OSError)
    assert isinstance(error.__cause__, OSError)
    assert (error.path, error.reason) == (path, "No space left on device")
    history = error.model.history
    assert (error.model.engine.steps, history.stopped, len(history)) == (12, "checkpoint", 1)
    assert {p.name for p in tmp_path.iterdir()} == {
        "checkpoint.lock", *(f"checkpoint-{n:010d}.evenly" for n in (3, 6, 9))}
    with warnings.catch_warnings(action="error"):
        assert_same(ev.fit(**BASE, checkpoint=rule, resume=True), whole)


def test_a_stream_of_other_rows_is_refused_where_it_can_be_known(tmp_path):
    there = list(batches())
    settings = BASE | {"x": Batches(lambda: iter(there)), "y": None}
    rule = begun(tmp_path, **settings)
    there[:] = [(X[:4], Y[:4])]
    with pytest.raises(ConfigurationError, match=r"data was .*rows=None.*rows=101"):
        ev.fit(**settings | {"x": Batches(settings["x"].source, rows=101)}, checkpoint=rule,
               resume=True)
    with pytest.raises(DataError, match=r"has 4 rows, fewer than it had .* after 2 batches of 10"):
        ev.fit(**settings, checkpoint=rule, resume=True)
