"""Which training is shown for each kind of finding, and what of it."""

from __future__ import annotations

from dataclasses import replace

from ..networks import Plan
from .curves import (
    CLIPPED,
    FIRST_STEPS,
    LOSS,
    MODES,
    NORMS,
    PROMISED,
    SCORE,
    SIMPLE,
    layers,
)
from .torch_twins import TorchTwins
from .twins import Twins
from .views import DESCENT, FOUND, Answers, Beside, Columns, OneBatch, Profile

MLP = Plan(units=24, depth=2, batch=16, epochs=30)
NORMED = replace(MLP, norm="batch", batch=32)
SLOW = replace(MLP, activation="sigmoid", optimizer="sgd")
GRADIENTS = Profile("output_gradient", "gradient at each layer")
UPDATES = "update over weight, by layer"

PICTURES = {twins.kind: twins for twins in (
    Twins("inputs_constant", (LOSS, Columns()), "clusters", MLP, ("constant", 1), undo=True),
    TorchTwins("labels_wrong_range", (LOSS,), "rings"),
    Twins("labels_corrupted", (SCORE,), "clusters", replace(MLP, epochs=40), ("shuffled", 2),
          undo=True),
    Twins("rows_coupled", (SCORE, Beside()), "clusters", MLP, ("mixed rows", 0), undo=True),
    Twins("gradient_sign", (LOSS, DESCENT), "clusters", MLP, ("wrong sign", 0), undo=True),
    Twins("output_activation_wrong", (LOSS, Answers()), "friedman", MLP, ("bounded output", 0)),
    Twins("loss_wrong", (FOUND,), "flipped clusters", MLP, ("wrong loss", 0)),
    Twins("inputs_scaled_twice", (LOSS, Columns()), "rings",
          replace(MLP, optimizer="momentum", rate=0.03), ("scaled twice", 1)),
    Twins("inputs_not_scaled", (LOSS, Columns()), "clusters",
          replace(MLP, optimizer="momentum", rate=0.03), ("unscaled", 0)),
    Twins("targets_not_scaled", (SCORE, Answers()), "friedman", MLP, ("numbers", 0)),
    Twins("train_test_mismatch", (SCORE, Columns(with_validation=True)), "clusters", MLP,
          ("mismatch", 1), undo=True),
    Twins("validation_leaks", (PROMISED,), "moons", replace(MLP, units=48, epochs=40),
          ("leak", 1), undo=True),
    Twins("class_imbalance", (FOUND,), "rings", replace(MLP, optimizer="sgd", rate=0.05),
          ("imbalance", 1)),
    Twins("symmetric_init", (LOSS, layers("twin_share", "share of twin units, by layer", "twins",
                                          is_share=True)), "clusters", MLP, ("symmetric", 1)),
    Twins("bad_init_scale", (LOSS, Profile("deviation", "spread of the outputs at each layer",
                                           ("relu", "dense"))),
          "clusters", replace(MLP, depth=4), ("small weights", 1)),
    Twins("missing_activations", (SIMPLE,), "rings", MLP, ("no activations", 0)),
    Twins("rate_too_high", (LOSS, layers("update_ratio", UPDATES, "ratio_high")), "clusters", MLP,
          ("rate high", 1)),
    Twins("exploding_gradient", (LOSS, NORMS), "waves",
          Plan("gru", units=8, depth=1, activation="tanh", rate=0.01, batch=32, epochs=30),
          ("recurrent weights", 2), undo=True, seed=4384),
    Twins("batch_too_small", (MODES,), "clusters", NORMED, ("batches of two", 0)),
    Twins("batch_norm_mismatch", (MODES, layers("variance_gap",
                                                "running against batch variance", "variance_gap")),
          "stripes", replace(NORMED, family="cnn", units=8, epochs=15), ("lagging", 1)),
    Twins("dropout_too_strong", (MODES,), "clusters", MLP, ("dropout", 1)),
    Twins("over_regularized", (LOSS, layers("weight_norm", "size of the weights, by layer")),
          "clusters", MLP, ("penalty", 0)),
    Twins("clipping_always", (LOSS, CLIPPED), "clusters",
          replace(MLP, optimizer="sgd", rate=0.2), ("clipped", 1)),
    Twins("saturation", (LOSS, layers("saturated_share", "share of saturated outputs",
                                      "saturated", is_share=True)), "clusters",
          replace(MLP, activation="tanh"), ("saturated", 1)),
    Twins("dead_relu", (LOSS, layers("dead_share", "share of dead units, by layer", "dead_units",
                                     is_share=True, kinds=("relu",))),
          "clusters", MLP, ("dead", 1)),
    Twins("vanishing_gradient", (LOSS, GRADIENTS), "clusters",
          replace(MLP, optimizer="sgd", rate=0.2), ("deep sigmoid", 1)),
    Twins("rate_too_low", (LOSS, layers("update_ratio", UPDATES, "ratio_low")), "clusters", MLP,
          ("rate low", 1)),
    Twins("underfitting_capacity", (SIMPLE,), "rings", MLP, ("few units", 0)),
    Twins("oscillation", (LOSS,), "clusters",
          replace(MLP, activation="leaky_relu", depth=1, epochs=40), ("momentum", 0)),
    Twins("overfitting", (LOSS,), "flipped clusters", MLP, ("too long", 1)),
    Twins("undertrained", (LOSS,), "friedman", MLP, ("too short", 2)),
    Twins("divergence", (FIRST_STEPS,), "friedman",
          replace(MLP, optimizer="sgd", rate=0.5), seed=1),
    Twins("cannot_memorize", (OneBatch(),), "digits", replace(SLOW, rate=0.02, epochs=60)),
    Twins("not_learning", (LOSS,), "digits", replace(SLOW, rate=0.005, epochs=100)),
)}
