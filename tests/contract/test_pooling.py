"""Pooling that rounds the number of its outputs up: which windows there are, and what they see."""

import itertools

import numpy as np
import pytest
import torch

import evenly as ev
from evenly.native import available_isas

RUN = ev.Run(training=True)


def ours_and_theirs(size, window, stride, padding):
    """Of every pool: (our outputs or None, PyTorch's or None) for positions 1, 2, ..."""
    x = np.arange(1.0, size + 1).reshape(1, size, 1)
    settings = {"stride": stride, "padding": padding, "ceil_mode": True}
    pools = [(ev.MaxPool1D(window, **settings), torch.nn.MaxPool1d(window, **settings))]
    pools += [(ev.AveragePool1D(window, **settings, count_padding=counts),
               torch.nn.AvgPool1d(window, **settings, count_include_pad=counts))
              for counts in (False, True)]
    for layer, module in pools:
        try:
            layer.check((size, 1), "it")
            y = layer.forward(x, {}, RUN)[0].ravel()
        except ev.errors.ShapeError:
            y = None
        try:
            wanted = module(torch.tensor(x.reshape(1, 1, size))).numpy().ravel()
        except RuntimeError:
            wanted = None
        yield y, wanted


@pytest.mark.parametrize("size", range(1, 10))
def test_every_small_axis_is_pytorchs(size):
    for window, stride in itertools.product(range(1, 6), range(1, 6)):
        for padding in range(window // 2 + 1):
            for y, wanted in ours_and_theirs(size, window, stride, padding):
                where = size, window, stride, padding
                if wanted is None:
                    assert y is None, where
                else:
                    np.testing.assert_allclose(y, wanted, rtol=1e-14, err_msg=str(where))


def test_the_last_window_begins_on_the_input_or_before_it():
    assert ev.MaxPool2D(2, ceil_mode=True).output_shape((5, 4, 1)) == (3, 2, 1)
    # A third window would see nothing but padding, and what is behind it.
    assert ev.MaxPool1D(2, stride=3, padding=1, ceil_mode=True).output_shape((5, 1)) == (2, 1)
    assert ev.MaxPool1D(2, stride=3, padding=1, ceil_mode=True).output_shape((6, 1)) == (3, 1)


def test_a_window_larger_than_the_input():
    """With what it reaches over it fits; where even that is not enough the message says so."""
    layer = ev.AveragePool1D(3, stride=2, ceil_mode=True)
    assert layer.forward(np.array([[[1.0], [4.0]]]), {}, RUN)[0].ravel() == [2.5]
    with pytest.raises(ev.errors.ShapeError, match=r"reaches over 4 positions, .* has 1: use"):
        ev.compile([ev.AveragePool1D(4, stride=2, ceil_mode=True)], (1, 1))


def test_what_is_no_choice():
    with pytest.raises(ev.errors.ConfigurationError,
                       match=r"MaxPool2D: ceil_mode is True or False, got 'yes'"):
        ev.MaxPool2D(2, ceil_mode="yes")


@pytest.mark.parametrize("isa", available_isas())
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("channels", [3, 16, 21])
def test_the_first_of_equals_and_nan_where_vectors_choose(channels, dtype, isa):
    layer = ev.MaxPool2D(2)
    random = np.random.default_rng(0)
    x = random.choice([-np.inf, -1.0, 0.0, 2.0, np.nan], (3, 6, 4, channels)).astype(dtype)
    d_y = random.standard_normal((3, 3, 2, channels)).astype(dtype)
    engine = ev.Engine(ev.compile([layer], x.shape[1:], batch=3, dtype=dtype), isa=isa)
    y, saved = layer.forward(x, {}, RUN)
    np.testing.assert_array_equal(engine.forward(x), y)
    np.testing.assert_array_equal(engine.backward(d_y)[0], layer.backward(d_y, {}, saved, RUN)[0])
