"""One training by several processes: what a second one brings, and what many would.

A dense network with Adam, the same batch whatever the number of processes, each with one thread:
Evenly's processes talk by MPI, PyTorch's (DistributedDataParallel) by gloo. All take turns, round
after round, each in processes of its own; told are the median over all epochs but each round's
first, and the fastest of them, which other programs on the machine disturb least. More processes
than cores are there to check the model, not to be fast.

The model, of the fastest: a step takes ``compute / processes``, by as many as there are cores, and
longer by what two processes that do not talk lose to each other on this machine; what
every process does by itself (the update); the partners' gradients, ``log2(processes)`` times, as if
none came while backward computes; and small messages. Latency and bandwidth are measured between
two processes, the rest with one.

Run: ``python -m benchmarks.workers`` (with mpi4py and an MPI; PyTorch where it is installed).
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import os
import socket
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from .harness import ROOT

FEATURES, WIDTH, CLASSES = 784, 512, 10
PARTS, STEPS = 8, 8
_OTHER = {"10 Gbit/s Ethernet": (2e-5, 1.1e9), "100 Gbit/s InfiniBand": (2e-6, 1.1e10)}


@dataclass(frozen=True)
class Costs:
    """What a step is made of, in seconds and bytes.

    Attributes:
        compute: forward and backward of the whole batch by one core.
        update: what every process does.
        gradient: bytes of the gradient.
        messages: small messages to each partner.
        latency: of a message.
        bandwidth: bytes a second, of an exchange in both directions.
        beside: what a step takes longer beside another process, as a factor.
    """

    compute: float
    update: float
    gradient: float
    messages: int
    latency: float
    bandwidth: float
    beside: float = 1.0

    def step(self, processes: int, cores: int) -> float:
        """Seconds of a step by so many processes on so many cores."""
        rounds = math.log2(processes)
        crowd = max(1.0, processes / cores)  # how many share a core
        exchange = self.latency + self.gradient / self.bandwidth
        told = rounds * (exchange + self.messages * self.latency)
        slow = self.beside if processes > 1 else 1.0
        return slow * (self.compute / min(processes, cores) + crowd * self.update) + crowd * told


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--epochs", type=int, default=12, help="of 8 steps, the first not counted")
    parser.add_argument("--in-process", choices=["evenly", "torch", "apart", "messages"],
                        help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.in_process:
        found = _BY_NAME[options.in_process](options.batch, options.epochs)
        if found is not None:
            print(json.dumps(found), flush=True)
        return 0
    peers = ["evenly"] + ["torch"] * (importlib.util.find_spec("torch") is not None)
    taken: dict[tuple[str, int], list[dict[str, Any]]] = {}
    told = []
    for _ in range(options.rounds):
        for peer in peers:
            for count in options.processes:
                taken.setdefault((peer, count), []).append(_job(peer, count, options))
        told.append(_job("messages", 2, options))
        taken.setdefault(("apart", 2), []).append(_job("apart", 2, options))
    _report(options, peers, taken, {
        "latency": min(one["latency"] for one in told),
        "update": min(one["update"] for one in told),
        "bandwidth": max(one["bandwidth"] for one in told),
    })
    return 0


def _report(
    options: argparse.Namespace, peers: list[str],
    taken: dict[tuple[str, int], list[dict[str, Any]]], told: dict[str, float],
) -> None:
    cores = len(os.sched_getaffinity(0))
    every = {key: [step for one in rounds for step in one["steps"]]
             for key, rounds in taken.items()}
    step = {key: min(steps) for key, steps in every.items()}
    one = taken["evenly", 1][0]
    costs = Costs(step["evenly", 1] - told["update"], told["update"], one["gradient"],
                  int(one["messages"]), told["latency"], told["bandwidth"],
                  step["apart", 2] / step["evenly", 1])
    print(f"Batch of {options.batch}, {int(one['gradient'] / 4):,} parameters, one thread a "
          f"process, {cores} cores; {options.rounds} rounds. Milliseconds a step, and the "
          "fastest's efficiency:\n")
    names = {"evenly": "Evenly, MPI", "torch": "PyTorch DDP, gloo"}
    heads = [f"{names[peer]}: median | fastest | efficiency" for peer in peers]
    print("| Processes | " + " | ".join(heads) + " | model | efficiency |")
    print("|---|" + "---|---|---|" * len(peers) + "---|---|")
    for count in options.processes:
        cells = []
        for peer in peers:
            best = step[peer, 1] / min(count, cores)
            middle = statistics.median(every[peer, count])
            cells.append(f"{1e3 * middle:.1f} | {1e3 * step[peer, count]:.1f} | "
                         f"{best / step[peer, count]:.0%}")
        model = costs.step(count, cores)
        cells.append(f"{1e3 * model:.1f} | {costs.step(1, 1) / min(count, cores) / model:.0%}")
        print(f"| {count} | " + " | ".join(cells) + " |")
    print(f"\nLatency {1e6 * told['latency']:.0f} us, bandwidth {told['bandwidth'] / 1e9:.2f} GB/s "
          f"in each direction, update {1e3 * told['update']:.2f} ms; two trainings that do not "
          f"talk, at once: {costs.beside:.2f} times as long.\n")
    links = {"this machine's own messages": (told["latency"], told["bandwidth"]), **_OTHER}
    print("Model: efficiency with a core a process, the same batch\n")
    counts = [2**i for i in range(1, 7)]
    print("| Link | " + " | ".join(map(str, counts)) + " |")
    print("|---|" + "---|" * len(counts))
    for name, (latency, bandwidth) in links.items():
        own = Costs(costs.compute, costs.update, costs.gradient, costs.messages, latency, bandwidth)
        cells = [f"{own.step(1, 1) / n / own.step(n, n):.0%}" for n in counts]
        print(f"| {name} | " + " | ".join(cells) + " |")


def _job(peer: str, count: int, options: argparse.Namespace) -> dict[str, Any]:
    """What the first of so many processes measures."""
    words = [sys.executable, "-m", "benchmarks.workers", "--in-process", peer, "--batch",
             str(options.batch), "--epochs", str(options.epochs)]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    environment = {**os.environ, **threads}
    if peer == "torch":
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1])}
        jobs = [subprocess.Popen(words, cwd=ROOT, text=True, stdout=subprocess.PIPE,
                                 env={**environment, **place, "RANK": str(rank),
                                      "WORLD_SIZE": str(count)}) for rank in range(count)]
        said, *_ = [job.communicate()[0] for job in jobs]
    else:
        own = os.path.join(os.path.dirname(sys.executable), "mpiexec")
        start = [own if os.path.exists(own) else "mpiexec", "--oversubscribe", "--bind-to", "none",
                 "-n", str(count)]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            start.insert(1, "--allow-run-as-root")
        said = subprocess.run([*start, *words], cwd=ROOT, text=True, check=True, env=environment,
                              stdout=subprocess.PIPE).stdout
    found: dict[str, Any] = json.loads(said)
    return found


def _data(rows: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((rows, FEATURES)).astype(np.float32)
    return x, (x[:, 0] > 0).astype(np.int64)


def _apart(batch: int, epochs: int) -> dict[str, Any] | None:
    return _evenly(batch, epochs, apart=True)


def _evenly(batch: int, epochs: int, apart: bool = False) -> dict[str, Any] | None:
    from mpi4py import MPI

    import evenly as ev

    x, y = _data(STEPS * batch)
    net = ev.Sequential([ev.Dense(WIDTH), ev.ReLU(), ev.Dense(WIDTH), ev.ReLU(), ev.Dense(CLASSES)])
    model = ev.fit(net, x, y, loss=ev.SoftmaxCrossEntropy(), epochs=epochs, batch=batch, threads=1,
                   progress=False, workers=None if apart else MPI.COMM_WORLD, parts=PARTS)
    ends = [record.seconds for record in model.history]
    gradient = 4 * model.engine.program.parameters
    took = (np.diff(ends) / STEPS).tolist()
    # The sum of the weights, and the sums of loss, score and what the processes ask.
    return None if MPI.COMM_WORLD.rank else {"steps": took, "gradient": gradient, "messages": 2}


def _messages(batch: int, epochs: int) -> dict[str, Any] | None:
    from mpi4py import MPI

    import evenly as ev
    from evenly import parallel

    group = parallel.group(MPI.COMM_WORLD)
    x, y = _data(8)
    net = ev.Sequential([ev.Dense(WIDTH), ev.ReLU(), ev.Dense(WIDTH), ev.ReLU(), ev.Dense(CLASSES)])
    times = {}
    model = ev.init(net, input_shape=(FEATURES,))
    parameters = sum(array.size for array in model.weights.values())
    for name, size in (("small", 1), ("large", parameters)):
        mine, theirs = np.zeros((2, size), np.float32)
        each = []
        for _ in range(60):
            group.wait()
            start = time.perf_counter()
            group.exchange(group.rank ^ 1, mine, theirs)
            each.append(time.perf_counter() - start)
        times[name] = statistics.median(each)
    # A step of eight rows: nearly all of it is the update.
    model = ev.fit(net, np.tile(x, (40, 1)), np.tile(y, 40), loss=ev.SoftmaxCrossEntropy(),
                   epochs=3, batch=8, threads=1, progress=False)
    ends = [record.seconds for record in model.history]
    return None if group.rank else {
        "latency": times["small"], "update": float(np.diff(ends).min()) / 40,
        "bandwidth": 4 * parameters / max(1e-9, times["large"] - times["small"]),
    }


def _torch(batch: int, epochs: int) -> dict[str, Any] | None:
    import torch
    from torch import distributed
    from torch.nn.parallel import DistributedDataParallel

    torch.set_num_threads(1)
    distributed.init_process_group("gloo")
    rank, size = distributed.get_rank(), distributed.get_world_size()
    x, y = (torch.from_numpy(array) for array in _data(STEPS * batch))
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Linear(FEATURES, WIDTH), torch.nn.ReLU(), torch.nn.Linear(WIDTH, WIDTH),
        torch.nn.ReLU(), torch.nn.Linear(WIDTH, CLASSES))
    trained: Any = DistributedDataParallel(net) if size > 1 else net
    optimizer, loss = torch.optim.Adam(net.parameters()), torch.nn.CrossEntropyLoss()
    own = batch // size
    each = []
    for _ in range(epochs):
        order = torch.randperm(len(x))
        start = time.perf_counter()
        for first in range(0, len(x), batch):
            rows = order[first + rank * own:first + (rank + 1) * own]
            optimizer.zero_grad()
            loss(trained(x[rows]), y[rows]).backward()
            optimizer.step()
        each.append(time.perf_counter() - start)
    distributed.destroy_process_group()
    return None if rank else {"steps": [seconds / STEPS for seconds in each[1:]]}


_BY_NAME = {"evenly": _evenly, "apart": _apart, "torch": _torch, "messages": _messages}


if __name__ == "__main__":
    raise SystemExit(main())
