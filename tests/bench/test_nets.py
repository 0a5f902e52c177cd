"""The peers of the bench train the same networks."""

from dataclasses import replace

import pytest
from benchmarks.nets import check, stack_torch, with_evenly
from benchmarks.nets.stack import Part, Stack
from benchmarks.nets.stacks import NETS
from benchmarks.nets.values import initial, leaves


def small(net):
    """Few examples of few pixels or steps take the same kind of step in less time."""
    shape = tuple(min(size, 8) for size in net.shape[:-1]) + net.shape[-1:]
    return replace(check.sure(net), batch=3, shape=shape)


SMALL = [small(net) for net in NETS]


@pytest.mark.parametrize("net", SMALL, ids=lambda net: net.name)
def test_evenly_and_pytorch_take_the_same_steps(net):
    ours, theirs = check.WAYS["evenly"](net), check.WAYS["torch"](net)
    assert check.complaint(net, "evenly", ours, ours) == ""
    assert check.complaint(net, "torch", theirs, ours) == ""
    assert len(ours[1]) == 4
    assert ours[1][0] != ours[1][3]


@pytest.mark.parametrize(("found", "words"), [
    ((7, [1.0, 1.0]), "7 values are trained, not 5"),
    ((5, [1.0001, 1.0]), "the loss of step 1 is 1.0001, not 1.0"),
    ((5, [1.0, 1.01]), "the loss of step 2"),
    ((5, [1.0, float("nan")]), "the loss of step 2 is nan"),
])
def test_what_is_not_the_same_is_said(found, words):
    net = Stack("small", (4,), (Part("dense", 1),))
    assert words in check.complaint(net, "torch", found, (5, [1.0, 1.0]))


def test_every_value_has_its_array():
    for net in SMALL:
        values = initial(net)
        assert sum(array.size for own in leaves(values) for array in own.values()) == net.parameters
        assert sum(array.size for array in with_evenly.weights(net, values).values()) == \
            net.parameters


def macs(net):
    return net.training_needs().flops / (2 * net.batch)


def test_a_floor_counts_what_must_be_multiplied():
    dense = Stack("", (5,), (Part("dense", 7), Part("relu"), Part("dense", 3)))
    assert macs(dense) == 2 * 5 * 7 + 3 * 7 * 3
    image = Stack("", (4, 4, 2), (Part("conv", 3), Part("conv", 5, size=1, stride=2)))
    assert macs(image) == (3 * 4 - 2) ** 2 * 2 * 2 * 3 + 3 * 2 * 2 * 3 * 5
    # Of padding on both sides, a stride of 2 leaves the one behind out.
    strided = Stack("", (4, 4, 1), (Part("conv", 1), Part("conv", 1, stride=2)))
    assert macs(strided) == 2 * 100 + 3 * (2 + 3) ** 2
    # Categories need gradients of their rows, numbers none.
    looked_up = Stack("", (3,), (Part("embeddings", 4, vocabularies=(9,)), Part("dense", 7)))
    assert macs(looked_up) == (3 * 6 - 2) * 7
    members = Stack("", (5,), (Part("members", 2), Part("batch_ensemble", 7)))
    assert macs(members) == 2 * 3 * 5 * 7
    both = Stack("", (6, 5), (Part("bi_lstm", 3),))
    first, second = (12 * (6 * products + 3 * 5 * 3) for products in (2 * 5, 3 * 6))
    assert macs(both) == 2 * (first + second)


def test_pytorch_gets_channels_in_front_of_what_is_flattened():
    net = Stack("", (2, 2, 3), (Part("flatten"), Part("dense", 2)), batch=3)
    network = stack_torch.module(net)
    values = initial(net)
    stack_torch.load(net.parts, net.shape, network, values)
    (x, _), (given, _) = net.batches()[0], stack_torch.tensors(net)[0]
    ours = x.reshape(3, -1) @ values[1]["kernel"]
    assert abs(network(given).detach().numpy() - ours).max() < 1e-5
