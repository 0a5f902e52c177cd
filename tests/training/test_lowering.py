"""Dropout and weight decay that follow a schedule."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

import evenly as ev
from evenly.errors import ConfigurationError
from tests.contract.common import arrays_for, error
from tests.contract.test_training import train_by_definition

from .checkpointing import X as EVERY
from .checkpointing import Y as LABELS

X, Y = EVERY[:96], LABELS[:96]

RULE = ev.AdamW(0.05, weight_decay=0.3)
NET = ev.Sequential([ev.Dense(12), ev.ReLU(), ev.Dropout(0.4), ev.Dense(3)])
FALLS = ev.FlatCosine(0.25)
DROPPING = [
    [ev.Dense(9), ev.ReLU(), ev.Dropout(0.4)], [ev.Dense(9), ev.Tanh(), ev.Dropout(0.4)],
    [ev.Dense(9), ev.GELU(), ev.Dropout(0.4)], [ev.Dropout(0.4)],
    [ev.Dense(9, bias=False), ev.BatchNorm(), ev.ReLU(), ev.Dropout(0.4)],
    [ev.Dense(9), ev.LayerNorm(), ev.Tanh(), ev.Dropout(0.4)],
    [ev.Dense(9), ev.GroupNorm(3), ev.ReLU(), ev.Dropout(0.4)],
    [ev.SpatialDropout(0.4)], [ev.StochasticDepth(0.4)], [ev.Dense(9), ev.AlphaDropout(0.4)],
    [ev.GaussianDropout(0.4)], [ev.DropConnect(ev.Dense(9), 0.4)],
    [ev.Residual([ev.Dense(5), ev.StochasticDepth(0.4)]), ev.ReLU(), ev.Dropout(0.2)],
]


def trained(**more):
    return ev.fit(NET, X, Y, **{
        "loss": ev.SoftmaxCrossEntropy(), "optimizer": RULE, "epochs": 4, "batch": 16, "seed": 3,
        **more,
    })


def by_both(net, x, y, loss, factors):
    """(weights of the engine, of the definitions) after a step with each factor."""
    program = ev.compile(net, x.shape[1:], batch=8, loss=loss, optimizer=RULE, dtype="float64")
    engine = ev.Engine(program, seed=5, weights=arrays_for(net, x.shape[1:], 1, "float64"))
    start = {name: array.copy() for name, array in engine.arrays.items()}
    moves = {"dropouts": np.array(factors), "decays": np.array(factors[::-1])}
    list(engine.train(engine.rows(x), engine.targets(y), None, 8, **moves))
    batches = [(x[i : i + 8], y[i : i + 8]) for i in range(0, len(x), 8)]
    return engine.arrays, train_by_definition(net, start, batches, loss, RULE, 5, **moves)[0]


@pytest.mark.parametrize("layers", DROPPING, ids=lambda layers: repr(layers[-1])[:40])
def test_kernel_and_definition_drop_alike(layers):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((32, 5)), rng.integers(0, 3, 32)
    net = ev.Sequential([*layers, ev.Dense(3, name="last")])
    ours, wanted = by_both(net, x, y, ev.SoftmaxCrossEntropy(), [0.5, 0.0, 1.0, 0.123])
    for name, array in wanted.items():
        assert error(ours[name], array, 1e-2) < 1e-9, name


@pytest.mark.parametrize("layer", [ev.LSTM(4, recurrent_dropout=0.4), ev.GRU(
    4, recurrent_dropout=0.4), ev.RNN(4, layers=2, dropout=0.4), ev.Sequential(
    [ev.Conv1D(4, 3), ev.ReLU(), ev.Dropout(0.4), ev.SpatialDropout(0.2), ev.Flatten()])],
    ids=lambda layer: type(layer).__name__)
def test_layers_of_sequences_drop_alike(layer):
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((32, 6, 3)), rng.integers(0, 3, 32)
    net = ev.Sequential([layer, ev.Dense(3, name="last")])
    ours, wanted = by_both(net, x, y, ev.SoftmaxCrossEntropy(), [0.5, 0.0, 1.0, 0.123])
    for name, array in wanted.items():
        assert error(ours[name], array, 1e-2) < 1e-9, name


@dataclass(frozen=True)
class Always(ev.Schedule):
    value: float
    by: str = "step"

    def factors(self, positions, length):
        return np.full(positions.shape, self.value)


def same(one, other):
    assert one.weights.keys() == other.weights.keys()
    for name, array in one.weights.items():
        np.testing.assert_array_equal(array, other.weights[name], name)


def test_a_factor_of_1_changes_no_bit_and_0_is_none():
    same(trained(), trained(dropout_schedule=Always(1.0), decay_schedule=Always(1.0)))
    none = replace(RULE, weight_decay=0.0)
    same(trained(optimizer=none), trained(decay_schedule=Always(0.0)))
    bare = ev.fit(ev.Sequential([*NET.layers[:2], ev.Dropout(0.0), ev.Dense(3)]), X, Y,
                  loss=ev.SoftmaxCrossEntropy(), optimizer=RULE, epochs=4, batch=16, seed=3)
    same(bare, trained(dropout_schedule=Always(0.0)))


def test_each_lowers_its_own():
    plain = trained()
    for name in ("dropout_schedule", "decay_schedule"):
        own = trained(**{name: FALLS})
        kernel = "dense_1.kernel"
        assert (own.weights[kernel] != plain.weights[kernel]).any()
        told = {"dropout_schedule": "dropout_factor", "decay_schedule": "decay_factor"}
        other = told.keys() - {name}
        steps = own.history[0].steps
        wanted = [FALLS.factors(np.array([steps * n - 1.0]), 4 * steps)[0] for n in (1, 2, 3, 4)]
        np.testing.assert_allclose(own.history.column(told[name]), wanted, rtol=1e-12)
        assert all(getattr(record, told[key]) is None for key in other for record in own.history)
        assert own.history[-1].learning_rate == RULE.learning_rate


def test_any_number_of_threads_and_half_a_pass_at_a_time():
    both = {"dropout_schedule": FALLS, "decay_schedule": ev.CosineDecay(by="epoch")}
    whole = trained(**both, threads=1)
    same(whole, trained(**both, threads=3))

    def draws():
        order = np.arange(len(X)).reshape(-1, 16)
        for rows in order:
            yield X[rows], Y[rows]

    streamed = ev.fit(NET, ev.Batches(draws, rows=len(X)), loss=ev.SoftmaxCrossEntropy(),
                      optimizer=RULE, epochs=4, batch=16, seed=3, shuffle=False, **both)
    same(trained(**both, shuffle=False), streamed)


def test_resumed_to_the_bit(tmp_path):
    both = {"dropout_schedule": FALLS, "decay_schedule": FALLS}
    whole = trained(**both)
    for place in range(3, 14, 5):
        rule = ev.Checkpoint(tmp_path / str(place), steps=place)

        def stop(rule=rule):
            return any((rule.folder).glob("checkpoint-*.evenly"))

        assert trained(**both, checkpoint=rule, stop=stop).history.stopped == "interrupted"
        again = trained(**both, checkpoint=rule, resume=True)
        same(whole, again)
        for ours, theirs in zip(whole.history, again.history, strict=True):
            assert replace(ours, seconds=0) == replace(theirs, seconds=0)


def test_a_checkpoint_is_of_its_schedules(tmp_path):
    rule = ev.Checkpoint(tmp_path, steps=2)
    trained(dropout_schedule=FALLS, checkpoint=rule, epochs=2)
    with pytest.raises(ConfigurationError, match="dropout_schedule was FlatCosine"):
        trained(checkpoint=rule, resume=True, epochs=2)
    with pytest.raises(ConfigurationError, match="schedule depends on the number of epochs"):
        trained(dropout_schedule=FALLS, checkpoint=rule, resume=True, epochs=3)


@pytest.mark.parametrize(("settings", "words"), [
    ({"decay_schedule": FALLS, "optimizer": ev.Adam()}, "and Adam has none: give Adam"),
    ({"dropout_schedule": FALLS, "net": ev.Dense(3)}, "rates of dropout, and the network has none"),
    ({"dropout_schedule": FALLS, "net": [ev.Dropout(0.3, classic=True), ev.Dense(3)]},
     "Dropout 'dropout_1': classic dropout scales in inference by its one rate"),
    ({"dropout_schedule": ev.FlatCosine}, "dropout_schedule must be a Schedule.*call it"),
    ({"decay_schedule": ev.ReduceOnPlateau()}, "decay_schedule must be a Schedule"),
    ({"dropout_schedule": Always(1.5)}, "numbers from 0 to 1"),
    ({"decay_schedule": Always(-1.0)}, "numbers from 0 to 1"),
])
def test_what_is_refused(settings, words):
    net = settings.pop("net", NET)
    more = {"loss": ev.SoftmaxCrossEntropy(), "optimizer": RULE, "epochs": 2, **settings}
    with pytest.raises(ConfigurationError, match=words):
        ev.fit(net, X, Y, **more)
    if "numbers" not in words:
        with pytest.raises(ConfigurationError, match=words):
            ev.check(net, X, Y, trials=False, **more)


def test_a_source_of_unknown_length_wants_epochs():
    source = ev.Batches(lambda: iter([(X[:32], Y[:32])]))
    told = {"loss": ev.SoftmaxCrossEntropy(), "optimizer": RULE, "epochs": 2, "batch": 16}
    with pytest.raises(ConfigurationError, match="FlatCosine counts in steps"):
        ev.fit(NET, source, dropout_schedule=FALLS, **told)
    model = ev.fit(NET, source, dropout_schedule=ev.FlatCosine(by="epoch", flat=0.0), **told)
    assert model.history[1].dropout_factor == 0.5


def test_a_layer_of_ones_own_hears_of_it():
    @dataclass(frozen=True)
    class Halves(ev.Layer):
        rate: float = 0.5
        name: str | None = None
        drops = True

        def forward(self, x, arrays, run):
            rate = run.dropped(self.rate) if run.training else 0.0
            return x * (1 - rate), 1 - rate

        def backward(self, d_y, arrays, saved, run):
            return d_y * saved, {}

    own = ev.fit([Halves(), ev.Dense(3)], X, Y, loss=ev.SoftmaxCrossEntropy(), optimizer=RULE,
                 epochs=2, dropout_schedule=Always(0.0), seed=1)
    plain = ev.fit(ev.Dense(3), X, Y, loss=ev.SoftmaxCrossEntropy(), optimizer=RULE, epochs=2,
                   seed=1)
    np.testing.assert_allclose(own.predict(X), plain.predict(X), rtol=1e-5, atol=1e-6)


def test_a_file_tells_the_factors(tmp_path):
    model = trained(dropout_schedule=FALLS)
    ev.save(tmp_path / "m.safetensors", model)
    assert ev.load(tmp_path / "m.safetensors").history.records == model.history.records
