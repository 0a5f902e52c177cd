"""Which layer was the first that was not finite."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..program.parts import Instruction
from ..program.values import Program


def first_not_finite(
    program: Program, run: Callable[[int], Any], buffer: Callable[[str], Any], x: Any
) -> tuple[str, float]:
    """Replays the failed step, instruction by instruction, until something is not finite.

    Arguments:
        program: what failed.
        run: runs one line of its list ``gradient`` on the step's batch.
        buffer: an array of the program by name.
        x: the batch's inputs.

    Returns what it was, and the loss, NaN if it had not come to that.
    """
    nan = float("nan")

    def loss() -> float:
        return float(buffer("scalars")[0])

    if not np.all(np.isfinite(x)):
        return "the input", nan
    for i, line in enumerate(program.lists["gradient"]):
        run(i)
        for slot, name in line.buffers.items():
            written = slot == "y" if line.operation.endswith("forward") else slot[:2] == "d_"
            if not written or slot in ("d_y", "d_z") or name == "output_gradient":
                continue
            rows = slice(len(x)) if slot in ("y", "d_x") else slice(None)
            if not np.all(np.isfinite(buffer(name)[rows])):
                return _blame(program, line, slot), nan if slot == "y" else loss()
        if line.operation == getattr(program.loss, "kernel", None) and not np.isfinite(
            loss()
        ):
            return f"the loss ({type(program.loss).__name__})", nan
    return "the norm of the gradients", loss()


def _blame(program: Program, line: Instruction, slot: str) -> str:
    layer = " + ".join(line.layers) or f"the loss ({type(program.loss).__name__})"
    if slot == "y":
        return f"the output of {layer}"
    what = "the input" if slot == "d_x" else slot[2:]
    return f"the gradient of {layer} on {what}"
