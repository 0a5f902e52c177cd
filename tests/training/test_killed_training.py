"""A training that is killed at any moment, and resumed, ends as if it had not been."""

import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from .killed_training import told, trained

CHILD = Path(__file__).parent / "killed_training.py"
KILLS = 32


@pytest.fixture(scope="module")
def wanted():
    return told(trained())


def started(folder, out, where=""):
    command = [sys.executable, str(CHILD), str(folder), str(out), where]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def assert_same(out, wanted):
    came = np.load(out)
    assert set(came.files) == set(wanted)
    for name, array in wanted.items():
        assert came[name].tobytes() == np.asarray(array).tobytes(), name


def checkpoints(folder):
    return sorted(path.name for path in folder.glob("checkpoint-*"))


@pytest.mark.sweep
def test_killed_at_random_moments(tmp_path, wanted):
    draw = random.Random(11)
    kills, writing, turns = 0, 0, 0
    while kills < KILLS:
        folder, out = tmp_path / f"run {turns}", tmp_path / f"run {turns}.npz"
        turns += 1
        over, fruitless, before = False, 0, []
        while not over:
            with started(folder, out) as child:
                assert child.stdout.readline() == "begins\n"
                if kills < KILLS:
                    # Longer where the kills come too soon for the training to get on at all.
                    time.sleep(draw.uniform(0, 0.15) * (1 + fruitless))
                    child.send_signal(signal.SIGKILL)
                status = child.wait()
            over = status == 0  # the last kill may come too late
            if not over:
                assert status == -signal.SIGKILL
                kills += 1
                writing += (folder / ".evenly-checkpoint.tmp").exists()
                fruitless = fruitless + 1 if checkpoints(folder) == before else 0
                # Each kill may come after a checkpoint has its name and before an old one is gone.
                assert len(checkpoints(folder)) <= max(len(before), 2) + 1
                before = checkpoints(folder)
        assert_same(out, wanted)
        assert not (folder / ".evenly-checkpoint.tmp").exists()
        assert len(checkpoints(folder)) == 2
    print(f"{kills} kills in {turns} trainings, {writing} of them while a file was written")


# What a checkpoint's writing calls, in its order: fsync is of the file, then of the folder. The
# first checkpoint that is written pushes none out; where two are there, each does.
CALLS = ["write 1", "fsync 1", "replace 1", "fsync 2", "write 4", "fsync 7", "replace 4", "fsync 8",
         "unlink 3"]


@pytest.mark.sweep
def test_killed_at_each_call_of_writing(tmp_path, wanted):
    folder, out = tmp_path / "run", tmp_path / "out.npz"
    for where in CALLS:
        with started(folder, out, where) as child:
            assert child.wait() == -signal.SIGKILL, where
        left = (folder / ".evenly-checkpoint.tmp").exists()
        # A file's fsync has an odd number.
        assert left == bool(re.match(r"write|replace|fsync [17]", where)), where
    with started(folder, out) as child:
        assert child.wait() == 0
    assert_same(out, wanted)
    left = {path.name for path in folder.iterdir()} - set(checkpoints(folder))
    assert left == {"checkpoint.lock"}
