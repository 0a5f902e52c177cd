"""Every row of the tables: the exact message, the status, and what is still there afterwards."""

from __future__ import annotations

import shutil
import sys

import pytest

from . import arguments, arrays, columns, files, streams, system
from .bad import Bad, Child, Shell, make_folder
from .running import observe

ROWS: list[Bad] = [
    row
    for table in (files, columns, arguments, arrays, system, streams)
    for row in table.ROWS
]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pipes, links and bash")


@pytest.fixture(scope="module")
def made_folder(tmp_path_factory):
    """The files that every row finds, made once."""
    folder = tmp_path_factory.mktemp("made")
    make_folder(folder)
    return folder


@pytest.fixture
def here(made_folder, tmp_path, monkeypatch):
    """A copy of them as the working folder."""
    folder = tmp_path / "here"
    shutil.copytree(made_folder, folder)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "80")
    return folder


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name.replace(" ", "-"))
def test_bad_input(row, here):
    seen = observe(row)
    assert not seen.complaints, "\n".join(seen.complaints)


def test_there_are_as_many_rows_as_promised():
    assert len({row.name for row in ROWS}) == len(ROWS) >= 60
    assert sum(isinstance(row, (Child, Shell)) for row in ROWS) >= 20
