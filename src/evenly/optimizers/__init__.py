"""Update rules: declaration and definition.

A rule changes one array from its gradient. The kernels in ``cpp/optimizers`` do the same over all
parameters at once.
"""

from .adam import Adam, AdaMax, AdamW, NAdam, RAdam
from .adaptive import Adagrad, RMSprop
from .base import Optimizer
from .descent import SGD, Momentum
from .rates import ArrayRates

__all__ = ["SGD", "AdaMax", "Adagrad", "Adam", "AdamW", "ArrayRates", "Momentum", "NAdam",
           "Optimizer", "RAdam", "RMSprop"]
