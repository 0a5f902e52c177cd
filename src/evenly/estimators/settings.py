"""Plain arguments as the settings of a training. A new name is one row."""

from __future__ import annotations

import math
import numbers
import operator
from dataclasses import replace
from typing import Any

import numpy as np
from joblib import cpu_count
from sklearn.utils._openmp_helpers import _openmp_effective_n_threads

from ..augmentation import Augmentation, CutMix, Cutout, Mixup
from ..averaging import EMA, SWA, Lookahead, Snapshots, WeightAverage
from ..clipping import ClipGlobalNorm
from ..constraints import MaxNorm
from ..engine.checks import allowed_threads, is_worker
from ..errors import ConfigurationError
from ..optimizers import (
    SGD,
    Adagrad,
    Adam,
    AdaMax,
    AdamW,
    ArrayRates,
    Momentum,
    NAdam,
    Optimizer,
    RAdam,
    RMSprop,
)
from ..penalties import L2
from ..schedules import (
    CosineDecay,
    FlatCosine,
    LinearWarmup,
    LogCosine,
    OneCycle,
    PolynomialDecay,
    ReduceOnPlateau,
    Schedule,
)
from .effort import value_of
from .names import Make, is_number, named, wrong

OPTIMIZERS: dict[str, Make] = {
    "sgd": SGD, "momentum": Momentum, "nesterov": lambda: Momentum(nesterov=True),
    "rmsprop": RMSprop, "adagrad": Adagrad, "adam": Adam, "adamw": AdamW, "adamax": AdaMax,
    "nadam": NAdam, "radam": RAdam,
}
# Over the whole training, max_epochs long.
SCHEDULES: dict[str, Make] = {
    "cosine": CosineDecay, "linear": PolynomialDecay, "one_cycle": OneCycle,
    "warmup": lambda: LinearWarmup(5, then=CosineDecay(by="epoch"), by="epoch"),
    "plateau": ReduceOnPlateau, "flat_cosine": FlatCosine, "coslog": LogCosine,
}
# What lowers dropout or the weight decay.
LOWERING: dict[str, Make] = {
    "cosine": CosineDecay, "linear": PolynomialDecay, "flat_cosine": FlatCosine,
}
AVERAGES: dict[str, Make] = {
    "ema": EMA, "swa": SWA, "lookahead": Lookahead, "snapshots": Snapshots,
}
AUGMENTS: dict[str, Make] = {"mixup": Mixup, "cutmix": CutMix, "cutout": Cutout}
DEFAULT_RATE = 2e-3
_SNAPSHOTS = {
    "early_stopping": "each cycle is trained to its end, where the learning rate is lowest",
    "warm_start": "a fit leaves several networks, and could go on from one",
}


def training_settings(estimator: Any, rows: int, validated: bool) -> dict[str, Any]:
    """What evenly.fit takes of an estimator's arguments, for a training set of some rows, with a
    validation set or without."""
    return {
        **partial_settings(estimator, rows),
        "epochs": whole("max_epochs", value_of(estimator, "max_epochs"), 1, ', or "auto"'),
        "schedule": schedule_of(estimator.schedule, validated, rows),
        "threads": threads_of(estimator.n_jobs),
        "average": average_of(estimator),
        **{name: None if (value := getattr(estimator, name)) is None else
           named(name, value, LOWERING, Schedule, "a schedule, or None")
           for name in ("dropout_schedule", "decay_schedule")},
    }


def partial_settings(estimator: Any, rows: int) -> dict[str, Any]:
    """Those that hold for partial_fit as well: what evenly.compile takes."""
    return {
        "batch": batch_rows(estimator.batch, rows),
        "optimizer": optimizer_of(estimator.optimizer, estimator.learning_rate),
        "penalty": penalty_of(estimator.l2, estimator.penalty),
        "clip": clip_of(estimator.clip),
        "constraint": constraint_of(estimator.constraint),
        "augment": augment_of(estimator.augment),
        "dtype": element_type(estimator.dtype),
        "rates": rates_of(estimator.rates),
    }


def optimizer_of(value: Any, learning_rate: Any) -> Optimizer:
    """The optimizer: AdamW by default, with its learning rate where one is given."""
    if learning_rate is not None and not (
        is_number(learning_rate) and 0 < learning_rate < math.inf
    ):
        raise wrong("learning_rate", "a number > 0, or None", learning_rate)
    if value is None:
        rate = DEFAULT_RATE if learning_rate is None else float(learning_rate)
        return AdamW(rate)
    made = named("optimizer", value, OPTIMIZERS, Optimizer, "an optimizer, or None")
    if learning_rate is not None:
        made = replace(made, learning_rate=float(learning_rate))
    return made  # type: ignore[no-any-return]


def penalty_of(l2: Any, penalty: Any) -> Any:
    """The penalty from either argument; both at once cannot be meant."""
    if not is_number(l2) or not 0 <= l2 < math.inf:
        raise wrong("l2", "a number >= 0", l2)
    if l2 and penalty is not None:
        raise ConfigurationError(f"l2={l2} and penalty={penalty}: give one of them")
    return L2(float(l2)) if l2 else penalty


def clip_of(clip: Any) -> Any:
    """A number as the largest norm of all gradients together."""
    if is_number(clip):
        if not clip > 0:
            raise wrong("clip", "a number > 0, a clipping value, or None", clip)
        return ClipGlobalNorm(float(clip))
    return clip


def schedule_of(schedule: Any, validated: bool, rows: int) -> Any:
    """A schedule by its name, for a training on so many rows."""
    if schedule is None:
        return None
    made = named("schedule", schedule, SCHEDULES, (Schedule, ReduceOnPlateau),
                 "a schedule, or None")
    watches = getattr(made, "monitor", "")
    if watches.startswith("validation") and not validated:
        raise ConfigurationError(
            f"schedule={schedule!r} watches the {watches}, and no rows are held out: with "
            f"early_stopping=False, or fewer than 10 rows to hold out of {rows}, give fit X_val "
            "and y_val, a larger validation_fraction, or "
            "schedule=ReduceOnPlateau(monitor='loss'), which watches the training loss"
        )
    return made


def average_of(estimator: Any) -> Any:
    """An average of weights, or snapshots, by its name."""
    average = estimator.average
    if average is None:
        return None
    made = named("average", average, AVERAGES, (WeightAverage, Snapshots),
                 "an average of weights, or None")
    if isinstance(made, Snapshots):
        for name in ("early_stopping", "warm_start"):
            if getattr(estimator, name):
                raise ConfigurationError(
                    f"average={average!r} and {name}=True: " + _SNAPSHOTS[name]
                    + f": give {name}=False"
                )
    return made


def rates_of(rates: Any) -> Any:
    """A dict as factors of the learning rate, by array."""
    if rates is None or isinstance(rates, ArrayRates):
        return rates
    if not isinstance(rates, dict):
        raise wrong("rates", "factors by array, as {'*.bias': 0.1}, ArrayRates, or None", rates)
    return ArrayRates(rates)


def constraint_of(constraint: Any) -> Any:
    """A number as the largest norm of each unit's weights."""
    return MaxNorm(float(constraint)) if is_number(constraint) else constraint


def augment_of(augment: Any) -> Any:
    """A number as Mixup's alpha; or what a name stands for."""
    if augment is None:
        return None
    return Mixup(float(augment)) if is_number(augment) else named(
        "augment", augment, AUGMENTS, Augmentation, "Mixup's alpha, an augmentation, or None")


def whole(what: str, value: Any, least: int, words: str = "") -> int:
    """A setting as a whole number."""
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if isinstance(value, bool) or number < least:
        raise wrong(what, f"a whole number >= {least}{words}", value)
    return number


def truth(what: str, value: Any, words: str = "True or False") -> bool:
    """A setting as True or False: a text such as "no" would count as True."""
    if not isinstance(value, (bool, np.bool_)):
        raise wrong(what, words, value)
    return bool(value)


def share(what: str, value: Any) -> float:
    """A setting as a share of the rows."""
    if not is_number(value) or not 0 < value < 1:
        raise wrong(what, "a share between 0 and 1", value)
    return float(value)


def element_type(dtype: Any) -> str:
    """The element type of the training."""
    if dtype not in ("float32", "float64"):
        raise wrong("dtype", "'float32' or 'float64'", dtype)
    return str(dtype)


def batch_rows(batch: Any, rows: int) -> int:
    """Rows a step: by default a twentieth of the table, between 16 and 256."""
    if isinstance(batch, str) and batch == "auto":
        return min(rows, max(16, min(256, 1 << (max(1, rows // 20) - 1).bit_length())))
    if batch is None:
        return rows
    return min(rows, whole("batch", batch, 1, ', "auto", or None for all rows'))


def threads_of(n_jobs: Any) -> int | None:
    """Threads for the engine: as many as asked for, or None to leave it to the engine.

    Where joblib, threadpoolctl or OMP_NUM_THREADS allow one thread only, it is one. A worker of
    joblib, on whichever backend, has no more than its share: the others have theirs."""
    if n_jobs is not None:
        if isinstance(n_jobs, bool) or not isinstance(n_jobs, numbers.Integral) or n_jobs == 0:
            raise wrong("n_jobs", "a whole number other than 0 (-1: all processors), or None",
                        n_jobs)
        threads = int(n_jobs)
        if threads < 0:
            threads = max(1, int(cpu_count()) + 1 + threads)
        return min(threads, allowed_threads()) if is_worker() else threads
    return 1 if _openmp_effective_n_threads(only_physical_cores=False) == 1 else None
