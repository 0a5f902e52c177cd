"""``python -m benchmarks.nets.check``: the peers train the same networks.

For each network of ``networks.py``: the number of trained values is the same for all, and the
losses of the first steps are finite.
"""

from __future__ import annotations

import math
import os
from functools import partial
from typing import Any

from ..networks import NETS
from ..peers import PEERS
from .case import LEARNING_RATE
from .stack import Stack


def _evenly(stack: Stack) -> tuple[int, list[float]]:
    from . import with_evenly

    engine = with_evenly.engine(stack, threads=1)
    losses = [engine.step(x, y).loss for x, y in stack.batches()]
    return with_evenly.program(stack).parameters, losses


def _torch(stack: Stack) -> tuple[int, list[float]]:
    import torch

    from . import stack_torch

    network = stack_torch.module(stack)
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    losses = []
    for x, y in stack_torch.tensors(stack):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(network(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return stack_torch.parameters(stack, network), losses


def _torch_compiled(stack: Stack) -> tuple[int, list[float]]:
    from . import stack_torch, with_torch

    with_torch.use_threads(1)
    step = with_torch.compiled_step(stack)
    losses = [step(x, y).item() for x, y in stack_torch.tensors(stack)]
    return stack_torch.parameters(stack, stack_torch.module(stack)), losses


def _jax(stack: Stack) -> tuple[int, list[float]]:
    import jax

    from . import stack_jax, with_jax

    parameters, statistics = stack_jax.initial(stack)
    state: Any = with_jax.state_of(parameters, statistics)
    function = partial(with_jax.training_step, scores=stack_jax.scores(stack))
    step, losses = jax.jit(function, donate_argnums=0), []
    for x, y in stack.batches():
        state, loss = step(state, x, y)
        losses.append(float(loss))
    return sum(leaf.size for leaf in jax.tree.leaves(parameters)), losses


def main() -> None:
    os.environ.update(PEERS["jax"].environment)
    for stack in NETS:
        for make in (_evenly, _torch, _torch_compiled, _jax):
            count, losses = make(stack)
            print(f"{stack.name} {make.__name__[1:]}: {count} values,",
                  "losses", *(f"{loss:.3f}" for loss in losses), flush=True)
            if count != stack.parameters:
                raise SystemExit(f"{stack.name} has {stack.parameters} values")
            if not all(map(math.isfinite, losses)):
                raise SystemExit("a loss is not finite")


if __name__ == "__main__":
    main()
