"""Classification."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels

from ..errors import ConfigurationError
from ..given import check_mask, of_library
from ..losses import Loss
from ..rows.sources import is_sparse
from .answers.class_predictions import PredictsClasses
from .answers.class_weights import of_mean_one_by_label, weighed_rows, weights_of_labels
from .answers.classification_losses import class_loss, class_outputs
from .fits.going_on import ANEW
from .inputs import told_right
from .settings import truth


class NetClassifier(ClassifierMixin, PredictsClasses):  # type: ignore[misc]
    """A network that tells classes apart.

    Made from plain arguments: for each hidden width a dense layer, a normalization, an activation
    and dropout, then a dense output layer: one output for two classes, else one a class. Or from
    a network of your own (`net`). Inputs are scaled inside. Classes are any labels; targets of
    shape (rows, labels) that hold 0 and 1 are several labels a row, each with its own probability.

    A fit depends on the random state and on what is in the table, not on the order of its rows.
    Early stopping watches the loss on held-out rows, each class with its share, and restores the
    best epoch. Where fewer than 10 rows would be held out (of fewer than 100, by default), none
    are: training then runs all its epochs. A class of one row is never held out.

    Where an argument is a declaration, its fields are parameters of scikit-learn's protocol:
    ``optimizer__learning_rate``, ``penalty__strength``, ``net__dropout_1__rate``.

    Arguments:
        hidden: widths of the hidden layers: a tuple, or one whole number for one layer; () makes a
            linear model.
        activation: ``"relu"``, ``"leaky_relu"``, ``"prelu"``, ``"elu"``, ``"selu"``, ``"gelu"``,
            ``"silu"``, ``"mish"``, ``"tanh"``, ``"sigmoid"``, ``"softplus"``, ``"softsign"``,
            ``"hard_sigmoid"``, ``"hard_swish"``, ``"identity"``, an evenly layer, or a tuple with
            one for each hidden layer.
        norm: ``"batch"``, ``"layer"``, ``"rms"``, ``"group"``, an evenly layer, None, or a tuple.
        dropout: the rate, an evenly layer, None, or a tuple.
        init: first values of the hidden kernels: ``"he"``, ``"he_uniform"``, ``"xavier"``,
            ``"xavier_uniform"``, ``"lecun"``, ``"lecun_uniform"``, ``"orthogonal"`` (the output
            layer then takes ``"xavier"``), ``"lsuv"`` (scaled by the training rows, see
            :func:`evenly.lsuv`), ``"unit_columns"`` (each unit scaled by them, and its bias placed
            among them, see :func:`evenly.unit_columns`), or an evenly initializer, for the output
            layer too.
        net: the whole network as an evenly layer, in place of the five arguments above. It ends
            with the outputs, without softmax: for two classes one (or two), else one a class.
        loss: ``"cross_entropy"``; ``"focal"``, in which rows that are answered well count less;
            ``"asymmetric"``, the same for the labels that a row does not have, for several labels a
            row or two classes; or an evenly loss, whose mean is over the rows. Probabilities of the
            last two rank well, and are to be calibrated before they are read as frequencies.
        optimizer: ``"adamw"``, ``"adam"``, ``"adamax"``, ``"nadam"``, ``"radam"``, ``"adagrad"``,
            ``"rmsprop"``, ``"momentum"``, ``"nesterov"``, ``"sgd"``, or an evenly optimizer; by
            default AdamW with a learning rate of 0.002.
        learning_rate: of the optimizer; by default its own.
        schedule: of the learning rate over `max_epochs`: ``"cosine"`` (down to 0), ``"linear"``,
            ``"one_cycle"``, ``"warmup"`` (5 epochs, then a cosine), ``"plateau"`` (watches the
            validation loss, so there must be one), ``"flat_cosine"`` (constant for the first half,
            then a cosine), ``"coslog"`` (four waves, each twice as long as the one before), an
            evenly schedule, or None: constant.
        l2: strength of an L2 penalty on the kernels, >= 0.
        penalty: an evenly penalty instead.
        clip: the largest norm of all gradients together, or an evenly clipping value.
        constraint: the largest norm of each unit's weights, or an evenly constraint.
        augment: the alpha of :class:`evenly.Mixup`, ``"mixup"``, ``"cutmix"``, ``"cutout"``, a
            value such as :class:`evenly.CutMix`, or None.
        max_epochs: passes over the training rows, at most; ``"auto"``: by `effort`.
        batch: rows a step, at most all rows; ``"auto"``: about a twentieth of the rows, a power of
            two from 16 to 256; None: all rows. Batch normalization needs 2 at least.
        early_stopping: whether rows are held out, and training ends when the loss on them has not
            improved for `patience` epochs. It watches a validation set given to fit as well.
        patience: epochs; ``"auto"``: by `effort`. Of no effect without early stopping or a
            validation set.
        validation_fraction: share of the rows to hold out; of no effect where a validation set is
            given to fit, or without early stopping.
        class_weight: weights by class, or ``"balanced"``: each class as heavy as any other, in
            partial_fit among the rows of the call; None: 1 each. They multiply the sample weights.
            For several labels a row ``"balanced"`` (the 0s and the 1s of each label alike), a list
            with an entry a label, or a dict by label number: {0: ..., 1: ...}, a pair (of 0, of
            1), a number (of 1), or ``"balanced"``.
        multi_label: whether targets are several labels a row; None: where they have shape (rows,
            labels) and hold 0 and 1. Where each row then has exactly one 1 there is a warning,
            since these may be one-hot classes: ``y.argmax(axis=1)`` says that they are, True that
            they are labels.
        scale: the scale of the inputs, by the training rows: ``"standard"`` or True: mean 0 and
            deviation 1; ``"robust"``: by median and quartiles, and far values bent inwards, to 3 at
            most (:class:`evenly.SmoothClipScaler`); ``"normal"``: each value what a normal
            distribution has at its rank, within -3 and 3 (:class:`evenly.NormalScaler`); False:
            none. Columns of zeros and ones lose their mean and keep their size. Sparse inputs are
            not moved, so that zeros stay, and have ``"standard"`` or False alone. A column that
            never varies in training is 0 to the network, and with ``scale=False`` the value that it
            had in training, whatever it holds later: its weights have learned nothing.
        warm_start: whether another fit goes on from the weights of the last, with the same
            classes and scale; the optimizer starts anew. Settings that changed in between take
            effect, dropout among them; what would make other arrays or other first values
            (hidden, activation, norm, init, net, scale) is an error.
        random_state: of initial weights, the held-out rows, the order of rows, and dropout: a whole
            number, a RandomState, or None.
        n_jobs: threads; None: as many as the work is worth and joblib, threadpoolctl and
            OMP_NUM_THREADS allow; -1: all processors. No result depends on it.
        verbose: whether to show a progress bar.
        dtype: of the training, ``"float32"`` or ``"float64"``. Predictions are computed in float64.
        doctor: True has the training watched, ``"stop"`` or a path as of :func:`evenly.fit`:
            `diagnosis_` says what ails it, and each finding is a warning as it comes. A single
            pass of partial_fit is not watched.
        validation: which rows are held out, in place of `validation_fraction`, and with
            ``early_stopping=False`` too: a splitter of scikit-learn (or anything with ``split(X, y,
            groups)``), whose first split says what is trained on and what is held out; a mask of
            the rows, True where held out; or a share, of however few rows.
        monitor: what early stopping watches on the held-out rows: ``"loss"``, ``"score"`` (the
            accuracy, or R^2), or a scorer: a name such as ``"roc_auc"``, or a function
            ``scorer(estimator, X, y)``, of which more is better. It sees the estimator with the
            weights of the epoch, arrays, and targets as they came (by name, two classes are 0 and
            1). Class weights count in the loss and the score alone.
        callbacks: functions that are called with each epoch's :class:`evenly.EpochRecord`; one that
            returns ``"stop"`` ends the training. Not in partial_fit.
        threshold: the probability from which on the second of two classes is predicted, or a label
            (one number, or one each); or a measure of predictions, a name such as ``"f1"`` or a
            scorer, for which it is tuned on the held-out rows, those of early stopping; None: the
            likeliest class, or 0.5. Probabilities do not depend on it.
        calibrate: whether the scores are divided by a temperature, so that probabilities are what
            they say on the held-out rows, those of early stopping.
        average: of the weights: ``"ema"``, ``"swa"`` (the last quarter of `max_epochs`),
            ``"lookahead"``, an evenly average such as :class:`evenly.EMA`, or None. Held-out rows
            judge the average, and the fitted network has it. Or ``"snapshots"``,
            :class:`evenly.Snapshots`: each training runs its schedule in 5 cycles, and `model_` is
            the :class:`evenly.Ensemble` of the networks at their ends; with
            ``early_stopping=False``, without warm_start, and one member where `members` is
            ``"auto"``. Not in partial_fit.
        refit: whether in the end the network is trained anew on all rows, the held-out ones too
            (not those of ``interval_fraction``), for as many epochs as were best without them: from
            the same seed, with the same batch and schedule. Curves, temperature and a tuned
            threshold stay those of the first training, which callbacks and doctor hear of alone.
            Where no rows are held out there is one training.
        members: how many networks are trained, one after the other, each from first values of its
            own; predictions are the mean of theirs (of probabilities here), and `model_` is one
            :class:`evenly.Ensemble`. Each holds out rows of its own, where a share is drawn and
            neither `calibrate` nor `threshold` learns from it. ``"auto"``: by `effort`; one with
            `refit`. Not in partial_fit.
        time_limit: seconds that fit may take, or None. Training then ends with the best weights so
            far; of several members those that were ready; of a `refit` the first training, where
            the second did not come to its end. One network is trained for one epoch at least. Of
            partial_fit no limit.
        rates: factors of the learning rate by array: a dict such as ``{"*.bias": 0.1}``, or
            :class:`evenly.ArrayRates`, which may hold factors of the weight decay too.
        embedding: what each input becomes in front of the first hidden layer: ``"periodic"``:
            itself and three learned functions of it, made of waves (:class:`evenly.Periodic`);
            ``"piecewise"``: its shares of 16 bins that hold as many training rows each
            (:class:`evenly.PiecewiseLinear`); a layer, such as ``Scale()``, or a Sequential of
            several; None: itself. Not with a net of your own, which may begin with such layers.
        sharing: ``"kernels"``: the members are within one network, which is trained as one: they
            share the kernels of the hidden layers and have factors, biases and an output layer of
            their own (:class:`evenly.Members`, :class:`evenly.BatchEnsemble`: TabM). `members` is
            then how many, 16 if ``"auto"``. None: members share nothing.
        dropout_schedule: lowers the rate of dropout during training: ``"cosine"``, ``"linear"``,
            ``"flat_cosine"``, an evenly schedule, or None. Of no effect where nothing is dropped.
        decay_schedule: likewise the optimizer's weight decay. Neither in partial_fit.
        effort: what `members`, `max_epochs` and `patience` are where they are ``"auto"``:
            ``"fast"``: one network, at most 100 epochs, patience 20. ``"default"``: 4 networks
            likewise; of tables below 1,000 rows 8, and for numbers 5 of at most 300 epochs with
            patience 60. ``"best"``: 16 networks of at most 300 epochs, patience 60. An argument
            that is given wins. Chosen on other tables than docs/accuracy.md judges it by.

    Attributes:
        classes_: the class labels, sorted; with several labels a row their numbers.
        model_: the :class:`evenly.Model`: ``model_.net``, ``model_.weights``.
        scaler_: the scale of the inputs: means and deviations, or what `scale` says; None with
            ``scale=False``.
        history_: the records of the epochs (:class:`evenly.History`).
        loss_curve_, score_curve_: loss and accuracy of each epoch, in training mode.
        validation_loss_curve_, validation_score_curve_: on the validation set, or None without.
        monitor_curve_: what early stopping watched, of each epoch, or None without held-out rows.
        threshold_: a probability, or one for each of several labels; None: the likeliest class.
        temperature_: what scores are divided by; None without `calibrate`.
        n_iter_: epochs that were run.
        best_epoch_: the epoch whose weights were kept, counted from 1; None: the last.
        refit_history_: the records of the training on all rows, with `refit`, or None.
        diagnosis_: what ailed the training (:class:`evenly.Diagnosis`), with `doctor`.
        members_: a :class:`evenly.Model` for each member, with its own history; of what is said
            above of epochs and curves, the first one's are `history_`, `best_epoch_` and so on.
        settings_: members, max_epochs and patience of the last fit, given or chosen, by name.
        time_ran_out_: whether `time_limit` ended the fit.
        n_features_in_, feature_names_in_: of the inputs.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(200, 3))
        >>> y = np.where(x[:, 0] > x[:, 1], "more", "less")
        >>> net = NetClassifier(32, max_epochs=50, random_state=0).fit(x, y)
        >>> net.score(x, y) > 0.9, net.predict_proba(x).shape
        (True, (200, 2))
    """

    def __init__(
        self,
        hidden: Any = (128, 64),
        *,
        activation: Any = "relu",
        norm: Any = "batch",
        dropout: Any = 0.2,
        init: Any = "he",
        net: Any = None,
        loss: Any = "cross_entropy",
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
        class_weight: Any = None,
        multi_label: bool | None = None,
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
        threshold: Any = None,
        calibrate: bool = False,
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

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Trains for one pass over some rows, and goes on from the last call.

        The optimizer keeps its state between calls. The means and deviations that scale the inputs
        are those of all rows so far, so the first calls should not be too small. Quantiles do not
        add up in this way: other scales than ``"standard"`` are those of a fit before. A batch of
        one row is normalized by the running averages of the batch normalization, which it leaves as
        they are. Settings that changed since the last call take effect as with warm_start; an
        optimizer of another type begins anew. The random state counts in the first call. Learning
        rate schedules, the scaling of first values by rows, max_epochs, early stopping, callbacks,
        averages, refit and warm_start have no effect, nor has what is learned from held-out rows: a
        threshold that is tuned, a temperature; those of an earlier fit are forgotten with the
        network that they belong to. After :meth:`fit`, it goes on with the fitted network.

        Arguments:
            X, y, sample_weight: as for :meth:`fit`; here weights always weigh the loss.
            classes: all classes that will ever come; needed in the first call. Not for several
                labels a row.

        Returns:
            self.
        """
        first = not hasattr(self, "model_")
        check_mask(classes, "classes")
        y, classes = of_library(y, "y"), of_library(classes, "classes")
        if classes is not None and self.multi_label:
            raise ConfigurationError(
                "multi_label=True: partial_fit takes no classes: y has a column for each label"
            )
        if first and classes is not None:
            self._set_classes(unique_labels(classes))
        elif first and not (self.multi_label or type_of_target(y).startswith("multilabel")):
            raise ValueError("classes must be passed on the first call to partial_fit.")
        elif classes is not None and not np.array_equal(self.classes_, unique_labels(classes)):
            raise ValueError(
                f"classes={classes!r} is not the same as on last call to partial_fit, was: "
                f"{self.classes_.tolist()}"
            )
        return self._partial_fit(X, y, sample_weight, first, learn=first and classes is None)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The accuracy of the predictions.

        Arguments:
            X, y: rows and their classes.
            sample_weight: (rows,): how much each row counts.
        """
        return float(super().score(X, *told_right(y, sample_weight)))

    # Targets ------------------------------------------------------------------------------------

    def _learn_targets(self, y: Any) -> None:
        given = self.multi_label
        if given is not None:
            truth("multi_label", given, "True, False or None")
        kind = type_of_target(y, input_name="y")
        if kind == "unknown":
            types = sorted({type(value).__name__ for value in np.ravel(y)})
            raise ValueError(
                f"Unknown label type: y holds {', '.join(types)}: make them one type, y.astype(str)"
            )
        check_classification_targets(y)
        several = kind.startswith("multilabel")
        if given is False and several:
            raise ConfigurationError(
                f"multi_label=False, and y has a column for each of {y.shape[1]} labels: one class "
                "a row is one column, y.argmax(axis=1)"
            )
        if given and np.ndim(y) != 2 and not is_sparse(y):
            raise ConfigurationError(
                f"multi_label=True: y must be 0 or 1 for each label, shape (rows, labels), got "
                f"shape {np.shape(y)}"
            )
        if several and given is None and _looks_one_hot(y):
            warnings.warn(
                "each row of y has exactly one 1, which looks one-hot, and is taken for several "
                "labels a row with a probability each: give y.argmax(axis=1) for one class a row, "
                "or multi_label=True if these are labels",
                UserWarning, stacklevel=4,
            )
        if several or given:
            self._multi_label = True
            self.classes_ = np.arange(y.shape[1])
        else:
            self._set_classes(np.unique(column_or_1d(y)))

    def _set_classes(self, classes: Any) -> None:
        self._multi_label = False
        self.classes_ = classes
        _expect_classes(classes)

    def _encode(self, y: Any) -> Any:
        if self.multi_label is not None and self.multi_label != self._multi_label:
            raise ConfigurationError(
                f"NetClassifier: multi_label={self.multi_label}, and the network was trained with "
                f"multi_label={self._multi_label}: {ANEW}"
            )
        if is_sparse(y):
            y = y.toarray()
        check_classification_targets(y)
        if self._multi_label:
            if np.ndim(y) != 2 or y.shape[1] != len(self.classes_) or not np.isin(y, (0, 1)).all():
                raise ValueError(
                    f"y must be 0 or 1 for each of the {len(self.classes_)} labels, shape (rows, "
                    f"{len(self.classes_)}), got shape {np.shape(y)} of type {type_of_target(y)}"
                )
            return np.asarray(y, np.int32)
        y = column_or_1d(y, warn=True)
        unknown = np.setdiff1d(y, self.classes_)
        if len(unknown):
            raise ValueError(
                f"y has classes that are not among those learned, {self.classes_.tolist()}: "
                f"{unknown.tolist()}"
                + ("; a fit with warm_start=False learns them anew" if self.warm_start else "")
            )
        return np.searchsorted(self.classes_, y).astype(np.int32)

    def _check_kept(self, y: Any) -> None:
        if not self._multi_label:
            _expect_classes(np.unique(y))

    def _outputs(self) -> tuple[int, ...]:
        return class_outputs(self, self.loss, len(self.classes_), self._multi_label)

    def _loss(self, outputs: int) -> Loss:
        return class_loss(self.loss, self._multi_label or outputs == 1)

    def _targets(self, y: Any, outputs: int) -> Any:
        return y[:, None] if y.ndim == 1 and outputs == 1 else y

    def _strata(self, y: Any) -> Any:
        return None if self._multi_label else y

    def _weights(self, y: Any, weights: Any) -> Any:
        if self._multi_label:
            return weights  # those of labels are in the loss
        return weighed_rows(self.class_weight, y, weights, self.classes_)

    def _weighed(self, loss: Loss, y: Any, weights: Any, whole: bool) -> Loss:
        if not self._multi_label or self.class_weight is None:
            return loss
        pairs = weights_of_labels(self.class_weight, y, weights)
        if whole:
            pairs = of_mean_one_by_label(pairs, y, weights)
        return replace(loss, class_weights=pairs)  # type: ignore[call-arg]


def _looks_one_hot(y: Any) -> bool:
    """Whether each of several rows of labels has exactly one."""
    return y.shape[0] > 1 and y.shape[1] > 1 and bool(np.all(np.asarray(y.sum(axis=1)) == 1))


def _expect_classes(classes: Any) -> None:
    if len(classes) < 2:
        raise ValueError(
            "NetClassifier needs samples of at least 2 classes in the data, but the data contains "
            f"only one class: {classes.tolist()[0]!r}"
        )
