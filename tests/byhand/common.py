"""What the tests of by hand share: small inputs, and the plain run of a definition."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, find, settings

import evenly as ev
from evenly.byhand.expressions import Apply, Number, Opaque, evaluate
from evenly.byhand.recorder import Step
from evenly.byhand.work import Work
from tests.contract.common import arrays_for

_SHAPES: dict[str, tuple[int, ...]] = {}


def small_shape(row: Any) -> tuple[int, ...]:
    """The smallest shape of a row of the table that has something to tell."""
    if row.name not in _SHAPES:
        quiet = settings(database=None, derandomize=True,
                         phases=(Phase.generate, Phase.shrink),
                         suppress_health_check=list(HealthCheck))
        _SHAPES[row.name] = find(row.shapes, lambda shape: all(n >= 2 for n in shape),
                                 settings=quiet)
    return _SHAPES[row.name]


def inputs(row: Any, shape: tuple[int, ...], exact: bool, seed: int = 0) -> Any:
    """A batch: of normal numbers, or of whole ones; of different ones for layers that compare."""
    batch = max(row.smallest_batch + 1, 3)
    rng = np.random.default_rng(seed)
    if not row.differentiable:
        return row.inputs(seed, (batch, *shape), "float64")
    if row.compares:
        return rng.permutation(batch * math.prod(shape)).reshape(batch, *shape) * 1.0
    whole = rng.integers(-4, 5, (batch, *shape)) * 1.0
    return whole if exact else row.inputs(seed, (batch, *shape), "float64")


def weights(net: ev.Sequential, shape: tuple[int, ...], exact: bool) -> dict[str, Any]:
    if not exact:
        return arrays_for(net, shape, 0, "float64")
    rng = np.random.default_rng(1)
    return {name: rng.integers(1 if "variance" in name else -2, 4, spec.shape) * 1.0
            for name, spec in net.arrays(shape).items()}


class Plain:
    """The notes of definitions that run on plain NumPy."""

    def __init__(self) -> None:
        self.notes: list[tuple[str, str, Any]] = []

    def __call__(self, layer: str, name: str, value: Any, formula: str) -> Any:
        self.notes.append((layer, name, np.array(value, dtype=np.float64)))
        return value


def close(got: Any, wanted: Any, scale: float = 1.0) -> bool:
    """Whether numbers are the same: exact ones to the last, others up to rounding."""
    if getattr(got, "is_exact", False) and getattr(wanted, "is_exact", False):
        return bool(got == wanted)
    got, wanted = float(got), float(wanted)
    return got == wanted or (math.isnan(got) and math.isnan(wanted)) or \
        abs(got - wanted) <= 1e-11 * max(abs(wanted), scale)


def check_same(work: Work, notes: list[tuple[str, str, Any]]) -> None:
    """Every step that was computed is what the plain definition noted, in order."""
    steps = [step for step in work.steps if step.phase != "given"]
    assert [(s.layer, s.name) for s in steps] == [(layer, name) for layer, name, _ in notes]
    for step, (_, _, value) in zip(steps, notes, strict=True):
        assert step.value.shape == value.shape, step.title
        scale = max(1.0, float(np.abs(value).max(initial=0)))
        np.testing.assert_allclose(step.floats, value, rtol=1e-9, atol=1e-9 * scale,
                                   err_msg=step.title)


def check_expressions(work: Work) -> set[str]:
    """Every number of every step is what its expression gives, from numbers of earlier steps; of
    large steps every so many.

    Returns:
        The functions that were not followed.
    """
    opaque: set[str] = set()
    for step in work.steps:
        scale = max([1.0, *(abs(v) for v in step.floats.reshape(-1) if math.isfinite(v))])
        count = step.value.size if step.origin is not None else 0
        for i in range(0, count, max(count // 30, 1)):
            expression = step.expression(i)
            value = evaluate(expression)
            assert close(value, step.number_at(i), scale), f"{step.title}[{i}]: {expression}"
            check_places(work, step, expression, opaque)
    return opaque


def check_places(work: Work, step: Step, expression: Any, opaque: set[str]) -> None:
    if isinstance(expression, Number):
        if expression.place is not None:
            earlier = work.steps[expression.place.step]
            assert earlier.number < step.number
            assert earlier.number_at(expression.place.flat) is expression.value or \
                earlier.number_at(expression.place.flat) == expression.value
    elif isinstance(expression, Opaque):
        opaque.add(expression.function)
    else:
        assert isinstance(expression, Apply)
        for argument in expression.arguments:
            check_places(work, step, argument, opaque)
