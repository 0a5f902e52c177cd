"""The files of checkpoints: damaged, hostile, on a full disk, in a folder that others use."""

import errno
import os
import pickle
import subprocess
import sys
import threading
import warnings

import numpy as np
import pytest

import evenly as ev
from evenly import files
from evenly.errors import CheckpointError, ConfigurationError, FileFormatError
from evenly.training.checkpoints import Checkpoint

from .checkpointing import BASE, assert_same, begun, named


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
    "records": (with_array("steps", np.zeros((3, 6))), "tells of another number of steps"),
    "history": (first_column(7), "its epochs are not counted as epochs are"),
    "infinite": (first_column(np.nan), "its epochs are not counted as epochs are"),
    "columns": (with_array("history", np.zeros((1, 10))), "is of float64 and shape (1, 10)"),
    "whole best": (lambda arrays, content: arrays.update({
        name.replace("weights", "best"): array for name, array in list(arrays.items())
        if name.startswith("weights")}), "early stopping's best weights are there where"),
    "name": (lambda arrays, content: (
        content.update(steps=13), arrays.update(steps=np.zeros((3, 6)))),
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
        content.update(steps=21), arrays.update(steps=np.zeros((11, 6)))))
    with pytest.warns(UserWarning, match="has 11 steps of an epoch of 10 behind it"):
        ev.fit(**BASE, checkpoint=rule, resume=True)


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


def test_a_file_system_without_locks(tmp_path, monkeypatch):
    def none(descriptor):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("evenly.training.folder_lock._lock", none)
    with pytest.warns(UserWarning, match="cannot be locked .No locks available.: see to") as caught:
        ev.fit(**BASE, checkpoint=Checkpoint(tmp_path))
    assert caught[0].filename == __file__
    monkeypatch.setattr("evenly.training.folder_lock._lock", lambda _: os.open("/nowhere", 0))
    with pytest.raises(FileNotFoundError):
        ev.fit(**BASE, checkpoint=Checkpoint(tmp_path), resume=True)


def test_a_folder_with_a_checkpoints_name_is_none(tmp_path):
    (tmp_path / "checkpoint-0000000001.evenly").mkdir()
    whole = ev.fit(**BASE)
    assert_same(ev.fit(**BASE, checkpoint=Checkpoint(tmp_path), resume=True), whole)


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
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    assert (error.path, error.reason) == (path, "No space left on device")
    history = error.model.history
    assert (error.model.engine.steps, history.stopped, len(history)) == (12, "checkpoint", 1)
    assert {p.name for p in tmp_path.iterdir()} == {
        "checkpoint.lock", *(f"checkpoint-{n:010d}.evenly" for n in (3, 6, 9))}
    with warnings.catch_warnings(action="error"):
        assert_same(ev.fit(**BASE, checkpoint=rule, resume=True), whole)
