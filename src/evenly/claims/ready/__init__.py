"""The ready studies: a claim a file, each with its source, its test and its pictures."""

# The order of the tour; what is not named comes after.
ORDER = (
    "zero-weights",
)
