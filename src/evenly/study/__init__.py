"""Controlled studies: one thing at a time against a plain network, over seeds.

| file | what it holds |
|---|---|
| `designs.py` | what is varied, as a table: a new variant is one row |
| `nets.py` | the networks, as a table: mlp, cnn, lstm |
| `references.py` | what they must be better than, as a table: simplest, linear |
| `measures.py` | what is measured, as a table: accuracy, AUC, MAE, ... |
| `files.py`, `data.py`, `sides.py` | the table: read and told apart |
| `checks.py` | whether the study can work: sizes, classes, memory |
| `parts.py`, `splits.py` | the two parts of one seed: which rows, and how they are prepared |
| `runs.py` | seeds x variants, in threads |
| `statistics.py`, `comparing.py` | means, intervals, tests; verdicts |
| `sentences.py`, `advice.py`, `summary.py` | the sentence, what to train, the record |
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

from .checks import check_fits
from .data import Table, load, load_digits
from .designs import OPTIMIZERS, VARIANTS, Design, Variant
from .errors import StudyError
from .measures import MEASURES
from .nets import NETS
from .parts import part_sizes
from .records import StudyRecord
from .runs import Outcome, run_all
from .summary import summarize

__all__ = [
    "MEASURES",
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
    "run_all",
    "summarize",
]
