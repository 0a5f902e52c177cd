"""Where buffers lie: the state arena, and the work arena whose places are used again."""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import ConfigurationError
from ..layers.base import ArraySpec, Shape
from .parts import SCALARS, STATE, WORK, Buffer, Instruction

_LINE = 64  # bytes of a cache line: no two buffers share one
_LIMIT = 2**47  # bytes that a process can address


def round_up(size: int) -> int:
    return -(-size // _LINE) * _LINE


@dataclass(frozen=True)
class Wanted:
    """A buffer that needs a place in the work arena."""

    name: str
    shape: Shape
    dtype: str
    always: bool = False  # kept through the whole list

    @property
    def bytes(self) -> int:
        return round_up(max(1, math.prod(self.shape)) * np.dtype(self.dtype).itemsize)


def plan_state(
    arrays: dict[str, ArraySpec], states: Sequence[str], dtype: str, carried: Mapping[str, Shape],
    averaged: bool = False,
) -> tuple[dict[str, Buffer], int, int]:
    """Places of parameters, gradients, optimizer states, running statistics, what rows carry from
    batch to batch, and scalars.

    Parameters lie one behind the other, those that decay first, so that an update is one loop;
    gradients and states repeat their layout, as averages do where there are any, those of the
    running statistics too. Returns (buffers, bytes of the arena, bytes of the decaying part).
    """
    trainable = {name: spec for name, spec in arrays.items() if spec.trainable}
    order = sorted(trainable, key=lambda name: not trainable[name].decays)
    item = np.dtype(dtype).itemsize
    offsets, size, decaying = {}, 0, 0
    for name in order:
        offsets[name] = size
        size += round_up(math.prod(trainable[name].shape) * item)
        if trainable[name].decays:
            decaying = size
    buffers: dict[str, Buffer] = {}

    def add(name: str, shape: Shape, offset: int, nbytes: int) -> None:
        buffers[name] = Buffer(name, shape, dtype, STATE, offset, nbytes)

    flats = ["values", "gradients", *states, *(("average",) if averaged else ())]
    for number, flat in enumerate(flats):
        base = number * size
        add(flat, (size // item,), base, size)
        for name in order:
            shape = trainable[name].shape
            own = name if flat == "values" else f"{name}.{_suffix(flat)}"
            add(own, shape, base + offsets[name], math.prod(shape) * item)
    end = len(flats) * size
    kept = {name: spec.shape for name, spec in arrays.items() if not spec.trainable}

    def add_all(shapes: Mapping[str, Shape], ending: str, flat: str = "") -> None:
        nonlocal end
        begin = end
        for name, shape in shapes.items():
            nbytes = math.prod(shape) * item
            add(name + ending, shape, end, nbytes)
            end += round_up(nbytes)
        if flat and end > begin:
            add(flat, ((end - begin) // item,), begin, end - begin)

    add_all(kept, "", "statistics" if averaged else "")
    if averaged:
        add_all(kept, ".average", "average_statistics")
    add_all(carried, "")
    scalars = 8 * len(SCALARS)
    buffers["scalars"] = Buffer("scalars", (len(SCALARS),), "float64", STATE, end, scalars)
    end += round_up(scalars)
    if end > _LIMIT:
        raise ConfigurationError(
            f"compile: the network's arrays would take {end:,} bytes: make its layers smaller"
        )
    return buffers, end, decaying


def _suffix(flat: str) -> str:
    return "gradient" if flat == "gradients" else flat


def plan_work(
    wanted: Iterable[Wanted], timeline: Sequence[Instruction]
) -> tuple[dict[str, Buffer], int]:
    """Places in the work arena such that no two buffers that are in use at once overlap.

    The largest buffer gets the lowest free place first. Returns (buffers, bytes of the arena).
    """
    last = max(0, len(timeline) - 1)
    uses: dict[str, list[int]] = {}
    for time, instruction in enumerate(timeline):
        for name in instruction.buffers.values():
            uses.setdefault(name, []).append(time)
    placed: list[tuple[int, int, Buffer]] = []  # by where they begin
    size = 0
    for want in sorted(wanted, key=lambda w: (-w.bytes, w.name)):
        times = uses.get(want.name)
        if times is None and not want.always:
            continue
        begin, end = (0, last) if want.always or times is None else (times[0], times[-1])
        offset = 0
        for other_begin, other_end, other in placed:
            apart = other_end < begin or end < other_begin
            if apart or other.offset + other.bytes <= offset:
                continue
            if other.offset >= offset + want.bytes:
                break
            offset = other.offset + other.bytes
        buffer = Buffer(want.name, want.shape, want.dtype, WORK, offset, want.bytes)
        insort(placed, (begin, end, buffer), key=lambda place: place[2].offset)
        size = max(size, offset + want.bytes)
    if size > _LIMIT:
        raise ConfigurationError(
            f"compile: a batch would take {size:,} bytes: make the batch or the layers smaller"
        )
    return {buffer.name: buffer for _, _, buffer in placed}, size
