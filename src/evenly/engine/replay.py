"""Which layer was the first that was not finite."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..program.values import Instruction

if TYPE_CHECKING:
    from .engine import Engine


def first_not_finite(
    engine: Engine, numbers: Any, x: Any, y: Any, weights: Any = None, lengths: Any = None
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
    for i, line in enumerate(engine.program.lists["gradient"]):
        engine.run("gradient", x, y, weights=weights, lengths=lengths, numbers=numbers, begin=i,
                   end=i + 1)
        for slot, name in line.buffers.items():
            written = slot == "y" if line.operation.endswith("forward") else slot[:2] == "d_"
            if not written or slot in ("d_y", "d_z") or name == "output_gradient":
                continue
            rows = slice(len(x)) if slot in ("y", "d_x") else slice(None)
            if not np.all(np.isfinite(engine.buffer(name)[rows])):
                return _blame(engine, line, slot), nan if slot == "y" else loss()
        if line.operation == getattr(engine.program.loss, "kernel", None) and not np.isfinite(
            loss()
        ):
            return f"the loss ({type(engine.program.loss).__name__})", nan
    return "the norm of the gradients", loss()


def _blame(engine: Engine, line: Instruction, slot: str) -> str:
    layer = " + ".join(line.layers) or f"the loss ({type(engine.program.loss).__name__})"
    if slot == "y":
        return f"the output of {layer}"
    what = "the input" if slot == "d_x" else slot[2:]
    return f"the gradient of {layer} on {what}"
