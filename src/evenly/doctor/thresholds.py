"""Every threshold of the rules, with the reason for its size.

They were chosen on the choosing part of the bank (``benchmarks/doctor``) and stay as they are on
the other. None is an absolute size of a loss, a gradient or a weight: those have no natural scale.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limit:
    """A threshold.

    Attributes:
        value: the number.
        why: the reason for its size.
    """

    value: float
    why: str


LIMITS: dict[str, Limit] = {
    # Harm
    "settled_epochs": Limit(8, "fewer epochs show no plateau"),
    "settled_gain": Limit(0.01, "a last quarter that brings a hundredth of the whole fall is flat"),
    "tried_steps": Limit(100, "a network that needs more steps for a first gain is rare"),
    "stuck_skill": Limit(0.05, "a constant answer has 0; warm-up and noise reach some percent"),
    "stuck_gain": Limit(0.02, "the first loss is often above the constant answer's, so any "
                              "training takes away some percent of it"),
    "stuck_achieved": Limit(0.5, "half of what a simple model reaches is not nothing"),
    "learnable": Limit(0.1, "below a tenth of what a perfect score has, chance decides"),
    "poor_achieved": Limit(0.9, "training rows flatter a network, unseen ones do not flatter a "
                                "simple model: a healthy one is above 1"),
    "poor_margin": Limit(0.02, "what differs by less is of no use to anybody"),
    "weak_margin": Limit(0.03, "likewise, on validation rows"),
    "worsened": Limit(0.2, "of the constant answer's loss: swings of a healthy end are smaller"),
    # Data
    "inputs_large": Limit(8.0, "standardized inputs have 1, of pixels of 0 to 1 less; 8 deviations "
                               "saturate what they meet"),
    "inputs_large_before": Limit(30.0, "before training there is no harm to see yet: only what "
                                       "ails nearly any network"),
    "inputs_small": Limit(0.03, "weights drawn for inputs of size 1 need 30 times the size"),
    "inputs_unequal": Limit(100.0, "largest over typical deviation: the loss is 100^2 times as "
                                   "curved along one input as along another"),
    "inputs_far_out": Limit(1e3, "quartile ranges from the middle: heavy tails end before"),
    "inputs_offset": Limit(10.0, "mean over deviation: the common part outweighs what differs"),
    "scaled_twice_alike": Limit(4.0, "scaled twice by one number, columns stay alike; natural "
                                     "small units differ"),
    "constant_share": Limit(0.95, "of the columns; pixels at the rim are constant in good data"),
    "constant_most": Limit(0.6, "likewise, where the result leaves something to be had"),
    "constant_rows": Limit(0.95, "of the rows equal to others"),
    "targets_large": Limit(10.0, "a network's first answers are of size 1"),
    "targets_small": Limit(0.03, "likewise: steps of a usual rate are larger than the targets"),
    "mismatch_shift": Limit(0.45, "deviations between the means of the two parts, the median over "
                                 "the columns: splits at random differ by a tenth of that"),
    "mismatch_scale": Limit(1.5, "ratio of the two parts' deviations, the median over the columns"),
    "mismatch_harm": Limit(0.1, "a score that much lower on the validation rows"),
    "imbalance": Limit(8.0, "most over least frequent class: below that nothing is ignored"),
    "imbalance_before": Limit(10.0, "before training there is no harm to see yet, so more of it"),
    "imbalance_ignored": Limit(0.2, "of a class's share: what is answered more is not ignored"),
    "imbalance_errors": Limit(0.15, "of the rare rows: that many may be among the wrong answers"),
    "contradictions": Limit(0.1, "of the rows: labels drawn by chance disagree far more often"),
    "leak": Limit(0.1, "of the validation rows; equal rows occur in honest tables too"),
    "leak_above_equal": Limit(2.0, "times the share of equal rows within the training rows"),
    # Network
    "gain_low": Limit(0.3, "weight's deviation times the root of the fan: 1 to 1.4 keeps the size"),
    "gain_high": Limit(4.0, "likewise; embeddings and gains of 5/3 are below"),
    "gain_through": Limit(10.0, "of all layers together, beyond 1.4 or Glorot's 1 each: a few "
                                "layers a little off add up to that"),
    "spread_low": Limit(0.02, "outputs of the last hidden layer that hardly depend on the inputs"),
    "spread_high": Limit(20.0, "outputs 20 times the inputs' size saturate any loss"),
    "first_loss": Limit(3.0, "times the constant answer's: an untouched network should not be "
                             "surer than it can be"),
    "twins": Limit(0.5, "of a layer's units: drawn weights are never equal"),
    "dead_units": Limit(0.5, "of a layer's units; sparse layers that live keep most of theirs"),
    "dead_all": Limit(0.9, "of a layer's units: next to nothing passes"),
    "saturated": Limit(0.4, "of a layer's outputs; trained networks saturate some of them"),
    "vanishing": Limit(1e-2, "the first layer's gradient over the last's"),
    "exploding": Limit(1e2, "likewise"),
    "gradient_jump": Limit(30.0, "an epoch's largest gradient over its mean"),
    # Steps
    "ratio_high": Limit(0.1, "update over weight; 0.001 to 0.01 is usual, and ten steps of 0.1 "
                             "make a kernel forget where it was"),
    "ratio_forgets": Limit(0.3, "likewise: three steps, and nothing is left of the first weights; "
                                 "twice that where the result leaves nothing to be had"),
    "ratio_low": Limit(1e-3, "update over weight of the layer that moves most"),
    "few_steps": Limit(20, "steps: nothing is learned in so few"),
    "travel": Limit(0.6, "update over weight times steps: kernels that stay close to where they "
                         "began have learned little"),
    "swing_turns": Limit(0.4, "of the epochs: a random walk has two thirds, a steady fall none"),
    "swing_size": Limit(0.25, "of the loss's level: what batches alone do is smaller"),
    "clipped": Limit(0.9, "of the steps"),
    "clip_tight": Limit(0.2, "limit over the gradients' norm: the steps are that much too short"),
    # Fit
    "falling": Limit(0.06, "of the loss, in the last quarter of the epochs"),
    "falling_chance": Limit(0.03, "of the constant answer's loss: below it is of no use"),
    "falling_train": Limit(0.05, "likewise, on training rows: there must be something to learn"),
    "falling_left": Limit(0.2, "of the constant answer's loss: where less is left, there is little "
                               "to gain"),
    "overfit_rise": Limit(0.15, "of the best validation loss"),
    "overfit_chance": Limit(0.2, "of the constant answer's loss; twice that if no answer is lost"),
    "overfit_drop": Limit(0.03, "of the score, from its best: answers that are lost"),
    "overfit_variance": Limit(0.1, "likewise of squared errors: a tenth of the variance"),
    "overfit_rows": Limit(10, "such rises over the rows: one row alone comes to a handful"),
    "overfit_above": Limit(0.05, "of the score: rows learned by heart beat any simple model"),
    "overfit_gap": Limit(0.1, "of the score, beyond noise"),
    "penalty_share": Limit(0.5, "of the cost: the weights matter more than the data"),
    "weights_shrunk": Limit(0.3, "of their first norm"),
    "dropout_in_front": Limit(0.4, "of what a normalization reads: its variance is then 1.7 times "
                                   "that of inference"),
    "decay_step": Limit(0.02, "of the weights at a step: half of them are gone after 34 steps"),
    "dropout": Limit(0.6, "units kept are fewer than dropped; half is usual"),
    "mode_gap": Limit(0.25, "of the constant answer's loss: inference above training, where "
                            "dropout makes training's the higher one"),
    "variance_gap": Limit(0.5, "of the logarithm: a factor of 1.6 between the two variances"),
    "batch_norm_rows": Limit(8, "statistics of fewer rows are noise"),
    "coupled": Limit(1e-4, "gradient of one row on another: rounding is smaller"),
    "descent": Limit(-0.1, "change over what the gradient foretells: curvature does not turn it"),
}
