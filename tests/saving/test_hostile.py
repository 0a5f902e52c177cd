"""Files that are whole, but lie: right checksums over contents that cannot be, or cost too much."""

from __future__ import annotations

import copy
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import evenly as ev
from evenly.engine import arrays as engine_arrays
from evenly.errors import FileFormatError
from evenly.estimators import NetClassifier, NetRegressor
from evenly.files import read_arrays, write_arrays
from evenly.saving import load, save

X = np.random.default_rng(0).normal(3, 2, (30, 4))


@pytest.fixture
def model_file(tmp_path):
    net = ev.Sequential([ev.Dense(3), ev.ReLU(), ev.Dense(2)])
    model = ev.fit(net, X, np.arange(30) % 2, loss=ev.SoftmaxCrossEntropy(), epochs=1)
    save(tmp_path / "m", model, scaler=ev.Standardizer().fit(X), classes=["a", "b"])
    return tmp_path / "m"


@pytest.fixture
def classifier_file(tmp_path):
    save(tmp_path / "c", NetClassifier(4, max_epochs=1, random_state=0).fit(X, np.arange(30) % 2))
    return tmp_path / "c"


@pytest.fixture
def regressor_file(tmp_path):
    save(tmp_path / "r", NetRegressor(4, max_epochs=1, random_state=0).fit(X, X[:, 0]))
    return tmp_path / "r"


def refused(path: Any, change: Callable[..., None]) -> str:
    """Why a changed file, sealed anew, is refused; at most 16 MB are taken."""
    arrays, text = read_arrays(path)
    arrays, text = {k: a.copy() for k, a in arrays.items()}, copy.deepcopy(text)
    load(path)
    change(text, arrays)
    write_arrays(path, arrays, text)
    tracemalloc.start()
    try:
        with pytest.raises(FileFormatError) as caught:
            load(path)
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()
    return caught.value.reason


def layer(text: dict[str, Any], number: int = 0) -> dict[str, Any]:
    """The fields of a layer."""
    net = text["content"].get("model", text["content"])["net"]
    return net["type"][1]["layers"]["tuple"][number]["type"][1]


HUGE = 10**9


@pytest.mark.parametrize(("change", "reason"), [
    (lambda t, a: layer(t).update(units=HUGE), "'weights/dense_1.kernel' should be float32"),
    (lambda t, a: layer(t).update(units=2**63), "the network's arrays would take"),
    (lambda t, a: layer(t).update(units=-1), "Dense: units"),
    (lambda t, a: layer(t).update(units="3"), "units cannot be '3'"),
    (lambda t, a: layer(t).update(bias=[]), "bias cannot be a list"),
    (lambda t, a: layer(t).update(kernel_init=5), "kernel_init cannot be 5"),
    (lambda t, a: layer(t).update(size=5), "no field 'size'"),
    (lambda t, a: layer(t).pop("units"), "units"),
    (lambda t, a: t["content"].update(batch=HUGE), "memory="),
    (lambda t, a: t["content"].update(batch=2**63), "would take"),
    (lambda t, a: t["content"].update(batch=True), "batch cannot be True"),
    (lambda t, a: t["content"].update(batch=0), "batch must be"),
    (lambda t, a: t["content"].update(seed=-1), "a seed or"),
    (lambda t, a: t["content"].update(steps=2**63), "a seed or"),
    (lambda t, a: t["content"].update(dtype="float16"), "dtype"),
    (lambda t, a: t["content"].update(dtype="float64"), "should be float64"),
    (lambda t, a: t["content"].update(input_shape={"tuple": [HUGE]}), "should be float32"),
    (lambda t, a: t["content"].update(input_shape={"tuple": [1] * 17}), "more than 16 axes"),
    (lambda t, a: t["content"].update(loss=t["content"]["optimizer"]), "loss cannot be a Adam"),
    (lambda t, a: t["content"].update(more=1), "should have the fields"),
    (lambda t, a: t["content"].pop("clip"), "should have the fields"),
    (lambda t, a: t.update(kind="os.system"), "holds no Model"),
    (lambda t, a: t.update(content=None), "should have the fields"),
    (lambda t, a: t.update(classes=["a"]), "each of the 2 classes"),
    (lambda t, a: t.update(classes={"texts": ["<U999999999", [2], ["a", "b"]]}), ""),
    (lambda t, a: t.update(classes={"texts": ["<U1", [HUGE], ["a", "b"]]}), "array of texts"),
    (lambda t, a: t.update(classes={"scalar": ["object", 1]}), "a number"),
    (lambda t, a: t.update(classes={"eval": ["1"]}), "no known kind, 'eval'"),
    (lambda t, a: t.update(classes={"__init__": ["1"]}), "no known kind"),
    (lambda t, a: t.update(classes={"type": ["Popen", {"args": "ls"}]}), "no type of Evenly's"),
    (lambda t, a: t.update(classes={"type": ["_MadeKernel", {}]}), "no type of Evenly's"),
    (lambda t, a: t.update(classes={"dict": [[{"dict": []}, 1]]}), "a dict"),
    (lambda t, a: t.update(classes={"array": "values/9"}), "'values/9' is missing"),
    (lambda t, a: t.update(classes={"a": 1, "b": 2}), "2 kinds"),
    (lambda t, a: t.update(classes={"RandomState": [{"tuple": []}]}), "a RandomState"),
    (lambda t, a: t["scaler"]["type"][1].pop("mean"), "not fitted"),
    (lambda t, a: a.update({"values/1": -a["values/1"]}), "positive"),
    (lambda t, a: a.update({"values/0": a["values/0"][:3]}), "of one shape"),
    (lambda t, a: a.pop("weights/dense_2.bias"), "'weights/dense_2.bias' is missing"),
    (lambda t, a: a.pop("state_2/dense_2.bias"), "'state_2/dense_2.bias' is missing"),
    (lambda t, a: a.update({"weights/dense_3.bias": np.zeros(2)}), "belongs to nothing"),
    (lambda t, a: a.update({"weights/dense_1.kernel": np.zeros((4, 4), "f4")}),
     r"should be float32 of shape (4, 3), it is float32 of shape (4, 4)"),
], ids=lambda v: v if isinstance(v, str) else "")
def test_models(change, reason, model_file):
    if not reason:  # a width that is only claimed is no harm
        arrays, text = read_arrays(model_file)
        change(text, arrays)
        write_arrays(model_file, arrays, text)
        assert load(model_file).classes.dtype == "<U1"
    else:
        assert reason in refused(model_file, change)


def stacked(kind: str, **fields: Any) -> Callable[..., None]:
    def change(text: Any, arrays: Any) -> None:
        net = text["content"]["net"]["type"][1]
        net["layers"] = {"tuple": [{"type": [kind, fields]}]}
        text["content"]["input_shape"] = {"tuple": [5, 4]}
    return change


@pytest.mark.parametrize("change", [
    stacked("LSTM", units=2, layers=HUGE), stacked("LSTM", units=HUGE, layers=2),
    stacked("GRU", units=2, stateful=True, sequences=True, layers=2000),
    stacked("Conv1D", filters=HUGE, kernel_size=1), stacked("Conv1D", filters=1, kernel_size=HUGE),
    stacked("Conv1D", filters=2, kernel_size=HUGE, padding="same"),
    stacked("Conv1D", filters=2, kernel_size=2, padding="same", dilation=HUGE),
    stacked("MaxPool1D", pool_size=HUGE, padding="same"),
    stacked("DepthwiseConv1D", kernel_size=2, multiplier=HUGE),
    stacked("Embedding", vocabulary=HUGE, units=HUGE), stacked("Reshape", shape=[1] * 100),
    stacked("GroupNorm", groups=HUGE), stacked("LayerNorm", axes=HUGE),
    stacked("Dense", units=2, bias_init={"type": ["GateBias", {
        "gate": HUGE, "gates": HUGE, "value": 1.0}]}),
], ids=range(14))
def test_layers_that_would_be_huge(change, model_file):
    assert refused(model_file, change)


def test_examples_that_would_be_huge(model_file):
    """Few weights, but activations of any size."""
    def change(text: Any, arrays: Any) -> None:
        net = text["content"]["net"]["type"][1]
        net["layers"] = {"tuple": [{"type": ["ReLU", {}]}, {"type": ["GlobalAveragePool", {}]}]}
        text["content"]["input_shape"] = {"tuple": [10**6, 10**4, 2]}
        for name in [name for name in arrays if "/dense" in name]:
            del arrays[name]

    assert "give load more if you trust the file" in refused(model_file, change)


def test_no_arena_is_made_before_the_file_is_compared(model_file, monkeypatch):
    def change(text: Any, arrays: Any) -> None:
        layer(text).update(units=HUGE)

    def made(size: int) -> Any:
        raise AssertionError(f"an arena of {size} bytes")

    arrays, text = read_arrays(model_file)
    change(text, arrays)
    write_arrays(model_file, arrays, text)
    monkeypatch.setattr(engine_arrays, "new_arena", made)
    with pytest.raises(FileFormatError, match=r"'weights/dense_1\.kernel' should be"):
        load(model_file)


def test_memory_is_what_the_caller_allows(tmp_path):
    model = ev.init(ev.Sequential([ev.Dense(500)]), 500)
    save(tmp_path / "m", model)
    needed = model.engine.program.state_bytes + model.engine.program.work_bytes
    load(tmp_path / "m", memory=needed)
    with pytest.raises(FileFormatError, match=f"needs {needed:,} bytes"):
        load(tmp_path / "m", memory=needed - 1)


def test_networks_nest_eight_containers_deep(tmp_path, model_file):
    """Compile's time doubles with each: what cannot be loaded is refused when it is saved."""
    net: ev.Layer = ev.Dense(2)
    for _ in range(7):
        net = ev.Sequential([net])
    save(tmp_path / "m", ev.init(ev.Sequential([net]), 2))
    assert repr(load(tmp_path / "m").net) == repr(ev.Sequential([net]))
    with pytest.raises(ev.errors.ConfigurationError, match="more than 8 deep"):
        save(tmp_path / "n", ev.init(ev.Sequential([ev.Sequential([net])]), 2))

    def change(text: Any, arrays: Any) -> None:
        for _ in range(40):
            net = text["content"]["net"]
            text["content"]["net"] = {"type": ["Sequential", {"layers": {"tuple": [net]}}]}

    assert "more than 8 deep" in refused(model_file, change)


def learned(**changes: Any) -> Callable[..., None]:
    return lambda t, a: t["content"]["learned"].update(changes)


@pytest.mark.parametrize(("change", "reason"), [
    (lambda t, a: t["content"].update(params=[]), "does not have all of these arguments"),
    (lambda t, a: t["content"]["params"]["dict"].append(["exec", 1]), "all of these arguments"),
    (lambda t, a: t["content"]["params"]["dict"].append([1, 1]), "all of these arguments"),
    (lambda t, a: t["content"].pop("scaler"), "should have the fields"),
    (lambda t, a: t["content"].update(model=None), "the model should have"),
    (lambda t, a: t["content"].update(feature_names=["a"]), "should be 4 texts"),
    (lambda t, a: t["content"].update(feature_names={"texts": ["|O", [1], ["a"]]}),
     "should be 4 texts"),
    (learned(_multi_label=1), "_multi_label cannot be 1"),
    (learned(_multi_label=True), "the network has shape"),
    (learned(classes_=3), "classes_ cannot be 3"),
    (learned(classes_={"texts": ["<U1", [2], ["b", "a"]]}), "should be sorted"),
    (learned(classes_={"texts": ["<U1", [2], ["a", "a"]]}), "each there once"),
    (learned(classes_={"texts": ["<U1", [1], ["a"]]}), "each there once"),
    (learned(classes_={"texts": ["<U1", [3], ["a", "b", "c"]]}), "3 outputs"),
    (lambda t, a: t["content"]["scaler"].update(weight=-1.0), "finite"),
    (lambda t, a: t["content"]["scaler"].update(weight={"float": "nan"}), "finite"),
    (lambda t, a: t["content"]["scaler"].update(center=None), "center cannot be None"),
    (lambda t, a: t["content"].update(target_scaler=t["content"]["scaler"]), "scale"),
    (lambda t, a: t["content"].update(span=3), "the span should be"),
    (lambda t, a: t["content"].update(span=t["content"]["span"][:1]), "the span should be"),
    (lambda t, a: t["content"]["span"].reverse(), "the span should be"),
    (lambda t, a: a.update({t["content"]["span"][0]["array"]: np.zeros(2)}), "the span should be"),
    (lambda t, a: a[t["content"]["span"][0]["array"]].fill(np.nan), "the span should be"),
    (lambda t, a: t["content"]["scaler"].update(exponent=None), "exponent cannot be None"),
    (lambda t, a: t["content"]["scaler"].update(exponent=t["content"]["scaler"]["mean"]),
     "exponent should be int64"),
], ids=lambda v: v if isinstance(v, str) else "")
def test_classifiers(change, reason, classifier_file):
    assert reason in refused(classifier_file, change)


def held(**fields: Any) -> Callable[..., None]:
    return lambda t, a: t["content"].update(held=fields)


def split_by(content: Any) -> Callable[..., None]:
    return lambda t, a: t["content"].update(splitter=content)


def errors_of(*values: float) -> Callable[..., None]:
    def change(text: Any, arrays: Any) -> None:
        arrays["values/held"] = np.array(values)[:, None]
        text["content"]["held"] = {"conformal_": {"array": "values/held"}}

    return change


@pytest.mark.parametrize(("change", "reason"), [
    (lambda t, a: t["content"].update(held=[]), "held-out rows has other fields"),
    (held(exec=1), "held-out rows has other fields"),
    (held(conformal_=1.0), "held-out rows has other fields"),
    (held(temperature_=0.0), "temperature_ cannot be that"), (held(temperature_=1), "temperature_"),
    (held(temperature_={"float": "nan"}), "temperature_"), (held(threshold_=1.5), "threshold_"),
    (held(threshold_=True), "threshold_ cannot"), (held(threshold_="f1"), "threshold_ cannot"),
    (held(threshold_={"float": "nan"}), "threshold_ cannot"), (held(_monitored=3), "_monitored"),
    (split_by("KFold"), "none that is known"), (split_by(["eval", {"dict": []}]), "none that is"),
    (split_by([["KFold"], {"dict": []}]), "none that is known"),
    (split_by(["KFold", {"dict": [["exec", 1]]}]), "KFold does not have all of these arguments"),
    (split_by(["KFold", 3]), "KFold does not have all"),
    (split_by(["KFold", {"dict": [["n_splits", "x"]]}]), "KFold: "),
    (split_by(["PredefinedSplit", {"dict": []}]), "PredefinedSplit: "),
], ids=lambda v: v if isinstance(v, str) else "")
def test_what_a_classifier_learned_from_held_out_rows(change, reason, classifier_file):
    assert reason in refused(classifier_file, change)


@pytest.mark.parametrize("values", [(1.0, 0.5), (-1.0, 2.0), (0.0, np.inf), (np.nan, 1.0), ()])
def test_errors_on_held_out_rows_that_cannot_be(values, regressor_file):
    assert "conformal_ cannot be that" in refused(regressor_file, errors_of(*values))


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0])
def test_scales_that_cannot_be(value, classifier_file):
    def change(text: Any, arrays: Any) -> None:
        arrays[text["content"]["scaler"]["squares"]["array"]][0] = value

    assert "finite" in refused(classifier_file, change)


@pytest.mark.parametrize(("change", "reason"), [
    (learned(n_outputs_=2), "2 outputs"), (learned(n_outputs_=HUGE), f"{HUGE} outputs"),
    (lambda t, a: t["content"].update(held={"_watched": 1}), "_watched cannot be that"),
    (lambda t, a: t["content"].update(held={"threshold_": 0.5}), "has other fields"),
    (learned(n_outputs_=0), "0 targets"), (learned(_one_axis=None), "_one_axis cannot be None"),
    (lambda t, a: t["content"]["target_scaler"].update(mean=t["content"]["scaler"]["mean"]),
     "mean should be float64 of shape (1,)"),
], ids=lambda v: v if isinstance(v, str) else "")
def test_regressors(change, reason, regressor_file):
    assert reason in refused(regressor_file, change)


@pytest.mark.parametrize(("loss", "change", "reason"), [
    ("huber", lambda s, a: s.pop("rows"), "the scale"),
    ("huber", lambda s, a: a.update({s["rows"]["array"]: np.zeros((0, 1))}), "weights"),
    ("huber", lambda s, a: a.update({s["weights"]["array"]: np.zeros(3)}), "weights"),
    ("huber", lambda s, a: a[s["width"]["array"]].fill(0), "widths do not fit"),
    ("huber", lambda s, a: a[s["middle"]["array"]].fill(np.nan), "middle should be finite"),
    ("huber", lambda s, a: s.update(stride=0), "do not fit"),
    ("huber", lambda s, a: s.update(seen=-1), "seen is -1"),
    ("huber", lambda s, a: s.update(seen="many"), "seen"),
    ("poisson", lambda s, a: a[s["mean"]["array"]].fill(-1), "means should not be negative"),
    ("poisson", lambda s, a: s.update(weight={"float": "inf"}), "weight is inf"),
])
def test_scales_of_targets(loss, change, reason, tmp_path):
    net = NetRegressor(4, loss=loss, max_epochs=1, random_state=0).fit(X, np.exp(X[:, 0] / 4))
    save(tmp_path / "r", net)

    def changed(text: Any, arrays: Any) -> None:
        change(next(iter(text["content"]["target_scaler"].values())), arrays)

    assert reason in refused(tmp_path / "r", changed)


@pytest.mark.parametrize("loss", ["squared", "poisson"])
def test_a_scale_of_another_loss(loss, tmp_path):
    for name in ("huber", loss):
        net = NetRegressor(4, loss=name, max_epochs=1, random_state=0).fit(X, np.exp(X[:, 0] / 4))
        save(tmp_path / name, net)
    other = read_arrays(tmp_path / loss)

    def changed(text: Any, arrays: Any) -> None:
        arrays.update({f"other/{name}": array for name, array in other[0].items()})
        scale = copy.deepcopy(other[1]["content"]["target_scaler"])
        for part in (scale, *scale.values()):
            for value in part.values() if isinstance(part, dict) else ():
                if isinstance(value, dict) and "array" in value:
                    value["array"] = "other/" + value["array"]
        text["content"]["target_scaler"] = scale

    assert refused(tmp_path / "huber", changed)
