"""Scales of an estimator's inputs as JSON and arrays, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..estimators.scales.column_scales import BY_QUANTILES
from ..estimators.scales.moments import Moments
from ..tails import are_knots
from .values import NotReadable, Reader, Writer

_MOMENTS: Mapping[str, Any] = {
    "center": bool, "indicators": bool, "indicator": np.ndarray, "weight": float,
    "mean": np.ndarray, "squares": np.ndarray,
}
# What is kept of a scale by quantiles.
_BY_QUANTILES: Mapping[str, tuple[str, ...]] = {
    "robust": ("indicator", "middle", "width"),
    "normal": ("indicator", "middle", "values", "scores", "starts"),
}


def write_scale(scale: Any, writer: Writer) -> Any:
    """The JSON of the scale of an estimator's inputs; its arrays go to the writer."""
    if scale is None or isinstance(scale, Moments):
        return write_moments(scale, writer)
    parts = _BY_QUANTILES[scale.name]
    return {scale.name: {part: writer.write(getattr(scale, part), part) for part in parts}}


def read_scale(content: Any, columns: int, reader: Reader) -> Any:
    """The scale of a JSON.

    Raises:
        NotReadable: contents that are no scale of so many columns.
    """
    name = next(iter(content), "") if isinstance(content, dict) and len(content) == 1 else ""
    if name not in _BY_QUANTILES:
        return read_moments(content, columns, reader)
    parts = _BY_QUANTILES[name]
    told = reader.record(content[name], dict.fromkeys(parts, np.ndarray), "the scale")
    kinds = {"indicator": np.bool_, "starts": np.int64}
    knots = len(told["values"]) if name == "normal" and told["values"].ndim else 0
    shapes = {"values": (knots,), "scores": (knots,), "starts": (columns + 1,)}
    scale = BY_QUANTILES[name].__new__(BY_QUANTILES[name])
    for part, value in told.items():
        kind, shape = np.dtype(kinds.get(part, np.float64)), shapes.get(part, (columns,))
        if value.shape != shape or value.dtype != kind or not np.isfinite(value).all():
            raise NotReadable(f"the scale's {part} should be finite {kind} of shape {shape}")
        setattr(scale, part, value)
    right = (told["width"] > 0).all() if name == "robust" else are_knots(**{
        part: told[part] for part in ("values", "scores", "starts")})
    if not right:
        raise NotReadable("the scale's parts do not fit each other")
    return scale


def write_moments(moments: Moments | None, writer: Writer) -> Any:
    """The JSON of means and deviations."""
    if moments is None:
        return None
    names = [*_MOMENTS, "exponent"] if moments.exponent.any() else _MOMENTS
    return {name: writer.write(getattr(moments, name), name) for name in names}


def read_moments(content: Any, columns: int, reader: Reader) -> Moments | None:
    """Means and deviations of a JSON; raises NotReadable for what is none."""
    if content is None:
        return None
    # Only tiny columns have exponents.
    tiny = isinstance(content, dict) and "exponent" in content
    declared = {**_MOMENTS, "exponent": np.ndarray} if tiny else _MOMENTS
    told = reader.record(content, declared, "the scale")
    moments = Moments(columns, told["center"], told["indicators"])
    for name in ("indicator", "mean", "squares", *(("exponent",) if tiny else ())):
        mine, theirs = getattr(moments, name), told[name]
        if theirs.shape != mine.shape or theirs.dtype != mine.dtype:
            raise NotReadable(f"the scale's {name} should be {mine.dtype} of shape {mine.shape}")
        setattr(moments, name, theirs)
    finite = bool(np.isfinite(moments.mean).all() and np.isfinite(moments.squares).all())
    finite = finite and bool((np.abs(moments.exponent) < 1100).all())
    if not finite or (moments.squares < 0).any() or not 0 <= told["weight"] < np.inf:
        raise NotReadable("the scale's numbers should be finite, squares and weight not negative")
    moments.weight = told["weight"]
    return moments
