"""Exceptions that reach another process as they are."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from copy import deepcopy
from typing import Any, ClassVar, Self, TypeVar

# What takes more bytes in a pickle stays in the process that raised the error: 256 MiB.
CARRIED_BYTES = 256 * 2**20

_Kind = TypeVar("_Kind", bound="Portable")


class Portable(BaseException):
    """Base of exceptions that can be pickled and copied: message, attributes and notes. Traceback
    and cause stay behind, as with Python's own exceptions.

    Python would make the exception anew from its message. One with other arguments refuses that,
    and then a pool of processes breaks, or waits for ever.

    Attributes:
        bulky: attributes that a pickle leaves out, with a note, where they take more than
            :data:`CARRIED_BYTES` or cannot be pickled; with what makes a stand-in.
    """

    bulky: ClassVar[dict[str, Callable[[], Any]]] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        made_of, state = self._parts()
        carried = {}
        notes = list(state.pop("__notes__", ()))
        for name in self.bulky:
            try:
                carried[name] = _packed(state.pop(name, None))
            except Exception as error:  # of whatever cannot be pickled: the reason must get through
                notes.append(_left_behind(name, error))
        return _unpacked, (type(self), made_of, self.args, state, carried, notes)

    def __copy__(self) -> Self:
        made_of, state = self._parts()
        return _remade(type(self), made_of, self.args, state)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        made_of, state = self._parts()
        return _remade(type(self), *deepcopy((made_of, self.args, state), memo))

    def _parts(self) -> tuple[Any, dict[str, Any]]:
        """What Python makes it of (that has an OSError's file), and its attributes."""
        return super().__reduce__()[1], dict(self.__dict__)


def _remade(kind: type[_Kind], made_of: Any, args: Any, state: dict[str, Any]) -> _Kind:
    """The exception, without its own __init__, whose arguments are not known."""
    error = kind.__new__(kind, *made_of)
    if isinstance(error, OSError):
        OSError.__init__(error, *made_of)
    error.args = args
    error.__dict__.update(state)
    return error


def _unpacked(
    kind: Any, made_of: Any, args: Any, state: dict[str, Any], carried: dict[str, bytes],
    notes: list[str],
) -> Any:
    """What a pickle is read with. That a part cannot be read must not hide what happened."""
    error = _remade(kind, made_of, args, state)
    for name, stand_in in kind.bulky.items():
        setattr(error, name, stand_in())
        if name in carried:
            try:
                setattr(error, name, pickle.loads(carried[name]))
            except Exception as reason:
                notes = [*notes, _left_behind(name, reason)]
    for note in notes:
        error.add_note(note)
    return error


def _left_behind(name: str, reason: Exception) -> str:
    return (f"error.{name} stayed in the process that raised this: {reason}. A Checkpoint keeps "
            "what is trained there")


def _packed(value: Any) -> bytes:
    file = _Bounded()
    pickle.dump(value, file, pickle.HIGHEST_PROTOCOL)
    return file.getvalue()


class _Bounded(io.BytesIO):
    """A file in memory that takes so much and no more."""

    def write(self, data: Any) -> int:
        if self.tell() + memoryview(data).nbytes > CARRIED_BYTES:
            raise OverflowError(f"it takes more than {CARRIED_BYTES // 2**20} MiB")
        return super().write(data)
