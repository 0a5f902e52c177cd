"""The record of a training that has not begun."""

from __future__ import annotations

from typing import Any

from ..engine import Engine, check_seed
from ..errors import ConfigurationError
from ..probes.trials import Trials
from ..probes.watcher import TrainingWatcher
from ..program import compile as compile_program
from ..records import TrainingRecord
from ..rows.data import Examples, Passes, as_arrays, check_finite, rows_of, split
from ..rows.training_set import RowsInMemory
from ..settings import Settings
from .loop import given_validation
from .model import as_sequential
from .rates import lowering
from .snapshots import averaging_of
from .standardized import Standardized


def before_training(
    settings: Settings, x: Any, y: Any, *, validation: Any = None, sample_weight: Any = None,
    lengths: Any = None, seed: int = 0, dtype: str = "float32", trials: bool = True,
) -> TrainingRecord:
    """What can be known of a training before it: network and data, a look at the first step, and
    what some trials tell. Takes seconds; nothing is changed.

    Arguments:
        settings: of the training.
        x, y, validation, sample_weight, lengths, seed, dtype: as for :func:`evenly.fit`; arrays.
        trials: whether it is tried to memorize a batch, and so on.

    Raises:
        ShapeError, ConfigurationError, DataError: as :func:`evenly.fit`, before training.

    Example:
        >>> import evenly as ev
        >>> x = np.random.default_rng(0).standard_normal((64, 2))
        >>> net = ev.Sequential([ev.Dense(8), ev.ReLU(), ev.Dense(2)])
        >>> record = before_training(ev.Settings(net, ev.SoftmaxCrossEntropy()), x,
        ...                          (x[:, 0] > 0).astype(int))
        >>> bool(record.checks.memorized_loss < record.checks.first_loss)
        True
    """
    seed = check_seed(seed)
    _, average = averaging_of(settings)
    net = as_sequential(settings.net)
    if y is None:
        raise ConfigurationError("check: give the targets as y: it takes arrays")
    x, y = as_arrays(x, y, "check")
    data = Examples(x, y, rows_of(sample_weight, len(x), "sample_weight"),
                    rows_of(lengths, len(x), "lengths"))
    held: Examples | None = None
    if isinstance(validation, tuple):
        held = given_validation(validation)
    elif validation is not None:
        data, held = split(data, float(validation), seed)
    check_finite(data.x, "check", data.lengths)
    scaled = Standardized(settings, net, x)
    data = scaled.measure(data, dtype)
    batch = min(settings.batch or len(data.x), len(data.x))
    program = compile_program(
        scaled.net, data.x.shape[1:], batch, settings.loss, settings.optimizer,
        penalty=settings.penalty, clip=settings.clip, constraint=settings.constraint,
        augment=settings.augment, dtype=dtype, average=average, rates=settings.rates,
    )
    lowering(program.net, settings)
    engine = Engine(program, seed=seed, weights=scaled.weights)
    data = data.prepared(engine)
    if held is not None:
        check_finite(held.x, "check, validation", held.lengths)
        held = scaled.prepared(held).prepared(engine)
    watcher = TrainingWatcher(engine, data, held, settings.schedule, scaled=scaled.scale)
    training = RowsInMemory(engine, data, Passes(engine, len(data.x), batch, seed, True))
    checks = None
    if trials:
        checks = Trials(
            program.net, settings.loss, settings.optimizer, data, program.input_shape, batch,
            settings.clip, seed, dtype, scaled.weights,
        ).all()
    return watcher.before_training(training, checks)
