"""A cocktail of regularizers as a space that scikit-learn's searches draw from."""

from __future__ import annotations

from typing import Any

from ..optimizers import AdamW

# Each with even odds on or off, and at a strength where it has one.
_SHARED: dict[str, list[Any]] = {
    "norm": ["batch", None],
    "dropout": [0.0, 0.1, 0.2, 0.4],
    "dropout_schedule": [None, "flat_cosine"],
    "augment": [None, None, None, "mixup", "cutmix", "cutout"],
    "optimizer": [AdamW(2e-3, weight_decay=decay) for decay in (1e-4, 1e-2, 1e-1, 1.0)],
    "decay_schedule": [None, "flat_cosine"],
}
_STOPPED: dict[str, list[Any]] = {
    "average": [None, None, "ema", "swa", "lookahead"], "early_stopping": [True],
}
_WHOLE: dict[str, list[Any]] = {
    "average": [None, "swa", "lookahead", "snapshots"], "early_stopping": [False],
}


def cocktail() -> list[dict[str, list[Any]]]:
    """The regularizers of Kadra et al. that the estimators have by name, as a space of arguments:
    batch normalization, dropout, weight decay (both constant or falling), mixup, CutMix, cutout,
    averages of weights, lookahead, snapshot ensembles, early stopping.

    A well-chosen mixture makes a plain network better than one regularizer does; which one depends
    on the table. The space is a list of two parts, with early stopping and without, whose values
    may be changed before they are searched. It is for both estimators, and for both estimators of
    tables. Skip connections, shake-shake and adversarial training are not in it; the first are
    :class:`evenly.Residual` in a ``net`` of your own.

    Returns:
        ``param_distributions`` of scikit-learn's ``RandomizedSearchCV``, a new list each time.

    Source: Kadra, Lindauer, Hutter and Grabocka 2021, "Well-tuned simple nets excel on tabular
    datasets", table 1.

    Example:
        >>> from sklearn.model_selection import RandomizedSearchCV
        >>> from evenly.estimators import NetClassifier
        >>> x = np.random.default_rng(0).normal(size=(120, 3))
        >>> net = NetClassifier(8, max_epochs=5, effort="fast", random_state=0)
        >>> search = RandomizedSearchCV(net, cocktail(), n_iter=3, cv=2, random_state=0,
        ...                             scoring="neg_log_loss").fit(x, (x[:, 0] > 0).astype(int))
        >>> sorted(search.best_params_)[:3]
        ['augment', 'average', 'decay_schedule']
    """
    return [{name: list(values) for name, values in {**_SHARED, **part}.items()}
            for part in (_STOPPED, _WHOLE)]
