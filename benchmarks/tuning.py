"""Searches side by side: `evenly.tune`, and Optuna's own sampler with scikit-learn's MLP.

    python -m benchmarks.tuning [--trials 30] [--seeds 1] [--markdown docs/tuning.md]

Both search the same rows by the same held-out part, as many trials, one after the other on one
thread, and each in turn on each table (who begins changes). A fifth of the rows is seen by no
trial: the best of each, trained on all the others, is judged on it. Trials of `evenly.tune` are
single networks (`effort="fast"`), the best is then trained as usual (`"default"`). Optuna searches
layers, units, learning rate, penalty, batch, activation, and scikit-learn's early stopping off and
on. Seconds are of the processor.
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

MARKS = "<!-- tuning:begin -->", "<!-- tuning:end -->"


def tables() -> dict[str, tuple[Any, Any, bool]]:
    """x, y and whether y are classes, of scikit-learn's own tables."""
    from sklearn import datasets

    def drawn(x: Any, y: Any, rows: int) -> tuple[Any, Any]:
        chosen = np.random.default_rng(0).permutation(len(y))[:rows]
        return x[chosen], y[chosen]

    friedman = datasets.make_friedman1(1000, noise=1.0, random_state=0)
    return {
        "digits": (*drawn(*datasets.load_digits(return_X_y=True), 1200), True),
        "breast cancer": (*datasets.load_breast_cancer(return_X_y=True), True),
        "wine": (*datasets.load_wine(return_X_y=True), True),
        "diabetes": (*datasets.load_diabetes(return_X_y=True), False),
        "Friedman 1": (*friedman, False),
    }


def by_evenly(x: Any, y: Any, classes: bool, trials: int, seed: int) -> tuple[Any, float, float]:
    """(the best, fitted on all rows, its score on the held-out part, seconds)."""
    import evenly as ev

    kind = ev.NetClassifier if classes else ev.NetRegressor
    started = time.process_time()
    found = ev.tune(kind(effort="fast", n_jobs=1), x, y, trials=trials, seed=seed)
    best = found.estimator().set_params(effort="default").fit(x, y)
    return best, found.best_score, time.process_time() - started


def by_optuna(x: Any, y: Any, classes: bool, trials: int, seed: int) -> tuple[Any, float, float]:
    """The same of Optuna's sampler with scikit-learn's MLP."""
    import optuna
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.model_selection import train_test_split
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    parts = train_test_split(x, y, test_size=0.25, random_state=seed,
                             stratify=y if classes else None)

    def made(params: dict[str, Any]) -> Any:
        own = dict(params)
        hidden = (own.pop("units"),) * own.pop("layers")
        kind = MLPClassifier if classes else MLPRegressor
        network = kind(hidden_layer_sizes=hidden, random_state=seed, **own)
        net = make_pipeline(StandardScaler(), network)
        return net if classes else TransformedTargetRegressor(net, transformer=StandardScaler())

    def objective(trial: Any) -> float:
        net = made({
            "layers": trial.suggest_int("layers", 1, 3),
            "units": trial.suggest_int("units", 16, 256, log=True),
            "learning_rate_init": trial.suggest_float("learning_rate_init", 1e-4, 3e-2, log=True),
            "alpha": trial.suggest_float("alpha", 1e-6, 1.0, log=True),
            "batch_size": trial.suggest_categorical("batch_size", [32, 64, 128, 256]),
            "activation": trial.suggest_categorical("activation", ["relu", "tanh"]),
            "early_stopping": trial.suggest_categorical("early_stopping", [True, False]),
        })
        return float(net.fit(parts[0], parts[2]).score(parts[1], parts[3]))

    started = time.process_time()
    study = optuna.create_study(direction="maximize",
                                sampler=optuna.samplers.TPESampler(seed=seed))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of 200 epochs that were not enough, and batches cut
        study.optimize(objective, n_trials=trials)
        best = made(study.best_params).fit(x, y)
    return best, study.best_value, time.process_time() - started


WAYS = {"evenly.tune": by_evenly, "Optuna, scikit-learn's MLP": by_optuna}


def measured(trials: int, seeds: int) -> list[str]:
    """The lines of the table."""
    from sklearn.model_selection import train_test_split

    names = list(WAYS)
    lines = ["| table | " + " | ".join(f"{name}: unseen | seconds" for name in names)
             + " | times as fast |", "|---|" + "---:|" * 5]
    total = {name: [0.0, 0.0] for name in names}
    for number, (table, (x, y, classes)) in enumerate(tables().items()):
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
        for seed in range(seeds):
            rows = train_test_split(x, y, test_size=0.2, random_state=100 + seed,
                                    stratify=y if classes else None)
            for name in names if (number + seed) % 2 else names[::-1]:
                best, _, seconds = WAYS[name](rows[0], rows[2], classes, trials, seed)
                found[name].append((float(best.score(rows[1], rows[3])), seconds))
                print(f"{table}, seed {seed}, {name}: {found[name][-1]}", flush=True)
        cells = []
        for name in names:
            score, seconds = np.mean(found[name], axis=0)
            total[name][0] += score
            total[name][1] += seconds
            cells.append(f"{score:.3f} | {seconds:.1f}")
        times = np.mean(found[names[1]], axis=0)[1] / np.mean(found[names[0]], axis=0)[1]
        what = "accuracy" if classes else "R²"
        lines.append(f"| {table} ({what}) | {' | '.join(cells)} | {times:.1f} |")
    count = len(tables())
    cells = [f"{total[name][0] / count:.3f} | {total[name][1]:.1f}" for name in names]
    lines.append(f"| mean score, all seconds | {' | '.join(cells)} | "
                 f"{total[names[1]][1] / total[names[0]][1]:.1f} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--markdown", type=Path, help="a page to write the table into")
    asked = parser.parse_args()
    text = "\n".join(measured(asked.trials, asked.seeds))
    print(text)
    if asked.markdown is not None:
        page = asked.markdown.read_text(encoding="utf-8")
        head, _, rest = page.partition(MARKS[0])
        _, _, tail = rest.partition(MARKS[1])
        asked.markdown.write_text(f"{head}{MARKS[0]}\n{text}\n{MARKS[1]}{tail}", encoding="utf-8")


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
