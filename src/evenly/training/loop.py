"""The training loop."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

from ..augmentation import Augmentation
from ..averaging import Snapshots, WeightAverage
from ..clipping import Clip
from ..constraints import Constraint
from ..engine import Engine, check_seed
from ..errors import CheckpointError, ConfigurationError, DivergenceError, ShapeError
from ..layers.base import Layer, Run
from ..losses import Loss
from ..optimizers import ArrayRates, Optimizer
from ..penalties import Penalty
from ..probes.watcher import TrainingWatcher
from ..program import DTYPES, hands_on
from ..program import compile as compile_program
from ..rows.arrow import as_source
from ..rows.data import Examples, Passes, as_arrays, check_finite, rows_of, split
from ..rows.own import OwnRows, OwnRowsOfAll, RowsOfParts, check_own
from ..rows.streams import Stream
from ..rows.training_set import (
    RowsFromStream,
    RowsInMemory,
    TrainingSet,
    check_shape,
    check_stream,
    check_targets,
)
from ..schedules import CosineDecay, ReduceOnPlateau, Schedule
from ..settings import Settings
from .arguments import BATCH, EPOCHS, as_settings
from .averages import Averaged
from .checkpoints import Checkpoint, Keeper
from .doctoring import Doctor, asked_for
from .early_stopping import BestSoFar, EarlyStopping
from .epochs import Callback, Loop
from .history import undefined_score
from .interrupt import Interrupt
from .listener import recorded, told
from .model import Model, as_sequential
from .progress import make_progress
from .rates import Rates, lowering, whole_training
from .run_settings import settings_of
from .snapshots import Cycles, averaging_of
from .standardized import Standardized
from .team import SharedKeeper, Team, by_all

# Settings that a checkpoint tells where they are given: older ones know nothing of them.
_LATER = ("average", "rates", "dropout_schedule", "decay_schedule")


@by_all
def fit(
    net: Layer | Model | Settings,
    x: Any,
    y: Any = None,
    *,
    loss: Loss | None = None,
    optimizer: Optimizer | None = None,
    epochs: int = EPOCHS,
    batch: int | None = BATCH,
    validation: float | tuple[Any, ...] | None = None,
    sample_weight: Any = None,
    lengths: Any = None,
    seed: int = 0,
    penalty: Penalty | None = None,
    clip: Clip | None = None,
    constraint: Constraint | None = None,
    augment: Augmentation | None = None,
    schedule: Schedule | ReduceOnPlateau | None = None,
    early_stopping: EarlyStopping | None = None,
    shuffle: bool = True,
    shuffle_buffer: int | None = None,
    dtype: str = "float32",
    threads: int | None = None,
    progress: bool | None = None,
    callbacks: Sequence[Callback] = (),
    stop: Callable[[], bool] | None = None,
    checkpoint: Checkpoint | None = None,
    resume: bool = False,
    doctor: bool | str | os.PathLike[str] | None = None,
    average: WeightAverage | Snapshots | None = None,
    rates: ArrayRates | None = None,
    dropout_schedule: Schedule | None = None,
    decay_schedule: Schedule | None = None,
    workers: Any = None,
    parts: int | None = None,
) -> Model:
    """Trains a network.

    Arguments:
        net: the network, or a model whose weights training starts from; or :class:`Settings`, which
            hold the network and what else is not given then.
        x: inputs, (rows, features...). A SciPy sparse matrix is made dense a few rows at a time, an
            array in a file (``numpy.memmap``) is read so. Or a source that brings its own targets:
            :class:`ParquetRows`, :class:`ArrowRows`, :class:`Batches`. Or the path or address of
            Parquet files, a table of Dask, Ray or Arrow, of which y names the targets' column; or
            arrays of Dask, x and y.
        y: targets, as the loss wants them.
        loss: what to lower. It must be given, here or in settings.
        optimizer: by default ``Adam(1e-3)``.
        epochs: passes over the training set, >= 1.
        batch: rows a step: 1 for single examples, None for the whole training set. Where a last
            batch would have one row and the network has batch normalization, that row sits the
            pass out.
        validation: a share of the rows to hold out, or (x, y) to validate with, or (x, y, lengths),
            or (x, y, lengths, weights), where lengths may be None, or a source as x may be one.
        sample_weight: (rows,): how much each example counts in the loss; 1 each by default. An
            example of weight 0 is left out: the training is, to the bit, the one without that row.
            (In a stateful network every row keeps its place, and has no part in the loss alone.)
        lengths: (rows,): how many steps of each sequence count, where sequences were padded to one
            length; what stands behind them contributes nothing. From 0 to the number of steps.
        seed: of initial weights, shuffling, dropout and the validation split.
        penalty: added to the cost.
        clip: of the gradients.
        constraint: on the weights, after every update.
        augment: :class:`Mixup`, :class:`CutMix` or :class:`Cutout` of the training examples.
        schedule: moves the optimizer's learning rate during training.
        early_stopping: needs validation data.
        shuffle: the rows anew in each epoch. False for stateful layers: their states begin at zero
            in every epoch, and pass from row i of a batch to row i of the next.
        shuffle_buffer: of a source that is read from front to back, so many rows are in memory and
            mixed at a time; by default 16384, or as many as 64 MB hold.
        dtype: ``"float32"`` or ``"float64"``.
        threads: by default as many as the work is worth; no result depends on it.
        progress: whether to show a bar; by default where standard error is a terminal, and in a
            notebook.
        callbacks: each is called with every :class:`EpochRecord` and may return ``"stop"``; a
            :class:`evenly.callbacks.Listener`, as TensorBoard's and MLflow's are, hears more.
        stop: asked some 20 times a second, or after each step where steps take longer; True ends
            training as Ctrl-C does. For trainings in threads, which hear no Ctrl-C:
            ``stop=event.is_set``.
        checkpoint: a :class:`Checkpoint`: where and how often all that the training is is written
            to a file.
        resume: True goes on from the newest whole checkpoint in the folder of `checkpoint`, or
            begins at the beginning where there is none: the same call then serves for the first
            start and for every other. Weights and history end up as if the training had never
            stopped, to the bit. Net, settings, seed and data must be those that it was begun with;
            `epochs` may be another number where no rate so far depends on it; `threads`,
            `progress`, `callbacks` and `stop` may differ. Callbacks are not called again for epochs
            that are over, streams are read again from the beginning of the epoch, and must bring
            the same rows again. A training that has come to its end is not trained further.
        doctor: True has the training watched: ``model.record`` holds what was measured,
            ``model.diagnosis`` what ails it, and of each finding there is one
            :class:`evenly.errors.DoctorWarning` as it comes. ``"stop"`` also ends the training for
            what no further epoch mends. A path that ends in ``.jsonl``: the record is written
            there as it grows. Watching takes less than 3 % of the time of a training of ten
            seconds or more, and changes no bit of it.
        average: of the weights: :class:`EMA` or :class:`SWA`. The training itself goes on without
            it; the validation data, early stopping and the model have the average, running
            statistics included. After a failure the weights are those of the training. Or
            :class:`Snapshots`: the model is an ensemble of the weights at the ends of cycles.
        rates: :class:`ArrayRates`: factors of the learning rate and of the weight decay, by array.
        dropout_schedule: lowers the rates of all dropout layers (each that has a ``rate``, and
            ``recurrent_dropout``): ``rate factor`` in place of ``rate``.
        decay_schedule: lowers the optimizer's weight decay likewise.
        workers: the processes that train together: a communicator of mpi4py (``MPI.COMM_WORLD``).
            Each makes the same call with the same arrays, computes its share of every batch, and
            has the whole model in the end. The first one alone writes checkpoints and records,
            watches and shows progress; callbacks are called in each, and one "stop" ends all.
        parts: into how many parts a batch is cut whose sums are added in one order, a power of two
            that the number of workers divides; 8 with workers. The same number gives the same model
            to the bit, with any number of workers or with none, and any number of threads.

    Returns:
        The trained model. After Ctrl-C, what was learned up to the last whole step
        (``model.history.stopped == "interrupted"``).

    Raises:
        ShapeError, ConfigurationError, DataError: before training, for what cannot work.
        DivergenceError: the loss or a gradient was not finite.
        CheckpointError: a checkpoint could not be written; the model is in ``error.model``.
        FileFormatError: no checkpoint in the folder is whole.

    Example:
        >>> import evenly as ev
        >>> x = np.random.default_rng(0).standard_normal((64, 2))
        >>> y = (x[:, 0] > x[:, 1]).astype(int)
        >>> net = ev.Sequential([ev.Dense(8), ev.ReLU(), ev.Dense(2)])
        >>> model = ev.fit(net, x, y, loss=ev.SoftmaxCrossEntropy(), epochs=30, batch=16,
        ...                optimizer=ev.Adam(0.05))
        >>> model.history[-1].score > 0.9
        True
    """
    settings = as_settings(net, {
        "loss": loss, "optimizer": optimizer, "epochs": epochs, "batch": batch, "penalty": penalty,
        "clip": clip, "constraint": constraint, "augment": augment, "schedule": schedule,
        "early_stopping": early_stopping, "average": average,
        "rates": rates, "dropout_schedule": dropout_schedule, "decay_schedule": decay_schedule,
    })
    net, loss, epochs, batch = settings.net, settings.loss, settings.epochs, settings.batch
    schedule, early_stopping = settings.schedule, settings.early_stopping
    watched, stops, record_file = asked_for(doctor)
    weights = net.weights if isinstance(net, Model) else None
    made_for = net.input_shape if isinstance(net, Model) else None
    net = net.net if isinstance(net, Model) else as_sequential(net)
    x, y = as_source(x, y)
    scaled = Standardized(settings, net, x)
    seed = check_seed(seed)
    _check(epochs, batch, early_stopping, validation, shuffle_buffer)
    cycles, average = averaging_of(settings)
    if cycles is not None and schedule is None:
        schedule = CosineDecay()
    _check_checkpoint(checkpoint, resume)
    team = Team(workers, parts)
    if isinstance(x, OwnRows):
        check_own(validation, watched)
        x = x.of_all(team.group, team.parts, dtype)
    held: Examples | Stream | None = None
    if isinstance(x, Stream):
        given = {"sample_weight": sample_weight, "lengths": lengths}
        check_stream(x, y, batch, validation, given)
        shape, rows, has_targets = x.outline()
        check_targets(x, has_targets, "fit")
    else:
        if shuffle_buffer is not None:
            raise ConfigurationError(
                "fit: shuffle_buffer is for sources that are read from front to back; an array is "
                "shuffled whole: leave it out"
            )
        x, y = as_arrays(x, y, "fit")
        data = Examples(x, y, rows_of(sample_weight, len(x), "sample_weight"),
                        rows_of(lengths, len(x), "lengths"))
        check_finite(x, "fit", data.lengths, dtype if dtype in DTYPES else None)
        if dtype in DTYPES and sample_weight is not None and not hands_on(net, x.shape[1:]):
            data = data.that_count(dtype)
        if validation is not None and not isinstance(validation, (tuple, Stream)):
            data, held = split(data, float(validation), seed)
        shape, rows = x.shape[1:], len(data.x)
        data = scaled.measure(data, dtype)
    if isinstance(validation, tuple):
        held = given_validation(validation)
        if dtype in DTYPES and held.weights is not None and not hands_on(net, shape):
            held = held.that_count(dtype)
    elif isinstance(validation, Stream):
        held = validation
    batch = min(batch or rows or 1, rows or batch or 1)
    program = compile_program(
        scaled.net, shape, batch, loss, settings.optimizer, penalty=settings.penalty,
        clip=settings.clip, constraint=settings.constraint, augment=settings.augment, dtype=dtype,
        average=average, rates=settings.rates,
    )
    if program.carried and shuffle:
        raise ConfigurationError(
            "fit: a stateful layer takes up where the same row of the batch before ended: order "
            "the rows so, and give shuffle=False"
        )
    try:
        engine = Engine(program, seed=seed, threads=team.threads(program, threads), isa=team.isa,
                        weights=weights or scaled.weights)
    except ShapeError as error:
        if made_for in (None, tuple(shape)):
            raise
        raise ShapeError(f"fit: the model was made for examples of shape {made_for}, got "
                         f"{tuple(shape)}: {error}") from None
    team.joins(engine)
    training: TrainingSet
    if isinstance(x, Stream):
        passes = RowsOfParts if isinstance(x, OwnRowsOfAll) else RowsFromStream
        training = passes(engine, x, rows, batch, seed, shuffle, shuffle_buffer)
    else:
        data = data.prepared(engine)
        training = RowsInMemory(engine, data, Passes(engine, len(data.x), batch, seed, shuffle))
    if isinstance(held, Stream):
        own, _, has_targets = held.outline()
        check_targets(held, has_targets, "fit, validation")
        check_shape(engine, own, "fit, validation")
    elif held is not None:
        check_finite(held.x, "fit, validation", held.lengths, dtype)
        held = scaled.prepared(held).prepared(engine)
    if not isinstance(x, Stream):
        _check_watched(engine, {"score": data}, schedule)
    if held is not None and not isinstance(held, Stream):
        _check_watched(engine, {"validation_score": held}, early_stopping, schedule)
    assert program.optimizer is not None
    moved = Rates(schedule, program.optimizer, training.steps, epochs, held is not None,
                  lowering(program.net, settings), span=cycles.span if cycles else whole_training)
    averaged = Cycles(engine, epochs, cycles) if cycles else Averaged(engine, epochs)
    best = BestSoFar(early_stopping) if early_stopping is not None else None
    score_name = "accuracy" if loss.counts_right_answers else "R2"
    keeper: Keeper | SharedKeeper | None = None
    if checkpoint is not None or team.group.size > 1:
        more = {"schedule": schedule, "early_stopping": early_stopping, "shuffle": shuffle,
                "shuffle_buffer": shuffle_buffer}
        more |= {} if team.parts is None else {"parts": team.parts}
        more |= {name: value for name in _LATER
                 if (value := getattr(settings, name)) is not None}
        wanted = settings_of(engine, x if isinstance(x, Stream) else data, held, more)
        team.agrees({**wanted, "epochs": str(epochs), "checkpoint": repr(checkpoint),
                     "resume": str(resume), "weights": team.checksum(engine)})
        if checkpoint is not None:
            keeper = team.keeper(Keeper(checkpoint, resume, engine, wanted, cycles))
    observer = None
    if watched and team.leads:
        seen = x if isinstance(x, Stream) else data
        engine.watcher = watcher = TrainingWatcher(
            engine, seen, held, schedule, epochs, weights is None, record_file, scaled.scale
        )
        observer = Doctor(watcher, stops)
    bar = make_progress(progress if team.leads else False, epochs, training.steps, score_name)
    try:
        callbacks = team.callbacks(callbacks)
        made_of = told(settings, seed=seed, dtype=dtype, rows=rows, batch=batch)
        with Interrupt(stop) as interrupt, keeper or nullcontext(), \
                recorded(callbacks, made_of) as heard:
            loop = Loop(engine, training, held, moved, averaged, best, bar,
                        team.hears(interrupt, keeper), keeper, observer, team)
            position = keeper.restore(training.steps) if keeper is not None else None
            if position is not None:
                loop.resume(position, epochs)
            model = loop.model(loop.run(epochs, callbacks))
            heard.stopped = model.history.stopped
    except (CheckpointError, DivergenceError) as error:
        if error.model is not None:
            scaled.finish(engine)
            if isinstance(error, DivergenceError):
                error.weights = {name: array.copy() for name, array in engine.arrays.items()}
        raise
    finally:
        engine.watcher = engine.parts = None
        if observer is not None:
            observer.close()
        bar.close()
    if isinstance(averaged, Cycles):
        return averaged.together(model, scaled, threads)
    if best is not None:
        engine.set_weights(best.weights)
        if best.epoch is None and loop.records and averaged.counts:
            warnings.warn(
                f"fit: the {best.rule.monitor.replace('_', ' ')} was not finite in any epoch: "
                "early stopping had none to choose, and the weights are those of the last",
                RuntimeWarning, stacklevel=3,
            )
    else:
        engine.set_weights(averaged.weights)
    scaled.finish(engine)
    return model


def _check(
    epochs: Any, batch: Any, early_stopping: Any, validation: Any, shuffle_buffer: Any
) -> None:
    if not isinstance(epochs, int) or epochs < 1:
        raise ConfigurationError(f"fit: epochs must be a whole number >= 1, got {epochs!r}")
    if batch is not None and (not isinstance(batch, int) or batch < 1):
        raise ConfigurationError(
            f"fit: batch must be a whole number >= 1, or None for all rows, got {batch!r}"
        )
    if shuffle_buffer is not None and (not isinstance(shuffle_buffer, int) or shuffle_buffer < 1):
        raise ConfigurationError(
            f"fit: shuffle_buffer must be a whole number of rows >= 1, got {shuffle_buffer!r}"
        )
    if early_stopping is not None and validation is None:
        raise ConfigurationError(
            "fit: early_stopping watches the validation loss: give validation=0.1, say"
        )


def _check_watched(engine: Engine, scores: dict[str, Examples], *rules: Any) -> None:
    """Raises DataError before training where a rule watches a score that there cannot be, of some
    examples by the name of their score."""
    program = engine.program
    assert program.loss is not None
    for rule in rules:
        monitor = getattr(rule, "monitor", "")
        if monitor in scores:
            held = scores[monitor]
            run = Run(training=False, weights=held.weights, lengths=held.lengths)
            shape = (len(held.y), *program.output_shape)
            spread = program.loss.spread(held.y, shape, run)
            if spread is not None and not spread.deviations > 0:
                raise undefined_score(monitor, type(rule).__name__)


def _check_checkpoint(checkpoint: Any, resume: Any) -> None:
    if checkpoint is not None and not isinstance(checkpoint, Checkpoint):
        raise ConfigurationError(
            f"fit: checkpoint must be a Checkpoint, got {checkpoint!r}: Checkpoint(folder), say"
        )
    if not isinstance(resume, bool):
        raise ConfigurationError(f"fit: resume must be True or False, got {resume!r}")
    if resume and checkpoint is None:
        raise ConfigurationError(
            "fit: resume=True goes on from a checkpoint: give checkpoint=Checkpoint(folder)"
        )


def given_validation(parts: tuple[Any, ...]) -> Examples:
    """The arrays of a validation set as examples."""
    if len(parts) not in (2, 3, 4):
        raise ConfigurationError(
            "fit: validation is a share, (x, y), (x, y, lengths) or (x, y, lengths, weights), got "
            f"{len(parts)} arrays"
        )
    x, y = as_arrays(parts[0], parts[1], "fit, validation")
    lengths, weights = (*parts[2:], None, None)[:2]
    return Examples(x, y, rows_of(weights, len(x), "the validation's weights"),
                    rows_of(lengths, len(x), "the validation's lengths"))
