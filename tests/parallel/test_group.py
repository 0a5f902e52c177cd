"""Groups: what one rank says arrives at the others, in order."""

import subprocess
import sys

import numpy as np
import pytest

from evenly import parallel
from evenly.errors import ConfigurationError, WorkersError


def conversation(group):
    """Every call once, as plain values."""
    mine = np.full(3, group.rank, np.float32)
    partner = group.rank ^ 1 if group.size > 1 else 0
    theirs, later = np.empty(3, np.float32), np.empty(3, np.float32)
    group.exchange(partner, mine, theirs)
    pending = group.start_exchange(partner, mine + 10, later)
    everyone = group.gather(mine)
    pending.wait()
    group.wait()
    word = group.share(b"from the last" if group.rank == group.size - 1 else b"", group.size - 1)
    return theirs.tolist(), later.tolist(), [a[0].item() for a in everyone], word


def expected(size):
    partners = [rank ^ 1 if size > 1 else 0 for rank in range(size)]
    return [([p] * 3, [p + 10] * 3, list(range(size)), b"from the last") for p in partners]


@pytest.mark.parametrize("size", [1, 2, 4, 8])
def test_threads_talk(size):
    assert parallel.Threads.run(size, conversation) == expected(size)


def test_alone():
    assert [conversation(parallel.group(None))] == expected(1)


def test_a_rank_that_fails_ends_the_others():
    def task(group):
        if group.rank == 1:
            raise ValueError("row 7 is bad")
        group.wait()

    with pytest.raises(ValueError, match="row 7 is bad"):
        parallel.Threads.run(3, task)


def test_what_was_sent_may_be_changed_after_a_gather():
    def task(group):
        mine = np.zeros(1)
        got = group.gather(mine)
        mine[0] = 5
        group.wait()
        return [a[0].item() for a in got]

    assert parallel.Threads.run(2, task) == [[0, 0]] * 2
    own = np.zeros(1)
    got = parallel.Alone().gather(own)
    own[0] = 5
    assert got[0][0] == 0


def test_what_is_no_group():
    with pytest.raises(ConfigurationError, match=r"expects a communicator of mpi4py.*got int"):
        parallel.group(4)


def test_what_differs_is_named_on_every_rank():
    def task(group):
        parallel.agree(group, {"seed": "1"})
        try:
            parallel.agree(group, {"seed": "1", "batch": str(32 + (group.rank == 2))})
        except WorkersError as error:
            return str(error)

    assert parallel.Threads.run(4, task) == [
        "workers: processes were given different things: batch is 32 in process 0 and 33 in "
        "process 2: give all the same"] * 4


def test_a_failure_is_told_to_those_that_wait():
    def task(group):
        try:
            with parallel.together(group):
                if group.rank == 1:
                    raise MemoryError
                group.share(b"", 1)
        except (WorkersError, MemoryError) as error:
            return str(error)

    assert parallel.Threads.run(2, task) == ["process 1: out of memory", ""]


def test_the_group_of_a_block():
    assert parallel.entered() is None
    with parallel.across(parallel.Alone()) as group:
        assert parallel.entered() is group
    assert parallel.entered() is None


def test_who_is_told_to_end_says_so():
    """Where a process is killed, mpiexec tells the others to end."""
    program = ("import os, signal\nfrom evenly.parallel import Alone, ended_in_words\n"
               "class Two(Alone):\n    size = 2\n"
               "with ended_in_words(Two(), '; all is well'):\n"
               "    os.kill(os.getpid(), signal.SIGTERM)\n    signal.pause()\n")
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert told.returncode == 143
    assert told.stderr == ("evenly: the training was ended: another process of it is gone, or all "
                           "were told to end; all is well\n")
