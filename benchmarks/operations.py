"""Single operations in training mode, forward and backward; the loss; the optimizer's update.

A step of each peer has the same inputs and outputs: from x and d_y to y, d_x and the gradients of
the parameters, running statistics updated. A peer that compiles may fuse both passes into one.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from .goals import goals
from .nets.case import LEARNING_RATE, RATE
from .operation import GROUPS, RMS_EPSILON, Operation
from .rows import Needs, Row

TITLE = "Single operations, forward + backward"
Run = Callable[[int], None]

# How many arrays of x's size must be moved. Normalization: x is read and y written; then d_y and x
# are read and d_x written. Dropout without a stored mask: one array in and one out, twice.
# Pooling: x is read and y, a quarter of it, written; then d_y is read and d_x written. The loss:
# scores are read, their gradient written. Adam: parameters, gradient and two moments are read, all
# but the gradient written.
_MOVED = {
    "batch_norm": 5, "layer_norm": 5, "dropout": 4, "batch_norm_relu_dropout": 5,
    "cross_entropy": 2, "adam": 7, "group_norm": 5, "rms_norm": 5, "max_pool": 2.5,
    "average_pool": 2.5,
}
_HELD = {
    **_MOVED, "batch_norm": 4, "layer_norm": 4, "batch_norm_relu_dropout": 4, "adam": 4,
    "group_norm": 4, "rms_norm": 4,
}


def _row(name: str, operation: Operation) -> Row:
    size = 4.0 * prod(operation.shape)
    kind = operation.kind
    needs = Needs(0.0, _MOVED[kind] * size, _HELD[kind] * size)
    return Row(name, operation, goals(name), needs)


def _rows() -> tuple[Row, ...]:
    large, small, images = (4096, 1024), (256, 512), (64, 32, 32, 32)
    both = {
        "batch_norm": "BatchNorm", "layer_norm": "LayerNorm", "dropout": "Dropout",
        "batch_norm_relu_dropout": "BatchNorm-ReLU-Dropout",
    }
    rows = [
        _row(f"{name} {shape}", Operation(kind, shape))
        for kind, name in both.items() for shape in (large, small)
    ]
    return (
        *rows,
        _row("softmax cross-entropy (4096, 1000)", Operation("cross_entropy", (4096, 1000))),
        # A dense layer of 3162 inputs and units has 10 M parameters.
        _row("Adam, 10 M values", Operation("adam", (3162 + 1, 3162))),
        _row(f"MaxPool2D {images}", Operation("max_pool", images)),
        _row(f"AveragePool2D {images}", Operation("average_pool", images)),
        _row(f"GroupNorm {small}", Operation("group_norm", small)),
        _row(f"RMSNorm {small}", Operation("rms_norm", small)),
    )


ROWS = _rows()


def _repeat(step: Callable[[], Any]) -> Run:
    def run(steps: int) -> None:
        for _ in range(steps):
            step()

    return run


def _evenly(operation: Operation, threads: int) -> Run:
    import evenly as ev

    rows, *shape = operation.shape
    if operation.kind == "adam":
        return _evenly_adam(rows - 1, *shape, threads)
    if operation.kind == "cross_entropy":
        program = ev.compile(
            ev.Sequential([]), input_shape=shape, batch=rows, loss=ev.SoftmaxCrossEntropy(),
            optimizer=None, dtype="float32", input_gradient=True,
        )
        engine = ev.Engine(program, seed=0, threads=threads)
        (x, _), y = operation.arrays(), operation.classes()
        return _repeat(lambda: engine.gradients(x, y))
    layers = {
        "batch_norm": lambda: [ev.BatchNorm()], "layer_norm": lambda: [ev.LayerNorm()],
        "dropout": lambda: [ev.Dropout(RATE)],
        "batch_norm_relu_dropout": lambda: [ev.BatchNorm(), ev.ReLU(), ev.Dropout(RATE)],
        "max_pool": lambda: [ev.MaxPool2D(2)], "average_pool": lambda: [ev.AveragePool2D(2)],
        "group_norm": lambda: [ev.GroupNorm(GROUPS)], "rms_norm": lambda: [ev.RMSNorm()],
    }
    program = ev.compile(
        ev.Sequential(layers[operation.kind]()), input_shape=tuple(shape), batch=rows, loss=None,
        optimizer=None, dtype="float32", input_gradient=True,
    )
    engine = ev.Engine(program, seed=0, threads=threads)
    x, d_y = operation.arrays()

    def step() -> None:
        engine.forward(x)
        engine.backward(d_y)

    return _repeat(step)


def _evenly_adam(n_in: int, n_out: int, threads: int) -> Run:
    import evenly as ev

    program = ev.compile(
        ev.Sequential([ev.Dense(n_out)]), input_shape=(n_in,), batch=1,
        loss=ev.MeanSquaredError(), optimizer=ev.Adam(LEARNING_RATE), dtype="float32",
    )
    engine = ev.Engine(program, seed=0, threads=threads)
    random = np.random.default_rng(0)
    engine.gradients(
        random.standard_normal((1, n_in), dtype=np.float32),
        random.standard_normal((1, n_out), dtype=np.float32),
    )
    return _repeat(engine.update)


def _torch(operation: Operation, threads: int) -> Run:
    import torch

    from .nets import with_torch

    with_torch.use_threads(threads)
    if operation.kind == "adam":
        parameters, gradients = _adam_tensors(operation)
        for p, g in zip(parameters, gradients, strict=True):
            p.requires_grad_().grad = g
        optimizer = torch.optim.Adam(parameters, lr=LEARNING_RATE, fused=True)
        return _repeat(optimizer.step)
    return _repeat(_torch_step(operation))


def _torch_compiled(operation: Operation, threads: int) -> Run:
    import torch

    from .nets import with_torch

    with_torch.use_threads(threads)
    if operation.kind == "adam":
        parameters, gradients = _adam_tensors(operation)
        state = with_torch.AdamState(parameters)
        step = torch.compile(with_torch.adam, fullgraph=True, options=with_torch.OPTIONS)
        return _repeat(lambda: step(parameters, gradients, state))
    step = torch.compile(_torch_step(operation), fullgraph=True, options=with_torch.OPTIONS)
    return _repeat(step)


def _adam_tensors(operation: Operation) -> tuple[list[Any], list[Any]]:
    """A dense layer's parameters and their gradients."""
    import torch

    n_in, n_out = operation.shape[0] - 1, operation.shape[1]
    shapes = [(n_in, n_out), (n_out,)]
    return [torch.randn(s) for s in shapes], [torch.randn(s) for s in shapes]


def _torch_step(operation: Operation) -> Callable[[], Any]:
    import torch
    import torch.nn.functional as F

    columns = operation.shape[-1]
    x, d_y = map(torch.from_numpy, operation.arrays())
    if "pool" in operation.kind:
        # Channels are last in memory, and PyTorch wants them in the second place of the shape.
        x, d_y = x.permute(0, 3, 1, 2), d_y.permute(0, 3, 1, 2)
    x.requires_grad_()
    leaves = [x]
    if operation.kind == "cross_entropy":
        y = torch.from_numpy(operation.classes()).long()

        def loss_step() -> Any:
            loss = F.cross_entropy(x, y)
            return loss.detach(), *torch.autograd.grad(loss, leaves)

        return loss_step
    if operation.normalizes:
        gamma, beta = torch.ones(columns).requires_grad_(), torch.zeros(columns).requires_grad_()
        leaves += [gamma] if operation.kind == "rms_norm" else [gamma, beta]
    mean, variance = torch.zeros(columns), torch.ones(columns)

    def forward() -> Any:
        y = x
        if operation.kind.startswith("batch_norm"):
            y = F.batch_norm(y, mean, variance, gamma, beta, training=True)
        if operation.kind == "layer_norm":
            y = F.layer_norm(y, (columns,), gamma, beta)
        if operation.kind == "group_norm":
            y = F.group_norm(y, GROUPS, gamma, beta)
        if operation.kind == "rms_norm":
            y = F.rms_norm(y, (columns,), gamma, RMS_EPSILON)
        if operation.kind == "max_pool":
            y = F.max_pool2d(y, 2)
        if operation.kind == "average_pool":
            y = F.avg_pool2d(y, 2)
        if "relu" in operation.kind:
            y = F.relu(y)
        if "dropout" in operation.kind:
            y = F.dropout(y, RATE, training=True)
        return y

    def step() -> Any:
        y = forward()
        return y.detach(), *torch.autograd.grad(y, leaves, d_y)

    return step


def _jax(operation: Operation, threads: int) -> Run:
    from . import operations_jax

    return operations_jax.builder(operation)


BUILDERS = {"evenly": _evenly, "torch": _torch, "torch_compiled": _torch_compiled, "jax": _jax}
