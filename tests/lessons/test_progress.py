"""What is kept of lessons: where, whole or not at all, and never over what was not understood."""

import json
import os

import pytest

from evenly.errors import FileFormatError
from evenly.lessons.progress import Book, Kept, Progress, place, read, write

DONE = Progress({"dropout": ("read leaving-out",)}, {"dropout-gap": Kept("holds", "It is.", "x 1")})
WHOLE = json.dumps({"evenly": "lessons", "version": 1, "done": {}, "studies": {}})


@pytest.fixture
def path(tmp_path):
    return tmp_path / "evenly" / "lessons.json"


def test_where_it_is_kept(tmp_path, monkeypatch):
    assert place({"XDG_DATA_HOME": str(tmp_path)}) == tmp_path / "evenly" / "lessons.json"
    monkeypatch.setenv("HOME", str(tmp_path))
    own = tmp_path / ".local" / "share" / "evenly" / "lessons.json"
    assert place({}) == place({"XDG_DATA_HOME": ""}) == place({"XDG_DATA_HOME": "a/b"}) == own
    monkeypatch.setattr("sys.platform", "win32")
    assert place({"LOCALAPPDATA": str(tmp_path / "local")}) \
        == tmp_path / "local" / "evenly" / "lessons.json"


def test_what_is_written_is_read(path):
    assert read(path) == Progress()
    write(path, DONE)
    assert read(path) == DONE
    assert [file.name for file in path.parent.iterdir()] == ["lessons.json"]


def test_a_write_that_fails_leaves_the_old_file(path, monkeypatch):
    write(path, DONE)
    before = path.read_bytes()

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write(path, Progress())
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["lessons.json"]


@pytest.mark.parametrize(("content", "why"), [
    (b"", "Expecting value"), (b"{", "Expecting"), (b"\xff\xfe", "decode"), (b"[]", "does not say"),
    (b'{"evenly": "model"}', "does not say"), (b"[" * 100_000, "recursion"),
    (WHOLE.replace("1", "2").encode(), "version 2"), (b" " * 2**20 + b"1", "more than 1,048,576"),
    (WHOLE.replace('"done": {}', '"done": []').encode(), "fields"),
    (WHOLE.replace('"done": {}', '"done": {"dropout": [1]}').encode(), "expects text"),
    (WHOLE.replace('"done": {}', '"done": {"dropout": "all"}').encode(), "expects text"),
    (WHOLE.replace('"done": {}', '"done": 3').encode(), "fields"),
    (WHOLE.replace('"done": {}, ', "").encode(), "fields"),
    (WHOLE.replace('"studies": {}', '"studies": {"l2-gap": {"verdict": "holds"}}').encode(),
     "fields"),
    (WHOLE.replace('"studies": {}', '"studies": {"l2-gap": "holds"}').encode(), "fields"),
])
def test_a_file_that_is_not_understood_is_told_and_left(path, content, why):
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match=why):
        read(path)
    said = []
    book = Book(path, said.append)
    book.change(lambda own: own.with_done("dropout", "read leaving-out"))
    assert book.progress.has("dropout", "read leaving-out")
    assert len(said) == 1
    assert str(path) in said[0]
    assert "progress is not kept" in said[0]
    assert path.read_bytes() == content


def test_a_folder_in_the_files_place(path):
    path.mkdir(parents=True)
    with pytest.raises(FileFormatError, match="is no file"):
        read(path)


@pytest.mark.parametrize("inside", [True, False])
def test_a_folder_that_cannot_be_written_is_told_once(tmp_path, inside):
    """A file stands where the folder should be: also where one may write everywhere."""
    place = tmp_path / "evenly"
    place.write_text("mine")
    said = []
    book = Book(place / "lessons.json" if inside else place / "a" / "lessons.json", said.append)
    for key in ("a", "b"):
        book.change(lambda own, key=key: own.with_done("dropout", key))
    assert len(said) == 1
    assert "XDG_DATA_HOME" in said[0]
    assert book.progress.done == {"dropout": ("a", "b")}
    assert place.read_text() == "mine"


def test_two_terminals_keep_both(path):
    first, second = (Book(path, pytest.fail) for _ in range(2))
    first.change(lambda own: own.with_done("dropout", "a"))
    second.change(lambda own: own.with_done("dropout", "b"))
    second.change(lambda own: own.with_done("dropout", "b"))
    assert read(path).done == {"dropout": ("a", "b")}
    first.change(lambda own: own.without("dropout"))
    assert read(path).done == {}


def test_a_file_that_breaks_between_is_left(path):
    said = []
    book = Book(path, said.append)
    book.change(lambda own: own.with_done("dropout", "a"))
    path.write_text("{")
    book.change(lambda own: own.with_done("dropout", "b"))
    assert path.read_text() == "{"
    assert len(said) == 1


def test_steps_of_a_newer_version_stay(path):
    write(path, Progress({"future": ("read more",), "dropout": ("read another",)}))
    Book(path, pytest.fail).change(lambda own: own.with_done("dropout", "a"))
    assert read(path).done == {"future": ("read more",), "dropout": ("read another", "a")}
