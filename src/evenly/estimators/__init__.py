"""Networks as scikit-learn estimators.

| file | what it holds |
|---|---|
| `names.py` | plain arguments as layers: a new name is one row |
| `settings.py` | plain arguments as settings of a training: likewise |
| `parameters.py` | nested parameters: `optimizer__learning_rate` |
| `rows.py` | the rows in their own order, whole weights as repetitions, validation split |
| `proportion.py` | whether a validation set is on the scale of the training set |
| `moments.py` | means and deviations, folded over calls; scaling |
| `constants.py` | columns that never varied: they move nothing |
| `inputs.py` | from a table to what the network reads: checks, scale, constants |
| `inference.py` | predictions in double precision, in bounded memory |
| `base.py` | what the estimators share: fit, warm start, curves |
| `in_parts.py` | partial_fit |
| `going_on.py` | what may change where training goes on |
| `classifier.py`, `regressor.py`, `transformer.py` | the estimators |
"""

from importlib.util import find_spec as _find_spec

if _find_spec("sklearn") is None:
    raise ImportError("evenly.estimators needs scikit-learn: pip install 'evenly[sklearn]'")

from .classifier import NetClassifier as NetClassifier
from .regressor import NetRegressor as NetRegressor
from .transformer import NetTransformer as NetTransformer
