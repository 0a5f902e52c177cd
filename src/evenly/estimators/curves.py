"""What an estimator tells of its training."""

from __future__ import annotations

from typing import Any

from ..doctor import Diagnosis
from ..training import Model
from .effort import CHOSEN, value_of
from .fits.members import models_of


class HasCurves:
    """An estimator with a history."""

    history_: Any
    model_: Model
    # Of the training on all rows, where there was one.
    refit_history_: Any = None

    @property
    def diagnosis_(self) -> Diagnosis:
        """What ailed the training, where it was watched."""
        if getattr(getattr(self, "model_", None), "record", None) is None:
            raise AttributeError("no diagnosis_: give doctor=True, and fit")
        return self.model_.diagnosis

    # Whether time ran out, and the histories of several members; None: no, and there is one.
    _ran_out: Any = None
    _histories: Any = None
    _apart: Any
    # What the fit chose where arguments were "auto".
    _chosen: Any = None

    @property
    def settings_(self) -> dict[str, Any]:
        """What the last fit went by: members, max_epochs and patience, given or chosen."""
        if not hasattr(self, "model_"):
            raise AttributeError("no settings_: call fit first")
        return {name: value_of(self, name) for name in CHOSEN}

    @property
    def members_(self) -> list[Model]:
        """The networks that were trained, of which `model_` gives the mean; one: itself."""
        if not hasattr(self, "model_"):
            raise AttributeError("no members_: call fit first")
        if self._histories is None:
            return [self.model_]
        of, models = getattr(self, "_apart", (None, None))
        if of is not self.model_ or models is None:
            models = models_of(self.model_, self._histories)
            self._apart = self.model_, models
        return list(models)

    @property
    def time_ran_out_(self) -> bool:
        """Whether `time_limit` ended the fit: what was learned so far is what there is."""
        if not hasattr(self, "model_"):
            raise AttributeError("no time_ran_out_: call fit first")
        return bool(self._ran_out)

    @property
    def loss_curve_(self) -> Any:
        """The loss of each epoch, in training mode."""
        return self.history_.column("loss")

    @property
    def score_curve_(self) -> Any:
        """The accuracy or R^2 of each epoch, in training mode."""
        return self.history_.column("score")

    @property
    def validation_loss_curve_(self) -> Any:
        """The loss on the validation set after each epoch; None without one."""
        return self._validation_curve("validation_loss")

    @property
    def validation_score_curve_(self) -> Any:
        """The accuracy or R^2 on the validation set after each epoch; None without one."""
        return self._validation_curve("validation_score")

    @property
    def monitor_curve_(self) -> Any:
        """What early stopping watched, of each epoch; None without held-out rows."""
        own = getattr(self, "_monitored", None)
        return self.validation_loss_curve_ if own is None else own

    def _validation_curve(self, name: str) -> Any:
        # A score may be undefined, as R^2 is where all targets are equal; a loss never is.
        if all(record.validation_loss is None for record in self.history_):
            return None
        return self.history_.column(name)
