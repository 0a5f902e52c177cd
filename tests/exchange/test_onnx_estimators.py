"""Estimators and networks for tables as ONNX models, by themselves and through skl2onnx."""

import datetime

import numpy as np
import onnx
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

import evenly as ev
from evenly.errors import ConfigurationError
from evenly.estimators.scales.column_scales import BY_QUANTILES
from evenly.exchange.onnx import tables as onnx_tables
from evenly.exchange.onnx.graph import Graph
from evenly.losses import Loss
from evenly.tables.inputs import PARTS
from tests.contract.common import error
from tests.exchange.onnx_running import as_input, run

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(120, 5)) * [1, 100, 1e-3, 1, 1] + [0, 1e6, 0, 0, 5]
X[:, 3], X[:, 4] = X[:, 3] > 0, 5
NEW = RANDOM.normal(size=(30, 5)) * [3, 300, 1e-2, 1, 1] + [0, 1e6, 0, 0, 5]
NEW[:, 3] = NEW[:, 3] > 0
YES = X[:, 0] > 0
WORDS = np.array(["a", "b", "c"])[YES.astype(int) + (X[:, 1] > 1e6)]
LABELS = np.stack([YES, ~YES, X[:, 1] > 1e6], 1).astype(int)
FAR, POSITIVE = 1e6 + X[:, 1] * 3, np.abs(X[:, 1])
SHORT = {"max_epochs": 3, "random_state": 0, "members": 1}
CLASSIFIERS = {
    "standard": ({"members": 2}, WORDS), "robust": ({"scale": "robust"}, WORDS),
    "normal": ({"scale": "normal"}, WORDS), "as they are": ({"scale": False}, WORDS),
    "truth": ({"calibrate": True, "threshold": 0.3}, YES), "whole": ({"threshold": "f1"}, 7 * YES),
    "two outputs": ({"net": ev.Sequential([ev.Dense(2)])}, 2.0 * YES),
    "labels": ({"threshold": 0.4, "embedding": "periodic"}, LABELS),
    "labels, calibrated": ({"calibrate": True, "activation": "selu", "norm": "layer",
                            "embedding": "piecewise"}, LABELS),
    "gelu": ({"activation": "gelu"}, WORDS), "mish": ({"activation": "mish"}, WORDS),
}
REGRESSORS = {
    "squared": ({"members": 2}, FAR), "absolute": ({"loss": "absolute"}, FAR),
    "huber": ({"loss": "huber"}, FAR), "poisson": ({"loss": "poisson"}, POSITIVE),
    "gamma": ({"loss": "gamma"}, POSITIVE), "constant": ({}, 0 * FAR + 3),
    "column": ({}, FAR[:, None]), "two": ({}, np.stack([FAR, POSITIVE], 1)),
    "quantiles": ({"loss": "quantile", "quantiles": (0.1, 0.5, 0.9), "members": 2}, FAR),
    "quantiles of two": ({"loss": "quantile", "quantiles": (0.1, 0.5, 0.9)},
                         np.stack([FAR, POSITIVE], 1)),
}


def near(got, wanted, dtype=np.float64):
    assert error(got, wanted) < (1e-10 if dtype == np.float64 else 1e-5)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_classifier(name):
    arguments, y = CLASSIFIERS[name]
    net = ev.NetClassifier(6, **{**SHORT, **arguments}).fit(X, y)
    for dtype in (None, "float32") if name == "standard" else (None,):
        proto = ev.to_onnx(net, dtype=dtype)
        rows = as_input(proto, NEW)
        found = run(proto, {"input": rows})
        assert list(found) == ["label", "probabilities"]
        assert (found["label"] == net.predict(rows)).all()
        assert found["label"].shape == net.predict(rows).shape
        assert found["label"].dtype.kind == {"U": "O"}.get(net.classes_.dtype.kind,
                                                           net.classes_.dtype.kind)
        near(found["probabilities"], net.predict_proba(rows), rows.dtype)


@pytest.mark.parametrize("name", REGRESSORS)
def test_a_regressor(name):
    arguments, y = REGRESSORS[name]
    net = ev.NetRegressor(6, **{**SHORT, **arguments}).fit(X, y)
    found = run(ev.to_onnx(net), {"input": NEW})["variable"]
    near(found.reshape(net.predict(NEW).shape), net.predict(NEW))
    assert found.shape == (len(NEW), *(net.predict(NEW).shape[1:] or (1,)))


def test_a_transformer():
    net = ev.NetTransformer((6, 3), max_epochs=2, random_state=0).fit(X, WORDS)
    near(run(ev.to_onnx(net), {"input": NEW})["transformed"], net.transform(NEW))
    plain = ev.init(ev.Sequential([ev.Dense(4), ev.Tanh(), ev.Dense(2)]), 5)
    net = ev.NetTransformer(estimator=plain).fit(X, WORDS)
    near(run(ev.to_onnx(net), {"input": NEW})["transformed"], net.transform(NEW))


def test_every_loss_scale_and_kind_of_input_is_known():
    losses = [kind for name in ev.__all__ if isinstance(kind := getattr(ev, name), type)
              and issubclass(kind, Loss) and kind is not Loss]
    assert len(losses) > 10
    own = {kind.__name__ for kind in losses if kind.predicted is not Loss.predicted}
    assert own == {"Poisson", "Gamma", "Quantile"}
    assert set(BY_QUANTILES) == {"robust", "normal"}
    refused = {kind.__name__ for kind in PARTS if kind not in onnx_tables.PARTS}
    assert refused == {"WordInputs"}


def test_what_is_not_fitted_or_not_to_be_had_is_named():
    with pytest.raises(ConfigurationError, match="this NetClassifier is not fitted: call fit"):
        ev.to_onnx(ev.NetClassifier())
    with pytest.raises(ConfigurationError, match="this TableRegressor is not fitted: call fit"):
        ev.to_onnx(ev.TableRegressor())
    with pytest.raises(ConfigurationError, match="register_onnx_converters"):
        ev.to_onnx(LogisticRegression())
    net = ev.NetRegressor(4, **SHORT).fit(X, POSITIVE)
    with pytest.raises(ConfigurationError, match="channels_first=True is for a Model"):
        ev.to_onnx(net, channels_first=True)


# Tables -----------------------------------------------------------------------------------------

def table(rows, new=False, seed=0):
    """Columns of every kind; new rows hold what training did not."""
    r = np.random.default_rng(seed)
    start, more = datetime.datetime(2000, 1, 1, 12), 3 if new else 1

    def chosen(words):
        return [words[i] for i in r.integers(0, len(words), rows)]

    return pl.DataFrame({
        "size": [None if r.random() < 0.1 else float(v) for v in r.normal(50, 20 * more, rows)],
        "odd one": [-999.0 if r.random() < 0.1 else float(v) for v in r.normal(size=rows)],
        "count": r.integers(0, 9, rows),
        "yes": [bool(v) for v in r.random(rows) < 0.5],
        "truth": chosen(["ja", "nein"]),
        "color": chosen(["red", "blue", "n/a", None, *(["pink", "NA"] if new else [])]),
        "nogap": chosen(["u", "v", *(["w", None] if new else [])]),
        "zip": [f"{v:04d}" for v in r.integers(0, 30, rows)],
        "many": [f"lev{v}" for v in r.integers(0, 300 if new else 150, rows)],
        "day": [None if r.random() < 0.05 else start + datetime.timedelta(seconds=int(v))
                for v in r.integers(0, more * 10**9, rows)],
        "born": [datetime.date(1950, 1, 1) + datetime.timedelta(days=int(v))
                 for v in r.integers(-20000, 20000, rows)],
        "fixed": list(r.normal(size=rows)) if new else [7.0] * rows,
    })


def feeds(model, frame):
    """The columns as the graph reads them."""
    found = {}
    for column, (name, dtype, _) in zip(model.columns_.inputs, onnx_tables.columns_of(model),
                                        strict=True):
        cells = frame[name].to_list()
        if dtype is object:
            values = np.array(["" if cell is None else cell for cell in cells], object)
        elif column.kind.type == "date":
            values = [np.nan if cell is None else
                      np.datetime64(cell, "us").astype(np.int64) / 86_400e6 for cell in cells]
        else:
            values = [np.nan if cell is None else float(cell) for cell in cells]
        found[name] = np.asarray(values)[:, None]
    return found


TRAINING, OTHERS = table(400), table(60, new=True, seed=1)
PRICE = TRAINING["count"].to_numpy() + 1e3 * TRAINING["yes"].to_numpy()
READING = {**SHORT, "na": ["-999"], "quiet": True, "keep": ["fixed", "many", "zip"]}


@pytest.mark.parametrize("scale", [True, False, "robust"])
def test_a_table_is_prepared_in_the_graph(scale):
    model = ev.TableRegressor(6, scale=scale, **READING).fit(TRAINING, PRICE)
    assert {type(part).__name__ for part in model.inputs_.parts} == {
        "NumberInputs", "DateInputs", "LevelInputs", "MeanInputs"}
    proto = ev.to_onnx(model)
    assert [one.name for one in proto.graph.input] == TRAINING.columns
    for frame in (TRAINING, OTHERS):
        near(run(proto, feeds(model, frame))["variable"][:, 0], model.predict(frame))


@pytest.mark.parametrize("scale", [True, False])
def test_levels_as_rows_of_a_learned_table(scale):
    model = ev.TableRegressor(6, scale=scale, categories="embedding", levels=2,
                              **READING).fit(TRAINING, PRICE)
    assert "CodeInputs" in {type(part).__name__ for part in model.inputs_.parts}
    proto = ev.to_onnx(model)
    for frame in (TRAINING, OTHERS):
        near(run(proto, feeds(model, frame))["variable"][:, 0], model.predict(frame))


def test_ranks_of_a_table():
    # Sines that are equal but for rounding may have ranks far apart: no dates.
    frame, new = TRAINING.drop("day", "born"), OTHERS.drop("day", "born")
    model = ev.TableRegressor(6, scale="normal", **READING).fit(frame, PRICE)
    near(run(ev.to_onnx(model), feeds(model, new))["variable"][:, 0], model.predict(new))


def test_a_table_of_classes_keeps_their_names():
    frame = TRAINING.with_columns(pl.Series("label", np.array(["low", "high"])[
        (PRICE > 500).astype(int)]))
    model = ev.TableClassifier(6, **READING).fit(frame, "label")
    found = run(ev.to_onnx(model), feeds(model, OTHERS))
    assert (found["label"] == model.predict(OTHERS)).all()
    near(found["probabilities"], model.predict_proba(OTHERS))


def test_levels_as_numbers_spell_them():
    model = ev.TableRegressor(6, **READING).fit(TRAINING, PRICE)
    proto, given = ev.to_onnx(model), feeds(model, TRAINING)
    short = np.array([[f"{int(cell[0])}.0"] for cell in given["zip"]], object)
    near(run(proto, {**given, "zip": short})["variable"], run(proto, given)["variable"])


def test_days_of_all_centuries_have_their_place_in_the_year():
    days = np.arange(-700_000, 700_000, 997, dtype="M8[D]")
    frame = pl.DataFrame({"day": days[:1400].astype("M8[us]")})
    part = onnx_tables.DateInputs("day", 0.0, ("year", "week", "day"))
    wanted = np.empty((frame.height, 7))
    part.write(frame["day"].to_numpy(), wanted)
    graph = Graph(onnx, np.float64)
    x = graph.input("day", np.float64, ("batch", 1))
    graph.scope = "day"
    made = onnx_tables._date(graph, part, x, None)
    graph.output(graph("Concat", *made, axis=1), "parts", np.float64, ("batch", 7))
    given = frame["day"].to_numpy().astype("M8[D]").astype(np.int64).astype(float)[:, None]
    found = run(graph.model(""), {"day": given})["parts"]
    assert np.abs(found - wanted).max() < 1e-12 * np.abs(wanted).max()


def test_a_column_of_text_is_refused_by_name():
    text = [" ".join(RANDOM.choice(["alpha", "beta", "gamma", "delta", "words"], 6))
            for _ in range(120)]
    frame = pl.DataFrame({"n": X[:, 0], "remarks": text})
    model = ev.TableRegressor(6, text=True, **SHORT, quiet=True).fit(frame, POSITIVE)
    with pytest.raises(ConfigurationError, match="column 'remarks': free text becomes hashed"):
        ev.to_onnx(model)


def test_an_array_has_columns_by_number():
    model = ev.TableRegressor(6, quiet=True, **SHORT).fit(X[:, :3], POSITIVE)
    found = run(ev.to_onnx(model), {f"x{i}": NEW[:, i : i + 1] for i in range(3)})
    near(found["variable"][:, 0], model.predict(NEW[:, :3]))


# Through skl2onnx -------------------------------------------------------------------------------

skl2onnx = pytest.importorskip("skl2onnx", reason="converts pipelines")


@pytest.fixture(autouse=True)
def registered():
    ev.register_onnx_converters()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("zipmap", [True, False, "columns"])
def test_a_pipeline_of_classes(dtype, zipmap):
    rows = X.astype(dtype)
    pipe = make_pipeline(StandardScaler(), ev.NetClassifier(6, **SHORT)).fit(rows, WORDS)
    for opset in (15, None):
        proto = skl2onnx.to_onnx(pipe, rows[:1], options={"zipmap": zipmap}, target_opset=opset)
        found = run(proto, {"X": NEW.astype(dtype)})
        wanted = pipe.predict_proba(NEW.astype(dtype))
        if zipmap is True:
            chances = [[row[name] for name in "abc"] for row in found["output_probability"]]
        elif zipmap:
            chances = np.stack([found[f"s{name}"] for name in "abc"], axis=1)
        else:
            chances = found["probabilities"]
        label = found["label" if zipmap is False else "output_label"]
        assert (label == pipe.predict(NEW.astype(dtype))).all()
        assert error(chances, wanted) < 1e-5


def test_pipelines_of_numbers_features_labels_and_tables():
    new = NEW[:, :2]
    some = X[:, :2]

    def converted(pipe, y, **options):
        proto = skl2onnx.to_onnx(pipe.fit(some, y), some[:1], options=options or None)
        return run(proto, {"X": new})

    pipe = make_pipeline(StandardScaler(), ev.NetRegressor(6, **SHORT))
    near(converted(pipe, FAR)["variable"][:, 0], pipe.predict(new))
    pipe = make_pipeline(StandardScaler(), ev.TableRegressor(6, quiet=True, **SHORT))
    near(converted(pipe, FAR)["variable"][:, 0], pipe.predict(new))
    pipe = make_pipeline(ev.NetTransformer((6, 4), max_epochs=2, random_state=0),
                         ev.NetClassifier(6, **SHORT))
    near(converted(pipe, WORDS, zipmap=False)["probabilities"], pipe.predict_proba(new))
    pipe = make_pipeline(ev.NetClassifier(6, **SHORT))
    found = converted(pipe, LABELS, zipmap=False)
    near(found["probabilities"], pipe.predict_proba(new))
    assert (found["label"] == pipe.predict(new)).all()
    pipe = make_pipeline(ev.NetRegressor(6, loss="quantile", quantiles=(0.1, 0.9), **SHORT))
    near(converted(pipe, FAR)["variable"], pipe.predict(new))
    with pytest.raises(ConfigurationError, match="target_opset=13: the graph needs at least 14"):
        skl2onnx.to_onnx(pipe, some[:1], target_opset=13)


def test_a_table_in_a_pipeline_has_an_input_a_column():
    from skl2onnx.common.data_types import DoubleTensorType, StringTensorType

    frame, new = (one.select("size", "color", "many") for one in (TRAINING, OTHERS))
    model = ev.TableClassifier(6, quiet=True, **SHORT).fit(frame, PRICE > 500)
    pipe = Pipeline([("net", model)])
    kinds = {"size": DoubleTensorType, "color": StringTensorType, "many": StringTensorType}
    types = [(name, kind([None, 1])) for name, kind in kinds.items()]
    proto = skl2onnx.convert_sklearn(pipe, initial_types=types, options={"zipmap": False})
    found = run(proto, feeds(model, new))
    near(found["probabilities"], model.predict_proba(new))
    assert (found["label"] == model.predict(new)).all()
    with pytest.raises(ConfigurationError, match="no input is named 'many'"):
        skl2onnx.convert_sklearn(pipe, initial_types=types[:2])
