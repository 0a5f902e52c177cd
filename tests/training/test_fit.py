"""Training: batches, validation, early stopping, records, divergence."""

import numpy as np
import pytest

import evenly as ev
from evenly.errors import ConfigurationError, DataError, DivergenceError, ShapeError

LOSS = ev.SoftmaxCrossEntropy()
NET = ev.Sequential([ev.Dense(16), ev.BatchNorm(), ev.ReLU(), ev.Dense(3)])


def blobs(rows=120, seed=0):
    """Three clouds in the plane."""
    rng = np.random.default_rng(seed)
    y = np.arange(rows) % 3
    centres = np.array([[3.0, 0.0], [-3.0, 2.0], [0.0, -4.0]])
    return centres[y] + rng.standard_normal((rows, 2)), y


def fit(net=NET, rows=120, **settings):
    x, y = blobs(rows)
    settings = {"loss": LOSS, "epochs": 3, "batch": 16, "progress": False} | settings
    return ev.fit(net, x, y, **settings)


@pytest.mark.parametrize(("batch", "rows", "steps"), [
    (None, 120, 1), (16, 120, 8), (120, 120, 1), (500, 120, 1), (11, 120, 11),
    (17, 120, 7),  # 7 * 17 = 119: the last row sits the pass out, batch norm needs two
])
def test_batches(batch, rows, steps):
    model = fit(batch=batch, rows=rows)
    assert [record.steps for record in model.history] == [steps] * 3
    assert model.history.stopped == "epochs"


def test_single_examples():
    net = ev.Sequential([ev.Dense(8), ev.LayerNorm(), ev.ReLU(), ev.Dense(3)])
    model = fit(net, batch=1, epochs=2)
    assert model.history[0].steps == 120
    with pytest.raises(ConfigurationError, match="at least 2 rows, got batch=1"):
        fit(batch=1)


@pytest.mark.parametrize("rule", [ev.SGD(0.1), ev.Momentum(0.05), ev.RMSprop(0.01), ev.Adam(0.02),
                                  ev.AdamW(0.02)])
def test_learns(rule):
    model = fit(optimizer=rule, epochs=20)
    x, y = blobs(300, seed=1)
    assert model.evaluate(x, y).score > 0.95
    losses = model.history.column("loss")
    assert losses[-1] < losses[0] / 2


def test_regression_and_its_r2():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 3))
    y = x @ [1.0, -2.0, 0.5] + 3
    net = ev.Sequential([ev.Dense(1)])
    model = ev.fit(net, x, y, loss=ev.MeanSquaredError(), optimizer=ev.Adam(0.1), epochs=60,
                   validation=(x, y))
    assert model.predict(x).shape == (200, 1)
    assert model.history[-1].validation_score > 0.999
    residual = ((model.predict(x)[:, 0] - y) ** 2).mean()
    assert model.evaluate(x, y).score == pytest.approx(1 - residual / y.var(), abs=1e-6)
    assert model.history[-1].score == pytest.approx(1.0, abs=1e-3)


def test_yes_or_no():
    x, y = blobs()
    net = ev.Sequential([ev.Dense(8), ev.Tanh(), ev.Dense(1)])
    model = ev.fit(net, x, y == 0, loss=ev.BinaryCrossEntropy(), optimizer=ev.Adam(0.05), epochs=20)
    assert model.history[-1].score > 0.9
    p = model.predict_proba(x)
    assert ((p > 0.5)[:, 0] == (model.predict(x)[:, 0] > 0)).all()


def test_records_are_what_happened():
    x, y = blobs(100)
    model = ev.fit(NET, x, y, loss=LOSS, epochs=2, batch=30, validation=(x[:40], y[:40]),
                   penalty=ev.L2(0.1), optimizer=ev.SGD(1e-12))
    record = model.history[-1]
    assert (record.epoch, record.steps) == (2, 4)
    evaluation = model.evaluate(x[:40], y[:40])
    assert (record.validation_loss, record.validation_score) == (evaluation.loss, evaluation.score)
    kernels = [v for k, v in model.weights.items() if k.endswith("kernel")]
    assert record.penalty == pytest.approx(0.05 * sum((k**2).sum() for k in kernels), rel=1e-5)
    # Nothing moved: the mean over unequal batches is the mean over rows.
    net = ev.Sequential([ev.Dense(3)])
    still = ev.fit(net, x, y, loss=LOSS, epochs=1, batch=30, optimizer=ev.SGD(1e-12))
    whole = still.evaluate(x, y)
    assert still.history[0].loss == pytest.approx(whole.loss, rel=1e-5)
    assert still.history[0].score == pytest.approx(whole.score)


def test_the_same_seed_gives_the_same_model():
    a, b, other = fit(seed=3), fit(seed=3, threads=2), fit(seed=4)
    for name, array in a.weights.items():
        assert (array == b.weights[name]).all()
    assert (a.weights["dense_1.kernel"] != other.weights["dense_1.kernel"]).any()


def test_shuffle_changes_the_batches():
    assert fit(shuffle=True).history[0].loss != fit(shuffle=False).history[0].loss


def test_a_share_for_validation():
    model = fit(validation=0.25)
    assert model.history[0].steps == 6  # 90 rows are left
    assert model.history[0].validation_loss is not None
    assert fit().history[0].validation_loss is None


def test_early_stopping_restores_the_best_epoch():
    x, y = blobs(60)
    y = np.random.default_rng(0).permutation(y)  # nothing to learn: validation gets worse
    seen = []
    model = ev.fit(NET, x, y, loss=LOSS, epochs=200, batch=20, validation=0.3,
                   optimizer=ev.Adam(0.05), early_stopping=ev.EarlyStopping(patience=4),
                   callbacks=[seen.append])
    history = model.history
    losses = history.column("validation_loss")
    assert history.stopped == "early stopping"
    assert history.best_epoch == int(losses.argmin()) + 1
    assert len(history) == history.best_epoch + 4
    assert list(history) == seen
    rng_split = ev.fit(NET, x, y, loss=LOSS, epochs=history.best_epoch, batch=20, validation=0.3,
                       optimizer=ev.Adam(0.05))
    for name, array in model.weights.items():
        assert (array == rng_split.weights[name]).all(), name


def test_callbacks():
    model = fit(epochs=9, callbacks=[lambda record: "stop" if record.epoch == 2 else None])
    assert (len(model.history), model.history.stopped) == (2, "callback")
    with pytest.raises(ConfigurationError, match="may return 'stop' or None, got 'halt'"):
        fit(callbacks=[lambda record: "halt"])


def test_stop_ends_training_within_an_epoch():
    asked = []

    def stop():
        asked.append(None)
        return len(asked) > 1

    # A step of this network takes longer than the training asks for patience.
    net = ev.Sequential([ev.Dense(3000), ev.ReLU(), ev.Dense(3000), ev.ReLU(), ev.Dense(3)])
    x, y = blobs(640)
    model = ev.fit(net, x, y, loss=LOSS, epochs=3, batch=64, stop=stop)
    assert (len(model.history), model.history.stopped) == (1, "interrupted")
    assert 1 <= model.history[0].steps < 10
    assert fit(epochs=2, stop=lambda: True).history.stopped == "interrupted"
    assert fit(epochs=2, stop=lambda: False).history.stopped == "epochs"


def test_stop_behind_the_last_step_changes_nothing():
    over = []
    model = fit(epochs=2, callbacks=[lambda record: over.append(record) if record.epoch == 2
                                     else None], stop=lambda: bool(over))
    assert (len(model.history), model.history.stopped) == (2, "epochs")


def test_training_goes_on_from_a_model():
    first = fit(epochs=5, optimizer=ev.Adam(0.01))
    kept = first.weights["dense_1.kernel"].copy()
    second = ev.fit(first, *blobs(), loss=LOSS, epochs=1, optimizer=ev.SGD(1e-9))
    assert np.allclose(second.weights["dense_1.kernel"], kept, atol=1e-6)
    assert (first.weights["dense_1.kernel"] == kept).all()


def test_divergence_keeps_the_last_good_weights():
    x, y = blobs()
    net = ev.Sequential([ev.Dense(8), ev.ReLU(), ev.Dense(1)])
    with pytest.raises(DivergenceError, match=r"epoch \d+, step \d+: .* is not finite") as caught:
        ev.fit(net, 100 * x, 1e4 * y, loss=ev.MeanSquaredError(), optimizer=ev.SGD(10.0), batch=20,
               epochs=50)
    error = caught.value
    assert error.step >= 2
    assert error.layer.startswith(("the output of dense", "the gradient of dense", "the loss"))
    assert all(np.isfinite(array).all() for array in error.weights.values())
    assert np.isfinite(error.model.predict(x)).all()
    assert error.model.history.stopped == "diverged"


def test_divergence_at_an_absurd_rate():
    """The update itself overflows: the weights of the epoch's start are the last good ones."""
    x, y = blobs()
    with pytest.raises(DivergenceError) as caught:
        ev.fit(NET, x, y, loss=LOSS, optimizer=ev.SGD(1e38), batch=20)
    assert all(np.isfinite(array).all() for array in caught.value.weights.values())


BAD = [
    (lambda x, y: (x[:, 0], y), {}, DataError, r"x must have shape \(rows, features...\)"),
    (lambda x, y: (x, y[:-1]), {}, DataError, "x has 120 rows and y has 119"),
    (lambda x, y: (x[:0], y[:0]), {}, DataError, "at least one row"),
    (lambda x, y: (np.where(x == x[5, 1], np.nan, x), y), {}, DataError, "first in row 5"),
    (lambda x, y: (x.astype(str), y), {}, DataError, "encode text columns first"),
    (lambda x, y: (x, y + 1), {}, DataError, "the last layer needs 4 units"),
    (lambda x, y: (x, y), {"epochs": 0}, ConfigurationError, "epochs must be a whole number >= 1"),
    (lambda x, y: (x, y), {"batch": 0}, ConfigurationError, "batch must be a whole number >= 1"),
    (lambda x, y: (x, y), {"validation": 1.5}, DataError, "between 0 and 1, got 1.5"),
    (lambda x, y: (x, y), {"validation": 1e-4}, DataError, "and 0 to validate with"),
    (lambda x, y: (x, y), {"validation": (np.ones((9, 1)), np.zeros(9, int))}, ShapeError,
     r"shape \(n, 2\), got"),
    (lambda x, y: (x, y), {"early_stopping": ev.EarlyStopping()}, ConfigurationError,
     "give validation=0.1"),
    (lambda x, y: (x, y), {"seed": 1.5}, ConfigurationError, "seed must be a whole number"),
    (lambda x, y: (x, y), {"loss": ev.MeanSquaredError()}, DataError,
     r"expects targets of shape \(n, 3\), got \(120,\)"),
    (lambda x, y: (x, y), {"loss": ev.BinaryCrossEntropy()}, DataError, "shape"),
]


@pytest.mark.parametrize(("spoil", "settings", "kind", "message"), BAD)
def test_bad_input(spoil, settings, kind, message):
    x, y = spoil(*blobs())
    with pytest.raises(kind, match=message):
        ev.fit(NET, x, y, **{"loss": LOSS, "epochs": 1} | settings)


@pytest.mark.parametrize(("settings", "message"), [
    ({"patience": 0}, "patience must be at least 1"), ({"min_delta": -1}, "must not be negative"),
    ({"monitor": "loss"}, "monitor must be one of"),
])
def test_early_stopping_settings(settings, message):
    with pytest.raises(ConfigurationError, match=message):
        ev.EarlyStopping(**settings)


def test_good_weights_when_only_the_gradient_fails():
    x = np.full((60, 5), 1e15, dtype=np.float32)
    y = np.zeros((60, 1))
    y[40:] = -1e26  # a finite loss, a gradient beyond float32
    net = ev.Sequential([ev.Dense(1, kernel_init=ev.Zeros())])
    with pytest.raises(DivergenceError, match="the gradient of dense_1 on kernel") as caught:
        ev.fit(net, x, y, loss=ev.MeanSquaredError(), optimizer=ev.SGD(1e-35), batch=20,
               shuffle=False)
    # Two steps went by; the loss then, 1e52, is far above the first one's: back to the start.
    assert caught.value.step == 3
    assert (caught.value.weights["dense_1.kernel"] == 0).all()


def test_good_weights_of_a_sudden_failure_are_the_latest():
    """The loss had not grown when a gradient failed: nothing that was learned is thrown away."""
    x, y = np.full((60, 5), 1.0, dtype=np.float32), np.full((60, 1), 1e20)
    x[40:] = 3e19  # the loss is as before; its gradient times this is beyond float32
    net = ev.Sequential([ev.Dense(1, bias=False, kernel_init=ev.Zeros())])
    with pytest.raises(DivergenceError) as caught:
        ev.fit(net, x, y, loss=ev.MeanSquaredError(), optimizer=ev.SGD(1e-30), batch=20,
               shuffle=False)
    assert caught.value.step == 3
    # Two steps of 1e-30 times a gradient of -2e20.
    assert np.allclose(caught.value.weights["dense_1.kernel"], 4e-10, rtol=1e-3)
