"""A program ends with the status that it said, whatever its threads were at."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent / "process_end.py"
WORK = ["fit", "stream", "predict", "small_predict", "evaluate", "gradients", "partial_fit",
        "steps"]
# Calls of one batch, as small_predict and steps; epochs, as fit.
ALIKE = ["predict", "evaluate", "gradients", "partial_fit"]
TIMES = 3  # at once: they then have too few processors, which ends threads in more places


def waits(run, moment=0.3):
    """Returns when the main thread of a program has waited for something for a moment.

    A signal just before a thread begins to wait does not end the waiting: Python looks at what
    came before it waits, and not between that and the waiting. A thread that lacks the interpreter
    lock, or a processor, does not sleep so long."""
    status = Path(f"/proc/{run.pid}/task/{run.pid}/status")
    if not status.exists():
        time.sleep(5 * moment)
        return
    since, before = time.monotonic(), ""
    while run.poll() is None and time.monotonic() - since < moment:
        time.sleep(0.01)
        fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
        now = fields["State"] + fields["voluntary_ctxt_switches"]
        if now != before or "sleeping" not in now:
            since, before = time.monotonic(), now


def ends(work, end, send=None, ready=b"started", times=TIMES):
    """Statuses and what was said on standard error, of some runs at once."""
    command = [sys.executable, str(PROGRAM), work, end]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    runs = [subprocess.Popen(command, **pipes) for _ in range(times)]
    try:
        for run in runs:
            while (line := run.stdout.readline()).strip() != ready:
                assert line, run.stderr.read().decode()
        if send is not None:
            for run in runs:
                if end != "handler":
                    waits(run)
                run.send_signal(send)
        said = [run.communicate(timeout=60)[1].decode() for run in runs]
    finally:
        for run in runs:
            run.kill()
            run.wait()
            run.stdout.close()
            run.stderr.close()
    return [run.returncode for run in runs], said


@pytest.mark.parametrize("work", [
    pytest.param(work, marks=[pytest.mark.sweep] * (work in ALIKE)) for work in WORK])
def test_exit(work):
    statuses, said = ends(work, "exit")
    assert statuses == [3] * TIMES, said
    assert said == [""] * TIMES


@pytest.mark.sweep
@pytest.mark.parametrize("work", ["fit", "predict", "small_predict"])
def test_exit_of_a_busy_main_thread(work):
    statuses, said = ends(work, "busy")
    assert statuses == [3] * TIMES, said
    assert said == [""] * TIMES


@pytest.mark.sweep
@pytest.mark.parametrize("work", ["fit", "predict"])
def test_end_of_the_program(work):
    statuses, said = ends(work, "end")
    assert statuses == [0] * TIMES, said
    assert said == [""] * TIMES


@pytest.mark.sweep
def test_error():
    statuses, said = ends("fit", "error")
    assert statuses == [1] * TIMES, said
    assert all(text.endswith("RuntimeError: of the program\n") for text in said)
    assert not any("terminate" in text for text in said)


@pytest.mark.parametrize("work", ["fit", "stream",
                                  pytest.param("predict", marks=pytest.mark.sweep)])
def test_ctrl_c_while_the_main_thread_waits(work):
    statuses, said = ends(work, "wait", signal.SIGINT)
    assert statuses == [-signal.SIGINT] * TIMES, said
    assert all(text.endswith("KeyboardInterrupt\n") for text in said)


def test_ctrl_c_twice():
    """The second one, while Python waits for a thread that does not end."""
    command = [sys.executable, str(PROGRAM), "fit", "twice"]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert run.stdout.readline() == b"started\n"
    waits(run)
    run.send_signal(signal.SIGINT)
    while run.stderr.readline() != b"KeyboardInterrupt\n":
        pass
    time.sleep(0.2)
    run.send_signal(signal.SIGINT)
    said = run.communicate(timeout=60)[1]
    assert run.returncode == -signal.SIGINT, said
    assert b"terminate" not in said


@pytest.mark.sweep
def test_ctrl_c_and_stop():
    statuses, said = ends("fit_until_stopped", "stop", signal.SIGINT)
    assert statuses == [5] * TIMES, said
    assert said == [""] * TIMES


def test_sigterm():
    assert ends("fit", "wait", signal.SIGTERM) == ([-signal.SIGTERM] * TIMES, [""] * TIMES)
    assert ends("predict", "handler", signal.SIGTERM, b"handler") == ([4] * TIMES, [""] * TIMES)


def test_a_forked_child_ends_too():
    """It has none of the threads, and waits for none."""
    assert ends("predict", "fork") == ([7] * TIMES, [""] * TIMES)
