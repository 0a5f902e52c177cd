"""Losses: declaration and definition. The mean is over the batch."""

from .base import Loss as Loss
from .cross_entropy import BinaryCrossEntropy as BinaryCrossEntropy
from .cross_entropy import SoftmaxCrossEntropy as SoftmaxCrossEntropy
from .regression import Huber as Huber
from .regression import MeanAbsoluteError as MeanAbsoluteError
from .regression import MeanSquaredError as MeanSquaredError
from .spread import Spread as Spread
