"""Compiles a network: shapes, fusion, instructions, buffers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..augmentation import Augmentation
from ..averaging import WeightAverage
from ..clipping import Clip
from ..constraints import Constraint
from ..errors import ConfigurationError, ShapeError
from ..layers.base import Layer, Shape
from ..layers.containers import Container, Sequential
from ..layers.embedding import index_reader
from ..losses import Loss
from ..optimizers import ArrayRates, Optimizer
from ..penalties import Penalty
from .fusion import fuse
from .graph import Step, trace
from .lower import Lowering
from .parts import INPUT, LENGTHS, OUTPUT_GRADIENT, TARGET, WEIGHTS, Buffer
from .plan import plan_state, plan_work
from .precision import check_precision
from .update import around_still_rows, average_lines, check_line, held_rows, update_lines
from .values import Program

DTYPES = ("float32", "float64")
_INFERENCE_ROWS = 256
_INFERENCE_BYTES, LARGEST_BYTES = 2**22, 2**26


def compile(
    net: Layer | Sequence[Layer],
    input_shape: int | Shape,
    batch: int = 32,
    loss: Loss | None = None,
    optimizer: Optimizer | None = None,
    *,
    penalty: Penalty | None = None,
    clip: Clip | None = None,
    constraint: Constraint | None = None,
    augment: Augmentation | None = None,
    dtype: str = "float32",
    input_gradient: bool | None = None,
    average: WeightAverage | None = None,
    rates: ArrayRates | None = None,
) -> Program:
    """Compiles a network into a :class:`Program`.

    Arguments:
        net: a layer, usually :class:`Sequential`.
        input_shape: the shape of one example: (features,), or (height, width, channels), ...
        batch: rows of a training batch; shorter ones run too.
        loss: needed to train. Without one the program has the lists ``forward`` and ``backward``.
        optimizer: needed to train.
        penalty: added to the cost.
        clip: of the gradients.
        constraint: on the weights, after every update.
        augment: of the examples of a training batch.
        dtype: ``"float32"`` or ``"float64"``.
        input_gradient: whether the gradient on the input is wanted; by default only without a loss.
        average: of the weights; needs an optimizer.
        rates: factors of the learning rate and of the decay, by array; likewise.

    Raises:
        ShapeError: shapes that do not fit, before any data moves.
        ConfigurationError: settings that cannot work, among them numbers that are not what they say
            in this dtype: an epsilon of 1e-50 is 0 in float32.

    Example:
        >>> import evenly as ev
        >>> net = ev.Sequential([ev.Dense(4), ev.ReLU(), ev.Dense(2)])
        >>> program = ev.compile(net, (3,), batch=8)
        >>> program.output_shape
        (2,)
    """
    net = _as_network(net)
    shape = _checked_shape(input_shape)
    _check_settings(batch, dtype, loss, optimizer,
                    {"penalty": (penalty, Penalty), "clip": (clip, Clip),
                     "constraint": (constraint, Constraint), "augment": (augment, Augmentation),
                     "average": (average, WeightAverage), "rates": (rates, ArrayRates)})
    steps, output = trace(net, shape)
    check_precision(dtype, steps, (loss, optimizer, penalty, clip, constraint, average))
    if augment is not None:
        _check_mixes(net.resolved, steps, means=not augment.of_columns)
        if augment.of_columns and len(shape) != 1:
            raise ConfigurationError(
                f"compile: {augment!r} cuts columns of tables, (features,), and the examples have "
                f"shape {shape}: leave augment out, or take Mixup"
            )
    nodes, output = fuse(steps, output)
    output_shape = net.output_shape(shape)
    if loss is not None:
        loss.check(output_shape)
        for step in steps:
            name, layer = step.name, step.layer
            needed = layer.training_rows(step.before)
            if batch < needed:
                raise ConfigurationError(
                    f"{type(layer).__name__} '{name}': training needs batches of at least "
                    f"{needed} rows, got batch={batch}: "
                    "one row has no variance; use a larger batch, LayerNorm or GroupNorm"
                )
    arrays = net.arrays(shape)
    if rates is not None:
        rates.check((name for name, spec in arrays.items() if spec.trainable),
                    (name for name, spec in arrays.items() if spec.trainable and spec.decays))
    states = [f"state_{i + 1}" for i in range(len(optimizer.states))] if optimizer else []
    inference_rows = max(batch, _INFERENCE_ROWS)
    carried = {
        f"{step.name}.{slot}": (max(batch, inference_rows), *shape_)
        for step in steps for slot, shape_ in step.layer.states(step.before).items()
    }
    state, state_bytes, decaying = plan_state(
        arrays, states, dtype, carried, average is not None
    )

    wants_input_gradient = input_gradient if input_gradient is not None else loss is None
    lowering = Lowering(nodes, output, shape, output_shape, batch, dtype, wants_input_gradient)
    lowering.training(loss, augment)
    item = {"float32": 4, "float64": 8}[dtype]
    if loss is not None:
        sizes = {"size": state["values"].bytes // item, "decaying": decaying // item}
        lowering.hold(held_rows(arrays))
        check = check_line(sizes, penalty, clip)
        lowering.lists["gradient"] += around_still_rows(arrays, [check])
        if optimizer is not None:
            lines = update_lines(
                sizes, optimizer, clip, constraint, arrays, state, rates
            )
            lowering.lists["update"] += around_still_rows(arrays, lines)
            if average is not None:  # behind what a step does to the weights
                key = "update" if average.by == "step" else "average"
                before, behind = average_lines(average, state)
                lowering.lists[key] = [*before, *lowering.lists.get(key, ()), *behind]
    timeline = [line for name in ("forward", "gradient", "backward", "update")
                for line in lowering.lists.get(name, ())]
    work, work_bytes = plan_work(lowering.wanted, timeline)
    # Prediction makes do with the memory that training has, or with a little.
    room = max(work_bytes, _INFERENCE_BYTES) if loss is not None else LARGEST_BYTES
    while True:
        lowering.inference(inference_rows, loss)
        timeline = [*lowering.lists["evaluation"], *lowering.carried]
        inference_work, inference_bytes = plan_work(lowering.wanted, timeline)
        if inference_bytes <= room or inference_rows <= batch:
            break
        inference_rows = max(batch, inference_rows // 2)

    external = external_buffers(
        shape, output_shape, batch, dtype, lowering.target_shape(loss), lowering.target_dtype(loss)
    )
    return Program(
        net=net,
        input_shape=shape,
        output_shape=output_shape,
        batch=batch,
        inference_batch=lowering.inference_rows,
        dtype=dtype,
        loss=loss,
        optimizer=optimizer,
        penalty=penalty,
        clip=clip,
        constraint=constraint,
        augment=augment,
        lists={name: tuple(lines) for name, lines in lowering.lists.items()},
        buffers={**external, **state, **inference_work, **work},
        arrays=arrays,
        state_bytes=max(state_bytes, 64),
        work_bytes=max(work_bytes, inference_bytes, 64),
        multiply_adds=multiply_adds(steps),
        training_rows=_training_rows(steps),
        d_x=lowering.d_x,
        outputs=lowering.outputs,
        takes_lengths=any(step.layer.takes_lengths for step in steps),
        steps_changed=next((step.name for step in steps if step.layer.takes_lengths
                            and step.before[0] != shape[0]), ""),
        carried=tuple(carried),
        average=average,
        rates=rates,
    )


def external_buffers(
    shape: Shape, output_shape: Shape, rows: int, dtype: str, target_shape: Shape = (),
    target_dtype: str = "int32",
) -> dict[str, Buffer]:
    """The caller's arrays, as the instructions name them."""
    return {
        name: Buffer(name, shape_, kind, region, 0, math.prod(shape_) * np.dtype(kind).itemsize)
        for name, shape_, kind, region in (
            ("input", (rows, *shape), dtype, INPUT),
            ("target", (rows, *target_shape), target_dtype, TARGET),
            ("output_gradient", (rows, *output_shape), dtype, OUTPUT_GRADIENT),
            ("weights", (rows,), dtype, WEIGHTS),
            ("lengths", (rows,), "int32", LENGTHS),
        )
    }


def training_rows(net: Layer | Sequence[Layer], input_shape: int | Shape) -> int:
    """Rows of a batch that training needs to mean anything."""
    return _training_rows(trace(_as_network(net), _checked_shape(input_shape))[0])


def hands_on(net: Layer | Sequence[Layer], input_shape: int | Shape) -> bool:
    """Whether rows of a batch hand states on to those of the next."""
    steps, _ = trace(_as_network(net), _checked_shape(input_shape))
    return any(step.layer.states(step.before) for step in steps)


def _as_network(net: Layer | Sequence[Layer]) -> Sequential:
    if isinstance(net, Sequential):
        return net
    return Sequential([net] if isinstance(net, Layer) else net)


def _training_rows(steps: Sequence[Step]) -> int:
    return max([1, *(step.layer.training_rows(step.before) for step in steps)])


def multiply_adds(steps: Sequence[Step]) -> int:
    """Roughly what one example costs forward: it decides the number of threads, nothing else."""
    total = 0
    for step in steps:
        positions = math.prod(step.after[:-1])
        if not isinstance(step.layer, Container):
            arrays = step.layer.arrays(step.before).values()
            total += positions * sum(math.prod(spec.shape) for spec in arrays if spec.decays)
        total += 8 * math.prod(step.after)
    return total


def _checked_shape(input_shape: int | Shape) -> Shape:
    shape = (input_shape,) if isinstance(input_shape, int) else tuple(input_shape)
    if not shape:
        raise ShapeError(
            "compile: input_shape is the shape of one example, got (): use (features,)"
        )
    if not all(isinstance(n, int) for n in shape):
        raise ShapeError(f"compile: input_shape must hold whole numbers, got {shape!r}")
    if any(n < 1 for n in shape):
        raise ShapeError(f"compile: every axis must have at least one element, got {shape}")
    return shape


def _check_mixes(net: Layer, steps: Sequence[Step], means: bool) -> None:
    first = index_reader(net) if means else None
    if first is not None:
        raise ConfigurationError(
            f"{type(first).__name__} '{first.name}': mixup takes means of inputs, and a mean "
            "of two row numbers is none: leave augment out"
        )
    for step in steps:
        if step.layer.takes_lengths and step.layer.states(step.before):
            raise ConfigurationError(
                f"{type(step.layer).__name__} '{step.name}': mixup takes means of rows, and a "
                "stateful layer follows each by itself: leave augment out"
            )


def _check_settings(
    batch: int, dtype: str, loss: Any, optimizer: Any, others: Mapping[str, tuple[Any, type]]
) -> None:
    if not isinstance(batch, int) or batch < 1:
        raise ConfigurationError(f"compile: batch must be a whole number >= 1, got {batch!r}")
    if dtype not in DTYPES:
        raise ConfigurationError(f"compile: dtype must be one of {DTYPES}, got {dtype!r}")
    wanted = {"loss": (loss, Loss), "optimizer": (optimizer, Optimizer), **others}
    for word, (value, kind) in wanted.items():
        if value is not None and not isinstance(value, kind):
            article = "an" if kind.__name__[0] in "AEIOU" else "a"
            raise ConfigurationError(
                f"compile: {word} must be {article} {kind.__name__}, got {value!r}"
                + ("; call it" if isinstance(value, type) else "")
            )
    if optimizer is not None and loss is None:
        raise ConfigurationError("compile: an optimizer without a loss has nothing to lower")
    for word, what in (("average", "an average of weights"), ("rates", "rates of arrays")):
        if optimizer is None and others[word][0] is not None:
            raise ConfigurationError(
                f"compile: {what} that no optimizer moves: give an optimizer too"
            )


