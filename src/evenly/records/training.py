"""What is measured of a training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .data import DataSummary
from .network import LossInfo, NetworkInfo, OptimizerInfo

VERSION = 1


@dataclass(frozen=True)
class LayerProbe:
    """A layer at one step, on that step's batch, in training mode. None: it has none, or it was not
    measured.

    Attributes:
        mean, deviation, largest: of its outputs; `largest` of their absolute values.
        unit_deviation: median over units of their deviation over the rows: 0 where outputs do not
            depend on the inputs.
        zero_share: outputs that are exactly 0.
        saturated_share: outputs of sigmoid or tanh (an LSTM's gates and cells too) whose slope is
            below 1 % of the largest.
        dead_share: units (channels) that were 0 for every row of all probes of the window (the last
            eight probes) up to this one.
        constant_share: units whose outputs do not vary over the rows.
        rank: effective rank of the outputs, the exponential of the entropy of the squared singular
            values' shares (Roy and Vetterli 2007), over min(rows, units): in (0, 1].
        not_finite: outputs that are NaN or infinite.
        output_gradient: root mean square of the gradient on its outputs, times the rows (so that it
            is each example's own, whatever the batch).
        gradient_norm: of its kernel(s): Euclidean norm.
        gradient_rms: of its kernel(s): root mean square.
        weight_norm, weight_rms, weight_mean: of its kernel(s).
        update_ratio: norm of the step's update over norm of the kernel before it.
        twin_share: units whose incoming weights and gradients both equal another unit's.
        mean_gap: batch normalization: mean over channels of |batch mean - running mean| over the
            running deviation.
        variance_gap: batch normalization: mean over channels of |log(batch variance / running
            variance)|.
    """

    mean: float | None = None
    deviation: float | None = None
    largest: float | None = None
    unit_deviation: float | None = None
    zero_share: float | None = None
    saturated_share: float | None = None
    dead_share: float | None = None
    constant_share: float | None = None
    rank: float | None = None
    not_finite: int | None = None
    output_gradient: float | None = None
    gradient_norm: float | None = None
    gradient_rms: float | None = None
    weight_norm: float | None = None
    weight_rms: float | None = None
    weight_mean: float | None = None
    update_ratio: float | None = None
    twin_share: float | None = None
    mean_gap: float | None = None
    variance_gap: float | None = None


@dataclass(frozen=True)
class Probe:
    """A look at one step.

    Attributes:
        step: counted from 0 over the whole training: 0 is the untouched network.
        epoch: counted from 1.
        loss: of the batch, in training mode.
        gradient_norm: of all gradients, before clipping.
        learning_rate: of this step.
        rows: of the batch.
        layers: by name.
    """

    step: int
    epoch: int
    loss: float
    gradient_norm: float | None
    learning_rate: float | None
    rows: int
    layers: Mapping[str, LayerProbe]


@dataclass(frozen=True)
class EpochSummary:
    """An epoch.

    Attributes:
        epoch: counted from 1.
        steps: in this epoch.
        loss, score: means over the epoch in training mode, without the penalty; the score is
            accuracy, or R^2.
        train_loss, train_score: in inference mode at the epoch's end, of a fixed sample of the
            training rows.
        validation_loss, validation_score: in inference mode.
        step_losses: means of consecutive steps' losses, at most 32 an epoch.
        gradient_norm, largest_gradient_norm: mean and largest over the steps, before clipping.
        clipped_share: steps whose gradient was clipped.
        penalty: mean over the steps of the penalty's part of the cost.
        learning_rate: of the last step.
        answers: of classes: the share of each among the answers to the fixed sample.
    """

    epoch: int
    steps: int
    loss: float
    score: float | None = None
    train_loss: float | None = None
    train_score: float | None = None
    validation_loss: float | None = None
    validation_score: float | None = None
    step_losses: tuple[float, ...] = ()
    gradient_norm: float | None = None
    largest_gradient_norm: float | None = None
    clipped_share: float | None = None
    penalty: float = 0.0
    learning_rate: float | None = None
    answers: tuple[float, ...] = ()


@dataclass(frozen=True)
class Checks:
    """What :func:`evenly.check` tries before training. None: not tried.

    Attributes:
        first_loss: of the untouched network on a batch, in inference mode.
        memorized_loss, memorized_score: after training on one small batch alone, without dropout
            and penalty, in inference mode; `memorized_steps` steps of the settings' own optimizer.
        memorized_best: the lowest loss on the way.
        blind_loss: after as many steps as `seeing_loss`, on inputs that are all zero.
        seeing_loss: after those steps on the inputs as they are.
        coupling: largest gradient of one row's scores on another row's inputs over the largest on
            its own, in inference mode.
        descent: change of the loss along a small step of the optimizer, in training mode, over the
            change that the gradient foretells: 1 is right, negative is the wrong sign.
    """

    first_loss: float | None = None
    memorized_loss: float | None = None
    memorized_score: float | None = None
    memorized_best: float | None = None
    memorized_steps: int | None = None
    blind_loss: float | None = None
    seeing_loss: float | None = None
    coupling: float | None = None
    descent: float | None = None


@dataclass(frozen=True)
class TrainingRecord:
    """All that is known of a training, or of one that is about to begin.

    Attributes:
        source: ``evenly``, ``torch``, ``keras`` or ``plain``.
        network, loss, optimizer: what is trained, None where the source does not tell.
        batch: rows a step.
        rows_of_batch_norm: by layer: how many numbers a channel's statistics of one step are of.
        data, validation: summaries of the two parts.
        shared_rows: share of the validation rows whose inputs equal a training row's.
        initial_layers: whether the first probe is of the untouched network.
        checks: what was tried before.
        probes, epochs: in order.
        best_epoch: whose weights were kept, where early stopping did.
        stopped: why the training ended, as :class:`evenly.History` says it; "" before its end.
        failed_at: step and layer of a loss or gradient that was not finite.
        seconds: of the training; probe_seconds: of processor time, for looking.
    """

    source: str = "plain"
    network: NetworkInfo | None = None
    loss: LossInfo | None = None
    optimizer: OptimizerInfo | None = None
    batch: int | None = None
    rows_of_batch_norm: Mapping[str, int] = field(default_factory=dict)
    data: DataSummary | None = None
    validation: DataSummary | None = None
    shared_rows: float | None = None
    initial_layers: bool = True
    checks: Checks | None = None
    probes: tuple[Probe, ...] = ()
    epochs: tuple[EpochSummary, ...] = ()
    best_epoch: int | None = None
    stopped: str = ""
    failed_at: tuple[int, str] | None = None
    seconds: float = 0.0
    probe_seconds: float = 0.0
    version: int = VERSION
