"""What a program is: values, without arrays. ``print(program)`` shows all of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..augmentation import Augmentation
from ..averaging import WeightAverage
from ..clipping import Clip
from ..constraints import Constraint
from ..layers.base import ArraySpec, Shape
from ..layers.containers import Sequential
from ..losses import Loss
from ..optimizers import ArrayRates, Optimizer
from ..penalties import Penalty
from ..showing import plain, unfolding
from .drawing import program_html
from .parts import WORK, Buffer, Instruction
from .show import bytes_text, listing, shape_text


@dataclass(frozen=True)
class Program:
    """A compiled network: see :func:`evenly.compile`.

    Attributes:
        net, input_shape, output_shape: what was compiled; shapes are of one example.
        batch: rows of a training batch, at most.
        inference_batch: rows that prediction handles at a time.
        lists: instruction lists: ``gradient`` (forward, loss, backward, check) and ``update``, or
            without a loss ``forward`` and ``backward``; ``inference``, ``evaluation``; ``average``
            where weights are averaged at the ends of epochs.
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
    augment: Augmentation | None
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
    average: WeightAverage | None = None
    rates: ArrayRates | None = None

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
        loss = type(self.loss).__name__ if self.loss else "no loss"
        rule = repr(self.optimizer) if self.optimizer else "no optimizer"
        return "\n".join([
            f"program: ({shape_text(self.input_shape)}) -> ({shape_text(self.output_shape)}), "
            f"batch {self.batch}, {self.dtype}, {loss}, {rule}",
            f"{self.parameters:,} parameters; arenas: state {bytes_text(self.state_bytes)}, "
            f"work {bytes_text(self.work_bytes)}; activations, parameters and optimizer need "
            f"{bytes_text(self.needed_bytes)}",
            *listing(self.lists, self.buffers),
        ])

    def _repr_html_(self) -> str:
        first, second, *lines = str(self).splitlines()
        listed = "<pre>" + plain("\n".join(lines)) + "</pre>"
        return program_html(self, "Program", [first.removeprefix("program: "), second],
                            unfolding("instructions and buffers", listed))

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": self._repr_html_()}


def _size(shape: Shape) -> int:
    size = 1
    for n in shape:
        size *= n
    return size
