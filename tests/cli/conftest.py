"""A folder and a terminal for each test of the command line."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

DRAWING = ("report.charts", "report.search_charts", "report.fit_charts", "claims.drawn",
           "claims.page")


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test works in an empty folder, on a terminal of 80 columns."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


@pytest.fixture
def without_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports whose pictures are titles alone: to draw them takes longer than a small study, and
    how they look the tests of `report` and `claims` see."""
    def title_alone(figure: Any, title: str, *_: str) -> str:
        return f"<svg><title>{title}</title></svg>"

    for name in DRAWING:
        monkeypatch.setattr(importlib.import_module(f"evenly.{name}"), "svg", title_alone)
