"""Pipelines of scikit-learn's transformers and Evenly's estimators as JSON and arrays, and back.

To the values of values.py come ``{"estimator": [class, arguments, what fit learned]}`` for a class
of transformers.py, ``{"ours": [class, what it is, where its arrays are]}`` for an estimator of
Evenly's, ``{"model": ...}`` likewise, ``{"slice": [...]}``, ``{"dtype": ["float64"]}``,
``{"kind": ["float"]}`` for a class that stands for an element type, ``{"function": [name]}``,
``{"objects": [shape, values]}`` and ``{"laid": [array, steps]}`` for one that does not lie row by
row, with how far apart its numbers are along each axis: products of matrices that lie otherwise
differ in the last bit.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
import sklearn
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from ..errors import ConfigurationError
from ..estimators import NetClassifier, NetRegressor, NetTransformer
from ..tables import TableClassifier, TableRegressor
from ..training import Model
from .fitted import read_estimator, write_estimator
from .models import read_model, write_model
from .splitters import check_plain, read_splitter, write_splitter
from .table_models import read_table_model, write_table_model
from .transformers import NAMES, check, functions, learned, listed
from .values import NotReadable, Reader, Writer

_NETS: Mapping[str, Any] = {
    "NetClassifier": NetClassifier, "NetRegressor": NetRegressor, "NetTransformer": NetTransformer,
}
_TABLES: Mapping[str, Any] = {
    "TableClassifier": TableClassifier, "TableRegressor": TableRegressor,
}
_OURS = {**_NETS, **_TABLES}
_KINDS = {
    **{kind.__name__: kind for kind in (float, int, bool, str, object)},
    **{f"numpy.{name}": getattr(np, name) for name in (
        "bool_", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
        "float16", "float32", "float64")},
}
_DTYPES = {np.dtype(kind).name: np.dtype(kind) for kind in _KINDS.values() if kind is not str}
# Requests are of the next fit, as callbacks are.
_NOT_KEPT = "_metadata_request"
_ELSEWHERE = ("skops.io.dump holds it (docs/saving.md), and the estimators of Evenly in it can be "
              "saved by themselves")


def write_pipeline(what: Any, writer: Writer) -> Any:
    """The JSON of a fitted Pipeline, or of any other class that a file may hold.

    Raises:
        ConfigurationError: one that is not fitted, or that holds what no file can hold.
    """
    name = type(what).__name__
    try:
        check_is_fitted(what)
    except NotFittedError as error:
        raise ConfigurationError(f"save: this {name} is not fitted: call fit first") from error
    own = _Writer()
    content = own.write(what, name)
    writer.arrays |= own.arrays
    return {"scikit-learn": sklearn.__version__, "estimator": content}


def read_pipeline(content: Any, reader: Reader, memory: int) -> Any:
    """The fitted Pipeline of a JSON. Of another scikit-learn than this one is warned.

    Raises:
        NotReadable: contents that mean nothing, a class that is not in the table.
        EvenlyError: as :func:`read_estimator`.
    """
    if not isinstance(content, dict) or content.keys() != {"scikit-learn", "estimator"}:
        raise NotReadable("the pipeline should have the fields scikit-learn, estimator")
    version = content["scikit-learn"]
    if not isinstance(version, str):
        raise NotReadable("the version of scikit-learn should be a text")
    own = _Reader(reader, memory)
    what = own.read(content["estimator"])
    if not isinstance(what, BaseEstimator):
        raise NotReadable("holds no estimator")
    if version.split(".")[:2] != sklearn.__version__.split(".")[:2]:
        warnings.warn(
            f"load: saved with scikit-learn {version[:20]}, this is {sklearn.__version__}: its "
            "transformers may compute otherwise: compare predictions, or fit and save anew",
            UserWarning, stacklevel=4,
        )
    return what


class _Writer(Writer):
    """Turns estimators into JSON too."""

    def __init__(self) -> None:
        super().__init__()
        self._parts = 0
        self._functions = functions()

    def write(self, value: Any, where: str) -> Any:
        if isinstance(value, BaseEstimator):
            return self._estimator(value, where)
        if type(value) is Model:
            return {"model": self._part(write_model, value)}
        if type(value) is slice:
            return {"slice": self._all((value.start, value.stop, value.step), where)}
        if isinstance(value, np.dtype) and value.name in _DTYPES:
            return {"dtype": [value.name]}
        if isinstance(value, type):
            for name, kind in _KINDS.items():
                if value is kind:
                    return {"kind": [name]}
        if callable(value):
            for name, function in self._functions.items():
                if value is function:
                    return {"function": [name]}
            raise ConfigurationError(
                f"save: {where} is {value!r}, a function that a file cannot hold (it holds "
                f"{', '.join(self._functions)}): {_ELSEWHERE}"
            )
        if type(value) is np.ndarray and value.dtype == object and not all(
                type(item) is str for item in value.flat):
            return {"objects": [list(value.shape), self._all(value.flat, where)]}
        if type(value) is np.ndarray and value.dtype.kind in "fiub" and not (
                value.flags.c_contiguous):
            steps = [step // value.itemsize for step in value.strides]
            return {"laid": [super().write(value, where), steps]}
        return super().write(value, where)

    def _estimator(self, one: Any, where: str) -> Any:
        name = type(one).__name__
        ours = type(one) is _OURS.get(name)
        if not ours and (name not in NAMES or type(one) is not listed(name)):
            raise ConfigurationError(
                f"save: {where} is a {type(one).__module__}.{name}, which a file does not hold (it "
                f"holds {', '.join((*_OURS, *NAMES))}): {_ELSEWHERE}"
            )
        if ours and hasattr(one, "estimator_" if name in _TABLES else "model_"):
            if name != "NetTransformer":
                write = write_table_model if name in _TABLES else write_estimator
                return {"ours": [name, *self._part(write, one)]}
            fitted = {"n_features_in_": one.n_features_in_, "layer_": one.layer_,
                      "feature_names_in_": getattr(one, "feature_names_in_", None),
                      "network": one.model_ if one.estimator_ is None else one.estimator_}
        elif ours:
            fitted = {}
        else:
            params = one.get_params(deep=False)
            fitted = {key: value for key, value in vars(one).items()
                      if key not in params and key != _NOT_KEPT}
            if params.get("memory") is not None:
                raise ConfigurationError(
                    f"save: {where} keeps results in a folder, which a file does not name: "
                    "set_params(memory=None) takes it out, and changes nothing that is fitted"
                )
            unknown = fitted.keys() - learned(name).keys()
            if unknown:
                raise ConfigurationError(
                    f"save: {where} has '{min(unknown)}', which a {name} of scikit-learn "
                    f"{sklearn.__version__} is not known to have: {_ELSEWHERE}"
                )
        return {"estimator": [name, self._arguments(one, where), {
            key: self.write(value, f"{where}.{key}") for key, value in fitted.items()}]}

    def _arguments(self, one: Any, where: str) -> dict[str, Any]:
        params, splitter = one.get_params(deep=False), None
        if type(one).__name__ in _OURS:
            check_plain(params, type(one).__name__)
            splitter = write_splitter(params.get("validation"), self)
        return {key: {"splitter": splitter} if splitter and key == "validation"
                else self.write(value, f"{where}.{key}") for key, value in params.items()}

    def _part(self, write: Callable[[Any, Writer], Any], value: Any) -> list[Any]:
        """What a value of Evenly's is, and the beginning of its arrays' names."""
        own, begin = Writer(), f"part_{self._parts}/"
        self._parts += 1
        content = write(value, own)
        self.arrays |= {f"{begin}{name}": array for name, array in own.arrays.items()}
        return [content, begin]


class _Reader(Reader):
    """Turns JSON back into estimators too."""

    kinds: ClassVar[tuple[str, ...]] = (
        *Reader.kinds, "estimator", "ours", "model", "slice", "dtype", "kind", "function",
        "objects", "laid", "splitter",
    )

    def __init__(self, reader: Reader, memory: int) -> None:
        super().__init__(reader._arrays, reader._table)
        self._used = reader._used
        self._memory = memory

    def _read_slice(self, content: list[Any]) -> slice:
        return slice(*self._plain(content, 3))

    def _read_dtype(self, content: list[Any]) -> Any:
        return self._named(_DTYPES, content)

    def _read_kind(self, content: list[Any]) -> Any:
        return self._named(_KINDS, content)

    def _read_function(self, content: list[Any]) -> Any:
        return self._named(functions(), content)

    def _read_splitter(self, content: list[Any]) -> Any:
        return read_splitter(content, self)

    def _read_laid(self, content: list[Any]) -> Any:
        array, steps = self._plain(content, 2)
        right = isinstance(array, np.ndarray) and isinstance(steps, list) and all(
            type(step) is int for step in steps) and len(steps) == array.ndim
        if not right:
            raise NotReadable("what lies otherwise is no array, or has other steps")
        reach = [(size - 1) * step for size, step in zip(array.shape, steps, strict=True)]
        count = 1 + sum(map(abs, reach))
        if not array.size or count * array.itemsize > self._memory:
            raise NotReadable("an array that lies otherwise would take more memory than is allowed")
        laid: Any = np.ndarray(
            array.shape, array.dtype, np.zeros(count, array.dtype),
            sum(-far for far in reach if far < 0) * array.itemsize,
            [step * array.itemsize for step in steps])
        laid[...] = array
        return laid

    def _read_objects(self, content: list[Any]) -> Any:
        shape, values = self._plain(content, 2)
        right = isinstance(shape, list) and isinstance(values, list) and all(
            type(size) is int and size >= 0 for size in shape) and len(shape) <= 8
        if not right or math.prod(shape) != len(values):
            raise NotReadable("an array of objects has another number of them")
        array = np.empty(len(values), object)
        for i, value in enumerate(values):  # not array[:] = values, which looks into arrays
            array[i] = value
        return array.reshape(shape)

    def _read_model(self, content: list[Any]) -> Any:
        told, begin = self._two(content)
        return self._part(begin, lambda reader: read_model(told, reader, self._memory))

    def _read_ours(self, content: list[Any]) -> Any:
        if len(content) != 3 or content[0] not in _OURS or content[0] == "NetTransformer":
            raise NotReadable("an estimator of no known class")
        name, (told, begin) = content[0], self._two(content[1:])
        read = read_table_model if name in _TABLES else read_estimator
        return self._part(begin, lambda reader: read(name, told, reader, self._memory))

    def _read_estimator(self, content: list[Any]) -> Any:
        if len(content) != 3 or not isinstance(content[0], str) or not all(
                isinstance(part, dict) for part in content[1:]):
            raise NotReadable("an estimator without a class, arguments and what it learned")
        name = content[0]
        kind: Any = _OURS.get(name) or listed(name)
        if kind is None:
            raise NotReadable(f"holds a {name[:80]!r}, which no file holds, or which is not in "
                              f"scikit-learn {sklearn.__version__}")
        if content[1].keys() - set(kind._get_param_names()):
            raise NotReadable(f"{name} does not have all of these arguments")
        params, fitted = ({key: self.read(value) for key, value in part.items()}
                          for part in content[1:])
        one = kind(**params)
        if name in _OURS:
            return self._with_network(one, fitted) if fitted else one
        check(one, fitted, self._memory)
        vars(one).update(fitted)
        return one

    def _with_network(self, one: Any, fitted: dict[str, Any]) -> Any:
        """A NetTransformer with what it takes outputs of."""
        if type(one) is not NetTransformer or fitted.keys() != {
                "n_features_in_", "layer_", "feature_names_in_", "network"}:
            raise NotReadable(f"{type(one).__name__} learns other things")
        network, names = fitted["network"], fitted["feature_names_in_"]
        of_model = type(network) is Model
        if not of_model and type(network) not in (NetClassifier, NetRegressor):
            raise NotReadable("a NetTransformer without a network")
        one.n_features_in_ = fitted["n_features_in_"]
        if names is not None:
            if not isinstance(names, np.ndarray) or names.shape != (one.n_features_in_,):
                raise NotReadable("the feature names should be one for each input")
            one.feature_names_in_ = names
        one._take(None if of_model else network, network if of_model else network.model_)
        if not isinstance(fitted["layer_"], str):
            raise NotReadable("the layer should be a name")
        one.layer_ = one._first_layers(fitted["layer_"])[1]
        one._make_predictor()
        return one

    def _part(self, begin: str, read: Callable[[Reader], Any]) -> Any:
        """A value of Evenly's of the arrays whose names begin so."""
        mine = {name: array for name, array in self._arrays.items() if name.startswith(begin)}
        own = Reader({name[len(begin):]: array for name, array in mine.items()}, self._table)
        one = read(own)
        own.check_all_used()
        self._used.update(mine)
        model = one if type(one) is Model else getattr(one, "estimator_", one).model_
        program = model.engine.program
        # All networks of the file together may take so much.
        self._memory = max(0, self._memory - program.state_bytes - program.work_bytes)
        return one

    def _two(self, content: list[Any]) -> tuple[Any, str]:
        if len(content) != 2 or not isinstance(content[1], str) or not content[1]:
            raise NotReadable("a part without its contents and its place")
        return content[0], content[1]

    def _plain(self, content: list[Any], count: int) -> list[Any]:
        values: list[Any] = self.read(content)
        if len(values) != count:
            raise NotReadable(f"a value of {len(values)} parts instead of {count}")
        return values

    @staticmethod
    def _named(table: Mapping[str, Any], content: list[Any]) -> Any:
        if len(content) != 1 or not isinstance(content[0], str) or content[0] not in table:
            raise NotReadable("a name of nothing that is known")
        return table[content[0]]
