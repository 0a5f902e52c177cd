"""The network of an estimator, from its arguments and what a subclass says of its targets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import ConfigurationError, ShapeError
from ..layers import Sequential
from ..layers.base import Layer
from ..losses import Loss
from ..rows.sources import is_sparse
from ..training import Model, init, lsuv, unit_columns
from ..training.model import as_sequential
from ..training.run_settings import as_text
from .fits.going_on import check_same_arrays, first_values, with_weights
from .fits.held_out import Held
from .fits.members import check_sharing, shared_members
from .inputs import ScaledInputs
from .names import LSUV, UNIT_COLUMNS, network
from .number_embeddings import BIN_ROWS, bins_for, check_alone, front_of, learns_bins

# Rows that first values are scaled by, and how.
SCALING_ROWS = 512
SCALED: dict[str, Callable[..., Model]] = {LSUV: lsuv, UNIT_COLUMNS: unit_columns}


class BuildsNetwork(ScaledInputs):
    """What stands before a training: the network, the targets, and what each kind of estimator
    does in its own way."""

    # What a classifier and a regressor do each in their own way ---------------------------------

    def _learn_targets(self, y: Any) -> None:
        """Learns what the targets are: how many, which classes."""
        raise NotImplementedError

    def _encode(self, y: Any) -> Any:
        """Targets, of what has been learned, as numbers: (rows, ...)."""
        raise NotImplementedError

    def _check_kept(self, y: Any) -> None:
        """Raises ValueError where the rows that count cannot be trained on."""

    def _look_at(self, y: Any, weights: Any, calls: int) -> None:
        """Warns of targets that spoil a fit, where the user called so many calls above."""

    def _outputs(self) -> tuple[int, ...]:
        """The numbers of outputs that a network may have: the first where it is built here."""
        raise NotImplementedError

    def _loss(self, outputs: int) -> Loss:
        raise NotImplementedError

    def _targets(self, y: Any, outputs: int) -> Any:
        """Numbers as the loss takes them."""
        return y

    def _strata(self, y: Any) -> Any:
        """The classes whose shares a validation set keeps, or None."""
        return None

    def _decoded(self, y: Any) -> Any:
        """Targets from numbers, as they came."""
        return y

    def _weights(self, y: Any, weights: Any) -> Any:
        """Sample weights with those of the classes."""
        return weights

    def _weighed(self, loss: Loss, y: Any, weights: Any, whole: bool) -> Loss:
        """The loss with the weights of labels; `whole`: these rows are all that there are."""
        return loss

    # What is learned from held-out rows: each a dict of attributes ------------------------------

    def _known_before(self) -> dict[str, Any]:
        """What needs no rows."""
        return {}

    def _check_before(self, held: Held | None) -> None:
        """Raises ConfigurationError where rows are lacking, before anything is trained."""

    def _from_held(self, twin: Any, held: Held | None, apart: Held | None) -> dict[str, Any]:
        """What is learned of the trained network, in the estimator's stand-in."""
        return {}

    def _from_refit(
        self, told: dict[str, Any], twin: Any, apart: Held | None
    ) -> dict[str, Any]:
        """What of that holds for the network that was trained anew on the held-out rows too."""
        return told

    # The network ----------------------------------------------------------------------------------

    def _last_weights(self, last: Model, seed: int) -> Model:
        """A model of the last fit, with the network that the arguments say now."""
        net = self._network()
        self._check_same(last.net, net)
        return with_weights(last, net, seed)

    def _check_same(self, last: Any, net: Any) -> None:
        began = getattr(self, "_began", self.init)
        try:
            if self.net is None and as_text(began) != as_text(self.init):
                raise first_values("the network", began, self.init)
            check_same_arrays(last, net, self.n_features_in_)
        except ConfigurationError as error:
            raise ConfigurationError(f"{type(self).__name__}: {error}") from None

    def _network(self) -> Any:
        check_alone(self.embedding, self._coded, self.net)
        check_sharing(self)
        if self.net is None:
            front = front_of(self.embedding, self._coded, self.n_features_in_)
            outputs, members = self._outputs()[0], shared_members(self)
            return Sequential([*front, *network(
                hidden=self.hidden, activation=self.activation, norm=self.norm,
                dropout=self.dropout, init=self.init, outputs=outputs, members=members,
                first="signs" if self.embedding is None else "normal",
                mean=self._loss(outputs).averaging if members else None,
            ).layers])
        if not isinstance(self.net, Layer):
            raise ConfigurationError(
                f"net must be an evenly layer, such as Sequential([...]), got {self.net!r}"
            )
        return as_sequential(self.net)

    def _by_data(self, net: Any, X: Any, seed: int) -> Any:
        """The network, or a model of it where its first weights are scaled, or its bins chosen, by
        some of the training rows."""
        scaled = self.net is None and isinstance(self.init, str) and self.init in SCALED
        if not scaled and not learns_bins(self.embedding):
            return net
        model = init(net, (self.n_features_in_,), seed, dtype=self.dtype)
        if learns_bins(self.embedding):
            model.engine.set_weights(bins_for(model.net, self._scaled(X[:BIN_ROWS])))
        if not scaled:
            return model
        rows = self._scaled(X[:SCALING_ROWS])
        return SCALED[self.init](model, rows.toarray() if is_sparse(rows) else rows)

    def _checked_outputs(self, net: Any) -> int:
        shape = net.output_shape((self.n_features_in_,))
        allowed = self._outputs()
        if len(shape) != 1 or shape[0] not in allowed:
            words = " or ".join(str(n) for n in allowed)
            raise ShapeError(
                f"net: these targets need {words} outputs, the network has shape {shape}: end it "
                f"with Dense({allowed[0]}), without an activation behind it"
            )
        return int(shape[0])
