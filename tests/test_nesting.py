"""Containers within containers: each level costs as much as another, and not times as much."""

import sys

import numpy as np
import pytest

import evenly as ev

AROUND = {
    "residual": lambda layer: ev.Residual([layer]),
    "branches": lambda layer: ev.Branches([[layer], [ev.Dense(4)]]),
    "concatenated": lambda layer: ev.Sequential([ev.Branches([[layer], []], "concatenate"),
                                                 ev.Dense(4)]),
    "sequential": lambda layer: ev.Sequential([layer]),
    "both": lambda layer: ev.Residual([ev.Sequential([layer]), ev.ReLU()], [ev.Dense(4)]),
}


def nested(kind, depth):
    layer = ev.Tanh()
    for _ in range(depth):
        layer = AROUND[kind](layer)
    return ev.Sequential([layer])


def compiled(net):
    ev.compile(net, 4, batch=4, loss=ev.MeanSquaredError(), optimizer=ev.SGD(0.1))


def trained(net):
    x = np.ones((4, 4))
    model = ev.fit(net, x, x, loss=ev.MeanSquaredError(), epochs=1, optimizer=ev.SGD(1e-3))
    model.gradients(x, x)


def shown(net):
    ev.show_work(net, [[1, 2, 3, 4]])


@pytest.mark.parametrize("use", [compiled, trained, shown])
@pytest.mark.parametrize("kind", AROUND)
def test_the_innermost_layer_is_asked_as_often_at_any_depth(kind, use, monkeypatch):
    calls = []
    own = ev.Tanh.output_shape

    def counted(self, shape):
        calls.append(shape)
        assert len(calls) < 1000, "asked again and again"
        return own(self, shape)

    monkeypatch.setattr(ev.Tanh, "output_shape", counted)
    counts = []
    for depth in (2, 9):
        calls.clear()
        use(nested(kind, depth))
        counts.append(len(calls))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("kind", AROUND)
def test_a_deep_network_is_what_a_shallow_one_is(kind):
    """What it found out about itself changes nothing: equal, named and saved the same."""
    net, fresh = nested(kind, 5), nested(kind, 5)
    compiled(net)
    assert net == fresh
    assert [name for name, _ in net.named_layers()] == [name for name, _ in fresh.named_layers()]
    assert net.resolved.resolved is net.resolved
    model, other = ev.init(net, 4), ev.init(fresh, 4)
    x = np.ones((2, 4))
    assert model.predict(x).tobytes() == other.predict(x).tobytes()
    again = ev.Sequential([net, ev.Dense(1)])  # within another network it has other names
    assert again.output_shape((4,)) == (1,)
    names = [name for name, _ in again.named_layers()]
    assert len(names) == len(set(names)) == len(net.named_layers()) + 1


def test_another_shape_is_asked_anew():
    net = nested("residual", 3)
    assert net.output_shape((4,)) == (4,)
    assert net.output_shape((2, 7)) == (2, 7)
    with pytest.raises(ev.errors.ShapeError):
        nested("both", 3).output_shape((5,))


def calls_of(work):
    """How many functions of this package a piece of work calls."""
    count = 0

    def watch(frame, event, argument):
        nonlocal count
        count += event == "call" and frame.f_globals.get("__name__", "").startswith("evenly.")

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def to_torch(net):
    pytest.importorskip("torch")
    model = ev.init(net, 4)
    return lambda: ev.to_torch(model)


@pytest.mark.parametrize("use", [
    lambda net: lambda: net.with_parts(net.parts),
    lambda net: lambda: compiled(net),
    lambda net: net.named_layers,
    lambda net: lambda: net.named.output_shape((4,)),
    to_torch,
], ids=["made", "compiled", "named", "named shapes", "to_torch"])
@pytest.mark.parametrize("kind", AROUND)
def test_eight_more_levels_cost_as_much_as_the_eight_before(kind, use):
    use(nested(kind, 1))()  # what is loaded once
    few, some, many = (calls_of(use(nested(kind, depth))) for depth in (8, 16, 24))
    assert many - some <= 1.15 * (some - few) + 8


def test_a_network_is_made_level_by_level():
    few, some, many = (calls_of(lambda n=depth: nested("both", n)) for depth in (8, 16, 24))
    assert many - some == some - few


def test_names_are_found_twice_at_any_depth():
    inner = ev.Residual([ev.Dense(4, name="a"), ev.Dense(4, name="b")])
    for outer in (ev.Sequential([ev.Residual([inner])]), inner):
        with pytest.raises(ev.errors.ConfigurationError, match="two layers are named 'b'"):
            ev.Sequential([ev.Dense(4, name="b"), outer])
    with pytest.raises(ev.errors.ConfigurationError, match="Branches: two layers are named 'a'"):
        ev.Branches([[inner], [ev.Dense(4, name="a")]])
