"""How often each kind of finding was true, on the part of the bank that thresholds come from."""

from __future__ import annotations

# Kind: (times it was true, times it was said). Of ``python -m benchmarks.doctor``.
CONFIRMED: dict[str, tuple[int, int]] = {
    "bad_init_scale": (70, 74), "batch_norm_mismatch": (14, 14), "batch_too_small": (10, 10),
    "class_imbalance": (14, 14), "clipping_always": (16, 16), "dead_relu": (16, 17),
    "dropout_too_strong": (16, 17), "exploding_gradient": (1, 1), "gradient_sign": (27, 27),
    "inputs_constant": (17, 17), "inputs_not_scaled": (16, 16), "inputs_scaled_twice": (12, 13),
    "labels_corrupted": (17, 17), "loss_wrong": (7, 10), "missing_activations": (8, 9),
    "output_activation_wrong": (64, 65), "over_regularized": (42, 43), "overfitting": (18, 20),
    "rate_too_high": (28, 29), "rate_too_low": (16, 16), "rows_coupled": (22, 22),
    "symmetric_init": (15, 15), "targets_not_scaled": (17, 17), "train_test_mismatch": (18, 18),
    "underfitting_capacity": (19, 19), "undertrained": (26, 30), "validation_leaks": (11, 11),
    "vanishing_gradient": (8, 10),
}
# What a rule thinks of its evidence counts as so many runs of the bank.
WEIGHT = 10


def confidence(kind: str, believed: float) -> float:
    """The share of the bank's runs with this finding in which it was true, drawn towards what its
    evidence seems worth where the bank has few of them.

    Example:
        >>> round(confidence("bad_init_scale", 0.9), 2)
        0.94
    """
    right, said = CONFIRMED.get(kind, (0, 0))
    return (right + WEIGHT * believed) / (said + WEIGHT)
