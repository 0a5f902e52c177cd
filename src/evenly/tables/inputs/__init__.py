"""Columns of a table as the inputs of a network, learned from the training rows, as values.

| file | what it holds |
|---|---|
| `base.py` | what every part can do: name its inputs, and write them for rows |
| `numbers.py` | numbers and truth values, gaps as the median |
| `dates.py` | days, and parts of year, week and day as cycles |
| `categories.py` | one input a level |
| `codes.py` | levels as rows of a learned table |
| `ways.py` | which of these a category becomes |
| `means.py` | levels as means of the target, by cross-fitting |
| `words.py` | text as hashed words |
| `learned.py` | all columns of a table together |
"""

from .base import Part as Part
from .categories import MAX_CATEGORIES as MAX_CATEGORIES
from .categories import LevelInputs as LevelInputs
from .codes import CodeInputs as CodeInputs
from .dates import DateInputs as DateInputs
from .learned import PARTS as PARTS
from .learned import Inputs as Inputs
from .means import Answers as Answers
from .means import MeanInputs as MeanInputs
from .numbers import NumberInputs as NumberInputs
from .ways import Ways as Ways
from .words import WordInputs as WordInputs
