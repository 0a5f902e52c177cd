"""Templates."""

from __future__ import annotations

import functools
from typing import Any

import jinja2

from ..byhand.render.pieces import quoted


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("evenly.web"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["quoted"] = quoted
    return environment


def render(template: str, **context: Any) -> str:
    """A page."""
    return _environment().get_template(template).render(**context)
