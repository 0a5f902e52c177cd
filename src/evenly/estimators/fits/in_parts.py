"""Training in parts: one pass over some rows, and on from there."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from sklearn.utils import check_random_state

from ...engine import Engine
from ...errors import ConfigurationError, DataError
from ...program import Program, training_rows
from ...program import compile as compile_program
from ...training import History, Model
from ...training.continued import for_single_rows, one_pass
from ...training.run_settings import as_text
from ..base import NetEstimator
from ..number_embeddings import BIN_ROWS, bins_for, learns_bins
from ..scales.column_scales import BY_QUANTILES, scale_kind
from ..settings import batch_rows, partial_settings, threads_of
from .going_on import with_program
from .members import check_same_members, refuse_several

# The square of a larger one is beyond float32 by far.
LARGEST_WEIGHT = 1e30


class TrainsInParts(NetEstimator):
    """What the estimators share that have ``partial_fit``."""

    _made_anew: ClassVar[tuple[str, ...]] = (*NetEstimator._made_anew, "_single", "_told")

    def _partial_fit(self, X: Any, y: Any, sample_weight: Any, first: bool, learn: bool) -> Self:
        self._check_truths()
        with self._as_it_was():
            return self._one_more_pass(X, y, sample_weight, first, learn)

    def _one_more_pass(self, X: Any, y: Any, sample_weight: Any, first: bool, learn: bool) -> Self:
        if first and scale_kind(self.scale) in BY_QUANTILES:
            raise ConfigurationError(
                f"{type(self).__name__}: scale={self.scale!r} needs all rows at once, since "
                "quantiles do not add up from call to call: partial_fit begins with "
                'scale="standard", or goes on from a fit'
            )
        refuse_several(self)
        if not first:
            check_same_members(self)
        X, y = self._check_xy(X, y, reset=first)
        if not first:
            self._check_scale(X)
        if learn:
            self._learn_targets(y)
        numbers = self._encode(y)
        known = self._known_before()
        weights = self._check_weights(sample_weight, X)
        self._look_at(numbers, weights, 4)
        if weights is not None:
            kept = np.flatnonzero(weights > 0)
            if not len(kept):
                raise DataError("sample_weight: every weight is 0: nothing could be learned")
            if weights.max() > LARGEST_WEIGHT:
                raise DataError(
                    f"sample_weight: {weights.max():g} is more than {LARGEST_WEIGHT:g}, beyond "
                    "which sums overflow: divide the weights of all calls by a constant"
                )
            X, numbers, weights = X[kept], numbers[kept], weights[kept]
        learned = self._learn_scale if first else self._fold_scale
        learned(X, numbers, weights)
        if first:
            seed = check_random_state(self.random_state).randint(2**31 - 1)
            model, records = Model(self._engine(numbers, weights, seed)), History().records
            if learns_bins(self.embedding):
                model.engine.set_weights(bins_for(model.net, self._scaled(X[:BIN_ROWS])))
        else:
            model, records = self._next_model(numbers, weights), self.history_.records
        engine = model.engine
        outputs = self._checked_outputs(model.net)
        record = one_pass(
            engine, self._scaled(X), self._targets(numbers, outputs),
            self._weights(numbers, weights), batch=batch_rows(self.batch, X.shape[0]),
            seed=(engine.seed + engine.steps) % 2**64, epoch=len(records) + 1,
            alone=lambda: self._twin(engine),
        )
        model.history = History((*records, record), "epochs")
        self._use(model)
        self._told_after(known)
        return self

    def _program(self, net: Any, settings: dict[str, Any]) -> Program:
        """What partial_fit trains with."""
        shape = (self.n_features_in_,)
        needed = training_rows(net, shape)
        return compile_program(net, shape, **{**settings, "batch": max(settings["batch"], needed)})

    def _settings(self, net: Any, y: Any, weights: Any) -> dict[str, Any]:
        """The settings for some rows, with a network of as many outputs as this one."""
        loss = self._weighed(self._loss(self._checked_outputs(net)), y, weights, whole=False)
        return {**partial_settings(self, len(y)), "loss": loss}

    def _engine(self, y: Any, weights: Any, seed: int) -> Engine:
        """A new network ready for partial_fit."""
        self._began = self.init
        net = self._network()
        program = self._program(net, self._settings(net, y, weights))
        return Engine(program, seed=seed, threads=threads_of(self.n_jobs))

    def _next_model(self, y: Any, weights: Any) -> Model:
        """The model that goes on, with what the arguments say now."""
        net, settings = self._network(), self._settings(self.model_.net, y, weights)
        told = as_text((net, {**settings, "batch": None}))
        engine = self.model_.engine
        of, before = getattr(self, "_told", (None, ""))
        # Compiling takes longer than a row does, and a stream of rows says the same each time.
        if of is engine and before == told and engine.program.batch >= settings["batch"]:
            return self.model_
        self._check_same(self.model_.net, net)
        program = self._program(net, settings)
        model = with_program(self.model_, program, threads_of(self.n_jobs))
        self._told = model.engine, told
        return model

    def _twin(self, engine: Engine) -> Engine:
        """The engine's twin for single rows; a stream of them needs it again and again."""
        of, twin = getattr(self, "_single", (None, None))
        if of is not engine or twin is None:
            twin = for_single_rows(engine)
            self._single = engine, twin
        return twin
