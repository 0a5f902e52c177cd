"""Tables as they stand in files and in other libraries, as polars frames: of text files every cell
is text."""

from .table import Read as Read
from .table import read as read
