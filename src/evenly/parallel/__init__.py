"""Several processes or threads at one task."""

from __future__ import annotations

from .chosen import group
from .group import Alone, Group, Pending, Threads

__all__ = ["Alone", "Group", "Pending", "Threads", "group"]
