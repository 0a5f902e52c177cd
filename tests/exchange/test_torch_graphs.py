"""Modules with a forward of their own, followed by torch.fx: outputs, gradients, running averages,
and what is refused."""

import numpy as np
import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

import evenly as ev
from evenly.layers.containers import leaves
from tests.contract.common import error, values
from tests.exchange.test_torch_modules import compare, randomize


class Block(nn.Module):
    """Of a residual network, as torchvision writes it."""

    def __init__(self, channels, filters, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, filters, 3, stride, 1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(filters, eps=0.1), nn.BatchNorm2d(filters, eps=0.1)
        self.conv2 = nn.Conv2d(filters, filters, 3, 1, 1, bias=False)
        self.act = nn.SiLU(inplace=True)
        self.down = None
        if stride != 1 or channels != filters:
            self.down = nn.Sequential(nn.Conv2d(channels, filters, 1, stride, bias=False),
                                      nn.BatchNorm2d(filters, eps=0.1))

    def forward(self, x):
        identity = x if self.down is None else self.down(x)
        out = self.bn2(self.conv2(self.act(self.bn1(self.conv1(x)))))
        out += identity
        return self.act(out)


class ResNet(nn.Module):
    def __init__(self, channels, filters):
        super().__init__()
        self.stem = nn.Conv2d(channels, filters, 3, padding=1)
        self.pool = nn.AvgPool2d(3, 2, 1)
        self.blocks = nn.Sequential(Block(filters, filters), Block(filters, filters + 2, 2))
        self.average, self.head = nn.AdaptiveAvgPool2d((1, 1)), nn.Linear(filters + 2, 3)

    def forward(self, x):
        x = self.blocks(self.pool(functional.silu(self.stem(x))))
        return self.head(torch.flatten(self.average(x), 1))


class Dense(nn.Module):
    """A dense block: each layer reads all that came before, listed anew each time."""

    def __init__(self, channels, growth, nested):
        super().__init__()
        self.nested = nested
        self.parts = nn.ModuleList(nn.Sequential(
            nn.BatchNorm2d(channels + i * growth, eps=0.1), nn.Tanh(),
            nn.Conv2d(channels + i * growth, growth, 3, padding=1)) for i in range(3))
        self.head = nn.Linear(channels + 3 * growth, 2)

    def forward(self, x):
        if self.nested:
            for part in self.parts:
                x = torch.cat([part(x), x], dim=1)
        else:
            listed = [x]
            for part in self.parts:
                listed.append(part(torch.cat(listed, 1)))
            x = torch.cat(listed, 1)
        return self.head(x.mean(dim=(2, 3)))


class Inception(nn.Module):
    def __init__(self, channels, filters):
        super().__init__()
        self.one = nn.Conv2d(channels, filters, 1)
        self.two = nn.Sequential(nn.Conv2d(channels, 2, 1), nn.Conv2d(2, filters, 3, padding=1))
        self.three = nn.Conv2d(channels, 3, 1)
        self.last = nn.Conv2d(2 * filters + 3 + channels, 2, 1)

    def forward(self, x):
        pooled = functional.avg_pool2d(x, 3, stride=1, padding=1)
        parts = (self.one(x), functional.gelu(self.two(x)), torch.tanh(self.three(pooled)), x)
        return self.last(torch.cat(parts, dim=1)).amax(dim=[-2, -1])


class Functions(nn.Module):
    """A small network of calls of functions and methods."""

    def __init__(self, channels, filters, size):
        super().__init__()
        self.conv = nn.Conv2d(channels, filters, 3, padding=1)
        self.fc = nn.Linear(filters * size * size, 4)

    def forward(self, x):
        x = functional.leaky_relu(self.conv(x), 0.2)
        x = functional.max_pool2d(x, 2)
        x = functional.dropout(x, 0.0, training=self.training)
        x = functional.softplus(x).sigmoid()
        x = x.reshape(x.size(0), x.size(1) * x.shape[2] * x.shape[3])
        return torch.softmax(self.fc(x), dim=-1)


class TwoBranches(nn.Module):
    def __init__(self, features, units):
        super().__init__()
        self.left, self.right = nn.Linear(features, units), nn.Linear(features, units)
        self.norm, self.out = nn.LayerNorm(2 * units), nn.Linear(2 * units, 2)

    def forward(self, x, scale=None):
        left, right = self.left(x).tanh(), functional.elu(self.right(x), alpha=0.7)
        return self.out(self.norm(torch.cat((left, right), -1)))


size = st.integers(1, 4)
few = settings(max_examples=2, deadline=None, phases=[Phase.explicit, Phase.generate])


@few
@given(channels=size, filters=size, height=st.integers(4, 8), seed=st.integers(0, 99))
def test_residual_networks(channels, filters, height, seed):
    model = compare(ResNet(channels, filters), (height, 6, channels), seed, n=6)
    kinds = [type(layer) for layer in model.net.layers]
    assert kinds.count(ev.Residual) == 2


@pytest.mark.parametrize("nested", [True, False])
@few
@given(channels=size, growth=size, height=st.integers(2, 6), seed=st.integers(0, 99))
def test_dense_networks(nested, channels, growth, height, seed):
    compare(Dense(channels, growth, nested), (height, 5, channels), seed, n=6)


@few
@given(channels=size, filters=size, height=st.integers(1, 6), seed=st.integers(0, 99))
def test_inception_networks(channels, filters, height, seed):
    model = compare(Inception(channels, filters), (height, 3, channels), seed)
    assert len(model.net.layers[0].branches) == 4


@few
@given(channels=size, filters=size, size=st.integers(1, 3), seed=st.integers(0, 99))
def test_functions_and_methods(channels, filters, size, seed):
    compare(Functions(channels, filters, size), (2 * size, 2 * size, channels), seed)


@few
@given(features=size, units=size, seed=st.integers(0, 99))
def test_two_branches(features, units, seed):
    compare(TwoBranches(features, units), (features,), seed)


class Recurrent(nn.Module):
    def __init__(self, kind, take, **settings):
        super().__init__()
        self.rnn, self.take = kind(3, 4, batch_first=True, **settings), take
        self.out = nn.Linear(4 * (1 + self.rnn.bidirectional), 2)

    def forward(self, x):
        return self.out(self.take(self.rnn(x)))


TAKEN = [
    (nn.GRU, lambda pair: pair[0][:, -1], {}), (nn.RNN, lambda pair: pair[1][-1], {}),
    (nn.LSTM, lambda pair: pair[0][:, -1, :], {"num_layers": 2}),
    (nn.LSTM, lambda pair: pair[1][0][-1], {}),
    (nn.GRU, lambda pair: pair[1].squeeze(0), {}),
    (nn.LSTM, lambda pair: torch.cat((pair[1][0][-2], pair[1][0][-1]), dim=1),
     {"bidirectional": True, "num_layers": 2}),
    (nn.GRU, lambda pair: torch.tanh(pair[0]), {"bidirectional": True}),
]


@pytest.mark.parametrize(("kind", "take", "more"), TAKEN)
def test_outputs_and_last_states_of_recurrent_modules(kind, take, more):
    compare(Recurrent(kind, take, **more), (5, 3), 1, channels_last=True)


class Calls(nn.Module):
    """Parts under their names, and a function of (the module, x) as forward."""

    def __init__(self, function, **parts):
        super().__init__()
        self.function = function
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x):
        return self.function(self, x)


class Named(nn.Sequential):
    """A sequence under another name."""


def sequence(m, x):
    x = m.conv(x.transpose(1, 2)).permute(0, 2, 1)
    return m.rnn(x.contiguous())[0].flatten(1)


def whole_window(x):
    return functional.avg_pool2d(x, x.size()[2:])


def convnext(m, x):
    y = m.norm(x.permute(0, 2, 3, 1))
    return x + m.two(functional.gelu(m.one(y))).movedim(-1, 1)


OTHERS = [
    (sequence, {"conv": nn.Conv1d(3, 4, 2), "rnn": nn.GRU(4, 2, batch_first=True)}, (5, 3), True),
    (convnext, {"norm": nn.LayerNorm(3, eps=0.1), "one": nn.Linear(3, 5), "two": nn.Linear(5, 3)},
     (4, 5, 3), False),
    (lambda m, x: m.out(m.conv(x.unsqueeze(1)).squeeze(1)),
     {"conv": nn.Conv1d(1, 1, 3), "out": nn.Linear(4, 2)}, (6,), True),
    (lambda m, x: m.out(m.pool(m.conv(x)).squeeze(-1).squeeze(-1)),
     {"conv": nn.Conv2d(2, 3, 1), "pool": nn.AdaptiveMaxPool2d(1), "out": nn.Linear(3, 2)},
     (3, 4, 2), False),
    (lambda m, x: m.out(whole_window(m.conv(x)).view(-1, 3)),
     {"conv": nn.Conv2d(2, 3, 1), "out": nn.Linear(3, 2)}, (3, 4, 2), False),
    (lambda m, x: m.norm(torch.flatten(m.conv(x), 2).transpose(1, 2)).mean(1),
     {"conv": nn.Conv2d(2, 3, 1), "norm": nn.LayerNorm(3, eps=0.1)}, (3, 4, 2), False),
    (lambda m, x: m.a(x.max(2)[0]) + m.b(x.mean(2, keepdim=True).flatten(1)) + 0,
     {"a": nn.Linear(2, 3), "b": nn.Linear(2, 3)}, (4, 2), False),
    (lambda m, x: sum([m.a(x), m.b(x), x]), {"a": nn.Linear(3, 3), "b": nn.Tanh()}, (3,), True),
    (lambda m, x: m.named(x), {"named": Named(nn.Conv2d(2, 3, 1), nn.Tanh())}, (3, 4, 2), False),
]


@pytest.mark.parametrize(("function", "parts", "shape", "last"), OTHERS)
def test_other_ways_of_writing(function, parts, shape, last):
    compare(Calls(function, **parts), shape, 2, channels_last=last)


def test_running_averages_go_on_as_pytorchs():
    module = ResNet(2, 3).double().train()
    randomize(module, 1)
    model = ev.from_torch(module, (6, 5, 2), dtype="float64")
    x, y = values(0, (6, 6, 5, 2)), values(1, (6, 3))
    program = ev.compile(model.net, (6, 5, 2), batch=6, loss=ev.MeanSquaredError(),
                         optimizer=ev.SGD(1e-30), dtype="float64")
    engine = ev.Engine(program, weights=model.weights)
    engine.step(x, y)
    module(torch.tensor(np.moveaxis(x, -1, 1)))
    wanted = ev.from_torch(module, (6, 5, 2), dtype="float64").weights
    names = [name for name in wanted if "running" in name]
    assert len(names) == 10
    for name in names:
        assert error(engine.arrays[name], wanted[name], 1.0) < 1e-11, name


def test_the_module_stays_as_it_is():
    module = ResNet(2, 2)
    module.blocks[0].eval()
    modes = [part.training for part in module.modules()]
    before = {name: value.clone() for name, value in module.state_dict().items()}
    ev.from_torch(module, (6, 6, 2))
    assert [part.training for part in module.modules()] == modes
    for name, value in module.state_dict().items():
        assert torch.equal(value, before[name])


def test_dropout_as_a_function_is_dropout_in_training_alone():
    module = Calls(lambda m, x: m.out(functional.dropout(x, 0.25, m.training)),
                   out=nn.Linear(3, 2))
    model = ev.from_torch(module.eval(), 3)
    assert next(leaves(model.net)) == ev.Dropout(0.25, name="dropout_1")
    still = Calls(lambda m, x: m.out(functional.dropout(x, training=False)), out=nn.Linear(3, 2))
    assert isinstance(next(leaves(ev.from_torch(still, 3).net)), ev.Dense)


def test_images_with_the_channels_last_in_pytorch():
    module = Calls(lambda m, x: m.conv(x.permute(0, 3, 1, 2)).mean((2, 3)),
                   conv=nn.Conv2d(2, 3, 2)).double()
    randomize(module, 0)
    x = values(0, (3, 4, 5, 2))
    model = ev.from_torch(module, (4, 5, 2), channels_first=False, dtype="float64")
    assert error(model.predict(x), module(torch.tensor(x)).detach().numpy()) < 1e-12


def control(m, x):
    return m.a(x) if x.sum() > 0 else x


def crossed(m, x):
    """Three joins that no nesting of branches has."""
    one, two = m.a(x), m.b(x)
    three = m.c(two)
    return torch.cat([one + two, two + three], 1)


def in_place(m, x):
    y = m.a(x)
    return functional.relu(y, inplace=True) + y


A = nn.Linear(3, 3)
REFUSED = [
    (lambda m, x: m.a(m.a(x)), "from_torch: a (Linear): is used a second time"),
    (lambda m, x: m.norm(m.norm(x)), "norm (BatchNorm1d): is used a second time"),
    (crossed, "is needed along two ways that do not nest"),
    (control, "cannot be followed by torch.fx (TraceError"),
    (in_place, "node 'add' (add) reads 'a' after it was changed in place"),
    (lambda m, x: m.a(x) * x, "node 'mul' (mul) cannot be converted: products of arrays"),
    (lambda m, x: m.a(x) + 1, "node 'add' (add) adds a number"),
    (lambda m, x: torch.add(x, m.a(x), alpha=2), "adds with a factor"),
    (lambda m, x: x @ m.a.weight, "node 'matmul' (matmul) cannot be converted"),
    (lambda m, x: m.a(x) + m.a.bias, "is an array of the module's own, outside of any layer"),
    (lambda m, x: functional.log_softmax(m.a(x), 1), "(log_softmax) cannot be converted: return"),
    (lambda m, x: functional.dropout(m.a(x)), "(dropout): drops in evaluation too"),
    (lambda m, x: m.a(x) if m.training else x, "in evaluation"),
    (lambda m, x: (m.a(x), x), "gives several outputs"),
    (lambda m, x: torch.flatten(x), "start_dim=0"),
    (lambda m, x: x.view(-1), "does not begin with the batch"),
    (lambda m, x: m.a(x)[:, 0], "takes a part of an array"),
    (lambda m, x: torch.cat([x, m.a(x)], 0), "joins along axis 0"),
    (lambda m, x: x.unsqueeze(0), "only flat features can get another axis"),
    (lambda m, x: m.a(x).detach(), ".detach()) cannot be converted: it keeps gradients"),
    (lambda m, x: x.mean(0), "only over all positions"),
    (lambda m, x: m.both(x, x), "reads 2 arrays"),
    (lambda m, x: m.a(x).relu().relu6(), "(.relu6()) cannot be converted"),
    (lambda m, x: m.rnn(x.unsqueeze(-1))[1][0][-1] + m.rnn(x.unsqueeze(-1))[0][:, -1],
     "rnn (LSTM): is used a second time"),
    (lambda m, x: m.rnn(x.unsqueeze(-1))[0][:, 0], "a part of a recurrent module's outputs"),
    (lambda m, x: functional.avg_pool1d(m.rnn(x.unsqueeze(-1))[0], m.a(x).size(1)),
     "takes the size of 'a', which is not on the way"),
    (lambda m, x: m.rnn(x.unsqueeze(-1), (x, x))[0], "begins with states that are given"),
]


@pytest.mark.parametrize(("function", "words"), REFUSED, ids=[words for _, words in REFUSED])
def test_what_cannot_be_followed_is_named(function, words):
    module = Calls(function, a=A, b=nn.Linear(3, 3), c=nn.Linear(3, 3), norm=nn.BatchNorm1d(3),
                   both=nn.Bilinear(3, 3, 3), rnn=nn.LSTM(1, 3, batch_first=True))
    with pytest.raises(ev.errors.ConfigurationError) as caught:
        ev.from_torch(module, 3)
    assert words in str(caught.value), str(caught.value)


def test_several_inputs_are_refused():
    class Two(nn.Module):
        def forward(self, x, z):
            return x + z

    with pytest.raises(ev.errors.ConfigurationError, match="reads the inputs x, z"):
        ev.from_torch(Two(), 3)


def test_an_input_with_a_value_of_its_own_is_left_out():
    assert ev.from_torch(TwoBranches(3, 2), 3).predict(values(0, (2, 3))).shape == (2, 2)
