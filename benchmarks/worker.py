"""One peer in a process of its own: builds its step, then times rounds when asked.

It reads requests, a line of JSON each, and blocks between them, so that it is idle while another
peer is measured.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any, TextIO

# Untimed steps before each round: other peers have had the caches and the threads have slept.
_WARM_SECONDS = 0.005
_MOST_STEPS = 1 << 20


def main() -> None:
    replies = _own_stdout()
    request = json.loads(sys.stdin.readline())
    try:
        subject = importlib.import_module(f"benchmarks.{request['subject']}")
        row = next(row for row in subject.ROWS if row.name == request["row"])
        run = subject.BUILDERS[request["peer"]](row.case, request["threads"])
        run(1)
    except Exception:
        _reply(replies, error=traceback.format_exc(limit=-3))
        return
    gc.collect()
    gc.freeze()
    gc.disable()
    _reply(replies, ready=True)
    last = time.process_time()
    for line in sys.stdin:
        request = json.loads(line)
        idle = time.process_time() - last
        if "calibrate" in request:
            # What has a score is a whole training, a round by itself.
            whole = hasattr(run, "score")
            answer = {"steps": 1 if whole else _steps_for(run, request["calibrate"])}
        elif "score" in request:
            answer = {"score": run.score() if hasattr(run, "score") else None}
        else:
            seconds, own = _round(run, request["steps"])
            answer = {"seconds": seconds, "own": own, "idle_cpu": idle}
            answer["cpu"] = time.process_time() - idle - last
        last = time.process_time()
        _reply(replies, **answer)


def _own_stdout() -> TextIO:
    """The pipe to the parent; what a library prints goes to standard error instead."""
    pipe = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return pipe


def _reply(pipe: TextIO, **values: Any) -> None:
    pipe.write(json.dumps(values) + "\n")
    pipe.flush()


def _steps_for(run: Callable[[int], None], seconds: float) -> int:
    """How many steps last at least so long."""
    steps = 1
    while steps < _MOST_STEPS:
        start = time.perf_counter()
        run(steps)
        took = time.perf_counter() - start
        if took >= seconds:
            break
        steps = max(steps + 1, min(steps * 8, int(1.1 * steps * seconds / max(took, 1e-7))))
    return steps


def _round(run: Callable[[int], None], steps: int) -> tuple[float, float]:
    """Seconds a step, over one round, by the clock and of the processor."""
    start = time.perf_counter()
    if steps > 1:
        while time.perf_counter() - start < _WARM_SECONDS:
            run(max(1, steps // 10))
    begin, used = time.perf_counter(), time.process_time()
    run(steps)
    return (time.perf_counter() - begin) / steps, (time.process_time() - used) / steps


if __name__ == "__main__":
    main()
