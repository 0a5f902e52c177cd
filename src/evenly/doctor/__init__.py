"""The doctor: what ails a training, by its record.

| file | what it holds |
|---|---|
| `finding.py` | what is said: evidence, why, cure |
| `findings/` | the rules, one kind a file |
| `verdict.py` | which findings stand, in which order |
| `reading.py`, `learned.py`, `measures.py`, `curves.py` | what the rules ask of a record |
| `thresholds.py`, `confirmed.py` | every threshold, with its reason; how often each kind was true |
| `cures.py`, `rewrite.py` | changes of settings and networks |

It reads records alone, whoever made them, and changes settings, which are values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazily

if TYPE_CHECKING:
    from .finding import Cure as Cure
    from .finding import Evidence as Evidence
    from .finding import Finding as Finding
    from .findings import KINDS as KINDS
    from .verdict import Diagnosis as Diagnosis
    from .verdict import diagnose as diagnose

_NAMES = {
    "finding": ("Cure", "Evidence", "Finding"),
    "findings": ("KINDS",),
    "verdict": ("Diagnosis", "diagnose"),
}
if not TYPE_CHECKING:  # with it every name would be known to type checkers
    __getattr__, __dir__ = lazily(__name__, _NAMES)
