"""Evenly: train networks well on a CPU, see how they work, find out why they do not.

Importing the package costs little: a public name loads its module when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .lazy import lazily
from .version import __version__ as __version__

if TYPE_CHECKING:
    from . import callbacks as callbacks
    from . import errors as errors
    from . import parallel as parallel
    from .augmentation import Augmentation as Augmentation
    from .augmentation import CutMix as CutMix
    from .augmentation import Cutout as Cutout
    from .augmentation import Mixup as Mixup
    from .averaging import EMA as EMA
    from .averaging import SWA as SWA
    from .averaging import Lookahead as Lookahead
    from .averaging import Snapshots as Snapshots
    from .averaging import WeightAverage as WeightAverage
    from .byhand.show import ShownWork as ShownWork
    from .byhand.show import show_work as show_work
    from .clinic.check import check as check
    from .clinic.cure import cure as cure
    from .clinic.see import see as see
    from .clipping import Clip as Clip
    from .clipping import ClipGlobalNorm as ClipGlobalNorm
    from .clipping import ClipNorm as ClipNorm
    from .clipping import ClipValue as ClipValue
    from .constraints import Constraint as Constraint
    from .constraints import MaxNorm as MaxNorm
    from .constraints import UnitNorm as UnitNorm
    from .doctor import Diagnosis as Diagnosis
    from .doctor import Finding as Finding
    from .doctor import diagnose as diagnose
    from .engine import Engine as Engine
    from .estimators import NetClassifier as NetClassifier
    from .estimators import NetRegressor as NetRegressor
    from .estimators import NetTransformer as NetTransformer
    from .exchange import from_keras as from_keras
    from .exchange import from_onnx as from_onnx
    from .exchange import from_sklearn as from_sklearn
    from .exchange import from_torch as from_torch
    from .exchange import register_onnx_converters as register_onnx_converters
    from .exchange import to_keras as to_keras
    from .exchange import to_onnx as to_onnx
    from .exchange import to_torch as to_torch
    from .exercises import Exercise as Exercise
    from .exercises import exercise as exercise
    from .grading import Grade as Grade
    from .grading import grade as grade
    from .initializers import Constant as Constant
    from .initializers import GateBias as GateBias
    from .initializers import HeNormal as HeNormal
    from .initializers import HeUniform as HeUniform
    from .initializers import Identity as Identity
    from .initializers import LeCunNormal as LeCunNormal
    from .initializers import LeCunUniform as LeCunUniform
    from .initializers import Normal as Normal
    from .initializers import Orthogonal as Orthogonal
    from .initializers import TruncatedNormal as TruncatedNormal
    from .initializers import Uniform as Uniform
    from .initializers import XavierNormal as XavierNormal
    from .initializers import XavierUniform as XavierUniform
    from .initializers import Zeros as Zeros
    from .layers import ELU as ELU
    from .layers import GELU as GELU
    from .layers import GRU as GRU
    from .layers import LSTM as LSTM
    from .layers import RNN as RNN
    from .layers import SELU as SELU
    from .layers import AlphaDropout as AlphaDropout
    from .layers import ArraySpec as ArraySpec
    from .layers import AveragePool1D as AveragePool1D
    from .layers import AveragePool2D as AveragePool2D
    from .layers import BatchEnsemble as BatchEnsemble
    from .layers import BatchNorm as BatchNorm
    from .layers import Branches as Branches
    from .layers import Conv1D as Conv1D
    from .layers import Conv2D as Conv2D
    from .layers import Dense as Dense
    from .layers import DepthwiseConv1D as DepthwiseConv1D
    from .layers import DepthwiseConv2D as DepthwiseConv2D
    from .layers import DropConnect as DropConnect
    from .layers import Dropout as Dropout
    from .layers import Embedding as Embedding
    from .layers import Ensemble as Ensemble
    from .layers import Flatten as Flatten
    from .layers import GaussianDropout as GaussianDropout
    from .layers import GaussianNoise as GaussianNoise
    from .layers import GlobalAveragePool as GlobalAveragePool
    from .layers import GlobalMaxPool as GlobalMaxPool
    from .layers import GroupNorm as GroupNorm
    from .layers import HardSigmoid as HardSigmoid
    from .layers import HardSwish as HardSwish
    from .layers import InstanceNorm as InstanceNorm
    from .layers import Layer as Layer
    from .layers import LayerNorm as LayerNorm
    from .layers import LeakyReLU as LeakyReLU
    from .layers import MaxPool1D as MaxPool1D
    from .layers import MaxPool2D as MaxPool2D
    from .layers import MemberDense as MemberDense
    from .layers import MemberMean as MemberMean
    from .layers import Members as Members
    from .layers import Mish as Mish
    from .layers import Parametric as Parametric
    from .layers import Periodic as Periodic
    from .layers import PiecewiseLinear as PiecewiseLinear
    from .layers import PReLU as PReLU
    from .layers import ReLU as ReLU
    from .layers import Reshape as Reshape
    from .layers import Residual as Residual
    from .layers import RMSNorm as RMSNorm
    from .layers import Run as Run
    from .layers import Scale as Scale
    from .layers import Sequential as Sequential
    from .layers import Sigmoid as Sigmoid
    from .layers import SiLU as SiLU
    from .layers import Slice as Slice
    from .layers import Softmax as Softmax
    from .layers import Softplus as Softplus
    from .layers import Softsign as Softsign
    from .layers import SpatialDropout as SpatialDropout
    from .layers import StochasticDepth as StochasticDepth
    from .layers import Tanh as Tanh
    from .layers import WeightNorm as WeightNorm
    from .losses import AsymmetricCrossEntropy as AsymmetricCrossEntropy
    from .losses import BinaryCrossEntropy as BinaryCrossEntropy
    from .losses import BinaryFocalCrossEntropy as BinaryFocalCrossEntropy
    from .losses import FocalCrossEntropy as FocalCrossEntropy
    from .losses import Gamma as Gamma
    from .losses import Huber as Huber
    from .losses import Loss as Loss
    from .losses import MeanAbsoluteError as MeanAbsoluteError
    from .losses import MeanSquaredError as MeanSquaredError
    from .losses import Poisson as Poisson
    from .losses import Quantile as Quantile
    from .losses import SoftmaxCrossEntropy as SoftmaxCrossEntropy
    from .optimizers import SGD as SGD
    from .optimizers import Adagrad as Adagrad
    from .optimizers import Adam as Adam
    from .optimizers import AdaMax as AdaMax
    from .optimizers import AdamW as AdamW
    from .optimizers import ArrayRates as ArrayRates
    from .optimizers import Momentum as Momentum
    from .optimizers import NAdam as NAdam
    from .optimizers import Optimizer as Optimizer
    from .optimizers import RAdam as RAdam
    from .optimizers import RMSprop as RMSprop
    from .penalties import L1 as L1
    from .penalties import L2 as L2
    from .penalties import ElasticNet as ElasticNet
    from .penalties import Penalty as Penalty
    from .probes.keras import watch_keras as watch_keras
    from .probes.plain import Recorder as Recorder
    from .probes.torch import watch_torch as watch_torch
    from .program import Program as Program
    from .program import compile as compile
    from .rows import ArrowRows as ArrowRows
    from .rows import Batches as Batches
    from .rows import OwnRows as OwnRows
    from .rows import ParquetRows as ParquetRows
    from .rows import own_part as own_part
    from .saving import Saved as Saved
    from .saving import load as load
    from .saving import save as save
    from .scaling import RobustScaler as RobustScaler
    from .scaling import Standardizer as Standardizer
    from .schedules import CosineDecay as CosineDecay
    from .schedules import CosineRestarts as CosineRestarts
    from .schedules import ExponentialDecay as ExponentialDecay
    from .schedules import FlatCosine as FlatCosine
    from .schedules import InverseTimeDecay as InverseTimeDecay
    from .schedules import LinearWarmup as LinearWarmup
    from .schedules import LogCosine as LogCosine
    from .schedules import MultiStepDecay as MultiStepDecay
    from .schedules import OneCycle as OneCycle
    from .schedules import PolynomialDecay as PolynomialDecay
    from .schedules import ReduceOnPlateau as ReduceOnPlateau
    from .schedules import Schedule as Schedule
    from .schedules import StepDecay as StepDecay
    from .search import tune as tune
    from .serving import Predictor as Predictor
    from .settings import Settings as Settings
    from .stopping import EarlyStopping as EarlyStopping
    from .tables import TableClassifier as TableClassifier
    from .tables import TableModel as TableModel
    from .tables import TableRegressor as TableRegressor
    from .tails import NormalScaler as NormalScaler
    from .tails import SmoothClipScaler as SmoothClipScaler
    from .training import Checkpoint as Checkpoint
    from .training import EpochRecord as EpochRecord
    from .training import History as History
    from .training import Model as Model
    from .training import ensemble as ensemble
    from .training import fit as fit
    from .training import init as init
    from .training import lsuv as lsuv
    from .training import unit_columns as unit_columns

# Where each public name lives. A test compares this table with the imports above.
_NAMES = {
    "augmentation": ("Augmentation", "Cutout", "CutMix", "Mixup"),
    "averaging": ("EMA", "Lookahead", "Snapshots", "SWA", "WeightAverage"),
    "byhand.show": ("show_work", "ShownWork"),
    "clinic.check": ("check",),
    "clinic.cure": ("cure",),
    "clinic.see": ("see",),
    "clipping": ("Clip", "ClipGlobalNorm", "ClipNorm", "ClipValue"),
    "constraints": ("Constraint", "MaxNorm", "UnitNorm"),
    "doctor": ("diagnose", "Diagnosis", "Finding"),
    "engine": ("Engine",),
    "estimators": ("NetClassifier", "NetRegressor", "NetTransformer"),
    "exchange": (
        "from_keras", "from_onnx", "from_sklearn", "from_torch",
        "register_onnx_converters", "to_keras", "to_onnx", "to_torch",
    ),
    "exercises": ("exercise", "Exercise"),
    "grading": ("grade", "Grade"),
    "initializers": (
        "Constant", "GateBias", "HeNormal", "HeUniform", "Identity", "LeCunNormal", "LeCunUniform",
        "Normal", "Orthogonal", "TruncatedNormal", "Uniform", "XavierNormal", "XavierUniform",
        "Zeros",
    ),
    "layers": (
        "AlphaDropout", "ArraySpec", "AveragePool1D", "AveragePool2D", "BatchEnsemble", "BatchNorm",
        "Branches", "Conv1D", "Conv2D", "Dense", "DepthwiseConv1D", "DepthwiseConv2D",
        "DropConnect", "Dropout", "ELU", "Embedding", "Ensemble", "Flatten", "GaussianDropout",
        "GaussianNoise", "GELU", "GlobalAveragePool", "GlobalMaxPool", "GroupNorm", "GRU",
        "HardSigmoid", "HardSwish", "InstanceNorm", "Layer", "LayerNorm", "LeakyReLU", "LSTM",
        "MaxPool1D", "MaxPool2D", "MemberDense", "MemberMean", "Members", "Mish", "Parametric",
        "Periodic", "PiecewiseLinear", "PReLU", "ReLU", "Reshape", "Residual", "RMSNorm", "RNN",
        "Run", "Scale", "SELU", "Sequential", "Sigmoid", "SiLU", "Slice", "Softmax", "Softplus",
        "Softsign", "SpatialDropout", "StochasticDepth", "Tanh", "WeightNorm",
    ),
    "losses": (
        "AsymmetricCrossEntropy", "BinaryCrossEntropy", "BinaryFocalCrossEntropy",
        "FocalCrossEntropy", "Gamma", "Huber", "Loss", "MeanAbsoluteError", "MeanSquaredError",
        "Poisson", "Quantile", "SoftmaxCrossEntropy",
    ),
    "optimizers": (
        "Adagrad", "Adam", "AdaMax", "AdamW", "ArrayRates", "Momentum", "NAdam", "Optimizer",
        "RAdam", "RMSprop", "SGD",
    ),
    "penalties": ("ElasticNet", "L1", "L2", "Penalty"),
    "probes.keras": ("watch_keras",),
    "probes.plain": ("Recorder",),
    "probes.torch": ("watch_torch",),
    "program": ("compile", "Program"),
    "rows": ("ArrowRows", "Batches", "OwnRows", "ParquetRows", "own_part"),
    "saving": ("load", "save", "Saved"),
    "scaling": ("RobustScaler", "Standardizer"),
    "tails": ("NormalScaler", "SmoothClipScaler"),
    "schedules": (
        "CosineDecay", "CosineRestarts", "ExponentialDecay", "FlatCosine", "InverseTimeDecay",
        "LinearWarmup", "LogCosine", "MultiStepDecay", "OneCycle", "PolynomialDecay",
        "ReduceOnPlateau", "Schedule", "StepDecay",
    ),
    "search": ("tune",),
    "serving": ("Predictor",),
    "settings": ("Settings",),
    "stopping": ("EarlyStopping",),
    "tables": ("TableClassifier", "TableModel", "TableRegressor"),
    "training": (
        "Checkpoint", "ensemble", "EpochRecord", "fit", "History", "init", "lsuv", "Model",
        "unit_columns",
    ),
}
_HOMES = {name: home for home, names in _NAMES.items() for name in names}
# These need scikit-learn, or polars too: an import of everything must not fail where it is missing.
_OPTIONAL = ("estimators", "search", "tables")
__all__ = ["__version__", "errors", *(n for n, home in _HOMES.items() if home not in _OPTIONAL)]


if not TYPE_CHECKING:  # with it every name would be known to type checkers
    __getattr__, __dir__ = lazily(__name__, _NAMES, modules=("callbacks", "errors", "parallel"))
