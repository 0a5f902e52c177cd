"""Values as JSON and back.

None, truth values, finite numbers and texts are themselves, a list is a list. Everything else is an
object of one key that says what it is: ``{"tuple": [...]}``, ``{"dict": [[key, value], ...]}``,
``{"float": "nan"}``, ``{"scalar": ["float32", 0.5]}``, ``{"array": "values/0"}`` (the name of an
array of the file), ``{"texts": ["<U3", shape, [...]]}``, ``{"RandomState": [...]}``, and a
declaration ``{"type": ["Dense", {"units": 3, ...}]}``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any, ClassVar

import numpy as np

from ..errors import ConfigurationError, EvenlyError
from .types import TYPES, field_names, fits, hints

_SCALARS = {
    np.dtype(kind).name: np.dtype(kind).type
    for kind in ("?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8")
}
_WORDS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


class NotReadable(Exception):
    """Contents that mean nothing. For load, which knows the file's name."""


class Writer:
    """Turns values into JSON, and keeps the arrays that it meets.

    Attributes:
        arrays: by the names that the JSON has for them.
    """

    def __init__(self) -> None:
        self.arrays: dict[str, Any] = {}

    def write(self, value: Any, where: str) -> Any:
        """A value as JSON.

        Arguments:
            value: what is to be kept.
            where: its place, for the error.

        Raises:
            ConfigurationError: a value that no file can hold.
        """
        kind = type(value)
        if value is None or kind in (bool, str, int):
            return value
        if kind is float:
            return value if math.isfinite(value) else {"float": str(value)}
        if kind is list:
            return self._all(value, where)
        if kind is tuple:
            return {"tuple": self._all(value, where)}
        if kind is dict:
            return {"dict": [self._all(pair, where) for pair in value.items()]}
        if isinstance(value, np.generic) and value.dtype.name in _SCALARS:
            return {"scalar": [value.dtype.name, self.write(value.item(), where)]}
        if kind is np.str_:
            return str(value)
        if kind is np.ndarray:
            return self._array(value, where)
        if kind is np.random.RandomState:
            return {"RandomState": self._all(value.get_state(legacy=True), where)}
        if is_dataclass(kind):
            return self._declaration(value, where)
        raise ConfigurationError(
            f"save: {where} is a {kind.__name__}, which a file cannot hold: use numbers, texts, "
            "lists, arrays or declarations such as layers"
        )

    def _all(self, values: Any, where: str) -> list[Any]:
        return [self.write(item, f"{where}[{i}]") for i, item in enumerate(values)]

    def _array(self, value: Any, where: str) -> Any:
        if value.dtype.kind == "U" or (
            value.dtype.kind == "O" and all(type(item) is str for item in value.flat)
        ):
            return {"texts": [value.dtype.str, list(value.shape), value.reshape(-1).tolist()]}
        if value.dtype.name not in _SCALARS:
            raise ConfigurationError(
                f"save: {where} is an array of {value.dtype}, which a file cannot hold: use numbers"
                " or texts"
            )
        name = f"values/{len(self.arrays)}"
        self.arrays[name] = value
        return {"array": name}

    def _declaration(self, value: Any, where: str) -> Any:
        kind = type(value)
        if kind is not TYPES.get(kind.__name__, kind):
            raise ConfigurationError(
                f"save: {where} is of a type of your own that is named {kind.__name__} as one of "
                "Evenly's: give it another name"
            )
        return {"type": [kind.__name__, {
            name: self.write(getattr(value, name), f"{where}.{name}") for name in field_names(kind)
        }]}


class Reader:
    """Turns JSON back into values.

    Arguments:
        arrays: those of the file, by name.
        table: the types that the JSON may name.
    """

    def __init__(self, arrays: Mapping[str, Any], table: Mapping[str, type]) -> None:
        self._arrays, self._table = arrays, table
        self._used: set[str] = set()

    # What an object of one key and a list may be; each has a method `_read_...`.
    kinds: ClassVar[tuple[str, ...]] = (
        "tuple", "dict", "scalar", "texts", "RandomState", "type",
    )

    def allow(self, *kinds: type) -> None:
        """Adds types that the JSON may name."""
        self._table = {**self._table, **{kind.__name__: kind for kind in kinds}}

    def array(self, name: str, shape: tuple[int, ...] | None = None, dtype: Any = None) -> Any:
        """An array of the file: the file's own memory.

        Raises:
            NotReadable: there is none, or one of another shape or type.
        """
        if name not in self._arrays:
            raise NotReadable(f"the array '{name[:80]}' is missing")
        array = self._arrays[name]
        if shape is not None and (array.shape != shape or array.dtype != dtype):
            raise NotReadable(
                f"the array '{name[:80]}' should be {dtype} of shape {shape}, it is {array.dtype} "
                f"of shape {array.shape}"
            )
        self._used.add(name)
        return array

    def check_all_used(self) -> None:
        """Raises NotReadable where the file holds arrays that belong to nothing."""
        left = self._arrays.keys() - self._used
        if left:
            raise NotReadable(f"the array '{min(left)[:80]}' belongs to nothing")

    def record(self, json: Any, declared: Mapping[str, Any], what: str) -> dict[str, Any]:
        """An object with fixed fields.

        Arguments:
            json: an object with exactly these fields.
            declared: the fields' types by name.
            what: it is, for the error.

        Raises:
            NotReadable: other fields, or values of another type.
        """
        if not isinstance(json, dict) or json.keys() != declared.keys():
            raise NotReadable(f"{what} should have the fields {', '.join(declared)}")
        values = {}
        for name, hint in declared.items():
            value = values[name] = self.read(json[name])
            if not fits(value, hint):
                raise NotReadable(f"{what}: {name} cannot be {_short(value)}")
        return values

    def read(self, json: Any) -> Any:
        """A value from its JSON.

        Raises:
            NotReadable: JSON that means nothing, a type that is not in the table, a declaration
                that its own checks refuse.
        """
        if isinstance(json, list):
            return [self.read(item) for item in json]
        if not isinstance(json, dict):
            return json
        if len(json) != 1:
            raise NotReadable(f"a value has {len(json)} kinds instead of one")
        ((kind, content),) = json.items()
        if kind == "float" and isinstance(content, str) and content in _WORDS:
            return _WORDS[content]
        if kind == "array" and isinstance(content, str):
            return self.array(content).copy()
        reader = getattr(self, f"_read_{kind}", None) if kind in self.kinds else None
        if reader is None or not isinstance(content, list):
            raise NotReadable(f"a value of no known kind, {str(kind)[:40]!r}")
        return reader(content)

    def _read_tuple(self, content: list[Any]) -> Any:
        return tuple(self.read(item) for item in content)

    def _read_dict(self, content: list[Any]) -> Any:
        pairs = self.read(content)
        try:
            return dict(pairs)
        except (TypeError, ValueError) as error:
            raise NotReadable(f"a dict: {error}") from error

    def _read_scalar(self, content: list[Any]) -> Any:
        try:
            name, value = self.read(content)
            return _SCALARS[name](value)
        except (TypeError, ValueError, KeyError, OverflowError) as error:
            raise NotReadable(f"a number: {error!r}") from error

    def _read_texts(self, content: list[Any]) -> Any:
        try:
            dtype, shape, texts = content
            right = all(isinstance(text, str) for text in texts) and (
                dtype == "|O" or (isinstance(dtype, str) and dtype[:2] in ("<U", ">U", "=U"))
            )
            if not right:
                raise NotReadable("an array of texts holds something else")
            # NumPy finds the width: one that a file claims would take memory. Narrower would cut.
            array = np.array(texts, dtype=object if dtype == "|O" else str).reshape(shape)
        except (TypeError, ValueError) as error:
            raise NotReadable(f"an array of texts: {error}") from error
        return array

    def _read_RandomState(self, content: list[Any]) -> Any:
        state = np.random.RandomState(0)
        try:
            state.set_state(tuple(self.read(content)))
        except (TypeError, ValueError, LookupError, OverflowError) as error:
            raise NotReadable(f"a RandomState: {error}") from error
        return state

    def _read_type(self, content: list[Any]) -> Any:
        if len(content) != 2 or not isinstance(content[0], str) or not isinstance(content[1], dict):
            raise NotReadable("a declaration without a name or fields")
        name, given = content
        kind = self._table.get(name)
        if kind is None:
            raise NotReadable(
                f"holds a {name[:80]!r}, which is no type of Evenly's: if it is yours, give "
                f"load(path, types=[{name[:80]}])"
            )
        unknown = given.keys() - set(field_names(kind))
        if unknown:
            raise NotReadable(f"{name} has no field {min(unknown)[:80]!r}")
        values = {key: self.read(value) for key, value in given.items()}
        for key, value in values.items():
            if not fits(value, hints(kind).get(key, Any)):
                raise NotReadable(f"{name}: {key} cannot be {_short(value)}")
        try:
            return kind(**values)
        except (EvenlyError, TypeError, ValueError, ArithmeticError, LookupError,
                AttributeError) as error:
            raise NotReadable(f"{name}: {error}") from error


def _short(value: Any) -> str:
    """A value in an error, without the thousands of numbers that a file may claim."""
    if isinstance(value, (bool, int, float, str, type(None))):
        return repr(value)[:80]
    return f"a {type(value).__name__}"
