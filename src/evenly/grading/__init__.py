"""Grading of exercises: answers are read, graded from the right numbers and from the learner's own,
and known mistakes are named.

``answers`` reads numbers, ``own`` works a calculation out again from a learner's numbers, ``grade``
compares, ``mistakes`` is the catalogue, ``practice`` asks in the terminal.
"""

from .answers import Answer as Answer
from .answers import AnswerError as AnswerError
from .answers import read_answer as read_answer
from .grade import Grade as Grade
from .grade import StepGrade as StepGrade
from .grade import grade as grade
from .mistakes import MISTAKES as MISTAKES
from .mistakes import Mistake as Mistake
from .sheets import Sheet as Sheet
from .sheets import read_sheet as read_sheet
from .sheets import sheet_of as sheet_of
