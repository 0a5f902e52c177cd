"""Random PyTorch layers and networks, converted: outputs, gradients, and the way back."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import evenly as ev
from tests.contract.common import error, values

odd = st.sampled_from([1, 2, 3, 5, 7, 16, 19])


def to_theirs(x, channels_last):
    """Our batch in PyTorch's layout."""
    return x if channels_last or x.ndim == 2 else np.moveaxis(x, -1, 1)


def to_ours(y, channels_last):
    return y if channels_last or y.ndim == 2 else np.moveaxis(y, 1, -1)


def randomize(module, seed):
    torch.manual_seed(seed)
    for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
        if "num_batches" in name:
            continue
        with torch.no_grad():
            tensor.copy_(torch.rand_like(tensor) + 0.5 if "var" in name
                         else torch.randn_like(tensor) / max(1, tensor.shape[-1]) ** 0.5)


def clear_padding(module):
    for part in module.modules():
        if isinstance(part, nn.Embedding) and part.padding_idx is not None:
            part.weight.data[part.padding_idx] = 0


def compare(module, shape, seed, n=5, channels_last=False, dtype="float64", integers=0):
    """Predictions in eval mode; outputs, input and parameter gradients in train mode."""
    module = copy.deepcopy(module)
    randomize(module, seed)
    clear_padding(module)
    module = module.to(torch.float64)
    model = ev.from_torch(module, shape, dtype=dtype)
    tolerance = 1e-11 if dtype == "float64" else 2e-5
    if "Hard" in repr(module):
        tolerance = max(tolerance, 1e-8)  # PyTorch's sixth is a float's, in every precision
    rng = np.random.default_rng(seed)
    x = rng.integers(0, integers, (n, *shape)).astype(float) if integers else values(
        seed, (n, *shape))
    tensor = torch.tensor(to_theirs(x, channels_last))
    theirs = tensor.long() if integers else tensor
    wanted = module.eval()(theirs)
    wanted = (wanted[0] if isinstance(wanted, tuple) else wanted).detach().numpy()
    last = channels_last or wanted.ndim == 2
    assert error(model.predict(x), to_ours(wanted, last), 1.0) < tolerance

    back = ev.to_torch(model, channels_first=not channels_last).to(torch.float64)
    again = back(theirs).detach().numpy()
    assert error(again, wanted.reshape(again.shape), 1.0) < tolerance
    assert error(ev.from_torch(back, shape, dtype=dtype).predict(x), model.predict(x), 1.0) < 1e-6

    if integers:
        return model
    program = ev.compile(model.net, shape, batch=n, dtype=dtype)
    engine = ev.Engine(program, weights=model.weights)
    tensor.requires_grad_(True)
    y = module.train()(tensor)
    y = y[0] if isinstance(y, tuple) else y
    d_y = values(seed + 1, tuple(y.shape))
    y.backward(torch.tensor(d_y))
    assert error(engine.forward(x), to_ours(y.detach().numpy(), last), 1.0) < tolerance
    d_x, gradients = engine.backward(to_ours(d_y, last))
    assert error(d_x, to_ours(tensor.grad.numpy(), channels_last), 1.0) < 50 * tolerance
    # Gradients lie as weights do: those of PyTorch are put in its place and converted.
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(parameter.grad)
        for part in module.modules():
            if isinstance(part, nn.RNNBase):
                # Ours is one bias, but for the part of a GRU's that the reset gate multiplies.
                units = part.hidden_size if isinstance(part, nn.GRU) else 0
                for name, parameter in part.named_parameters():
                    if "bias_hh" in name:
                        parameter[: len(parameter) - units] = 0
    wanted_gradients = ev.from_torch(module, shape, dtype=dtype).weights
    for name, gradient in gradients.items():
        if (np.abs(gradient) == 0).all():
            continue  # a bias in front of a normalization: theirs is rounding
        assert error(gradient, wanted_gradients[name], 10.0) < 100 * tolerance, name
    return model


ACTIVATIONS = [
    nn.ReLU(), nn.LeakyReLU(0.2), nn.ELU(0.7), nn.SELU(), nn.GELU(), nn.GELU("tanh"), nn.SiLU(),
    nn.Mish(), nn.Softplus(2.0), nn.Softsign(), nn.Sigmoid(), nn.Tanh(), nn.Hardsigmoid(),
    nn.Hardswish(), nn.Softmax(dim=-1), nn.PReLU(), nn.PReLU(6), nn.Identity(), nn.Dropout(0.0),
    nn.AlphaDropout(0.0), nn.BatchNorm1d(6), nn.LayerNorm(6), nn.RMSNorm(6), nn.GroupNorm(3, 6),
    nn.LayerNorm(6, elementwise_affine=False), nn.BatchNorm1d(6, momentum=0.3, affine=False),
    nn.LayerNorm(6, bias=False), nn.RMSNorm(6, eps=1e-3),
]


@pytest.mark.parametrize("middle", ACTIVATIONS, ids=repr)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_flat(middle, dtype):
    compare(nn.Sequential(nn.Linear(4, 6), middle, nn.Linear(6, 3)), (4,), 1, dtype=dtype, n=9)


@pytest.mark.filterwarnings("ignore:Using padding='same':UserWarning")  # even windows
@settings(max_examples=40, deadline=None)
@given(data=st.data(), seed=st.integers(0, 1000))
def test_convolutions(data, seed):
    draw = data.draw
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    channels, filters = groups * draw(st.integers(1, 6)), groups * draw(st.integers(1, 6))
    two = draw(st.booleans())
    axes = 2 if two else 1
    size = tuple(draw(st.integers(1, 4)) for _ in range(axes))
    dilation = draw(st.integers(1, 2))
    stride = tuple(draw(st.integers(1, 3)) for _ in range(axes))
    padding = draw(st.sampled_from(["same", "valid", 0, 1, 2]))
    if padding == "same":
        stride = (1,) * axes
    smallest = dilation * (max(size) - 1) + 1
    shape = (*(draw(st.integers(smallest, smallest + 5)) for _ in range(axes)), channels)
    conv = (nn.Conv1d, nn.Conv2d)[axes - 1](
        channels, filters, size, stride, padding, dilation, groups, bias=draw(st.booleans())
    )
    norm = draw(st.sampled_from([
        [], [(nn.BatchNorm1d, nn.BatchNorm2d)[axes - 1](filters)], [nn.GroupNorm(groups, filters)],
        [(nn.InstanceNorm1d, nn.InstanceNorm2d)[axes - 1](filters, eps=1e-2, affine=True)],
    ]))
    if norm and "Batch" not in repr(norm) and max(shape[:-1]) < 8:
        norm = []  # statistics of one value are refused
    tail = draw(st.sampled_from([[], [nn.PReLU(filters)], [nn.Softmax(dim=1)]]))
    compare(nn.Sequential(conv, *norm, *tail), shape, seed)


def test_whole_image_networks():
    net = nn.Sequential(
        nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(),
                      nn.MaxPool2d(2)),
        nn.Dropout2d(0.0), nn.Conv2d(8, 5, 3, stride=2), nn.Tanh(), nn.AvgPool2d(2, stride=1),
        nn.Flatten(), nn.BatchNorm1d(20), nn.PReLU(20), nn.LayerNorm(20), nn.Linear(20, 4),
        nn.Softplus(), nn.Linear(4, 2),
    )
    compare(net, (16, 16, 3), 0)
    compare(net, (16, 16, 3), 1, dtype="float32")
    compare(nn.Sequential(nn.Conv2d(2, 6, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                          nn.Linear(6, 3)), (7, 5, 2), 2)
    compare(nn.Sequential(nn.Conv1d(2, 6, 3), nn.AdaptiveMaxPool1d(1), nn.Flatten(),
                          nn.Linear(6, 3)), (7, 2), 3)
    compare(nn.Sequential(nn.Conv2d(2, 4, 1), nn.LayerNorm([4, 5, 3])), (5, 3, 2), 4)
    compare(nn.Sequential(nn.MaxPool1d(3, stride=2, padding=1), nn.Conv1d(3, 2, 1),
                          nn.AvgPool1d(2, padding=1, count_include_pad=False)), (9, 3), 5)


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
@settings(max_examples=8, deadline=None)
@given(steps=st.integers(1, 6), features=odd, units=odd, layers=st.integers(1, 3),
       both=st.booleans(), bias=st.booleans(), seed=st.integers(0, 1000))
def test_recurrent(kind, steps, features, units, layers, both, bias, seed):
    module = kind(features, units, layers, bias=bias, batch_first=True, bidirectional=both)
    compare(module, (steps, features), seed, channels_last=True)


def test_embedding_and_linear_on_steps():
    from evenly.exchange.torch.modules import RecurrentOutput

    net = nn.Sequential(
        nn.Embedding(11, 6, padding_idx=0), nn.LayerNorm(6), nn.Linear(6, 5), nn.ReLU(),
        RecurrentOutput(nn.LSTM(5, 7, 2, batch_first=True, bidirectional=True), False),
        nn.Linear(14, 3),
    )
    compare(net, (4,), 0, integers=11)
    compare(nn.Sequential(nn.Linear(3, 5), nn.Flatten(), nn.Linear(20, 2)), (4, 3), 1,
            channels_last=True)


def test_our_containers_become_modules():
    net = ev.Sequential([
        ev.Conv2D(4, 3, padding="same"), ev.BatchNorm(), ev.ReLU(),
        ev.Residual([ev.Conv2D(4, 3, padding="same"), ev.ReLU()]),
        ev.Branches([ev.Conv2D(2, 1), ev.MaxPool2D(1), [ev.Conv2D(3, 3, padding=((1, 1), (2, 0)))]],
                    "concatenate"),
        ev.GlobalAveragePool(), ev.Dense(3),
    ])
    model = ev.init(net, (6, 5, 2), dtype="float64")
    x = values(0, (3, 6, 5, 2))
    theirs = ev.to_torch(model)(torch.tensor(np.moveaxis(x, -1, 1))).detach().numpy()
    assert error(model.predict(x), theirs) < 1e-12


class Odd(nn.Module):
    pass


FROM_REFUSED = [
    (Odd(), 4, "the module (Odd): this module cannot be converted"),
    (nn.Sequential(nn.Sequential(nn.Linear(4, 4), nn.Bilinear(2, 2, 2))), 4, "0.1 (Bilinear)"),
    (nn.Conv2d(1, 1, 3, padding_mode="reflect"), (5, 5, 1), "padding_mode='reflect'"),
    (nn.LSTM(3, 4), (5, 3), "batch_first=False"),
    (nn.LSTM(3, 4, proj_size=2, batch_first=True), (5, 3), "proj_size=2"),
    (nn.BatchNorm1d(3, track_running_stats=False), 3, "track_running_stats=False"),
    (nn.Dropout(1.0), 3, "p=1.0"),
    (nn.Softmax(dim=0), 3, "dim=0"),
    (nn.Sequential(nn.Conv2d(1, 2, 1), nn.Flatten()), (3, 3, 1), "ends with features"),
    (nn.Sequential(nn.Conv2d(1, 2, 1), nn.Flatten(), nn.GroupNorm(2, 18)), (3, 3, 1), "2 (GroupN"),
    (nn.Sequential(nn.Conv1d(1, 2, 1), nn.LSTM(4, 2, batch_first=True)), (3, 1), "features last"),
    (nn.Flatten(0), 3, "start_dim=0"),
    (nn.AdaptiveAvgPool2d(3), (4, 4, 1), "output_size=3"),
    (nn.Sequential(nn.Conv2d(1, 2, 1), nn.Linear(4, 2)), (3, 3, 1), "put Flatten before it"),
    (nn.Embedding.from_pretrained(torch.ones(3, 2), padding_idx=1), (4,), "padding_idx=1"),
    ("net", 3, "expects a torch.nn.Module"),
]


@pytest.mark.parametrize(("module", "shape", "message"), FROM_REFUSED,
                         ids=[m for *_, m in FROM_REFUSED])
def test_what_cannot_be_converted_is_named(module, shape, message):
    with pytest.raises(ev.errors.ConfigurationError) as caught:
        ev.from_torch(module, shape)
    assert message in str(caught.value)


def test_a_shape_that_does_not_fit_says_where():
    net = nn.Sequential(nn.Linear(4, 2), nn.Conv1d(1, 1, 1))
    with pytest.raises(ev.errors.EvenlyError, match="1"):
        ev.from_torch(net, 4)
