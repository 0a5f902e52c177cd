"""PyTorch's words for the layers of members within one network: (batch, members, features)."""

from __future__ import annotations

from typing import Any

import torch

from .modules import averaged


class Members(torch.nn.Module):
    """The input for each member, times its factors."""

    def __init__(self, factor: tuple[int, ...]) -> None:
        super().__init__()
        self.factor = torch.nn.Parameter(torch.ones(factor))

    def forward(self, x: Any) -> Any:
        return self.factor * x.unsqueeze(1)


class BatchEnsemble(torch.nn.Module):
    """A linear layer that members share, with scales and biases of their own."""

    def __init__(self, **shapes: tuple[int, ...]) -> None:
        super().__init__()
        self.input_scale: Any = None
        self.bias: Any = None
        for name, shape in shapes.items():
            vars(self).pop(name, None)
            self.register_parameter(name, torch.nn.Parameter(torch.ones(shape)))

    def forward(self, x: Any) -> Any:
        x = x if self.input_scale is None else self.input_scale * x
        y = self.output_scale * (x @ self.kernel)
        return y if self.bias is None else y + self.bias


class MemberDense(torch.nn.Module):
    """A linear layer for each member; the kernels stand side by side."""

    kernel: torch.Tensor

    def __init__(self, members: int, **shapes: tuple[int, ...]) -> None:
        super().__init__()
        self.members = members
        self.bias: Any = None
        for name, shape in shapes.items():
            vars(self).pop(name, None)
            self.register_parameter(name, torch.nn.Parameter(torch.ones(shape)))

    def forward(self, x: Any) -> Any:
        kernel = self.kernel.reshape(len(self.kernel), self.members, -1)
        y = torch.einsum("nkf,fku->nku", x, kernel)
        return y if self.bias is None else y + self.bias.unflatten(0, (self.members, -1))


class MemberMean(torch.nn.Module):
    """The mean of the members' answers, as evenly's MemberMean has it."""

    def __init__(self, of: str, levels: int, anchor: int) -> None:
        super().__init__()
        self.of, self.levels, self.anchor = of, levels, anchor

    def forward(self, x: Any) -> Any:
        return averaged(x.movedim(1, 0), self.of, self.levels, self.anchor)
