"""Training: the loop, checkpoints, early stopping, history; and the model that comes out."""

from ..stopping import EarlyStopping as EarlyStopping
from .checkpoints import Checkpoint as Checkpoint
from .first_columns import unit_columns as unit_columns
from .history import EpochRecord as EpochRecord
from .history import History as History
from .loop import fit as fit
from .model import Model as Model
from .model import init as init
from .together import ensemble as ensemble
from .unit_variance import lsuv as lsuv
