"""A call that all processes of a group make."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from .chosen import group
from .ended import ended_in_words
from .group import together

P = ParamSpec("P")
T = TypeVar("T")


def by_workers(function: Callable[P, T]) -> Callable[P, T]:
    """The same function, which hands its argument ``workers`` on as a group: what fails in one
    process ends the others' calls too, in words."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        if kwargs.get("workers") is None:
            return function(*args, **kwargs)
        own = group(kwargs["workers"])
        kept: Any = kwargs.get("checkpoint")
        folder = getattr(kept, "folder", None)
        left = "" if folder is None else \
            f"; the checkpoints in {folder} are whole: go on with resume (--resume)"
        kwargs["workers"] = own
        with together(own), ended_in_words(own, left):
            return function(*args, **kwargs)

    return call
