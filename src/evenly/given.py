"""Arrays as people give them: what is no plain array of numbers is refused in words."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

from .errors import DataError

# Object arrays are looked through, up to so many elements, for what is no number.
_LOOKED_AT = 10**6


def as_array(values: Any, what: str) -> Any:
    """An array of anything that is one.

    Arguments:
        values: what was given.
        what: it is, in words, for the message.

    Raises:
        DataError: lists of different lengths; an array of which something is masked.
    """
    check_mask(values, what)
    try:
        return np.asarray(values)
    except ValueError:
        raise DataError(f"{what}: expects an array, got lists of different lengths: fill the "
                        "shorter ones") from None


_REMEDY = (
    "fill them with filled(), leave such rows out, give them a sample_weight of 0, or give labels "
    "the number that the loss has as ignore_index"
)


def check_mask(values: Any, what: str, remedy: str = _REMEDY) -> None:
    """Raises DataError for an array of which something is masked: NumPy hands on what is under the
    mask as if nothing were."""
    parts = values if isinstance(values, (list, tuple)) else (values,)
    for number, part in enumerate(parts):
        if not isinstance(part, np.ma.MaskedArray):
            continue
        masked = np.ma.getmaskarray(part)
        if masked.any():
            place = first_place(masked)
            if parts is values:
                place = (number, *(place or ()))
            raise DataError(
                f"{what}: got a masked array, and its mask would be lost: {masked.sum()} of "
                f"{masked.size} numbers are masked, first in {in_words(place)}: {remedy}"
            )


def as_numbers(values: Any, what: str) -> Any:
    """An array of real numbers, or a DataError that says what it holds instead."""
    array = as_array(values, what)
    if array.dtype.kind not in "iubf":
        raise DataError(f"{what}: expects real numbers, {no_numbers(array)}")
    return array


def no_numbers(array: Any) -> str:
    """What an array holds instead of real numbers, and what to do."""
    kind, came = array.dtype.kind, f"got {array.dtype}"
    if kind == "c":
        return f"{came}: take the real and the imaginary part as features"
    if kind in "mM":
        return (f"{came}: give the time that has passed as a number, for instance "
                "(t - t.min()) / numpy.timedelta64(1, 'D')")
    if kind == "O":
        return _of_objects(array)
    if kind in "US":
        return (f"{came}: encode text columns first, for instance with "
                "sklearn.preprocessing.OneHotEncoder")
    return f"{came}: encode text, and leave out what is no number"


def _of_objects(array: Any) -> str:
    for flat, value in enumerate(array.reshape(-1)[:_LOOKED_AT]):
        if isinstance(value, numbers.Real) and not isinstance(value, np.timedelta64):
            continue
        place = in_words(np.unravel_index(flat, array.shape)) if array.ndim else "its place"
        if value is None or type(value).__name__ in ("NAType", "NaTType"):
            return f"got a missing value ({value}) in {place}: fill or leave out such rows"
        if isinstance(value, str):
            return (f"got text ({_short(value)}) in {place}: encode text columns first, for "
                    "instance with sklearn.preprocessing.OneHotEncoder")
        return (f"got a {type(value).__name__} ({_short(value)}) in {place}: encode text, and "
                "leave out what is no number")
    return "got Python objects: give astype(float) of it"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 30 else f"{text[:27]}..."


def cast(array: Any, dtype: Any, what: str, first_row: int = 0) -> Any:
    """An array of numbers as one of another type, C-contiguous.

    Arguments:
        array: of numbers.
        dtype: the program's element type.
        what: it is and does, in words: "fit: x holds".
        first_row: the number of its first row.

    Raises:
        DataError: a finite number that the type does not hold.
    """
    dtype = np.dtype(dtype)
    with np.errstate(over="ignore", invalid="ignore"):
        result = np.ascontiguousarray(array, dtype=dtype).reshape(array.shape)
        wide = array.dtype.kind == "f" and array.dtype.itemsize > dtype.itemsize
        # A sum is finite unless an element is not, or it overflows: only then look at each.
        if not wide or np.isfinite(result.sum(dtype=np.float64)):
            return result
        place = first_place(np.isinf(result) & np.isfinite(array))
    if place is not None:
        raise too_large(array[place], dtype, what, place, first_row)
    return result


def too_large(value: Any, dtype: Any, what: str, place: Any, first_row: int = 0) -> DataError:
    """The error for a number that is infinite in the program's element type."""
    where = in_words((place[0] + first_row, *place[1:])) if place else "its place"
    return DataError(
        f"{what} numbers too large for {np.dtype(dtype)}: divide them by a constant, or use "
        f"dtype='float64' ({float(value):g} in {where})"
    )


def first_place(bad: Any) -> tuple[int, ...] | None:
    """Where the first true element stands; None where there is none."""
    bad = np.asarray(bad)
    if not bad.any():
        return None
    return tuple(int(i) for i in np.unravel_index(int(bad.argmax()), bad.shape))


def in_words(place: Any) -> str:
    """A place as a reader counts it: ``row 3, column 1``."""
    place = tuple(int(i) for i in place or ())
    if not place:
        return "its place"
    if len(place) <= 2:
        return ", ".join(f"{word} {i}" for word, i in zip(("row", "column"), place, strict=False))
    return f"row {place[0]}, at ({', '.join(map(str, place[1:]))})"
