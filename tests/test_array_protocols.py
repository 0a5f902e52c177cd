"""Arrays, columns and buffers of other libraries, wherever arrays enter."""

import array

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse

import evenly as ev
from evenly import given
from evenly.engine.checks import as_rows
from evenly.errors import DataError
from evenly.rows import Batches
from evenly.saving import Saved

torch = pytest.importorskip("torch", reason="torch is not installed: pip install torch")

X = np.random.default_rng(0).standard_normal((24, 3)).astype(np.float32)
Y = (X[:, 0] > 0).astype(np.int64)
LOSS = ev.SoftmaxCrossEntropy()
NET = ev.Sequential([ev.Dense(2)])
MODEL = ev.init(NET, 3, loss=LOSS)


class Lends:
    """An array that has DLPack and nothing else, as CuPy's on the processor would."""

    def __init__(self, values, device=1):
        self._values, self._device = values, device

    def __dlpack__(self, **how):
        return self._values.__dlpack__(**how)

    def __dlpack_device__(self):
        return (self._device, 0)


class LendsAsBefore(Lends):
    """The same by DLPack's first version, which knows nothing of what may not be written."""

    def __dlpack__(self, stream=None):
        return self._values.__dlpack__()


class Streams:
    """Arrow's capsules and nothing else."""

    def __init__(self, column):
        self.__arrow_c_stream__ = column.__arrow_c_stream__


class HasArray:
    def __init__(self, values):
        self._values = values

    def __array__(self, dtype=None, copy=None):
        return self._values if dtype is None else self._values.astype(dtype)


def read_only(values):
    own = values.copy()
    own.flags.writeable = False
    return own


def jax_array(values):
    jax = pytest.importorskip("jax", reason="jax is not installed: pip install jax")
    with jax.enable_x64(True):
        return jax.numpy.asarray(values)


# How rows or labels may come. Each is of a copy: none of them may be written to.
FORMS = {
    "torch": lambda a: torch.from_numpy(a.copy()),
    "torch, of other strides": lambda a: torch.from_numpy(np.asfortranarray(a)),
    "jax": jax_array,
    "DLPack": lambda a: Lends(a.copy()),
    "the first DLPack": lambda a: LendsAsBefore(a.copy()),
    "__array__": HasArray,
    "memoryview": memoryview,
    "Arrow": lambda a: pa.chunked_array([a[:5], a[5:]]) if a.ndim == 1 else pa.table(
        dict(zip("abc", a.T, strict=True))),
    "an Arrow tensor": lambda a: pa.array(a) if a.ndim == 1 else pa.Tensor.from_numpy(a),
    "Arrow's capsules": lambda a: Streams(
        pa.chunked_array([a]) if a.ndim == 1 else pa.table(dict(zip("abc", a.T, strict=True)))),
    "polars": lambda a: pl.Series(a) if a.ndim == 1 else pl.DataFrame(a, schema=["a", "b", "c"]),
    "a polars column of rows": pl.Series,
    "lazy polars": lambda a: pl.Series(a) if a.ndim == 1 else pl.LazyFrame(a, ["a", "b", "c"]),
    "array.array": lambda a: array.array("q", a.tolist()) if a.ndim == 1 else a,
    "read only": read_only,
    "another byte order": lambda a: a.astype(a.dtype.newbyteorder()),
    "every other one": lambda a: np.repeat(a, 2, axis=0)[::2],
    "backwards": lambda a: a[::-1].copy()[::-1],
    "a list of tensors": lambda a: [torch.from_numpy(np.asarray(row)) for row in a],
}


def weights_of(model):
    return {name: array.copy() for name, array in model.weights.items()}


def fitted(x, y, **more):
    return ev.fit(NET, x, y, loss=LOSS, epochs=1, batch=8, progress=False, **more)


def estimator(kind, x, y, **more):
    settings = {"max_epochs": 1, "random_state": 0, "batch": 8}
    if kind is ev.NetTransformer:
        return kind(2, **settings).fit(x, y, **more).transform(x)
    made = kind((4,), **settings).fit(x, y, **more)
    return made.predict(x), made.score(x, y)


DOORS = {
    "fit": lambda x, y: weights_of(fitted(x, y, validation=(x, y))),
    "weights": lambda x, y: weights_of(fitted(X, Y, sample_weight=y)),
    "predict": lambda x, y: MODEL.predict(x),
    "evaluate": lambda x, y: MODEL.evaluate(x, y, y).loss,
    "gradients": lambda x, y: MODEL.gradients(x, y)[1],
    "batches": lambda x, y: weights_of(ev.fit(NET, Batches([(x, y)]), loss=LOSS, epochs=1)),
    "classifier": lambda x, y: estimator(ev.NetClassifier, x, y),
    "partial_fit": lambda x, y: ev.NetClassifier(4, random_state=0).partial_fit(
        x, y, classes=[0, 1]).predict_proba(x),
    "validation": lambda x, y: estimator(ev.NetClassifier, x, y, X_val=x, y_val=y),
    "weights of a classifier": lambda x, y: ev.NetClassifier(
        4, max_epochs=1, random_state=0).fit(np.vstack([X, X]), np.append(Y, Y), np.append(
            Y, 1 - Y)).score(x, y, y),
    "groups": lambda x, y: ev.NetRegressor(
        4, max_epochs=1, random_state=0, early_stopping=False).fit(x, X[:, 0], groups=y).predict(x),
    "regressor": lambda x, y: estimator(ev.NetRegressor, x, y),
    "transformer": lambda x, y: estimator(ev.NetTransformer, x, y),
    "Standardizer": lambda x, y: ev.Standardizer().fit(x).transform(x),
    "a loss": lambda x, y: ev.MeanSquaredError().prepare(y, (1,), "float32"),
    "by hand": lambda x, y: np.array([
        ev.show_work(NET, x, y, loss=LOSS, exact=False, sample_weight=y)["loss"].value]),
    "a set weight": lambda x, y: weights_of(_with_kernel(x)),
}


def _with_kernel(x):
    net = ev.Sequential([ev.Dense(3)])
    model = ev.init(net, 24)
    model.engine.set_weights({"dense_1.kernel": x})
    return model


TO_THE_BIT = ("fit", "weights", "predict", "evaluate", "gradients", "batches", "a loss",
              "by hand", "a set weight")


def numbers(result):
    return result if isinstance(result, tuple) else (result,)


@pytest.fixture(scope="module")
def right():
    """What each door gives for NumPy's arrays."""
    return {name: door(X, Y) for name, door in DOORS.items()}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("form", FORMS)
def test_all_doors_take_it(form, right):
    make = FORMS[form]
    for name, door in DOORS.items():
        x = make(X)
        if name in TO_THE_BIT:
            np.testing.assert_equal(door(x, make(Y)), right[name], err_msg=name)
        else:  # what becomes float64 on the way is scaled with other roundings
            for one, other in zip(numbers(door(x, make(Y))), numbers(right[name]), strict=True):
                np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6, err_msg=name)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("form", FORMS)
def test_tables_take_it(form, tables_right):
    make = FORMS[form]
    for kind, wanted in tables_right.items():
        np.testing.assert_equal(
            estimator(kind, _unnamed(make(X)), make(Y)), wanted, err_msg=kind.__name__)


def _unnamed(x):
    """A polars column of rows is a column of lists, which no table is."""
    return x.to_numpy() if isinstance(x, pl.Series) else x


@pytest.fixture(scope="module")
def tables_right():
    return {kind: estimator(kind, X, Y) for kind in (ev.TableClassifier,)}


# Without a copy -------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [
    "torch", "jax", "DLPack", "the first DLPack", "__array__", "memoryview", "an Arrow tensor",
    "read only",
])
def test_nothing_is_copied_where_the_layout_allows(form):
    x = FORMS[form](X)
    program = MODEL.engine.program
    lent = {"torch": lambda: x.data_ptr(), "jax": lambda: x.unsafe_buffer_pointer(),
            "DLPack": lambda: x._values.ctypes.data, "the first DLPack": lambda:
            x._values.ctypes.data, "an Arrow tensor": lambda: x.to_numpy().ctypes.data}
    at = lent.get(form, lambda: np.asarray(x).ctypes.data)()
    assert as_rows(program, given.as_array(x, "x")).ctypes.data == at
    assert given.of_library(x, "X").ctypes.data == at


@pytest.mark.parametrize("column", [
    pa.array(X[:, 0].copy()), pl.Series(X[:, 0].copy()), array.array("f", X[:, 0].tolist())])
def test_a_column_is_read_where_it_lies(column):
    first, second = given.as_array(column, "y"), given.of_library(column, "y")
    assert np.shares_memory(first, second)
    np.testing.assert_array_equal(first, X[:, 0])


def test_what_is_read_only_stays_as_it_was():
    x = read_only(X)
    before = x.tobytes()
    fitted(x, read_only(Y))
    estimator(ev.NetClassifier, x, read_only(Y))
    assert x.tobytes() == before


def test_numbers_of_sixteen_bits():
    short = torch.from_numpy(X).bfloat16()
    np.testing.assert_array_equal(MODEL.predict(short), MODEL.predict(short.float().numpy()))
    np.testing.assert_array_equal(MODEL.predict(X.astype("f2")),
                                  MODEL.predict(X.astype("f2").astype("f4")))


# What is refused ------------------------------------------------------------------------------


class NoCopy(Lends):
    shape, dtype = X.shape, X.dtype

    def __array__(self, dtype=None, copy=None):
        raise TypeError("Implicit conversion to a NumPy array is not allowed")


def masked_tensor():
    return torch.masked.masked_tensor(torch.ones(24, 3), torch.arange(72).reshape(24, 3) != 22)


REFUSED = {
    "on a GPU": (lambda: Lends(X, 2), r"got a \w+ Lends on another device.*give cpu\(\) of it"),
    "on a GPU, with __array__": (lambda: NoCopy(X, 2), r"NoCopy on another device.*give cpu\(\)"),
    "on Metal": (lambda: Lends(X, 8), r"on another device"),
    "with gradients": (lambda: torch.ones(24, 3, requires_grad=True),
                       r"got a torch Tensor that requires gradients.*: give detach\(\) of it"),
    "a list with gradients": (lambda: [torch.ones(3, requires_grad=True)] * 24, r"detach\(\)"),
    "without numbers": (lambda: torch.ones(24, 3, device="meta"), "hands out no array"),
    "sparse": (lambda: torch.ones(24, 3).to_sparse(), "hands out no array"),
    "complex": (lambda: torch.ones(24, 3, dtype=torch.complex64).conj(), "hands out no array"),
    "masked by torch": (masked_tensor, "got a masked array, .* first in row 7, column 1"),
    "masked in lists": (lambda: [*X[:7].tolist(), [1, np.ma.masked, 2], *X[8:].tolist()],
                        "got a masked array, .* first in row 7, column 1"),
    "masked arrays in tuples": (lambda: tuple(np.ma.masked_equal(X, X[7, 1])),
                                "got a masked array, .* first in row 7, column 1"),
}
X_DOORS = {
    "fit": lambda x: fitted(x, Y), "predict": lambda x: MODEL.predict(x),
    "classifier": lambda x: ev.NetClassifier(4).fit(x, Y),
    "transformer": lambda x: ev.NetTransformer(4).fit(x),
    "table": lambda x: ev.TableClassifier((4,)).fit(x, Y),
    "scaler": lambda x: ev.Standardizer().fit(x), "by hand": lambda x: ev.show_work(NET, x),
    "batches": lambda x: ev.fit(NET, Batches([(x, Y)]), loss=LOSS),
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case):
    make, words = REFUSED[case]
    for act in X_DOORS.values():
        with pytest.raises(DataError, match=words):
            act(make())


@pytest.mark.parametrize("act", [
    lambda y: fitted(X, y), lambda y: fitted(X, Y, sample_weight=y),
    lambda y: ev.NetClassifier(4).fit(X, y), lambda y: ev.NetClassifier(4).fit(X, Y, y),
    lambda y: ev.NetClassifier(4).partial_fit(X, y, classes=[0, 1]),
    lambda y: ev.NetClassifier(4).partial_fit(X, Y, classes=y),
    lambda y: ev.NetClassifier(4, max_epochs=1).fit(X, Y).score(X, y),
    lambda y: ev.NetClassifier(4, max_epochs=1).fit(X, Y).score(X, Y, y),
    lambda y: ev.NetRegressor(4, max_epochs=1).fit(X, X[:, 0]).score(X, y),
    lambda y: ev.NetRegressor(4).fit(X, y), lambda y: ev.NetTransformer(4).fit(X, y),
    lambda y: ev.TableClassifier((4,)).fit(X, y), lambda y: ev.TableClassifier((4,)).fit(X, Y, y),
    lambda y: ev.NetRegressor(4).fit(X, X[:, 0], groups=y),
    lambda y: ev.NetRegressor(4, validation=y).fit(X, X[:, 0]),
    lambda y: ev.show_work(NET, X, y, loss=LOSS), lambda y: LOSS.prepare(y, (2,), "float32"),
    lambda y: Saved(MODEL, classes=y),
])
@pytest.mark.filterwarnings("ignore")
def test_so_are_targets_and_weights(act):
    for y, words in ((Lends(Y, 2), "on another device"),
                     (torch.ones(24, requires_grad=True), "requires gradients"),
                     (np.ma.masked_equal(Y, 1), "masked")):
        with pytest.raises(DataError, match=words):
            act(y)


@pytest.mark.parametrize(("x", "words"), [
    (torch.tensor(1.0), r"must have shape \(rows, features...\), got \(\)"),
    (Lends(np.array(1.0)), r"got \(\)"),
    (torch.zeros(0, 3), "has 0 rows and y has 24"),
])
def test_single_numbers_and_nothing(x, words):
    with pytest.raises(DataError, match=words):
        fitted(x, Y)


def test_what_is_missing_in_a_column_is_not_lost():
    holes = [None if i == 5 else float(i % 2) for i in range(24)]
    for column in (pa.array(holes), pl.Series(holes), Streams(pa.chunked_array([holes]))):
        with pytest.raises(DataError, match="the targets hold nan in row 5"):
            ev.fit(ev.Sequential([ev.Dense(1)]), X, column, loss=ev.MeanSquaredError(), epochs=1)
        with pytest.raises(ValueError, match="NaN"):
            ev.NetRegressor(4).fit(X, column)


def test_structures_that_are_masked():
    records = np.ma.array([(1.0, 2)] * 3, dtype=[("a", "f8"), ("b", "i8")])
    records["b"][1] = np.ma.masked
    with pytest.raises(DataError, match=r"1 of 3 numbers are masked, first in row 1"):
        given.as_array(records, "x")


def test_sparse_matrices_and_tables_stay_what_they_are():
    for x in (scipy.sparse.csr_matrix(X), pl.DataFrame(X), pa.table({"a": [1]}), [1, 2], "text"):
        assert given.of_library(x, "X") is x
