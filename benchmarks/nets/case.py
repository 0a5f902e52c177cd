"""A network under measurement, and the data it is trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..rows import Needs

RATE = 0.5
LEARNING_RATE = 1e-3
BETAS = (0.9, 0.999)
EPSILON = 1e-8
# Batches that take turns: on a single one the gradients would die away.
BATCHES = 4


@dataclass(frozen=True)
class Net:
    """Dense-norm-ReLU-Dropout for each hidden size, then Dense.

    Attributes:
        sizes: of the input, the hidden layers and the output.
        batch: rows a step.
        norm: ``"batch"`` or ``"layer"``.
    """

    sizes: tuple[int, ...]
    batch: int
    norm: str = "batch"

    @property
    def layers(self) -> list[tuple[int, int]]:
        """Inputs and outputs of each dense layer."""
        return list(zip(self.sizes, self.sizes[1:], strict=False))

    @property
    def hidden(self) -> tuple[int, ...]:
        return self.sizes[1:-1]

    @property
    def parameters(self) -> int:
        dense = sum((n_in + 1) * n_out for n_in, n_out in self.layers)
        return dense + 2 * sum(self.hidden)

    def batches(self) -> list[tuple[Any, Any]]:
        """Inputs (float32) and class numbers (int32)."""
        random = np.random.default_rng(0)
        return [
            (
                random.standard_normal((self.batch, self.sizes[0]), dtype=np.float32),
                random.integers(0, self.sizes[-1], self.batch, dtype=np.int32),
            )
            for _ in range(BATCHES)
        ]

    def training_needs(self) -> Needs:
        """Of a training step with Adam.

        Products: three for each dense layer, of which the first layer needs no gradient of its
        input. Bytes: parameters and Adam's two moments are read and written, gradients written and
        read; the input is read; each hidden layer's normalized input and its output are written
        and read, forward, and so are their gradients, backward; the scores and their gradient too.
        """
        products = sum(3 * n_in * n_out for n_in, n_out in self.layers)
        products -= self.sizes[0] * self.sizes[1]
        hidden = self.batch * sum(self.hidden)
        ends = self.batch * (self.sizes[0] + 4 * self.sizes[-1])
        return Needs(
            flops=2.0 * self.batch * products,
            bytes=4.0 * (8 * self.parameters + 8 * hidden + ends),
            working_set=4.0 * (4 * self.parameters + 4 * hidden + ends),
        )

    def inference_needs(self) -> Needs:
        """Of a prediction: one product a dense layer; parameters, inputs and scores are moved
        once, each hidden layer's output written and read."""
        products = sum(n_in * n_out for n_in, n_out in self.layers)
        ends = self.batch * (self.sizes[0] + self.sizes[-1])
        hidden = self.batch * sum(self.hidden)
        return Needs(
            flops=2.0 * self.batch * products,
            bytes=4.0 * (self.parameters + ends + 2 * hidden),
            working_set=4.0 * (self.parameters + ends + hidden),
        )

    def __str__(self) -> str:
        norm = "" if self.norm == "batch" else ", LayerNorm"
        return f"{'-'.join(map(str, self.sizes))}{norm}, batch {self.batch}"
