"""Arrays and native execution of a program."""

from .arrays import kept_buffers as kept_buffers
from .checks import as_array as as_array
from .checks import as_lengths as as_lengths
from .checks import as_weights as as_weights
from .checks import check_seed as check_seed
from .checks import most_threads as most_threads
from .engine import Engine as Engine
from .records import Evaluation as Evaluation
from .records import NotFiniteError as NotFiniteError
from .records import StepRecord as StepRecord
from .turns import Turns as Turns
from .watching import Watcher as Watcher
