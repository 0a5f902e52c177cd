"""Twenty thousand damaged files: each is refused as such, or gives the right answer."""

from __future__ import annotations

import copy
import random
import tracemalloc
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.feature_selection import SelectKBest, VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.pipeline import make_pipeline as make_pipeline_of
from sklearn.preprocessing import KBinsDiscretizer, PolynomialFeatures, PowerTransformer

import evenly as ev
from evenly import files
from evenly.errors import FileFormatError
from evenly.estimators import NetClassifier, NetRegressor
from evenly.files import read_arrays, write_arrays
from evenly.saving import Saved, load, save

pytestmark = pytest.mark.sweep

X = np.random.default_rng(0).normal(3, 2, (12, 3))
RAW, SEALED = 4600, 400  # mutations of each file
MOST_BYTES = 2**26


def make_model(path: Any) -> None:
    net = ev.Sequential([ev.Residual([ev.WeightNorm(ev.Dense(3)), ev.ReLU()]), ev.BatchNorm(),
                         ev.Dropout(0.1), ev.Dense(2)])
    save(path, ev.fit(net, X, np.arange(12) % 2, loss=ev.SoftmaxCrossEntropy(), epochs=1, batch=4))


def make_watched(path: Any) -> None:
    net = ev.Sequential([ev.Dense(3), ev.ReLU(), ev.Dense(2)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        save(path, ev.fit(net, X, np.arange(12) % 2, loss=ev.SoftmaxCrossEntropy(), epochs=1,
                          progress=False, doctor=True))


def make_saved(path: Any) -> None:
    net = ev.Sequential([ev.Conv1D(2, 2), ev.LSTM(1, layers=2), ev.Dense(1)])
    scaler = ev.RobustScaler(channels=True).fit(X)
    save(path, ev.init(net, (4, 3), loss=ev.BinaryCrossEntropy()), scaler=scaler,
         classes=np.array(["no", "yes"]))


def make_classifier(path: Any) -> None:
    save(path, NetClassifier(2, max_epochs=1, random_state=0).fit(X, np.arange(12) % 2))


def make_regressor(path: Any) -> None:
    save(path, NetRegressor(2, norm=None, max_epochs=1, random_state=0).fit(X, X[:, 0]))


def make_pipeline(path: Any) -> None:
    inputs = FeatureUnion([
        ("plain", "passthrough"), ("main", PCA(2)), ("powers", PolynomialFeatures(2)),
        ("some", ColumnTransformer([("bins", KBinsDiscretizer(3), [0])], remainder="passthrough")),
    ])
    net = NetClassifier(2, max_epochs=1, random_state=0)
    save(path, make_pipeline_of(SimpleImputer(add_indicator=True), PowerTransformer(), inputs,
                                VarianceThreshold(), SelectKBest(k=4), net).fit(
        np.where(X > 4, np.nan, X), np.arange(12) % 2))


FILES = [make_model, make_watched, make_saved, make_classifier, make_regressor, make_pipeline]


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(files.os, "fsync", lambda descriptor: None)
    tracemalloc.start(1)
    yield
    tracemalloc.stop()


def damaged(data: bytes, rng: random.Random) -> bytes:
    """The bytes of a file with something wrong."""
    at, other = rng.randrange(len(data)), rng.randrange(len(data))
    begin, end = min(at, other), max(at, other)
    kind = rng.randrange(9)
    if kind <= 2:
        changed = bytearray(data)
        for _ in range(rng.choice([1, 1, 2, 20])):
            changed[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        return bytes(changed)
    if kind == 3:
        return data[:at]
    if kind == 4:
        return data[:at] + rng.randbytes(rng.randrange(1, 9)) + data[at:]
    if kind == 5:
        return data[:begin] + data[end:]
    if kind == 6:  # the length of the header
        return rng.choice([rng.randrange(2**64), rng.randrange(len(data)), 2**63, 0]).to_bytes(
            8, "little") + data[8:]
    if kind == 7:  # a digit of the header: sizes, offsets, versions
        length = int.from_bytes(data[:8], "little")
        digits = [i for i in range(8, 8 + length) if chr(data[i]).isdigit()]
        i = rng.choice(digits)
        return data[:i] + rng.choice([b"0", b"9", b"99999999999", b"-1", b"1e9"]) + data[i + 1 :]
    return data[end:] + data[:begin]


@pytest.mark.parametrize("make", FILES)
def test_damaged_bytes(make, tmp_path):
    path = tmp_path / "m"
    make(path)
    data, right = path.read_bytes(), read_arrays(path)
    rng = random.Random(1)
    refused = 0
    for _ in range(RAW):
        path.unlink()  # some file systems wait for the disk when an old file is overwritten
        path.write_bytes(damaged(data, rng))
        tracemalloc.reset_peak()
        try:
            load(path)
        except FileFormatError:
            refused += 1
        else:
            arrays, text = read_arrays(path)
            assert text == right[1]
            assert arrays.keys() == right[0].keys()
            assert all(a.tobytes() == right[0][n].tobytes() for n, a in arrays.items())
        assert tracemalloc.get_traced_memory()[1] < MOST_BYTES
    assert refused > 0.9 * RAW


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) within a JSON value."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in pairs:
        yield value, key
        if isinstance(inner, (dict, list)):
            yield from places(inner)


HOSTILE = [
    None, True, False, 0, 1, -1, 2, 17, 10**9, 2**63, -(2**63), 0.5, -0.5, 1e308, 5e-324, "", "x",
    "float64", [], {}, [1], {"tuple": []}, {"tuple": [1, 10**9]}, {"float": "nan"},
    {"float": "inf"}, {"array": "values/0"}, {"dict": []}, {"scalar": ["float16", 1e9]},
    {"type": ["Dense", {"units": 3}]}, {"type": ["LSTM", {"units": 1, "layers": 10**9}]},
    {"type": ["Zeros", {}]}, {"texts": ["|O", [1], ["a"]]},
]


def lie(text: Any, arrays: dict[str, Any], rng: random.Random) -> None:
    """Changes something such that the file stays whole."""
    found = list(places(text))
    container, key = rng.choice(found)
    kind = rng.randrange(8)
    if kind == 0 and isinstance(container, dict):
        container[rng.choice(["x", "type", "tuple", "array"])] = container.pop(key)
    elif kind == 1:
        other, its = rng.choice(found)
        container[key] = copy.deepcopy(other[its])
    elif kind == 2:
        del container[key]
    elif kind == 3:
        name = rng.choice(sorted(arrays))
        array = arrays.pop(name)
        rng.choice([
            lambda: None, lambda: arrays.update({name: array.reshape(-1)[:-1]}),
            lambda: arrays.update({name: array.astype("f8")}),
            lambda: arrays.update({name + "x": array}),
            lambda: arrays.update({name: array.astype("f4") * np.float32("nan")}),
        ])()
    else:
        container[key] = rng.choice(HOSTILE)


@pytest.mark.parametrize("make", FILES)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # weights of any size
def test_whole_files_that_lie(make, tmp_path):
    path = tmp_path / "m"
    make(path)
    arrays, right = read_arrays(path)
    rng = random.Random(2)
    refused = 0
    for _ in range(SEALED):
        text, own = copy.deepcopy(right), dict(arrays)
        for _ in range(rng.choice([1, 1, 1, 3])):
            lie(text, own, rng)
        path.unlink()
        write_arrays(path, own, text)
        tracemalloc.reset_peak()
        try:
            what = load(path, memory=2**23)
        except FileFormatError:
            refused += 1
        else:
            assert type(what) in (ev.Model, Saved, NetClassifier, NetRegressor, Pipeline) or (
                make is make_pipeline and isinstance(what, BaseEstimator))
        assert tracemalloc.get_traced_memory()[1] < MOST_BYTES, text
    assert 0.3 * SEALED < refused < SEALED
