from __future__ import annotations

import os
from pathlib import Path

import pytest

from evenly.report import ReportError, check_folder, write_folder

CONTENTS = {"report.html": "<p>ü</p>\n", "results.csv": "a,b\n", "history.jsonl": "{}\n"}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_new_folder_holds_the_files_and_nothing_else(tmp_path: Path) -> None:
    write_folder(tmp_path / "a" / "b", CONTENTS, force=False)
    assert names(tmp_path / "a") == ["b"]
    assert names(tmp_path / "a" / "b") == sorted(CONTENTS)
    assert (tmp_path / "a" / "b" / "report.html").read_bytes() == "<p>ü</p>\n".encode()
    # Others may read it, as with any folder that is made.
    made = tmp_path / "plain"
    made.mkdir()
    assert (tmp_path / "a" / "b").stat().st_mode == made.stat().st_mode


def test_an_existing_folder_needs_force(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    with pytest.raises(ReportError) as caught:
        write_folder(out, CONTENTS, force=False)
    assert str(caught.value) == (
        f"{out}: exists: say --force to replace the report in it, or name another --out"
    )
    assert names(out) == ["mine.txt"]


def test_force_replaces_the_report_and_leaves_other_files(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    (out / "report.html").write_text("old")
    write_folder(out, CONTENTS, force=True)
    assert names(out) == sorted([*CONTENTS, "mine.txt"])
    assert (out / "report.html").read_text(encoding="utf-8") == CONTENTS["report.html"]
    assert (out / "mine.txt").read_text() == "mine"


def test_a_failure_half_way_puts_the_old_files_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    write_folder(out, dict.fromkeys(CONTENTS, "old"), force=False)
    rename = Path.rename

    def fail(self: Path, target: Path) -> Path:
        if target == out / "history.jsonl" and self.parent.name != "old":
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(ReportError, match="cannot be written: No space left on device"):
        write_folder(out, CONTENTS, force=True)
    assert names(out) == sorted(CONTENTS)
    assert {(out / name).read_text() for name in CONTENTS} == {"old"}


def test_a_failure_in_a_new_folder_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_text = Path.write_text

    def fail(self: Path, *args: str, **options: str) -> int:
        if self.name == "history.jsonl":
            raise OSError(28, "No space left on device")
        return write_text(self, *args, **options)

    monkeypatch.setattr(Path, "write_text", fail)
    with pytest.raises(ReportError):
        write_folder(tmp_path / "a" / "out", CONTENTS, force=False)
    assert names(tmp_path) == []


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    for out, text in (
        (tmp_path / "out", "is a file, expects a folder"),
        (tmp_path / "out" / "below", "cannot be written: Not a directory"),
    ):
        with pytest.raises(ReportError, match=text):
            check_folder(out, force=True)
    assert names(tmp_path) == ["out"]


def test_a_folder_in_the_place_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "out" / "report.html").mkdir(parents=True)
    with pytest.raises(ReportError, match=r"report.html: is a folder, expects a file"):
        check_folder(tmp_path / "out", force=True)


def test_a_link_that_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "out").symlink_to(tmp_path / "gone")
    with pytest.raises(ReportError, match="is a link that leads nowhere"):
        check_folder(tmp_path / "out", force=True)


@pytest.mark.skipif(getattr(os, "geteuid", lambda: 0)() == 0, reason="nothing is forbidden to root")
def test_a_folder_without_the_right_to_write(tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(ReportError, match="cannot be written: Permission denied"):
        check_folder(tmp_path / "locked" / "out", force=False)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that takes no files")
def test_a_place_that_takes_no_files() -> None:
    with pytest.raises(ReportError, match=r"/proc/evenly-out: cannot be written"):
        check_folder(Path("/proc/evenly-out"), force=False)


def test_checking_leaves_nothing_behind(tmp_path: Path) -> None:
    check_folder(tmp_path / "a" / "b", force=False)
    assert names(tmp_path) == []
