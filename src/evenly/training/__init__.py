"""Training: batches, the loop, early stopping, history; and the model that comes out."""

from .checkpoints import Checkpoint as Checkpoint
from .early_stopping import EarlyStopping as EarlyStopping
from .history import EpochRecord as EpochRecord
from .history import History as History
from .loop import fit as fit
from .model import Model as Model
from .model import init as init
from .parquet import ParquetRows as ParquetRows
from .streams import Batches as Batches
from .unit_variance import lsuv as lsuv
