"""The program of one part of a batch, where the parts' sums meet on the way."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from ..errors import ConfigurationError
from .compiler import compile as compile_program
from .parts import STATE, WORK, Buffer, Instruction
from .plan import round_up
from .values import Program

# What the parts of a batch must know of each other. {kernel of a whole batch: the one that leaves
# what a part has in the buffer "part", and the one that reads what all have in the buffer "all"}
_MEETINGS = {
    "batch_norm.forward": ("batch_norm.moments", "batch_norm.apply"),
    "batch_norm.backward": ("batch_norm.sums", "batch_norm.spread"),
}


def by_parts(program: Program, parts: int) -> Program:
    """The program for one of so many parts of a batch, up to the gradients. Parameters, optimizer
    states and statistics lie where they do in the whole batch's program; gradients and scalars are
    the part's own, in its work arena.

    Its list ``gradient`` ends in front of what is done once a batch. Behind which lines the parts
    meet, :func:`meets` says.

    Raises:
        ConfigurationError: a layer that cannot be trained by parts, by its name.
    """
    _check(program)
    own = compile_program(
        program.net, program.input_shape, max(-(-program.batch // parts), program.training_rows),
        program.loss, program.optimizer, augment=program.augment, dtype=program.dtype,
        average=program.average,
    )
    buffers, size = _own_gradients(own)
    lines: list[Instruction] = []
    for line in own.lists["gradient"]:
        if line.operation in ("still_row.set_aside", "gradient_check"):
            break
        if own.loss is not None and line.operation == own.loss.kernel:
            lines.append(replace(line, numbers={**line.numbers, "weighs": 1}, note="its weight"))
            lines.append(line)
        elif line.operation in _MEETINGS:
            # Where no gradient on the input is wanted, nobody asks for the others' sums.
            slots = ("part", "all") if "d_x" in line.buffers or "d_y" not in line.buffers else (
                "part",)
            names = {slot: f"{line.layers[0]}.{line.operation}.{slot}" for slot in slots}
            for name in names.values():
                shape = (2, int(line.numbers["columns"]))
                buffers[name] = Buffer(name, shape, "float64", WORK, size, 8 * math.prod(shape))
                size += round_up(buffers[name].bytes)
            first, second = _MEETINGS[line.operation]
            lines.append(replace(line, operation=first, buffers={**line.buffers, **names}))
            if "all" in names:
                lines.append(replace(line, operation=second, buffers={**line.buffers, **names}))
        else:
            lines.append(line)
    return replace(own, lists={"gradient": tuple(lines), "inference": ()}, buffers=buffers,
                   work_bytes=size)


def meets(line: Instruction) -> str:
    """What the parts tell each other behind a line: "weight", "moments", "sums" or nothing."""
    if "weighs" in line.numbers:
        return "weight"
    first = any(line.operation == first for first, _ in _MEETINGS.values())
    return line.operation.partition(".")[2] if first and "all" in line.buffers else ""


def _own_gradients(program: Program) -> tuple[dict[str, Buffer], int]:
    """Buffers with gradients and scalars in the work arena, behind all else; and its new size."""
    begin = round_up(program.work_bytes)
    gradients, scalars = program.buffers["gradients"], program.buffers["scalars"]
    places = {"scalars": begin}
    begin += round_up(scalars.bytes)
    for name, buffer in program.buffers.items():
        if buffer.region == STATE and (name == "gradients" or name.endswith(".gradient")):
            places[name] = begin + buffer.offset - gradients.offset
    moved = {name: replace(program.buffers[name], region=WORK, offset=offset)
             for name, offset in places.items()}
    return {**program.buffers, **moved}, begin + round_up(gradients.bytes)


def _check(program: Program) -> None:
    for problem in _problems(program):
        raise ConfigurationError(f"fit: workers: {problem}")


def _problems(program: Program) -> Iterator[str]:
    for carried in program.carried:
        yield (f"layer '{carried.rpartition('.')[0]}' is stateful: each row of a batch goes on "
               "where it ended in the batch before, and parts of a batch are not kept apart for "
               "that: give stateful=False, or train without workers")
    layers = dict(program.net.named_layers())
    own = {line.layers[0] for line in program.lists["gradient"] if line.is_python}
    for name in sorted(own):
        what = f"{type(layers[name]).__name__} '{name}'"
        if not layers[name].rows_apart:
            yield (f"{what}: a layer of your own may compute across the rows of a batch, of which "
                   "each process has some: where it does not, say rows_apart = True in its class")
        if any(not spec.trainable for array, spec in program.arrays.items()
               if array.rpartition(".")[0] == name):
            yield (f"{what} keeps running statistics, which each process would take of its own "
                   "rows: train without workers")
