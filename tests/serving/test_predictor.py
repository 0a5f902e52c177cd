"""What a server has of a Predictor: the source's answers, from many threads, without waiting."""

import pickle
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import evenly as ev
from evenly.errors import ConfigurationError, DataError, ShapeError
from evenly.saving import Saved
from tests.contract.common import arrays_for, error

RNG = np.random.default_rng(0)
X = RNG.normal(3, 2, (240, 6)).astype(np.float32)
Y = np.array(["a", "b", "c"])[(X[:, 0] > 3).astype(int) + (X[:, 1] > 3)]
NET = ev.Sequential([
    ev.Dense(64), ev.BatchNorm(), ev.ReLU(), ev.Dropout(0.5), ev.Dense(32), ev.BatchNorm(),
    ev.SiLU(), ev.Dense(3),
])
PLAIN = {"max_epochs": 3, "random_state": 0, "effort": "fast"}


def model_of(net=NET, shape=(6,), **more):
    model = ev.init(net, shape, **more)
    for name, array in arrays_for(model.net, shape, 0, "float32").items():
        model.weights[name][...] = array
    return model


@pytest.fixture(scope="module")
def classifier():
    return ev.NetClassifier((16, 8), **PLAIN).fit(X, Y)


def test_a_model(tmp_path):
    model = model_of(loss=ev.SoftmaxCrossEntropy())
    predictor = ev.Predictor(model)
    assert error(predictor.predict(X), model.predict(X)) < 1e-5
    assert error(predictor.predict_proba(X), model.predict_proba(X)) < 1e-5
    assert (predictor.predict(X.astype(np.float64)) == predictor.predict(X)).all()
    assert predictor.predict(X[:0]).shape == (0, 3)
    assert (ev.Predictor(model, max_batch=7).predict(X) == predictor.predict(X)).all()
    ev.save(tmp_path / "m.safetensors", model)
    of_file = ev.Predictor(tmp_path / "m.safetensors")
    assert (of_file.predict(X) == predictor.predict(X)).all()
    assert (pickle.loads(pickle.dumps(predictor)).predict(X) == predictor.predict(X)).all()


def test_weights_are_frozen():
    model = model_of()
    predictor = ev.Predictor(model)
    before = predictor.predict(X)
    for array in model.weights.values():
        array[...] = 0
    assert (predictor.predict(X) == before).all()
    assert predictor.error(X).largest > 0.1  # the source is another by now


@pytest.mark.parametrize("net", [[ev.Flatten()], [ev.Dropout(0.2)], [ev.BatchNorm()], []])
def test_networks_of_little(net):
    model = model_of(ev.Sequential(net))
    assert error(ev.Predictor(model).predict(X), model.predict(X)) < 1e-5


def test_sequences_with_lengths():
    model = model_of(ev.Sequential([ev.LSTM(5), ev.Dense(2)]), (4, 3))
    x, lengths = RNG.normal(size=(9, 4, 3)), RNG.integers(1, 5, 9)
    predictor = ev.Predictor(model)
    assert error(predictor.predict(x, lengths), model.predict(x, lengths)) < 1e-5
    assert error(predictor.predict(x), model.predict(x)) < 1e-5


def test_a_classifier(classifier):
    predictor = ev.Predictor(classifier)
    assert (predictor.predict(X) == classifier.predict(X)).all()
    assert error(predictor.predict_proba(X), classifier.predict_proba(X)) < 1e-5
    exact = ev.Predictor(classifier, "float64")
    assert error(exact.predict_proba(X), classifier.predict_proba(X)) < 1e-12


def test_a_regressor():
    regressor = ev.NetRegressor((8,), **PLAIN).fit(X, 1e6 + 1e3 * X[:, :2])
    predictor = ev.Predictor(regressor)
    assert error(predictor.predict(X), regressor.predict(X)) < 1e-5
    with pytest.raises(ConfigurationError, match="a NetRegressor has no probabilities: take pred"):
        predictor.predict_proba(X)


def test_a_table(tmp_path):
    table = {"size": X[:, 0], "kind": Y}
    model = ev.TableClassifier((8,), **PLAIN).fit(table, (X[:, 1] > 3).astype(int))
    ev.save(tmp_path / "t.safetensors", model)
    for predictor in (ev.Predictor(model), ev.Predictor(tmp_path / "t.safetensors")):
        assert (predictor.predict(table) == model.predict(table)).all()
        assert error(predictor.predict_proba(table), model.predict_proba(table)) < 1e-5
        assert predictor.error(table).largest < 1e-5


def test_a_saved():
    scaler = ev.Standardizer().fit(X)
    saved = Saved(model_of(loss=ev.SoftmaxCrossEntropy()), scaler, ["a", "b", "c"])
    predictor = ev.Predictor(saved)
    assert (predictor.predict(X) == saved.predict(X)).all()
    assert error(predictor.predict_proba(X), saved.predict_proba(X)) < 1e-5
    assert error(predictor.scores(X), saved.scores(X)) < 1e-5


# Many threads -----------------------------------------------------------------------------------

@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int8"])
def test_sixteen_threads_at_once(dtype):
    predictor = ev.Predictor(model_of(), dtype, max_batch=32)
    parts = [X[i : i + 1 + 5 * i] for i in range(16)]
    alone = [predictor.predict(part).tobytes() for part in parts]
    begin = threading.Barrier(16)

    def differs(i):
        begin.wait()
        return any(predictor.predict(parts[i]).tobytes() != alone[i] for _ in range(40))

    with ThreadPoolExecutor(16) as pool:
        assert not any(pool.map(differs, range(16)))


def test_an_estimator_in_sixteen_threads(classifier):
    predictor = ev.Predictor(classifier)
    alone = [predictor.predict_proba(X[i:]).tobytes() for i in range(16)]
    with ThreadPoolExecutor(16) as pool:
        again = pool.map(lambda i: predictor.predict_proba(X[i % 16 :]).tobytes(), range(96))
        assert list(again) == alone * 6


def test_nobody_waits_for_another():
    predictor = ev.Predictor(model_of())
    wanted = predictor.predict(X)
    engine = predictor._answers.engine
    at_work = [engine._free.pop()]  # as a call that does not come to its end
    with ThreadPoolExecutor(1) as pool:
        got = pool.submit(predictor.predict, X).result(timeout=60)
    assert (got == wanted).all()
    engine._free += at_work
    made = engine._made
    predictor.predict(X)
    assert (made, engine._made, len(engine._free)) == (2, 2, 2)


def test_a_failed_call_gives_its_memory_back():
    predictor = ev.Predictor(model_of())
    engine = predictor._answers.engine
    free = len(engine._free)
    with pytest.raises(ShapeError):
        predictor.predict(X[:, :3])
    assert len(engine._free) == free == engine._made


def test_a_call_makes_its_result_alone():
    predictor = ev.Predictor(model_of(), threads=1)
    x = np.tile(X, (20, 1))
    predictor.predict(x)
    tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        result = predictor.predict(x)
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert result.nbytes <= peak < result.nbytes + 3000


# Its own judgement ------------------------------------------------------------------------------

def test_error():
    # One layer, whose numbers are exact in float32 and not in bfloat16.
    model = ev.init(ev.Sequential([ev.Dense(2, bias=False)]), 2)
    model.weights["dense_1.kernel"][...] = [[1 + 2**-8, 1.0], [0, 0]]  # ties to even: 1
    x = np.array([[1.0, 0.0], [-2.0, 0.0], [0.0, 5.0]])
    assert ev.Predictor(model).error(x).largest == 0
    found = ev.Predictor(model, "bfloat16").error(x)
    assert (found.rows, found.largest, found.mean) == (3, 2**-7, 2**-8 / 2)
    assert found.scale == 2 + 2**-7
    assert found.classes == pytest.approx(1 / 3)  # the second row's largest output
    assert "3 rows" in str(found)
    assert "33.33%" in str(found)


@pytest.mark.parametrize("dtype", ["bfloat16", "int8"])
def test_few_bits_cost_little(classifier, dtype):
    found = ev.Predictor(classifier, dtype).error(X)
    assert 1e-4 * found.scale < found.largest < 0.03 * found.scale
    assert found.classes < 0.05


def test_few_bits_take_less_memory():
    model = model_of(ev.Sequential([ev.Dense(512), ev.ReLU(), ev.Dense(512)]), (512,))
    bytes_ = {dtype: ev.Predictor(model, dtype).program.state_bytes
              for dtype in ("float32", "bfloat16", "int8")}
    assert bytes_["bfloat16"] < 0.51 * bytes_["float32"]
    assert bytes_["int8"] < 0.26 * bytes_["float32"]


# What cannot be ---------------------------------------------------------------------------------

class Own(ev.ReLU):
    kernel = None


@pytest.mark.parametrize(("make", "words"), [
    (lambda: ev.Predictor(model_of(), "float16"), r"dtype must be one of .*'int8', got 'float16'"),
    (lambda: ev.Predictor(model_of(), dtype=8), "dtype must be one of"),
    (lambda: ev.Predictor(model_of(), max_batch=0), "max_batch must be a whole number of at least"),
    (lambda: ev.Predictor(model_of(), max_batch=True), "max_batch must be a whole number"),
    (lambda: ev.Predictor(model_of(), threads=0), "threads must be a whole number from 1"),
    (lambda: ev.Predictor(NET), r"expects a Model, a fitted estimator .* got Sequential"),
    (lambda: ev.Predictor(ev.NetClassifier), "expects a Model, a fitted estimator"),
    (lambda: ev.Predictor(make_pipeline(StandardScaler(), ev.NetClassifier())),
     r"a Pipeline is none .*Predictor\(pipeline\[-1\]\)"),
    (lambda: ev.Predictor(StandardScaler()), "a StandardScaler is none of evenly's"),
    (lambda: ev.Predictor(ev.NetTransformer()), "predicts nothing: take its transform"),
    (lambda: ev.Predictor(model_of(ev.Sequential([ev.LSTM(3, stateful=True)]), (4, 6))),
     r"LSTM 'lstm_1': is stateful.*take the model's own predict"),
    (lambda: ev.Predictor(model_of(ev.Sequential([Own()]))),
     r"Own 'relu_1': has no kernel.*take the model's own predict"),
    (lambda: ev.Predictor(model_of()).error(X[:0]), "error needs at least one row"),
], ids=range(13))
def test_what_cannot_be(make, words):
    with pytest.raises(ConfigurationError, match=words):
        make()


@pytest.mark.parametrize("estimator", [
    ev.NetClassifier(), ev.NetRegressor(), ev.TableClassifier(), ev.TableRegressor(),
])
def test_before_its_fit(estimator):
    with pytest.raises(NotFittedError, match="not fitted"):
        ev.Predictor(estimator)


def test_rows_that_do_not_fit(classifier):
    predictor = ev.Predictor(model_of())
    with pytest.raises(ShapeError, match=r"expects inputs of shape \(n, 6\), got \(5, 3\)"):
        predictor.predict(np.zeros((5, 3)))
    with pytest.raises(DataError, match="1e\\+300"):
        predictor.predict(np.full((2, 6), 1e300))
    with pytest.raises(ConfigurationError, match="no layer of the network reads them"):
        predictor.predict(X, np.ones(len(X), int))
    with pytest.raises(ConfigurationError, match=r"lengths are for sequences.*NetClassifier"):
        ev.Predictor(classifier).predict(X, np.ones(len(X), int))
    with pytest.raises(ValueError, match="5 features"):
        ev.Predictor(classifier).predict(X[:, :5])
    with pytest.raises(DataError, match="no prob"):
        ev.Predictor(model_of(loss=ev.MeanSquaredError())).predict_proba(X)
