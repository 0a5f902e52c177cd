"""What the results say over all tables: ranks, pairwise tests, and Markdown."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata, wilcoxon

from .models import LABELS, OURS
from .runs import Result
from .tables import CLASSIFICATION, REGRESSION

# Means of the same ten numbers in another order differ in the last bits: that is a tie.
_DECIMALS = 12
# Figures of which less is more, with their titles.
_LESS = {
    "log_loss": "Log loss (a difference above 0 is a smaller loss)",
    "rmse": "RMSE, in deviations of the targets (a difference above 0 is a smaller error)",
    "mae": "Mean absolute error, in deviations of the targets (likewise)",
}
_FIGURES = (
    (CLASSIFICATION, "log_loss", _LESS["log_loss"]),
    (CLASSIFICATION, "auc", "Area under the ROC curve"),
    (REGRESSION, "rmse", _LESS["rmse"]), (REGRESSION, "mae", _LESS["mae"]),
)
# What is called "behind" on the page: a hundredth of accuracy or of R2.
_BEHIND = 0.01


@dataclass(frozen=True)
class Means:
    """Mean of a figure for every table and model.

    Attributes:
        tables: names, one a row.
        models: names, one a column.
        values: (tables, models).
    """

    tables: tuple[str, ...]
    models: tuple[str, ...]
    values: np.ndarray

    def column(self, model: str) -> np.ndarray:
        return self.values[:, self.models.index(model)]


@dataclass(frozen=True)
class Comparison:
    """One model against another over the tables.

    Attributes:
        wins, ties, losses: tables on which its mean is higher, the same, lower.
        median: of the differences of the means.
        p: of the two-sided Wilcoxon signed-rank test; tables that tie are shared between the sides.
    """

    wins: int
    ties: int
    losses: int
    median: float
    p: float


def means(
    results: Sequence[Result], figure: Callable[[Result], float] = lambda r: r.score
) -> Means:
    """Means of a figure over repetitions and folds, of tables on which every model is complete:
    has as many as the model that has most anywhere."""
    found: dict[str, dict[str, dict[tuple[int, int], float]]] = defaultdict(
        lambda: defaultdict(dict))
    for r in results:
        found[r.table][r.model][r.repetition, r.fold] = figure(r)
    models = tuple(sorted({r.model for r in results}, key=_place))
    whole = max((len(runs) for of in found.values() for runs in of.values()), default=0)
    tables = tuple(
        table for table, of in found.items()
        if all(len(of[model]) == whole for model in models)
    )
    values = [[np.mean(list(found[t][m].values())) for m in models] for t in tables]
    return Means(tables, models, np.round(values, _DECIMALS).reshape(len(tables), len(models)))


def mean_ranks(values: np.ndarray) -> np.ndarray:
    """Mean rank of each column: 1 is highest, equal ones share the mean of their places."""
    return rankdata(-values, axis=1).mean(axis=0)


def compare(ours: np.ndarray, peer: np.ndarray) -> Comparison:
    """Wins, ties, losses and the Wilcoxon signed-rank test of two models' means."""
    d = np.asarray(ours) - np.asarray(peer)
    p = float(wilcoxon(d, zero_method="zsplit").pvalue) if np.any(d) else 1.0
    return Comparison(int((d > 0).sum()), int((d == 0).sum()), int((d < 0).sum()),
                      float(np.median(d)), p)


def markdown(results: Iterable[Result]) -> str:
    """The page's tables."""
    every = list(results)
    scores = means(every)
    if not scores.tables:
        return "No table has all trainings of all models yet."
    kinds = {r.table: r.kind for r in every}
    parts = [
        _over_tables("Accuracy and R2, all tables", scores),
        _over_tables("Accuracy", _only(scores, kinds, CLASSIFICATION)),
    ]
    for kind, name, title in _FIGURES:
        values = means([r for r in every if r.kind == kind], _figure(name, name != "auc"))
        parts.append(_over_tables(title, values))
    if len(scores.models) == 2 and OURS in scores.models:
        parts += _two(every)
    parts += [
        _times(every, scores), _per_table(every, scores, kinds), _behind(scores),
        _warned(every, scores), _left_out(every, scores),
    ]
    return "\n\n".join(part for part in parts if part)


def _figure(name: str, less: bool) -> Callable[[Result], float]:
    def of(r: Result) -> float:
        value = getattr(r, name)
        return float("nan") if value is None else -value if less else value

    return of


def _place(model: str) -> tuple[int, str]:
    order = list(LABELS)
    return (order.index(model) if model in order else len(order), model)


def _label(model: str) -> str:
    return LABELS.get(model, model)


def _only(scores: Means, kinds: Mapping[str, str], kind: str) -> Means:
    rows = [i for i, table in enumerate(scores.tables) if kinds[table] == kind]
    return Means(tuple(scores.tables[i] for i in rows), scores.models, scores.values[rows])


def _over_tables(title: str, scores: Means) -> str:
    """Ranks of all models, and Evenly against each."""
    if not scores.tables:
        return ""
    head = ("model", "mean rank", "Evenly better / same / worse", "median difference", "p")
    rows = []
    for model, rank in zip(scores.models, mean_ranks(scores.values), strict=True):
        row = [_label(model), f"{rank:.2f}", "", "", ""]
        if OURS in scores.models and model != OURS:
            c = compare(scores.column(OURS), scores.column(model))
            row[2:] = [f"{c.wins} / {c.ties} / {c.losses}", f"{c.median:+.4f}", f"{c.p:.2g}"]
        rows.append(row)
    return f"### {title}\n\n{len(scores.tables)} tables.\n\n{_grid(head, rows)}"


def _two(results: Sequence[Result]) -> list[str]:
    """Evenly against one other, table by table: folds overlap, so the interval is a corrected one
    (Nadeau and Bengio 2003); of two folds as many rows are judged as are learned from."""
    from evenly.study.statistics import interval, p_value

    parts = []
    (other,) = {r.model for r in results} - {OURS}
    for title, name, sign in (("Accuracy or R2", "score", 1), (_LESS["log_loss"], "log_loss", -1)):
        figure = _figure(name, less=sign < 0)
        folds = defaultdict(dict)
        for r in results:
            folds[r.table][r.model, r.repetition, r.fold] = figure(r)
        rows = []
        for table, of in folds.items():
            pairs = [(v, of[other, *key]) for (model, *key), v in of.items()
                     if model == OURS and (other, *key) in of]
            d = [ours - theirs for ours, theirs in pairs]
            if len(d) < 2 or np.isnan(d).any():
                continue
            found, p = interval(d, test_ratio=1.0), p_value(d, test_ratio=1.0)
            rows.append([
                table, *(f"{sign * mean:.4f}" for mean in np.mean(pairs, axis=0)),
                f"{found.mean:+.4f} ± {found.half_width or 0.0:.4f}",
                f"{sum(x > 0 for x in d)} / {sum(x == 0 for x in d)} / {sum(x < 0 for x in d)}",
                "" if p is None else f"{p:.2g}",
            ])
        head = ("table", _label(OURS), _label(other), "difference, 95 % interval",
                "folds better / same / worse", "p")
        if rows:
            parts.append(f"### {title}, table by table\n\n{_grid(head, rows)}")
    return parts


def _times(results: Sequence[Result], scores: Means) -> str:
    head = ("model", "fit: median of the tables' means", "longest", "all trainings",
            "predict: median")
    seconds = means(results, lambda r: r.seconds)
    predicting = means(results, lambda r: r.predicting)
    total = Counter()
    for r in results:
        if r.table in scores.tables:
            total[r.model] += r.seconds
    rows = [
        [_label(m), f"{np.median(seconds.column(m)):.3f} s", f"{seconds.column(m).max():.2f} s",
         f"{total[m]:.0f} s", f"{1000 * np.median(predicting.column(m)):.1f} ms"]
        for m in scores.models
    ]
    return f"### Processor time, one thread\n\n{_grid(head, rows)}"


def _per_table(results: Sequence[Result], scores: Means, kinds: Mapping[str, str]) -> str:
    shapes = {r.table: r.shape for r in results}
    parts = []
    for kind, title, width in (
        (CLASSIFICATION, "Accuracy of every table", "classes"),
        (REGRESSION, "R2 of every table", "targets"),
    ):
        chosen = _only(scores, kinds, kind)
        if chosen.tables:
            head = ("table", "rows", "columns", width, *map(_label, chosen.models))
            rows = [
                [table, *map(str, shapes[table]), *_marked(values)]
                for table, values in zip(chosen.tables, chosen.values, strict=True)
            ]
            parts.append(f"### {title}\n\n{_grid(head, rows)}")
    return "\n\n".join(parts)


def _marked(values: np.ndarray) -> list[str]:
    """The highest value in bold."""
    return [f"**{v:.4f}**" if v == values.max() else f"{v:.4f}" for v in values]


def _behind(scores: Means) -> str:
    """Tables on which Evenly is clearly behind a peer, the farthest first."""
    if OURS not in scores.models:
        return ""
    lines = []
    for model in scores.models:
        d = scores.column(OURS) - scores.column(model)
        worst = [i for i in np.argsort(d) if d[i] < -_BEHIND]
        if model != OURS and worst:
            found = ", ".join(f"{scores.tables[i]} ({d[i]:.3f})" for i in worst)
            lines.append(f"- {_label(model)}: {found}.")
    title = f"### Where Evenly is behind by more than {_BEHIND}"
    return f"{title}\n\n" + ("\n".join(lines) or "Nowhere.")


def _warned(results: Sequence[Result], scores: Means) -> str:
    trainings, with_warning = Counter(), Counter()
    for r in results:
        if r.table in scores.tables:
            trainings[r.model] += 1
            with_warning.update((r.model, category) for category in r.warnings)
    lines = [
        f"- {_label(model)}: {category} in {count} of {trainings[model]} trainings."
        for (model, category), count in sorted(with_warning.items(), key=lambda x: _place(x[0][0]))
    ]
    return "### Warnings\n\n" + ("\n".join(lines) or "None.")


def _left_out(results: Sequence[Result], scores: Means) -> str:
    missing = sorted({r.table for r in results} - set(scores.tables))
    return f"Left out, not all trainings are there: {', '.join(missing)}." if missing else ""


def _grid(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
