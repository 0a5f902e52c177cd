"""What doctests find without importing it."""

import numpy as np
import pytest

import evenly as ev


@pytest.fixture(autouse=True)
def _names_of_docstrings(doctest_namespace):
    doctest_namespace["np"] = np
    doctest_namespace["Run"] = ev.Run
    for module in ("layers", "losses", "optimizers", "penalties", "clipping", "scaling"):
        home = __import__(f"evenly.{module}", fromlist=["_"])
        doctest_namespace.update({k: v for k, v in vars(home).items() if not k.startswith("_")})
