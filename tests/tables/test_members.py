"""Several networks of one fit, and fits that have a time, for tables."""

import numpy as np
import pytest

import evenly as ev
from evenly.errors import ConfigurationError
from evenly.tables import TableClassifier, TableRegressor

from .test_table_estimators import QUICK, mixed


@pytest.mark.parametrize("kind", [TableClassifier, TableRegressor])
def test_members_are_one_model(kind, tmp_path):
    table, number, word = mixed()
    y = word if kind is TableClassifier else number
    several, one = (kind(**QUICK, members=count).fit(table, y) for count in (3, 1))
    assert len(several.members_) == 3
    assert not several.time_ran_out_
    first = several.members_[0].weights
    assert all(np.array_equal(first[name], array) for name, array in one.model_.weights.items())
    assert several.held_out_.tolist() == one.held_out_.tolist()
    ev.save(tmp_path / "several.evenly", several)
    again = ev.load(tmp_path / "several.evenly")
    np.testing.assert_array_equal(again.predict(table), several.predict(table))
    assert len(again.members_) == 3


def test_a_time_that_runs_out():
    table, number, _ = mixed()
    settings = {**QUICK, "max_epochs": 5000, "members": 3}
    model = TableRegressor(**settings, time_limit=1e-6).fit(table, number)
    assert model.time_ran_out_
    assert len(model.members_) == 1
    with pytest.raises(ConfigurationError, match="time_limit must be a number of seconds"):
        TableRegressor(**QUICK, time_limit=-1).fit(table, number)
