"""The ready studies: a claim a file, each with its source, its test and its pictures."""

# What `evenly study` runs without arguments, in this order.
TOUR = (
    "zero-weights",
    "first-weights",
    "variance-kept",
    "normalized-inputs",
    "batch-norm-faster",
    "covariate-shift",
    "small-batches",
    "dropout-gap",
    "dropout-before-norm",
    "l2-gap",
    "optimizers",
    "clipping",
)
