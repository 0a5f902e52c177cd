"""Several processes or threads at one task."""

from __future__ import annotations

from .agreement import agree
from .backends import backend
from .chosen import across, entered, group
from .ended import ended_in_words
from .group import Alone, Group, Pending, Threads, together
from .mpi import started_as, world

__all__ = ["Alone", "Group", "Pending", "Threads", "across", "agree", "backend", "ended_in_words",
           "entered", "group", "started_as", "together", "world"]
