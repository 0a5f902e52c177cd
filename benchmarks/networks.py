"""A whole training step of convolutional, recurrent, residual and other networks: forward, loss,
backward, Adam."""

from __future__ import annotations

from .goals import goals
from .nets.stack import Stack
from .nets.stacks import NETS
from .rows import Row
from .training_step import BUILDERS as BUILDERS

TITLE = "Training step, images, sequences, tables"


def _row(net: Stack) -> Row:
    name = f"{net.name}: {net.about}"
    return Row(name, net, goals(name), net.training_needs())


ROWS = tuple(map(_row, NETS))
