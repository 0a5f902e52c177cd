"""What topics share that are no network: numbers of one's own read, and steps put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from ..byhand.exact import Exact
from ..byhand.recorder import Recorder
from ..byhand.work import Work
from ..errors import ConfigurationError, DataError, ShapeError
from .base import Inputs


def number(inputs: Inputs, name: str) -> Exact:
    """An input that is a single number.

    Raises:
        DataError: it is several.
    """
    return single(name, inputs[name])


def single(what: str, value: Any) -> Exact:
    """A single number; DataError for several."""
    values = np.asarray(value, object)
    if values.ndim:
        raise DataError(f"{what} must be a single number, got shape {values.shape}")
    return Exact(values[()])


def count(inputs: Inputs, name: str, least: int, most: int) -> int:
    """An input that is a whole number within bounds; DataError for others."""
    value = number(inputs, name).fraction
    if value is None or value.denominator != 1 or not least <= value <= most:
        raise DataError(f"{name} must be a whole number from {least} to {most}, got {value}")
    return int(value)


def positive(inputs: Inputs, name: str) -> Exact:
    """An input above 0; DataError for others."""
    value = number(inputs, name)
    if not value > 0:
        raise DataError(f"{name} must be positive, got {value}")
    return value


def share(inputs: Inputs, name: str) -> Exact:
    """An input of at least 0 and below 1; DataError for others."""
    value = number(inputs, name)
    if not 0 <= value < 1:
        raise DataError(f"{name} must be at least 0 and below 1, got {value}")
    return value


def fits(make: Any) -> Any:
    """What `make()` gives; what does not fit of someone's own numbers is a DataError."""
    try:
        return make()
    except (ShapeError, ConfigurationError) as error:
        raise DataError(str(error)) from error


def together(recorder: Recorder, batch: int = 0,
             axes: Mapping[str, tuple[str, ...]] | None = None,
             parts: Sequence[str] = ()) -> Work:
    """The steps that a recorder holds, as a work.

    Arguments:
        recorder: what ran.
        batch: how many examples it is about, 0 for none.
        axes, parts: as in :class:`Work`.
    """
    return Work(tuple(recorder.steps), batch, frozenset(parts), dict(axes or {}))


def text(value: Any) -> str:
    """A number within a sentence: ``3/4``."""
    return repr(Exact(value))


def is_square(value: int) -> bool:
    """Whether it is the square of a whole number."""
    return value >= 0 and round(value**0.5) ** 2 == value


def root(value: Fraction) -> Fraction | None:
    """The root of a fraction where it is one."""
    whole = value.numerator * value.denominator
    if not is_square(whole):
        return None
    return Fraction(round(whole**0.5), value.denominator)


def pick(rng: np.random.Generator, options: Sequence[Any]) -> Any:
    """One of several, each as likely."""
    return options[int(rng.integers(len(options)))]
