"""How many seeds a sweep tries: a tenth, or with EVENLY_ALL_SEEDS=1 all of them."""

import os


def many(seeds):
    """The seeds from 0, of so many."""
    return range(seeds if os.environ.get("EVENLY_ALL_SEEDS") else max(10, seeds // 10))
