"""Templates."""

from __future__ import annotations

from typing import Any

from ..byhand.render.pieces import quoted
from ..templating import filled, templates

templates("evenly.web").filters["quoted"] = quoted


def render(template: str, **context: Any) -> str:
    """A page."""
    return filled("evenly.web", template, **context)
