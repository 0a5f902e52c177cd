"""The network of an estimator: by its arguments, by its data, or that of the last fit."""

from __future__ import annotations

from typing import Any

from ..errors import ConfigurationError, ShapeError
from ..layers.base import Layer
from ..rows.sources import is_sparse
from ..training import Model, init, lsuv
from ..training.model import as_sequential
from ..training.run_settings import as_text
from .going_on import check_same_arrays, first_values, with_weights
from .inputs import ScaledInputs
from .names import network

# Rows that LSUV measures.
LSUV_ROWS = 512


class HasNetwork(ScaledInputs):
    """What an estimator does to have a network."""

    hidden: Any
    activation: Any
    norm: Any
    dropout: Any
    init: Any
    net: Any
    n_features_in_: int

    def _outputs(self) -> tuple[int, ...]:
        """The numbers of outputs that a network may have: the first where it is built here."""
        raise NotImplementedError

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
        if self.net is None:
            return network(
                hidden=self.hidden, activation=self.activation, norm=self.norm,
                dropout=self.dropout, init=self.init, outputs=self._outputs()[0],
            )
        if not isinstance(self.net, Layer):
            raise ConfigurationError(
                f"net must be an evenly layer, such as Sequential([...]), got {self.net!r}"
            )
        return as_sequential(self.net)

    def _by_data(self, net: Any, X: Any, seed: int) -> Model:
        """A network whose first weights are scaled by some of the training rows."""
        rows = self._scaled(X[:LSUV_ROWS])
        dense = rows.toarray() if is_sparse(rows) else rows
        return lsuv(init(net, (self.n_features_in_,), seed, dtype=self.dtype), dense)

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
