"""What a program is: values, without arrays. ``print(program)`` shows all of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..augmentation import Mixup
from ..clipping import Clip
from ..constraints import Constraint
from ..layers.base import ArraySpec, Shape
from ..layers.containers import Sequential
from ..losses import Loss
from ..optimizers import Optimizer
from ..penalties import Penalty

# Regions, by the numbers that cpp/program/instruction.hpp gives them.
STATE, WORK, INPUT, TARGET, OUTPUT_GRADIENT, WEIGHTS, LENGTHS = range(7)
REGION_NAMES = (
    "state", "work", "input", "target", "output gradient", "sample weights", "lengths",
)

# The double-precision numbers that leave a step, in the order of struct Scalars in kernel.hpp.
SCALARS = ("loss", "score", "penalty", "gradient_norm", "clip_factor", "weight", "failed")


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


@dataclass(frozen=True)
class Program:
    """A compiled network: see :func:`evenly.compile`.

    Attributes:
        net, input_shape, output_shape: what was compiled; shapes are of one example.
        batch: rows of a training batch, at most.
        inference_batch: rows that prediction handles at a time.
        lists: instruction lists: ``gradient`` (forward, loss, backward, check) and ``update``, or
            without a loss ``forward`` and ``backward``; ``inference``, ``evaluation``.
        buffers: by name. Those of inference have names that end in ``'``.
        arrays: the network's arrays (parameters and running statistics) as declared.
        state_bytes, work_bytes: of the two arenas.
        d_x: the buffer of the gradient on the input, where it is wanted.
        outputs: the buffer of the scores, by list: of ``forward`` (or ``gradient``) and
            ``inference``.
        takes_lengths: whether a layer reads how long each sequence is.
        steps_changed: the first such layer that sees another number of steps than the input has.
        carried: the buffers in which rows of a batch hand on to those of the next.
    """

    net: Sequential
    input_shape: Shape
    output_shape: Shape
    batch: int
    inference_batch: int
    dtype: str
    loss: Loss | None
    optimizer: Optimizer | None
    penalty: Penalty | None
    clip: Clip | None
    constraint: Constraint | None
    augment: Mixup | None
    lists: Mapping[str, tuple[Instruction, ...]]
    buffers: Mapping[str, Buffer]
    arrays: Mapping[str, ArraySpec]
    state_bytes: int
    work_bytes: int
    multiply_adds: int
    training_rows: int
    d_x: str | None = None
    outputs: Mapping[str, str] = field(default_factory=dict)
    takes_lengths: bool = False
    steps_changed: str = ""
    carried: tuple[str, ...] = ()

    @property
    def scores_steps(self) -> bool:
        """Whether there is a row of scores for every step of the input."""
        return self.output_shape[:-1] == self.input_shape[:1]

    @property
    def parameters(self) -> int:
        """How many trainable numbers the network has."""
        return sum(_size(spec.shape) for spec in self.arrays.values() if spec.trainable)

    @property
    def needed_bytes(self) -> int:
        """What training cannot do without: inputs and activations of a batch, parameters, their
        gradients, running statistics and the optimizer's states."""
        kept = [buffer.bytes for name, buffer in self.buffers.items()
                if name == "batch_input" or (buffer.region == WORK and name.endswith(".y"))]
        return self.state_bytes + sum(kept)

    @property
    def has_python(self) -> bool:
        """Whether a layer runs through its definition."""
        return any(i.is_python for lines in self.lists.values() for i in lines)

    def __str__(self) -> str:
        from .show import show

        return show(self)


def _size(shape: Shape) -> int:
    size = 1
    for n in shape:
        size *= n
    return size


def native_line(instruction: Instruction, buffers: Mapping[str, Buffer]) -> tuple[str, Any, Any]:
    """An instruction as the native core takes it."""
    places = {slot: buffers[name].place for slot, name in instruction.buffers.items()}
    return instruction.operation, places, {k: float(v) for k, v in instruction.numbers.items()}
