"""Controlled studies: one thing at a time against a plain network, over seeds.

| file | what it holds |
|---|---|
| `designs.py` | what is varied, as a table: a new variant is one row |
| `nets.py` | the networks, as a table: mlp, cnn, lstm |
| `files.py`, `data.py`, `memory.py` | the table: read, checked, sized |
| `splits.py` | the two parts of one seed |
| `runs.py` | seeds x variants, in threads |
| `statistics.py`, `summary.py` | means, intervals, tests; verdicts and the sentence |
| `records.py` | what comes out: plain values |

Example:
    >>> from evenly.study import Design, load_digits, run_all, summarize
    >>> table = load_digits()
    >>> design = Design(variants=("plain", "batch-norm"), seeds=2, epochs=1, hidden=(8,))
    >>> outcome = run_all(table, design)
    >>> record = summarize(table, design, outcome, command="", started="")
    >>> [(variant.name, variant.finished) for variant in record.variants]
    [('plain', 2), ('batch-norm', 2)]
"""

from .data import Table, check_fits, load, load_digits, part_sizes
from .designs import OPTIMIZERS, VARIANTS, Design, Variant
from .errors import StudyError
from .files import read_columns
from .nets import NETS
from .records import StudyRecord
from .runs import Outcome, run_all
from .summary import summarize

__all__ = [
    "NETS",
    "OPTIMIZERS",
    "VARIANTS",
    "Design",
    "Outcome",
    "StudyError",
    "StudyRecord",
    "Table",
    "Variant",
    "check_fits",
    "load",
    "load_digits",
    "part_sizes",
    "read_columns",
    "run_all",
    "summarize",
]
