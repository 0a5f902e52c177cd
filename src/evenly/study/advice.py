"""What to train after a study: the line of `evenly fit`, and the Python."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import evenly as ev
from evenly.settings import STANDARDIZED

from ..tables import Reading, option_words
from ..tables.training import MODEL, reading_words
from .data import Table, input_shape
from .designs import Design, Variant, build
from .records import Scale, VariantRecord
from .sentences import reference_words

NORMS = {"BatchNorm": "batch", "LayerNorm": "layer"}
MOSTLY_ONE = 0.75  # the share of one class from which on another measure is proposed


@dataclass(frozen=True)
class Advice:
    """What to train, in words, as a line of the shell (empty where there is none), as Python."""

    words: str = ""
    command: str = ""
    code: str = ""


def advise(
    table: Table,
    design: Design,
    variants: Sequence[VariantRecord],
    references: Sequence[VariantRecord],
    scale: Scale,
) -> Advice:
    """Recommend one of the networks, or the linear model.

    The best of those that helped, or plain; where plain is not shown to be better than the simplest
    answer, the best of those that are. Where that is not shown to be better than the linear model,
    the linear model: it is simpler. Where nothing is better than the simplest answer, the words say
    so.
    """
    done = [v for v in variants if v.test is not None and not v.diverged]
    if not done:
        return Advice()
    helped = [v for v in done if v.verdict == "helped"]
    pool, why = helped, "it helped most" if len(helped) > 1 else "it helped"
    if not helped:
        pool, why = done[:1], "nothing else helped"
        worth = [v for v in done if v.standing("simplest") == "better"]
        if worth and pool[0] not in worth:
            pool, why = worth, "plain is not shown to be better than the simplest answer, it is"
    chosen = max(pool, key=lambda v: scale.sign * (v.test.mean if v.test else 0.0))
    by_name = {line.name: line for line in references}
    linear, simplest = by_name.get("linear"), by_name.get("simplest")
    row: Variant | None = next(row for row in design.rows if row.name == chosen.name)
    picked, what = chosen, f"{chosen.name}: {why}"
    if linear is not None and _is_enough(linear, chosen, scale):
        picked, row = linear, None
        what = "a linear model: no network is shown to be better"
        if _is_ahead(chosen, linear, scale):
            what += ", which more seeds may do"
    words = f"To train on all rows what the study recommends, {what}."
    if simplest is not None and picked.standing("simplest") in ("unclear", "worse"):
        words = (
            f"Nothing here is shown to be better than {reference_words(simplest, scale)}, which "
            f"more seeds may do. To train on all rows what comes nearest, "
            f"{'a linear model' if row is None else chosen.name}."
            if picked.standing("simplest") == "unclear" and _is_ahead(picked, simplest, scale) else
            f"Nothing here is shown to be better than {reference_words(simplest, scale)}: look for "
            f"columns that say more, or more rows{_other_measure(table, scale)}. To train on all "
            f"rows what comes nearest, {'a linear model' if row is None else chosen.name}."
        )
    return Advice(words, _command(table, design, row), _code(table, design, row))


def _other_measure(table: Table, scale: Scale) -> str:
    """Accuracy says little where nearly all rows are of one class."""
    if scale.name != "accuracy":
        return ""
    share = float(np.bincount(table.target).max() / len(table.target))
    return f", or decide by --measure auc: {share:.0%} of one class leave accuracy little to say" \
        if share >= MOSTLY_ONE else ""


def _is_ahead(network: VariantRecord, line: VariantRecord, scale: Scale) -> bool:
    assert network.test is not None
    return line.test is not None and scale.sign * (network.test.mean - line.test.mean) > 0


def _is_enough(linear: VariantRecord, network: VariantRecord, scale: Scale) -> bool:
    if network.standing("simplest") == "better" and linear.standing("simplest") != "better":
        return False
    standing = network.standing("linear")
    if standing == "untested":
        return linear.test is not None and not _is_ahead(network, linear, scale)
    return standing != "better"


def _settings(table: Table, design: Design, row: Variant | None) -> dict[str, Any] | None:
    """The arguments of the estimators that train a row as the study did (None: a linear model);
    None where these have no such network."""
    if design.net != "mlp":
        return None
    shared: dict[str, Any] = {"batch": min(design.batch, len(table.target)),
                              "early_stopping": False, "random_state": 0, "effort": "fast"}
    if row is None:
        # The penalty of scikit-learn's C = 1 and alpha = 1, as one of the mean loss.
        l2 = float(f"{(1 if table.classes else 2) / len(table.target):.3g}")
        return {"hidden": (), "norm": None, "dropout": 0.0, "l2": l2, "max_epochs": 100, **shared}
    norms = [NORMS.get(type(layer).__name__) for layer in row.norm]
    rates = [getattr(layer, "rate", None) for layer in row.dropout]
    penalty = row.penalty
    if None in norms or None in rates or max(len(norms), len(rates)) > 1 or not (
        penalty is None or isinstance(penalty, ev.L2)
    ):
        return None
    return {
        "hidden": design.widths,
        "norm": norms[0] if norms else None,
        "dropout": rates[0] if rates else 0.0,
        "l2": penalty.strength if penalty is not None else 0.0,
        "optimizer": design.optimizer,
        "learning_rate": design.rate,
        "schedule": None,
        "max_epochs": design.passes,
        **shared,
    }


def _command(table: Table, design: Design, row: Variant | None) -> str:
    settings = _settings(table, design, row)
    if settings is None or table.sha256 is None or (table.example and len(table.example) > 1):
        return ""
    words = ["evenly", "fit", table.name, "--target", table.target_name]
    if table.task_asked:
        words += ["--task", table.task]
    words += reading_words(replace(table.reading, drop=table.left_out), table.sep, table.encoding)
    return shlex.join([*words, *option_words(settings), "--out", MODEL])


def _said(reading: Reading) -> dict[str, Any]:
    """The arguments that are not as they are by themselves."""
    plain = vars(Reading())
    return {name: value for name, value in vars(reading).items() if value != plain[name]}


def _code(table: Table, design: Design, row: Variant | None) -> str:
    settings = _settings(table, design, row)
    if table.sha256 is None:
        load, arguments = "load_digits", ""
    else:
        given = [repr(table.name), repr(table.target_name),
                 repr(table.task) if table.task_asked else "None"]
        given += [f"{name}={value!r}" for name, value in
                  (("sep", table.sep), ("encoding", table.encoding)) if value is not None]
        if said := _said(replace(table.reading, drop=table.left_out)):
            words = ", ".join(f"{name}={value!r}" for name, value in said.items())
            given.append(f"reading=Reading({words})")
        load, arguments = "load", f"Path({given[0]}), {', '.join(given[1:])}"
    lines = ["from pathlib import Path", ""] if arguments else []
    lines += ["import evenly as ev", f"from evenly.study import {load}"]
    if "reading=" in arguments:
        lines.append("from evenly.tables import Reading")
    lines += ["", f"table = {load}({arguments})"]
    if settings is not None:
        there = table.frame.columns
        own = replace(
            table.reading,
            types={name: kind for name, kind in table.reading.types.items() if name in there},
            drop=tuple(name for name in table.left_out if name in there),
        )
        settings = {**_said(own), **settings, "quiet": True}
        kind = "TableClassifier" if table.classes else "TableRegressor"
        lines += [f"model = ev.{kind}("]
        lines += [f"    {name}={value!r}," for name, value in settings.items()]
        lines += [").fit(table.frame, table.answers)"]
    else:
        shape = input_shape(table, design)
        lines += [
            f"x = table.array.astype('float32').reshape(-1, {', '.join(map(str, shape))})",
            "y = table.target",
            f"model = {_training(table, design, row, shape)}",
        ]
    return "\n".join([*lines, f"ev.save({MODEL!r}, model)"])


def _training(table: Table, design: Design, row: Variant | None, shape: tuple[int, ...]) -> str:
    net = (
        ev.Sequential([ev.Flatten(), ev.Dense(table.outputs)])
        if row is None
        else build(row, design, shape, table.outputs)
    )
    settings = ev.Settings(
        net,
        ev.SoftmaxCrossEntropy() if table.classes else ev.MeanSquaredError(),
        optimizer=design.make_optimizer(),
        epochs=design.passes,
        batch=design.batch,
        penalty=None if row is None else row.penalty,
        inputs=STANDARDIZED,
        targets="as they are" if table.classes else STANDARDIZED,
    )
    return settings.code()
