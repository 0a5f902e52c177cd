"""What the rules ask of a record, measured once: how far a training came, and whether it ails.

All measures are free of scale: losses against the loss of the best constant answer, scores against
what simple models reach on the same rows, updates against weights. A measure is None where the
record does not hold what it needs.
"""

from __future__ import annotations

import math
import statistics
from functools import cached_property

from .curves import Rise, blocks, late_fall, rise
from .curves import swings as swings
from .learned import ADAPTIVE as ADAPTIVE
from .learned import CROSS_ENTROPIES as CROSS_ENTROPIES
from .learned import ERRORS as ERRORS
from .learned import FROM_PROBABILITIES as FROM_PROBABILITIES
from .learned import FROM_SCORES as FROM_SCORES
from .learned import LIKELIHOODS as LIKELIHOODS
from .learned import SOFTMAXES as SOFTMAXES
from .learned import Learned
from .reading import finite as finite
from .reading import median as median


class Case(Learned):
    """A record, what is measured of it, and the harm that was done.

    Arguments:
        record: of a training, or of one that is about to begin.
        limits: thresholds other than those of the table, by name.
    """

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
        level = found.low
        if self.loss_kind in LIKELIHOODS:  # its lowest is not 0: what was gained tells its size
            level = max(abs(found.low), held[0] - found.low)
        scale = self.chance if self.chance is not None else level
        size = found.size / scale
        if found.size < self.limit("overfit_rise") * level:
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
