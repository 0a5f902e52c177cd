"""Dataclasses as plain JSON values, and back by their declared types."""

from __future__ import annotations

import functools
import math
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
Reader = Callable[[Any, str], Any]

_NOT_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def to_plain(value: Any) -> Any:
    """A value of dataclasses, tuples and mappings as JSON has it. Fields that are None or at their
    default of a plain type are left out."""
    if is_dataclass(value) and not isinstance(value, type):
        return {
            entry.name: to_plain(own) for entry in fields(value)
            if (own := getattr(value, entry.name)) is not None or entry.default is not None
        }
    if isinstance(value, Mapping):
        return {str(name): to_plain(own) for name, own in value.items()}
    if isinstance(value, (tuple, list)):
        return [to_plain(own) for own in value]
    if hasattr(value, "item") and not isinstance(value, (str, int, float)):
        value = value.item()  # a number of NumPy
    if isinstance(value, float):
        return {"float": repr(float(value))} if not math.isfinite(value) else float(value)
    return value


def from_plain(kind: type[T], value: Any) -> T:
    """A value of a type again.

    Raises:
        ValueError: what does not fit it.
    """
    read: Reader = _reader(kind)  # type: ignore[arg-type]
    made: T = read(value, kind.__name__)
    return made


@functools.cache
def _reader(kind: Any) -> Reader:
    """What reads a value of a type: called with it and with words for where it stands."""
    if kind in _PLAIN:
        return _PLAIN[kind]
    if is_dataclass(kind):
        return _record(kind)
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _one_of(inner)
    if origin is tuple:
        return _several(_reader(inner[0])) if inner[-1] is Ellipsis else _these(inner)
    return _by_name(_reader(inner[1]))  # a Mapping: records hold nothing else


def _record(kind: Any) -> Reader:
    hints = get_type_hints(kind)
    readers = {entry.name: _reader(hints[entry.name]) for entry in fields(kind)}
    needed = [entry.name for entry in fields(kind)
              if entry.default is MISSING and entry.default_factory is MISSING]

    def read(value: Any, where: str) -> Any:
        if not isinstance(value, dict):
            raise ValueError(f"{where}: expects an object, got {_short(value)}")
        for name in value:
            if name not in readers:
                raise ValueError(f"{where}: no field is named {name[:40]!r}")
        given = {name: readers[name](own, f"{where}.{name}") for name, own in value.items()}
        for name in needed:
            if name not in given:
                raise ValueError(f"{where}: {name} is missing")
        return kind(**given)

    return read


def _one_of(kinds: tuple[Any, ...]) -> Reader:
    readers = [_reader(kind) for kind in kinds]

    def read(value: Any, where: str) -> Any:
        if type(value) is int and float in kinds:
            return _int(value, where)  # a whole number that was set as one stays one
        reason = ""
        for own in readers:
            try:
                return own(value, where)
            except ValueError as error:
                reason = reason or str(error)
        raise ValueError(reason)

    return read


def _several(item: Reader) -> Reader:
    def read(value: Any, where: str) -> Any:
        return tuple(item(own, f"{where}[{i}]") for i, own in enumerate(_list(value, where)))

    return read


def _these(kinds: tuple[Any, ...]) -> Reader:
    readers = [_reader(kind) for kind in kinds]

    def read(value: Any, where: str) -> Any:
        if len(_list(value, where)) != len(readers):
            raise ValueError(f"{where}: expects {len(readers)} values, got {len(value)}")
        return tuple(own(item, where) for own, item in zip(readers, value, strict=True))

    return read


def _by_name(item: Reader) -> Reader:
    def read(value: Any, where: str) -> Any:
        if not isinstance(value, dict):
            raise ValueError(f"{where}: expects an object, got {_short(value)}")
        return {name: item(own, f"{where}.{name[:40]}") for name, own in value.items()}

    return read


def _list(value: Any, where: str) -> Any:
    if not isinstance(value, list):
        raise ValueError(f"{where}: expects a list, got {_short(value)}")
    return value


def _float(value: Any, where: str) -> float:
    if isinstance(value, dict) and list(value) == ["float"] and isinstance(value["float"], str):
        value = _NOT_FINITE.get(value["float"], value)
    elif isinstance(value, int) and not isinstance(value, bool):
        value = float(_int(value, where))
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{where}: a number that no 64 bits hold")
    if not isinstance(value, float):
        raise ValueError(f"{where}: expects a number, got {_short(value)}")
    return value


def _int(value: Any, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{where}: expects a whole number, got {_short(value)}")
    if not -(2**63) <= value < 2**63:
        raise ValueError(f"{where}: a whole number of more than 64 bits")
    return value


def _of(kind: type, words: str) -> Reader:
    def read(value: Any, where: str) -> Any:
        if not isinstance(value, kind):
            raise ValueError(f"{where}: expects {words}, got {_short(value)}")
        return value

    return read


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}..."


_PLAIN: dict[Any, Reader] = {
    float: _float, int: _int, str: _of(str, "a text"), bool: _of(bool, "true or false"),
    type(None): _of(type(None), "null"),
}
