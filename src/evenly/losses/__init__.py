"""Losses: declaration and definition. The mean is over the batch."""

from .base import Loss as Loss
from .cross_entropy import BinaryCrossEntropy as BinaryCrossEntropy
from .cross_entropy import SoftmaxCrossEntropy as SoftmaxCrossEntropy
from .focal import AsymmetricCrossEntropy as AsymmetricCrossEntropy
from .focal import BinaryFocalCrossEntropy as BinaryFocalCrossEntropy
from .focal import FocalCrossEntropy as FocalCrossEntropy
from .likelihood import Gamma as Gamma
from .likelihood import Poisson as Poisson
from .quantile import Quantile as Quantile
from .regression import Huber as Huber
from .regression import MeanAbsoluteError as MeanAbsoluteError
from .regression import MeanSquaredError as MeanSquaredError
from .spread import Spread as Spread
