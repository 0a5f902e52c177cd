"""The two estimators for tables."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin, MultiOutputMixin, RegressorMixin

from ..errors import DataError
from ..estimators import NetClassifier, NetRegressor
from .arguments import with_arguments_of
from .columns import Columns
from .inputs import Answers
from .kinds import Number
from .models import OWN, TableModel
from .targets import labels_read


@with_arguments_of(NetClassifier, **OWN)
class TableClassifier(ClassifierMixin, TableModel):  # type: ignore[misc]
    """A network that tells classes apart, for tables as people have them.

    Takes a pandas, polars or Arrow table as it is: numbers, truth values, dates, categories, text,
    gaps, and numbers or dates that stand there as text. Each column is taken for a type, by the
    rows of fit; new tables are read by the types of training. What they become is learned from the
    training rows alone, without those held out: numbers fill gaps with their median, dates become
    days and parts of year, week and day as cycles, categories one input a level, those of many
    levels means of the target too (each training row by the other folds). The network is a
    :class:`NetClassifier`.

    Arguments:
        types: types by column, where they are to be other than decided: ``"number"``,
            ``"boolean"``, ``"date"``, ``"category"`` or ``"text"``.
        decimal: the decimal mark of all numbers, ``"."`` or ``","``; None: decided by the column.
        na: words that stand for a gap, beside those that are recognized.
        drop: columns that are no inputs.
        keep: columns that stay inputs although a rule would leave them out.
        text: whether free text becomes an input, as hashed words.
        categories: what a category of many levels becomes: ``"auto"``: an input for each of the
            most frequent levels, and means of the target; ``"indicators"``: the first of these
            alone; ``"target"``: the second alone; ``"embedding"``: 8 numbers a level, in a table
            that the network learns (:class:`evenly.Embedding`).
        levels: how many levels are not many; None: 100, or 9 for ``"embedding"`` and
            ``"target"``.
        quiet: whether what was left out, read otherwise than it stands, or is unlike training is
            kept in `notes_` alone; else it is a :class:`evenly.errors.TableWarning` too.
        hidden, activation, norm, dropout, init, net, optimizer, learning_rate, schedule, l2,
            penalty, clip, constraint, augment, max_epochs, batch, early_stopping, patience,
            validation_fraction, class_weight, multi_label, scale, warm_start, random_state, n_jobs,
            verbose, dtype, doctor, loss, validation, monitor, callbacks, threshold, calibrate,
            average, refit, members, time_limit, rates, embedding, sharing, effort,
            dropout_schedule, decay_schedule: as of :class:`NetClassifier`, all of whose arguments
            are here. All members hold out the same rows.

    Attributes:
        columns_: what each column was taken for, and why.
        inputs_: what they became: ``inputs_.names`` are the network's inputs.
        estimator_: the trained :class:`NetClassifier`; what it has learned is here too (`classes_`,
            `history_`, `best_epoch_`, ...).
        target_: the name of the target.
        notes_: what was left out or read otherwise, a line each.
        held_out_: the numbers of the rows held out, from 0; none after a refit on them.
        n_features_in_, feature_names_in_: of the columns that were given.

    Example:
        >>> import polars as pl
        >>> table = pl.DataFrame({
        ...     "size": [1.0, 2.0, None, 4.0, 3.0, 3.0] * 20,
        ...     "color": ["red", "red", "blue", "blue", "blue", "red"] * 20,
        ...     "price": ["low", "low", "high", "high", "low", "high"] * 20,
        ... })
        >>> model = TableClassifier(16, max_epochs=30, random_state=0).fit(table, "price")
        >>> model.inputs_.names
        ('size', 'size (nothing)', 'color = blue', 'color = red')
        >>> model.predict({"color": ["blue", "red"], "size": [4.0, 1.0]}).tolist()
        ['high', 'low']
    """

    _inner = NetClassifier

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def _as_labels(self, columns: Columns, frame: Any, y: Any) -> Any:
        if y is not None:
            return y
        target = columns.target
        assert target is not None
        return labels_read(target.kind, columns.answers(frame), f"the target '{target.name}'")

    def _answers(self, net: Any, numbers: Any) -> Answers:
        if numbers.ndim == 1:
            return Answers(numbers, tuple(map(repr, net.classes_.tolist())))
        return Answers(numbers, tuple(f"label {i}" for i in range(numbers.shape[1])))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The accuracy.

        Arguments:
            X: a table as of :meth:`fit`.
            y: the targets, or the name of the column of X that holds them.
            sample_weight: (rows,), or None.
        """
        labels = self._labels_to_score(X, y)
        result: float = self._of_rows(X, "score", labels, sample_weight)
        return result

    def predict_proba(self, X: Any) -> Any:
        """As of :meth:`NetClassifier.predict_proba`."""
        return self._of_rows(X, "predict_proba")

    def predict_log_proba(self, X: Any) -> Any:
        """As of :meth:`NetClassifier.predict_log_proba`."""
        return self._of_rows(X, "predict_log_proba")

    def decision_function(self, X: Any) -> Any:
        """As of :meth:`NetClassifier.decision_function`."""
        return self._of_rows(X, "decision_function")


@with_arguments_of(NetRegressor, **OWN)
class TableRegressor(RegressorMixin, MultiOutputMixin, TableModel):  # type: ignore[misc]
    """A network that predicts numbers, for tables as people have them.

    Arguments:
        types, decimal, na, drop, keep, text, quiet, categories, levels: as of
            :class:`TableClassifier`.
        hidden, activation, norm, dropout, init, net, optimizer, learning_rate, schedule, l2,
            penalty, clip, constraint, augment, max_epochs, batch, early_stopping, patience,
            validation_fraction, scale, warm_start, random_state, n_jobs, verbose, dtype, doctor,
            loss, quantiles, validation, monitor, callbacks, interval_fraction, average, refit,
            members, time_limit, rates, embedding, sharing, effort, dropout_schedule,
            decay_schedule: as of :class:`NetRegressor`, all of whose arguments are here.

    Attributes:
        estimator_: the trained :class:`NetRegressor`.
        columns_, inputs_, target_, notes_, held_out_, n_features_in_, feature_names_in_: as of
            :class:`TableClassifier`.

    Example:
        >>> import pandas as pd
        >>> days = pd.date_range("2023-01-01", periods=200).strftime("%d/%m/%Y")
        >>> table = pd.DataFrame({"day": days, "visits": [f"{i % 7},5" for i in range(200)]})
        >>> model = TableRegressor(32, quiet=True, random_state=0).fit(table, "visits")
        >>> model.inputs_.names
        ('day (days)', 'day (week, sine)', 'day (week, cosine)')
    """

    _inner = NetRegressor

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        # Some losses are for targets above 0 alone.
        tags.target_tags = self._net(False).__sklearn_tags__().target_tags
        return tags

    def _as_labels(self, columns: Columns, frame: Any, y: Any) -> Any:
        if y is not None and y.dtype.kind in "biuf":
            return y
        target = columns.target
        if target is None:
            raise DataError("y: several columns of targets must be numbers, got text")
        kind = target.kind.type
        if kind not in ("number", "boolean"):
            raise DataError(
                f"the target '{target.name}' should be numbers, and was taken for {kind} "
                f"({target.reason}), such as {target.shown}: take TableClassifier, or say "
                f"types={{{target.name!r}: 'number'}}"
            )
        return labels_read(Number(), columns.answers(frame), f"the target '{target.name}'")

    def _answers(self, net: Any, numbers: Any) -> Answers:
        several = numbers.shape[1] > 1
        names = (f"target {i}" for i in range(numbers.shape[1])) if several else ("the target",)
        return Answers(np.asarray(numbers, np.float64), tuple(names))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The R^2, or what :meth:`NetRegressor.score` gives for the loss.

        Arguments:
            X: a table as of :meth:`fit`.
            y: the targets, or the name of the column of X that holds them.
            sample_weight: (rows,), or None.
        """
        labels = self._labels_to_score(X, y)
        result: float = self._of_rows(X, "score", labels, sample_weight)
        return result

    def predict_interval(self, X: Any, coverage: float = 0.9) -> Any:
        """As of :meth:`NetRegressor.predict_interval`: lower and upper ends, (rows, 2)."""
        return self._of_rows(X, "predict_interval", coverage)
