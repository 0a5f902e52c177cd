"""A whole training step of convolutional and recurrent networks: forward, loss, backward, Adam."""

from __future__ import annotations

from .nets import stack
from .rows import Row
from .training_step import BUILDERS as BUILDERS

TITLE = "Training step, images and sequences"
NETS = (stack.CNN_28, stack.CNN_32, *map(stack.recurrent, ("lstm", "rnn", "gru")))
ROWS = tuple(Row(net.name, net, needs=net.training_needs()) for net in NETS)
