"""The error of a report that cannot be written."""

from __future__ import annotations

from evenly.errors import EvenlyError


class ReportError(EvenlyError, OSError):
    """A place that a report cannot be written to. The message is one line, with what to do."""
