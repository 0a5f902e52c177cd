"""Progress and Ctrl-C of a long command, apart from any command."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from evenly.cli.running import cores, ctrl_c, progress


def test_off_a_terminal_nothing_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with progress(2) as (advance, say, end):
        advance("plain", 0)
        end()
    assert capsys.readouterr() == ("", "")
    with progress(2) as (_, say, _):
        say("a line")
    assert capsys.readouterr().err == "a line\n"


def test_the_first_ctrl_c_asks_and_the_signal_is_given_back() -> None:
    before, stop, said = signal.getsignal(signal.SIGINT), threading.Event(), []
    with ctrl_c(stop, said.append, lambda: None):
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.wait(5)
    assert said == ["evenly: stopping: what has finished is kept; Ctrl-C again stops at once"]
    assert signal.getsignal(signal.SIGINT) is before


def test_another_thread_leaves_signals_alone() -> None:
    seen = []

    def work() -> None:
        with ctrl_c(threading.Event(), print, lambda: None):
            seen.append(signal.getsignal(signal.SIGINT))

    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]


def test_cores_are_those_of_the_process() -> None:
    assert 1 <= cores() <= (os.cpu_count() or 1)
