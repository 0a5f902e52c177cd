"""Learning rates, dropout and weight decay that change during training, as values."""

from .base import UNMOVED as UNMOVED
from .base import Moved as Moved
from .base import Schedule as Schedule
from .base import rates_and_momenta as rates_and_momenta
from .base import shares as shares
from .base import steps_per_epoch as steps_per_epoch
from .cosine import CosineDecay as CosineDecay
from .cosine import CosineRestarts as CosineRestarts
from .cosine import FlatCosine as FlatCosine
from .cosine import LogCosine as LogCosine
from .decay import ExponentialDecay as ExponentialDecay
from .decay import InverseTimeDecay as InverseTimeDecay
from .decay import MultiStepDecay as MultiStepDecay
from .decay import PolynomialDecay as PolynomialDecay
from .decay import StepDecay as StepDecay
from .onecycle import OneCycle as OneCycle
from .plateau import ReduceOnPlateau as ReduceOnPlateau
from .warmup import LinearWarmup as LinearWarmup
