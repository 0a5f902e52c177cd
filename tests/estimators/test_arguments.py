"""Each argument changes the network or its training; what cannot work is named."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone

import evenly as ev
from evenly.errors import ConfigurationError, DataError, ShapeError
from evenly.estimators import NetClassifier, NetRegressor
from evenly.estimators.names import ACTIVATIONS, INITIALIZERS, LSUV, NORMS
from evenly.estimators.settings import OPTIMIZERS, SCHEDULES, batch_rows

from .common import QUICK, classes, numbers

X, Y = classes()


def layers(**settings):
    net = NetClassifier(**{**QUICK, "max_epochs": 1, **settings}).fit(X, Y).model_.net
    return list(net.layers)


def test_the_default_network():
    net = NetClassifier(max_epochs=1).fit(X, Y).model_.net
    assert list(net.layers) == [
        ev.Dense(128, bias=False), ev.BatchNorm(), ev.ReLU(), ev.Dropout(0.2),
        ev.Dense(64, bias=False), ev.BatchNorm(), ev.ReLU(), ev.Dropout(0.2),
        ev.Dense(3, kernel_init=ev.XavierNormal()),
    ]


def test_hidden():
    bare = {"norm": None, "activation": None, "dropout": 0}
    last = ev.Dense(3, kernel_init=ev.XavierNormal())
    assert layers(hidden=7, **bare) == [ev.Dense(7), last]
    assert layers(hidden=np.int64(7), **bare) == [ev.Dense(7), last]
    assert layers(hidden=[5, 4], **bare) == [ev.Dense(5), ev.Dense(4), last]
    assert layers(hidden=(), **bare) == [last]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_by_name(name):
    assert layers(activation=name)[2] == ACTIVATIONS[name]()


def test_activation_by_layer_and_one_each():
    assert layers(activation=ev.ELU(0.5))[2] == ev.ELU(0.5)
    mixed = layers(activation=("tanh", ev.GELU()))
    assert (mixed[2], mixed[6]) == (ev.Tanh(), ev.GELU())


@pytest.mark.parametrize(
    ("name", "kind"),
    [("batch", ev.BatchNorm), ("layer", ev.LayerNorm), ("rms", ev.RMSNorm),
     ("group", ev.GroupNorm)],
)
def test_norm(name, kind):
    assert set(NORMS) == {"batch", "layer", "rms", "group"}
    made = layers(norm=name)
    assert isinstance(made[1], kind)
    assert made[0].bias == (name != "batch")
    assert layers(norm=ev.BatchNorm(decay=0.5))[1] == ev.BatchNorm(decay=0.5)
    assert layers(norm=None)[1] == ev.ReLU()


def test_dropout():
    assert layers(dropout=0.4)[3] == ev.Dropout(0.4)
    assert ev.Dropout not in map(type, layers(dropout=0.0))
    made = layers(dropout=(0.0, 0.5))
    assert made[3] == ev.Dense(8, bias=False)
    assert made[6] == ev.Dropout(0.5)
    assert layers(dropout=ev.GaussianDropout(0.3))[3] == ev.GaussianDropout(0.3)


@pytest.mark.parametrize("name", INITIALIZERS)
def test_init_by_name(name):
    made = layers(init=name)
    assert made[0].kernel_init == INITIALIZERS[name]()
    assert made[-1].kernel_init == ev.XavierNormal()


def test_init_by_value_is_for_the_output_layer_too():
    made = layers(init=ev.Normal(0.01))
    assert made[0].kernel_init == made[-1].kernel_init == ev.Normal(0.01)


def program(**settings):
    fitted = NetClassifier(**{**QUICK, "max_epochs": 1, **settings}).fit(X, Y)
    return fitted.model_.engine.program


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizer(name):
    assert program(optimizer=name, learning_rate=0.25).optimizer.learning_rate == 0.25
    assert type(program(optimizer=name).optimizer) is type(OPTIMIZERS[name]())


@pytest.mark.parametrize("name", sorted(set(SCHEDULES) - {"plateau"}))
def test_schedule_by_name(name):
    settings = {**QUICK, "max_epochs": 8, "early_stopping": False, "optimizer": "adam"}
    named = NetClassifier(schedule=name, **settings).fit(X, Y)
    value = NetClassifier(schedule=SCHEDULES[name](), **settings).fit(X, Y)
    rates = named.history_.column("learning_rate")
    np.testing.assert_array_equal(rates, value.history_.column("learning_rate"))
    assert len(set(rates)) > 1


def test_plateau_needs_a_validation_set():
    fitted = NetClassifier(schedule="plateau", **QUICK).fit(X, Y)
    assert fitted.history_.column("learning_rate")[0] == 2e-3
    words = "schedule='plateau' watches the validation_loss, and no rows are held out"
    with pytest.raises(ConfigurationError, match=words):
        NetClassifier(schedule="plateau", early_stopping=False).fit(X, Y)
    with pytest.raises(ConfigurationError, match="a larger validation_fraction"):
        NetClassifier(schedule="plateau").fit(X[:50], Y[:50])
    larger = NetClassifier(schedule="plateau", validation_fraction=0.3, **QUICK)
    assert larger.fit(X[:50], Y[:50]).validation_loss_curve_ is not None
    rule = ev.ReduceOnPlateau(monitor="loss")
    NetClassifier(**{**QUICK, "max_epochs": 1}, schedule=rule).fit(X[:50], Y[:50])


def test_lsuv_measures_the_training_rows():
    bare = {"norm": None, "activation": None, "dropout": 0, "max_epochs": 1, "batch": None,
            "optimizer": ev.SGD(1e-12), "early_stopping": False}
    wide = NetClassifier(hidden=6, init=LSUV, random_state=0, **bare).fit(1000 * X, Y)
    first = wide.model_.weights["dense_1.kernel"]
    assert abs((wide.scaler_.scaled(1000 * X) @ first).var() - 1) < 0.11
    he = NetClassifier(hidden=6, init="he", random_state=0, **bare).fit(1000 * X, Y)
    assert abs((he.scaler_.scaled(1000 * X) @ he.model_.weights["dense_1.kernel"]).var() - 1) > 0.2
    NetClassifier(hidden=6, init=LSUV, **bare).fit(csr_array(X), Y)


def test_settings_of_training_arrive():
    assert program(constraint=3).constraint == ev.MaxNorm(3.0)
    assert program(constraint=ev.UnitNorm()).constraint == ev.UnitNorm()
    assert program(augment=0.3).augment == program(augment=ev.Mixup(0.3)).augment == ev.Mixup(0.3)
    assert program().optimizer == ev.AdamW(2e-3)
    assert program(optimizer=ev.SGD(0.5)).optimizer == ev.SGD(0.5)
    assert program(optimizer=ev.SGD(0.5), learning_rate=0.25).optimizer == ev.SGD(0.25)
    assert program(l2=0.5).penalty == program(penalty=ev.L2(0.5)).penalty == ev.L2(0.5)
    assert program(clip=2).clip == ev.ClipGlobalNorm(2.0)
    assert program(clip=ev.ClipGlobalNorm(3.0)).clip == ev.ClipGlobalNorm(3.0)
    assert program(dtype="float64").dtype == "float64"
    assert program(batch=20).batch == 20
    assert program(batch=None).batch == 180
    assert program().batch == 16


def test_the_automatic_batch_grows_with_the_table():
    sizes = [batch_rows("auto", n) for n in (3, 100, 1000, 5000, 100_000)]
    assert sizes == [3, 16, 64, 256, 256]


def test_threads():
    fitted = NetClassifier(n_jobs=2, **QUICK).fit(X, Y)
    assert fitted.model_.engine.threads == 2
    other = NetClassifier(n_jobs=1, **QUICK).fit(X, Y)
    assert np.array_equal(fitted.predict_proba(X), other.predict_proba(X))


def test_a_network_of_ones_own():
    net = ev.Sequential([ev.Residual([ev.Dense(6), ev.ReLU()]), ev.Dense(3)])
    fitted = NetClassifier(net=net, **QUICK).fit(X, Y)
    assert fitted.model_.net == net
    assert fitted.predict_proba(X).shape == (200, 3)
    two = Y % 2
    for outputs in (1, 2):
        own = NetClassifier(net=ev.Dense(outputs), **QUICK).fit(X, two)
        assert own.predict_proba(X).shape == (200, 2)
        shares = own.predict_proba(X)
        odds = np.log(shares[:, 1] / shares[:, 0])
        assert np.allclose(own.decision_function(X), odds)
        scores = own.model_.predict(own.scaler_.scaled(X, np.float32)).astype(float)
        scores = scores[:, 0] if outputs == 1 else scores[:, 1] - scores[:, 0]
        assert np.allclose(odds, scores, atol=1e-4)
    with pytest.raises(ShapeError, match=r"need 3 outputs, the network has shape \(2,\)"):
        NetClassifier(net=ev.Dense(2)).fit(X, Y)
    with pytest.raises(ConfigurationError, match="net must be an evenly layer"):
        NetClassifier(net="mlp").fit(X, Y)


def test_scale():
    fitted = NetClassifier(**QUICK).fit(X * 100 + 7, Y)
    assert np.allclose(fitted.scaler_.mean, X.mean(axis=0) * 100 + 7, atol=20)
    assert NetClassifier(scale=False, **QUICK).fit(X, Y).scaler_ is None
    x, y = numbers()
    far = NetRegressor(**{**QUICK, "max_epochs": 60}).fit(x, y + 1e9)
    assert far.score(x, y + 1e9) > 0.7
    assert far.target_scaler_.mean == pytest.approx((y + 1e9).mean(), rel=1e-3)
    assert NetRegressor(scale=False, **QUICK).fit(x, y / 1000).target_scaler_ is None


def test_numbers_too_large_to_compute_with():
    with pytest.raises(DataError, match="column 2 holds numbers so large"):
        NetClassifier(**QUICK).fit(X * np.where(np.arange(6) == 2, 1e200, 1), Y)
    with pytest.raises(DataError, match="too large for float32"):
        NetClassifier(scale=False, **QUICK).fit(X * 1e60, Y)
    assert NetClassifier(scale=True, **QUICK).fit(X * 1e60, Y).score(X * 1e60, Y) > 0.5


def test_the_random_state():
    first, same, other = (
        NetClassifier(**{**QUICK, "random_state": seed}).fit(X, Y).predict_proba(X)
        for seed in (0, 0, 1)
    )
    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)
    state = np.random.RandomState(3)
    one, two = (clone(NetClassifier(**{**QUICK, "random_state": state})) for _ in range(2))
    assert np.array_equal(one.fit(X, Y).predict_proba(X), two.fit(X, Y).predict_proba(X))


def test_verbose_shows_a_bar(capsys):
    NetClassifier(verbose=True, **QUICK).fit(X, Y)
    assert "epoch 12/12" in capsys.readouterr().err
    NetClassifier(**QUICK).fit(X, Y)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"hidden": 0}, "hidden must be a whole number >= 1, or a tuple of such, got 0"),
        ({"hidden": (8, 2.5)}, "hidden must be"),
        ({"hidden": True}, "hidden must be"),
        ({"activation": "rely"}, "activation must be one of 'relu', .* got 'rely'"),
        ({"activation": ev.ReLU}, "; call it"),
        ({"activation": ("relu",)}, "one for each of the 2 hidden layers, got 1"),
        ({"norm": "batchnorm"}, "norm must be one of 'batch'"),
        ({"dropout": 1.0}, "dropout must be a rate at least 0 and below 1"),
        ({"dropout": "0.5"}, "dropout must be"),
        ({"init": "hee"}, "init must be one of 'he'"),
        ({"init": ev.HeNormal}, "; call it"),
        ({"optimizer": "adamm"}, "optimizer must be one of 'sgd'"),
        ({"learning_rate": 0}, "learning_rate must be a number > 0"),
        ({"learning_rate": np.inf}, "learning_rate must be a number > 0"),
        ({"l2": -1}, "l2 must be a number >= 0"),
        ({"l2": 1.0, "penalty": ev.L2(1.0)}, "give one of them"),
        ({"clip": 0}, "clip must be a number > 0"),
        ({"max_epochs": 0}, 'max_epochs must be a whole number >= 1, or "auto", got 0'),
        ({"max_epochs": "all"}, "max_epochs must be"),
        ({"schedule": "sine"}, "schedule must be one of 'cosine', .*, or a schedule, or None"),
        ({"constraint": "x"}, "constraint must be a Constraint, got 'x'"),
        ({"augment": -1}, "Mixup: alpha must be positive"),
        ({"batch": 0}, 'batch must be a whole number >= 1, "auto", or None'),
        ({"batch": "all"}, "batch must be"),
        ({"patience": 1.5}, "patience must be a whole number >= 1"),
        ({"validation_fraction": 1.0}, "validation_fraction must be a share"),
        ({"dtype": "float16"}, "dtype must be 'float32' or 'float64', got 'float16'"),
        ({"dtype": "single", "scale": False}, "dtype must be"),
        ({"class_weight": "even"}, "class_weight must be a dict"),
        ({"class_weight": {7: 1.0}}, "no class is 7; there are"),
        ({"class_weight": {1: -2.0}}, "class_weight: .* at least 0, got -2.0 for class 1"),
        ({"class_weight": {1: np.nan}}, "class_weight: .* got nan"),
        ({"class_weight": {1: "much"}}, "class_weight: .* got 'much'"),
        ({"class_weight": {0: 0, 1: 0, 2: 0}}, "class_weight: every class .* has weight 0"),
        ({"n_jobs": 0}, "n_jobs must be a whole number other than 0 .* got 0"),
        ({"n_jobs": 1.5}, "n_jobs must be"),
        ({"n_jobs": "all"}, "n_jobs must be"),
    ],
)
def test_what_cannot_work(settings, words):
    with pytest.raises(ConfigurationError, match=words):
        NetClassifier(**settings).fit(X, Y)


def test_patience_is_checked_where_nothing_is_held_out_too():
    with pytest.raises(ConfigurationError, match="patience must be a whole number >= 1"):
        NetClassifier(patience=0).fit(X[:50], Y[:50])
