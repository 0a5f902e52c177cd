"""How often each kind of finding was true, on the part of the bank that thresholds come from."""

from __future__ import annotations

# Kind: (times it was true, times it was said). Of ``python -m benchmarks.doctor``.
CONFIRMED: dict[str, tuple[int, int]] = {
    "bad_init_scale": (30, 31), "batch_norm_mismatch": (8, 8), "batch_too_small": (2, 2),
    "class_imbalance": (2, 2), "clipping_always": (9, 9), "dead_relu": (9, 9),
    "dropout_too_strong": (5, 6), "exploding_gradient": (1, 1), "gradient_sign": (12, 12),
    "inputs_constant": (5, 5), "inputs_not_scaled": (5, 5), "inputs_scaled_twice": (7, 8),
    "labels_corrupted": (6, 6), "loss_wrong": (3, 4), "missing_activations": (4, 5),
    "output_activation_wrong": (25, 26), "over_regularized": (17, 17), "overfitting": (11, 12),
    "rate_too_high": (14, 14), "rate_too_low": (9, 9), "rows_coupled": (7, 7),
    "symmetric_init": (6, 6), "targets_not_scaled": (6, 6), "train_test_mismatch": (8, 8),
    "underfitting_capacity": (6, 6), "undertrained": (13, 13), "validation_leaks": (5, 5),
    "vanishing_gradient": (3, 3),
}
# What a rule thinks of its evidence counts as so many runs of the bank.
WEIGHT = 10


def confidence(kind: str, believed: float) -> float:
    """The share of the bank's runs with this finding in which it was true, drawn towards what its
    evidence seems worth where the bank has few of them.

    Example:
        >>> round(confidence("bad_init_scale", 0.9), 2)
        0.95
    """
    right, said = CONFIRMED.get(kind, (0, 0))
    return (right + WEIGHT * believed) / (said + WEIGHT)
