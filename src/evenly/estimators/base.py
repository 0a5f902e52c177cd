"""What the estimators share: from plain arguments to a trained network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Self

from sklearn.base import is_classifier
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from ..errors import ConfigurationError
from ..program import training_rows
from ..stopping import EarlyStopping
from ..training import Model, fit
from ..training.model import as_sequential
from .answers.monitor import FROM_HELD, callbacks_of, curve_of, stand_in, stopping_rule
from .building import BuildsNetwork
from .curves import HasCurves
from .effort import settle
from .fits.held_out import Held, Table, checked_groups
from .fits.members import (
    Deadline,
    Rows,
    check_same_members,
    constants_of_all,
    deadline_of,
    divisions,
    members_of,
    rows_of_parts,
    together,
    told_by_members,
    trained,
    watched,
)
from .fits.refit import anew, as_before, best_epochs, ends_after, wanted
from .fits.rows import arranged, of_mean_one
from .inference import ExactScores
from .inputs import constants_of
from .scales.column_scales import scale_kind
from .scales.proportion import warn_of_other_scale
from .settings import threads_of, training_settings, truth

# What a fit learns in front of the network.
LEARNED = (
    "n_features_in_", "feature_names_in_", "classes_", "_multi_label", "n_outputs_", "_one_axis",
    "scaler_", "target_scaler_", "_constants", *FROM_HELD,
)


class NetEstimator(HasCurves, BuildsNetwork):
    """Base of the estimators: see :class:`NetClassifier` for the arguments."""

    # What the estimator does not keep in a pickle: it is made anew from the rest.
    _made_anew: ClassVar[tuple[str, ...]] = ("_predictor", "_apart")
    # Whether each of several members holds out rows of its own.
    own_rows: ClassVar[bool] = True

    def __init__(
        self,
        hidden: Any = (128, 64),
        *,
        activation: Any = "relu",
        norm: Any = "batch",
        dropout: Any = 0.2,
        init: Any = "he",
        net: Any = None,
        optimizer: Any = None,
        learning_rate: float | None = None,
        schedule: Any = "cosine",
        l2: float = 0.0,
        penalty: Any = None,
        clip: Any = None,
        constraint: Any = None,
        augment: Any = None,
        max_epochs: Any = "auto",
        batch: Any = "auto",
        early_stopping: bool = True,
        patience: Any = "auto",
        validation_fraction: float = 0.1,
        scale: Any = True,
        warm_start: bool = False,
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: bool = False,
        dtype: str = "float32",
        doctor: Any = None,
        validation: Any = None,
        monitor: Any = "loss",
        callbacks: Any = (),
        interval_fraction: float | None = None,
        average: Any = None,
        refit: bool = False,
        members: Any = "auto",
        time_limit: float | None = None,
        effort: str = "default",
        rates: Any = None,
        embedding: Any = None,
        sharing: Any = None,
        dropout_schedule: Any = None,
        decay_schedule: Any = None,
    ) -> None:
        self._keep(locals())

    def _keep(self, arguments: dict[str, Any]) -> None:
        """Keeps each argument of ``__init__`` as it came, under its name, as scikit-learn asks."""
        self.__dict__.update((name, arguments[name]) for name in arguments if name != "self")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    # Fit ----------------------------------------------------------------------------------------

    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, X_val: Any = None, y_val: Any = None,
        groups: Any = None,
    ) -> Self:
        """Trains the network.

        Arguments:
            X: (rows, features): an array, a pandas or polars frame, or a SciPy sparse matrix.
            y: the targets.
            sample_weight: (rows,): how much each row counts. Whole numbers repeat rows (up to
                100,000 in all): the fit is the same as on the repeated table. Others weigh the
                loss.
            X_val, y_val: a validation set, instead of a share of the rows. A warning says where its
                scale is out of all proportion to that of X, as in a Pipeline without
                ``transform_input=["X_val"]``.
            groups: (rows,): labels of rows that belong together, such as the patient. A group is
                held out whole or not at all, or its rows would be known by others of it. Handed to
                the splitter where `validation` is one.

        Returns:
            self.

        Raises:
            ValueError: data that cannot be used, as scikit-learn words it; settings that cannot
                work.
            DivergenceError: the loss or a gradient was not finite.
        """
        self._check_truths()
        deadline = deadline_of(self.time_limit)
        with self._as_it_was():
            return self._fit(deadline, X, y, sample_weight, X_val, y_val, groups)

    def _fit(
        self, deadline: Deadline, X: Any, y: Any, sample_weight: Any, X_val: Any, y_val: Any,
        groups: Any,
    ) -> Self:
        going_on = self.warm_start and hasattr(self, "model_")
        X, y = self._check_xy(X, y, reset=not going_on, least=2)
        if going_on:
            self._check_scale(X)
        else:
            self._learn_targets(y)
        settle(self, X.shape[0], is_classifier(self), going_on)
        numbers = self._encode(y)
        sample_weight = self._check_weights(sample_weight, X)
        self._look_at(numbers, sample_weight, 3)
        groups = checked_groups(groups, X.shape[0])
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        rows, weights, equal = arranged(X, numbers, sample_weight)
        numbers, weights = numbers[rows], of_mean_one(weights)
        self._check_kept(numbers)
        given = X_val is not None or y_val is not None
        held = self._given_validation(X_val, y_val) if given else None
        table = Table(X, y, groups, rows, equal, self._strata(numbers),
                      getattr(self, "classes_", None))
        parts = divisions(self, table, seed, given)

        def of(places: Any) -> Held:
            own = None if weights is None else weights[places]
            return Held(X[rows[places]], numbers[places], own)

        self._train(rows_of_parts(parts, len(rows), of, held), seed, going_on, given, deadline)
        return self

    def _train(
        self, rows: Rows, seed: int, going_on: bool, given: bool, deadline: Deadline
    ) -> None:
        """Trains on rows that were divided and put in order before.

        Arguments:
            rows: to train on, and those that are watched.
            seed: of all that is drawn.
            going_on: whether from the weights of the last fit.
            given: whether the watched rows were given to fit.
            deadline: of the training.
        """
        held = rows.held(0)
        self._check_before(held)
        again = wanted(self, given, held)
        X, numbers, weights = rows.every
        last = self.members_ if going_on else []
        if going_on:
            check_same_members(self)
            self._wake(X, numbers, weights)
        else:
            self._learn_scale(X, numbers, weights)
        self._constants = constants_of_all(self._constants, rows, members_of(self))
        if held is not None:
            self._check_scale(held.X)
        if given and held is not None:
            warn_of_other_scale(X, held.X)
        rules = []

        def train(number: int, seed: int, kept: Held, held: Held | None) -> Model:
            start = self._last_weights(last[number], seed) if going_on else None
            rules.append(stopping_rule(self, held, seed))
            return self._run(start, kept, held, seed, rules[-1], number, deadline)

        models, ran_out = trained(self, rows, seed, deadline, train)
        model = together(models, threads_of(self.n_jobs))
        twin = stand_in(self, model)
        told = told_by_members(self, rows, models, twin, stand_in)
        told["_ran_out"] = ran_out or None
        told["_chosen"] = self._chosen
        told["_histories"] = [one.history for one in models] if len(models) > 1 else None
        if held is not None and self.early_stopping:
            told["_monitored"] = curve_of(rules[0], model.history)
        if again and held is not None and model.history.stopped not in (
            "interrupted", "doctor", "time limit",
        ):
            start = self._last_weights(last[0], seed) if going_on else None
            old = model, twin, told
            of = rows.kept(0), held, rows.apart
            model, twin, told = anew(self, old, start, of, seed, deadline)
        self.__dict__.pop("_apart", None)
        if len(models) > 1:
            self._apart = model, models
        self._predictor = twin._predictor
        self._use(model)
        self._told_after(told)

    def _told_after(self, told: dict[str, Any]) -> None:
        """Takes over what was learned from held-out rows, in place of what was known."""
        for name in FROM_HELD:
            self.__dict__.pop(name, None)
        self.__dict__.update((name, value) for name, value in told.items() if value is not None)

    @contextmanager
    def _as_it_was(self) -> Iterator[None]:
        """What fails leaves a trained network with what belongs to it."""
        kept = {name: value for name, value in vars(self).items() if name in LEARNED}
        try:
            yield
        except BaseException:
            for name in LEARNED:
                self.__dict__.pop(name, None)
            self.__dict__.update(kept)
            raise

    def _check_truths(self) -> None:
        for name in ("early_stopping", "warm_start", "refit"):
            truth(name, getattr(self, name))
        scale_kind(self.scale)
        if not isinstance(self.verbose, int):  # other tools count: 0, 1, 2
            truth("verbose", self.verbose)

    def _run(
        self, start: Model | None, kept: Held, held: Held | None, seed: int,
        rule: EarlyStopping | None, number: int, deadline: Deadline, first: Model | None = None,
        first_rows: int | None = None,
    ) -> Model:
        X, y, weights = kept
        net: Any = self._network() if start is None else start
        self._began = getattr(self, "_began", self.init) if start else self.init
        built = as_sequential(start.net if start else net)
        outputs = self._checked_outputs(built)
        if start is None:
            net = self._by_data(net, X, seed)
        validation = None
        if held is not None:
            validation = (self._scaled(held.X), self._targets(held.y, outputs), None,
                          of_mean_one(self._weights(held.y, held.weights)))
        loss = self._weighed(self._loss(outputs), y, weights, whole=True)
        weights = of_mean_one(self._weights(y, weights))
        settings = training_settings(
            self, first_rows or X.shape[0], validation is not None or first is not None
        )
        callbacks = callbacks_of(self.callbacks)
        if first is not None:
            settings = as_before(settings, first.history)
            callbacks = (ends_after(best_epochs(first.history)),)
        if not any(layer.drops for _, layer in built.named_layers()):
            settings["dropout_schedule"] = None
        needed = training_rows(built, (X.shape[1],))
        if settings["batch"] < needed:
            raise ConfigurationError(
                f"batch={self.batch!r} with {X.shape[0]} training rows: batch normalization needs "
                f"at least {needed} rows a step, since one row has no variance: take a larger "
                "batch, norm='layer', or norm=None"
            )
        return fit(
            net, self._scaled(X), self._targets(y, outputs), loss=loss,
            validation=validation, sample_weight=weights, seed=seed,
            early_stopping=rule if validation is not None and self.early_stopping else None,
            progress=bool(self.verbose),
            doctor=watched(self.doctor, number) if first is None else None,
            callbacks=(deadline.epoch, *callbacks), stop=deadline.asked, **settings,
        )

    def _given_validation(self, X_val: Any, y_val: Any) -> Held:
        if X_val is None or y_val is None:
            raise ConfigurationError("fit: give X_val and y_val together")
        X_val, y_val = self._check_xy(X_val, y_val, reset=False)
        return Held(X_val, self._encode(y_val), None)

    # What is learned ----------------------------------------------------------------------------

    def _use(self, model: Model) -> None:
        self.model_ = model
        self.history_ = history = model.history
        self.n_iter_ = len(history)
        self.best_epoch_ = history.best_epoch
        if getattr(self, "_predictor", None) is None or self._predictor.model is not model:
            self._make_predictor()

    def _make_predictor(self) -> None:
        self._predictor = ExactScores(self.model_, threads_of(self.n_jobs))

    def _scores(self, X: Any) -> Any:
        """The network's outputs, (rows, outputs)."""
        check_is_fitted(self, "model_")
        return self._predictor.scores(self._check_x(X), self._inputs)

    def _as_trained(self, X: Any, y: Any) -> tuple[Any, Any]:
        """Inputs and targets as the network was trained with."""
        check_is_fitted(self, "model_")
        outputs = self.model_.engine.program.output_shape[-1]
        return self._inputs(self._check_x(X)), (
            None if y is None else self._targets(self._encode(y), outputs))

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        return {name: value for name, value in state.items() if name not in self._made_anew}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if hasattr(self, "model_"):
            if "scaler_" in state and "_constants" not in state:
                self._constants = constants_of(self.scaler_, self.n_features_in_)
            self._make_predictor()
