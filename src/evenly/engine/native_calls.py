"""A program handed to the native core."""

from __future__ import annotations

from typing import Any

from ..native import Executor
from ..program.parts import native_line
from ..program.values import Program
from .segments import segments


def make_executor(
    program: Program, isa: str, state: Any, work: Any, classes: int, ignored: int | None
) -> Executor:
    """What runs the native instructions of a program.

    Arguments:
        program: which.
        isa: instruction set of the kernels; "" for the best.
        state, work: the arenas.
        classes: how many a target may name; 0 where targets name none.
        ignored: the number that may stand in a target's place without being a class.
    """
    buffers = program.buffers
    lists = {
        name: [native_line(line, buffers) for line in lines]
        for key, instructions in program.lists.items()
        for name, lines in segments(key, instructions)
        if not lines or not lines[0].is_python
    }
    x, y, weights, lengths = (
        buffers[name].place if name in buffers else None
        for name in ("batch_input", "batch_target", "batch_weights", "batch_lengths")
    )
    return Executor(
        lists, program.dtype == "float64", isa, state, work, buffers["scalars"].place, x, y,
        weights, lengths, classes, ignored,
    )
