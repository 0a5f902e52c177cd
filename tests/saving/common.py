"""What the tests of this folder share."""

from __future__ import annotations

from typing import Any

import numpy as np

import evenly as ev


def moved(model: ev.Model, seed: int = 1) -> ev.Model:
    """The model with arrays and states that are not the first ones."""
    rng = np.random.default_rng(seed)
    program = model.engine.program
    names = [*program.arrays, *program.carried]
    if program.optimizer is not None:
        names += [f"{name}.state_{i + 1}" for i in range(len(program.optimizer.states))
                  for name, spec in program.arrays.items() if spec.trainable]
    for name in names:
        buffer = model.engine.buffer(name)
        buffer[...] = rng.random(buffer.shape) + 0.5
    return model


def assert_same_model(got: ev.Model, wanted: ev.Model) -> None:
    """Every value equal, every array to the bit."""
    ours, theirs = wanted.engine.program, got.engine.program
    for name in ("net", "input_shape", "batch", "dtype", "loss", "optimizer", "penalty", "clip",
                 "constraint", "augment", "lists"):
        assert getattr(theirs, name) == getattr(ours, name), name
    assert type(got.net) is type(wanted.net)
    assert (got.engine.seed, got.engine.steps) == (wanted.engine.seed, wanted.engine.steps)
    assert got.history == wanted.history
    for name, buffer in ours.buffers.items():
        # Names without a dot are the whole rows of parameters with the gaps between them.
        if buffer.region == 0 and "." in name and not name.endswith(".gradient"):
            assert_same(got.engine.buffer(name), wanted.engine.buffer(name))


def assert_same(got: Any, wanted: Any) -> None:
    """Two arrays equal to the bit."""
    assert got.dtype == wanted.dtype
    assert got.shape == wanted.shape
    assert got.tobytes() == wanted.tobytes()
