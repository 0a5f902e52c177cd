"""Saving and loading."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ConfigurationError, DataError, EvenlyError, FileFormatError
from ..files import MEMORY, Path, read_arrays, write_arrays
from ..given import as_array
from ..scaling import RobustScaler, Standardizer
from ..tails import NormalScaler, SmoothClipScaler
from ..training import Model
from ..version import __version__
from .models import read_model, write_model
from .types import type_table
from .values import NotReadable, Reader, Writer

_MODEL, _SAVED, _PIPELINE = "Model", "Saved", "Pipeline"
_ESTIMATORS = ("NetClassifier", "NetRegressor")
_TABLES = ("TableClassifier", "TableRegressor")
# The statistics of each scaler: middle and width.
_STATISTICS = {
    Standardizer: ("mean", "deviation"), RobustScaler: ("median", "range"),
    SmoothClipScaler: ("median", "range"),
}


@dataclass(frozen=True)
class Saved:
    """A model with what its inputs and outputs need: what :func:`load` gives back where
    :func:`save` was given a scaler or classes.

    Attributes:
        model: the model.
        scaler: a fitted :class:`evenly.Standardizer`, :class:`evenly.RobustScaler`,
            :class:`evenly.SmoothClipScaler` or :class:`evenly.NormalScaler`, or None.
        classes: the labels that the outputs stand for, in order, or None.

    Raises:
        ConfigurationError: a scaler that is not fitted, or another number of labels than the model
            has outputs.

    Example:
        >>> import evenly as ev
        >>> model = ev.init(ev.Sequential([ev.Dense(2)]), input_shape=3)
        >>> Saved(model, classes=["cat", "dog"]).predict(np.zeros((1, 3)))
        array(['cat'], dtype='<U3')
    """

    model: Model
    scaler: Standardizer | RobustScaler | SmoothClipScaler | NormalScaler | None = None
    classes: Any = None

    def __post_init__(self) -> None:
        if not isinstance(self.model, Model):
            raise ConfigurationError(
                f"Saved: model must be a Model, got {self.model!r}; an estimator holds its scale "
                "and classes itself"
            )
        _check_scaler(self.scaler)
        if self.classes is not None:
            labels = as_array(self.classes, "Saved: classes")
            outputs = self.model.engine.program.output_shape[-1]
            wanted = 2 if outputs == 1 else outputs
            if labels.shape != (wanted,):
                raise ConfigurationError(
                    f"Saved: classes must be one label for each of the {wanted} classes, got shape "
                    f"{labels.shape}"
                )

    def scores(self, x: Any) -> Any:
        """The model's scores for inputs that are not scaled yet."""
        return self.model.predict(x if self.scaler is None else self.scaler.transform(x))

    def predict(self, x: Any) -> Any:
        """The likeliest label of each row, of inputs that are not scaled yet.

        Raises:
            DataError: there are no classes: use :meth:`scores`.
        """
        if self.classes is None:
            raise DataError("Saved: without classes there are no labels: use scores")
        scores = self.scores(x)
        one = scores.shape[-1] == 1
        best = (scores[..., 0] > 0).astype(int) if one else scores.argmax(axis=-1)
        return np.asarray(self.classes)[best]

    def predict_proba(self, x: Any) -> Any:
        """As :meth:`Model.predict_proba`, of inputs that are not scaled yet."""
        return self.model.predict_proba(x if self.scaler is None else self.scaler.transform(x))


def _check_scaler(scaler: Any) -> None:
    if scaler is None:
        return
    if type(scaler) is NormalScaler:
        if not scaler.is_fitted:
            raise ConfigurationError(
                "Saved: the NormalScaler is not fitted, or its statistics do not fit each other: "
                "give scaler.fit(x)"
            )
        return
    if type(scaler) not in _STATISTICS:
        raise ConfigurationError(
            "Saved: scaler must be a Standardizer, a RobustScaler, a SmoothClipScaler or a "
            f"NormalScaler, got {scaler!r}"
        )
    middle, width = (getattr(scaler, name) for name in _STATISTICS[type(scaler)])
    for array in (middle, width):
        if not isinstance(array, np.ndarray) or array.dtype != np.float64:
            raise ConfigurationError(
                f"Saved: the {type(scaler).__name__} is not fitted: give scaler.fit(x)"
            )
    if middle.shape != width.shape or not np.isfinite(middle).all() \
            or not (np.isfinite(width) & (width > 0)).all():
        raise ConfigurationError(
            f"Saved: the {type(scaler).__name__}'s statistics must be finite, of one shape, and "
            "its widths positive"
        )
    still = scaler.constant
    if still is not None and not (
        isinstance(still, np.ndarray) and still.dtype == bool and still.shape == np.shape(middle)
    ):
        raise ConfigurationError(
            f"Saved: the {type(scaler).__name__}'s constant must be one truth value a feature"
        )


def save(path: Path, what: Any, *, scaler: Any = None, classes: Any = None) -> None:
    """Saves a model or a fitted estimator in one safetensors file.

    The file holds the network as a value, weights and running statistics, the optimizer with its
    state and step number, loss, history, seed and every other setting of the training, what the
    doctor recorded of it, and of an estimator also its arguments, classes and scales. It is
    replaced as a whole or not at all.

    Arguments:
        path: of the file.
        what: a :class:`evenly.Model`, a fitted NetClassifier, NetRegressor, NetTransformer,
            TableClassifier or TableRegressor, a scikit-learn Pipeline of such and of its
            transformers (docs/saving.md names them), or a :class:`Saved`.
        scaler: a fitted scaler of the model's inputs.
        classes: the labels that the model's outputs stand for.

    Raises:
        ConfigurationError: something else, or something that no file can hold.
        OSError: as ``open`` and ``write``: the old file, if there was one, is as it was.

    Example:
        >>> import os, tempfile
        >>> import evenly as ev
        >>> model = ev.init(ev.Sequential([ev.Dense(2)]), input_shape=3, seed=0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "model.safetensors")
        ...     save(path, model)
        ...     twin = load(path)
        >>> bool((twin.predict(np.ones((1, 3))) == model.predict(np.ones((1, 3)))).all())
        True
    """
    if scaler is not None or classes is not None:
        what = Saved(what, scaler, classes)
    writer = Writer()
    content: dict[str, Any] = {"library": __version__, "kind": type(what).__name__}
    if type(what) is Saved:
        content |= {"scaler": writer.write(what.scaler, "scaler"),
                    "classes": writer.write(what.classes, "classes"),
                    "content": write_model(what.model, writer)}
    elif type(what) is Model:
        content["content"] = write_model(what, writer)
    elif type(what).__name__ in _ESTIMATORS:
        from .fitted import write_estimator

        content["content"] = write_estimator(what, writer)
    elif type(what).__name__ in _TABLES:
        from .table_models import write_table_model

        content["content"] = write_table_model(what, writer)
    elif hasattr(what, "get_params") and not isinstance(what, type):
        from .pipelines import write_pipeline

        content |= {"kind": _PIPELINE, "content": write_pipeline(what, writer)}
    else:
        raise ConfigurationError(
            "save: expects a Model, a fitted NetClassifier, NetRegressor, TableClassifier or "
            f"TableRegressor, a Pipeline of such, or a Saved, got {type(what).__name__}"
        )
    write_arrays(path, writer.arrays, content)


def load(path: Path, *, types: Iterable[type] = (), memory: int = MEMORY) -> Any:
    """Loads what :func:`save` saved.

    No code of the file is run, and no size that it claims is believed: a damaged or hostile file
    is a FileFormatError. Predictions are those of the saved one to the bit, on the same machine,
    and training can go on.

    Arguments:
        path: of the file.
        types: your own types that the file may name, such as ``[MyLayer]``.
        memory: bytes that the file, and the arenas of the model, may take.

    Returns:
        What was saved: a model, an estimator, or a :class:`Saved`.

    Raises:
        FileFormatError: no whole, undamaged file of Evenly; one of a newer version; a type that is
            neither Evenly's nor among `types`; a network that would take more than `memory`.
        OSError: FileNotFoundError, IsADirectoryError, PermissionError, as ``open``.

    Example:
        >>> import os, tempfile
        >>> import evenly as ev
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "model.safetensors")
        ...     save(path, ev.init(ev.Sequential([ev.Dense(2)]), input_shape=3))
        ...     load(path).input_shape
        (3,)
    """
    table = type_table(types)
    arrays, content = read_arrays(path, memory)
    reader = Reader(arrays, table)
    try:
        what = _read(content, reader, memory)
        reader.check_all_used()
        return what
    except NotReadable as error:
        raise FileFormatError(path, str(error)) from error
    except (EvenlyError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError,
            RecursionError) as error:
        # Whatever a declaration of such a file does not survive: the cause stays with it.
        raise FileFormatError(path, f"describes what cannot be: {error}") from error


def _read(content: dict[str, Any], reader: Reader, memory: int) -> Any:
    kind, inner = content.get("kind"), content.get("content")
    if kind == _MODEL:
        return read_model(inner, reader, memory)
    if kind == _SAVED:
        scaler, classes = (reader.read(content.get(key)) for key in ("scaler", "classes"))
        return Saved(read_model(inner, reader, memory), scaler, classes)
    if kind in _ESTIMATORS:
        from .fitted import read_estimator

        return read_estimator(kind, inner, reader, memory)
    if kind in _TABLES:
        from .table_models import read_table_model

        return read_table_model(kind, inner, reader, memory)
    if kind == _PIPELINE:
        from .pipelines import read_pipeline

        return read_pipeline(inner, reader, memory)
    if kind == "TableModel":
        raise NotReadable(
            "holds a network for a table of an earlier version, which read columns by other rules: "
            "train it anew, with evenly fit"
        )
    raise NotReadable("holds no Model, estimator or Saved")
