"""``python -m benchmarks.nets.check``: the peers train the same networks.

For each network of ``networks.py``, its dropout left out: every peer starts from the same values
and takes the same steps. The number of trained values is the same for all, the first loss to 5
digits, and that of each later step to 3: Adam divides by the gradients' own size, so that what is
almost zero takes steps of its own.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from ..peers import PEERS, versions
from .case import LEARNING_RATE
from .stack import Stack
from .stacks import NETS
from .values import initial

FIRST, LATER = 1e-5, 2e-3
# Compiled, both of PyTorch's biases of a gate are trained: see `stack_torch.load`.
TWICE = 2e-2
Losses = tuple[int, list[float]]


def _evenly(stack: Stack) -> Losses:
    from . import with_evenly

    engine = with_evenly.engine(stack, threads=1)
    engine.set_weights(with_evenly.weights(stack, initial(stack)))
    losses = [engine.step(x, y).loss for x, y in stack.batches()]
    return engine.program.parameters, losses


def _torch_network(stack: Stack) -> Any:
    import torch

    from . import stack_torch, with_torch

    torch.set_num_threads(1)
    network = with_torch.module(stack)
    stack_torch.load(stack.parts, stack.shape, network, initial(stack))
    return network


def _torch(stack: Stack) -> Losses:
    import torch

    from . import stack_torch, with_torch

    network = _torch_network(stack)
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    losses = []
    for x, y in stack_torch.tensors(stack):
        optimizer.zero_grad()
        loss = with_torch.cross_entropy(network(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return stack_torch.parameters(stack, network), losses


def _torch_compiled(stack: Stack) -> Losses:
    from . import stack_torch, with_torch

    with_torch.use_threads(1)
    network = _torch_network(stack)
    step = with_torch.compiled_step(stack, network)
    losses = [step(x, y).item() for x, y in stack_torch.tensors(stack)]
    return stack_torch.parameters(stack, network), losses


def _jax(stack: Stack) -> Losses:
    import jax

    from . import stack_jax, with_jax

    parameters, statistics = stack_jax.initial(stack)
    state: Any = with_jax.state_of(parameters, statistics)
    function = partial(with_jax.training_step, scores=stack_jax.scores(stack))
    step, losses = jax.jit(function, donate_argnums=0), []
    for x, y in stack.parted():
        state, loss = step(state, x, y)
        losses.append(float(loss))
    return sum(leaf.size for leaf in jax.tree.leaves(parameters)), losses


WAYS: dict[str, Callable[[Stack], Losses]] = {
    "evenly": _evenly, "torch": _torch, "torch_compiled": _torch_compiled, "jax": _jax,
}


def sure(stack: Stack) -> Stack:
    """The network without what is drawn in a step."""
    return replace(stack, parts=tuple(p for p in stack.parts if p.kind != "dropout"))


def complaint(stack: Stack, peer: str, found: Losses, ours: Losses) -> str:
    """What is not the same as in Evenly; "" where all is."""
    if found[0] != stack.parameters:
        return f"{found[0]} values are trained, not {stack.parameters}"
    later = TWICE if peer == "torch_compiled" and stack.is_sequences else LATER
    for step, (theirs, own) in enumerate(zip(found[1], ours[1], strict=True)):
        # A loss that is no number is no further than nothing from nothing.
        if not abs(theirs - own) <= (later if step else FIRST) * abs(own):
            return f"the loss of step {step + 1} is {theirs}, not {own}"
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.nets.check", description=__doc__)
    parser.add_argument("--row", default="", help="networks with this in their name")
    parser.add_argument("--peers", default=",".join(WAYS), help="only these, separated by commas")
    options = parser.parse_args()
    os.environ.update(PEERS["jax"].environment)
    asked = options.peers.split(",")
    here = versions(asked)
    for peer in asked:
        if peer not in here:
            print(f"{PEERS[peer].label} is left out: it is not installed.")
    wrong = 0
    for stack in (sure(stack) for stack in NETS if options.row in stack.name):
        ours = _evenly(stack)
        for peer in here:
            count, losses = found = WAYS[peer](stack)
            said = complaint(stack, peer, found, ours)
            wrong += bool(said)
            print(f"{stack.name} {peer}: {count} values, losses",
                  *(f"{loss:.6f}" for loss in losses), said and f"WRONG: {said}", flush=True)
    return min(wrong, 1)


if __name__ == "__main__":
    raise SystemExit(main())
