"""What the trials of a search tell: what mattered, the front, the best as code and as a line."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import is_dataclass
from typing import Any

import numpy as np

from ..estimators.settings import optimizer_of
from ..settings import source_of
from ..tables import Reading, option_words, set_words
from ..tables.training import MODEL, reading_words
from .problem import Problem, last_of
from .records import TrialRecord
from .space import Space, optuna_module

# Fewer finished trials tell nothing of what matters.
FEWEST = 8
TREES = 32


def fanova(
    trials: Iterable[tuple[Mapping[str, Any], float]], ranges: Mapping[str, Any], seed: int
) -> dict[str, float]:
    """The share of the values' variance that each setting accounts for, by itself and with others
    together, as a functional ANOVA on a forest tells; the largest first.

    Arguments:
        trials: settings, and the value that each came to.
        ranges: Optuna's distribution of each setting.
        seed: of the forest.

    Returns:
        By name; zeros where all values are equal.

    Source: F. Hutter, H. Hoos and K. Leyton-Brown, "An efficient approach for assessing
    hyperparameter importance", ICML 2014.

    Example:
        >>> import optuna
        >>> ranges = {name: optuna.distributions.FloatDistribution(0, 1) for name in "ab"}
        >>> drawn = np.random.default_rng(0).random((50, 2))
        >>> fanova([({"a": a, "b": b}, a + b / 9) for a, b in drawn], ranges, 0)["a"] > 0.9
        True
    """
    optuna = optuna_module()
    known = list(trials)
    if not known or np.ptp([value for _, value in known]) == 0:
        return dict.fromkeys(ranges, 0.0)
    study = optuna.create_study()
    for settings, value in known:
        study.add_trial(optuna.trial.create_trial(
            params=dict(settings), distributions=dict(ranges), value=value))
    evaluator = optuna.importance.FanovaImportanceEvaluator(n_trees=TREES, seed=seed % 2**31)
    return {name: float(share) for name, share in evaluator.evaluate(study).items()}


def importances(trials: Sequence[TrialRecord], space: Space, seed: int) -> dict[str, float]:
    """What mattered among the trials of a search; empty where too few have finished."""
    known = [one for one in trials if one.score is not None and one.exact]
    names = [name for name, own in space.ranges.items() if not own.single()]
    if len(known) < FEWEST or not names:
        return {}
    labels = {name: [(value, label) for label, value in space.values[name].items()]
              for name in space.values}

    def drawn(settings: Mapping[str, Any]) -> dict[str, Any]:
        return {name: next(label for value, label in labels[name]
                           if type(value) is type(settings[name]) and value == settings[name])
                if name in labels else settings[name] for name in names}

    return fanova([(drawn(one.settings), one.score or 0.0) for one in known],
                  {name: space.ranges[name] for name in names}, seed)


def front(trials: Sequence[TrialRecord]) -> tuple[int, ...]:
    """The numbers of the trials that no other beats in score and time both, the fastest first."""
    found, best = [], -np.inf
    for one in sorted((t for t in trials if t.score is not None),
                      key=lambda t: (t.seconds, -(t.score or 0.0), t.number)):
        if one.score is not None and one.score > best:
            found.append(one.number)
            best = one.score
    return tuple(found)


def changed(problem: Problem, best: TrialRecord) -> dict[str, Any]:
    """The arguments of the best that the estimator as given has not."""
    if best.number == 0:
        return {}
    given = last_of(problem.estimator)[1].get_params(deep=False)
    own = last_of(problem.with_settings(best.settings))[1].get_params(deep=False)
    return {name: value for name, value in own.items()
            if not (type(value) is type(given[name]) and value == given[name])}


def code(problem: Problem, best: TrialRecord, table: str = "") -> str:
    """Python that trains the best.

    Arguments:
        problem: of the search.
        best: its best trial.
        table: source that makes the table, where it comes from a file.
    """
    network = problem.network
    arguments = _given(network) | changed(problem, best)
    optimizer = arguments.get("optimizer")
    if is_dataclass(optimizer) and (rate := arguments.pop("learning_rate", None)) is not None:
        arguments["optimizer"] = optimizer_of(optimizer, rate)
    lines = [f"ev.{type(network).__name__}(",
             *(f"    {name}={source_of(value)}," for name, value in arguments.items()), ")"]
    rows, target = ("table", repr(problem.y)) if isinstance(problem.y, str) else ("x", "y")
    head = ["import evenly as ev", ""]
    if table:
        head = ["import evenly as ev", "from evenly.reading.table import read", "",
                f"table = {table}"]
    groups = "" if problem.groups is None else ", groups=groups"
    if network is problem.estimator:
        return "\n".join([*head, f"model = {lines[0]}", *lines[1:-1],
                          f").fit({rows}, {target}{groups})"])
    step = last_of(problem.estimator)[0].removesuffix("__")
    return "\n".join([*head, f"pipeline.set_params({step}={lines[0]}", *lines[1:-1],
                      f")).fit({rows}, {target})"])


def _given(network: Any) -> dict[str, Any]:
    """The arguments that are not as they are by themselves."""
    plain = type(network)().get_params(deep=False)
    return {name: value for name, value in network.get_params(deep=False).items()
            if name != "quiet" and not (type(value) is type(plain[name]) and value == plain[name])}


def fit_line(
    problem: Problem, best: TrialRecord, table: Sequence[str], target: str, task: str | None,
    sep: str | None, encoding: str | None, groups: str | None,
) -> str:
    """The line of `evenly fit` that trains the best on a table; empty where its words have not all
    of it.

    Arguments:
        problem: of the search.
        best: its best trial.
        table: the files.
        target: the column.
        task: as it was said, or None.
        sep, encoding: likewise.
        groups: the column of groups, or None.
    """
    settings = problem.network.get_params(deep=False) | changed(problem, best)
    plain = type(problem.network)().get_params(deep=False)
    try:
        more = set_words(settings, plain)
        reading = Reading(**{name: settings.pop(name) or own for name, own in
                             vars(Reading()).items()})
        own = option_words(settings)
    except TypeError:
        return ""
    if more is None:
        return ""
    words = ["evenly", "fit", *table, "--target", target]
    words += [] if task is None else ["--task", task]
    words += reading_words(reading, sep, encoding)
    words += [] if groups is None else ["--groups", groups]
    return shlex.join([*words, *own, *more, "--out", MODEL])
