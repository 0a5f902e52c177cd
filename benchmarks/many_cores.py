"""What a training step costs on more cores than are at hand: a simulated team.

Each instruction of a compiled program runs on one thread, which counts what it would share out:
from one meeting of the team to the next some tasks, of nearly the same size. For n cores such a
phase takes

    max(seconds on one core * ceil(tasks / n) / tasks, bytes / bandwidth of all) + a barrier,

where the bytes count only if the program's memory does not fit the caches, and a barrier costs what
it costs two threads here, times log2 n. Phases that share nothing run on one core, and so does what
lies before the next meeting. Tasks differ in size, caches are cold on another core, clocks fall
under load: the estimate is a lower bound, and tells what serializes, not what a machine will do.

    python -m benchmarks.many_cores [--gbs 200] [--cache 64] [--cores 1 2 4 16 64]
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

import evenly as ev
from evenly.program.parts import Instruction

from .nets import stack, stacks, with_evenly
from .nets.case import Net

NETS = (Net((30, 64, 64, 2), 32), Net((784, 256, 256, 10), 128), stacks.CNN_28, stacks.CNN_32,
        stacks.recurrent("lstm"))
ROUNDS = 7


@dataclass(frozen=True)
class Team:
    """What is assumed of a machine.

    Attributes:
        barrier: seconds that two threads take to meet.
        bandwidth: bytes a second from memory, of all cores together.
        core: the same of one core.
        cache: bytes that the caches hold.
    """

    barrier: float
    bandwidth: float
    core: float
    cache: float

    def meeting(self, cores: int) -> float:
        return self.barrier * math.log2(cores) if cores > 1 else 0.0

    def rate(self, cores: int) -> float:
        return min(self.bandwidth, self.core * cores)


@dataclass(frozen=True)
class Line:
    """An instruction as the team sees it.

    Attributes:
        name: its operation and layers.
        phases: (tasks, seconds on one core) from meeting to meeting.
        meets: whether the team meets behind it.
        bytes: of the buffers that it reads or writes.
        products: multiplications of its matrix products.
    """

    name: str
    phases: tuple[tuple[int, float], ...]
    meets: bool
    bytes: int
    products: int

    @property
    def seconds(self) -> float:
        return sum(seconds for _, seconds in self.phases)

    def largest(self, cores: int) -> float:
        """The largest share of the work, in shares of one core's."""
        return sum(seconds * _share(tasks, cores) for tasks, seconds in self.phases) / self.seconds

    def on(self, cores: int, team: Team, cold: bool) -> float:
        """Seconds on so many cores."""
        memory = self.bytes / team.rate(cores) if cold and cores > 1 else 0.0
        work = max(self.seconds * self.largest(cores), memory)
        return work + self.barriers * team.meeting(cores)

    @property
    def barriers(self) -> int:
        return len(self.phases) - (0 if self.meets else 1)


def _share(tasks: int, cores: int) -> float:
    return math.ceil(tasks / cores) / tasks if tasks > 1 else 1.0


def lines_of(engine: ev.Engine, x: Any, y: Any, rounds: int = ROUNDS) -> list[Line]:
    """The instructions of a training step, each phase by the fastest of some rounds."""
    program = engine.program
    keys = [(key, number) for key in ("gradient", "update")
            for number in range(len(program.lists[key]))]
    found = [[engine.phases(key, number, x, y) for key, number in keys] for _ in range(rounds)]
    result = []
    for (key, number), runs in zip(keys, zip(*found, strict=True), strict=True):
        line = program.lists[key][number]
        phases = tuple((run[0][0], min(seconds for _, seconds in run))
                       for run in zip(*runs, strict=True))
        places = {program.buffers[name].place for name in line.buffers.values()}
        result.append(Line(" ".join((line.operation, *line.layers)), phases, key == "gradient",
                           sum(size for _, _, size in places), products_of(line, len(x))))
    return result


def products_of(line: Instruction, rows: int) -> int:
    """Multiplications of an instruction's matrix products."""
    n = line.numbers
    ways = 1 if line.operation.endswith(".forward") else 1 + ("d_x" in line.buffers)
    out = rows * n.get("rows_per_example", 1) * n.get("columns", 1)
    if line.operation.startswith("dense."):
        return int(ways * out * n["inputs"])
    if line.operation.startswith("convolution."):
        places = n["window_height"] * n["window_width"] * n["channels"] / n["groups"]
        return int(ways * out * places)
    gates = stack.GATES.get(line.operation.partition(".")[0], 0)
    if gates:
        ways = 1 if line.operation.endswith(".forward") else 2
        both = n["units"] + n["inputs"]
        return int(ways * rows * n["steps"] * both * gates * n["units"])
    return 0


def step_on(lines: Sequence[Line], cores: int, team: Team, cold: bool) -> float:
    """Seconds of a step: its lines, and the meeting behind the updates."""
    return sum(line.on(cores, team, cold) for line in lines) + team.meeting(cores)


def barrier_of_two() -> float:
    """Seconds that two threads take to meet: of a program that does next to nothing else."""
    count = 64
    program = ev.compile([ev.GELU() for _ in range(count)], (1,), batch=1)
    engine = ev.Engine(program, threads=2)
    x = engine.rows([[0.5]])
    one, two = (_fastest(partial(engine.run, "forward", x, None, threads=threads), 300)
                for threads in (1, 2))
    return max(two - one, 1e-9) / count


def measured_step(net: Any, threads: int) -> float:
    """Seconds of a step here: the fastest of some short passes; of one thread in processor time,
    which a busy machine does not stretch."""
    batches = 2
    clock = time.process_time if threads == 1 else time.perf_counter
    engine = with_evenly.engine(net, threads)
    x, y = (np.concatenate([part] * batches) for part in net.batches()[0])
    x, y = engine.rows(x), engine.targets(y)
    order = np.arange(len(x))
    return _fastest(lambda: list(engine.train(x, y, order, net.batch)), 60, clock) / batches


def _fastest(work: Callable[[], Any], rounds: int,
             clock: Callable[[], float] = time.perf_counter) -> float:
    work()
    best = math.inf
    for _ in range(rounds):
        begin = clock()
        work()
        best = min(best, clock() - begin)
    return best


def table(net: Any, team: Team, cores: Sequence[int]) -> Iterator[str]:
    """A network's step on so many cores, and the lines that take the largest part of it."""
    engine = with_evenly.engine(net, 1)
    x, y = net.batches()[0]
    x, y = engine.rows(x), engine.targets(y)
    engine.step(x, y)
    lines = lines_of(engine, x, y)
    cold = engine.program.state_bytes + engine.program.work_bytes > team.cache
    total = sum(line.seconds for line in lines)
    products = sum(line.products for line in lines)
    yield f"### {net.name if isinstance(net, stack.Stack) else net}"
    yield ""
    yield (f"{products / 1e6:,.1f} million multiplications and "
           f"{sum(line.bytes for line in lines) / 2**20:,.1f} MiB a step, "
           f"{sum(line.barriers for line in lines) + 1} barriers, {len(lines)} instructions.")
    yield ""
    yield ("| cores | ms | measured | speed-up | barriers | largest share / mean | "
           "multiplications a thread, M | MiB a thread | what takes most |")
    yield "|" + "---|" * 9
    for n in cores:
        seconds = step_on(lines, n, team, cold)
        largest = sum(line.seconds * line.largest(n) for line in lines)
        waits = (sum(line.barriers for line in lines) + 1) * team.meeting(n)
        measured = "-"
        if n <= 2:
            measured = f"{1e3 * measured_step(net, n):.3f}"
        worst = sorted(lines, key=lambda line: -line.on(n, team, cold))[:2]
        most = ", ".join(f"{line.name} {line.on(n, team, cold) / seconds:.0%}" for line in worst)
        share = sum(line.products * line.largest(n) for line in lines) / 1e6
        moved = sum(line.bytes * line.largest(n) for line in lines) / 2**20
        yield (f"| {n} | {1e3 * seconds:.3f} | {measured} | {total / seconds:.1f} | "
               f"{waits / seconds:.0%} | {largest * n / total:.2f} | {share:.2f} | {moved:.2f} | "
               f"{most} |")
    yield ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cores", type=int, nargs="+", default=[1, 2, 4, 16, 64])
    parser.add_argument("--gbs", type=float, default=200, help="GB/s from memory, all cores")
    parser.add_argument("--gbs-core", type=float, default=15, help="GB/s from memory, one core")
    parser.add_argument("--cache", type=float, default=64, help="MiB of the last cache")
    given = parser.parse_args()
    team = Team(barrier_of_two(), given.gbs * 1e9, given.gbs_core * 1e9, given.cache * 2**20)
    print(f"Two threads meet in {1e6 * team.barrier:.2f} us; {given.gbs:g} GB/s of all cores, "
          f"{given.gbs_core:g} of one; caches of {given.cache:g} MiB.\n")
    for net in NETS:
        print("\n".join(table(net, team, given.cores)))


if __name__ == "__main__":
    main()
