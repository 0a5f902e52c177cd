"""How far a training came, and what it learned."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from functools import cached_property

from ..records import EpochSummary
from .reading import Reading, finite, median

SOFTMAXES = ("softmax_cross_entropy", "focal_cross_entropy")
FROM_SCORES = (*SOFTMAXES, "binary_cross_entropy", "binary_focal_cross_entropy")
FROM_PROBABILITIES = ("cross_entropy_of_probabilities", "binary_cross_entropy_of_probabilities")
CROSS_ENTROPIES = (*FROM_SCORES, *FROM_PROBABILITIES, "nll")
ERRORS = ("squared_error", "absolute_error", "huber", "quantile")
# Their lowest value is not 0: a share of the loss says nothing.
LIKELIHOODS = ("poisson", "gamma")
ADAPTIVE = ("adagrad", "rmsprop", "adam", "adamw", "adamax", "nadam", "radam")


class Learned(Reading):
    """A record, and what its training learned. Losses count against that of the best constant
    answer, scores against what simple models reach on the same rows."""

    # How far it is

    @cached_property
    def trained(self) -> bool:
        """Whether there was any training."""
        return bool(self.epochs) or self.failed

    @property
    def about_to_begin(self) -> bool:
        """Whether it was looked at before training: then a setting that mostly does harm is told,
        although none can be seen yet."""
        return not self.trained and self.record.checks is not None

    @cached_property
    def failed(self) -> bool:
        """Whether a loss or a gradient was not finite."""
        if self.record.failed_at is not None or self.record.stopped == "diverged":
            return True
        return any(not math.isfinite(epoch.loss) for epoch in self.epochs)

    @cached_property
    def ended(self) -> bool:
        """Whether what was reached is what there is: training is over."""
        return self.trained and (self.failed or bool(self.record.stopped))

    @cached_property
    def settled(self) -> bool:
        """Whether a poor result cannot be put down to an early look: training is over, or has long
        stopped to get better."""
        if self.ended:
            return True
        gain = self.late_gain
        return len(self.epochs) >= self.limit("settled_epochs") and gain is not None and \
            gain < self.limit("settled_gain")

    @cached_property
    def span(self) -> tuple[int, int] | None:
        """(first, last) step of the training."""
        return (0, self.steps - 1) if self.steps else None

    # What is learned

    @cached_property
    def is_classes(self) -> bool:
        """Whether the targets are classes or truth values."""
        data, loss = self.record.data, self.record.loss
        if data is not None:
            return data.targets.kind in ("classes", "labels") or data.targets.one_hot
        return loss is not None and loss.kind in CROSS_ENTROPIES

    @cached_property
    def loss_kind(self) -> str:
        return self.record.loss.kind if self.record.loss is not None else ""

    @cached_property
    def optimizer_kind(self) -> str:
        return self.record.optimizer.kind if self.record.optimizer is not None else ""

    @cached_property
    def chance(self) -> float | None:
        """The loss of the best constant answer."""
        data = self.record.data
        if data is None:
            return None
        if data.constant_loss is not None:
            return data.constant_loss if data.constant_loss > 0 else None
        targets = data.targets
        if self.loss_kind in ("softmax_cross_entropy", "cross_entropy_of_probabilities", "nll") \
                and targets.kind == "classes":
            entropy = -sum(s * math.log(s) for s in targets.shares if s > 0)
            return entropy or None
        if self.loss_kind == "squared_error" and targets.kind == "numbers":
            return targets.deviation**2 or None
        return None

    @cached_property
    def first_loss(self) -> float | None:
        """Of the untouched network."""
        if self.record.checks is not None and self.record.checks.first_loss is not None:
            return self.record.checks.first_loss
        if self.probes and self.probes[0].step == 0 and math.isfinite(self.probes[0].loss):
            return self.probes[0].loss
        if self.curve:
            return self.curve[0]
        return None

    @cached_property
    def curve(self) -> list[float]:
        """The training loss in equal steps of time: consecutive steps' means, or the epochs'."""
        fine = [loss for epoch in self.epochs for loss in epoch.step_losses]
        if len(fine) < len(self.epochs):
            fine = [epoch.loss for epoch in self.epochs]
        return finite(fine)

    @cached_property
    def losses(self) -> list[float]:
        """The training loss of each epoch, all measured in one mode: inference where every epoch
        was, for dropout's noise is not in it."""
        told = [epoch.train_loss for epoch in self.epochs if epoch.train_loss is not None]
        return finite(told if len(told) == len(self.epochs) else (e.loss for e in self.epochs))

    @cached_property
    def kept(self) -> EpochSummary | None:
        """The epoch whose weights are the result."""
        if not self.epochs:
            return None
        best = self.record.best_epoch
        if best is not None:
            for epoch in self.epochs:
                if epoch.epoch == best:
                    return epoch
        return self.epochs[-1]

    @cached_property
    def final_loss(self) -> float | None:
        """Of training rows, in inference mode where that was measured; over the last epochs, so
        that one epoch's swing does not count."""
        if self.failed:
            return None
        ends = [self.kept] if self.record.best_epoch is not None and self.kept else self.last_epochs
        told = median(epoch.train_loss for epoch in ends)
        return told if told is not None else median(epoch.loss for epoch in ends)

    @cached_property
    def last_epochs(self) -> Sequence[EpochSummary]:
        """The last tenth of the epochs, at least one and at most five."""
        return self.epochs[-min(max(1, len(self.epochs) // 10), 5):] if self.epochs else ()

    @cached_property
    def skill(self) -> float | None:
        """The share of the constant answer's loss that training took away: 1 is all of it, 0 none,
        less than 0 is worse than a constant."""
        if self.failed:
            return -math.inf
        if self.chance is None or self.final_loss is None:
            return None
        return 1 - self.final_loss / self.chance

    @cached_property
    def gain(self) -> float | None:
        """The share of the first loss that training took away."""
        if self.failed:
            return -math.inf
        if self.loss_kind in LIKELIHOODS:
            return None
        first, last = self.first_loss, self.final_loss
        if first is None or last is None or first <= 0:
            return None
        return 1 - last / first

    @cached_property
    def score(self) -> float | None:
        """Of training rows at the end, in inference mode where that was measured."""
        if self.failed:
            return None
        ends = [self.kept] if self.record.best_epoch is not None and self.kept else self.last_epochs
        told = median(epoch.train_score for epoch in ends)
        return told if told is not None else median(epoch.score for epoch in ends)

    @cached_property
    def constant_score(self) -> float | None:
        data = self.record.data
        if data is None:
            return None
        if data.constant_score is not None:
            return data.constant_score
        if data.targets.kind == "classes" and data.targets.shares:
            return max(data.targets.shares)
        return 0.0 if data.targets.kind == "numbers" else None

    @cached_property
    def reference(self) -> float | None:
        """What a linear model or the nearest neighbour reaches on rows that it has not seen: what
        can be had for nothing."""
        data = self.record.data
        if data is None:
            return None
        told = finite([data.linear_score, data.neighbour_score])
        return max(told) if told else None

    @cached_property
    def noise(self) -> float:
        """What a score may differ by through the choice of the rows: two standard errors."""
        rows = self.record.data.rows if self.record.data is not None else 100
        return 2 * 0.5 / math.sqrt(max(1, min(rows, 1000)))

    @cached_property
    def learnable(self) -> bool | None:
        """Whether the inputs tell of the targets: a simple model beats the constant answer."""
        if self.reference is None or self.constant_score is None:
            return None
        needed = self.limit("learnable") * (1 - self.constant_score) + self.noise
        return self.reference - self.constant_score > max(needed, self.noise)

    @cached_property
    def achieved(self) -> float | None:
        """What training reached of what a simple model reaches on unseen rows, both beyond the
        constant answer: below 1 the network is not even as good on the rows that it learned."""
        if not self.learnable:
            return None
        if self.failed:
            return -math.inf
        if self.score is None:
            return None
        assert self.reference is not None
        assert self.constant_score is not None
        return (self.score - self.constant_score) / (self.reference - self.constant_score)

    @cached_property
    def late_gain(self) -> float | None:
        """The share of the whole fall of the training loss that came in the last quarter."""
        losses = self.losses
        if len(losses) < 4:
            return None
        quarter = max(1, len(losses) // 4)
        before = statistics.median(losses[-2 * quarter:-quarter])
        last = statistics.median(losses[-quarter:])
        fall = max(losses) - min(losses)
        return (before - last) / fall if fall > 0 else 0.0
