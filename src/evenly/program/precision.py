"""Whether the settings of a training are in its element type what they say."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from ..errors import ConfigurationError
from ..layers.base import Layer
from .graph import Step

# Shares of what was before: as 1 they take up nothing new.
_SHARES = ("beta", "beta_1", "beta_2", "momentum", "decay")


def check_precision(dtype: str, steps: Sequence[Step], declared: Sequence[Any]) -> None:
    """Raises ConfigurationError for a number above 0 that is 0 in the element type, for a finite
    one that is infinite, and for a share below 1 that is 1.

    Arguments:
        dtype: the element type.
        steps: whose layers are asked.
        declared: the loss, the optimizer and what else has numbers; None where there is none.
    """
    named = [(f"{type(step.layer).__name__} '{step.name}'", step.layer) for step in steps]
    named += [(type(value).__name__, value) for value in declared if value is not None]
    for label, value in named:
        for name, number in _numbers(value):
            words = _differs(dtype, name, number)
            if words:
                raise ConfigurationError(f"{label}: {name}={number!r} {words}, or dtype='float64'")


def _numbers(declared: Any) -> Iterator[tuple[str, float]]:
    """The fields of a declaration that hold numbers, and those of the layers that it holds."""
    for entry in fields(declared) if is_dataclass(declared) else ():
        value = getattr(declared, entry.name)
        if isinstance(value, Layer):
            yield from _numbers(value)
        elif "float" in str(entry.type):
            for number in value if isinstance(value, (tuple, list)) else (value,):
                if isinstance(number, numbers.Real) and not isinstance(number, bool):
                    yield entry.name, float(number)


def _differs(dtype: str, name: str, number: float) -> str:
    """What the element type makes of a number that is not what it says; "" where it is."""
    with np.errstate(over="ignore", under="ignore"):
        own = float(np.dtype(dtype).type(number))
    limits = np.finfo(dtype)
    if number != 0 and own == 0:
        return (f"is 0 in {dtype}, whose smallest number is about "
                f"{float(limits.smallest_subnormal):.1g}: give a larger one")
    if math.isfinite(number) and math.isinf(own):
        return (f"is infinite in {dtype}, whose largest number is about {float(limits.max):.2g}: "
                "give a smaller one")
    if name in _SHARES and number < 1 and own == 1:
        return (f"is 1 in {dtype}, so that nothing new would be taken up: give at most "
                f"1 - {float(limits.eps):.0e}")
    return ""
