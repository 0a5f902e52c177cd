"""Tables of one's own: columns of numbers and text as inputs."""

from .columns import Column as Column
from .columns import Columns as Columns
from .model import TableModel as TableModel
from .old_columns import NumberColumn as NumberColumn
from .old_columns import TextColumn as TextColumn
from .rules import Reading as Reading
from .task import task_of as task_of
from .training import option_words as option_words
from .training import train as train
