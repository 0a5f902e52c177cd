"""What the estimators for tables share: from a table to a trained network."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from sklearn.base import is_classifier, is_regressor
from sklearn.utils import check_random_state
from sklearn.utils.validation import (
    _check_sample_weight,
    _check_y,
    check_consistent_length,
    check_is_fitted,
)

from ..errors import ConfigurationError, DataError, TableWarning
from ..estimators.base import NetEstimator
from ..estimators.effort import settle
from ..estimators.fits.going_on import ANEW
from ..estimators.fits.held_out import Held, Table, checked_groups, divided
from ..estimators.fits.members import Deadline, Rows, deadline_of
from ..estimators.fits.rows import arranged, of_mean_one
from ..estimators.inputs import named
from ..estimators.parameters import NestedParameters
from ..estimators.scales.column_scales import middles
from ..estimators.settings import truth
from ..given import check_mask, of_library
from ..reading.frames import frame_of
from ..rows.sources import is_sparse
from .arguments import of_inner
from .columns import Columns
from .division import contents, taken
from .given_table import GivenTable
from .inputs import Answers, Inputs, Ways
from .inputs.means import folds_of
from .rules import Reading
from .targets import labels_of

# Arguments of the estimators for tables, in front of those of the networks.
OWN: dict[str, Any] = {
    "types": None, "decimal": None, "na": (), "drop": (), "keep": (), "text": False, "quiet": False,
    "categories": "auto", "levels": None,
}


class TableModel(NestedParameters):
    """Base of the estimators for tables, :class:`TableClassifier` and :class:`TableRegressor`:
    columns that were decided, inputs that were learned, and a network.

    Example:
        >>> import evenly as ev
        >>> issubclass(ev.TableClassifier, ev.TableModel)
        True
    """

    # The estimator within.
    _inner: ClassVar[type[NetEstimator]]
    columns_: Columns
    inputs_: Inputs
    types: Any
    decimal: Any
    na: Any
    drop: Any
    keep: Any
    text: Any
    quiet: Any
    categories: Any
    levels: Any
    _ways = Ways()
    early_stopping: Any
    scale: Any
    validation_fraction: Any
    warm_start: Any
    random_state: Any
    time_limit: Any

    if TYPE_CHECKING:  # with_arguments_of makes it, which type checkers do not see

        def __init__(self, hidden: Any = ..., **arguments: Any) -> None: ...

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags

    def __getattr__(self, name: str) -> Any:
        # What the network within has learned: classes_, history_, best_epoch_, ...
        if name.endswith("_") and not name.startswith("_"):
            inner = self.__dict__.get("estimator_")
            if inner is not None:
                return getattr(inner, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    # What a classifier and a regressor do each in their own way ---------------------------------

    def _as_labels(self, columns: Columns, frame: Any, y: Any) -> Any:
        """The targets as the network takes them: `y`, or where it is None the table's column."""
        raise NotImplementedError

    def _answers(self, net: Any, numbers: Any) -> Answers:
        """The network's numbers of training rows, for means of the target."""
        raise NotImplementedError

    # Fit ----------------------------------------------------------------------------------------

    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, X_val: Any = None, y_val: Any = None,
        groups: Any = None,
    ) -> Self:
        """Decides the columns, learns the inputs from the training rows, and trains the network.

        Arguments:
            X: a pandas, polars or Arrow table, a dict of columns, or an array (rows, columns).
            y: the targets: an array, a list, a column of such a table; or the name of the column of
                X that holds them.
            sample_weight: (rows,): how much each row counts, as of :meth:`NetClassifier.fit`. Rows
                of weight 0 are no rows.
            X_val, y_val: a validation set, instead of a share of the rows; `y_val` may be left out
                where `y` is a name.
            groups: (rows,): labels of rows that belong together, or the name of the column of X
                that holds them, which then is no input. A group is held out whole or not at all.

        Returns:
            self.

        Raises:
            ValueError: data or settings that cannot be used; DataError is one.
            DivergenceError: the loss or a gradient was not finite.
        """
        for name in ("text", "quiet"):
            truth(name, getattr(self, name))
        ways = Ways(self.categories, self.levels)
        deadline = deadline_of(self.time_limit)
        going_on = self.warm_start and hasattr(self, "estimator_")
        if going_on and ways != self._ways:
            raise ConfigurationError(
                f"{type(self).__name__}: {ways}, and the network was trained with {self._ways}: "
                f"its weights belong to those inputs: {ANEW}"
            )
        net = self._net(going_on)
        net._check_truths()
        with net._as_it_was():
            self._fit(net, deadline, going_on, X, y, sample_weight, X_val, y_val, groups)
        self._tell("the columns as they were read", self.notes_, 3)
        return self

    def _fit(
        self, net: Any, deadline: Deadline, going_on: bool, X: Any, y: Any, sample_weight: Any,
        X_val: Any, y_val: Any, groups: Any,
    ) -> None:
        table, y, target, column = self._given(X, y)
        table.need_rows(2, type(self).__name__)
        frame = self._by_training(table) if going_on else table.frame
        together = groups if isinstance(groups, str) else None
        groups = checked_groups(table.labels(groups), frame.height)
        weights, counting = self._counting(sample_weight, frame.height)
        if column is not None:
            frame = frame.with_columns(column.alias(target))
        some = frame if counting is None else frame[counting]
        columns = self.columns_ if going_on else self._decided(
            some, None if column is None else target, table.named, together)
        if columns.totals and not going_on:
            examples = np.delete(np.arange(some.height), columns.totals)
            counting = examples if counting is None else counting[examples]
            weights, some = None if weights is None else weights[examples], some[examples]
        values, _ = columns.values(some)
        labels = self._as_labels(columns, some, y if counting is None or y is None else y[counting])
        numbers = _numbers(net, labels, going_on)
        settle(net, len(numbers), is_classifier(net), going_on)
        net._look_at(numbers, weights, 4)
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        rows, weights, equal = arranged(contents(values, len(labels)), numbers, weights)
        weights = of_mean_one(weights)
        net._check_kept(numbers[rows])
        given = X_val is not None or y_val is not None
        places = np.arange(frame.height) if counting is None else counting
        parts = divided(self, Table(frame, _spread(labels, places, frame.height), groups,
                                    places[rows], equal, net._strata(numbers[rows]),
                                    getattr(net, "classes_", None)), seed, given)
        kept, own = rows[parts.kept], None if weights is None else weights[parts.kept]
        answers, taught = self._answers(net, numbers[kept]), taken(values, kept)
        inputs = self.inputs_ if going_on else Inputs.learn(
            columns.inputs, taught, answers, own, Ways(self.categories, self.levels))
        net._coded = len(inputs.codes), inputs.table_rows
        alike = kept if groups is None else groups[places[kept]]
        x = inputs.encode_training(taught, answers, own, folds_of(alike, seed))
        net._check_x(x, reset=not going_on)
        with named(self):
            nothing = middles(self.scale, x, own)

        def of(part: Any) -> Held | None:
            if part is None:
                return None
            chosen = rows[part]
            return Held(inputs.encode(taken(values, chosen), nothing)[0], numbers[chosen],
                        None if weights is None else weights[part])

        held = of(parts.held)
        if given:
            others, labels = self._validation(columns, table.named, X_val, y_val, target)
            held = Held(inputs.encode(others, nothing)[0], net._encode(labels), None)
        taught_rows = Held(x, numbers[kept], own)
        net._train(Rows(taught_rows, held, of(parts.apart)), seed, going_on, given, deadline)
        self._use(columns, inputs, net, target, table.named)
        # In the end a refit has trained on them too.
        lasting = parts.held is not None and net.refit_history_ is None
        out = rows[parts.held] if lasting else np.zeros(0, np.int64)
        self.held_out_ = np.unique(places[out]).astype(np.int64)
        # Those of intervals alone: neither trained on nor watched.
        aside = rows[parts.apart] if parts.apart is not None else np.zeros(0, np.int64)
        self._set_aside = np.unique(places[aside]).astype(np.int64)

    def _given(self, X: Any, y: Any) -> tuple[GivenTable, Any, str, Any]:
        """(the table of the inputs, the targets or None where the table has them, their name, their
        column; None where there are several)."""
        name = type(self).__name__
        if y is None:
            raise ValueError(
                f"This {name} estimator requires y to be passed, but the target y is None."
            )
        table = GivenTable.of(X, name)
        if isinstance(y, str):
            table, column = table.split(y)
            return table, None, y, column
        target = getattr(y, "name", None)
        target = target if isinstance(target, str) and target else "y"
        while target in table.frame.columns:
            target += " (target)"
        y = self._checked_targets(y, table)
        one = y.ndim == 1 or y.shape[1] == 1
        return table, y, target, frame_of({target: y.ravel()})[target] if one else None

    def _checked_targets(self, y: Any, table: GivenTable) -> Any:
        y = labels_of(y, is_regressor(self))
        texts = y.dtype.kind in "OUT" if hasattr(y, "dtype") else False
        y = _check_y(y, multi_output=True, y_numeric=is_regressor(self) and not texts,
                     estimator=self)
        check_consistent_length(table.frame, y)
        return y.toarray() if is_sparse(y) else y

    def _counting(self, weights: Any, rows: int) -> tuple[Any, Any]:
        """(the weights that are not 0, of which rows they are; None: of all)."""
        if weights is None:
            return None, None
        check_mask(weights, "sample_weight")
        weights = of_library(weights, "sample_weight")
        weights = _check_sample_weight(weights, np.empty((rows, 1)), ensure_non_negative=True)
        counting = np.flatnonzero(weights > 0)
        if not len(counting):
            raise DataError("sample_weight: every weight is 0: nothing could be learned")
        return weights[counting], counting

    def _decided(
        self, frame: Any, target: str | None, named: bool, together: str | None
    ) -> Columns:
        reading = Reading(
            types=dict(self.types or {}), decimal=self.decimal, na=_words(self.na),
            drop=_words(self.drop) + (() if together is None else (together,)),
            keep=_words(self.keep), text=self.text,
        )
        columns = Columns.decide(frame, target, reading)
        if not named:
            columns = _all_kept(columns, reading)
        columns.check_inputs()
        return columns

    def _net(self, going_on: bool) -> Any:
        params = of_inner(self, self._inner)
        return self.estimator_.set_params(**params) if going_on else self._inner(**params)

    def _validation(
        self, columns: Columns, named: bool, X_val: Any, y_val: Any, target: str
    ) -> tuple[Any, Any]:
        """(the values of a validation set, its targets)."""
        name = type(self).__name__
        if X_val is None or (y_val is None and columns.target is None):
            raise ConfigurationError("fit: give X_val and y_val together")
        table, y = GivenTable.of(X_val, name), None
        if y_val is None or isinstance(y_val, str):
            table, column = table.split(y_val or target)
        else:
            y = self._checked_targets(y_val, table)
            one = y.ndim == 1 or y.shape[1] == 1
            column = frame_of({target: y.ravel()})[target] if one else None
        frame = table.as_trained([c.name for c in columns.columns], named, name)
        if column is not None:
            frame = frame.with_columns(column.alias(target))
        return columns.values(frame)[0], self._as_labels(columns, frame, y)

    def _use(
        self, columns: Columns, inputs: Inputs, estimator: Any, target: str, named: bool
    ) -> None:
        self.columns_, self.inputs_, self.estimator_ = columns, inputs, estimator
        self._ways = Ways(self.categories, self.levels)
        self.target_ = target
        self.notes_ = (*columns.notes, *inputs.notes)
        names = [column.name for column in columns.columns]
        self.n_features_in_ = len(names)
        self.__dict__.pop("feature_names_in_", None)
        if named:
            self.feature_names_in_ = np.array(names, dtype=object)

    def _tell(self, what: str, notes: Sequence[str], calls: int) -> None:
        if notes and not self.quiet:
            lines = "".join(f"\n- {note}" for note in notes)
            warnings.warn(f"{type(self).__name__}: {what}:{lines}", TableWarning, stacklevel=calls)

    # Predictions --------------------------------------------------------------------------------

    def __sklearn_is_fitted__(self) -> bool:
        return "estimator_" in self.__dict__

    def _by_training(self, table: GivenTable) -> Any:
        names = [column.name for column in self.columns_.columns]
        return table.as_trained(names, "feature_names_in_" in self.__dict__, type(self).__name__)

    def encode(self, X: Any) -> tuple[Any, list[str]]:
        """Rows as the network reads them.

        Arguments:
            X: a table as of :meth:`fit`, with the columns of training in any order. Others are left
                out.

        Returns:
            (float64 array (rows, inputs), what is unlike training: a line each).

        Raises:
            DataError: columns that are missing, or hold what training's type cannot read.
        """
        check_is_fitted(self)
        frame = self._by_training(GivenTable.of(X, type(self).__name__))
        known = {column.name for column in self.columns_.columns}
        if self.target_ in frame.columns and self.target_ not in known:
            frame = frame.drop(self.target_)
        values, notes = self.columns_.values(frame)
        scaler = self.estimator_.scaler_
        # What is at its mean is 0 behind the scale: it moves nothing.
        x, more = self.inputs_.encode(values, None if scaler is None else scaler.middle)
        return x, [*notes, *more]

    def _of_rows(self, X: Any, method: str, *arguments: Any, **named: Any) -> Any:
        """What a method of the network's estimator says about rows."""
        x, notes = self.encode(X)
        self._tell("unlike training", notes, 4)
        ask = getattr(self.estimator_, method)
        if len(x):
            return ask(x, *arguments, **named)
        return ask(np.zeros((1, x.shape[1])), *arguments, **named)[:0]

    def predict(self, X: Any) -> Any:
        """As of the network's estimator: the likeliest class of each row, or its numbers."""
        return self._of_rows(X, "predict")

    def _as_trained(self, X: Any, y: Any) -> tuple[Any, Any]:
        """Inputs and targets as the network was trained with."""
        x, _ = self.encode(X)
        pair: tuple[Any, Any] = self.estimator_._as_trained(
            x, None if y is None else self._labels_to_score(X, y))
        return pair

    def _labels_to_score(self, X: Any, y: Any) -> Any:
        check_is_fitted(self)
        table, y, _, column = self._given(X, y)
        frame = table.frame
        if column is not None and self.columns_.target is not None:
            frame = frame.with_columns(column.alias(self.columns_.target.name))
        return self._as_labels(self.columns_, frame, y)


def _all_kept(columns: Columns, reading: Reading) -> Columns:
    """The same with all columns of an array as inputs: its maker has chosen them."""
    kept = []
    for one in columns.columns:
        if one.left_out and one.kind.type != "nothing" and one.name not in reading.drop:
            line = f"{one.left_out}: kept, since all columns of an array are inputs"
            one = replace(one, left_out="", odd=(*one.odd, line))
        kept.append(one)
    return replace(columns, columns=tuple(kept))


def _words(given: Any) -> tuple[str, ...]:
    """Words as a tuple; one alone is one word, not its letters."""
    return (given,) if isinstance(given, str) else tuple(map(str, given))


def _spread(labels: Any, places: Any, rows: int) -> Any:
    """Labels of some rows as labels of all: those of rows that do not count are the first."""
    if len(labels) == rows:
        return labels
    result = np.repeat(labels[:1], rows, axis=0)
    result[places] = labels
    return result


def _numbers(net: Any, labels: Any, going_on: bool) -> Any:
    """The targets as numbers: (rows,) of classes, or (rows, ...)."""
    if not going_on:
        net._learn_targets(labels)
    return net._encode(labels)
