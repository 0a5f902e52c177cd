"""Many trainings: the same on any backend, kept as they end, resumed, stopped."""

import json
import tempfile
import threading
import time

import pytest

from evenly.errors import BackendError
from evenly.study import StudyError
from evenly.study.cells import Cell, Stopped, Store, run_cells, stopped


def square(number):
    return {"square": number * number}


def slow(number):
    while not stopped():
        time.sleep(0.01)
    raise Stopped


def breaks(number):
    if number == 3:
        raise ValueError("three")
    return square(number)


CELLS = [Cell(f"cell {number}", number) for number in range(12)]


@pytest.mark.parametrize(("jobs", "backend"), [
    (1, "loky"), pytest.param(2, "loky", marks=pytest.mark.sweep), (3, "threading"),
    (2, "multiprocessing")])
def test_any_backend_gives_the_same_in_the_same_order(jobs, backend):
    seen = []
    done = run_cells(square, CELLS, jobs=jobs, backend=backend, on_done=seen.append)
    assert list(done.values) == [cell.key for cell in CELLS]
    assert [value["square"] for value in done.values.values()] == [n * n for n in range(12)]
    assert sorted(cell.asks for cell in seen) == list(range(12))
    assert not done.interrupted


def test_a_backend_that_does_not_exist_is_named():
    with pytest.raises(BackendError, match=r"backend: Invalid backend: nowhere"):
        run_cells(square, CELLS, jobs=2, backend="nowhere")


def test_what_still_runs_hears_of_an_error(monkeypatch):
    heard = threading.Event()

    def task(number):
        if number == 0:
            raise ValueError("nought")
        while not stopped():
            time.sleep(0.01)
        heard.set()
        raise Stopped

    with pytest.raises(ValueError, match="nought"):
        run_cells(task, CELLS[:2], jobs=2, backend="threading")
    assert heard.wait(60)


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_an_error_of_a_task_comes_out(backend):
    with pytest.raises(ValueError, match="three"):
        run_cells(breaks, CELLS, jobs=2, backend=backend)


@pytest.mark.parametrize(("jobs", "backend"), [(1, "threading"), (2, "threading"), (2, "loky")])
def test_a_stop_ends_what_runs(jobs, backend, tmp_path, monkeypatch):
    # Where its flag is for a while.
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    stop = threading.Event()
    threading.Timer(1.0, stop.set).start()
    done = run_cells(slow, CELLS, jobs=jobs, backend=backend, stop=stop)
    assert done.interrupted
    assert done.values == {}
    assert not list(tmp_path.iterdir())


def test_what_has_ended_is_kept_and_not_run_again(tmp_path):
    path = tmp_path / "runs.jsonl"
    run_cells(square, CELLS[:5], store=Store(path, "a", resume=False))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines[0] == {"evenly study": "a"}
    assert [line["key"] for line in lines[1:]] == [cell.key for cell in CELLS[:5]]
    ran = []

    def noted(number):
        ran.append(number)
        return square(number)

    seen = []
    done = run_cells(noted, CELLS, store=Store(path, "a", resume=True), on_done=seen.append)
    assert ran == list(range(5, 12))
    assert len(seen) == 12
    assert [value["square"] for value in done.values.values()] == [n * n for n in range(12)]
    assert len(path.read_text().splitlines()) == 13


def test_half_a_line_of_whoever_was_killed_is_left_out(tmp_path):
    path = tmp_path / "runs.jsonl"
    run_cells(square, CELLS[:5], store=Store(path, "a", resume=False))
    path.write_text(path.read_text()[:-9])
    store = Store(path, "a", resume=True)
    assert list(store.found) == [cell.key for cell in CELLS[:4]]
    run_cells(square, CELLS, store=store)
    assert len(path.read_text().splitlines()) == 13


@pytest.mark.parametrize(("text", "says"), [
    ('{"evenly study": "b"}\n', "holds the runs of another design"),
    ("hello\n", "is no record of a study"), ("", "is no record of a study"),
    ("[1]\n", "is no record of a study"), ("\x00\xff", "is no record of a study"),
])
def test_a_file_that_is_of_something_else_is_not_resumed(tmp_path, text, says):
    path = tmp_path / "runs.jsonl"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(StudyError, match=says):
        Store(path, "a", resume=True)
    assert path.read_text(encoding="latin-1") == text


def test_nothing_to_resume_is_said(tmp_path):
    with pytest.raises(StudyError, match=r"runs\.jsonl: cannot be resumed: No such file"):
        Store(tmp_path / "runs.jsonl", "a", resume=True)


def test_a_place_that_cannot_be_written_is_said(tmp_path):
    with pytest.raises(StudyError, match=r"cannot be written: No such file"):
        Store(tmp_path / "nowhere" / "runs.jsonl", "a", resume=False)


def test_lines_that_hold_something_else_are_not_taken(tmp_path):
    path = tmp_path / "runs.jsonl"
    path.write_text('{"evenly study": "a"}\n{"key": 1, "values": {}}\n{"key": "cell 0"}\n[]\n'
                    '{"key": "cell 1", "values": {"square": 1}}\n')
    assert Store(path, "a", resume=True).found == {"cell 1": {"square": 1}}
