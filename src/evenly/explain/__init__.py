"""What a fitted network for a table does: plain computations, plain values.

| file | what it finds |
|---|---|
| `answers.py` | what a model says of rows, and of rows with other cells in a column |
| `scoring.py` | scores on both parts, beside the simplest answer and a linear model |
| `permutation.py` | what a measure loses when a column is shuffled |
| `partial.py` | how answers change with one column |
| `mistakes.py` | the confusion of classes, the residuals of numbers, the worst rows |
| `reliability.py` | whether probabilities are what they say |
| `fits.py` | all of it, as the record that the report is made of |
| `of_tables.py` | an estimator for tables and a table, as all of these take them |
| `shapley.py` | what each column adds to an answer, by the package shap |
| `records.py` | what comes out: plain values |
"""

from ..tables.records import FitScores as FitScores
from ..tables.records import Scored as Scored
from .answers import Answers as Answers
from .fits import explained as explained
from .mistakes import confusion as confusion
from .mistakes import residuals as residuals
from .mistakes import worst_rows as worst_rows
from .of_tables import answers_of as answers_of
from .of_tables import column_lines as column_lines
from .of_tables import linear_inputs as linear_inputs
from .partial import dependence as dependence
from .permutation import importance as importance
from .records import Bin as Bin
from .records import Calibration as Calibration
from .records import ColumnLine as ColumnLine
from .records import Confusion as Confusion
from .records import Dependence as Dependence
from .records import Epoch as Epoch
from .records import FitRecord as FitRecord
from .records import Importance as Importance
from .records import Point as Point
from .records import Residuals as Residuals
from .records import WorstRow as WorstRow
from .reliability import calibration as calibration
from .scoring import score as score
