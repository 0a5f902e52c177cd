"""Tables of one's own: what columns are, what they become, and estimators for them."""

from importlib.util import find_spec as _find_spec

if _find_spec("polars") is None:
    raise ImportError("evenly.tables needs polars: pip install 'evenly[tables]'")

from .columns import Column as Column
from .columns import Columns as Columns
from .estimators import TableClassifier as TableClassifier
from .estimators import TableRegressor as TableRegressor
from .inputs import Inputs as Inputs
from .models import TableModel as TableModel
from .rules import Reading as Reading
from .task import task_of as task_of
from .training import option_words as option_words
from .training import set_words as set_words
