"""Whether two processes of a grid search fight over threads: ``python -m benchmarks.grid_search``.

The same search with ``n_jobs=1`` (the estimator takes the threads it likes) and with ``n_jobs=2``
(each process keeps to its share), in turns; medians, and the share of the second in the first.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings

from sklearn.datasets import make_classification
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier

from evenly.estimators import NetClassifier

ROUNDS = 5


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.grid_search", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"({ROUNDS})")
    rounds = parser.parse_args().rounds
    x, y = make_classification(3000, 30, n_informative=12, n_classes=4, random_state=0)
    searches = {
        "NetClassifier": (
            NetClassifier((256, 128), max_epochs=15, early_stopping=False, random_state=0),
            {"dropout": [0.0, 0.2, 0.4, 0.6]},
        ),
        "MLPClassifier": (
            MLPClassifier((256, 128), max_iter=15, random_state=0),
            {"alpha": [1e-5, 1e-4, 1e-3, 1e-2]},
        ),
    }
    print("| search over 4 settings x 3 folds | n_jobs=1 [s] | n_jobs=2 [s] | share |")
    print("| --- | --- | --- | --- |")
    for name, (estimator, grid) in searches.items():
        seconds: dict[int, list[float]] = {1: [], 2: []}
        _search(estimator, grid, x, y, 2)  # the processes are started, and stay
        for _ in range(rounds):
            for jobs, samples in seconds.items():
                samples.append(_search(estimator, grid, x, y, jobs))
        one, two = (statistics.median(seconds[jobs]) for jobs in (1, 2))
        spread = [f"{statistics.median(s):.2f} ({min(s):.2f} to {max(s):.2f})"
                  for s in seconds.values()]
        print(f"| {name} | {spread[0]} | {spread[1]} | {two / one:.2f} |")


def _search(estimator: object, grid: dict[str, list[float]], x: object, y: object,
            jobs: int) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # so few iterations do not converge; that is not the point
        began = time.perf_counter()
        GridSearchCV(estimator, grid, cv=3, n_jobs=jobs, refit=False).fit(x, y)
        return time.perf_counter() - began


if __name__ == "__main__":
    main()
