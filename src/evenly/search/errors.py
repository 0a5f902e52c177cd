"""The error of a search that cannot be run as asked."""

from __future__ import annotations

from evenly.errors import EvenlyError


class SearchError(EvenlyError, ValueError):
    """A space, a store, a table or a setting that a search cannot use.

    The message is one line: where, what rule, what came, what to do.
    """
