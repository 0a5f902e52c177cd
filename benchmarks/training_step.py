"""A whole training step: forward, loss, backward, Adam.

Dense-norm-ReLU-Dropout for each hidden layer, then Dense, softmax cross-entropy. scikit-learn's
multi-layer perceptron has neither normalization nor dropout and cannot take part.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import cycle

from .goals import goals
from .nets.case import LEARNING_RATE, Net
from .nets.stack import Stack
from .rows import Row

TITLE = "Training step"


def _row(net: Net) -> Row:
    return Row(str(net), net, goals(str(net)), net.training_needs())


ROWS = (
    _row(Net((30, 64, 64, 2), 32)),
    _row(Net((64, 128, 128, 10), 64)),
    _row(Net((784, 256, 256, 10), 128)),
    _row(Net((784, 256, 256, 10), 128, norm="layer")),
    _row(Net((784, 1024, 1024, 10), 256)),
)


def _evenly(net: Net | Stack, threads: int) -> Callable[[int], None]:
    from .nets import with_evenly

    # At most so many, as OMP_NUM_THREADS says: fewer where they are faster, as for every user.
    step = with_evenly.engine(net, None).step
    batches = cycle(net.batches())

    def run(steps: int) -> None:
        for _ in range(steps):
            step(*next(batches))

    return run


def _torch(net: Net | Stack, threads: int) -> Callable[[int], None]:
    import torch

    from .nets import with_torch

    with_torch.use_threads(threads)
    network = with_torch.module(net)
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE, fused=True)
    batches = cycle(with_torch.tensors(net))

    def run(steps: int) -> None:
        for _ in range(steps):
            x, y = next(batches)
            optimizer.zero_grad(set_to_none=True)
            with_torch.cross_entropy(network(x), y).backward()
            optimizer.step()

    return run


def _torch_compiled(net: Net | Stack, threads: int) -> Callable[[int], None]:
    from .nets import with_torch

    with_torch.use_threads(threads)
    step = with_torch.compiled_step(net)
    batches = cycle(with_torch.tensors(net))

    def run(steps: int) -> None:
        for _ in range(steps):
            step(*next(batches))

    return run


def _jax(net: Net | Stack, threads: int) -> Callable[[int], None]:
    import jax

    from .nets import stack_jax, with_jax

    if isinstance(net, Stack):
        state = with_jax.state_of(*stack_jax.initial(net))
        function = partial(with_jax.training_step, scores=stack_jax.scores(net))
        pairs = net.parted()
    else:
        state, function = with_jax.initial_state(net), with_jax.training_step
        pairs = net.batches()
    step = jax.jit(function, donate_argnums=0)
    batches = cycle([jax.device_put(pair) for pair in pairs])

    def run(steps: int) -> None:
        nonlocal state
        for _ in range(steps):
            state, _ = step(state, *next(batches))
        # Once at the end: until then the calls overlap with the work, as in a training loop.
        jax.block_until_ready(state)

    return run


BUILDERS = {"evenly": _evenly, "torch": _torch, "torch_compiled": _torch_compiled, "jax": _jax}
