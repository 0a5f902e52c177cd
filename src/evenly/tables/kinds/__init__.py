"""The kinds of columns, a page each: how one is recognized, and how its cells are read."""

from .base import Kind as Kind
from .base import Recognized as Recognized
from .base import Values as Values
from .boolean import Boolean as Boolean
from .category import Category as Category
from .date import Date as Date
from .nothing import Nothing as Nothing
from .number import Number as Number
from .text import Text as Text

# In the order in which they are tried.
KINDS: tuple[type[Kind], ...] = (Nothing, Boolean, Date, Number, Text, Category)
