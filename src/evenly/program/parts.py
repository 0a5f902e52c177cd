"""What a program is made of: buffers and instructions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..layers.base import Shape

# Regions, by the numbers that cpp/program/instruction.hpp gives them.
STATE, WORK, INPUT, TARGET, OUTPUT_GRADIENT, WEIGHTS, LENGTHS = range(7)
REGION_NAMES = ("state", "work", "input", "target", "output gradient", "sample weights", "lengths")

# The double-precision numbers that leave a step, in the order of struct Scalars in kernel.hpp; and
# what "failed" is where an update overflowed.
OVERFLOWED = 2.0
SCALARS = ("loss", "score", "penalty", "gradient_norm", "clip_factor", "weight", "failed",
           "scored")


@dataclass(frozen=True)
class Buffer:
    """Where an array lies.

    Attributes:
        name: such as ``dense_1.kernel`` or ``dense_1.y``.
        shape: the whole shape; the first axis of activations is the batch it is planned for.
        dtype: NumPy's name of the element type.
        region: the state arena (kept), the work arena (reused), or the caller's array.
        offset, bytes: within the region; a multiple of 64.
    """

    name: str
    shape: Shape
    dtype: str
    region: int
    offset: int
    bytes: int

    @property
    def place(self) -> tuple[int, int, int]:
        return self.region, self.offset, self.bytes


@dataclass(frozen=True)
class Instruction:
    """One line of a program.

    Attributes:
        operation: the kernel's name, or ``python.forward`` and the like for a definition.
        layers: the layers it computes: more than one where it is fused.
        buffers: the name of the buffer in each of the kernel's slots.
        numbers: sizes and constants.
        note: what compile decided that is not to be seen from the above.
    """

    operation: str
    layers: tuple[str, ...]
    buffers: Mapping[str, str]
    numbers: Mapping[str, float]
    note: str = ""

    @property
    def is_python(self) -> bool:
        return self.operation.startswith("python.")

    @property
    def output(self) -> str | None:
        """The buffer that it is there to fill, where there is one."""
        return self.buffers.get("y") or self.buffers.get("d_x")


def native_line(instruction: Instruction, buffers: Mapping[str, Buffer]) -> tuple[str, Any, Any]:
    """An instruction as the native core takes it."""
    places = {slot: buffers[name].place for slot, name in instruction.buffers.items()}
    return instruction.operation, places, {k: float(v) for k, v in instruction.numbers.items()}
