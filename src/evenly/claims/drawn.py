"""A study's pictures, drawn with Matplotlib: as figures, and as SVG for the inside of a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .records import ClaimRecord
from .study import Study

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def figures(study: Study, record: ClaimRecord) -> list[Figure]:
    """A figure for each picture of the study."""
    raise NotImplementedError
