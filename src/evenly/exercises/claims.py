"""What is claimed of what an exercise works out: the studies of `evenly study` that test it.

Exercises know them by name alone; the studies name their exercises. A test holds both sides equal.
"""

from __future__ import annotations

CLAIMS: dict[str, tuple[str, ...]] = {
    "batch-norm": (
        "batch-norm-faster", "covariate-shift", "small-batches", "dropout-before-norm",
        "batch-norm-place", "batch-norm-test-time", "cocktail", "large-batches", "shifted-data",
    ),
    "dropout": (
        "dropout-gap", "dropout-before-norm", "cocktail", "dropout-little-data", "dropout-rates",
        "dropout-scaling", "shifted-data",
    ),
    "dropout-classic": ("dropout-gap", "dropout-scaling"),
    "layer-norm": ("small-batches",),
    "group-norm": ("small-batches",),
    "softmax-cross-entropy": ("other-regularizers",),
    "label-smoothing": ("other-regularizers",),
    "early-stopping": ("other-regularizers",),
    "mixup": ("other-regularizers", "cocktail"),
    "xavier": ("variance-kept",),
    "he": ("first-weights", "variance-kept"),
    "zero-initialization": ("zero-weights",),
    "vanishing-gradients": ("first-weights", "variance-kept", "deep-chain"),
    "exploding-gradients": ("variance-kept", "clipping", "deep-chain"),
    "rnn": ("clipping",),
    "l2": ("l2-gap", "shifted-data"),
    "l1": ("other-regularizers",),
    "weight-decay": ("l2-gap", "decoupled-decay"),
    "max-norm": ("other-regularizers",),
    "gradient-descent": (
        "normalized-inputs", "optimizers", "batch-sizes", "hyperparameters", "optimizers-bowl",
    ),
    "momentum": (
        "optimizers", "adam-generalizes", "adam-generalizes-constructed", "hyperparameters",
        "optimizers-bowl",
    ),
    "rmsprop": ("optimizers", "optimizers-bowl"),
    "adam": ("optimizers", "adam-generalizes", "adam-generalizes-constructed", "optimizers-bowl"),
    "adamw": ("cocktail", "decoupled-decay"),
    "gradient-clipping": ("clipping",),
    "step-decay": ("batches-generalize", "rate-decay", "rate-decay-better"),
    "exponential-decay": ("rate-decay", "rate-decay-better"),
    "inverse-time-decay": ("hyperparameters", "rate-decay", "rate-decay-better"),
    "cosine": ("rate-decay", "rate-decay-better"),
    "input-normalization": ("normalized-inputs", "shifted-data", "test-statistics"),
    "running-averages": ("dropout-before-norm",),
    "mini-batches": ("batch-sizes", "batches-generalize", "hyperparameters"),
    "dropout-expectation": ("dropout-scaling",),
    "batch-statistics": ("small-batches",),
    "gradient-spread": ("batch-sizes",),
    "choosing-batch": ("batch-sizes",),
    "tanh-fan-in": ("variance-kept",),
    "variance-through-layers": ("variance-kept",),
    "matrix-chains": ("deep-chain",),
    "covariate-shift": ("covariate-shift",),
    "scaled-descent": ("normalized-inputs",),
    "l2-conventions": ("l2-gap",),
    "equal-weights": ("zero-weights",),
}


def sentence(topic: str) -> str:
    """Where the claims about a topic are tested; "" where there are none."""
    commands = [f"`evenly study {name}`" for name in CLAIMS.get(topic, ())]
    if not commands:
        return ""
    listed = " and ".join([", ".join(commands[:-1]), commands[-1]] if commands[1:] else commands)
    return f"What is claimed of it, tested on data: {listed}."
