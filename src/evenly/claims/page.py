"""The report: the table of claims first, then each claim with its pictures."""

from __future__ import annotations

from .records import ClaimRecord
from .study import Study


def in_notebook(study: Study, record: ClaimRecord) -> str:
    """A result for a notebook."""
    raise NotImplementedError
