"""Settings that change between fits that go on: each takes effect, or is refused in words."""

import numpy as np
import pytest

import evenly as ev
from evenly.errors import ConfigurationError, DivergenceError
from evenly.estimators import NetClassifier, NetRegressor, NetTransformer

from .common import QUICK, classes, labels, numbers

X, Y = classes()
BASE = {**QUICK, "warm_start": True, "max_epochs": 4}
OWN = ev.Sequential([ev.Dense(8), ev.ReLU(), ev.Dropout(0.2), ev.Dense(3)])
LESS = ev.Sequential([ev.Dense(8), ev.ReLU(), ev.Dense(3)])

EFFECT, REFUSED, NONE = "takes effect", "refused", "of no effect on a result"
# Every argument with another value, and what it does to a fit that goes on.
CHANGES = {
    "hidden": ((8,), REFUSED),
    "activation": ("tanh", REFUSED),
    "norm": ("layer", REFUSED),
    "dropout": (0.0, EFFECT),
    "init": ("xavier", REFUSED),
    "net": (ev.Dense(3), REFUSED),
    "loss": ("focal", EFFECT),
    "quantiles": (0.9, EFFECT),
    "optimizer": ("sgd", EFFECT),
    "learning_rate": (0.1, EFFECT),
    "schedule": (None, EFFECT),
    "l2": (0.1, EFFECT),
    "penalty": (ev.L1(0.1), EFFECT),
    "clip": (0.01, EFFECT),
    "constraint": (0.5, EFFECT),
    "augment": (1.0, EFFECT),
    "max_epochs": (5, EFFECT),
    "batch": (64, EFFECT),
    "early_stopping": (False, EFFECT),
    "patience": (1, EFFECT),
    "validation_fraction": (0.3, EFFECT),
    "class_weight": ({0: 5.0}, EFFECT),
    "multi_label": (True, REFUSED),
    "scale": (False, REFUSED),
    "warm_start": (False, EFFECT),
    "random_state": (1, EFFECT),
    "n_jobs": (1, NONE),
    "verbose": (True, NONE),
    "dtype": ("float64", EFFECT),
    "doctor": (True, NONE),
    "validation": (0.3, EFFECT),
    "monitor": (lambda estimator, X, y: 0.0, EFFECT),
    "callbacks": ([lambda record: "stop"], EFFECT),
    "threshold": (0.3, NONE),
    "calibrate": (True, NONE),
    "interval_fraction": (0.2, EFFECT),
    "average": (ev.EMA(0.9), EFFECT),
    "refit": (True, EFFECT),
    "members": (2, REFUSED),
    "effort": ("best", NONE),
    "time_limit": (1000.0, NONE),
    "rates": ({"*.bias": 0.0, "*.kernel": 0.1}, EFFECT),
    "embedding": ("periodic", REFUSED),
    "sharing": ("kernels", REFUSED),
    "dropout_schedule": ("flat_cosine", EFFECT),
    "decay_schedule": (ev.CosineDecay(), EFFECT),
}
ARGUMENTS = NetClassifier().get_params(deep=False) | NetRegressor().get_params(deep=False)


def told(estimator):
    return estimator.history_.column("loss").tolist(), estimator.model_.weights


def same(one, other):
    (curve, weights), (theirs, others) = told(one), told(other)
    return curve == theirs and weights.keys() == others.keys() and all(
        np.array_equal(weights[name], others[name]) for name in weights
    )


@pytest.mark.filterwarnings("ignore::evenly.errors.DoctorWarning")
@pytest.mark.parametrize("name", ARGUMENTS)
@pytest.mark.parametrize("kind", [NetClassifier, NetRegressor])
def test_every_argument(name, kind, capsys):
    if name not in kind().get_params(deep=False):
        return
    base = {**BASE, "learning_rate": 0.05, "patience": 50, "max_epochs": 12}
    value, fate = CHANGES[name]
    if name == "loss" and kind is NetRegressor:
        base["loss"], value = "absolute", "huber"
    if name == "quantiles":
        base["loss"] = "quantile"
    y = Y if kind is NetClassifier else X[:, 0]
    y = Y > 0 if name == "threshold" else y
    if name == "net" and kind is NetRegressor:
        value = ev.Dense(1)
    plain, changed = (kind(**base).fit(X, y) for _ in range(2))
    plain.fit(X, y)
    before = changed.predict(X)
    changed.set_params(**{name: value})
    if fate is REFUSED:
        with pytest.raises(ConfigurationError, match="begin anew with a fit without warm_start"):
            changed.fit(X, y)
        assert np.array_equal(changed.predict(X), before)
        y = np.eye(3)[Y] if name == "multi_label" else y
        assert changed.set_params(warm_start=False).fit(X, y).n_iter_ > 0
    else:
        changed.fit(X, y)
        assert same(plain, changed) == (fate is NONE)
    capsys.readouterr()


def test_dropout_is_what_is_said_and_the_weights_stay():
    net = NetClassifier(**BASE).fit(X, Y)
    first = {name: array.copy() for name, array in net.model_.weights.items()}
    net.set_params(dropout=0, learning_rate=1e-12).fit(X, Y)
    assert ev.Dropout not in map(type, net.model_.net.layers)
    for name, array in net.model_.weights.items():
        if "running" not in name:
            np.testing.assert_allclose(array, first[name], atol=1e-6)
    net.set_params(dropout=0.4).fit(X, Y)
    assert net.model_.net.layers[3] == ev.Dropout(0.4)
    assert net.model_.engine.program.optimizer == ev.AdamW(1e-12)


@pytest.mark.parametrize(("settings", "words"), [
    ({"hidden": (8, 8)}, r"where there was Dense\(units=16.* there is now Dense\(units=8"),
    ({"hidden": (16,)}, "there is now"),
    ({"norm": None}, "where there was"),
    ({"net": ev.Dense(3)}, "hidden, activation, norm, embedding, sharing or net"),
    ({"init": "lecun"}, "the network began as 'he'.* 'lecun'"),
    ({"scale": False}, "scale=False, and the network was trained with scale=True"),
])
@pytest.mark.parametrize("call", ["fit", "partial_fit"])
def test_what_cannot_go_on_is_told(settings, words, call):
    net = NetClassifier(**BASE).fit(X, Y).set_params(**settings)
    with pytest.raises(ConfigurationError, match=f"NetClassifier: .*{words}"):
        getattr(net, call)(X, Y)


def test_first_values_that_the_data_scale():
    net = NetClassifier(**BASE, init="orthogonal").fit(X, Y).set_params(init="lsuv")
    with pytest.raises(ConfigurationError, match=r"began as 'orthogonal'.* 'lsuv'"):
        net.fit(X, Y)
    own = NetClassifier(**BASE, net=OWN).fit(X, Y)
    layers = [ev.Dense(8, kernel_init=ev.Normal(0.1)), *OWN.layers[1:]]
    with pytest.raises(ConfigurationError, match=r"dense_1.kernel began as .* Normal"):
        own.set_params(net=ev.Sequential(layers)).fit(X, Y)


def test_what_goes_on_with_other_numbers():
    net = NetClassifier(**BASE, activation=ev.ELU(0.5)).fit(X, Y)
    net.set_params(activation=ev.ELU(1.5), norm=ev.BatchNorm(decay=0.5)).fit(X, Y)
    assert net.model_.net.layers[1:3] == (ev.BatchNorm(decay=0.5), ev.ELU(1.5))
    own = NetClassifier(**BASE, net=OWN).fit(X, Y).set_params(net=LESS).fit(X, Y)
    assert own.model_.net == LESS


@pytest.mark.parametrize("call", ["fit", "partial_fit"])
def test_other_classes_and_features(call):
    net = NetClassifier(**BASE).fit(X, Y)
    for y in (Y + 1, np.where(Y == 1, 7, Y)):
        with pytest.raises(ValueError, match=r"not among those learned.*warm_start=False"):
            getattr(net, call)(X, y)
    with pytest.raises(ValueError, match="5 features, but NetClassifier is expecting 6"):
        getattr(net, call)(X[:, :5], Y)
    x, y = labels()
    with pytest.raises(ValueError, match="1d array"):
        getattr(net, call)(x, y)


def test_partial_fit_follows_the_settings():
    net = NetClassifier(**QUICK).partial_fit(X, Y, classes=[0, 1, 2])
    state = net.model_.engine.buffer("state_1").copy()
    engine = net.model_.engine
    assert net.partial_fit(X, Y).model_.engine is engine
    steps = engine.steps
    net.set_params(dropout=0, learning_rate=1e-9, l2=0.5, batch=50).partial_fit(X, Y)
    program = net.model_.engine.program
    assert program.optimizer == ev.AdamW(1e-9)
    assert program.penalty == ev.L2(0.5)
    assert ev.Dropout not in map(type, net.model_.net.layers)
    assert net.model_.engine.steps == steps + 4
    assert net.n_iter_ == 3
    assert state.any()
    net.set_params(optimizer="sgd", learning_rate=1e-9).partial_fit(X, Y)
    assert net.model_.engine.program.optimizer == ev.SGD(1e-9)


def test_partial_fit_goes_on_where_it_was_with_another_rate():
    one, two = (NetClassifier(**QUICK, dropout=0).partial_fit(X, Y, [0, 1, 2]) for _ in range(2))
    one.set_params(clip=1e9)  # never in force: the same steps through another program
    assert same(one.partial_fit(X, Y), two.partial_fit(X, Y))


def test_a_small_first_call_does_not_decide_the_batch():
    net = NetClassifier(**QUICK, batch=64).partial_fit(X[:5], Y[:5], classes=[0, 1, 2])
    steps = net.model_.engine.steps
    assert net.partial_fit(X, Y).model_.engine.steps == steps + 4
    every = NetClassifier(**QUICK, batch=None).partial_fit(X[:5], Y[:5], classes=[0, 1, 2])
    steps = every.model_.engine.steps
    assert every.partial_fit(X, Y).model_.engine.steps == steps + 1


def test_a_transformer_that_goes_on():
    net = NetTransformer(**BASE).fit(X, Y)
    with pytest.raises(ConfigurationError, match="begin anew with a fit without warm_start"):
        net.set_params(hidden=(8,)).fit(X, Y)
    net = NetTransformer(**BASE).fit(X, Y)
    net.set_params(dropout=0).fit(X, Y)
    assert ev.Dropout not in map(type, net.model_.net.layers)
    with pytest.raises(ConfigurationError, match="regression, and the last fit was for class"):
        net.fit(X, numbers()[1])


def test_a_transformer_goes_on_with_an_estimator_that_it_was_given():
    inner = NetClassifier(**{**QUICK, "max_epochs": 5}, early_stopping=False)
    net = NetTransformer(estimator=inner, warm_start=True).fit(X, Y)
    first = net.estimator_.loss_curve_[-1]
    assert net.fit(X, Y).estimator_.loss_curve_[0] < 1.2 * first
    assert not hasattr(inner, "model_")


def test_the_layer_of_a_transformer_is_that_of_the_fit():
    net = NetTransformer(**QUICK).set_output(transform="pandas").fit(X, Y)
    net.set_params(layer="dense_1")
    assert net.transform(X).shape == (200, 8)


def test_verbose_is_no_word():
    with pytest.raises(ConfigurationError, match="verbose must be True or False, got 'no'"):
        NetClassifier(verbose="no").fit(X, Y)


@pytest.mark.parametrize("name", ["warm_start", "early_stopping"])
@pytest.mark.parametrize("value", ["no", 1, None])
def test_truths_are_true_or_false(name, value):
    with pytest.raises(ConfigurationError, match=f"{name} must be True or False, got {value!r}"):
        NetClassifier(**{**QUICK, name: value}).fit(X, Y)


@pytest.mark.parametrize("kind", [NetClassifier, NetRegressor])
def test_a_fit_that_fails_leaves_the_last_one_whole(kind):
    net = kind(**QUICK).fit(X, Y)
    before = net.predict(X)
    worse = np.c_[X, X] * 50
    with pytest.raises(DivergenceError):
        net.set_params(optimizer=ev.SGD(1e30), norm=None).fit(worse, Y + 5)
    assert net.n_features_in_ == 6
    assert np.array_equal(net.predict(X), before)
    fresh = kind(**QUICK)
    with pytest.raises(ValueError, match="NaN"):
        fresh.fit(X, np.where(Y == 1, np.nan, Y))
    assert not hasattr(fresh, "n_features_in_")


@pytest.mark.parametrize(("was", "comes"), [
    ({"loss": "squared"}, {"loss": "huber"}), ({"loss": "poisson"}, {"loss": "squared"}),
    ({"loss": "squared"}, {"loss": "gamma"}), ({"loss": "poisson"}, {"loss": ev.Quantile()}),
    ({"loss": "quantile"}, {"quantiles": (0.1, 0.9)}),
    ({"loss": "squared", "scale": False}, {"loss": "poisson"}),
])
@pytest.mark.parametrize("call", ["fit", "partial_fit"])
def test_a_loss_of_another_kind_or_scale_is_refused(was, comes, call):
    y = np.exp(X[:, 0])
    net = NetRegressor(**BASE, **was).fit(X, y)
    before = net.predict(X)
    with pytest.raises(ConfigurationError, match=r"network was trained with.* begin anew"):
        getattr(net.set_params(**comes), call)(X, y)
    assert np.array_equal(net.predict(X), before)


@pytest.mark.parametrize("call", ["fit", "partial_fit"])
def test_a_loss_of_the_same_scale_goes_on(call):
    y = np.exp(X[:, 0])
    for was, comes in (("absolute", "huber"), ("poisson", "gamma"), ("huber", ev.Huber(delta=2.0))):
        net = NetRegressor(**BASE, loss=was).fit(X, y)
        getattr(net.set_params(loss=comes), call)(X, y)
        assert type(net.model_.loss).__name__.lower().endswith(
            comes if isinstance(comes, str) else "huber")
