"""Arrays that remember where each of their numbers came from.

A definition runs on them unchanged: they answer NumPy's own functions and operators. Each holds its
values, computed at once and as fast as NumPy computes, and from which arrays by which operation
they were made. What a single number was computed from is worked out when it is asked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from .exact import Exact, exact_array, float_array
from .expressions import Expression
from .origins import (
    Accumulated,
    Constant,
    Elementwise,
    Leaf,
    Moved,
    Origin,
    Product,
    Reduced,
    Source,
    Unknown,
)


class Traced(NDArrayOperatorsMixin):
    """An array with its origin.

    Attributes:
        value: float64, or an object array of :class:`Exact`.
        origin: how it was made.
    """

    __slots__ = ("origin", "value")

    def __init__(self, value: Any, origin: Origin) -> None:
        self.value, self.origin = value, origin

    # What an array is -----------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.value.shape)

    @property
    def ndim(self) -> int:
        return int(self.value.ndim)

    @property
    def size(self) -> int:
        return int(self.value.size)

    @property
    def dtype(self) -> Any:
        return self.value.dtype

    @property
    def T(self) -> Traced:
        return self.transpose()

    def __len__(self) -> int:
        return len(self.value)

    def __bool__(self) -> bool:
        return bool(self.value.reshape(-1)[0]) if self.size == 1 else bool(self.value)

    def __float__(self) -> float:
        return float(self.value.reshape(())[()])

    def __repr__(self) -> str:
        return f"Traced({self.value.tolist()})"

    def expression(self, index: int) -> Expression:
        """What the number at a flat index was computed from."""
        return self.origin.expression(index)

    def reshape(self, *shape: Any) -> Traced:
        return _moved(lambda ids: ids.reshape(*shape), self)

    def transpose(self, *axes: Any) -> Traced:
        return _moved(lambda ids: ids.transpose(*axes), self)

    def copy(self) -> Traced:
        return Traced(self.value, self.origin)

    def astype(self, dtype: Any) -> Any:
        """Whole numbers and truth values leave the trace: they are indices."""
        return self if np.dtype(dtype).kind in "fO" else float_array(self.value).astype(dtype)

    def sum(self, axis: Any = None, keepdims: bool = False) -> Traced:
        return _reduced("add", self, axis, keepdims)

    def mean(self, axis: Any = None, keepdims: bool = False) -> Traced:
        return _reduced("mean", self, axis, keepdims)

    def __getitem__(self, key: Any) -> Traced:
        key = _plain_key(key)
        return _moved(lambda ids: ids[key], self)

    def __setitem__(self, key: Any, value: Any) -> None:
        key, old = _plain_key(key), Traced(self.value, self.origin)
        new = traced(value, old)
        if new.value.dtype == object and self.value.dtype != object:
            old = Traced(exact_array(self.value), self.origin)

        def put(ids: Any, others: Any) -> Any:
            ids = ids.copy()
            ids[key] = others
            return ids

        replaced = _moved(put, old, new)
        self.value, self.origin = replaced.value, replaced.origin

    # NumPy's protocols ----------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **settings: Any) -> Any:
        if method == "at":
            return _accumulate(ufunc, *inputs)
        if method == "reduce" and ufunc in (np.add, np.maximum, np.minimum):
            return _reduced(ufunc.__name__, inputs[0], settings.get("axis", 0),
                            settings.get("keepdims", False))
        if method != "__call__" or settings or ufunc.nout != 1:
            return NotImplemented
        if ufunc in _COMPARISONS:
            return ufunc(*(_values(item) for item in inputs))
        like = _EXACT if _is_exact(inputs) else None
        arrays = tuple(traced(item, like) for item in inputs)
        if ufunc is np.matmul:
            with np.errstate(all="ignore"):
                product = np.matmul(arrays[0].value, arrays[1].value)
            return Traced(np.asarray(product), Product(arrays[0], arrays[1]))
        return _elementwise(ufunc, arrays)

    def __array_function__(self, function: Any, types: Any, args: Any, settings: Any) -> Any:
        own = _FUNCTIONS.get(function)
        if own is not None:
            return own(*args, **settings)
        if function in _SPLITS or function in _MOVES:
            # Where to move is said by whole numbers, also where they were computed.
            places = tuple(map(_plain_key, args[1:]))
            moved = _all_moved if function in _SPLITS else _moved
            return moved(lambda ids: function(ids, *places, **settings), traced(args[0]))
        return _opaque(function, args, settings)


# The array functions that the definitions use -----------------------------------------------------


def traced(value: Any, like: Traced | None = None) -> Traced:
    """A constant as a traced array, of exact numbers if `like` is."""
    if isinstance(value, Traced):
        # As it is now: what is written into it later is no part of what is made of it.
        return value.copy()
    values = np.asarray(value)
    exact = values.dtype == object or (like is not None and like.dtype == object)
    values = exact_array(values) if exact else values.astype(np.float64)
    return Traced(values, Constant(values))


def leaf(value: Any, step: int) -> Traced:
    """The numbers of a step as an array of their own."""
    return Traced(value, Leaf(value, step))


def _values(item: Any) -> Any:
    return item.value if isinstance(item, Traced) else item


def _plain_key(key: Any) -> Any:
    """An index without traces: whole numbers and truth values of arrays."""
    if isinstance(key, tuple):
        return tuple(_plain_key(part) for part in key)
    return float_array(key.value).astype(np.int64) if isinstance(key, Traced) else key


def _is_exact(items: Sequence[Any]) -> bool:
    return any(isinstance(i, Exact) or (isinstance(i, Traced) and i.dtype == object) for i in items)


def _elementwise(ufunc: Any, arrays: tuple[Traced, ...]) -> Traced:
    with np.errstate(all="ignore"):
        value = ufunc(*(a.value for a in arrays))
    value = np.asarray(value)
    # A function such as ceil makes a whole number of a single exact one.
    if value.dtype == object or any(a.dtype == object for a in arrays):
        value = exact_array(value)
    return Traced(value, Elementwise(ufunc.__name__, arrays, value.shape))


def _moved(move: Callable[..., Any], *sources: Traced) -> Traced:
    """What a function that only moves numbers makes of arrays: it is asked once, with their places
    instead of their numbers."""
    (result,) = _all_moved(lambda *ids: [move(*ids)], *sources)
    return result


def _all_moved(move: Callable[..., Any], *sources: Traced) -> list[Traced]:
    """Likewise, for a function that makes several arrays."""
    ids, start = [], 0
    sources = tuple(source.copy() for source in sources)  # they may be written into later
    for source in sources:
        ids.append(np.arange(start, start + source.size).reshape(source.shape))
        start += source.size
    moved = move(*ids)
    flat = [source.value.reshape(-1) for source in sources]
    numbers = flat[0] if len(flat) == 1 else np.concatenate(flat)
    roots, where = _roots(sources)

    def of(places: Any) -> Traced:
        places = np.asarray(places)
        value = np.asarray(numbers[places]).reshape(places.shape)
        return Traced(value, Moved(roots, places if where is None else where[places]))

    return [of(part) for part in moved]


def _roots(sources: Sequence[Traced]) -> tuple[tuple[Source, ...], Any]:
    """(arrays that were not merely moved from others, where each number stands in them): so that
    an array that is written into again and again stays as easy to read. None: where they are."""
    if not any(isinstance(source.origin, Moved) for source in sources):
        return tuple(source.copy() for source in sources), None
    roots: list[Source] = []
    own: tuple[Source, ...]
    where, start = [], 0
    for source in sources:
        if isinstance(source.origin, Moved):
            own, ids = source.origin.sources, source.origin.ids.reshape(-1)
        else:
            own, ids = (source.copy(),), np.arange(source.size)
        where.append(ids + start)
        roots += own
        start += sum(root.size for root in own)
    return tuple(roots), np.concatenate(where)


def _reduced(operation: str, x: Any, axis: Any = None, keepdims: bool = False) -> Traced:
    x = traced(x)
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    axes = tuple(a % x.ndim for a in axes)
    kept = [a for a in range(x.ndim) if a not in axes]
    count = math.prod(x.shape[a] for a in axes)
    ids = np.arange(x.size).reshape(x.shape).transpose(*kept, *axes)
    shape = tuple(1 if a in axes else x.shape[a] for a in range(x.ndim)) if keepdims \
        else tuple(x.shape[a] for a in kept)
    ids = ids.reshape(math.prod(x.shape[a] for a in kept), count)
    reduce: Any = {"add": np.sum, "mean": np.mean, "maximum": np.max, "minimum": np.min}[operation]
    with np.errstate(all="ignore"):
        value = np.asarray(reduce(x.value, axis=axes, keepdims=keepdims)).reshape(shape)
    return Traced(exact_array(value) if x.dtype == object else value, Reduced(operation, x, ids))


def _where(condition: Any, a: Any, b: Any) -> Traced:
    like = next((i for i in (a, b) if isinstance(i, Traced) and i.dtype == object), None)
    condition = np.asarray(_values(condition), bool)
    return _moved(lambda x, y: np.where(condition, x, y), traced(a, like), traced(b, like))


def _joined(function: Any) -> Callable[..., Any]:
    def join(arrays: Sequence[Any], *args: Any, **settings: Any) -> Traced:
        like = next((a for a in arrays if isinstance(a, Traced) and a.dtype == object), None)
        parts = [traced(a, like) for a in arrays]
        return _moved(lambda *ids: function(ids, *args, **settings), *parts)

    return join


def _filled(value: float) -> Callable[..., Traced]:
    def like(x: Any, **settings: Any) -> Traced:
        return traced(np.full(np.shape(x), value), x if isinstance(x, Traced) else None)

    return like


def _accumulate(ufunc: Any, target: Traced, key: Any, values: Any) -> None:
    """``np.add.at``: a place may be met several times."""
    if ufunc is not np.add:
        raise TypeError(f"by hand: {ufunc.__name__}.at is not followed")
    key, before = _plain_key(key), target.copy()
    hit = np.arange(before.size).reshape(before.shape)[key]
    added = _moved(lambda ids: np.broadcast_to(ids, hit.shape), traced(values, before))
    value = exact_array(before.value) if added.dtype == object else before.value.copy()
    np.add.at(value.reshape(-1), hit.reshape(-1), added.value.reshape(-1))
    target.value, target.origin = value, Accumulated(before, added, hit.reshape(-1))


def _opaque(function: Any, args: Any, settings: Any) -> Any:
    """A function that is not followed: its result comes as numbers without an origin."""

    def plain(item: Any) -> Any:
        if isinstance(item, Traced):
            return float_array(item.value)
        return type(item)(plain(part) for part in item) if isinstance(item, (list, tuple)) else item

    result = function(*plain(args), **settings)
    exact = any(isinstance(item, Traced) and item.dtype == object for item in args)
    if not isinstance(result, (np.ndarray, np.floating)) or result.dtype.kind != "f":
        return result
    value = exact_array(result) if exact else np.asarray(result)
    return Traced(value, Unknown(value, function.__name__))


_COMPARISONS = {np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal,
                np.isnan, np.isfinite, np.isinf, np.logical_and, np.logical_or, np.logical_not}
_SPLITS = {np.split, np.array_split}
_MOVES = {np.reshape, np.transpose, np.squeeze, np.expand_dims,
          np.broadcast_to, np.repeat, np.moveaxis, np.swapaxes, np.roll, np.flip, np.take,
          np.take_along_axis, np.tile, np.ravel, np.rot90, np.diagonal}
_FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.sum: lambda x, axis=None, keepdims=False: _reduced("add", x, axis, keepdims),
    np.mean: lambda x, axis=None, keepdims=False: _reduced("mean", x, axis, keepdims),
    np.max: lambda x, axis=None, keepdims=False: _reduced("maximum", x, axis, keepdims),
    np.min: lambda x, axis=None, keepdims=False: _reduced("minimum", x, axis, keepdims),
    np.where: _where,
    np.concatenate: _joined(np.concatenate),
    np.stack: _joined(np.stack),
    np.zeros_like: _filled(0.0),
    np.ones_like: _filled(1.0),
    np.empty_like: _filled(0.0),
    np.argmax: lambda x, *args, **settings: np.argmax(float_array(x.value), *args, **settings),
}


_NOTHING = np.zeros(0, object)
# What makes constants exact beside it.
_EXACT = Traced(_NOTHING, Constant(_NOTHING))


class Namespace:
    """NumPy as the definitions know it, whose new arrays are traced from the start.

    Arguments:
        exact: whether they are of exact numbers.
    """

    def __init__(self, exact: bool) -> None:
        self._like = _EXACT if exact else None

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    def zeros(self, shape: Any, dtype: Any = float) -> Traced:
        return traced(np.zeros(shape), self._like)

    def ones(self, shape: Any, dtype: Any = float) -> Traced:
        return traced(np.ones(shape), self._like)

    def full(self, shape: Any, value: Any, dtype: Any = float) -> Traced:
        filled = np.full(shape, value, object if isinstance(value, Exact) else float)
        return traced(filled, self._like)

    def asarray(self, value: Any, dtype: Any = None) -> Traced:
        return traced(value, self._like)

    def erfc(self, x: Any) -> Traced:
        return _elementwise(_erfc, (traced(x, self._like),))


class _Erfc:
    """The complementary error function, which NumPy lacks, as a function of arrays."""

    __name__ = "erfc"

    def __call__(self, x: Any) -> Any:
        if x.dtype == object:
            return np.array([v.erfc() for v in x.reshape(-1)], object).reshape(x.shape)
        return np.vectorize(math.erfc, otypes=[np.float64])(x)


_erfc = _Erfc()
