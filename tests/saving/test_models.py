"""Models come back as they were, to the bit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

import evenly as ev
from evenly.engine import Engine
from evenly.errors import ConfigurationError, FileFormatError
from evenly.saving import Saved, load, save
from evenly.saving.types import TYPES
from tests.contract.rows import LAYERS, LOSSES, OPTIMIZERS, ids
from tests.saving.common import assert_same, assert_same_model, moved

SHAPES = [(6,), (24,), (9, 4), (9, 24), (7, 8, 4), (7, 8, 24), (12,)]


def compiled(net: Any, shape: Any, batch: int = 4, seed: int = 3, **settings: Any) -> ev.Model:
    program = ev.compile(net, shape, batch=batch, **settings)
    return moved(ev.Model(Engine(program, seed=seed)))


def again(path: Any, what: Any, **settings: Any) -> Any:
    save(path, what)
    return load(path, **settings)


def shape_for(layer: ev.Layer) -> tuple[int, ...]:
    for shape in SHAPES:
        try:
            ev.compile(ev.Sequential([layer]), shape, batch=4)
        except ev.errors.ShapeError:
            continue
        return shape
    raise AssertionError(f"no shape fits {layer}")


@pytest.mark.parametrize("row", **ids(LAYERS))
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_layer(row, dtype, tmp_path):
    shape = shape_for(row.layer)
    model = compiled(ev.Sequential([row.layer]), shape, dtype=dtype)
    twin = again(tmp_path / "m", model)
    assert_same_model(twin, model)
    x = np.asarray(row.inputs(0, (5, *shape), dtype))
    assert_same(twin.predict(x), model.predict(x))


def nested() -> ev.Layer:
    block = ev.Residual([ev.WeightNorm(ev.Dense(6)), ev.ReLU()], [ev.Dense(6, name="way")])
    return ev.Sequential([
        ev.Sequential([block, ev.BatchNorm(name="norm")], name="inner"),
        ev.Branches([[ev.Dense(2), ev.Tanh()], [], ev.Dense(3, bias=False)], join="concatenate"),
        ev.Sequential([ev.Sequential([])]),
        ev.Dense(2, kernel_init=ev.Orthogonal(2.0), bias_init=ev.Constant(-0.5)),
    ])


def test_nested_layers(tmp_path):
    model = compiled(nested(), 6)
    twin = again(tmp_path / "m", model)
    assert_same_model(twin, model)
    assert repr(twin.net) == repr(model.net)
    assert type(twin.net.layers) is tuple


@pytest.mark.parametrize("row", **ids(LOSSES))
def test_every_loss(row, tmp_path):
    net = ev.Sequential([nested(), ev.Dense(2 * row.outputs)])
    model = compiled(net, 6, loss=row.loss)
    assert_same_model(again(tmp_path / "m", model), model)


@pytest.mark.parametrize("row", **ids(OPTIMIZERS))
def test_training_goes_on_with_every_optimizer(row, tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((32, 6)), rng.standard_normal((32, 2))
    net = ev.Sequential([ev.Dense(5), ev.BatchNorm(), ev.ReLU(), ev.Dropout(0.3), ev.Dense(2)])
    program = ev.compile(net, 6, 8, ev.MeanSquaredError(), row.optimizer)
    model = ev.Model(Engine(program, seed=2**60 + 1))
    for _ in range(3):
        model.engine.step(x[:8], y[:8])
    twin = again(tmp_path / "m", model)
    assert_same_model(twin, model)
    for part in (slice(8, 16), slice(16, 24)):
        assert twin.engine.step(x[part], y[part]) == model.engine.step(x[part], y[part])
    assert_same_model(twin, model)


SETTINGS = [
    *({"penalty": p} for p in (ev.L1(0.1), ev.L2(0.2), ev.ElasticNet(0.1, 0.5))),
    *({"clip": c} for c in (ev.ClipGlobalNorm(1.0), ev.ClipNorm(0.5), ev.ClipValue(0.1))),
    *({"constraint": c} for c in (ev.MaxNorm(2.0), ev.UnitNorm())),
    {"rates": ev.ArrayRates({"*.bias": 0.1}, {"*.kernel": 0.5})}, {"average": ev.EMA(0.9)},
    {"average": ev.SWA(from_epoch=2)},
    {"augment": ev.Mixup(0.3)}, {"dtype": "float64"}, {"input_gradient": True}, {"batch": 33},
    {"loss": ev.SoftmaxCrossEntropy(class_weights=np.array([1.0, 2.0]), mean_over="rows")},
    {"loss": ev.SoftmaxCrossEntropy(ignore_index=-100)},
    {"loss": ev.BinaryCrossEntropy(class_weights=[[1.0, 2.0], (0.5, 3.0)])},
    {"optimizer": None}, {"optimizer": None, "loss": None},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_every_setting(settings, tmp_path):
    given = {"loss": ev.MeanSquaredError(), "optimizer": ev.Adam(), **settings}
    model = compiled(nested(), 6, **given)
    twin = again(tmp_path / "m", model)
    assert_same_model(twin, model)
    assert (twin.engine.program.d_x is None) == (model.engine.program.d_x is None)


INITIALIZERS = [
    ev.Constant(1.5), ev.GateBias(1, 3, 2.0), ev.HeNormal(negative_slope=0.2),
    ev.HeUniform("fan_out"), ev.Identity(2.0), ev.LeCunNormal(), ev.LeCunUniform(), ev.Normal(0.1),
    ev.Orthogonal(), ev.TruncatedNormal(), ev.Uniform(-1.0, 1.0), ev.XavierNormal(2.0),
    ev.XavierUniform(), ev.Zeros(),
]


@pytest.mark.parametrize("init", INITIALIZERS, ids=repr)
def test_every_initializer(init, tmp_path):
    net = ev.Sequential([ev.Dense(6, bias_init=init)])
    program = ev.compile(net, 6)
    weights = {name: np.ones(spec.shape) for name, spec in program.arrays.items()}
    model = ev.Model(Engine(program, weights=weights))
    assert again(tmp_path / "m", model).net == net


def test_the_table_holds_every_public_declaration():
    bases = {"Clip", "Constraint", "Layer", "Loss", "Optimizer", "Penalty", "Schedule",
             "WeightAverage"}
    other = {"ArraySpec", "ArrowRows", "Batches", "Checkpoint", "Diagnosis", "EarlyStopping",
             "Exercise", "Finding", "Grade", "OwnRows", "ParquetRows", "Program", "Run", "Saved",
             "Settings", "ShownWork"}
    public = {
        name for name in ev.__all__
        if isinstance(getattr(ev, name), type) and hasattr(getattr(ev, name),
                                                           "__dataclass_fields__")
    } - bases - other
    assert public == set(TYPES)


def test_fit_is_kept_and_goes_on(tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((40, 3)), rng.integers(0, 2, 40)
    net = ev.Sequential([ev.Dense(4), ev.BatchNorm(), ev.ReLU(), ev.Dense(2)])
    settings: dict[str, Any] = {"loss": ev.SoftmaxCrossEntropy(), "epochs": 3, "batch": 8}
    model = ev.fit(net, x, y, validation=0.2, early_stopping=ev.EarlyStopping(patience=2),
                   seed=5, **settings)
    twin = again(tmp_path / "m", model)
    assert_same_model(twin, model)
    assert twin.history.best_epoch == model.history.best_epoch
    assert_same(twin.predict_proba(x), model.predict_proba(x))
    assert twin.evaluate(x, y) == model.evaluate(x, y)
    ours, theirs = (ev.fit(m, x, y, seed=1, **settings) for m in (model, twin))
    for name, array in ours.weights.items():
        assert_same(theirs.weights[name], array)


def test_numbers_that_are_not_finite_in_a_history(tmp_path):
    model = compiled(nested(), 6)
    record = ev.EpochRecord(1, 2, np.nan, np.float32(0.5), None, np.inf, -np.inf, 0.1)
    model.history = ev.History((record,), "diverged")
    back = again(tmp_path / "m", model).history[0]
    assert np.isnan(back.loss)
    assert (back.validation_score, back.gradient_norm) == (np.inf, -np.inf)
    assert type(back.score) is np.float32


@dataclass(frozen=True)
class Scaled(ev.Layer):
    """A layer of one's own, with an array among its fields."""

    factors: Any
    name: str | None = None

    def forward(self, x, arrays, run):
        return x * self.factors, None

    def backward(self, d_y, arrays, saved, run):
        return d_y * self.factors, {}


def test_own_types_load_where_they_are_given(tmp_path):
    net = ev.Sequential([Scaled(np.array([1.0, 2.0, 3.0])), ev.Dense(2)])
    model = moved(ev.init(net, 3))
    save(tmp_path / "m", model)
    with pytest.raises(FileFormatError, match=r"'Scaled'.*load\(path, types=\[Scaled\]\)"):
        load(tmp_path / "m")
    twin = load(tmp_path / "m", types=[Scaled])
    x = np.ones((4, 3))
    assert_same(twin.predict(x), model.predict(x))
    assert_same(twin.net.layers[0].factors, net.layers[0].factors)


def test_own_types_are_dataclasses_with_names_of_their_own(tmp_path):
    with pytest.raises(ConfigurationError, match="expects dataclasses"):
        load(tmp_path / "m", types=[int])
    taken = dataclass(frozen=True)(type("Dense", (ev.ReLU,), {}))
    with pytest.raises(ConfigurationError, match="'Dense' is taken"):
        load(tmp_path / "m", types=[taken])
    with pytest.raises(ConfigurationError, match="another name"):
        save(tmp_path / "m", ev.init(ev.Sequential([taken(), ev.Dense(1)]), 3))
    assert not list(tmp_path.iterdir())


def test_what_no_file_can_hold(tmp_path):
    for value, words in ((lambda: 1, r"net.layers\[0\].factors is a function"),
                         (np.array([1j]), "array of complex128"), (2**64, "more than 64 bits")):
        model = ev.Model(ev.init(ev.Sequential([ev.Dense(1)]), 3).engine)
        program = model.engine.program
        object.__setattr__(program, "net", ev.Sequential([Scaled(value)]))
        with pytest.raises(ConfigurationError, match=words):
            save(tmp_path / "m", model)
    with pytest.raises(ConfigurationError, match=r"expects a Model.*got Dense"):
        save(tmp_path / "m", ev.Dense(3))
    assert not list(tmp_path.iterdir())


SCALERS = [
    ev.Standardizer(), ev.RobustScaler(), ev.RobustScaler(quantiles=(0.1, 0.8)),
    ev.Standardizer(channels=True),
]


@pytest.mark.parametrize("scaler", SCALERS, ids=repr)
@pytest.mark.parametrize("classes", [
    None, ["a", "b", "ccc"], ("a", "b", "c"), [3, 1, 2], np.array([True, False, True]),
    np.array(["x", "y", "é"]), np.array(["x", "y", "z"], object), [1.5, 2.0, np.float32(3)],
], ids=repr)
def test_scaler_and_classes_come_back(scaler, classes, tmp_path):
    x = np.random.default_rng(0).normal(5, 2, (20, 4))
    scaler = scaler.fit(x)
    model = moved(ev.init(ev.Sequential([ev.Dense(3)]), 4))
    save(tmp_path / "m", model, scaler=scaler, classes=classes)
    saved = load(tmp_path / "m")
    assert_same_model(saved.model, model)
    assert type(saved.scaler) is type(scaler)
    assert_same(saved.scaler.transform(x), scaler.transform(x))
    assert_same(saved.scaler.constant, scaler.constant)
    assert replace(saved.scaler, **dict.fromkeys(("mean", "deviation")
                   if isinstance(scaler, ev.Standardizer) else ("median", "range"))) == replace(
        scaler, **dict.fromkeys(("mean", "deviation")
                                if isinstance(scaler, ev.Standardizer) else ("median", "range")))
    assert type(saved.classes) is type(classes)
    if classes is not None:
        assert np.array_equal(np.asarray(saved.classes), np.asarray(classes))
        scores = model.predict(scaler.transform(x))
        assert (saved.predict(x) == np.asarray(classes)[scores.argmax(axis=1)]).all()
    assert_same_model(again(tmp_path / "n", saved).model, model)


def test_labels_of_one_output(tmp_path):
    model = moved(ev.init(ev.Sequential([ev.Dense(1)]), 2))
    x = np.array([[9.0, 9.0], [-9.0, -9.0]])
    save(tmp_path / "m", model, classes=["no", "yes"])
    assert load(tmp_path / "m").predict(x).tolist() == ["yes", "no"]


def test_saved_checks_its_parts():
    model = ev.init(ev.Sequential([ev.Dense(3)]), 2)
    for settings, words in (
        ({"classes": ["a", "b"]}, "each of the 3 classes"),
        ({"scaler": ev.Standardizer()}, "not fitted"),
        ({"scaler": "standard"}, "must be a Standardizer"),
        ({"scaler": replace(ev.Standardizer().fit(np.eye(2)), constant=np.zeros(3, bool))},
         "one truth value a feature"),
    ):
        with pytest.raises(ConfigurationError, match=words):
            Saved(model, **settings)
    with pytest.raises(ConfigurationError, match="must be a Model"):
        Saved("model")
    with pytest.raises(ev.errors.DataError, match="use scores"):
        Saved(model).predict(np.ones((1, 2)))
