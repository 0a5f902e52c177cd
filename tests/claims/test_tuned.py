"""Settings are chosen on what is held out of the training part, and on nothing else."""

import numpy as np
import pytest

from evenly.claims.data import Data
from evenly.claims.study import Case
from evenly.claims.tuned import best_rate, held_out, tuned

pytestmark = pytest.mark.sweep


def case(seed=11, data_seed=12):
    return Case({}, block=0, seed=seed, data_seed=data_seed)


def some_rows(rows=40, classes=2):
    x = np.arange(rows, dtype=np.float32)[:, None]
    y = np.where(np.arange(rows) < rows // 4, 0, 1) if classes > 1 else x[:, 0]
    nothing = np.full((5, 1), np.nan, dtype=np.float32)
    return Data(x, y, nothing, np.zeros(5, y.dtype))


def test_held_out_rows_are_a_quarter_of_each_class_and_of_the_training_part_alone():
    part = held_out(case(), some_rows())
    assert len(part.y_test) == 9
    assert (np.bincount(part.y_test) == [2, 7]).all()
    both = np.concatenate([part.x, part.x_test])[:, 0]
    assert sorted(both) == list(range(40))


def test_numbers_are_held_out_whatever_they_are():
    part = held_out(case(), some_rows(classes=1))
    assert len(part.y_test) == 10


def test_cases_of_a_block_hold_out_the_same_rows_and_other_blocks_do_not():
    rows = [held_out(one, some_rows()).x_test.tolist()
            for one in (case(), case(seed=99), case(data_seed=13))]
    assert rows[0] == rows[1] != rows[2]


def test_trials_have_seeds_of_their_own_and_their_mean_counts():
    seen = []

    def trial(one, part, setting):
        seen.append(one.seed)
        return setting + one.seed

    found = tuned(case(), some_rows(), (5.0, 2.0), trial, seeds=3)
    assert found.best == 2.0
    assert found.losses == (5 + 13, 2 + 13)
    assert seen == [12, 13, 14] * 2


@pytest.mark.parametrize("decades", [-1.9, -0.8, 0.0, 0.3, 1.4])
def test_the_best_rate_is_found_wherever_it_is(decades):
    found = best_rate(case(), some_rows(), 0.1, lambda _, part, rate:
                      abs(np.log10(rate) + 1 - decades), seeds=1)
    assert abs(np.log10(found.best) + 1 - decades) <= 0.13
    assert list(found.tried) == sorted(found.tried)
    assert found.losses[found.tried.index(found.best)] == min(found.losses)


def test_the_search_for_a_rate_ends_where_it_only_falls():
    found = best_rate(case(), some_rows(), 1.0, lambda _, part, rate: -rate, seeds=1, furthest=3)
    assert found.best == pytest.approx(10**1.75)
