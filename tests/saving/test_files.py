"""A file is replaced whole or not at all, and read with suspicion."""

from __future__ import annotations

import errno
import json
import os
import pickle
import stat
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from evenly import files
from evenly.errors import ConfigurationError, FileFormatError
from evenly.files import read_arrays, replace_atomically, write_arrays

ARRAYS = {
    "a": np.arange(6.0).reshape(2, 3), "b": np.array([True, False]), "c": np.float32(1.5),
    "d": np.zeros((0, 3), np.int8), "é": np.arange(4, dtype=">u2"), "f": np.arange(8.0)[::2],
}
TEXT = {"whole": 2**64 - 1, "small": -(2**63), "number": 0.1, "text": "\ud800 é \" \\", "list": []}


def test_arrays_and_text_come_back(tmp_path):
    path = tmp_path / "numbers"
    write_arrays(path, ARRAYS, TEXT)
    arrays, text = read_arrays(path)
    assert text == TEXT
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == np.asarray(array).dtype.newbyteorder("=")
        assert np.array_equal(arrays[name], array)
        assert arrays[name].shape == np.shape(array)
    # Any other reader of the format can open it.
    assert np.array_equal(safetensors.numpy.load_file(path)["a"], ARRAYS["a"])


def test_what_cannot_be_written(tmp_path):
    path = tmp_path / "numbers"
    for arrays, text, words in (
        ({"a": np.array(["x"])}, {}, "'a' must hold numbers"),
        ({"a": np.zeros(2, complex)}, {}, "'a' must hold numbers"),
        ({"__metadata__": np.zeros(2)}, {}, "the format's own"),
        ({}, {"x": float("nan")}, "metadata"),
        ({}, {"x": 2**64}, "more than 64 bits"),
        ({}, {"x": {1, 2}}, "metadata"),
        ({}, {"x": "x" * 2**24}, "put long lists of numbers into arrays"),
        ({}, {"x": [0] * 2**20}, "more than 1,048,576 values"),
        ({}, {"x": json.loads("[" * 300 + "]" * 300)}, "nested more than 256 deep"),
    ):
        with pytest.raises(ConfigurationError, match=words):
            write_arrays(path, arrays, text)
    assert not list(tmp_path.iterdir())


# Replacing ------------------------------------------------------------------------------------


def put(path: Any, data: bytes) -> None:
    replace_atomically(path, lambda file: file.write(data) and None)


class Failing:
    """Raises where one of the steps is."""

    def __init__(self, monkeypatch: Any, step: str, error: BaseException) -> None:
        self.error = error
        if step in ("write", "half"):
            self.step = step
        else:
            self.step = ""
            monkeypatch.setattr(files.os, step, self.fail)

    def fail(self, *args: Any) -> None:
        raise self.error

    def write(self, file: Any) -> None:
        file.write(b"new")
        if self.step == "half":
            file.flush()
        if self.step:
            raise self.error


@pytest.mark.parametrize("step", ["write", "half", "fsync", "replace", "chmod"])
@pytest.mark.parametrize("error", [
    OSError(errno.ENOSPC, "no space left"), KeyboardInterrupt(), MemoryError(),
], ids=["full", "ctrl-c", "memory"])
def test_a_write_that_fails_changes_nothing(step, error, tmp_path, monkeypatch):
    path = tmp_path / "numbers"
    path.write_bytes(b"old")
    with pytest.raises(type(error)):
        replace_atomically(path, Failing(monkeypatch, step, error).write)
    monkeypatch.undo()
    assert os.listdir(tmp_path) == ["numbers"]
    assert path.read_bytes() == b"old"


def test_a_full_disk(tmp_path, monkeypatch):
    """The error of the disk itself, at the last byte."""
    path = tmp_path / "numbers"
    write_arrays(path, ARRAYS, {"old": 1})
    data = path.read_bytes()

    def full(file: Any, given: bytes) -> None:
        file.write(given[: len(given) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files, "_write_all", full)
    with pytest.raises(OSError, match="No space left"):
        write_arrays(path, ARRAYS, {"new": 1})
    assert os.listdir(tmp_path) == ["numbers"]
    assert path.read_bytes() == data


def test_bytes_are_on_the_disk_before_the_name_is(tmp_path, monkeypatch):
    calls: list[str] = []
    for name in ("fsync", "replace"):
        own = getattr(os, name)

        def note(*args: Any, name: str = name, own: Any = own) -> Any:
            folder = name == "fsync" and stat.S_ISDIR(os.fstat(args[0]).st_mode)
            if name == "fsync" and not folder:
                assert os.fstat(args[0]).st_size == 3
            calls.append("folder" if folder else name)
            return own(*args)

        monkeypatch.setattr(files.os, name, note)
    put(tmp_path / "numbers", b"new")
    assert calls == ["fsync", "replace", "folder"]


def test_a_process_that_is_killed_leaves_the_old_file(tmp_path):
    path = tmp_path / "numbers"
    path.write_bytes(b"old")
    code = (
        "import os, sys; from evenly.files import replace_atomically\n"
        "def write(file):\n    file.write(b'new' * 10**6); file.flush(); os._exit(9)\n"
        "replace_atomically(sys.argv[1], write)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert done.returncode == 9
    assert path.read_bytes() == b"old"


def test_permissions_and_links_are_kept(tmp_path):
    path, link = tmp_path / "numbers", tmp_path / "link"
    old = os.umask(0o027)
    try:
        put(path, b"1")
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        path.chmod(0o604)
        link.symlink_to("numbers")
        put(link, b"2")
    finally:
        os.umask(old)
    assert link.is_symlink()
    assert path.read_bytes() == b"2"
    assert stat.S_IMODE(path.stat().st_mode) == 0o604


def test_where_no_file_can_be(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe")
    before = sorted(os.listdir(tmp_path))
    for function in (lambda path: put(path, b"1"), read_arrays):
        with pytest.raises(IsADirectoryError):
            function(tmp_path)
        with pytest.raises(FileNotFoundError):
            function(tmp_path / "none" / "numbers")
        with pytest.raises(OSError, match="not a regular file"):
            function(tmp_path / "pipe")
    with pytest.raises(FileNotFoundError):
        read_arrays(tmp_path / "numbers")
    assert sorted(os.listdir(tmp_path)) == before
    put(tmp_path / "numbers", b"1")
    monkeypatch.setattr(files.os, "access", lambda path, mode: False)  # the tests may run as root
    with pytest.raises(PermissionError):
        put(tmp_path / "numbers", b"2")
    assert (tmp_path / "numbers").read_bytes() == b"1"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path):
    put(tmp_path / "numbers", b"1")
    (tmp_path / "numbers").chmod(0)
    with pytest.raises(PermissionError):
        read_arrays(tmp_path / "numbers")


# Reading --------------------------------------------------------------------------------------


def sealed(header: Any, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def own(**changes: Any) -> dict[str, Any]:
    text = "{}"
    return {"__metadata__": {"evenly": "1", "content": text, "sha256": files._sum(text, {}),
                             **changes}}


def with_text(text: str) -> dict[str, Any]:
    return own(content=text, sha256=files._sum(text, {}))


OTHER = safetensors.numpy.save({"a": np.zeros(3)}, {"format": "pt"})


@pytest.mark.parametrize(("data", "reason"), [
    (b"", "0 bytes are too few"),
    (b"1234567", "7 bytes are too few"),
    (b"PK\x03\x04" + bytes(100), "truncated, or not an Evenly file"),
    ((2**63).to_bytes(8, "little") + b"{}", "truncated, or not an Evenly file"),
    (sealed(b"\xff\xfe"), "not an Evenly file, or damaged"),
    (sealed(b"[" * 100_000), "not an Evenly file, or damaged"),
    (sealed(b"9" * 10_000), "not an Evenly file, or damaged"),
    (sealed([]), "names no version"),
    (sealed({}), "names no version"),
    (sealed({"__metadata__": []}), "names no version"),
    (OTHER, "names no version"),
    (sealed(own(evenly=1)), "names no version"),
    (sealed(own(evenly="2")), "format version '2'; this Evenly reads version 1"),
    (sealed(own(content=None)), "has no 'content'"),
    (sealed(own(sha256=3)), "has no 'sha256'"),
    (sealed(own(sha256="0")), "checksum"),
    (sealed(own(content="{ }")), "checksum"),
    (sealed(own(), b"more"), "damaged"),
    (sealed(own() | {"a": {"dtype": "F64", "shape": [10**12], "data_offsets": [0, 8 * 10**12]}}),
     "damaged"),
    (sealed(own() | {"a": {"dtype": "F64", "shape": [2**62, 4], "data_offsets": [0, 0]}}),
     "damaged"),
    (sealed(own() | {"a": {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}}, b"12"),
     "damaged"),
    (sealed(own() | {"a": {"dtype": "F64", "shape": [0] + [2**40] * 70, "data_offsets": [0, 0]}}),
     "damaged"),
    (sealed(with_text("[]")), "must be a JSON object"),
    (sealed(with_text("{")), "cannot be read"),
    (sealed(with_text('{"a": NaN}')), "NaN is not a finite number"),
    (sealed(with_text('{"a": -Infinity}')), "-Infinity is not a finite number"),
    (sealed(with_text('{"a": 1e999}')), "a number is not finite"),
    (sealed(with_text('{"a": 18446744073709551616}')), "more than 64 bits"),
    (sealed(with_text('{"a": ' + "9" * 10_000 + "}")), "cannot be read"),
    (sealed(with_text('{"a": ' + "[" * 257 + "]" * 257 + "}")), "nested more than 256 deep"),
    (sealed(with_text('{"a": ' + "[" * 100_000 + "}")), "cannot be read"),
    (sealed(with_text('{"a": [' + "0," * 2**20 + "0]}")), "more than 1,048,576 values"),
], ids=lambda v: v if isinstance(v, str) else "")
def test_no_file_of_evenly(data, reason, tmp_path):
    path = tmp_path / "numbers"
    path.write_bytes(data)
    with pytest.raises(FileFormatError) as caught:
        read_arrays(path)
    assert reason in caught.value.reason
    assert caught.value.path == path
    assert str(caught.value).startswith(f"{path}: ")
    twin = pickle.loads(pickle.dumps(caught.value))
    assert (str(twin), twin.reason) == (str(caught.value), caught.value.reason)


def test_a_text_as_it_should_be_is_read(tmp_path):
    """What the table above changes is right before the change."""
    (tmp_path / "numbers").write_bytes(sealed(own()))
    assert read_arrays(tmp_path / "numbers") == ({}, {})


def test_large_files_are_read_where_that_is_allowed(tmp_path):
    path = tmp_path / "numbers"
    write_arrays(path, {"a": np.zeros(1000)}, {})
    with pytest.raises(FileFormatError, match="more than memory=8,000"):
        read_arrays(path, memory=8000)
    read_arrays(path, memory=9000)


def test_a_file_with_a_hole_takes_no_memory(tmp_path):
    """A terabyte that is on no disk."""
    path = tmp_path / "numbers"
    head = sealed(own() | {"a": {"dtype": "U8", "shape": [2**40], "data_offsets": [0, 2**40]}})
    path.write_bytes(head)
    os.truncate(path, len(head) + 2**40)
    with pytest.raises(FileFormatError, match="more than memory="):
        read_arrays(path)
    (tmp_path / "long").write_bytes((2**39).to_bytes(8, "little"))
    os.truncate(tmp_path / "long", 2**40)
    with pytest.raises(FileFormatError, match="a header of 549,755,813,888 bytes"):
        read_arrays(tmp_path / "long")
