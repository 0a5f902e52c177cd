"""How much memory training adds to a process that has imported its library and made its data.

The peak of resident memory (``VmHWM``) after building the network and training it for some steps,
less its value before, of fresh processes. Peers that compile, compile in that time. The floor is
what Evenly's program says training cannot do without: inputs and activations of a batch, parameters
and their gradients, running statistics and Adam's moments.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from . import training_step
from .harness import ROOT, Settings
from .nets.stack import Stack
from .nets.stacks import CNN_28
from .peers import environment
from .rows import OURS, Result, Row

TITLE = "Memory that training adds"
# What a process holds hardly varies: a few processes tell enough.
ROUNDS_SHARE = 1 / 10
_STEPS = 50
# What is imported before: packages may load their parts late.
_IMPORTS = {
    "evenly": ("evenly.training", "benchmarks.nets.with_evenly"),
    "torch": ("torch", "torch.optim", "benchmarks.nets.with_torch"),
    "torch_compiled": ("torch", "torch._inductor", "benchmarks.nets.with_torch"),
    "jax": ("jax", "benchmarks.nets.with_jax", "benchmarks.nets.stack_jax"),
}
ROWS = (Row(f"{CNN_28.name}, batch {CNN_28.batch}, peak", CNN_28, unit="MB"),)
PEER_NAMES = {CNN_28: tuple(_IMPORTS)}


def measure(row: Row, peers: list[str], settings: Settings, say: Callable[[str], None]) -> Result:
    """Measures a row in fresh processes; they share no memory that could be counted twice."""
    answers = {
        peer: [_in_process(peer, row.name, settings.threads) for _ in range(settings.rounds)]
        for peer in peers
    }
    samples = {peer: tuple(a["added"] / 1e6 for a in found) for peer, found in answers.items()}
    if OURS not in answers:
        return Result(row, samples)
    needed, arenas = (answers[OURS][0][name] for name in ("needed", "arenas"))
    note = (
        f"Evenly's program needs {needed / 1e6:.2f} MB and its arenas have {arenas / 1e6:.2f} MB; "
        "the floor is the need."
    )
    say(note)
    return Result(row, samples, floor=needed / 1e6, notes=(note,))


def _in_process(peer: str, row: str, threads: int) -> dict[str, int]:
    output = subprocess.run(
        [sys.executable, "-m", "benchmarks.memory", peer, row, str(threads)], cwd=ROOT,
        env=environment(peer, threads), check=True, text=True, stdout=subprocess.PIPE,
    ).stdout
    return json.loads(output.splitlines()[-1])


def _peak() -> int:
    """Bytes that were resident at most; only Linux tells."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return 1024 * int(line.split()[1])
    raise RuntimeError("/proc/self/status has no line VmHWM: this row needs Linux")


def _start_over() -> None:
    """Makes what is resident now the peak, so that what the imports held for a moment hides
    nothing."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError as error:
        print(f"the peak is that of the imports too: {error}", file=sys.stderr)


def _one(peer: str, case: Stack, threads: int) -> dict[str, int]:
    """What this process's training adds; for Evenly also what its program says."""
    for module in _IMPORTS[peer]:
        import_module(module)
    case.batches()
    _start_over()
    before = _peak()
    training_step.BUILDERS[peer](case, threads)(_STEPS)
    answer = {"added": _peak() - before}
    if peer == OURS:
        from .nets import with_evenly

        program = with_evenly.program(case)
        answer["needed"] = program.needed_bytes
        answer["arenas"] = program.state_bytes + program.work_bytes
    return answer


if __name__ == "__main__":
    name, wanted, count = sys.argv[1:]
    chosen = next(row for row in ROWS if row.name == wanted)
    print(json.dumps(_one(name, chosen.case, int(count))))
