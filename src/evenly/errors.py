"""Every exception that Evenly raises on purpose, and the check behind most of them.

All derive from :class:`EvenlyError`. Those that are also a built-in error (a ``ValueError``, say)
can be caught as such. A message says where, which rule, what came, and what to do. All can be
pickled and copied, so that one from a worker process arrives as it was raised.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from .portable import Portable


class EvenlyError(Portable, Exception):
    """Base of all errors of this library."""


class ConfigurationError(EvenlyError, ValueError):
    """A layer, loss, optimizer or setting that cannot work, whatever the data."""


class ShapeError(EvenlyError, ValueError):
    """Shapes that do not fit together."""


class DataError(EvenlyError, ValueError):
    """Data that cannot be used as it is."""


class BackendError(EvenlyError, RuntimeError):
    """Work that cannot be handed to threads, processes or machines as asked: a backend that is not
    known or not installed, an address that does not answer, workers that end."""


class FileFormatError(EvenlyError, ValueError):
    """A file that is not what it should be: truncated, damaged, too large, of a newer version, or
    no file of Evenly at all.

    Attributes:
        path: of the file.
        reason: what is wrong with it.
    """

    def __init__(self, path: Any, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class DivergenceError(EvenlyError, ArithmeticError):
    """Training produced a number that is not finite.

    The failed step's update was not made, unless it was the update that overflowed.

    Attributes:
        epoch: the epoch, counted from 1.
        step: the step within the whole training, counted from 1.
        layer: the first layer whose output (or, failing that, gradient) was not finite; or which
            parameter or other array was not after the update.
        weights: the last good weights and running statistics, by name, as copies. Those before
            the failed step, if the loss with them was finite and not above twice what it was when
            the epoch began; else those with which the epoch began, as after an update that
            overflowed.
        model: a model that holds these weights, with the history so far.

    From another process `weights` and `model` arrive too, each where it takes at most 256 MiB; else
    they are empty and None, and a note says so.
    """

    bulky: ClassVar[dict[str, Callable[[], Any]]] = {"weights": dict, "model": type(None)}

    def __init__(self, message: str, *, epoch: int, step: int, layer: str) -> None:
        super().__init__(message)
        self.epoch = epoch
        self.step = step
        self.layer = layer
        self.weights: dict[str, Any] = {}
        self.model: Any = None


class DoctorWarning(Portable, UserWarning):
    """What the doctor finds while a training goes on.

    Attributes:
        finding: what ails it; None where it came through a pickle.
    """

    bulky: ClassVar[dict[str, Callable[[], Any]]] = {"finding": type(None)}

    def __init__(self, message: str, finding: Any = None) -> None:
        super().__init__(message)
        self.finding = finding


class TableWarning(UserWarning):
    """What was left out of a table, read otherwise than it stands there, or is unlike training: a
    line each."""


class CheckpointError(EvenlyError, OSError):
    """A checkpoint could not be written: the disk is full, say. Those before it are whole.

    Attributes:
        path: of the file.
        model: a model with the weights of the last step, and the history so far. From another
            process it arrives where it takes at most 256 MiB; else it is None, and a note says so.
    """

    bulky: ClassVar[dict[str, Callable[[], Any]]] = {"model": type(None)}

    def __init__(self, path: Any, reason: str) -> None:
        super().__init__(
            f"the checkpoint {path} cannot be written: {reason}. Those before it are whole, and "
            "the model as it is now is in error.model: make room, and go on with resume=True"
        )
        self.path = path
        self.reason = reason
        self.model: Any = None


class WorkersError(EvenlyError, RuntimeError):
    """Processes that train one network together cannot go on: one of them failed, or they were
    given different things."""


def expect(condition: bool, declared: Any, rule: str, came: Any) -> None:
    """Raises ConfigurationError naming the declaration's type, the rule and what came."""
    if not condition:
        raise ConfigurationError(f"{type(declared).__name__}: {rule}, got {came!r}")
