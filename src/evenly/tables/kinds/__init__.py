"""The kinds of columns, a page each: how one is recognized, and how its cells are read."""

from .base import Kind as Kind
from .base import Recognized as Recognized
from .base import Values as Values
from .simple import Boolean as Boolean
from .simple import Category as Category
from .simple import Date as Date
from .simple import Nothing as Nothing
from .simple import Number as Number
from .simple import Text as Text

# In the order in which they are tried.
KINDS: tuple[type[Kind], ...] = (Nothing, Boolean, Number, Date, Category, Text)
