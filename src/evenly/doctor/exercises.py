"""What to work by hand for each kind of finding: topics of ``evenly exercise``."""

from __future__ import annotations

EXERCISES = {
    "batch_norm_mismatch": "running-averages",
    "batch_too_small": "batch-norm",
    "bad_init_scale": "he",
    "class_imbalance": "softmax-cross-entropy",
    "clipping_always": "gradient-clipping",
    "dead_relu": "relu",
    "divergence": "gradient-descent",
    "dropout_too_strong": "dropout",
    "exploding_gradient": "exploding-gradients",
    "gradient_sign": "gradient-descent",
    "inputs_not_scaled": "input-normalization",
    "inputs_scaled_twice": "input-normalization",
    "loss_wrong": "softmax-cross-entropy",
    "missing_activations": "linear-net",
    "oscillation": "momentum",
    "output_activation_wrong": "softmax-cross-entropy",
    "over_regularized": "l2",
    "rate_too_high": "gradient-descent",
    "rate_too_low": "gradient-descent",
    "saturation": "sigmoid",
    "symmetric_init": "zero-initialization",
    "train_test_mismatch": "input-normalization",
    "vanishing_gradient": "vanishing-gradients",
}
