"""Evenly: train networks well on a CPU, see how they work, find out why they do not."""

from . import errors as errors
from .clipping import ClipGlobalNorm as ClipGlobalNorm
from .engine import Engine as Engine
from .initializers import Constant as Constant
from .initializers import HeNormal as HeNormal
from .initializers import HeUniform as HeUniform
from .initializers import XavierNormal as XavierNormal
from .initializers import XavierUniform as XavierUniform
from .initializers import Zeros as Zeros
from .layers import ArraySpec as ArraySpec
from .layers import BatchNorm as BatchNorm
from .layers import Dense as Dense
from .layers import Dropout as Dropout
from .layers import Flatten as Flatten
from .layers import Layer as Layer
from .layers import LayerNorm as LayerNorm
from .layers import ReLU as ReLU
from .layers import Run as Run
from .layers import Sequential as Sequential
from .layers import Sigmoid as Sigmoid
from .layers import Tanh as Tanh
from .losses import BinaryCrossEntropy as BinaryCrossEntropy
from .losses import MeanSquaredError as MeanSquaredError
from .losses import SoftmaxCrossEntropy as SoftmaxCrossEntropy
from .optimizers import SGD as SGD
from .optimizers import Adam as Adam
from .optimizers import AdamW as AdamW
from .optimizers import Momentum as Momentum
from .optimizers import RMSprop as RMSprop
from .penalties import L2 as L2
from .program import Program as Program
from .program import compile as compile
from .scaling import Standardizer as Standardizer
from .training import EarlyStopping as EarlyStopping
from .training import EpochRecord as EpochRecord
from .training import History as History
from .training import Model as Model
from .training import fit as fit
from .training import init as init

__version__ = "0.1.0"
