"""Random PyTorch networks, converted; and modules that are easily converted wrongly."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import evenly as ev
from evenly.exchange.torch.modules import RecurrentOutput
from tests.contract.common import error, values
from tests.exchange.test_torch_modules import compare

SMOOTH = [nn.Tanh, nn.SiLU, nn.Softplus, nn.ELU, nn.GELU, nn.Identity]
CONV, BATCH_NORM = (nn.Conv1d, nn.Conv2d), (nn.BatchNorm1d, nn.BatchNorm2d)
MAX_POOL, AVERAGE_POOL = (nn.MaxPool1d, nn.MaxPool2d), (nn.AvgPool1d, nn.AvgPool2d)
PAD = (nn.ZeroPad1d, nn.ZeroPad2d)
GLOBAL = ((nn.AdaptiveAvgPool1d, nn.AdaptiveMaxPool1d), (nn.AdaptiveAvgPool2d,
                                                         nn.AdaptiveMaxPool2d))
INSTANCE_NORM = (nn.InstanceNorm1d, nn.InstanceNorm2d)


def positions_net(draw, axes):
    """Modules that read the channels first, and our shape of one example."""
    shape = [draw(st.integers(1, 4)), *(draw(st.integers(1, 11)) for _ in range(axes))]
    first, parts = (*shape[1:], shape[0]), []
    for _ in range(draw(st.integers(1, 4))):
        channels, smallest = shape[0], min(shape[1:])
        window = draw(st.integers(1, min(3, smallest)))
        stride, pad = draw(st.integers(1, 3)), draw(st.integers(0, window // 2))
        kind = draw(st.sampled_from(["conv", "padded", "max", "average", "batch", "group",
                                     "instance", "layer", "smooth", "prelu", "softmax", "drop"]))
        if kind in ("conv", "padded"):
            filters = draw(st.integers(1, 5))
            if kind == "padded":
                ends = tuple(draw(st.integers(0, 2)) for _ in range(2 * axes))
                parts.append(PAD[axes - 1](ends))
            parts.append(CONV[axes - 1](channels, filters, window, stride, pad))
        elif kind == "max":
            parts.append(MAX_POOL[axes - 1](window, stride, pad, ceil_mode=draw(st.booleans())))
        elif kind == "average":
            parts.append(AVERAGE_POOL[axes - 1](window, stride, pad, draw(st.booleans()),
                                                count_include_pad=draw(st.booleans())))
        elif kind == "batch":
            parts.append(BATCH_NORM[axes - 1](channels, eps=0.1, momentum=0.3))
        elif kind == "group" and np.prod(shape[1:]) > 1:
            parts.append(nn.GroupNorm(draw(st.sampled_from([1, channels])), channels, eps=0.1))
        elif kind == "instance" and np.prod(shape[1:]) > 1:
            affine = draw(st.booleans())
            parts.append(INSTANCE_NORM[axes - 1](channels, eps=0.1, affine=affine))
        elif kind == "layer":
            parts += [CONV[axes - 1](channels, channels, 1), nn.LayerNorm(shape, eps=0.1)]
        elif kind == "prelu":
            parts.append(nn.PReLU(draw(st.sampled_from([1, channels]))))
        elif kind == "softmax":
            parts.append(nn.Softmax(dim=1))
        elif kind == "drop":
            parts += [(nn.Dropout1d, nn.Dropout2d)[axes - 1](0.0), nn.Dropout(0.0)]
        else:
            parts.append(draw(st.sampled_from(SMOOTH))())
        with torch.no_grad():
            shape = list(nn.Sequential(*parts).eval()(torch.zeros(1, first[-1], *first[:-1])
                                                      ).shape)[1:]
    if (axes == 1 and draw(st.booleans())) or all(
        isinstance(part, (*SMOOTH, nn.PReLU)) for part in parts
    ):
        # says that the channels come first
        parts.insert(0, (nn.Dropout1d, nn.Dropout2d)[axes - 1](0.0))
    size = int(np.prod(shape))
    parts += draw(st.sampled_from([
        [], [nn.Flatten(), nn.Linear(size, 3)],
        [nn.Flatten(), nn.BatchNorm1d(size, eps=0.1), nn.PReLU(size), nn.Dropout(0.0),
         nn.LayerNorm(size, eps=0.1), nn.Softmax(dim=1), nn.Linear(size, 2, bias=False)],
        [draw(st.sampled_from(GLOBAL[axes - 1]))(1), nn.Flatten(), nn.Linear(shape[0], 2)],
    ]))
    cut = draw(st.integers(0, len(parts)))
    return nn.Sequential(nn.Sequential(*parts[:cut]), *parts[cut:]), first


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("axes", [1, 2])
@settings(max_examples=40, deadline=None)
@given(data=st.data(), seed=st.integers(0, 1000))
def test_networks_with_channels_first(axes, dtype, data, seed):
    net, shape = positions_net(data.draw, axes)
    compare(net, shape, seed, dtype=dtype, n=4)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@settings(max_examples=40, deadline=None)
@given(data=st.data(), seed=st.integers(0, 1000))
def test_networks_on_sequences(dtype, data, seed):
    draw = data.draw
    steps, features = draw(st.integers(1, 6)), draw(st.integers(1, 5))
    width, parts = draw(st.integers(1, 6)), []
    parts.append(nn.Linear(features, width))
    for _ in range(draw(st.integers(1, 3))):
        units, both = draw(st.integers(1, 5)), draw(st.booleans())
        kind = draw(st.sampled_from([nn.RNN, nn.LSTM, nn.GRU]))
        parts.append(draw(st.sampled_from([
            RecurrentOutput(kind(width, units, draw(st.integers(1, 2)), batch_first=True,
                                 bidirectional=both), True),
            nn.LayerNorm(width, eps=0.1), nn.RMSNorm(width, eps=0.1), nn.Softmax(dim=-1),
            nn.LayerNorm((steps, width), eps=0.1), nn.Tanh(), nn.Dropout(0.0),
        ])))
        width = units * (1 + both) if isinstance(parts[-1], RecurrentOutput) else width
    last = RecurrentOutput(nn.LSTM(width, 3, batch_first=True, bidirectional=True), False)
    parts += draw(st.sampled_from([
        [], [last, nn.Linear(6, 2)], [nn.Flatten(), nn.Linear(steps * width, 2)],
    ]))
    compare(nn.Sequential(*parts), (steps, features), seed, channels_last=True, dtype=dtype)


def predictions(module, shape, seed=0, **settings):
    """Ours and PyTorch's, on flat data or channels first."""
    x = values(seed, (3, *shape))
    theirs = x if x.ndim == 2 else np.moveaxis(x, -1, 1)
    y = module.to(torch.float64).eval()(torch.tensor(theirs)).detach().numpy()
    y = y if y.ndim == 2 else np.moveaxis(y, 1, -1)
    return ev.from_torch(module, shape, dtype="float64", **settings).predict(x), y


def test_one_activation_object_may_stand_in_many_places():
    act = nn.Tanh()
    net = nn.Sequential(nn.Linear(4, 4), act, nn.Sequential(nn.Linear(4, 3), act), act)
    ours, theirs = predictions(net, (4,))
    assert error(ours, theirs) < 1e-12


def test_flattened_sequences_need_to_say_where_their_features_are():
    module = nn.Sequential(nn.Flatten(), nn.Linear(12, 2))
    with pytest.raises(ev.errors.ConfigurationError, match="channels_first=True or False"):
        ev.from_torch(module, (4, 3))
    ours, theirs = predictions(module, (4, 3), channels_first=True)
    assert error(ours, theirs) < 1e-12
    x = values(0, (3, 4, 3))
    last = ev.from_torch(module, (4, 3), dtype="float64", channels_first=False)
    assert error(last.predict(x), module(torch.tensor(x)).detach().numpy()) < 1e-12
    back = ev.from_torch(ev.to_torch(last), (4, 3), dtype="float64", channels_first=False)
    assert (back.predict(x) == last.predict(x)).all()


@pytest.mark.parametrize("steps", [4, 6])
def test_layer_norm_of_whole_sequences_in_front_of_a_convolution(steps):
    norm = nn.LayerNorm((4, steps))
    nn.init.normal_(norm.weight)
    net = nn.Sequential(norm, nn.Conv1d(4, 2, 1))
    if steps == 4:
        with pytest.raises(ev.errors.ConfigurationError, match=r"0 \(LayerNorm\): nothing says"):
            ev.from_torch(net, (steps, 4))
    ours, theirs = predictions(net, (steps, 4), channels_first=True if steps == 4 else None)
    assert error(ours, theirs) < 1e-12


def test_softmax_2d():
    ours, theirs = predictions(nn.Softmax2d(), (3, 2, 4))
    assert error(ours, theirs) < 1e-12


def round_trip(layers, shape):
    """A model with weights that are not the first ones, converted there and back."""
    model = ev.init(ev.Sequential(layers), shape, seed=3, dtype="float64")
    rng = np.random.default_rng(1)
    for array in model.weights.values():
        array[...] = 0.5 + rng.random(array.shape)
    module = ev.to_torch(model)
    back = ev.from_torch(module, shape, dtype="float64")
    x = values(2, (3, *shape))
    assert error(back.predict(x), model.predict(x)) < 1e-14
    return model, module, back


CONTAINERS = [
    ([ev.Dense(4), ev.Residual([ev.Dense(4), ev.ReLU(), ev.Dense(4)]), ev.Dense(2)], (3,)),
    ([ev.Conv2D(4, 3), ev.Residual([ev.Conv2D(6, 1)], shortcut=[ev.Conv2D(6, 1)]), ev.Flatten(),
      ev.Dense(2)], (5, 4, 2)),
    ([ev.Branches([[], ev.Conv1D(3, 3, padding="same"), [ev.Conv1D(2, 1), ev.Tanh()]],
                  "concatenate"), ev.BatchNorm(), ev.GlobalMaxPool()], (5, 2)),
    ([ev.LSTM(3, sequences=True, layers=2, bidirectional=True),
      ev.Branches([ev.GRU(2), [ev.RNN(4)]], "concatenate"), ev.Dense(2)], (4, 3)),
    ([ev.Conv2D(3, 3, stride=2, padding="same"), ev.Branches([ev.Flatten(), ev.Flatten()]),
      ev.Dense(2)], (6, 6, 1)),
]


@pytest.mark.parametrize(("layers", "shape"), CONTAINERS, ids=["dense", "shortcut", "concatenate",
                                                               "recurrent", "flattened"])
def test_containers_there_and_back(layers, shape):
    round_trip(layers, shape)


@pytest.mark.parametrize("layer", [
    ev.BatchNorm(center=False), ev.BatchNorm(scale=False), ev.LayerNorm(center=False),
    ev.LayerNorm(scale=False), ev.GroupNorm(2, scale=False), ev.BatchNorm(),
], ids=repr)
def test_a_gain_or_shift_that_is_not_there_is_not_trained_there_either(layer):
    model, module, back = round_trip([ev.Dense(4), layer, ev.Dense(2)], (3,))
    assert set(back.weights) == set(model.weights)
    trained = sum(p.numel() for p in module.parameters() if p.requires_grad)
    assert trained == model.engine.program.parameters


def hooked():
    module = nn.Linear(3, 2)
    module.register_forward_hook(lambda module, x, y: 2 * y)
    return module


POOLS = [nn.MaxPool2d(2, ceil_mode=True), nn.MaxPool2d(3, (2, 3), 1, ceil_mode=True),
         nn.MaxPool1d(3, 2, ceil_mode=True), nn.AvgPool1d(2, ceil_mode=True),
         nn.AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False),
         nn.AvgPool2d((3, 2), (2, 3), 1, ceil_mode=True), nn.AvgPool2d(3, 2, 1, ceil_mode=False)]


@pytest.mark.parametrize("pool", POOLS, ids=repr)
@pytest.mark.parametrize("size", [4, 5, 6, 7])
def test_rounding_up(pool, size):
    """``ceil_mode`` comes in and goes out again, where it matters for these positions."""
    two = type(pool).__name__.endswith("2d")
    shape = (size, size + 1, 2) if two else (size, 2)
    compare(nn.Sequential(pool), shape, size)
    model = ev.from_torch(nn.Sequential(pool), shape)
    x = values(0, (2, *shape))
    back = ev.to_torch(model)
    theirs = back(torch.tensor(np.moveaxis(x, -1, 1))).numpy()
    assert error(np.moveaxis(theirs, 1, -1), model.predict(x)) < 1e-6
    assert model.net.layers[0].ceil_mode == back[0].ceil_mode == pool.ceil_mode


def test_padding_behind_is_rounding_up():
    """Padding on one side has its counterpart in PyTorch where no window begins on it."""
    model = ev.init(ev.Sequential([ev.MaxPool2D(2, padding="same")]), (5, 7, 2))
    x = values(0, (2, 5, 7, 2)).astype(np.float32)
    (pool,) = ev.to_torch(model)
    assert pool.ceil_mode
    assert pool.padding == (0, 0)
    theirs = pool(torch.tensor(np.moveaxis(x, -1, 1))).numpy()
    assert (np.moveaxis(theirs, 1, -1) == model.predict(x)).all()


LINEAR = nn.Linear(4, 4)
REFUSED = [
    (nn.Softplus(threshold=1.0), 3, "threshold=1.0"),
    (nn.Sequential(LINEAR, nn.Tanh(), LINEAR), 4, "2 (Linear): shares its weights with 0"),
    (nn.Sequential(nn.Sequential(hooked())), 3, "0.0 (Linear): has hooks"),
    (nn.Sequential(nn.Linear(3, 4), nn.Dropout1d(0.5)), (5, 3), "1 (Dropout1d): reads the chan"),
    (nn.Dropout2d(0.5), (5, 3), "(Dropout2d): drops channels of examples with 3 axes"),
    (nn.Sequential(nn.Sequential(nn.LeakyReLU(0.0))), 3, "0.0 (LeakyReLU): LeakyReLU: slope"),
    (nn.AvgPool2d(2, divisor_override=3), (5, 5, 1), "divisor_override=3"),
    (nn.MaxPool1d(2, return_indices=True), (5, 1), "return_indices=True"),
    (nn.BatchNorm1d(3, momentum=None), 3, "momentum=None"),
    (nn.InstanceNorm1d(3, track_running_stats=True), (5, 3), "track_running_stats=True"),
    (nn.Embedding(5, 2, max_norm=1.0), (4,), "max_norm=1.0"),
    (nn.ConstantPad2d(1, 2.0), (4, 4, 1), "only zeros can"),
    (nn.Sequential(nn.ZeroPad2d(1), nn.MaxPool2d(2)), (4, 4, 1), "1 (MaxPool2d): the padding in"),
    (nn.ZeroPad2d(1), (4, 4, 1), "ends with padding"),
    (nn.Sequential(nn.Linear(3, 8), nn.Unflatten(1, (2, 2, 2))), 3, "unflattened_size=(2, 2, 2)"),
    (nn.Sequential(nn.LSTM(3, 2, batch_first=True), nn.Conv1d(4, 2, 1)), (4, 3),
     "1 (Conv1d): reads the channels first"),
    (nn.Sequential(nn.Conv1d(3, 2, 1), nn.LayerNorm(4)), (4, 3), "normalizes PyTorch's last axes"),
]


@pytest.mark.parametrize(("module", "shape", "message"), REFUSED, ids=[m for *_, m in REFUSED])
def test_what_cannot_be_converted_is_named(module, shape, message):
    with pytest.raises(ev.errors.ConfigurationError) as caught:
        ev.from_torch(module, shape)
    assert message in str(caught.value)


MISFITS = [
    (nn.Sequential(nn.ReLU(), nn.Linear(5, 2)), 3, r"1 \(Linear\): our kernel .* \(5, 2\)"),
    (nn.Sequential(nn.Conv2d(3, 2, 1)), (3, 4, 4), r"0 \(Conv2d\): our kernel .*channels last"),
    (nn.Sequential(nn.Conv2d(1, 2, 1), nn.Flatten(), nn.Linear(7, 2)), (2, 2, 1), r"2 \(Linear"),
    (nn.LSTM(5, 2, 2, bidirectional=True, batch_first=True), (4, 3), r"\(LSTM\): our .*kernel"),
    (nn.Conv2d(1, 1, 5), (3, 3, 1), r"\(Conv2d\): Conv2D .* window reaches"),
]


@pytest.mark.parametrize(("module", "shape", "message"), MISFITS, ids=[m for *_, m in MISFITS])
def test_a_shape_that_does_not_fit_is_named_with_its_place(module, shape, message):
    with pytest.raises(ev.errors.ShapeError, match=message):
        ev.from_torch(module, shape)


@pytest.mark.parametrize("call", ["from_torch(None, 3)", "to_torch(ev.init(ev.Dense(2), 3))"])
def test_without_pytorch_the_message_says_what_to_install(call):
    code = f"import sys; sys.modules['torch'] = None; import evenly as ev; ev.{call}"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "pip install 'evenly[torch]'" in result.stderr
