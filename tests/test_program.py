"""Compiling: what is fused, where buffers lie, what is refused and with which words."""

import re

import numpy as np
import pytest

import evenly as ev
from evenly.errors import ConfigurationError, ShapeError
from evenly.program.parts import WORK

LOSS, RULE = ev.SoftmaxCrossEntropy(), ev.Adam()
NET = ev.Sequential([
    ev.Flatten(), ev.Dense(8), ev.BatchNorm(), ev.ReLU(), ev.Dropout(0.5), ev.Dense(6), ev.Tanh(),
    ev.LayerNorm(), ev.Dropout(0.2), ev.Sigmoid(), ev.Dense(3),
])


def compiled(net=NET, shape=(4, 4), **settings):
    return ev.compile(net, shape, **{"batch": 16, "loss": LOSS, "optimizer": RULE} | settings)


def test_what_is_fused():
    members = [i.layers for i in compiled().lists["gradient"] if i.operation.endswith(".forward")]
    assert members == [
        ("dense_1",), ("batch_norm_1", "relu_1", "dropout_1"), ("dense_2", "tanh_1"),
        ("layer_norm_1", "dropout_2"), ("sigmoid_1",), ("dense_3",),
    ]


def test_inference_leaves_dropout_out():
    lists = compiled().lists
    for instruction in lists["inference"]:
        assert not any(name.startswith("dropout") for name in instruction.layers)
        assert "dropout_rate" not in instruction.numbers


def test_a_bias_in_front_of_batch_norm_gets_no_gradient():
    notes = {i.layers[0]: i.note for i in compiled().lists["gradient"]
             if i.operation == "dense.backward"}
    assert notes == {"dense_1": "no gradient for bias", "dense_2": "", "dense_3": ""}
    # With an activation between them the bias does have an effect.
    net = [ev.Dense(4), ev.ReLU(), ev.BatchNorm(), ev.Dense(3)]
    assert all(not i.note for i in compiled(net, 5).lists["gradient"])


def test_print_shows_all():
    text = str(compiled())
    for part in ("batch_norm_1 + relu_1 + dropout_1", "(16 x 8) -> (16 x 8)", "gradient_check",
                 "adam.update", "dense_1.kernel.gradient", "8 x 6 float32", "parameters", "384 B"):
        assert part in text, part
    program = compiled()
    listed = text[text.index("\nbuffers:"):]
    for name in program.buffers:
        assert re.search(rf"^  {re.escape(name)} ", listed, re.M), name


@pytest.mark.parametrize("loss", [LOSS, None])
def test_buffers_in_use_at_once_do_not_overlap(loss):
    program = compiled(loss=loss, optimizer=RULE if loss else None)
    for keys in (("forward", "gradient", "backward", "update"), ("evaluation",)):
        lines = [line for key in keys for line in program.lists.get(key, ())]
        uses = {}
        for time, line in enumerate(lines):
            for name in line.buffers.values():
                uses.setdefault(name, []).append(time)
        spans = [
            (min(times), max(times), program.buffers[name]) for name, times in uses.items()
            if program.buffers[name].region == WORK
        ]
        for i, (begin, end, a) in enumerate(spans):
            assert a.offset % 64 == 0
            assert a.offset + a.bytes <= program.work_bytes
            for other_begin, other_end, b in spans[:i]:
                apart_in_time = end < other_begin or other_end < begin
                apart = a.offset + a.bytes <= b.offset or b.offset + b.bytes <= a.offset
                assert apart_in_time or apart, (a.name, b.name)


def test_places_are_used_again():
    deep = [layer for _ in range(20) for layer in (ev.Dense(64), ev.ReLU())]
    program = ev.compile(deep, 64, batch=2048, loss=ev.MeanSquaredError(), optimizer=RULE)
    gradients = sum(b.bytes for b in program.buffers.values() if b.name.endswith("d_x"))
    activations = sum(b.bytes for b in program.buffers.values() if b.name.endswith(".y"))
    assert program.work_bytes < activations + gradients / 2


def test_what_a_convolution_works_in_lives_no_longer_than_it_runs():
    lines = compiled([ev.Conv2D(16, 3), ev.Conv2D(2, 3), ev.Flatten(), ev.Dense(3)], (12, 12, 16),
                     batch=2).lists["gradient"]
    working = [line.buffers[slot] for line in lines for slot in ("packed", "partials")
               if slot in line.buffers]
    assert len(working) == len(set(working)) == 6


def test_names():
    net = ev.Sequential([ev.Dense(2), ev.Sequential([ev.Dense(2, name="dense_2"), ev.ReLU()]),
                         ev.Dense(2)])
    assert [name for name, _ in net.named_layers()] == ["dense_1", "dense_2", "relu_1", "dense_3"]


def test_values_are_equal_and_printable():
    assert ev.Dense(3) == ev.Dense(3) != ev.Dense(4)
    assert ev.Sequential([ev.ReLU()]) == ev.Sequential([ev.ReLU()])
    assert hash(ev.BatchNorm()) == hash(ev.BatchNorm())
    assert repr(ev.Dropout(0.5)) == "Dropout(rate=0.5, classic=False, name=None)"


REFUSED = [
    (lambda: compiled([ev.Dense(3)], (28, 28)), ShapeError,
     "Dense 'dense_1': expects (batch, features), got (batch, 28, 28): add Flatten() before it"),
    (lambda: compiled([ev.Dense(3, name="hidden")], (28, 28)), ShapeError,
     "Dense 'hidden': expects (batch, features), got (batch, 28, 28): add Flatten() before it"),
    (lambda: compiled([ev.ReLU()], (4, 4, 3)), ShapeError,
     "SoftmaxCrossEntropy: expects scores of shape (batch, outputs) or (batch, steps, outputs), "
     "got (batch, 4, 4, 3): add Flatten() or Dense(outputs) at the end of the network"),
    (lambda: compiled([ev.BatchNorm(), ev.Dense(3)], 4, batch=1), ConfigurationError,
     "BatchNorm 'batch_norm_1': training needs batches of at least 2 rows, got batch=1: one row "
     "has no variance; use a larger batch, LayerNorm or GroupNorm"),
    (lambda: compiled([ev.Dense(3)], ()), ShapeError,
     "compile: input_shape is the shape of one example, got (): use (features,)"),
    (lambda: compiled([ev.Dense(3)], (0,)), ShapeError,
     "compile: every axis must have at least one element, got (0,)"),
    (lambda: compiled([ev.Dense(3)], 4, batch=0), ConfigurationError,
     "compile: batch must be a whole number >= 1, got 0"),
    (lambda: compiled([ev.Dense(3)], 4, dtype="float16"), ConfigurationError,
     "compile: dtype must be one of ('float32', 'float64'), got 'float16'"),
    (lambda: compiled([ev.Dense(3)], 4, optimizer=ev.Adam), ConfigurationError, "; call it"),
    (lambda: compiled([ev.Dense(3)], 4, loss=None), ConfigurationError,
     "compile: an optimizer without a loss has nothing to lower"),
    (lambda: compiled([ev.Dense(3)], 4, batch=2**44), ConfigurationError,
     "make the batch or the layers smaller"),
    (lambda: ev.Sequential([ev.Dense]), ConfigurationError,
     "call it: Dense(10), not Dense"),
    (lambda: ev.Sequential([ev.Dense(1, name="a"), ev.ReLU(name="a")]), ConfigurationError,
     "Sequential: two layers are named 'a'"),
    (lambda: ev.Dense(0), ConfigurationError, "Dense: units must be at least 1, got 0"),
    (lambda: ev.Dropout(1.0), ConfigurationError,
     "Dropout: rate is the fraction dropped: at least 0 and below 1, got 1.0"),
    (lambda: ev.BatchNorm(decay=1.0), ConfigurationError,
     "BatchNorm: decay must be at least 0 and below 1, got 1.0"),
    (lambda: ev.LayerNorm(epsilon=-1), ConfigurationError,
     "LayerNorm: epsilon must not be negative, got -1"),
    (lambda: ev.Adam(-1.0), ConfigurationError, "Adam: learning_rate must be positive, got -1.0"),
    (lambda: ev.AdamW(weight_decay=-1.0), ConfigurationError,
     "AdamW: weight_decay must not be negative, got -1.0"),
    (lambda: ev.Momentum(bias_correction=True), ConfigurationError,
     "Momentum: bias_correction corrects an average: set average=True too"),
    (lambda: ev.L2(-1), ConfigurationError, "L2: strength must not be negative, got -1"),
    (lambda: ev.ClipGlobalNorm(0), ConfigurationError,
     "ClipGlobalNorm: max_norm must be positive, got 0"),
]


@pytest.mark.parametrize(("make", "kind", "message"), REFUSED, ids=[r[2][:40] for r in REFUSED])
def test_refused(make, kind, message):
    with pytest.raises(kind, match=re.escape(message)):
        make()


def test_batch_of_one_is_right_in_inference():
    program = ev.compile([ev.BatchNorm()], 3, batch=1)
    engine = ev.Engine(program, weights={"batch_norm_1.running_mean": np.ones(3)})
    assert np.allclose(engine.predict(np.full((1, 3), 3.0)), 2.0, atol=1e-4)
