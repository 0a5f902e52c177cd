"""Searches for the settings of a network, on Optuna.

| file | what it holds |
|---|---|
| `space.py` | what is varied: plain data in, arguments of an estimator out |
| `problem.py` | what a trial trains, and how it is judged |
| `store.py` | the trials, in a database that can be shared and gone on with |
| `rounds.py` | the search: rounds of trials |
| `findings.py` | what mattered, the front, the best as code and as a line |
| `records.py` | what comes out: plain values |
"""

from .errors import SearchError
from .records import SearchRecord, TrialRecord
from .rounds import Tuned, tune

__all__ = ["SearchError", "SearchRecord", "TrialRecord", "Tuned", "tune"]
