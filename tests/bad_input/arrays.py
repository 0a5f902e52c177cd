"""Shapes, types and sizes: arrays, sparse matrices, arrays in files, batches, Parquet rows."""

from __future__ import annotations

import os
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd
import scipy.sparse

import evenly as ev
from evenly.errors import ConfigurationError, DataError, ShapeError
from evenly.rows import Batches, ParquetRows

from .bad import LOSS, NET, Bad, X, Y, fit, write


def mapped(shape=(40, 3), dtype=np.float32):
    return np.memmap("x.raw", dtype=dtype, mode="r", shape=shape)


def large():
    """Every mapped array is taken for one that is larger than memory."""
    return patch("evenly.rows.sources.CHUNK_BYTES", 1)


def with_nan():
    x = X.copy()
    x[7, 1] = np.nan
    x.tofile("x.raw")


def frame(**columns):
    """Makes bad.parquet: rows.parquet with other columns."""
    def made():
        table = pd.read_parquet("rows.parquet")
        table.assign(**columns).to_parquet("bad.parquet")
    return made


def two_files(second):
    """Makes the folder parts of two files."""
    def made():
        os.mkdir("parts")
        table = pd.read_parquet("rows.parquet")
        table.to_parquet("parts/0.parquet")
        second(table)
    return made


def net(name="net.evenly"):
    return ev.load(name)


def failing():
    yield X, Y
    raise OSError(5, "Input/output error")


def many(*items):
    return Batches(list(items))


ROWS = [
    # Arrays for a loaded model
    Bad("one row without its axis", lambda: net().predict(X[0]),
        "the network expects inputs of shape (n, 3), got (3,)", None, ShapeError),
    Bad("rows with a feature too many", lambda: net().predict(np.ones((4, 4))),
        "the network expects inputs of shape (n, 3), got (4, 4)", None,
        ShapeError),
    Bad("images for rows", lambda: net().predict(np.ones((2, 3, 3))),
        "the network expects inputs of shape (n, 3), got (2, 3, 3)", None, ShapeError),
    Bad("a single number", lambda: net().predict(3.0),
        "the network expects inputs of shape (n, 3), got ()", None, ShapeError),
    Bad("no features", lambda: net().predict(np.ones((4, 0))),
        "the network expects inputs of shape (n, 3), got (4, 0)", None, ShapeError),
    Bad("text", lambda: net().predict(np.array([["a", "b", "c"]])),
        "inputs: expects real numbers, got <U1: encode text columns first, for "
        "instance with sklearn.preprocessing.OneHotEncoder", None, DataError),
    Bad("Python objects", lambda: net().predict(np.array([[1, "b", None]], object)),
        "inputs: expects real numbers, got text ('b') in row 0, column 1: encode text columns "
        "first, for instance with sklearn.preprocessing.OneHotEncoder", None, DataError),
    Bad("complex numbers", lambda: net().predict(X + 1j),
        "inputs: expects real numbers, got complex64: take the real and the "
        "imaginary part as features", None, DataError),
    Bad("rows of different lengths", lambda: net().predict([[1.0, 2.0], [3.0]]),
        "x: expects an array, got lists of different lengths: fill the shorter ones", None,
        DataError),
    Bad("None for rows", lambda: net().predict(None),
        "inputs: expects real numbers, got a missing value (None) in its place: fill or leave "
        "out such rows", None, DataError),
    Bad("a sparse matrix with a column too many",
        lambda: net().predict(scipy.sparse.csr_matrix(np.ones((4, 4)))),
        "the network expects inputs of shape (n, 3), got (4, 4)", None, ShapeError),
    Bad("fewer targets than rows", lambda: net().evaluate(X, Y[:-1]),
        "x has 40 rows and y has 39: they must be as many", None, DataError),
    Bad("a class that the model does not know", lambda: net().evaluate(X, Y + 1),
        "SoftmaxCrossEntropy: expects class numbers 0 to 1, shape (n,), got 1 to 2: the "
        "last layer needs 3 units, or the classes other numbers", None,
        DataError),
    Bad("half a class", lambda: net().evaluate(X, Y + 0.5),
        "SoftmaxCrossEntropy: expects class numbers 0 to 1, shape (n,), got float64: "
        "number the classes, for instance with numpy.unique(y, return_inverse=True)",
        None, DataError),
    Bad("a table for a loaded classifier", lambda: net("c.evenly").predict(X[:, :2]),
        "X has 2 features, but NetClassifier is expecting 3 features as input.", None,
        ValueError),
    Bad("NaN for a loaded classifier's fit",
        lambda: ev.fit(net(), np.full((4, 3), np.nan), Y[:4], loss=LOSS),
        "fit: x holds NaN or infinity, first in row 0: fill or leave out such rows (4 of 4)",
        None, DataError),
    Bad("training on with other rows", lambda: ev.fit(net(), X[:, :2], Y, loss=LOSS),
        "fit: the model was made for examples of shape (3,), got (2,): weights: "
        "'dense_1.kernel' has shape (2, 4), got (3, 4)", None,
        ShapeError),
    Bad("training on no rows", lambda: ev.fit(net(), X[:0], Y[:0], loss=LOSS),
        "fit: expects at least one row, got none", None,
        DataError),
    # Arrays in files
    Bad("a mapped array of more rows than the file", lambda: fit(mapped((4000, 3))),
        "mmap length is greater than file size",
        lambda: X.tofile("x.raw"), ValueError),
    Bad("a mapped array of another width", lambda: ev.fit(net(), mapped((60, 2)), np.zeros(60, int),
                                                          loss=LOSS),
        "fit: the model was made for examples of shape (3,), got (2,): weights: "
        "'dense_1.kernel' has shape (2, 4), got (3, 4)",
        lambda: X.tofile("x.raw"), ShapeError, within=large),
    Bad("a mapped array of one axis", lambda: ev.fit(NET, mapped((120,)), Y, loss=LOSS),
        "fit: x must have shape (rows, features...), got (120,): use x[:, None] for a "
        "single feature",
        lambda: X.tofile("x.raw"), DataError, within=large),
    Bad("a mapped array without targets", lambda: fit(mapped()),
        "fit: x has 40 rows and y has none: they must be as many", lambda: X.tofile("x.raw"),
        DataError, within=large),
    Bad("a mapped array and fewer targets", lambda: ev.fit(NET, mapped(), Y[1:], loss=LOSS),
        "fit: x has 40 rows and y has 39: they must be as many",
        lambda: X.tofile("x.raw"), DataError, within=large),
    Bad("a mapped array with NaN", lambda: ev.fit(NET, mapped(), Y, loss=LOSS),
        "fit: x holds NaN or infinity, first in row 7: fill or leave out such rows (1 of "
        "40)", with_nan,
        DataError, within=large),
    Bad("a mapped array read with the wrong type",
        lambda: ev.fit(NET, mapped((20, 3), np.complex64), Y[:20], loss=LOSS),
        "fit: x must hold numbers, got complex64: take the real and the imaginary part as "
        "features",
        lambda: X.tofile("x.raw"), DataError, within=large),
    Bad("a mapped array of text", lambda: ev.fit(
        NET, mapped((40, 3), "S4"), Y, loss=LOSS),
        "fit: x must hold numbers, got |S4: encode text columns first, for instance with "
        "sklearn.preprocessing.OneHotEncoder", lambda: X.tofile("x.raw"), DataError, within=large),
    Bad("a mapped array of no rows", lambda: ev.fit(NET, mapped()[:0], Y[:0], loss=LOSS),
        "fit: expects at least one row, got none",
        lambda: X.tofile("x.raw"), DataError, within=large),
    Bad("a mapped array of another width to predict", lambda: net().predict(mapped((60, 2))),
        "the network expects inputs of shape (n, 3), got (60, 2)",
        lambda: X.tofile("x.raw"), ShapeError, within=large),
    Bad("a mapped array of complex numbers to predict",
        lambda: net().predict(mapped((20, 3), np.complex64)),
        "inputs: expects real numbers, got complex64: take the real and the "
        "imaginary part as features", lambda: X.tofile("x.raw"), DataError, within=large),
    Bad("a mapped array of text to evaluate",
        lambda: net().evaluate(mapped((40, 3), "S4"), Y),
        "inputs: expects real numbers, got |S4: encode text columns first, for "
        "instance with sklearn.preprocessing.OneHotEncoder",
        lambda: X.tofile("x.raw"), DataError, within=large),
    Bad("a sparse matrix of complex numbers to predict",
        lambda: net().predict(scipy.sparse.csr_matrix(X + 1j)),
        "inputs: expects real numbers, got complex64: take the real and the "
        "imaginary part as features", None, DataError),
    # Batches
    Bad("batches that can be read once", lambda: fit(Batches(iter([(X, Y)]))),
        "Batches: got a list_iterator, which can be read only once, and every epoch reads "
        "anew: give the function that makes it, without calling it", None,
        ConfigurationError),
    Bad("batches from a number", lambda: fit(Batches(3)),
        "Batches: source must be an iterable, or a function that returns one, got 3",
        None, ConfigurationError),
    Bad("no batches", lambda: fit(many()),
        "Batches: no items: a source that can be read only once gives none in a second pass",
        None, DataError),
    Bad("batches without targets", lambda: fit(many(X)),
        "Batches, item 0: expects (x, y) or (x, y, sample_weight), got ndarray", None, DataError),
    Bad("batches that are no tuples", lambda: fit(many({"x": X, "y": Y})),
        "Batches, item 0: expects (x, y) or (x, y, sample_weight), got dict", None, DataError),
    Bad("batches of four parts", lambda: fit(many((X, Y, Y, Y))),
        "Batches, item 0: expects (x, y) or (x, y, sample_weight), got 4 parts", None, DataError),
    Bad("batches of text", lambda: fit(many((X.astype(str), Y))),
        "Batches, item 0: x must hold numbers, got <U32: encode text columns first, for instance "
        "with sklearn.preprocessing.OneHotEncoder", None, DataError),
    Bad("batches of uneven rows", lambda: fit(many(([[1.0], [1.0, 2.0]], [0, 1]))),
        "Batches, item 0: x: expects an array, got lists of different lengths: fill the "
        "shorter ones", None,
        DataError),
    Bad("batches whose targets are fewer", lambda: fit(many((X, Y), (X, Y[:-1]))),
        "Batches, item 1: x has 40 rows and y has shape (39,): they must be as many", None,
        DataError),
    Bad("batches that change their width", lambda: fit(many((X, Y), (X[:, :2], Y))),
        "Batches, item 1: x has rows of float32 and shape (2,), and those of item 0 have "
        "float32 and (3,): all items must be alike", None,
        DataError),
    Bad("batches that change their type", lambda: fit(many((X, Y), (X.astype(int), Y))),
        "Batches, item 1: x has rows of int64 and shape (3,), and those of item 0 have "
        "float32 and (3,): all items must be alike",
        None, DataError),
    Bad("batches that lose their weights", lambda: fit(many((X, Y, Y + 1.0), (X, Y))),
        "Batches, item 1: has no sample_weight, other than item 0: give it with all items "
        "or none", None,
        DataError),
    Bad("batches with NaN", lambda: fit(many((X, Y), (X * np.nan, Y))),
        "Batches, item 1: x holds NaN or infinity, first in its row 0: fill or leave out "
        "such rows", None, DataError),
    Bad("batches with an unknown class", lambda: fit(many((X, Y), (X, Y + 5))),
        "Batches, item 1: SoftmaxCrossEntropy: expects class numbers 0 to 1, shape (n,), "
        "got 5 to 6: the last layer needs 7 units, or the classes other numbers", None,
        DataError),
    Bad("batches with negative weights", lambda: fit(many((X, Y, Y - 1.0))),
        "Batches, item 0: sample_weight: expects finite numbers of at least 0, got -1.0 in "
        "row 3", None, DataError),
    Bad("fewer batches than promised", lambda: fit(Batches([(X, Y)], rows=41)),
        "Batches: rows=41 was promised, and there are 40: give the number that one pass "
        "has, or rows=None", None,
        DataError),
    Bad("more batches than promised", lambda: fit(Batches([(X, Y)] * 2, rows=40)),
        "Batches: rows=40 was promised, and there are at least 80, with Batches, item 1: "
        "give the number that one pass has, or rows=None", None,
        DataError),
    Bad("a share held out of batches", lambda: fit(many((X, Y)), validation=0.1),
        "fit: Batches: no share can be held out of what is read from front to back, got "
        "validation=0.1: give (x, y) or another source", None,
        ConfigurationError),
    Bad("targets beside batches", lambda: ev.fit(NET, many((X, Y)), Y, loss=LOSS),
        "fit: Batches brings its own targets: leave y out", None,
        ConfigurationError),
    Bad("a reader that fails", lambda: fit(Batches(failing)),
        "[Errno 5] Input/output error", None, OSError),
    Bad("batches of a width that the model does not have",
        lambda: net().predict(many((X[:, :2], Y))),
        "predict: the network expects examples of shape (3,), got (2,)", None, ShapeError),
    # Parquet rows
    Bad("no such Parquet file", lambda: fit(ParquetRows("no.parquet", "y")),
        "ParquetRows: there is no file or folder no.parquet", None, DataError),
    Bad("a folder without Parquet files", lambda: fit(ParquetRows("folder", "y")),
        "ParquetRows: the folder folder holds no *.parquet",
        lambda: os.mkdir("folder"), DataError),
    Bad("a table for a Parquet file", lambda: fit(ParquetRows("table.csv", "kind")),
        "ParquetRows: table.csv is no Parquet file: Parquet magic bytes not found in "
        "footer. Either the file is corrupted or this is not a parquet file.", None,
        DataError),
    Bad("an empty Parquet file", lambda: fit(ParquetRows("bad.parquet", "y")),
        "ParquetRows: bad.parquet is no Parquet file: Parquet file size is 0 bytes",
        write("bad.parquet", b""), DataError),
    Bad("a Parquet file cut at its end", lambda: fit(ParquetRows("bad.parquet", "y")),
        "ParquetRows: bad.parquet is no Parquet file: Parquet magic bytes not found in "
        "footer. Either the file is corrupted or this is not a parquet file.",
        lambda: Path("bad.parquet").write_bytes(Path("rows.parquet").read_bytes()[:-9]), DataError),
    Bad("a Parquet file damaged within", lambda: fit(ParquetRows("bad.parquet", "y")),
        "ParquetRows: bad.parquet is damaged, or cannot be read, from row 0 on: Couldn't "
        "deserialize thrift: TProtocolException: Invalid data Deserializing page header "
        "failed.",
        lambda: Path("bad.parquet").write_bytes(
            Path("rows.parquet").read_bytes()[:4] + bytes(600)
            + Path("rows.parquet").read_bytes()[604:]), DataError),
    Bad("a pipe for a Parquet file", lambda: fit(ParquetRows("pipe.parquet", "y")),
        "ParquetRows: pipe.parquet is neither a file nor a folder",
        lambda: os.mkfifo("pipe.parquet"), DataError),
    Bad("Parquet rows without the target", lambda: fit(ParquetRows("rows.parquet", "z")),
        "ParquetRows: rows.parquet has no column 'z'; there are: a, b, c, y",
        None, DataError),
    Bad("Parquet rows and no target", lambda: fit(ParquetRows("rows.parquet")),
        "fit: ParquetRows(path='rows.parquet', target=None, columns=None, weight=None, "
        "by_groups=False) has no targets: say which column they are", None,
        ConfigurationError),
    Bad("Parquet rows with one column in two roles",
        lambda: ParquetRows("rows.parquet", "y", columns=["a", "y"]),
        "ParquetRows: each column has one role, got ['y']", None,
        ConfigurationError),
    Bad("Parquet rows without a column",
        lambda: fit(ParquetRows("rows.parquet", "y", columns=["a", "d"])),
        "ParquetRows: rows.parquet has no column 'd'; there are: a, b, c, y", None, DataError),
    Bad("Parquet rows that are none", lambda: fit(ParquetRows("bad.parquet", "y")),
        "ParquetRows: no rows in bad.parquet",
        lambda: pd.read_parquet("rows.parquet")[:0].to_parquet("bad.parquet"), DataError),
    Bad("Parquet rows with a column of lists", lambda: fit(ParquetRows("bad.parquet", "y")),
        "ParquetRows: column 'c' of bad.parquet holds list<element: double>, not numbers: "
        "leave it out with columns=[...], or encode it first",
        frame(c=[[1.0]] * 40), DataError),
    Bad("Parquet rows with a column of text", lambda: fit(ParquetRows("bad.parquet", "y")),
        "ParquetRows: column 'c' of bad.parquet holds large_string, not numbers: leave it "
        "out with columns=[...], or encode it first",
        frame(c="red"), DataError),
    Bad("Parquet rows with a gap", lambda: fit(ParquetRows("bad.parquet", "y")),
        "ParquetRows: column 'c' of bad.parquet has a missing value in row 0: fill or "
        "leave out such rows",
        frame(c=pd.array([None] + [1] * 39, "Int64")), DataError),
    Bad("Parquet rows with infinity", lambda: fit(ParquetRows("bad.parquet", "y")),
        "ParquetRows: column 'c' of bad.parquet holds NaN or infinity in row 39: fill or "
        "leave out such rows",
        frame(c=[1.0] * 39 + [np.inf]), DataError),
    Bad("a second Parquet file of another type", lambda: fit(ParquetRows("parts", "y")),
        "ParquetRows: column 'a' of parts/1.parquet holds int64, and that of the files "
        "before it double: write all with one type",
        two_files(lambda t: t.astype({"a": int}).to_parquet("parts/1.parquet")), DataError),
    Bad("a second Parquet file that is none", lambda: fit(ParquetRows("parts", "y")),
        "ParquetRows: parts/1.parquet is no Parquet file: Parquet file size is 3 bytes, "
        "smaller than the minimum file footer (8 bytes)",
        two_files(lambda t: Path("parts/1.parquet").write_text("a,b")), DataError),
    Bad("a second Parquet file without a column", lambda: fit(ParquetRows("parts", "y")),
        "ParquetRows: parts/1.parquet has no column 'b'; there are: a, c, y",
        two_files(lambda t: t.drop(columns="b").to_parquet("parts/1.parquet")), DataError),
    Bad("Parquet rows with a class that is not",
        lambda: fit(ParquetRows("bad.parquet", "y")),
        "bad.parquet, rows 0 to 39: SoftmaxCrossEntropy: expects class numbers 0 to 1, "
        "shape (n,), got 0 to 9: the last layer needs 10 units, or the classes other "
        "numbers", frame(y=[0, 1, 2, 9] * 10), DataError),
]
