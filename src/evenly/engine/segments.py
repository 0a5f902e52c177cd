"""Where native code hands over to Python."""

from __future__ import annotations

from collections.abc import Iterator

from ..program.parts import Instruction


def segments(
    key: str, instructions: tuple[Instruction, ...]
) -> Iterator[tuple[str, list[Instruction]]]:
    """Cuts a list where the native code must hand over to Python: each definition is a segment of
    its own. A list of native instructions alone is one segment with the list's name."""
    part: list[Instruction] = []
    number = 0
    for instruction in instructions:
        if instruction.is_python:
            if part:
                yield f"{key}/{number}", part
                part, number = [], number + 1
            yield "", [instruction]
        else:
            part.append(instruction)
    if part or not instructions:
        yield (f"{key}/{number}" if number or len(part) < len(instructions) else key), part
