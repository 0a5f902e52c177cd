"""Models and estimators in files.

| file | what it holds |
|---|---|
| `saved.py` | save, load, and a model with its scaler and classes |
| `models.py`, `fitted.py` | a model, a fitted estimator, as JSON and arrays |
| `table_models.py` | a network for a table |
| `pipelines.py`, `transformers.py` | a Pipeline, and scikit-learn's transformers in it |
| `watched.py` | the record of a training that was watched |
| `values.py` | any value as JSON: declarations, tuples, arrays |
| `types.py` | the types that a file may name |

What lies on the disk, and how it gets there, is in `evenly/files.py`.
"""

from .saved import Saved as Saved
from .saved import load as load
from .saved import save as save
