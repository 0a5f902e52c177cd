"""Arrays as people give them: what is no plain array of numbers is refused in words."""

from __future__ import annotations

import numbers
from array import array
from collections.abc import Iterator
from typing import Any

import numpy as np

from .errors import DataError

# Object arrays are looked through, up to so many elements, for what is no number.
_LOOKED_AT = 10**6


# Memory that the processor reads, by DLPack's numbers: its own, and what CUDA and ROCm share.
_READABLE = {1, 3, 11, 13}


def as_array(values: Any, what: str) -> Any:
    """An array of anything that is one, over the same memory where its layout allows.

    Arguments:
        values: what was given: NumPy's or another library's array, a column, a table, lists.
        what: it is, in words, for the message.

    Raises:
        DataError: lists of different lengths; an array of which something is masked; one that is
            not in the processor's memory, or that its library does not hand out.
    """
    check_mask(values, what)
    values = of_library(values, what)
    try:
        return np.asarray(values)
    except ValueError:
        raise DataError(f"{what}: expects an array, got lists of different lengths: fill the "
                        "shorter ones") from None


def of_library(values: Any, what: str) -> Any:
    """An array of another library, or a buffer, as NumPy's over the same memory. Lists of such are
    lists of NumPy's; everything else is as it was: tables and columns of pandas and other tables
    with names, sparse matrices, values.

    Raises:
        DataError: an array that is not in the processor's memory, or that its library does not
            hand out.
    """
    if isinstance(values, np.ndarray):
        return values
    if isinstance(values, (list, tuple)):
        if any(hasattr(value, "__dlpack__") for value in values[:1]):
            return [of_library(value, what) for value in values]
        return values
    if isinstance(values, (memoryview, bytearray, array)):
        return np.asarray(values)
    if hasattr(values, "collect_schema") and hasattr(values, "collect"):
        # A table of polars that is still to be computed.
        values = values.collect()
    if not hasattr(values, "__array__") and (
            hasattr(values, "__arrow_c_stream__") or hasattr(values, "__arrow_c_array__")):
        values = _of_arrow(values, what)
    if any(hasattr(values, name) for name in ("columns", "column_names", "iloc", "toarray")) or \
            isinstance(values, np.generic):
        return values
    if hasattr(values, "__dlpack__") or hasattr(values, "__array__"):
        return _handed_out(values, what)
    return values


def _handed_out(values: Any, what: str) -> Any:
    """What another library's array hands out."""
    came = f"{what}: got {_named(values)}"
    if getattr(values, "requires_grad", False):
        raise DataError(f"{came} that requires gradients, which would be lost: give detach() of it")
    try:
        device = _device_of(values)
        if device in _READABLE and str(getattr(values, "dtype", "")) == "torch.bfloat16":
            values = values.float()  # NumPy has no such type; float32 holds each of its numbers
        if device in _READABLE:
            own = np.asarray(values) if hasattr(values, "__array__") else np.from_dlpack(values)
    except (TypeError, ValueError, RuntimeError, BufferError, AttributeError) as error:
        raise DataError(f"{came}, which hands out no array ({error}): make it a NumPy array") \
            from error
    if device not in _READABLE:
        raise DataError(f"{came} on another device, and networks are trained in the processor's "
                        "memory: give cpu() of it (get() in CuPy)")
    return own.astype(np.float32) if own.dtype.name == "bfloat16" else own


def _device_of(values: Any) -> int:
    """The kind of device, by DLPack's numbers."""
    try:
        return int(values.__dlpack_device__()[0])
    except (AttributeError, BufferError, TypeError):
        # Some have none to tell of an array with gaps, and hand it out all the same.
        if hasattr(values, "__array__"):
            return 1
        raise


def _of_arrow(values: Any, what: str) -> Any:
    """A column or a table of what hands out Arrow alone, by polars."""
    try:
        import polars as pl
    except ImportError as error:
        raise DataError(f"{what}: got {_named(values)}, which polars reads: pip install polars, or "
                        "make it a NumPy array") from error
    column = pl.Series(values)
    return column.struct.unnest() if column.dtype == pl.Struct else column


def _named(values: Any) -> str:
    kind = type(values)
    return f"a {kind.__module__.partition('.')[0]} {kind.__name__}"


_REMEDY = (
    "fill them with filled(), leave such rows out, give them a sample_weight of 0, or give labels "
    "the number that the loss has as ignore_index"
)


def check_mask(values: Any, what: str, remedy: str = _REMEDY) -> None:
    """Raises DataError for an array of which something is masked, alone or in lists: NumPy hands on
    what is under the mask as if nothing were."""
    for place, part in _arrays(values):
        masked = _mask_of(part)
        if masked is not None and masked.any():
            place = (*place, *(first_place(masked) or ()))
            raise DataError(
                f"{what}: got a masked array, and its mask would be lost: {masked.sum()} of "
                f"{masked.size} numbers are masked, first in {in_words(place)}: {remedy}"
            )


def _arrays(values: Any, place: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], Any]]:
    """What may have a mask, with its place: a value, or those within lists."""
    if not isinstance(values, (list, tuple)):
        yield place, values
        return
    for number, part in enumerate(values):
        # Plain numbers and texts are most of what lists hold.
        if type(part) not in (float, int, str):
            yield from _arrays(part, (*place, number))


def _mask_of(values: Any) -> Any:
    """The mask of an array of NumPy's, or of another library that has one, as truth values."""
    if isinstance(values, np.ma.MaskedArray):
        masked: Any = np.ma.getmaskarray(values)
        names = masked.dtype.names
        return np.any([masked[name] for name in names], axis=0) if names else masked
    if callable(getattr(values, "get_mask", None)):  # torch.masked
        return ~np.asarray(values.get_mask())
    masked = getattr(values, "mask", None)
    same = isinstance(masked, np.ndarray) and masked.dtype == bool
    return masked if same and masked.shape == getattr(values, "shape", None) else None


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
