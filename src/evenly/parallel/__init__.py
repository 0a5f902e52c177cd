"""Several processes or threads at one task."""

from __future__ import annotations

from .backends import backend

__all__ = ["backend"]
