"""What is not finite ends a training at once, or is never the best; what counts nothing changes
nothing."""

import dataclasses
import warnings

import numpy as np
import pytest
import scipy.sparse

import evenly as ev
from evenly.engine import NotFiniteError
from evenly.errors import ConfigurationError, DataError, DivergenceError
from evenly.rows import Batches
from evenly.training.early_stopping import BestSoFar
from evenly.training.history import EpochRecord
from evenly.training.plateau import PlateauFollower

LOSS = ev.SoftmaxCrossEntropy()
RNG = np.random.default_rng(0)
X = RNG.standard_normal((40, 3)).astype(np.float32)
Y = (X[:, 0] > 0).astype(int)
NETS = {
    "linear": [ev.Dense(2)],
    "deep": [ev.Dense(7), ev.BatchNorm(), ev.Softplus(), ev.Dropout(0.3), ev.Dense(2)],
    "normed": [ev.Dense(6), ev.LayerNorm(), ev.ELU(), ev.Dense(2)],
    "recurrent": [ev.Reshape((3, 1)), ev.GRU(4), ev.Dense(2)],
}


# Updates that overflow ------------------------------------------------------------------------


RULES = [ev.SGD(1e38), ev.Momentum(1e38), ev.Momentum(1e38, nesterov=True), ev.Adagrad(3e38),
         ev.RMSprop(3e38), ev.RMSprop(3e38, momentum=0.5), ev.Adam(3e38),
         ev.Adam(3e38, largest=True),
         ev.AdaMax(3e38), ev.NAdam(3e38), ev.RAdam(3e38)]


@pytest.mark.parametrize("rule", RULES, ids=repr)
@pytest.mark.parametrize("layers", [[ev.Dense(1)], [ev.Dense(4), ev.ReLU(), ev.Dense(1)]])
def test_an_update_that_overflows_is_told_at_its_step(rule, layers):
    x, y = np.full((4, 3), 10.0), np.full(4, 1e3)
    net = ev.Sequential(layers)
    with pytest.raises(DivergenceError, match=r"epoch 1, step \d+: .* is not finite") as caught:
        ev.fit(net, x, y, loss=ev.MeanSquaredError(), optimizer=rule, epochs=3, batch=None, seed=3)
    first = ev.init(net, 3, seed=3)
    for name, array in caught.value.weights.items():
        assert np.isfinite(array).all()
        if caught.value.step == 1:
            np.testing.assert_array_equal(array, first.weights[name])
    assert all(np.isfinite(array).all() for array in caught.value.model.weights.values())


def test_the_last_update_of_all_is_looked_at():
    x, y = np.ones((4, 1)), np.full(4, 100.0)
    with pytest.raises(DivergenceError, match=r"dense_1\.kernel after the update") as caught:
        ev.fit([ev.Dense(1)], x, y, loss=ev.MeanSquaredError(), optimizer=ev.SGD(1e38), epochs=1)
    assert (caught.value.epoch, caught.value.step) == (1, 1)


def test_engine_steps_tell_of_it_too():
    program = ev.compile([ev.Dense(1)], 1, batch=4, loss=ev.MeanSquaredError(),
                         optimizer=ev.SGD(1e38))
    x, y = np.ones((4, 1)), np.full(4, 100.0)
    engine = ev.Engine(program)
    with pytest.raises(NotFiniteError, match=r"dense_1\.kernel after the update") as caught:
        engine.step(x, y)
    assert caught.value.updated
    assert engine.steps == 1
    engine = ev.Engine(program)
    for name in engine.arrays:
        engine.gradient(name)[...] = 1e3
    with pytest.raises(NotFiniteError, match="after the update"):
        engine.update()


def test_a_layer_without_a_kernel_hides_no_overflow():
    @dataclasses.dataclass(frozen=True)
    class Same(ev.Layer):
        name: str | None = None

        def forward(self, x, arrays, run):
            return x, None

        def backward(self, d_y, arrays, saved, run):
            return d_y, {}

    with pytest.raises(DivergenceError, match=r"dense_1\.kernel after the update"):
        ev.fit([Same(), ev.Dense(1)], np.ones((4, 1)), np.full(4, 100.0),
               loss=ev.MeanSquaredError(), optimizer=ev.SGD(1e38), epochs=1)


def test_partial_fit_puts_the_weights_back():
    x = X.astype(np.float64)
    net = ev.NetRegressor(4, optimizer=ev.SGD(1e-3), batch=8, norm=None, dropout=0, random_state=0)
    net.partial_fit(x, x[:, 0])
    before = {name: array.copy() for name, array in net.model_.weights.items()}
    net.set_params(optimizer=ev.SGD(1e38))
    with pytest.raises(DivergenceError, match="partial_fit") as caught:
        net.partial_fit(x, x[:, 0] * 1e3)
    for name, array in before.items():
        np.testing.assert_array_equal(net.model_.weights[name], array)
        assert np.isfinite(caught.value.weights[name]).all()


def test_partial_fit_puts_the_optimizers_states_back():
    """A call that diverges changes nothing: the next one is as if it had not been."""
    x = X.astype(np.float64)
    settings = {"optimizer": ev.Momentum(3e37), "batch": 40, "norm": None, "dropout": 0,
                "random_state": 0, "scale": False}
    y, nets = 1e-37 * x[:, 0], [ev.NetRegressor((), **settings) for _ in range(2)]
    for net in nets:
        net.partial_fit(x, y)
    with pytest.raises(DivergenceError):
        nets[0].partial_fit(1e18 * x, y)
    assert nets[0].model_.engine.steps == nets[1].model_.engine.steps == 1
    np.testing.assert_array_equal(nets[0].model_.engine.buffer("state_1"),
                                  nets[1].model_.engine.buffer("state_1"))


def test_a_state_of_the_optimizer_that_overflows_is_told():
    """A square of 1e44 is infinite in float32: Adam would never move that weight again."""
    x, y = np.ones((4, 1)), np.full(4, 1e22)
    with pytest.raises(DivergenceError, match=r"the optimizer's v of dense_1.kernel"):
        ev.fit([ev.Dense(1)], x, y, loss=ev.MeanSquaredError(), optimizer=ev.Adam(), epochs=1)


def test_a_running_statistic_that_overflows_is_told():
    @dataclasses.dataclass(frozen=True)
    class Counting(ev.Layer):
        name: str | None = None

        def arrays(self, shape):
            return {"seen": ev.ArraySpec((1,), trainable=False),
                    "mask": ev.ArraySpec((1,), trainable=False)}

        def forward(self, x, arrays, run):
            if run.training:
                with np.errstate(over="ignore"):
                    run.update("seen", np.float32(1e38) * (1 + arrays["seen"]))
            return x, None

        def backward(self, d_y, arrays, saved, run):
            return d_y, {}

    net = ev.Sequential([Counting(), ev.Dense(2)])
    model = ev.init(net, 3)
    model.weights["counting_1.mask"][...] = -np.inf  # what was infinite before is no fault
    with pytest.raises(DivergenceError, match=r"counting_1\.seen after the update") as caught:
        ev.fit(model, X, Y, loss=LOSS, epochs=3, batch=None)
    assert caught.value.epoch == 2  # 1e38, then infinity


# Settings that the element type cannot say ----------------------------------------------------


def compiled(layers=(), dtype="float32", optimizer=None, loss=LOSS, **parts):
    return ev.compile([*layers, ev.Dense(2)], 3, batch=4, loss=loss,
                      optimizer=optimizer or ev.SGD(0.1), dtype=dtype, **parts)


ZERO, INFINITE, ONE = r"is 0 in float32", r"is infinite in float32", r"is 1 in float32"
CANNOT = [
    *(({"optimizer": rule}, ZERO) for rule in (
        ev.Adam(epsilon=1e-50), ev.AdamW(epsilon=1e-46), ev.AdaMax(epsilon=1e-50),
        ev.NAdam(epsilon=1e-50), ev.RAdam(epsilon=1e-50), ev.RMSprop(epsilon=1e-50),
        ev.Adagrad(epsilon=1e-50), ev.SGD(1e-50), ev.Adagrad(initial=1e-60),
        ev.SGD(weight_decay=1e-46))),
    *(({"optimizer": rule}, INFINITE) for rule in (
        ev.SGD(1e39), ev.Adam(epsilon=1e40), ev.Adagrad(initial=1e39))),
    *(({"optimizer": rule}, ONE) for rule in (
        ev.Adam(beta_2=1 - 1e-9), ev.Adam(beta_1=1 - 1e-9), ev.RMSprop(beta=1 - 1e-9),
        ev.RMSprop(momentum=1 - 1e-9), ev.Momentum(beta=1 - 1e-9))),
    *(({"layers": [layer]}, ZERO) for layer in (
        ev.BatchNorm(epsilon=1e-50), ev.LayerNorm(epsilon=1e-50), ev.RMSNorm(epsilon=1e-50),
        ev.LeakyReLU(1e-50), ev.GaussianNoise(1e-50))),
    *(({"layers": [layer]}, INFINITE) for layer in (ev.ELU(1e39), ev.GaussianNoise(1e39))),
    ({"layers": [ev.BatchNorm(decay=1 - 1e-9)]}, ONE),
    ({"layers": [ev.Residual([ev.BatchNorm(epsilon=1e-50)])]}, ZERO),
    ({"penalty": ev.L2(1e-50)}, ZERO), ({"penalty": ev.L1(1e39)}, INFINITE),
    ({"clip": ev.ClipValue(1e-50)}, ZERO), ({"clip": ev.ClipNorm(1e39)}, INFINITE),
    ({"constraint": ev.MaxNorm(1e-50)}, ZERO),
    ({"loss": ev.SoftmaxCrossEntropy(class_weights=(1, 1e-50))}, ZERO),
    ({"loss": ev.SoftmaxCrossEntropy(class_weights=(1, 1e39))}, INFINITE),
    ({"loss": ev.Huber(delta=1e-50)}, ZERO),
]


@pytest.mark.parametrize(("settings", "words"), CANNOT, ids=lambda value: str(value)[:80])
def test_a_setting_that_float32_cannot_say_is_refused(settings, words):
    with pytest.raises(ConfigurationError, match=words + r".*or dtype='float64'"):
        compiled(**settings)
    compiled(dtype="float64", **settings)


def test_such_an_error_names_layer_and_field():
    with pytest.raises(ConfigurationError, match=r"LayerNorm 'layer_norm_1': epsilon=1e-50 is 0"):
        compiled([ev.LayerNorm(epsilon=1e-50)])
    with pytest.raises(ConfigurationError, match=r"Adam: epsilon=1e-50 is 0 in float32"):
        ev.fit([ev.Dense(1)], np.zeros((4, 2)), np.ones(4), loss=ev.MeanSquaredError(),
               optimizer=ev.Adam(epsilon=1e-50))
    compiled([ev.LayerNorm(epsilon=0.0)], clip=ev.ClipValue(np.inf))


# Early stopping ---------------------------------------------------------------------------------


def record(epoch, loss, score=0.5):
    return EpochRecord(epoch, 1, 1.0, 0.5, loss, score, 1.0, 0.0)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("min_delta", [0.0, 0.5])
def test_what_is_not_finite_is_never_the_best(bad, min_delta):
    losses = [bad, 2e59, 2e57, bad, 3e56, bad, bad, bad]
    best = BestSoFar(ev.EarlyStopping(patience=3, min_delta=min_delta))
    over = [best.is_over(record(i + 1, loss), {"w": np.array([i + 1.0])})
            for i, loss in enumerate(losses)]
    assert over == [False] * 7 + [True]
    assert best.epoch == 5
    assert best.weights["w"] == 5


def test_early_stopping_passes_a_nan_of_the_first_epoch():
    """A validation loss that overflows at first: fit goes on, and the best epoch is a later one."""
    x = np.full((8, 1), 1.0)
    far = np.full((4, 1), 3e38)
    model = ev.fit([ev.Dense(1, bias=False)], x, np.zeros(8), loss=ev.MeanAbsoluteError(),
                   optimizer=ev.SGD(0.3), epochs=12, seed=1, validation=(far, np.zeros(4)),
                   early_stopping=ev.EarlyStopping(patience=30))
    losses = model.history.column("validation_loss")
    assert model.history.best_epoch == np.nanargmin(losses) + 1


def test_all_nan_is_said():
    net = ev.Sequential([ev.Dense(2)])
    mask = np.full((4, 3), 3e38, np.float32)
    with pytest.warns(RuntimeWarning, match="validation loss was not finite in any epoch"):
        model = ev.fit(net, X, Y, loss=LOSS, epochs=9, optimizer=ev.SGD(1e-3),
                       validation=(np.c_[mask[:, :2], -mask[:, 2:]], [0, 1, 0, 1]), seed=1,
                       early_stopping=ev.EarlyStopping(patience=4))
    assert not np.isfinite(model.history.column("validation_loss")).any()
    assert model.history.best_epoch is None
    assert (model.history.stopped, len(model.history)) == ("early stopping", 4)
    plain = ev.fit(net, X, Y, loss=LOSS, epochs=4, optimizer=ev.SGD(1e-3), seed=1)
    for name, array in plain.weights.items():  # the last epoch's
        np.testing.assert_array_equal(model.weights[name], array)


def test_a_training_without_a_best_epoch_resumes(tmp_path):
    mask = np.full((4, 3), 3e38, np.float32)
    settings = {"loss": LOSS, "optimizer": ev.SGD(1e-3), "seed": 1, "epochs": 6,
                    "validation": (np.c_[mask[:, :2], -mask[:, 2:]], [0, 1, 0, 1]),
                    "early_stopping": ev.EarlyStopping(patience=5)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = ev.fit(ev.Dense(2), X, Y, **settings)
        checkpoint = ev.Checkpoint(tmp_path, steps=1)
        asked = iter([False] * 7)
        ev.fit(ev.Dense(2), X, Y, checkpoint=checkpoint, stop=lambda: next(asked, True), **settings)
        again = ev.fit(ev.Dense(2), X, Y, checkpoint=checkpoint, resume=True, **settings)
    assert len(whole.history) == len(again.history) == 5
    for name, array in whole.weights.items():
        np.testing.assert_array_equal(again.weights[name], array)


# Of a stream that is known only once it is read; to a plateau its epochs count as bad ones.
@pytest.mark.parametrize(("rule", "held"), [
    ({"early_stopping": ev.EarlyStopping(monitor="validation_score")}, (X[:5], np.ones(5))),
    ({"early_stopping": ev.EarlyStopping(monitor="validation_score")},
     Batches([(X[:5], np.ones(5))])),
    ({"schedule": ev.ReduceOnPlateau(monitor="validation_score")}, (X[:5], np.ones(5))),
])
def test_a_score_that_does_not_exist_cannot_be_watched(rule, held):
    with pytest.raises(DataError, match=r"validation score, which does not exist: R\^2"):
        ev.fit(ev.Dense(1), X, X[:, 0], loss=ev.MeanSquaredError(), epochs=2, validation=held,
               **rule)


def test_the_training_score_likewise():
    with pytest.raises(DataError, match=r"watches the score, which does not exist"):
        ev.fit(ev.Dense(1), X, np.ones(40), loss=ev.MeanSquaredError(),
               schedule=ev.ReduceOnPlateau(monitor="score"))


def test_a_plateau_is_not_left_by_infinity():
    follower = PlateauFollower(ev.ReduceOnPlateau(0.5, patience=1, monitor="validation_score"), 1.0)
    for epoch, score in enumerate([0.1, np.inf, 0.2, np.nan, np.nan], start=1):
        rate = follower.after(record(epoch, 1.0, score))
    assert rate == 0.5


# Rows of weight 0 -------------------------------------------------------------------------------


def same(a, b):
    assert a.history.records
    assert len(a.history) == len(b.history)
    for one, other in zip(a.history, b.history, strict=True):
        assert dataclasses.replace(one, seconds=0) == dataclasses.replace(other, seconds=0)
    for name, array in a.weights.items():
        np.testing.assert_array_equal(array, b.weights[name], err_msg=name)


def weighed(strange=3e38):
    weights = RNG.uniform(0.5, 2, 40)
    weights[[3, 8, 39]] = 0
    x = X.copy()
    x[[3, 8, 39]] = strange
    x[8, 1] *= -1
    return x, weights, weights > 0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("net", NETS.values(), ids=NETS)
def test_a_training_is_the_one_without_rows_of_weight_0(net, dtype):
    x, weights, kept = weighed()
    settings = {"loss": LOSS, "epochs": 3, "batch": 8, "dtype": dtype, "seed": 2}
    same(ev.fit(net, x, Y, sample_weight=weights, **settings),
         ev.fit(net, x[kept], Y[kept], sample_weight=weights[kept], **settings))


@pytest.mark.parametrize("loss", [ev.MeanSquaredError(), ev.Huber(), ev.MeanAbsoluteError(),
                                  ev.BinaryCrossEntropy(), ev.MeanSquaredError(mean_over="rows")])
def test_so_of_every_loss_with_validation(loss):
    x, weights, kept = weighed()
    settings = {"loss": loss, "epochs": 3, "batch": 8, "seed": 2}
    same(ev.fit(ev.Dense(1), x, Y, sample_weight=weights, validation=(x, Y, None, weights),
                **settings),
         ev.fit(ev.Dense(1), x[kept], Y[kept], sample_weight=weights[kept],
                validation=(x[kept], Y[kept], None, weights[kept]), **settings))


def test_so_of_what_is_read_and_of_sparse_rows():
    x, weights, kept = weighed()
    settings = {"loss": LOSS, "epochs": 3, "batch": 8, "seed": 2}
    same(ev.fit(ev.Dense(2), Batches([(x, Y, weights)]), **settings),
         ev.fit(ev.Dense(2), Batches([(x[kept], Y[kept], weights[kept])]), **settings))
    same(ev.fit(ev.Dense(2), scipy.sparse.csr_matrix(x), Y, sample_weight=weights, **settings),
         ev.fit(ev.Dense(2), x[kept], Y[kept], sample_weight=weights[kept], **settings))


def test_a_source_without_weight_is_refused():
    with pytest.raises(DataError, match="every row of the source has the weight 0"):
        ev.fit(ev.Dense(2), Batches([(X, Y, np.zeros(40))]), loss=LOSS)
    half = Batches([(X, Y, np.zeros(40)), (X, Y, np.ones(40))], rows=80)
    model = ev.fit(ev.Dense(2), half, loss=LOSS, epochs=2, batch=8, validation=half)
    assert [record.steps for record in model.history] == [5, 5]
    assert model.history[-1].validation_loss == pytest.approx(model.evaluate(X, Y).loss)


def test_a_share_to_validate_is_taken_of_what_counts():
    x, weights, kept = weighed()
    settings = {"loss": LOSS, "epochs": 2, "batch": 8, "seed": 2, "validation": 0.3}
    same(ev.fit(ev.Dense(2), x, Y, sample_weight=weights, **settings),
         ev.fit(ev.Dense(2), x[kept], Y[kept], sample_weight=weights[kept], **settings))


@pytest.mark.parametrize("net", NETS.values(), ids=NETS)
def test_gradients_and_evaluation_without_rows_of_weight_0(net):
    x, weights, kept = weighed()
    model = ev.init(ev.Sequential(net), 3, loss=LOSS, seed=1)
    value, gradients = model.gradients(x, Y, sample_weight=weights)
    wanted, without = model.gradients(x[kept], Y[kept], sample_weight=weights[kept])
    assert value == wanted
    np.testing.assert_array_equal(gradients["d_x"][kept], without.pop("d_x"))
    assert not gradients.pop("d_x")[~kept].any()
    for name, gradient in gradients.items():
        np.testing.assert_array_equal(gradient, without[name])
    seen = model.evaluate(x, Y, weights)
    assert seen == pytest.approx(model.evaluate(x[kept], Y[kept], weights[kept]))
    assert np.isfinite(seen.loss)


def test_steps_without_rows_of_weight_0():
    x, weights, kept = weighed()
    program = ev.compile(NETS["deep"], 3, batch=40, loss=LOSS, optimizer=ev.Adam())
    with_them, without = ev.Engine(program), ev.Engine(program)
    assert with_them.step(x, Y, weights) == without.step(x[kept], Y[kept], weights[kept])
    np.testing.assert_array_equal(with_them._state, without._state)


def test_weights_that_vanish_in_float32_are_0():
    x, weights, kept = weighed()
    weights[~kept] = 1e-60
    settings = {"loss": LOSS, "epochs": 2, "batch": 8, "seed": 2}
    same(ev.fit(ev.Dense(2), x, Y, sample_weight=weights, **settings),
         ev.fit(ev.Dense(2), x[kept], Y[kept], sample_weight=weights[kept], **settings))
    with pytest.raises(DataError, match=r"every weight is 0 in float32, the largest is 1e-60"):
        ev.fit(ev.Dense(2), x, Y, sample_weight=np.full(40, 1e-60), **settings)


def test_a_stateful_network_keeps_every_row_in_its_place():
    net = ev.Sequential([ev.LSTM(4, stateful=True), ev.Dense(2)])
    x = RNG.standard_normal((24, 5, 2))
    weights = np.tile([1.0, 0.0, 2.0], 8)
    model = ev.fit(net, x, Y[:24], loss=LOSS, sample_weight=weights, epochs=2, batch=6,
                   shuffle=False)
    assert model.history[-1].steps == 4


@pytest.mark.parametrize("net", [ev.NetClassifier, ev.NetRegressor])
def test_estimators_leave_out_weight_0(net):
    x, weights, kept = weighed(1e30)
    weights = np.round(weights * 4) / 3
    fitted = [net(4, max_epochs=3, random_state=0).fit(rows, y, sample_weight=own)
              for rows, y, own in ((x, Y, weights), (x[kept], Y[kept], weights[kept]))]
    np.testing.assert_array_equal(*(one.predict(x[kept]) for one in fitted))


def test_a_class_of_weight_0_is_left_out():
    y = np.arange(40) % 3
    settings = {"max_epochs": 3, "random_state": 0, "scale": False, "early_stopping": False,
                "batch": 8}
    by_class = ev.NetClassifier(4, class_weight={2: 0}, **settings).fit(X, y)
    by_row = ev.NetClassifier(4, **settings).fit(X, y, sample_weight=(y != 2) * 1.0)
    same(by_class.model_, by_row.model_)
