"""Small data and a small space: what is tested is the search, not the networks."""

import numpy as np
import pytest

import evenly as ev


@pytest.fixture
def rows():
    """(160, 3) rows, two classes of them."""
    random = np.random.default_rng(0)
    x = random.normal(size=(160, 3))
    return x, (x[:, 0] * x[:, 1] + 0.3 * random.normal(size=160) > 0).astype(int)


@pytest.fixture
def net():
    return ev.NetClassifier((16, 8), max_epochs=12, batch=32, effort="fast", random_state=0)


SPACE = {
    "learning_rate": {"low": 1e-4, "high": 0.5, "log": True},
    "units": {"low": 4, "high": 32},
    "norm": ["batch", "layer", "none"],
    "momentum": {"low": 0.8, "high": 0.95},
}


def kept(found):
    """All of a search that does not depend on the clock."""
    return [(t.number, t.settings, t.state, t.score, t.scores, t.curve, t.why)
            for t in found.record.trials]
