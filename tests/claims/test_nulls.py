"""The benchmark that asks whether a verdict can be an accident, on studies made here."""

import numpy as np
import pytest
from benchmarks.claims import at_the_margin, drawn, null_verdicts, nulls

from evenly.claims import Study, more, run, same

pytestmark = pytest.mark.sweep


def noise(case):
    """No effect of anything: every case has its own number."""
    own = np.random.default_rng([case.seed, int(case["rows"])]).normal()
    return {"score": own + 100.0 * (case["technique"] == "on")}


def study(*parts, **settings):
    parts = parts or (more("score", {"technique": "on"}, than={"technique": "off"}),)
    return Study(**{
        "name": "noise", "claim": "It helps.", "source": "nobody", "measure": noise,
        "factors": {"technique": ("off", "on"), "rows": (1, 2)}, "technique": ("technique",),
        "parts": parts, "blocks": 8, **settings,
    })


def test_nothing_is_found_where_the_technique_is_nothing():
    assert run(study()).verdict == "holds"
    verdicts = null_verdicts(study(), 200, False, 1)
    assert len(verdicts) == 200
    # 0.05 and four standard errors of 200 draws.
    assert sum(verdict != "cannot tell" for verdict in verdicts) / 200 < 0.115


@pytest.mark.parametrize("fresh", [False, True])
def test_the_null_of_the_same_is_an_effect_at_the_margin(fresh):
    part = same("score", {"technique": "on"}, than={"technique": "off"}, margin=50.0)
    verdicts = null_verdicts(study(part), 60, fresh, 1)
    # Without the shift each of them would hold.
    assert sum(verdict != "cannot tell" for verdict in verdicts) / 60 < 0.2
    moved = at_the_margin(study(part), -1, [7.0]).parts[0]
    assert moved.effect(lambda *a, **b: 0.0) == -57.0


def test_a_null_study_takes_each_block_once_and_names_its_arms_by_lot():
    one = study()
    runs = run(one.with_blocks(20)).record.runs
    random = np.random.default_rng(0)
    turned = 0
    for _ in range(20):
        found = drawn(one, runs, 8, random)
        assert len(found) == 8 * 4
        assert {entry.block for entry in found} == set(range(8))
        values = [entry.values["score"] for entry in found]
        assert len(set(values)) == len(values)
        turned += sum(entry.values["score"] > 50 for entry in found
                      if entry.levels["technique"] == "off")
    # Both arms of a block change names together: half of 20 * 8 * 2.
    assert 100 < turned < 220


def test_the_rates_are_printed(capsys):
    rates = nulls([study(), study(name="other", technique=())], 40, False, 1)
    out = capsys.readouterr().out
    assert list(rates) == ["noise"]
    assert "has no technique" in out
    assert "mean over 1 studies" in out
