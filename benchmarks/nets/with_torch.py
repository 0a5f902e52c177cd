"""The network in PyTorch, as a module and as one compiled training step."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .case import BETAS, EPSILON, LEARNING_RATE, RATE, Net

_NORMS = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm}
# Code in C++ calls the kernels: on small networks calls from Python cost more than the kernels.
OPTIONS = {"cpp_wrapper": True}


def module(net: Net) -> nn.Sequential:
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for n_in, n_out in net.layers[:-1]:
        layers += [nn.Linear(n_in, n_out), _NORMS[net.norm](n_out), nn.ReLU(), nn.Dropout(RATE)]
    return nn.Sequential(*layers, nn.Linear(*net.layers[-1]))


def use_threads(threads: int) -> None:
    torch.set_num_threads(threads)
    # Lets a compiled function hold the backward pass too: forward, backward and update become one
    # graph. Compiled apart they are three, several times slower on small networks.
    torch._dynamo.config.trace_autograd_ops = True


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


def compiled_step(net: Net) -> Callable[[Tensor, Tensor], Tensor]:
    """A whole training step as one compiled graph."""
    network = module(net)
    parameters = list(network.parameters())
    state = AdamState(parameters)

    def step(x: Tensor, y: Tensor) -> Tensor:
        loss = F.cross_entropy(network(x), y)
        gradients = torch.autograd.grad(loss, parameters)
        with torch.no_grad():
            adam(parameters, gradients, state)
        return loss.detach()

    return torch.compile(step, fullgraph=True, options=OPTIONS)
