"""The sum of all parts' gradients, begun while backward still computes others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from ..parallel.group import Group, Pending
from ..program.parts import Instruction
from ..program.values import Program

T = TypeVar("T")

# So many bytes of gradients, or more, are sent together.
_MESSAGE = 2**18


class GradientSum:
    """Adds up what the parts of a batch have: those of this process, then those of its partners,
    in a balanced tree over all parts.

    Arguments:
        program: of a part.
        own: the gradients of this process's parts, each as one flat array. They do not survive.
        group: of the processes.

    Attributes:
        ends: behind which lines of the list ``gradient`` some gradients are there in all parts.
    """

    def __init__(self, program: Program, own: Sequence[Any], group: Group) -> None:
        self._own, self._group = own, group
        self._received = np.empty_like(own[0]) if group.size > 1 else own[0]
        self._ranges = _ranges(program, len(own[0]) if group.size > 1 else 0)
        self.ends = sorted(self._ranges)
        self._sent: list[tuple[slice, Pending]] = []

    def begin(self, end: int) -> None:
        """The lines in front of `end` have run in all own parts: adds up what they left, and begins
        to exchange it."""
        for at in self._ranges.get(end, ()):
            tree([one[at] for one in self._own], lambda a, b: np.add(a, b, out=a))
            self._send(at, 1)

    def finish(self, out: Any) -> None:
        """All lines have run: fills `out` with the sum over all processes."""
        total, distance = self._own[0], 1
        while distance < self._group.size:
            sent, self._sent = self._sent, []
            distance *= 2
            for at, pending in sent:
                pending.wait()
                # Both partners add the same two numbers: so all end with the same bits.
                np.add(total[at], self._received[at], out=total[at])
                self._send(at, distance)
        out[...] = total

    def _send(self, at: slice, distance: int) -> None:
        if distance < self._group.size:
            partner = self._group.rank ^ distance
            pending = self._group.start_exchange(partner, self._own[0][at], self._received[at])
            self._sent.append((at, pending))


def _ranges(program: Program, size: int) -> dict[int, list[slice]]:
    """Ranges of the flat gradients by the line behind which they are whole, for messages that are
    worth sending. Kernels lie in the order of the layers, and so does what does not decay behind
    them: from the end on, each comes later in backward."""
    lines = program.lists["gradient"]
    flat = program.buffers["gradients"]
    item = np.dtype(program.dtype).itemsize
    if size * item < 2 * _MESSAGE:
        return {len(lines): [slice(None)]}
    ranges: dict[int, list[slice]] = {}
    places = sorted(((program.buffers[f"{name}.gradient"].offset - flat.offset) // item,
                     _ready(lines, f"{name}.gradient"))
                    for name, spec in program.arrays.items() if spec.trainable)
    end, ready = size, 0
    for i in range(len(places) - 1, -1, -1):
        begin, own = places[i]
        ready = max(ready, own)
        if i == 0 or (end - begin) * item >= _MESSAGE or places[i - 1][1] < ready:
            ranges.setdefault(ready or len(lines), []).append(slice(begin, end))
            end, ready = begin, 0
    return ranges


def _ready(lines: Sequence[Instruction], gradient: str) -> int:
    """Behind which line a gradient is whole; 0 for one that no line writes."""
    return max((i for i, line in enumerate(lines, 1) if gradient in line.buffers.values()),
               default=0)


def tree(leaves: Sequence[T], add: Callable[[T, T], T]) -> T:
    """The sum in a balanced tree: ((1 + 2) + (3 + 4)) + ..., so that a process that has neighbours
    adds these first, and all goes on from there."""
    level = list(leaves)
    while len(level) > 1:
        level = [add(a, b) for a, b in zip(level[::2], level[1::2], strict=True)]
    return level[0]
