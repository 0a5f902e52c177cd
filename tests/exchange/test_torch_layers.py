"""Every layer of ours becomes PyTorch modules that compute the same, and comes back."""

import io
import math

import numpy as np
import pytest
import torch
from torch import nn

import evenly as ev
from evenly.exchange.torch import noise as torch_noise
from evenly.layers.containers import leaves
from tests.contract.common import arrays_for, error, values
from tests.contract.rows import LAYERS
from tests.exchange.test_torch_modules import compare, randomize

DRAWS = (ev.Dropout, ev.SpatialDropout, ev.AlphaDropout, ev.GaussianNoise, ev.GaussianDropout,
         ev.StochasticDepth, ev.DropConnect)
ROWS = {row.name: row for row in LAYERS}


def is_random(layer):
    return isinstance(layer, DRAWS) or any(
        getattr(layer, name, 0) > 0 for name in ("dropout", "recurrent_dropout"))


def known(array, like):
    """PyTorch's output in our axes, wherever it has the channels."""
    first = np.moveaxis(array, 1, -1) if array.ndim > 2 else array
    if first.shape != like.shape or (
        array.shape == like.shape and error(array, like) < error(first, like)
    ):
        return array
    return first


def shape_for(row):
    """The richest shape that the layer takes."""
    for shape in ((7, 6, 12), (7, 12), (12,)):
        try:
            row.layer.check(shape, "it")
        except ev.errors.ShapeError:
            continue
        return shape
    return pytest.fail("no shape fits")


@pytest.mark.parametrize("name", ROWS)
def test_there_and_back(name):
    row, rows = ROWS[name], 3
    shape, first = shape_for(row), len(name) % 2 == 0
    net = ev.Sequential([row.layer])
    model = ev.init(net, shape, dtype="float64")
    arrays = arrays_for(net, shape, 1, "float64")
    if isinstance(row.layer, ev.Embedding) and row.layer.padding is not None:
        arrays["embedding_1.table"][row.layer.padding] = 0
    model.engine.set_weights(arrays)
    module = ev.to_torch(model, channels_first=first)
    x = row.inputs(5, (rows, *shape), "float64")
    moved = len(shape) == 3 or (len(shape) == 2 and first)
    tensor = torch.tensor(np.moveaxis(x, -1, 1).copy() if moved else x)
    whole = isinstance(row.layer, ev.Embedding)
    tensor = tensor.long() if whole else tensor.requires_grad_(True)
    y = model.predict(x)
    # PyTorch's sixth is a float's, in every precision.
    tolerance = 1e-7 if isinstance(row.layer, ev.HardSigmoid) else 1e-11
    assert error(known(module(tensor).detach().numpy(), y), y, 1.0) < tolerance
    back = ev.from_torch(module, shape, dtype="float64",
                         channels_first=first if len(shape) == 2 else None)
    assert error(back.predict(x), y, 1.0) < tolerance
    if getattr(row.layer, "is_single", True) and "Depthwise" not in name:
        assert [type(layer) for layer in leaves(back.net)] == [type(row.layer)]
    if whole or is_random(row.layer) or row.layer.reshapes:
        return
    engine = ev.Engine(ev.compile(net, shape, batch=rows, dtype="float64"), weights=model.weights)
    y = engine.forward(x).copy()
    theirs = module.train()(tensor)
    same = theirs.shape == y.shape and error(theirs.detach().numpy(), y, 1.0) < tolerance
    assert same or error(np.moveaxis(theirs.detach().numpy(), 1, -1), y, 1.0) < tolerance
    d_y = values(3, y.shape)
    d_x, _ = engine.backward(d_y)
    theirs.backward(torch.tensor(d_y if same else np.moveaxis(d_y, -1, 1).copy()))
    d_theirs = tensor.grad.numpy()
    assert error(d_x, np.moveaxis(d_theirs, 1, -1) if moved else d_theirs, 1.0) < 100 * tolerance


WALKS = [
    ([ev.Conv1D(4, 3), ev.ReLU(), ev.LSTM(3, recurrent_dropout=0.2), ev.Dense(2)], (7, 2)),
    ([ev.GRU(3, layers=2, bidirectional=True, reset="before", dropout=0.1)], (4, 3)),
    ([ev.Conv2D(3, 2), ev.LayerNorm(), ev.Scale(), ev.Parametric(ev.Mish()), ev.Flatten()],
     (5, 4, 2)),
    ([ev.Conv2D(2, 1), ev.Flatten(), ev.GroupNorm(2), ev.Periodic(2, 3), ev.Dense(2)], (3, 4, 1)),
    ([ev.Conv2D(2, 1), ev.Flatten(), ev.PiecewiseLinear(3), ev.Dense(2)], (3, 4, 1)),
    ([ev.Conv2D(2, 1), ev.Flatten(), ev.Reshape((2, 3, 4)), ev.Conv2D(3, 2)], (3, 4, 1)),
    ([ev.Conv2D(2, 1), ev.Reshape((6, 4)), ev.GRU(3)], (3, 4, 1)),
    ([ev.Conv2D(2, 1), ev.Branches([ev.Flatten(), [ev.Conv2D(3, 2), ev.Flatten()]],
                                   "concatenate")], (3, 4, 1)),
    ([ev.Conv1D(2, 1), ev.Branches([ev.GRU(3, sequences=True), ev.Conv1D(3, 1)])], (5, 2)),
    ([ev.Conv2D(2, 1), ev.Branches([[ev.Flatten(), ev.Dense(24)], ev.Flatten()])], (3, 4, 2)),
    ([ev.Ensemble([[ev.Conv2D(3, 2)], [ev.Conv2D(3, 2)]], of="classes")], (3, 4, 1)),
    ([ev.Dense(3), ev.Residual([ev.Dense(3), ev.StochasticDepth(0.2)]), ev.GaussianNoise(0.3),
      ev.GaussianDropout(0.2), ev.Dropout(0.4, classic=True), ev.HardSigmoid(0.2)], (4,)),
    ([ev.WeightNorm(ev.Conv2D(3, 2, padding=((1, 0), (0, 1)))), ev.Flatten(),
      ev.WeightNorm(ev.Dense(4)), ev.DropConnect(ev.Dense(2, bias=False), 0.3)], (3, 4, 2)),
    ([ev.MaxPool2D(2, padding=((1, 0), (0, 1))), ev.AveragePool2D(2, stride=1, dilation=2),
      ev.BatchNorm(frozen=True)], (6, 7, 2)),
]


@pytest.mark.parametrize(("layers", "shape"), WALKS, ids=[repr(layers)[:60] for layers, _ in WALKS])
def test_what_stands_between_other_axes_and_orders(layers, shape):
    net = ev.Sequential(layers)
    model = ev.init(net, shape, dtype="float64")
    model.engine.set_weights(arrays_for(net, shape, 3, "float64"))
    x = values(1, (4, *shape))
    module = ev.to_torch(model)
    moved = len(shape) == 3 or isinstance(layers[0], ev.Conv1D)
    theirs = module(torch.tensor(np.moveaxis(x, -1, 1).copy() if moved else x)).detach().numpy()
    y = model.predict(x)
    assert error(known(theirs, y), y) < 1e-11
    back = ev.from_torch(module, shape, dtype="float64")
    assert error(back.predict(x), y) < 1e-12
    assert sum(a.size for a in back.weights.values()) == sum(
        a.size for a in model.weights.values())


@pytest.mark.parametrize(("layer", "module"), [
    (ev.GaussianNoise(0.7), torch_noise.GaussianNoise),
    (ev.GaussianDropout(0.4), torch_noise.GaussianDropout),
    (ev.StochasticDepth(0.3), torch_noise.StochasticDepth),
    (ev.Dropout(0.3, classic=True), torch_noise.ClassicDropout),
])
def test_noise_has_the_same_distribution(layer, module):
    torch.manual_seed(0)
    theirs = ev.to_torch(ev.init(ev.Sequential([layer]), 3, dtype="float64"))
    assert isinstance(theirs[0], module)
    x = np.full((40_000, 3), 2.0)
    assert error(theirs(torch.tensor(x)).numpy(), layer.forward(x, {}, ev.Run(training=False))[0]
                 ) < 1e-15
    ours, _ = layer.forward(x, {}, ev.Run(training=True, seed=1, layer="it"))
    drawn = theirs.train()(torch.tensor(x)).numpy()
    for power in (1, 2, 3):
        deviation = (ours**power).std() / math.sqrt(len(x) / 2)
        assert abs((drawn**power).mean() - (ours**power).mean()) < 6 * deviation
    assert (np.ptp(drawn, axis=1) == 0).all() == isinstance(layer, ev.StochasticDepth)


def test_recurrent_dropout_draws_one_mask_for_all_steps():
    layer = ev.RNN(400, recurrent_dropout=0.5, bias=False, sequences=True)
    model = ev.init(ev.Sequential([layer]), (3, 1), dtype="float64")
    model.engine.set_weights({"rnn_1.recurrent_kernel": np.eye(400),
                              "rnn_1.input_kernel": np.full((1, 400), 0.01)})
    module = ev.to_torch(model).train()
    torch.manual_seed(0)
    y = module(torch.tensor([[[1.0], [0.0], [0.0]]], dtype=torch.float64)).detach().numpy()[0]
    kept = y[1] > 0
    assert 0.4 < kept.mean() < 0.6
    assert ((y[2] > 0) == kept).all()
    np.testing.assert_allclose(y[1][kept], np.tanh(2 * y[0][kept]), rtol=1e-9)


def test_drop_connect_draws_in_training_alone():
    model = ev.init(ev.Sequential([ev.DropConnect(ev.Dense(50, bias=False), 0.5)]), 40)
    module = ev.to_torch(model)
    whole = module[0].weight.detach().clone()
    torch.manual_seed(0)
    weight = module.train()[0].weight.detach()
    assert 0.4 < (weight == 0).float().mean() < 0.6
    assert torch.equal(weight[weight != 0], 2 * whole[weight != 0])


def test_a_frozen_normalization_stays_so_in_training():
    model = ev.init(ev.Sequential([ev.BatchNorm(frozen=True)]), 3)
    module = ev.to_torch(model).train()
    x = torch.full((5, 3), 9.0)
    assert torch.allclose(module(x), x, rtol=1e-4)
    assert ev.from_torch(module, 3).net.layers[0].frozen


@pytest.mark.filterwarnings("ignore:.*weight_norm.*is deprecated:FutureWarning")
@pytest.mark.parametrize("norm", [nn.utils.parametrizations.weight_norm, nn.utils.weight_norm])
def test_weight_norm_comes_in(norm):
    net = nn.Sequential(norm(nn.Conv2d(2, 4, 3, padding=1, groups=2)), nn.Tanh(), nn.Flatten(),
                        norm(nn.Linear(48, 3, bias=False)))
    net(torch.zeros(1, 2, 4, 3))
    model = ev.from_torch(net.double(), (4, 3, 2), dtype="float64")
    assert type(model.net.layers[0]) is type(model.net.layers[3]) is ev.WeightNorm
    x = values(0, (3, 4, 3, 2))
    assert error(model.predict(x), net(torch.tensor(np.moveaxis(x, -1, 1))).detach().numpy()
                 ) < 1e-12


WHOLE = [
    (nn.Sequential(nn.Linear(3, 4), nn.GELU(), nn.Linear(4, 2)), (3, 5, 3)),
    (nn.MaxPool2d(2, 1, 1, dilation=2), (5, 4, 2)),
    (nn.MaxPool1d(3, 2, 1, dilation=3, ceil_mode=True), (9, 2)),
    (nn.AdaptiveAvgPool2d((2, 3)), (4, 6, 2)), (nn.AdaptiveMaxPool2d((None, 2)), (3, 6, 2)),
    (nn.AdaptiveAvgPool1d(3), (6, 2)),
]


@pytest.mark.parametrize(("module", "shape"), WHOLE, ids=[repr(m)[:40] for m, _ in WHOLE])
def test_more_modules_come_in(module, shape):
    if isinstance(module, nn.Sequential):
        module = module.double()
        randomize(module, 0)
        x = values(0, (2, *shape))
        model = ev.from_torch(module, shape, channels_first=False, dtype="float64")
        assert error(model.predict(x), module(torch.tensor(x)).detach().numpy()) < 1e-12
    else:
        compare(module, shape, 1)


def test_modules_of_ours_are_stored_by_pytorch():
    net = [ev.GaussianNoise(0.1), ev.HardSigmoid(0.3), ev.GRU(3, reset="before"), ev.Scale(),
           ev.Dropout(0.2, classic=True), ev.StochasticDepth(0.1)]
    model = ev.init(ev.Sequential(net), (4, 2), seed=1)
    stored = io.BytesIO()
    torch.save(ev.to_torch(model), stored)
    stored.seek(0)
    back = ev.from_torch(torch.load(stored, weights_only=False), (4, 2))
    x = values(0, (3, 4, 2), "float32")
    assert np.array_equal(back.predict(x), model.predict(x))


class Mine(ev.Layer):
    """A layer that PyTorch cannot know."""

    name = None

    def forward(self, x, arrays, run):
        return 2 * x, None

    def backward(self, d_y, arrays, saved, run):
        return 2 * d_y, {}


@pytest.mark.parametrize(("layer", "words"), [
    (ev.LSTM(3, stateful=True), "stateful=True keeps states from batch to batch"),
    (ev.GRU(3, layers=2, reset="before", stateful=True), "'gru_1_1': stateful=True keeps"),
    (Mine(), "Mine 'mine_1': a layer of your own has no module in PyTorch"),
])
def test_what_stays_refused_is_said(layer, words):
    with pytest.raises(ev.errors.ConfigurationError) as caught:
        ev.to_torch(ev.init(ev.Sequential([layer]), (4, 2)))
    assert words in str(caught.value)


@pytest.mark.parametrize(("module", "words"), [
    (nn.utils.parametrizations.spectral_norm(nn.Linear(3, 2)),
     "makes its weight by _SpectralNorm: only weight_norm"),
    (nn.utils.parametrizations.weight_norm(nn.Linear(3, 2), dim=1), "weight_norm of a weight over"),
    (nn.utils.parametrizations.weight_norm(nn.LSTM(3, 2), "weight_ih_l0"), "weight_ih_l0 by"),
    (nn.AdaptiveAvgPool1d(2), "its windows differ in size on (5,) positions"),
])
def test_what_stays_refused_of_pytorch_is_said(module, words):
    shape = (5, 3) if isinstance(module, (nn.AdaptiveAvgPool1d, nn.LSTM)) else (3,)
    with pytest.raises(ev.errors.ConfigurationError) as caught:
        ev.from_torch(module, shape)
    assert words in str(caught.value)
