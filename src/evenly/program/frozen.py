"""Compiles a network whose weights no longer change, for inference alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ConfigurationError
from ..layers.base import Shape, whole_panels
from ..layers.containers import Sequential
from ..losses import Loss
from .compiler import LARGEST_BYTES, external_buffers, multiply_adds
from .fusion import fuse
from .graph import Step, trace
from .lower import Lowering
from .parts import SCALARS, STATE, Buffer, Instruction
from .plan import Wanted, plan_work, round_up
from .precision import check_precision
from .values import Program

# How the kernels of Dense layers are kept: the operation's name, and the type of a number.
STORAGE = {
    "float32": ("packed_dense", "float32"), "float64": ("packed_dense", "float64"),
    "bfloat16": ("bfloat16_dense", "uint16"), "int8": ("int8_dense", "int8"),
}
# Of int8: 2^31 / 127^2, so that the sum of as many products is a 32-bit number.
_MOST_INPUTS = 133_144
PACK = "pack "  # in front of a layer's name: the list that packs its kernel


def compile_frozen(
    net: Sequential, shape: Shape, rows: int, storage: str, loss: Loss | None
) -> Program:
    """A program with the list ``inference``, and for each Dense layer one that packs its kernel,
    the program's input then.

    Arguments:
        net: as :func:`evenly.program.folding.folded` gives it.
        shape: of one example.
        rows: that are computed together, at most; fewer where they would take much memory.
        storage: how kernels of Dense layers are kept, of `STORAGE`.
        loss: that the network was trained with; for those who ask the program.

    Raises:
        ConfigurationError: a layer that carries states from batch to batch, or has no kernel; more
            inputs than int8 can sum.
    """
    dtype = "float64" if storage == "float64" else "float32"
    steps, output = trace(net, shape)
    check_precision(dtype, steps, ())
    _check(steps, storage)
    nodes, output = fuse(steps, output, training=False)
    output_shape = net.output_shape(shape)
    while True:
        lowering = Lowering(nodes, output, shape, output_shape, rows, dtype, False)
        lowering.inference(rows, None)
        packed = _Packed(lowering, storage, rows)
        work, work_bytes = plan_work(lowering.wanted, packed.lines)
        if work_bytes <= LARGEST_BYTES or rows == 1:
            break
        rows = max(1, rows // 2)
    arrays = net.arrays(shape)
    state, state_bytes = _plan_state(
        {**{name: (spec.shape, dtype) for name, spec in arrays.items()
            if name not in packed.replaced}, **packed.kept}
    )
    return Program(
        net=net, input_shape=shape, output_shape=output_shape, batch=rows, inference_batch=rows,
        dtype=dtype, loss=loss, optimizer=None, penalty=None, clip=None, constraint=None,
        augment=None, lists={"inference": tuple(packed.lines), **packed.packing},
        buffers={**external_buffers(shape, output_shape, rows, dtype), **state, **work},
        arrays=arrays, state_bytes=state_bytes, work_bytes=max(work_bytes, 64),
        multiply_adds=multiply_adds(steps), training_rows=1,
        outputs={"inference": lowering.outputs["inference"]},
        takes_lengths=any(step.layer.takes_lengths for step in steps),
        steps_changed=next((step.name for step in steps if step.layer.takes_lengths
                            and step.before[0] != shape[0]), ""),
    )


class _Packed:
    """The instructions with packed kernels in place of plain ones.

    Attributes:
        lines: of inference.
        packing: lists that pack, by name.
        replaced: the arrays that are packed.
        kept: shape and type of what takes their place.
    """

    def __init__(self, lowering: Lowering, storage: str, rows: int) -> None:
        self.packing: dict[str, tuple[Instruction, ...]] = {}
        self.replaced: set[str] = set()
        self.kept: dict[str, tuple[Shape, str]] = {}
        self._operation, self._type = STORAGE[storage]
        self._wanted, self._rows = lowering.wanted, rows
        self.lines = [self._packed(line) if line.operation == "dense.forward" else line
                      for line in lowering.lists["inference"]]

    def _packed(self, line: Instruction) -> Instruction:
        buffers = dict(line.buffers)
        kernel = buffers.pop("kernel")
        name = kernel.removesuffix(".kernel")
        inputs, columns = int(line.numbers["inputs"]), int(line.numbers["columns"])
        fours, width = inputs + -inputs % 4, whole_panels(columns)
        self.replaced.add(kernel)
        of_kernel = {"packed": f"{name}.packed"}
        self.kept[of_kernel["packed"]] = (fours, width), self._type
        if self._type == "int8":
            for slot, kind in (("scales", "float32"), ("starts", "int32")):
                of_kernel[slot] = f"{name}.{slot}"
                self.kept[of_kernel[slot]] = (width,), kind
            for slot, shape, kind in (("codes", (self._rows, fours), "int16"),
                                      ("row_scales", (self._rows,), "float32")):
                buffers[slot] = f"{name}.{slot}"
                self._wanted.append(Wanted(buffers[slot], shape, kind))
        self.packing[PACK + name] = Instruction(
            f"{self._operation}.pack", (name,), {"x": "input", **of_kernel},
            {"inputs": inputs, "columns": columns},
        ),
        return Instruction(f"{self._operation}.forward", line.layers, {**buffers, **of_kernel},
                           line.numbers, line.note)


def _check(steps: Sequence[Step], storage: str) -> None:
    for step in steps:
        label = f"{type(step.layer).__name__} '{step.name}'"
        if step.layer.states(step.before):
            raise ConfigurationError(
                f"{label}: is stateful, what a row gives depends on the calls before, and those of "
                "a Predictor may come at once: take the model's own predict"
            )
        if step.layer.kernel is None and not step.layer.reshapes:
            raise ConfigurationError(
                f"{label}: has no kernel and runs in Python, one thread at a time: take the "
                "model's own predict"
            )
        if storage == "int8" and step.layer.kernel == "dense" and step.before[0] > _MOST_INPUTS:
            raise ConfigurationError(
                f"{label}: int8 sums at most {_MOST_INPUTS:,} inputs in 32 bits, got "
                f"{step.before[0]:,}: take dtype='bfloat16'"
            )


def _plan_state(wanted: dict[str, tuple[Shape, str]]) -> tuple[dict[str, Buffer], int]:
    """Places one behind the other."""
    buffers, end = {}, 0
    for name, (shape, dtype) in {**wanted, "scalars": ((len(SCALARS),), "float64")}.items():
        size: Any = math.prod(shape) * np.dtype(dtype).itemsize
        buffers[name] = Buffer(name, shape, dtype, STATE, end, size)
        end += round_up(size)
    return buffers, end
