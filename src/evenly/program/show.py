"""Instructions and buffers as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .parts import REGION_NAMES, Buffer, Instruction


def bytes_text(size: int) -> str:
    """``12,288 B``, ``1.5 MiB``."""
    if size < 100_000:
        return f"{size:,} B"
    if size < 100 * 2**20:
        return f"{size / 2**20:.2f} MiB"
    return f"{size / 2**30:.2f} GiB"


def shape_text(shape: Any) -> str:
    return " x ".join(map(str, shape)) if shape else "1"


def listing(
    lists: Mapping[str, tuple[Instruction, ...]], buffers: Mapping[str, Buffer]
) -> Iterator[str]:
    """Each instruction with its shapes and what was fused; each buffer with its bytes."""
    for name, instructions in lists.items():
        yield ""
        yield f"{name}:"
        for number, instruction in enumerate(instructions):
            yield f"  {number:3} {_instruction(instruction, buffers)}"
    yield ""
    yield "buffers:"
    width = max(len(name) for name in buffers)
    for buffer in sorted(buffers.values(), key=lambda b: (b.region, b.offset, b.name)):
        yield f"  {_buffer(buffer, width)}"


def _instruction(instruction: Instruction, buffers: Mapping[str, Buffer]) -> str:
    def shape(slot: str) -> str:
        name = instruction.buffers.get(slot)
        return f"({shape_text(buffers[name].shape)})" if name else ""

    source = shape("d_y") or shape("x")
    goal = shape("y") if "d_y" not in instruction.buffers else shape("d_x")
    shapes = " -> ".join(part for part in (source, goal) if part)
    fused = " + ".join(instruction.layers)
    text = f"{instruction.operation:24} {fused:40} {shapes}"
    return (text + (f"  [{instruction.note}]" if instruction.note else "")).rstrip()


def _buffer(buffer: Buffer, width: int) -> str:
    where = REGION_NAMES[buffer.region]
    if buffer.region <= 1:
        where += f" @{buffer.offset}"
    return (
        f"{buffer.name:{width}}  {shape_text(buffer.shape):>16} {buffer.dtype:8}"
        f"{bytes_text(buffer.bytes):>12}  {where}"
    )
