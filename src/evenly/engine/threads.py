"""How many threads a call gets, where the user leaves it open."""

from __future__ import annotations

import time

# Each other candidate is tried again after this many seconds of work.
_TRY_AGAIN = 0.5


class ThreadChoice:
    """Measures as it goes: the candidates take turns, the fastest does the rest.

    On a machine whose processors are busy with something else, threads that wait for each other
    lose whole time slices, and one thread can be a hundred times faster than two. Since no result
    depends on the number of threads, it may change at any time.

    Arguments:
        most: the largest number worth trying; halves of it, down to one, are tried too.
        fixed: whether it is the only one.
    """

    def __init__(self, most: int, fixed: bool) -> None:
        self.candidates = [most]
        while self.candidates[-1] > 1 and not fixed:
            self.candidates.append(self.candidates[-1] // 2)
        self.best = most  # the fastest so far
        self._cost: dict[int, float] = {}
        self._tried: dict[int, float] = {}
        self._start = self._due = 0.0

    def begin(self) -> tuple[int, bool]:
        """The threads for the next call, and whether it is a trial, which should be short."""
        if len(self.candidates) == 1:
            return self.best, False
        self._start = time.perf_counter()
        if self._start < self._due:
            return self.best, False
        for threads in self.candidates:
            if threads not in self._cost:
                return threads, True
        oldest = min((t for t in self.candidates if t != self.best), key=self._tried.__getitem__)
        self._due = self._tried[oldest] + _TRY_AGAIN
        return (self.best, False) if self._start < self._due else (oldest, True)

    def end(self, threads: int, work: int) -> None:
        """Takes in how long the call took for `work` steps or rows."""
        if len(self.candidates) == 1 or not work:
            return
        now = time.perf_counter()
        cost = (now - self._start) / work
        # A trial counts as it is; the one in use is smoothed, so that a hiccup does not end it.
        old = self._cost.get(threads)
        in_use = old is not None and threads == self.best
        # In this order: another thread that finds the cost looks for the time of the trial.
        self._tried[threads] = now
        self._cost[threads] = 0.8 * old + 0.2 * cost if in_use and old is not None else cost
        fastest = min(self._cost, key=self._cost.__getitem__)
        if threads != self.best or fastest != self.best:
            self.best, self._due = fastest, 0.0  # who is to be tried next has changed
