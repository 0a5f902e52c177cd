"""A model as JSON and arrays, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..augmentation import Augmentation
from ..averaging import WeightAverage
from ..clipping import Clip
from ..constraints import Constraint
from ..engine import Engine, kept_buffers
from ..errors import ConfigurationError
from ..layers import Layer, Sequential
from ..layers.containers import Container
from ..losses import Loss
from ..optimizers import ArrayRates, Optimizer
from ..penalties import Penalty
from ..program import compile as compile_program
from ..training import History, Model
from .values import NotReadable, Reader, Writer
from .watched import read_record, write_record

# Layers that a file may describe: compile's time grows with their square.
_MOST_LAYERS = 4096
_MOST_AXES = 16
# Containers within containers: compile's time doubles, or worse, with each.
_MOST_NESTED = 8

_FIELDS: Mapping[str, Any] = {
    "net": Sequential, "input_shape": tuple[int, ...], "batch": int, "dtype": str,
    "loss": Loss | None, "optimizer": Optimizer | None, "penalty": Penalty | None,
    "clip": Clip | None, "constraint": Constraint | None, "augment": Augmentation | None,
    "input_gradient": bool, "seed": int, "steps": int, "history": History,
}
# Fields that are there where there is something to say, and that earlier files do not have.
_MORE: Mapping[str, Any] = {"average": WeightAverage, "rates": ArrayRates}


def write_model(model: Model, writer: Writer) -> dict[str, Any]:
    """The JSON of a model; its arrays go to the writer.

    Raises:
        ConfigurationError: a layer of the user's that holds what no file can hold, or containers
            that nest too deep.
    """
    engine = model.engine
    program = engine.program
    if _depth(program.net) > _MOST_NESTED:
        raise ConfigurationError(
            f"save: the network nests containers more than {_MOST_NESTED} deep: a Sequential in a "
            "Sequential can be written as one"
        )
    own = {"input_gradient": program.d_x is not None, "seed": engine.seed, "steps": engine.steps,
           "history": model.history}
    content = {
        name: writer.write(own[name] if name in own else getattr(program, name), name)
        for name in _FIELDS
    }
    writer.arrays |= {key: engine.buffer(buffer) for key, buffer in kept_buffers(program).items()}
    content |= {name: writer.write(value, name) for name in _MORE
                if (value := getattr(program, name)) is not None}
    return content | write_record(model.record, writer)


def read_model(content: Any, reader: Reader, memory: int) -> Model:
    """The model of a JSON.

    Nothing is allocated before the program that the JSON describes has been compared with the
    arrays that the file holds.

    Arguments:
        content: from :func:`write_model`, or anything else.
        reader: of the file.
        memory: bytes that the model's arenas may take.

    Raises:
        NotReadable: contents that mean nothing.
        EvenlyError: a network that compile refuses.
    """
    record = None
    if isinstance(content, dict) and "record" in content:  # of a training that was watched
        record = read_record(content["record"], reader, memory)
        content = {name: value for name, value in content.items() if name != "record"}
    more = {name: kind for name, kind in _MORE.items()
            if isinstance(content, dict) and name in content}
    told = reader.record(content, {**_FIELDS, **more}, "the model")
    net, seed, steps = told["net"], told["seed"], told["steps"]
    if _depth(net) > _MOST_NESTED:
        raise NotReadable(f"a network that nests containers more than {_MOST_NESTED} deep")
    if _layers(net) > _MOST_LAYERS:
        raise NotReadable(f"a network of more than {_MOST_LAYERS} layers")
    if len(told["input_shape"]) > _MOST_AXES:
        raise NotReadable(f"examples of more than {_MOST_AXES} axes")
    if not (0 <= seed < 2**64 and 0 <= steps < 2**63):
        raise NotReadable("a seed or a number of steps that cannot be")
    program = compile_program(
        net, told["input_shape"], told["batch"], told["loss"], told["optimizer"],
        penalty=told["penalty"], clip=told["clip"], constraint=told["constraint"],
        augment=told["augment"], dtype=told["dtype"], input_gradient=told["input_gradient"],
        average=told.get("average"), rates=told.get("rates"),
    )
    arrays = {}
    for key, name in kept_buffers(program).items():
        buffer = program.buffers[name]
        arrays[key] = reader.array(key, buffer.shape, buffer.dtype)
    needed = program.state_bytes + program.work_bytes
    if needed > memory:
        raise NotReadable(
            f"training this network needs {needed:,} bytes, memory={memory:,} does not allow it: "
            "give load more if you trust the file"
        )
    weights = {name: arrays[f"weights/{name}"] for name in program.arrays}
    engine = Engine(program, seed=seed, weights=weights)
    for key, name in kept_buffers(program).items():
        engine.buffer(name)[...] = arrays[key]
    engine.steps = steps
    return Model(engine, told["history"], record)


def _depth(layer: Layer) -> int:
    """How deep containers nest."""
    if isinstance(layer, Container):
        return 1 + max([0, *(_depth(part) for part in layer.parts)])
    return 0


def _layers(layer: Layer) -> int:
    """How many layers a layer stands for, at least."""
    if isinstance(layer, Container):
        return 1 + sum(_layers(part) for part in layer.parts)
    several = getattr(layer, "layers", 1)
    return 3 * several if isinstance(several, (int, np.integer)) else 1
