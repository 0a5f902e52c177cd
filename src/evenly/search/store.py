"""Where a search is kept: trials in a database that several processes may share."""

from __future__ import annotations

import json
import os
import socket
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ..version import __version__
from .errors import SearchError
from .records import FAILED, FINISHED, PRUNED, TrialRecord
from .space import Space, optuna_module

# Seconds to wait for a database that somebody else has locked, or that does not answer.
PATIENCE = 10
# What a search is told by, in the words of an error.
WORDS = {"data": "data (or rows held out)", "estimator": "estimator", "space": "space",
         "way": "seed, round, score, objectives or pruning", "version": "version of evenly"}


class Store:
    """A search of one name in a database, or in memory.

    Arguments:
        place: the path of an SQLite file, the URL of a database, or None: memory.
        name: of the search: a database may hold several.
        told: what the search depends on: data, estimator, space, way.
        space: of the settings.
        seed: of what is drawn.
        objectives: of the search.
        resume: whether it goes on with a search that is there.

    Raises:
        SearchError: the database cannot be used; it holds such a search and `resume` is off, or
            one of another space or other data.

    Attributes:
        shown: the place, without a password.
        is_new: whether there was no such search.
    """

    def __init__(
        self, place: str | os.PathLike[str] | None, name: str, told: Mapping[str, str],
        space: Space, seed: int, objectives: tuple[str, ...], resume: bool,
    ) -> None:
        optuna = optuna_module()
        self.shown = shown(place)
        self.space, self._objectives = space, objectives
        self._optuna = optuna
        told = {**told, "space": space.text(), "version": __version__}
        with self._as_told():
            self._storage = storage = _storage(optuna, place)
        try:
            self._open(storage, name, told, seed, resume)
        except BaseException:
            self.close()
            raise

    def _open(
        self, storage: Any, name: str, told: Mapping[str, str], seed: int, resume: bool
    ) -> None:
        optuna = self._optuna
        with self._as_told():
            names = optuna.study.get_all_study_names(storage)
            self.is_new = name not in names
            if not self.is_new and not resume:
                raise SearchError(f"{self.shown}: holds a search '{name}' already: say --resume "
                                  "(resume=True) to go on with it, or give another name")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what is experimental in some versions
                self.study = optuna.create_study(
                    storage=storage, study_name=name, load_if_exists=True,
                    directions=["maximize", "minimize"][:len(self._objectives)],
                    sampler=_sampler(optuna, seed),
                )
            if self.is_new:
                self.study.set_user_attr("evenly", json.dumps(told))
            else:
                self._check(name, told)

    def _check(self, name: str, told: Mapping[str, str]) -> None:
        there = self.study.user_attrs.get("evenly")
        if there is None:
            raise SearchError(f"{self.shown}: '{name}' is no search of evenly: give another name")
        other = [WORDS[part] for part, own in told.items() if json.loads(there).get(part) != own]
        if other:
            raise SearchError(f"{self.shown}: holds a search '{name}' of another "
                              f"{' and '.join(other)}: say what was said then, or give another "
                              "name")

    # Trials -------------------------------------------------------------------------------------

    def begin(self, nearest: Mapping[str, Any]) -> None:
        """Asks for the estimator as it was given first."""
        with self._as_told():
            self.study.enqueue_trial(dict(nearest))

    def ask(self) -> tuple[int, dict[str, Any]]:
        """(number, settings) of the next trial."""
        with self._as_told(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            trial = self.study.ask(self.space.ranges)
            settings = self.space.settings(trial.params)
            trial.set_user_attr("owner", _owner())
            return trial.number, settings

    def tell(self, number: int, found: Mapping[str, Any]) -> None:
        """Keeps what came of a trial."""
        states = self._optuna.trial.TrialState
        with self._as_told():
            trial = self._trial(number)
            kept = {name: found[name] for name in ("scores", "seconds", "curve", "why")}
            trial.set_user_attr("found", json.dumps(kept))
            if found["state"] == FINISHED:
                values = [found["score"], found["seconds"]][:len(self._objectives)]
                self.study.tell(number, values)
                return
            if found["state"] == PRUNED:
                trial.report(max(found["curve"]), len(found["curve"]))
                self.study.tell(number, state=states.PRUNED)
            else:
                self.study.tell(number, state=states.FAIL)

    def release(self, numbers: Iterator[int] | list[int]) -> None:
        """Trials that are not run to their end: whoever goes on runs them."""
        with self._as_told():
            for number in numbers:
                self._trial(number).set_user_attr("owner", None)

    def waiting(self) -> list[tuple[int, dict[str, Any]]]:
        """(number, settings) of trials that were asked for and left: their process is gone."""
        running = self._optuna.trial.TrialState.RUNNING
        with self._as_told():
            left = self.study.get_trials(deepcopy=False, states=(running,))
        # One without an owner is being asked for at this moment.
        return [(one.number, self.space.settings(one.params)) for one in left
                if "owner" in one.user_attrs and _is_gone(one.user_attrs["owner"])]

    def count(self) -> int:
        """How many trials were asked for."""
        waiting = self._optuna.trial.TrialState.WAITING
        with self._as_told():
            return sum(one.state != waiting for one in self.study.get_trials(deepcopy=False))

    def records(self, exact: bool) -> tuple[TrialRecord, ...]:
        """The trials that have ended, by number.

        Arguments:
            exact: whether the first one's settings say all of it.
        """
        states = self._optuna.trial.TrialState
        names = {states.COMPLETE: FINISHED, states.PRUNED: PRUNED, states.FAIL: FAILED}
        with self._as_told():
            trials = self.study.get_trials(deepcopy=False)
        records = []
        for one in trials:
            if one.state not in names or "found" not in one.user_attrs:
                continue
            found = json.loads(one.user_attrs["found"])
            records.append(TrialRecord(
                one.number, self.space.settings(one.params), names[one.state],
                one.values[0] if one.state == states.COMPLETE else None, tuple(found["scores"]),
                found["seconds"], len(found["curve"]), tuple(found["curve"]), found["why"],
                exact or one.number != 0,
            ))
        return tuple(records)

    def close(self) -> None:
        """Lets go of the database."""
        storage = self._storage
        storage.remove_session()
        engine = getattr(getattr(storage, "_backend", storage), "engine", None)
        if engine is not None:
            engine.dispose()

    def _trial(self, number: int) -> Any:
        storage = self._storage
        own = storage.get_trial_id_from_study_id_trial_number(self.study._study_id, number)
        return self._optuna.trial.Trial(self.study, own)

    @contextmanager
    def _as_told(self) -> Iterator[None]:
        """What is wrong with the database is one line."""
        from optuna.exceptions import OptunaError
        from sqlalchemy.exc import SQLAlchemyError

        try:
            yield
        except (OptunaError, SQLAlchemyError, ImportError) as error:
            cause: BaseException = error
            while cause.__cause__ is not None:
                cause = cause.__cause__
            why = str(getattr(cause, "orig", None) or cause).strip().splitlines()[0].rstrip(":")
            raise SearchError(f"{self.shown}: {_remedy(cause, why)}") from error


def _remedy(cause: BaseException, why: str) -> str:
    if isinstance(cause, ImportError):
        name = cause.name or "its driver"
        return f"needs the package {name}: pip install {name}"
    if "locked" in why:
        return f"{why} by another program for {PATIENCE} seconds: end that one, or wait"
    if "full" in why or "disk I/O" in why:
        return f"{why}: make room; what was told is kept, and --resume (resume=True) goes on"
    if "not a database" in why:
        return f"{why}: name another file"
    if "parse" in why:
        return "is no address of a database: give a path, or postgresql://user@host/name"
    return f"cannot be used: {why}"


def shown(place: Any) -> str:
    """A place as it may be read by anybody."""
    if place is None:
        return "memory"
    text = str(os.fspath(place))
    head, mark, rest = text.partition("://")
    if not mark or "@" not in rest:
        return text
    user, _, host = rest.rpartition("@")
    return f"{head}://{user.partition(':')[0]}@{host}"


def _storage(optuna: Any, place: Any) -> Any:
    if place is None:
        return optuna.storages.InMemoryStorage()
    text = os.fspath(place)
    options: dict[str, Any] = {"pool_pre_ping": True}
    if "://" not in text or text.startswith("sqlite"):
        options["connect_args"] = {"timeout": PATIENCE}
    elif text.startswith("postgresql"):
        options["connect_args"] = {"connect_timeout": PATIENCE}
    if "://" not in text:
        folder = Path(text).absolute().parent
        if not folder.is_dir():
            raise SearchError(f"{text}: there is no folder '{folder}': make it first")
        text = f"sqlite:///{Path(text).absolute()}"
    storage = optuna.storages.RDBStorage(text, engine_kwargs=options)
    return optuna.storages.get_storage(storage)


def _owner() -> list[Any]:
    return [socket.gethostname(), os.getpid()]


def _is_gone(owner: Any) -> bool:
    """Whether nobody works on a trial any more. Of other machines nothing is known."""
    if owner is None:
        return True
    host, process = owner
    if host != socket.gethostname() or process == os.getpid():
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def _sampler(optuna: Any, seed: int) -> Any:
    """Optuna's sampler, whose draws for a trial depend on the seed, the trial's number and the
    trials that are known: on nothing that a process remembers."""

    class Sampler(optuna.samplers.BaseSampler):  # type: ignore[misc]
        own: Any = None

        def infer_relative_search_space(self, study: Any, trial: Any) -> Any:
            drawn = np.random.SeedSequence([seed, trial.number]).generate_state(1)[0]
            self.own = optuna.samplers.TPESampler(
                seed=int(drawn), multivariate=True, constant_liar=True)
            return self.own.infer_relative_search_space(study, trial)

        def sample_relative(self, study: Any, trial: Any, space: Any) -> Any:
            return self.own.sample_relative(study, trial, space)

        def sample_independent(self, study: Any, trial: Any, name: str, range_: Any) -> Any:
            return self.own.sample_independent(study, trial, name, range_)

    return Sampler()
