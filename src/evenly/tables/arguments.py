"""The arguments of an estimator around another: its own, and all of the other's."""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, Signature, signature
from typing import Any, TypeVar

Estimator = TypeVar("Estimator", bound=type)


def with_arguments_of(inner: type, **own: Any) -> Callable[[Estimator], Estimator]:
    """A class decorator: ``__init__`` takes the arguments of another estimator, and more.

    scikit-learn reads the arguments off the signature, and so does ``help``. The first argument of
    the other stays the first, and may be given by place as there.

    Arguments:
        inner: the other class.
        own: defaults of the arguments that come with this one, by name.
    """
    theirs = [p for p in signature(inner.__init__).parameters.values() if p.name != "self"]  # type: ignore[misc]
    first, rest = theirs[:1], theirs[1:]
    parameters = [
        Parameter("self", Parameter.POSITIONAL_OR_KEYWORD),
        *first,
        *(Parameter(name, Parameter.KEYWORD_ONLY, default=value) for name, value in own.items()),
        *(p.replace(kind=Parameter.KEYWORD_ONLY) for p in rest),
    ]
    shown = Signature([p.replace(annotation=Parameter.empty) for p in parameters])

    def decorate(kind: Estimator) -> Estimator:
        def __init__(self: Any, *given: Any, **named: Any) -> None:
            try:
                bound = shown.bind(self, *given, **named)
            except TypeError as error:
                raise TypeError(f"{type(self).__name__}: {error}") from None
            bound.apply_defaults()
            self.__dict__.update((k, v) for k, v in bound.arguments.items() if k != "self")

        __init__.__qualname__ = f"{kind.__qualname__}.__init__"
        __init__.__signature__ = shown  # type: ignore[attr-defined]
        kind.__init__ = __init__  # type: ignore[misc]
        return kind

    return decorate


def of_inner(estimator: Any, inner: type) -> dict[str, Any]:
    """The values of those arguments that the other estimator has too, by name."""
    names = [name for name in signature(inner.__init__).parameters if name != "self"]  # type: ignore[misc]
    return {name: getattr(estimator, name) for name in names}
