"""Every public value equals what is made alike, and finds it in a dict."""

import copy
import pickle

import numpy as np
import pytest

import evenly as ev
from evenly.saving.types import TYPES
from tests.contract.rows import LAYERS, LOSSES, OPTIMIZERS

X = np.random.default_rng(0).standard_normal((20, 3))
MADE = [
    *(row.layer for row in LAYERS), *(row.loss for row in LOSSES),
    *(row.optimizer for row in OPTIMIZERS),
    ev.SoftmaxCrossEntropy(class_weights=np.array([1.0, 2.0])),
    ev.BinaryCrossEntropy(class_weights=np.array([1.0, 2.0])),
    ev.BinaryCrossEntropy(class_weights=np.array([[1.0, 2.0], [0.5, 3.0]])),
    ev.Standardizer().fit(X), ev.RobustScaler().fit(X), ev.RobustScaler(quantiles=[0.1, 0.9]),
    ev.SmoothClipScaler().fit(X), ev.NormalScaler().fit(X),
    ev.Mixup(), ev.ClipGlobalNorm(1.0), ev.ClipNorm(1.0), ev.ClipValue(1.0), ev.MaxNorm(1.0),
    ev.UnitNorm(), ev.L1(0.1), ev.L2(0.1), ev.ElasticNet(0.1, 0.1), ev.Constant(np.float64(2.0)),
    ev.Zeros(), ev.Normal(), ev.Uniform(0.0, 1.0), ev.HeNormal(), ev.HeUniform(), ev.XavierNormal(),
    ev.XavierUniform(), ev.LeCunNormal(), ev.LeCunUniform(), ev.TruncatedNormal(), ev.Orthogonal(),
    ev.Identity(), ev.Branches([ev.Dense(2), ev.Dense(2)]), ev.Residual([ev.Dense(3)]),
    ev.Ensemble([ev.Dense(2)]), ev.Reshape([3, 1]), ev.Sequential([ev.Dense(2), ev.ReLU()]),
    ev.StochasticDepth(0.5),
    ev.CosineDecay(10), ev.FlatCosine(), ev.LogCosine(), ev.EMA(), ev.SWA(),
    ev.Snapshots(3), ev.Lookahead(3), ev.CutMix(0.5), ev.Cutout(0.3),
    ev.ArrayRates({"*.bias": 0.1}),
    ev.CosineRestarts(10), ev.ExponentialDecay(0.9), ev.InverseTimeDecay(0.5),
    ev.LinearWarmup(5, then=ev.CosineDecay()), ev.MultiStepDecay([1, 2]), ev.OneCycle(),
    ev.PolynomialDecay(10), ev.ReduceOnPlateau(), ev.StepDecay(3),
]


@pytest.mark.parametrize("value", MADE, ids=lambda value: type(value).__name__)
def test_a_copy_is_equal(value):
    for other in (value, copy.deepcopy(value), pickle.loads(pickle.dumps(value))):
        assert value == other
        assert hash(value) == hash(other)
        assert {value: 1}[other] == 1
    assert value != object()


def test_all_types_are_there():
    records = {"EpochRecord", "History", "GateBias"}
    assert set(TYPES) - records <= {type(value).__name__ for value in MADE}
