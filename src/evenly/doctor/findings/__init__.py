"""The rules: one kind of finding a file, whose name is the kind.

A rule looks at a :class:`~evenly.doctor.measures.Case` and yields what it sees. To add one: its
file, a row here, its place in ``verdict.py`` (what it explains), a row in the bank and in
``docs/doctor-kinds.md``, a section in a ``docs/findings-*.md`` and its picture
(``benchmarks/doctor/pictures``).
"""

from __future__ import annotations

from . import (
    bad_init_scale,
    batch_norm_mismatch,
    batch_too_small,
    cannot_memorize,
    class_imbalance,
    clipping_always,
    dead_relu,
    divergence,
    dropout_too_strong,
    exploding_gradient,
    gradient_sign,
    inputs_constant,
    inputs_not_scaled,
    inputs_scaled_twice,
    labels_corrupted,
    labels_wrong_range,
    loss_wrong,
    missing_activations,
    not_learning,
    oscillation,
    output_activation_wrong,
    over_regularized,
    overfitting,
    rate_too_high,
    rate_too_low,
    rows_coupled,
    saturation,
    symmetric_init,
    targets_not_scaled,
    train_test_mismatch,
    underfitting_capacity,
    undertrained,
    validation_leaks,
    vanishing_gradient,
)
from .base import Rule as Rule

# In the order of causes: data, network, steps, fit.
RULES: tuple[Rule, ...] = tuple(module.RULE for module in (
    inputs_constant, labels_wrong_range, labels_corrupted, rows_coupled, gradient_sign,
    output_activation_wrong, loss_wrong, inputs_scaled_twice, inputs_not_scaled,
    targets_not_scaled, train_test_mismatch, validation_leaks, class_imbalance, symmetric_init,
    bad_init_scale, missing_activations, rate_too_high, exploding_gradient, batch_too_small,
    batch_norm_mismatch, dropout_too_strong, over_regularized, clipping_always, saturation,
    dead_relu, vanishing_gradient, rate_too_low, underfitting_capacity, oscillation, overfitting,
    undertrained, divergence, cannot_memorize, not_learning,
))
KINDS = tuple(rule.kind for rule in RULES)
