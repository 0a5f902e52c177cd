"""The claims about normalization, regularization, initialization and optimization, tested.

| file | what it holds |
|---|---|
| `study.py` | a study as a value: claim, source, factors, blocks, measure |
| `parts.py` | what a claim expects, and the rule of the verdict |
| `pictures.py` | pictures as values |
| `runs.py` | all trainings of a study |
| `measures.py`, `verdict.py` | their measures; numbers into a verdict |
| `records.py`, `result.py` | what comes out: plain values; with frame, figures, page |
| `drawn.py`, `page.py` | pictures drawn; the report |
| `catalog.py` | studies by name and by file |
| `data.py`, `training.py` | what the ready studies train on, and how |
| `ready/` | the ready studies, a claim a file |
"""

from .catalog import load, names
from .parts import Part, less, more, same
from .pictures import Picture
from .result import Result
from .runs import run, run_all
from .study import Case, Study

__all__ = ["Case", "Part", "Picture", "Result", "Study", "less", "load", "more", "names", "run",
           "run_all", "same"]
