"""What doctests find without importing it."""

import gc
import os

# Several workers share the processors: threads that wait for one another, busily, while somebody
# else has theirs cost more than all else. Read when the libraries load.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # What is collected lives to the end: searching it for garbage takes a part of the time.
    gc.disable()

import numpy as np
import pytest
from hypothesis import settings

import evenly as ev

# The gate asks the same questions each time; elsewhere Hypothesis goes on looking for new ones.
settings.register_profile("gate", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("gate")



def pytest_collection_finish():
    gc.enable()
    gc.freeze()


@pytest.fixture(autouse=True, scope="session")
def _names_of_docstrings(doctest_namespace):
    doctest_namespace["np"] = np
    doctest_namespace["Run"] = ev.Run
    for module in ("augmentation", "initializers", "layers", "losses", "optimizers", "schedules",
                   "penalties", "clipping", "constraints", "scaling"):
        home = __import__(f"evenly.{module}", fromlist=["_"])
        doctest_namespace.update({k: v for k, v in vars(home).items() if not k.startswith("_")})
