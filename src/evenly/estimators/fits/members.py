"""Several networks of one fit: their seeds, rows and time, and what they are together."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...errors import ConfigurationError
from ...random import generator
from ...training import Model, ensemble
from ...training.together import separate
from ..answers.threshold import is_measure
from ..effort import shares, value_of
from ..names import LSUV, UNIT_COLUMNS, is_number, wrong
from ..scales.constants import Constants
from ..settings import whole
from .going_on import ANEW
from .held_out import Held, Parts, Table, divided, further


class Rows:
    """The rows of one fit.

    Arguments:
        every: what the scales of inputs and targets are learned from: all that a member trains on.
        held: what is watched, by the first member where each has rows of its own; or None.
        apart: the rows for intervals, or None.
        parts: the places of each member's own rows; none: all have the same.
        of: rows by their places. Those of a member are taken when they are asked for: all at once
            they would be as many tables as there are members.

    Attributes:
        every, apart: as given.
        shared: whether all members have the same rows.
    """

    def __init__(self, every: Held, held: Held | None, apart: Held | None,
                 parts: Sequence[Parts] = (), of: Callable[[Any], Held] | None = None) -> None:
        self.every, self.apart, self.shared = every, apart, of is None
        self._held, self._parts, self._of = held, parts, of

    def kept(self, member: int) -> Held:
        """What a member trains on."""
        return self.every if self._of is None else self._of(self._parts[member].kept)

    def held(self, member: int) -> Held | None:
        """What it watches."""
        if self._of is None or member == 0:
            return self._held
        return self._of(self._parts[member].held)


class Deadline:
    """The end of the time that a fit has; without a limit it never comes.

    Arguments:
        seconds: from now on, or None.

    Attributes:
        cut: whether a training was ended by it.
    """

    def __init__(self, seconds: float | None) -> None:
        self._end = math.inf if seconds is None else time.monotonic() + seconds
        self._epochs = 0
        self.cut = False

    def begin(self) -> None:
        """A network begins, of which the first epoch is trained to its end."""
        self._epochs, self.cut = 0, False

    def epoch(self, record: Any) -> None:
        """A callback of the epochs."""
        self._epochs += 1

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self._end

    def stop(self) -> bool:
        """Whether the training is to end now."""
        self.cut = self.cut or (self._epochs > 0 and self.is_over)
        return self.cut

    @property
    def asked(self) -> Callable[[], bool] | None:
        """As ``stop`` of evenly.fit; None without a limit."""
        return None if math.isinf(self._end) else self.stop


def deadline_of(seconds: Any) -> Deadline:
    """The deadline of a ``time_limit``, which runs from now on."""
    if seconds is not None and not (is_number(seconds) and 0 < seconds < math.inf):
        raise wrong("time_limit", "a number of seconds > 0, or None", seconds)
    return Deadline(None if seconds is None else float(seconds))


def members_of(estimator: Any) -> int:
    """How many networks a fit trains: one where its members share their kernels."""
    count = whole("members", value_of(estimator, "members"), 1, ', or "auto"')
    return 1 if shares(estimator) else count


def shared_members(estimator: Any) -> int:
    """How many members are within the network of a fit; 0: it is one itself."""
    return whole("members", value_of(estimator, "members"), 1) if shares(estimator) else 0


def check_sharing(estimator: Any) -> None:
    """Raises ConfigurationError for what members that share their kernels cannot have."""
    if not shares(estimator):
        return
    if estimator.net is not None:
        raise ConfigurationError(
            "sharing='kernels' with a net of your own: put the layers in it, Sequential([Members(8)"
            ", BatchEnsemble(64), ReLU(), MemberDense(1), MemberMean()])"
        )
    if estimator.init in (LSUV, UNIT_COLUMNS):
        raise ConfigurationError(
            f"init={estimator.init!r} scales the layers of one network by its rows, and with "
            "sharing='kernels' there are several members: take 'he' or another initializer"
        )


def seeds_of(seed: int, count: int) -> list[int]:
    """A seed for each member; the first is that of a fit of one."""
    return [seed, *generator(seed, "members").integers(2**31 - 1, size=count - 1).tolist()]


def divisions(estimator: Any, table: Table, seed: int, given: bool) -> list[Parts]:
    """The rows of each member, or those of all where there is one division."""
    first = divided(estimator, table, seed, given)
    if not _own_rows(estimator, first, given):
        return [first]
    seeds = seeds_of(seed, members_of(estimator))
    return [first, *(further(estimator, table, first, other) for other in seeds[1:])]


def _own_rows(estimator: Any, first: Parts, given: bool) -> bool:
    """Whether each member holds out rows of its own: where these are drawn, and nothing is learned
    from them of which the members together are to be judged."""
    validation = estimator.validation
    return (
        estimator.own_rows and members_of(estimator) > 1 and not given and first.held is not None
        and (validation is None or is_number(validation))
        and not getattr(estimator, "calibrate", False)
        and not is_measure(getattr(estimator, "threshold", None))
    )


def rows_of_parts(parts: Sequence[Parts], rows: int, of: Callable[[Any], Held],
                  given: Held | None) -> Rows:
    """The rows of a fit from their places.

    Arguments:
        parts: as of :func:`divisions`.
        rows: how many there are.
        of: rows by their places.
        given: the validation set that fit was given, or None.
    """
    first = parts[0]
    held = given if first.held is None else of(first.held)
    apart = None if first.apart is None else of(first.apart)
    if len(parts) == 1:
        return Rows(of(first.kept), held, apart)
    every = np.arange(rows)
    every = every if first.apart is None else np.setdiff1d(every, first.apart)
    return Rows(of(every), held, apart, parts, of)


def constants_of_all(constants: Constants, rows: Rows, members: int) -> Constants:
    """The columns that vary for every member: of another, one of them has learned nothing."""
    if rows.shared:
        return constants
    still = constants.still
    for member in range(members):
        own = Constants(len(still))
        own.fold(rows.kept(member).X)
        still = still | own.still
    return Constants.of(np.where(np.isfinite(constants.low), constants.low, 0.0), still)


def trained(estimator: Any, rows: Rows, seed: int, deadline: Deadline,
            train: Callable[[int, int, Held, Held | None], Model]) -> tuple[list[Model], bool]:
    """(the members, whether time ran out): as many as fit into the time, one at least.

    Arguments:
        estimator, rows, seed: of the fit.
        deadline: of all members together.
        train: trains one, from its number, its seed, its rows and those that it watches.
    """
    models: list[Model] = []
    count = members_of(estimator)
    for i, own in enumerate(seeds_of(seed, count)):
        if models and deadline.is_over:
            return models, True
        deadline.begin()
        model = train(i, own, rows.kept(i), rows.held(i))
        if deadline.cut and models:
            return models, True
        if deadline.cut:
            history = replace(model.history, stopped="time limit")
            return [Model(model.engine, history, model.record)], True
        if models and model.history.stopped == "interrupted":  # by Ctrl-C: with those before it
            first = models[0]
            history = replace(first.history, stopped="interrupted")
            return [Model(first.engine, history, first.record), *models[1:]], False
        models.append(model)
        if model.history.stopped == "interrupted":
            break
    return models, False


def watched(doctor: Any, number: int) -> Any:
    """The doctor's setting for a member: one file is of one training, the first."""
    is_path = isinstance(doctor, (str, os.PathLike)) and doctor != "stop"
    return True if is_path and number else doctor


def together(models: Sequence[Model], threads: int | None) -> Model:
    """The one model of a fit."""
    return models[0] if len(models) == 1 else ensemble(models, threads=threads)


def told_by_members(estimator: Any, rows: Rows, models: Sequence[Model], twin: Any,
                    stand_in: Callable[[Any, Model], Any]) -> dict[str, Any]:
    """What is learned from held-out rows: of the members together; but where each has watched rows
    of its own, which the others have trained on, of each on its own rows."""
    if rows.shared or rows.apart is not None or len(models) == 1:
        told: dict[str, Any] = estimator._from_held(twin, rows.held(0), rows.apart)
        return told
    each = [
        estimator._from_held(stand_in(estimator, model), rows.held(i), None)
        for i, model in enumerate(models)
    ]
    told = each[0]
    errors = [one["conformal_"] for one in each if "conformal_" in one]
    if errors:
        told["conformal_"] = np.sort(np.concatenate(errors), axis=0)
    return told


def check_same_members(estimator: Any) -> None:
    """Raises ConfigurationError where a fit would go on with another number of members."""
    was, comes = len(estimator.members_), members_of(estimator)
    if was != comes:
        raise ConfigurationError(
            f"members={comes}, and the network that goes on has {was}: {ANEW}"
        )


def refuse_several(estimator: Any) -> None:
    """Raises ConfigurationError in partial_fit where there are several members."""
    if members_of(estimator) > 1:
        raise ConfigurationError(
            f"{type(estimator).__name__}: members={members_of(estimator)}: partial_fit trains one "
            "network from where its optimizer stood, and the model of several does not keep their "
            "optimizers: give members=1 to fit and partial_fit, or fit anew on all rows"
        )


def models_of(model: Model, histories: Any) -> list[Model]:
    """The members of a model, with their histories where these are known."""
    parts = separate(model)
    if histories is not None and len(histories) == len(parts) > 1:
        return [Model(part.engine, history) for part, history in zip(parts, histories, strict=True)]
    return parts
