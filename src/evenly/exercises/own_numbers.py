"""Numbers of one's own, as someone writes them into a file."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import numpy as np

from ..byhand.exact import Exact
from ..errors import DataError

# No one computes more by hand; a page and a sheet have room for it.
_MOST = 400
# An exponent of three digits or more.
_LARGE = re.compile(r"[eE][+-]?[\d_]{3}")


def read_numbers(what: str, value: Any) -> Any:
    """Nested lists of whole numbers, decimals and fractions as an object array of fractions.

    Raises:
        DataError: something that is no number, rows of unequal length, or too many.
    """
    def one(item: Any) -> Any:
        if isinstance(item, np.ndarray) and item.ndim == 0:
            item = item[()]
        if isinstance(item, (list, tuple, np.ndarray)):
            return [one(part) for part in item]
        if isinstance(item, (bool, np.bool_)):
            raise DataError(f"{what}: expects numbers, got {item!r}")
        if isinstance(item, str) and _LARGE.search(item):
            # Writing out 1e999999999 would take all memory and time there is.
            raise DataError(f"{what}: numbers must be fractions of reasonable size, got {item!r}")
        try:
            number = Fraction(item) if isinstance(item, str) else Exact(item).fraction
        except (ValueError, TypeError, ZeroDivisionError) as error:
            raise DataError(f"{what}: expects numbers such as 2, 0.5 or \"3/4\", got "
                            f"{item!r}") from error
        if number is None or abs(number) > 10**9 or number.denominator > 10**9:
            raise DataError(f"{what}: numbers must be fractions of reasonable size, got {item!r}")
        return number

    numbers = one(value)
    try:
        array = np.array(numbers, dtype=object)
        shape = np.array(_lengths(numbers)).shape
    except ValueError as error:
        raise DataError(f"{what}: its rows must have equal length") from error
    if array.shape != shape:
        raise DataError(f"{what}: its rows must have equal length")
    if array.size > _MOST:
        raise DataError(f"{what}: at most {_MOST} numbers, got {array.size}")
    if array.size == 0:
        raise DataError(f"{what}: expects at least one number, got none")
    return array


def _lengths(numbers: Any) -> Any:
    return [_lengths(part) for part in numbers] if isinstance(numbers, list) else 0
