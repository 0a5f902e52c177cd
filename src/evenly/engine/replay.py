"""What is not finite, and which layer was the first to make it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..program.parts import Instruction
from .runner import Runner


def first_not_finite(
    engine: Runner, numbers: Any, x: Any, y: Any, weights: Any = None, lengths: Any = None
) -> tuple[str, float]:
    """Replays the failed step, instruction by instruction, until something is not finite.

    Returns what it was, and the loss, NaN if it had not come to that.
    """
    nan = float("nan")

    def loss() -> float:
        return float(engine.buffer("scalars")[0])

    if not np.all(np.isfinite(x)):
        return "the input", nan
    x, y = np.ascontiguousarray(x), np.ascontiguousarray(y)
    name_of_loss = f"the loss ({type(engine.program.loss).__name__})"
    masked = ""  # the first layer that has given minus infinity, as a mask may
    for i, line in enumerate(engine.program.lists["gradient"]):
        engine.run("gradient", x, y, weights=weights, lengths=lengths, numbers=numbers, begin=i,
                   end=i + 1)
        for slot, name in line.buffers.items():
            written = slot == "y" if line.operation.endswith("forward") else slot[:2] == "d_"
            if not written or slot in ("d_y", "d_z") or name == "output_gradient":
                continue
            rows = slice(len(x)) if slot in ("y", "d_x") else slice(None)
            values = engine.buffer(name)[rows]
            if np.all(np.isfinite(values)):
                continue
            blame = _blame(engine, line, slot)
            if slot == "y" and np.all(np.isfinite(values) | (values == -np.inf)):
                masked = masked or blame
                continue
            return masked or blame, nan if slot == "y" or masked else loss()
        if line.operation == getattr(engine.program.loss, "kernel", None) and not np.isfinite(
            loss()
        ):
            if masked and loss() == np.inf:
                return f"{name_of_loss}, for a class whose score is minus infinity,", nan
            return masked or name_of_loss, nan
    return masked or "the norm of the gradients", loss()


def _blame(engine: Runner, line: Instruction, slot: str) -> str:
    layer = " + ".join(line.layers) or f"the loss ({type(engine.program.loss).__name__})"
    if slot == "y":
        return f"the output of {layer}"
    what = "the input" if slot == "d_x" else slot[2:]
    return f"the gradient of {layer} on {what}"


def strange_statistics(engine: Runner) -> set[str]:
    """The running statistics that hold infinity or NaN."""
    arrays = engine.program.arrays
    return {name for name, array in engine.arrays.items()
            if not arrays[name].trainable and not _finite(array)}


def strange_states(engine: Runner) -> Iterator[str]:
    """The optimizer's states that hold infinity or NaN, in words."""
    program = engine.program
    for number, state in enumerate(program.optimizer.states if program.optimizer else (), start=1):
        if _finite(engine.buffer(f"state_{number}")):  # those of all arrays, in one pass
            continue
        for name, spec in program.arrays.items():
            if spec.trainable and not _finite(engine.buffer(f"{name}.state_{number}")):
                yield f"the optimizer's {state} of {name}"


def strange_parameter(engine: Runner) -> str:
    """The first parameter that holds infinity or NaN."""
    arrays = engine.program.arrays
    return next((name for name, array in engine.arrays.items()
                 if arrays[name].trainable and not _finite(array)), "a parameter")


def _finite(array: Any) -> bool:
    # NaN passes through both; nothing is allocated.
    return not array.size or bool(np.isfinite(array.min()) and np.isfinite(array.max()))
