"""What the rules ask of a record, measured once: how far a training came, and whether it ails.

All measures are free of scale: losses against the loss of the best constant answer, scores against
what simple models reach on the same rows, updates against weights. A measure is None where the
record does not hold what it needs.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from functools import cached_property

from ..records import EpochSummary
from .curves import Rise, blocks, late_fall, rise
from .curves import swings as swings
from .reading import Reading
from .reading import finite as finite
from .reading import median as median

FROM_SCORES = ("softmax_cross_entropy", "binary_cross_entropy")
FROM_PROBABILITIES = ("cross_entropy_of_probabilities", "binary_cross_entropy_of_probabilities")
CROSS_ENTROPIES = (*FROM_SCORES, *FROM_PROBABILITIES, "nll")
ERRORS = ("squared_error", "absolute_error", "huber")
ADAPTIVE = ("adagrad", "rmsprop", "adam", "adamw", "adamax", "nadam", "radam")


class Case(Reading):
    """A record, and what is measured of it.

    Arguments:
        record: of a training, or of one that is about to begin.
        limits: thresholds other than those of the table, by name.
    """

    # How far it is

    @cached_property
    def trained(self) -> bool:
        """Whether there was any training."""
        return bool(self.epochs) or self.failed

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
    def stuck(self) -> bool:
        """Whether next to nothing was learned."""
        if self.failed:
            return True
        if not self.epochs:
            return False
        if self.achieved is not None and self.achieved > self.limit("stuck_achieved"):
            return False
        if self.skill is not None:
            return self.skill < self.limit("stuck_skill")
        return self.gain is not None and self.gain < self.limit("stuck_gain")

    @cached_property
    def poor(self) -> bool:
        """Whether the network does worse on its own training rows than simple models do on rows
        that they have not seen, and that cannot be put down to an early look."""
        if self.failed:
            return True
        if not self.settled or self.achieved is None:
            return False
        assert self.score is not None
        assert self.reference is not None
        return self.achieved < self.limit("poor_achieved") and \
            self.reference - self.score > self.limit("poor_margin") + self.noise / 2

    @cached_property
    def ails(self) -> bool:
        """Whether there is harm: what symptoms alone do not show."""
        return self.fails_to_fit or self.weak or self.overfits is not None or \
            self.falls is not None or self.barely_moved or self.few_steps

    @cached_property
    def fails_to_fit(self) -> bool:
        """Whether there is harm on the training rows themselves."""
        return self.failed or (self.stuck and self.tried) or self.poor or self.worsened

    @cached_property
    def held_rows(self) -> int:
        return self.record.validation.rows if self.record.validation is not None else 100

    @cached_property
    def held_score(self) -> float | None:
        """Of validation rows at the end."""
        if self.failed:
            return None
        ends = [self.kept] if self.record.best_epoch is not None and self.kept else self.last_epochs
        return median(epoch.validation_score for epoch in ends)

    @cached_property
    def weak(self) -> bool:
        """Whether unseen rows are answered worse than a simple model would answer them."""
        if not self.settled or not self.learnable or self.held_score is None:
            return False
        assert self.reference is not None
        # Shares of variance are known less well than shares of rows.
        errors = 1 if self.is_classes else 2
        noise = self.noise / 2 + errors / math.sqrt(max(1, self.held_rows))
        return self.reference - self.held_score > self.limit("weak_margin") + noise

    @cached_property
    def overfits(self) -> Rise | None:
        """A rise of the validation loss that is more than chance."""
        if not self.settled or self.failed or self.record.best_epoch is not None:
            return None
        held = finite(epoch.validation_loss for epoch in self.epochs)
        found = rise(held, self.losses) if len(held) == len(self.epochs) else None
        if found is None:
            return None
        scale = self.chance if self.chance is not None else found.low
        size = found.size / scale
        if found.size < self.limit("overfit_rise") * found.low:
            return None
        if not self.is_classes:
            return found if size >= self.limit("overfit_variance") else None
        # One row that is answered wrongly with confidence is no overfitting.
        enough = size * self.held_rows >= self.limit("overfit_rows")
        scores = finite(epoch.validation_score for epoch in self.epochs)
        drop = max(scores) - self.held_score if scores and self.held_score is not None else 0.0
        lost = drop >= self.limit("overfit_drop") + 1 / max(1, self.held_rows)
        limit = self.limit("overfit_chance") * (1 if lost else 2)
        return found if enough and size >= limit else None

    @cached_property
    def falls(self) -> float | None:
        """The share of what is left of the loss that went in the last quarter of a training whose
        epochs were over: on validation rows where there are any."""
        if self.record.stopped != "epochs" or self.failed or not self.epochs:
            return None
        best = self.record.best_epoch
        if best is not None and best < self.epochs[-1].epoch:
            return None
        watched = finite(epoch.validation_loss for epoch in self.epochs)
        if len(watched) < len(self.epochs):
            watched = self.losses
        if len(watched) < 5:
            watched = blocks(self.curve, 8)
        fall = late_fall(watched)
        if fall is None or len(watched) < 5 or watched[-1] <= 0:
            return None
        chance = self.chance if self.chance is not None else max(watched)
        share = fall / watched[-1]
        is_some = share >= self.limit("falling") and fall >= self.limit("falling_chance") * chance
        left = watched[-1] >= self.left_to_gain * chance and self._goes_on(chance)
        return share if is_some and left and not self.done else None

    def _goes_on(self, chance: float) -> bool:
        """Whether the training loss too falls, and has something left: else the validation loss
        moves for other reasons."""
        gain, last = self.late_gain, self.final_loss
        if last is None or last < self.limit("falling_train") * chance:
            return False
        return gain is None or gain > self.limit("settled_gain") / 2 or last > chance / 2

    @cached_property
    def room(self) -> bool:
        """Whether there is anything left to gain: on validation rows, where there are any."""
        if self.ails:
            return True
        if not self.settled or self.chance is None or self.done:
            return False
        ends = [self.kept] if self.record.best_epoch is not None and self.kept else self.last_epochs
        held = median(epoch.validation_loss for epoch in ends)
        left = held if held is not None else self.final_loss
        return left is not None and left >= self.left_to_gain * self.chance

    @cached_property
    def left_to_gain(self) -> float:
        """The share of the constant answer's loss that is worth having: of classes the answers do
        not change below it, of numbers it is variance."""
        return self.limit("falling_left") * (1.0 if self.is_classes else 0.5)

    @cached_property
    def unfit(self) -> bool:
        """Whether the network's own training rows leave something to gain."""
        if self.fails_to_fit:
            return True
        return self.settled and self.final_loss is not None and self.chance is not None and \
            self.final_loss >= self.left_to_gain * self.chance

    @cached_property
    def few_steps(self) -> bool:
        """Whether a training that left something to gain had hardly begun."""
        return self.record.stopped == "epochs" and not self.failed and self.unfit and \
            not self.done and 0 < self.steps < self.limit("few_steps")

    @cached_property
    def barely_moved(self) -> bool:
        """Whether steps of a usual length were too few to come far."""
        if self.record.stopped != "epochs" or not self.unfit or self.done or self.travel is None:
            return False
        if self.achieved is not None and self.achieved >= 1:
            return False
        ratio, curve = self.largest_update_ratio, self.curve
        falls = len(curve) >= 2 and curve[-1] < curve[0]
        return falls and ratio is not None and ratio >= self.limit("ratio_low") and \
            self.travel < self.limit("travel")

    @cached_property
    def done(self) -> bool:
        """Whether nothing is left to gain: a score of 1 stays one."""
        scores = finite(e.validation_score if e.validation_score is not None else e.train_score
                        for e in self.epochs[-3:])
        return bool(scores) and min(scores) > 0.985

    @cached_property
    def tried(self) -> bool:
        """Whether training went on long enough for something to be learned."""
        return self.ended or self.steps >= self.limit("tried_steps")

    @cached_property
    def worsened(self) -> bool:
        """Whether the training loss ended far above its best."""
        losses = self.losses
        # In the middle of a training a leap may be made good yet.
        if len(losses) < 3 or self.chance is None or not self.ended:
            return self.failed
        best, last = min(losses), statistics.median(losses[-max(1, len(losses) // 5):])
        return last - best > self.limit("worsened") * self.chance

    @cached_property
    def harm(self) -> str:
        """The harm in words, for evidence; "" where there is none."""
        if self.failed:
            return "the loss became infinite or no number"
        if self.worsened:
            return "the training loss ended far above its best"
        if self.poor:
            return (f"the score on the training rows is {self.score:.3g}, a simple model reaches "
                    f"{self.reference:.3g} on unseen ones")
        if self.weak:
            return (f"the score on validation rows is {self.held_score:.3g}, a simple model "
                    f"reaches {self.reference:.3g} on unseen ones")
        if self.overfits is not None:
            return "the validation loss rises while the training loss falls"
        if self.falls is not None:
            return "the loss is still falling at the end"
        if self.unfit and self.skill is not None and not self.stuck:
            return f"{1 - self.skill:.0%} of a constant answer's loss is left on the training rows"
        if self.stuck:
            share = self.skill if self.skill is not None else self.gain
            return f"training took away {max(0.0, share or 0.0):.0%} of the loss that " + (
                "a constant answer has" if self.skill is not None else "it began with")
        return ""

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
