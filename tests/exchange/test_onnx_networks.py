"""The structures of well-known small networks, at small widths, exported by PyTorch and read."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

import evenly as ev

from .onnx_common import assert_near, exported, kinds, last, stirred

pytestmark = pytest.mark.sweep  # every case of a long list


class Block(nn.Module):
    """Of ResNet (He et al. 2015): two convolutions and a way around them."""

    def __init__(self, before, after, stride):
        super().__init__()
        self.f = nn.Sequential(
            nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU(),
            nn.Conv2d(after, after, 3, 1, 1, bias=False), nn.BatchNorm2d(after),
        )
        self.around = nn.Identity() if before == after else nn.Sequential(
            nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))

    def forward(self, x):
        return torch.relu(self.f(x) + self.around(x))


class Fire(nn.Module):
    """Of SqueezeNet (Iandola et al. 2016)."""

    def __init__(self, before, squeezed, expanded):
        super().__init__()
        self.squeeze = nn.Conv2d(before, squeezed, 1)
        self.one = nn.Conv2d(squeezed, expanded, 1)
        self.three = nn.Conv2d(squeezed, expanded, 3, padding=1)

    def forward(self, x):
        x = torch.relu(self.squeeze(x))
        return torch.cat([torch.relu(self.one(x)), torch.relu(self.three(x))], 1)


class Tagger(nn.Module):
    """A label for each word (Huang, Xu and Yu 2015), without its random field."""

    def __init__(self):
        super().__init__()
        self.table, self.out = nn.Embedding(11, 4), nn.Linear(10, 5)
        self.walk = nn.LSTM(4, 5, 2, batch_first=True, bidirectional=True)

    def forward(self, x):
        return self.out(self.walk(self.table(x))[0])


class Last(nn.Module):
    """A classifier of sequences by the last state, of one direction or of both."""

    def __init__(self, way, **settings):
        super().__init__()
        self.way = way
        self.walk = nn.GRU(3, 4, batch_first=True, **settings)
        self.out = nn.Linear(8 if self.walk.bidirectional else 4, 2)

    def forward(self, x):
        y, h = self.walk(x)
        return self.out({"step": lambda: y[:, -1], "state": lambda: h[-1],
                         "both": lambda: torch.cat([h[-2], h[-1]], dim=-1)}[self.way]())


class TextNet(nn.Module):
    """Convolutions of several widths over words, and the largest of each (Kim 2014)."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(11, 4)
        self.convs = nn.ModuleList([nn.Conv1d(4, 3, n) for n in (2, 3, 4)])
        self.out = nn.Linear(9, 2)

    def forward(self, x):
        x = self.table(x).transpose(1, 2)
        return self.out(torch.cat([torch.relu(c(x)).amax(2) for c in self.convs], 1))


class Normed(nn.Module):
    """Normalizations that this version of the operators writes out, and a pre-norm block."""

    def __init__(self):
        super().__init__()
        self.norm, self.rms = nn.LayerNorm(6), nn.LayerNorm(6, elementwise_affine=False)
        self.f = nn.Sequential(nn.Linear(6, 8), nn.GELU(), nn.Linear(8, 6))

    def forward(self, x):
        return self.rms(x + self.f(self.norm(x)))


def fully(*sizes):
    return [part for before, after in pairwise(sizes)
            for part in (nn.Linear(before, after), nn.BatchNorm1d(after), nn.ReLU())]


def conv(before, after, *rest, **settings):
    return [nn.Conv2d(before, after, *rest, bias=False, **settings), nn.BatchNorm2d(after),
            nn.ReLU()]


NETS = {
    "lenet": lambda: (nn.Sequential(
        nn.Conv2d(1, 3, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(3, 4, 5), nn.Tanh(),
        nn.AvgPool2d(2), nn.Flatten(), nn.Linear(36, 8), nn.Tanh(), nn.Linear(8, 3)), (1, 20, 20)),
    "alexnet": lambda: (nn.Sequential(
        nn.Conv2d(3, 4, 5, 2, 2), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Conv2d(4, 6, 3, padding=1),
        nn.ReLU(), nn.MaxPool2d(3, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(),
        nn.Linear(6, 5), nn.ReLU(), nn.Dropout(), nn.Linear(5, 3)), (3, 18, 17)),
    "vgg": lambda: (nn.Sequential(
        *conv(3, 3, 3, padding=1), nn.MaxPool2d(2), *conv(3, 4, 3, padding=1), nn.MaxPool2d(2),
        *conv(4, 5, 3, padding=1), *conv(5, 5, 3, padding=1), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(20, 3)), (3, 16, 16)),
    "resnet": lambda: (nn.Sequential(
        *conv(3, 4, 3, padding=1), Block(4, 4, 1), Block(4, 6, 2), Block(6, 6, 1),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3)), (3, 9, 8)),
    "mobilenet": lambda: (nn.Sequential(
        nn.Conv2d(3, 4, 3, 2, 1), nn.Hardswish(), nn.Conv2d(4, 4, 3, padding=1, groups=4),
        nn.Hardswish(), nn.Conv2d(4, 6, 1), nn.SiLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(6, 3)), (3, 9, 9)),
    "squeezenet": lambda: (nn.Sequential(
        nn.Conv2d(3, 4, 3, 2), nn.ReLU(), nn.MaxPool2d(3, 2, ceil_mode=True), Fire(4, 2, 3),
        Fire(6, 2, 3), nn.Dropout(), nn.Conv2d(6, 3, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        (3, 14, 13)),
    "mlp": lambda: (nn.Sequential(*fully(5, 7, 6), nn.Linear(6, 3), nn.Softmax(1)), (5,)),
    "tagger": lambda: (Tagger(), 6),
    "classifier": lambda: (Last("state"), (7, 3)),
    "last step": lambda: (Last("step", num_layers=2), (7, 3)),
    "both states": lambda: (Last("both", bidirectional=True), (7, 3)),
    "text": lambda: (TextNet(), 8),
    "autoencoder": lambda: (nn.Sequential(
        nn.Flatten(), nn.Linear(16, 8), nn.ELU(), nn.Linear(8, 2), nn.ELU(), nn.Linear(2, 8),
        nn.LeakyReLU(0.2), nn.Linear(8, 16), nn.Sigmoid()), (4, 4)),
    "normed": lambda: (Normed(), (6,)),
    "grouped": lambda: (nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.GroupNorm(2, 4), nn.Mish(), nn.InstanceNorm2d(4, affine=True),
        nn.PReLU(4), nn.ConstantPad2d((1, 0, 2, 1), 0.0), nn.Conv2d(4, 2, 3, groups=2),
        nn.Softplus(), nn.AvgPool2d(2, padding=1, count_include_pad=False)), (3, 8, 7)),
}
RESIDUAL = {"resnet", "normed"}


def network(name):
    torch.manual_seed(0)
    module, shape = NETS[name]()
    generator = torch.Generator().manual_seed(1)
    x = (torch.randint(0, 11, (3, shape), generator=generator) if isinstance(shape, int)
         else torch.randn(3, *shape, generator=generator))
    return stirred(module).eval(), x


@pytest.mark.parametrize(("name", "opset"), [
    *((name, 17) for name in NETS), ("normed", 11), ("grouped", 11), ("text", 11), ("tagger", 11),
])
def test_outputs(name, opset):
    module, x = network(name)
    model = ev.from_onnx(exported(module, x, opset_version=opset))
    with torch.no_grad():
        wanted = module(x)
    sequences = name in ("tagger", "classifier", "last step", "both states", "autoencoder")
    own = np.asarray(x) if sequences else last(x)
    assert_near(model.predict(own), wanted if sequences else last(wanted), 2e-5)
    assert not model.engine.program.has_python
    assert any(type(layer).__name__ == "Residual" for layer in model.net.layers) == (
        name in RESIDUAL)


def test_layers_are_those_of_the_network():
    module, x = network("resnet")
    model = ev.from_onnx(exported(module, x))
    block = ["Conv2D", "ReLU", "Conv2D"]
    assert kinds(model) == ["Conv2D", "ReLU", *block, "ReLU", *block, "Conv2D", "ReLU", *block,
                            "ReLU", "GlobalAveragePool", "Dense"]
    module, x = network("normed")
    assert kinds(ev.from_onnx(exported(module, x, opset_version=11))) == [
        "LayerNorm", "Dense", "GELU", "Dense", "LayerNorm"]
    module, x = network("text")
    assert kinds(ev.from_onnx(exported(module, x))) == [
        "Embedding", *3 * ["Conv1D", "ReLU", "GlobalMaxPool"], "Dense"]


@pytest.mark.parametrize("name", ["lenet", "squeezenet"])
def test_it_trains_on_as_the_network_would(name):
    """Gradients of every array, and on the input."""
    module, x = network(name)
    if name == "squeezenet":
        module[5] = nn.Identity()  # dropout is another draw
    loss = ev.SoftmaxCrossEntropy()
    model = ev.from_onnx(exported(module, x), loss=loss)
    y = torch.tensor([0, 2, 1])
    x.requires_grad_(True)
    theirs = nn.functional.cross_entropy(module(x), y)
    theirs.backward()
    value, gradients = model.gradients(last(x.detach()), y.numpy())
    assert_near(value, theirs.item())
    wanted = [p.grad.numpy() for p in module.parameters()]
    own = [gradients[key] for key in model.weights]
    assert len(own) == len(wanted)
    for got, grad in zip(own, wanted, strict=True):
        if grad.ndim == 4:
            grad = grad.transpose(2, 3, 1, 0)
        elif grad.ndim == 2 and grad.shape[1] == 36:
            grad = grad.reshape(-1, 4, 3, 3).transpose(2, 3, 1, 0).reshape(got.shape)
        elif grad.ndim == 2:
            grad = grad.T
        assert_near(got, grad, 1e-4)


def test_batch_normalization_that_was_not_folded():
    module, x = network("vgg")
    model = ev.from_onnx(exported(module, x, do_constant_folding=False,
                                  training=torch.onnx.TrainingMode.PRESERVE))
    assert kinds(model).count("BatchNorm") == 4
    assert_near(model.predict(last(x)), module(x).detach(), 2e-5)
    assert model.weights["batch_norm_1.running_mean"].any()
