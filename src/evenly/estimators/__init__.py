"""Networks as scikit-learn estimators.

| file | what it holds |
|---|---|
| `names.py` | plain arguments as layers: a new name is one row |
| `settings.py` | plain arguments as settings of a training: likewise |
| `parameters.py` | nested parameters: `optimizer__learning_rate` |
| `rows.py` | the rows in their own order, whole weights as repetitions, a share held out |
| `held_out.py` | which rows are held out: a share, whole groups, a mask, a splitter's |
| `proportion.py` | whether a validation set is on the scale of the training set |
| `moments.py` | means and deviations, folded over calls; scaling |
| `column_scales.py` | scales by quantiles: smooth clip, ranks to a normal |
| `constants.py` | columns that never varied: they move nothing |
| `inputs.py` | from a table to what the network reads: checks, scale, constants |
| `inference.py` | predictions in double precision, in bounded memory |
| `monitor.py` | what early stopping watches: a scorer on held-out rows |
| `threshold.py` | the probability from which on a class is predicted |
| `calibration.py` | one temperature for a classifier's scores |
| `reliability.py` | whether probabilities are what they say |
| `intervals.py` | intervals that cover as often as they say |
| `class_weights.py` | how much classes and labels count |
| `class_predictions.py` | from scores to classes |
| `cocktail.py` | regularizers as a space to search |
| `effort.py` | how many networks, and how long they train |
| `building.py` | the network of an estimator, and what a subclass says of its targets |
| `curves.py` | what an estimator tells of its training |
| `base.py` | what the estimators share: fit, warm start |
| `in_parts.py` | partial_fit |
| `going_on.py` | what may change where training goes on |
| `classifier.py`, `regressor.py`, `transformer.py` | the estimators |
"""

from importlib.util import find_spec as _find_spec

if _find_spec("sklearn") is None:
    raise ImportError("evenly.estimators needs scikit-learn: pip install 'evenly[sklearn]'")

from .answers.reliability import Reliability as Reliability
from .answers.reliability import reliability as reliability
from .classifier import NetClassifier as NetClassifier
from .cocktail import cocktail as cocktail
from .regressor import NetRegressor as NetRegressor
from .transformer import NetTransformer as NetTransformer
