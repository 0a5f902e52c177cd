"""Fits that go on from the weights of the last: what may change between them."""

from __future__ import annotations

from typing import Any

from ...engine import Engine
from ...errors import ConfigurationError
from ...layers.containers import Sequential, leaves
from ...program import Program
from ...training import Model, init
from ...training.continued import moved
from ...training.run_settings import as_text

# The remedy for what cannot go on.
ANEW = "set it back, or begin anew with a fit without warm_start"


def check_same_arrays(old: Sequential, new: Sequential, features: int) -> None:
    """Raises ConfigurationError where the weights of a network do not fit another, or where the
    other would have had other first values.

    Layers that are nothing in inference, as dropout is, may come, go and change.
    """
    before, now = _lasting(old, features), _lasting(new, features)
    for (was, _), (comes, _) in zip(before, now, strict=False):
        if type(was) is not type(comes) or was.name != comes.name:
            raise _other(repr(was), repr(comes))
    if len(before) != len(now):
        raise _other(f"{len(before)} layers", f"{len(now)} layers (without dropout and its kin)")
    for (was, arrays), (comes, others) in zip(before, now, strict=True):
        shapes = {name: spec.shape for name, spec in arrays.items()}
        if shapes != {name: spec.shape for name, spec in others.items()}:
            raise _other(repr(was), repr(comes))
        for name, spec in arrays.items():
            first = others[name].initializer
            if as_text(spec.initializer) != as_text(first):
                raise first_values(name, spec.initializer, first)


def first_values(name: str, was: Any, comes: Any) -> ConfigurationError:
    """The error of an init that comes too late."""
    return ConfigurationError(
        "the network goes on with the weights of the last fit, so first values have no effect: "
        f"{name} began as {was!r}, and is now said to begin as {comes!r}: {ANEW}"
    )


def _lasting(net: Sequential, features: int) -> list[tuple[Any, Any]]:
    """The layers that inference knows, each with its arrays."""
    arrays = net.arrays((features,))
    result = []
    for layer in leaves(net.resolved):
        own = {name: spec for name, spec in arrays.items() if name.startswith(f"{layer.name}.")}
        if own or not layer.inference_is_identity:
            result.append((layer, own))
    return result


def _other(was: str, comes: str) -> ConfigurationError:
    return ConfigurationError(
        "the network goes on with the weights of the last fit, and these settings (hidden, "
        "activation, norm, embedding, sharing or net) make another network: where there was "
        f"{was} there is now {comes}: {ANEW}"
    )


def with_weights(model: Model, net: Sequential, seed: int) -> Model:
    """A model of the same arrays with another network around them."""
    if as_text(model.net) == as_text(net):
        return model
    twin = init(net, model.input_shape, seed, dtype=model.engine.program.dtype)
    twin.engine.set_weights(model.weights)
    return twin


def with_program(model: Model, program: Program, threads: int | None) -> Model:
    """The model, or where its program says something else one of this program that goes on where it
    was: weights, the optimizer's states and the step number."""
    old = model.engine.program
    names = ("net", "loss", "optimizer", "penalty", "clip", "constraint", "augment", "average",
             "rates", "dtype")
    same = all(as_text(getattr(old, name)) == as_text(getattr(program, name)) for name in names)
    if same and old.batch >= program.batch:
        return model
    engine: Engine = moved(model.engine, program, threads)
    return Model(engine, model.history)
