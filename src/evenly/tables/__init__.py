"""Tables of one's own: columns of numbers and text as inputs."""

from .columns import Columns as Columns
from .columns import NumberColumn as NumberColumn
from .columns import TextColumn as TextColumn
from .model import TableModel as TableModel
from .training import option_words as option_words
from .training import train as train
