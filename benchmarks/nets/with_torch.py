"""The network in PyTorch, as a module and as one compiled training step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from . import stack_torch
from .case import BETAS, EPSILON, LEARNING_RATE, RATE, Net
from .stack import Stack

_NORMS = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm}
# Code in C++ calls the kernels: on small networks calls from Python cost more than the kernels.
OPTIONS = {"cpp_wrapper": True}


def module(net: Net | Stack) -> nn.Sequential:
    torch.manual_seed(0)
    if isinstance(net, Stack):
        return stack_torch.module(net)
    layers: list[nn.Module] = []
    for n_in, n_out in net.layers[:-1]:
        layers += [nn.Linear(n_in, n_out), _NORMS[net.norm](n_out), nn.ReLU(), nn.Dropout(RATE)]
    return nn.Sequential(*layers, nn.Linear(*net.layers[-1]))


def tensors(net: Net | Stack) -> list[tuple[Any, Tensor]]:
    """The batches. PyTorch's cross-entropy takes class numbers of 64 bits only."""
    if isinstance(net, Stack):
        return stack_torch.tensors(net)
    return [(torch.from_numpy(x), torch.from_numpy(y).long()) for x, y in net.batches()]


def use_threads(threads: int) -> None:
    torch.set_num_threads(threads)
    # Lets a compiled function hold the backward pass too: forward, backward and update become one
    # graph. Compiled apart they are three, several times slower on small networks.
    torch._dynamo.config.trace_autograd_ops = True
    # Recurrent layers are traced step by step instead of being called uncompiled.
    torch._dynamo.config.allow_rnn = True


def adam(parameters: Sequence[Tensor], gradients: Sequence[Tensor], state: AdamState) -> None:
    """Adam on plain tensors, in place."""
    state.steps += 1
    first, second = 1 - BETAS[0] ** state.steps, 1 - BETAS[1] ** state.steps
    for p, g, m, v in zip(parameters, gradients, state.means, state.squares, strict=True):
        m.lerp_(g, 1 - BETAS[0])
        v.mul_(BETAS[1]).addcmul_(g, g, value=1 - BETAS[1])
        p.sub_(LEARNING_RATE * (m / first) / ((v / second).sqrt() + EPSILON))


class AdamState:
    """Adam's moments and its count of steps."""

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        self.means = [torch.zeros_like(p) for p in parameters]
        self.squares = [torch.zeros_like(p) for p in parameters]
        self.steps = torch.zeros(())


def cross_entropy(z: Tensor, y: Tensor) -> Tensor:
    """Of scores (rows, classes), or (rows, members, classes), each member judged by itself."""
    if z.ndim == 3:
        y, z = y.repeat_interleave(z.shape[1]), z.flatten(0, 1)
    return F.cross_entropy(z, y)


def compiled_step(
    net: Net | Stack, network: nn.Module | None = None
) -> Callable[[Any, Tensor], Tensor]:
    """A whole training step as one compiled graph."""
    if isinstance(net, Stack) and net.is_sequences:
        # oneDNN's LSTM cannot be compiled for training (PyTorch 2.13 fails in its backward pass).
        # Without it the steps are traced like those of the other recurrent layers.
        torch.backends.mkldnn.set_flags(False)
    network = module(net) if network is None else network
    parameters = list(network.parameters())
    state = AdamState(parameters)

    def step(x: Any, y: Tensor) -> Tensor:
        loss = cross_entropy(network(x), y)
        gradients = torch.autograd.grad(loss, parameters)
        with torch.no_grad():
            adam(parameters, gradients, state)
        return loss.detach()

    return torch.compile(step, fullgraph=True, options=OPTIONS)
