"""Arrays and native execution of a program."""

from .engine import Engine as Engine
from .engine import check_seed as check_seed
from .records import Evaluation as Evaluation
from .records import NotFiniteError as NotFiniteError
from .records import StepRecord as StepRecord
