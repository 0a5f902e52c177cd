"""A trained network with its weights frozen."""

from __future__ import annotations

import copy
import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.frozen import FrozenEngine
from ..errors import ConfigurationError
from ..program.folding import folded
from ..program.frozen import STORAGE, compile_frozen
from ..saving import Saved, load
from ..training import Model


@dataclass(frozen=True)
class Deviation:
    """How far a predictor's outputs lie from those of what it was made of.

    Attributes:
        rows: that were compared.
        largest, mean: of the differences of all outputs.
        scale: the largest output.
        classes: the share of the rows whose largest output is another one (of one output: another
            sign).
    """

    rows: int
    largest: float
    mean: float
    scale: float
    classes: float

    def __str__(self) -> str:
        return (f"{self.rows} rows: outputs up to {self.scale:.4g} differ by {self.mean:.2g} in "
                f"the mean, {self.largest:.2g} at most; another class in {self.classes:.2%}")


class _FrozenModel(Model):
    """A model whose engine has frozen weights."""

    def predict(self, x: Any, lengths: Any = None) -> Any:
        # Rows as the kernels want them need no look at what else they could be.
        if type(x) is np.ndarray and x.dtype == self.engine.program.dtype:
            return self.engine.predict(x, lengths)
        return super().predict(x, lengths)


class Predictor:
    """Predicts with a trained network whose weights no longer change: for servers.

    They are copied, and made ready once. A batch normalization right behind a Dense layer or a
    convolution becomes part of it::

        kernel' = kernel factor     factor = gamma / sqrt(running_variance + epsilon)
        bias'   = (bias - running_mean) factor + beta

    Kernels of Dense layers are packed as the products read them; dropout is gone, and an activation
    is computed with the layer in front of it. Any number of threads may predict at once, each with
    a working memory of its own: they do not wait for each other, and hold no interpreter lock
    meanwhile. Outputs are those of the network but for rounding, and the same to the bit for any
    number of threads. Those of Dense layers do not depend on the other rows of a call.

    Arguments:
        source: a :class:`Model`, a fitted estimator (also of a table), a
            :class:`evenly.saving.Saved`, or the path of a file that holds one.
        dtype: ``"float32"``, ``"float64"``; or how the kernels of Dense layers are kept, for less
            memory and time, while all else is float32: ``"bfloat16"`` (the upper half of a
            float32, half the bytes) or ``"int8"`` (a quarter: whole numbers from -127 to 127, with
            a scale for each unit; inputs of the layer likewise, with a scale for each row). Ask
            :meth:`error` what that costs.
        threads: of a call, at most; None: measured as calls come, and one each for calls that run
            at once.
        max_batch: rows that are computed together; a longer input is cut. Each thread's working
            memory is for so many, at most 64 MB.

    Attributes:
        source: what it was made of.
        dtype: the same.
        program: what runs; print it.

    Raises:
        ConfigurationError: a source or a setting that cannot be; a stateful layer, or one without
            a kernel.
        ValueError: an estimator before its fit (scikit-learn's NotFittedError).

    Source: Ioffe and Szegedy 2015, section 3.1 (folding); Jacob et al. 2018, "Quantization and
    training of neural networks for efficient integer-arithmetic-only inference", section 2.

    Example:
        >>> import evenly as ev
        >>> net = ev.Sequential([ev.Dense(8), ev.BatchNorm(), ev.ReLU(), ev.Dense(2)])
        >>> model = ev.init(net, input_shape=3, seed=0)
        >>> x = np.ones((4, 3), np.float32)
        >>> predictor = Predictor(model)
        >>> bool(np.allclose(predictor.predict(x), model.predict(x), atol=1e-5))
        True
        >>> Predictor(model, dtype="int8").error(x).classes
        0.0
    """

    def __init__(
        self, source: Any, dtype: str = "float32", threads: int | None = None,
        max_batch: int = 256,
    ) -> None:
        if not isinstance(dtype, str) or dtype not in STORAGE:
            known = ", ".join(map(repr, STORAGE))
            raise ConfigurationError(f"Predictor: dtype must be one of {known}, got {dtype!r}")
        if isinstance(max_batch, bool) or not isinstance(max_batch, int) or max_batch < 1:
            raise ConfigurationError(
                f"Predictor: max_batch must be a whole number of at least 1, got {max_batch!r}"
            )
        self.dtype = dtype
        self.source = load(source) if isinstance(source, (str, os.PathLike)) else source
        self._settings = threads, max_batch
        self._answers = self._twin(self.source)

    def predict(self, x: Any, lengths: Any = None) -> Any:
        """What the source's own predict answers: of a Model the network's outputs, of an estimator
        classes or values, of a Saved labels.

        Arguments:
            x: rows, as the source takes them.
            lengths: of sequences, as of :meth:`Model.predict`.

        Returns:
            A new array (rows, ...).

        Raises:
            ShapeError, DataError, ValueError: as the source's own.
        """
        if lengths is None:
            return self._answers.predict(x)
        self._check_model("lengths")
        return self._answers.predict(x, lengths)

    def predict_proba(self, x: Any, lengths: Any = None) -> Any:
        """Probabilities, as the source's own predict_proba has them; arguments as of
        :meth:`predict`.

        Raises:
            ConfigurationError, DataError: the source has none.
        """
        ask = getattr(self._answers, "predict_proba", None)
        if ask is None:
            raise ConfigurationError(
                f"Predictor: a {type(self.source).__name__} has no probabilities: take predict"
            )
        if lengths is None:
            return ask(x)
        self._check_model("lengths")
        return ask(x, lengths)

    def scores(self, x: Any) -> Any:
        """The network's outputs, (rows, outputs...), for rows as the source takes them."""
        return _outputs(self._answers, x)

    def error(self, x: Any) -> Deviation:
        """How far the network's outputs for some rows lie from the source's own: what folding, and
        bfloat16 or int8, cost there.

        Arguments:
            x: rows, as the source takes them.

        Returns:
            A :class:`Deviation`: ``rows``; the ``largest`` and ``mean`` difference of all outputs;
            ``scale``, the largest output; ``classes``, the share of the rows that get another
            class. Print it.

        Raises:
            ConfigurationError: no rows.
        """
        own = np.asarray(self.scores(x), np.float64)
        if not len(own):
            raise ConfigurationError("Predictor: error needs at least one row, got none")
        wanted = np.asarray(_outputs(self.source, x), np.float64)
        apart = np.abs(own - wanted)
        one = own.shape[-1] == 1
        kinds = [(v[..., 0] > 0) if one else v.argmax(axis=-1) for v in (own, wanted)]
        others = (kinds[0] != kinds[1]).reshape(len(own), -1).any(axis=1)
        return Deviation(len(own), float(apart.max()), float(apart.mean()),
                         float(np.abs(wanted).max()), float(others.mean()))

    def _check_model(self, what: str) -> None:
        if not isinstance(self.source, Model):
            raise ConfigurationError(
                f"Predictor: {what} are for sequences, which only a Model reads, and this is of a "
                f"{type(self.source).__name__}: leave {what} out"
            )

    # What answers as the source does ------------------------------------------------------------

    def _twin(self, source: Any) -> Any:
        if isinstance(source, Model):
            return _FrozenModel(self._frozen(source))  # type: ignore[arg-type]
        if isinstance(source, Saved):
            twin = copy.copy(source)
            object.__setattr__(twin, "model", self._twin(source.model))
            return twin
        if hasattr(source, "get_params") and not isinstance(source, type):
            from .estimators import twin_of

            return twin_of(source, self._frozen)
        raise ConfigurationError(
            "Predictor: expects a Model, a fitted estimator of evenly, a Saved, or the path of a "
            f"file of evenly.save, got {source!r}"
        )

    def _frozen(self, model: Model) -> FrozenEngine:
        own = model.engine.program
        threads, rows = self._settings
        with model.engine.turns:  # the weights of one step, while another thread trains
            net, arrays = folded(
                own.net, own.input_shape, model.weights,
                "float64" if self.dtype == "float64" else "float32",
            )
        self.program = compile_frozen(net, own.input_shape, rows, self.dtype, own.loss)
        return FrozenEngine(self.program, arrays, threads, model.engine.isa)

    def __reduce__(self) -> Any:
        return Predictor, (self.source, self.dtype, *self._settings)

    def __repr__(self) -> str:
        return f"Predictor({self.source!r}, dtype={self.dtype!r})"


def _outputs(source: Any, x: Any) -> Any:
    if isinstance(source, Model):
        return source.predict(x)
    if isinstance(source, Saved):
        return source.scores(x)
    from .estimators import outputs_of

    return outputs_of(source, x)
