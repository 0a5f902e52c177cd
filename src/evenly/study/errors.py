"""The error of a study that cannot be run as asked."""

from __future__ import annotations

from evenly.errors import EvenlyError


class StudyError(EvenlyError, ValueError):
    """A setting, a table or a place to write to that a study cannot use.

    The message is one line: where, what rule, what came, what to do.
    """
