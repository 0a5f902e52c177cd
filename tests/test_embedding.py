"""Embedding: data that it cannot take, padding, and a gradient that threads do not change."""

import numpy as np
import pytest

import evenly as ev
from evenly.engine import NotFiniteError
from evenly.errors import ConfigurationError, DataError
from tests.contract.rows import OPTIMIZERS


def engine_for(layers, steps, batch, dtype="float32", **settings):
    return ev.Engine(ev.compile(layers, steps, batch=batch, dtype=dtype), seed=1, **settings)


@pytest.mark.parametrize(("bad", "said"), [
    (-1.0, "-1"), (5.0, "5"), (2.5, "2.5"), (np.nan, "nan"), (np.inf, "inf"), (-np.inf, "-inf"),
    (1e30, "1e\\+30"),
])
def test_a_number_that_is_none_of_the_tables(bad, said):
    x = np.zeros((3, 4))
    x[1, 2] = bad
    message = rf"Embedding 'embedding_1': expects whole numbers from 0 to 4, got {said} at \[1, 2\]"
    with pytest.raises(DataError, match=message):
        ev.Sequential([ev.Embedding(5, 2)]).forward(
            x, {"embedding_1.table": np.zeros((5, 2))}, ev.Run(training=True)
        )
    for layers in ([ev.Embedding(5, 2)], [ev.Flatten(), ev.Embedding(5, 2)]):
        engine = engine_for(layers, 4, 3)
        for use in (engine.forward, engine.predict):
            with pytest.raises(DataError, match=message):
                use(x)
    # Behind another layer only the kernel sees it: NaN, and nothing read or written elsewhere.
    engine = engine_for([ev.GaussianNoise(0.0), ev.Embedding(5, 2)], 4, 3)
    y = engine.forward(x)
    assert np.isnan(y[1, 2]).all()
    assert np.isnan(y).sum() == 2
    assert np.isnan(engine.predict(x)).sum() == 2
    d_x, gradients = engine.backward(np.ones((3, 4, 2)))
    assert gradients["embedding_1.table"].tolist() == [[11, 11], *[[0, 0]] * 4]
    assert not d_x.any()


def test_padding_is_zero_and_is_not_trained():
    engine = engine_for([ev.Embedding(3, 2, padding=1)], 3, 1)
    engine.arrays["embedding_1.table"][...] = [[1, 2], [3, 4], [5, 6]]
    x = np.array([[0, 1, 2]])
    assert engine.forward(x)[0].tolist() == [[1, 2], [0, 0], [5, 6]]
    assert engine.predict(x)[0].tolist() == [[1, 2], [0, 0], [5, 6]]
    _, gradients = engine.backward(np.ones((1, 3, 2)))
    assert gradients["embedding_1.table"].tolist() == [[1, 1], [0, 0], [1, 1]]


def test_threads_change_nothing():
    rng = np.random.default_rng(0)
    x = (rng.random((200, 30)) ** 4 * 50).astype(int)  # small numbers far more often
    d_y = rng.standard_normal((200, 30, 70))
    results = []
    for threads in (1, 2, 3, 8):
        engine = engine_for([ev.Embedding(50, 70)], 30, 200, threads=threads)
        y = engine.forward(x).tobytes()
        _, gradients = engine.backward(d_y)
        results.append((y, gradients["embedding_1.table"].tobytes()))
    assert len(set(results)) == 1


def test_the_largest_vocabulary_that_float32_can_number():
    with pytest.raises(ConfigurationError, match=r"vocabulary must be from 1 to 2\^24"):
        ev.Embedding(2**24 + 1, 1)
    engine = engine_for([ev.Embedding(2**24, 1)], 2, 1)
    x = np.array([[2**24 - 1, 2**24 - 2]])
    table = engine.arrays["embedding_1.table"][:, 0]
    assert engine.forward(x)[0, :, 0].tolist() == table[[-1, -2]].tolist()


@pytest.mark.parametrize(("make", "message"), [
    (lambda: ev.Embedding(0, 3), "vocabulary must be"),
    (lambda: ev.Embedding(3, 0), "units must be"),
    (lambda: ev.Embedding(3, 3, padding=3), "padding must be one of the table's numbers, 0 to 2"),
])
def test_settings_that_cannot_work(make, message):
    with pytest.raises(ConfigurationError, match=message):
        make()


def test_it_learns():
    """Which of 12 words are in the second half: the table alone can know."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 12, (400, 1))
    y = (x[:, 0] >= 6).astype(int)
    net = ev.Sequential([ev.Embedding(12, 3), ev.Flatten(), ev.Dense(2)])
    model = ev.fit(net, x, y, loss=ev.SoftmaxCrossEntropy(), optimizer=ev.Adam(0.05), epochs=10,
                   batch=32, seed=0)
    assert (model.predict(x).argmax(axis=1) == y).all()


RULES = {
    **{type(row.optimizer).__name__ + str(i): row.optimizer for i, row in enumerate(OPTIMIZERS)},
    "Momentum(decay)": ev.Momentum(0.1, weight_decay=0.2),
    "AdamW(decay)": ev.AdamW(0.1, weight_decay=0.5),
    "Adagrad(decay)": ev.Adagrad(0.1, weight_decay=0.5),
}


def train_with_padding(row, dtype="float64", steps=3, **settings):
    net = [ev.Embedding(4, 3, padding=2), ev.Flatten(), ev.Dense(1)]
    program = ev.compile(net, 5, 6, ev.MeanSquaredError(), dtype=dtype, **settings)
    engine = ev.Engine(program, seed=1)
    if row is not None:
        engine.arrays["embedding_1.table"][2] = row
    x = np.random.default_rng(0).integers(0, 4, (6, 5))
    records = [engine.step(x, np.ones((6, 1))) for _ in range(steps)]
    return engine, records


@pytest.mark.parametrize("row", [None, [1.0, -2.0, 3.0]], ids=["zeros", "given"])
@pytest.mark.parametrize("others", [
    {}, {"penalty": ev.L2(0.5)}, {"penalty": ev.L1(0.5)}, {"penalty": ev.ElasticNet(0.1, 0.2)},
    {"constraint": ev.MaxNorm(0.5)}, {"constraint": ev.UnitNorm()},
    {"clip": ev.ClipNorm(0.1), "penalty": ev.L2(0.5)},
    {"clip": ev.ClipGlobalNorm(0.1), "penalty": ev.L2(0.5), "constraint": ev.MaxNorm(0.1)},
], ids=lambda settings: " ".join(settings) or "alone")
@pytest.mark.parametrize("rule", list(RULES.values()), ids=list(RULES))
def test_the_padding_row_stays_what_it_is(rule, others, row):
    engine, records = train_with_padding(row, optimizer=rule, **others)
    plain, same = train_with_padding(None, optimizer=rule, **others)
    table, wanted = (e.arrays["embedding_1.table"] for e in (engine, plain))
    assert table[2].tolist() == (row or [0.0, 0.0, 0.0])
    # Nothing else depends on what stands there.
    assert (np.delete(table, 2, axis=0) == np.delete(wanted, 2, axis=0)).all()
    for one, other in zip(records, same, strict=True):
        assert (one.loss, one.penalty, one.gradient_norm) == (
            other.loss, other.penalty, other.gradient_norm)
    assert np.abs(np.delete(wanted, 2, axis=0) - np.delete(
        train_with_padding(None, steps=0, optimizer=rule)[0].arrays["embedding_1.table"], 2, axis=0
    )).max() > 1e-6


@pytest.mark.parametrize("init", [ev.Normal(), ev.Constant(3.0), ev.Orthogonal()])
def test_the_padding_row_begins_as_zeros(init):
    net = [ev.Embedding(4, 3, padding=1, table_init=init)]
    table = ev.init(net, 5).weights["embedding_1.table"]
    assert (table[1] == 0).all()
    plain = ev.init([ev.Embedding(4, 3, table_init=init)], 5).weights["embedding_1.table"]
    assert (np.delete(table, 1, axis=0) == np.delete(plain, 1, axis=0)).all()


def test_a_step_that_fails_leaves_the_padding_row():
    net = [ev.Embedding(4, 3, padding=2), ev.Flatten(), ev.Dense(1)]
    engine = ev.Engine(ev.compile(net, 5, 6, ev.MeanSquaredError(), ev.SGD(0.1), penalty=ev.L2(1)))
    engine.arrays["embedding_1.table"][2] = 7
    engine.arrays["dense_1.kernel"][0] = 1e30
    with pytest.raises(NotFiniteError):
        engine.step(np.zeros((6, 5)), np.full((6, 1), 1e30))
    assert (engine.arrays["embedding_1.table"][2] == 7).all()
