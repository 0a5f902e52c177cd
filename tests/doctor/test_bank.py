"""The bank that the doctor is measured on: what it takes for true, and how it counts."""

from __future__ import annotations

import dataclasses
import math
from collections import defaultdict

import numpy as np
import pytest
from benchmarks.doctor import cases, data, healthy, measure, networks, others
from benchmarks.doctor.cases import CHOOSE, REPORT, Case
from benchmarks.doctor.networks import Plan
from benchmarks.doctor.outcome import risk, score
from benchmarks.doctor.recipes import RECIPES
from benchmarks.doctor.run import Lines, run
from benchmarks.doctor.truth import prove

from evenly.doctor import KINDS
from evenly.records import EpochSummary, LayerProbe, Probe, TrainingRecord


def sick_candidates():
    return [*cases.sick(CHOOSE), *cases.sick(REPORT)]


def test_there_are_enough_candidates_of_every_recipe_in_both_parts():
    parts = defaultdict(set)
    sick = sick_candidates()
    for case in sick:
        for name, _ in case.recipes:
            parts[name].add(case.part)
    assert set(parts) == set(RECIPES)
    assert all(found == {CHOOSE, REPORT} for found in parts.values()), parts
    assert {kind for recipe in RECIPES.values() for kind in (*recipe.kinds, *recipe.also)} <= set(
        KINDS)
    assert len({(case.part, case.name) for case in sick}) == len(sick) > 750
    sound = [*healthy.healthy(CHOOSE), *healthy.healthy(REPORT)]
    assert {case.trick for case in sound} == {"", *healthy.TRICKS}
    assert len({(case.part, case.name) for case in sound}) == len(sound) > 500


def test_what_is_reported_is_not_seen_while_thresholds_are_chosen():
    parts = {part: [*cases.sick(part), *healthy.healthy(part)] for part in (CHOOSE, REPORT)}
    seen = {(case.data, case.recipes, case.trick, case.seed) for case in parts[CHOOSE]}
    for part, bank in parts.items():
        assert {case.part for case in bank} == {part}
        new = [case for case in bank if case.data in data.REPORT_ONLY
               or case.make()[0].family in networks.REPORT_ONLY]
        assert (len(new) > len(bank) / 3) if part == REPORT else not new
    assert not [case for case in parts[REPORT]
                if (case.data, case.recipes, case.trick, case.seed) in seen]


def test_the_cure_of_a_recipe_is_to_leave_it_out():
    for case in sick_candidates()[::7]:
        plan, made = case.make([name for name, _ in case.recipes])
        assert (plan, made) == (case.plan, data.load(case.data))
        sick_plan, sick = case.make()
        again_plan, again = case.make()
        assert (sick_plan, sick) != (plan, made)
        assert sick_plan == again_plan
        for part in ("x", "y", "watch_x", "watch_y", "judge_x", "judge_y"):
            assert np.array_equal(getattr(sick, part), getattr(again, part))


def test_every_recipe_makes_settings():
    made = {case.recipes[0][0]: case for case in sick_candidates() if len(case.recipes) == 1}
    for case in made.values():
        assert networks.build(*case.make()).epochs >= 1


def test_a_sick_training_is_proved_sick_and_a_sound_one_healthy():
    plan = Plan(epochs=15)
    sound = Case("healthy", CHOOSE, "clusters", plan, (), 0)
    assert prove(sound).gains == {}
    sick = prove(Case("sick", CHOOSE, "clusters", plan, (("symmetric", 0),), 0))
    assert sick.roots == (("symmetric_init",),)
    assert {"symmetric_init", "not_learning"} <= set(sick.true)
    assert "not_learning" not in sick.first


def test_an_ailment_that_does_no_harm_is_none():
    # Batch normalization undoes the scale.
    plan = Plan(norm="batch", epochs=15)
    harmless = prove(Case("scaled", CHOOSE, "clusters", plan, (("scaled twice", 0),), 0))
    assert not harmless.sick
    assert harmless.true == ()


@pytest.mark.parametrize(("right", "of", "low", "high"),
                         [(0, 10, 0.0, 0.2775), (9, 10, 0.5958, 0.9821)])
def test_intervals_are_wilsons(right, of, low, high):
    assert measure.Count(right, of).interval == pytest.approx((low, high), abs=1e-4)


def test_what_is_counted():
    truths = [
        {"case": "a", "sick": True, "roots": [["dead_relu"]], "first": ["dead_relu", "x"],
         "true": ["dead_relu", "x", "not_learning"]},
        {"case": "b", "sick": True, "roots": [["p"], ["q"]], "first": ["p", "q"],
         "true": ["p", "q"]},
        {"case": "healthy", "sick": False, "roots": [], "first": [], "true": []},
        {"case": "healthy 2", "sick": True, "roots": [], "first": [], "true": ["y"]},
        {"case": "c", "sick": False, "roots": [], "first": [], "true": []},
    ]
    found = {"a": ["not_learning", "dead_relu"], "b": ["q", "z"], "healthy": ["q"], "c": ["q"],
             "healthy 2": ["y"]}
    counted = measure.measured(found, truths)
    assert (counted.precision.right, counted.precision.all) == (3, 5)
    assert (counted.recall.right, counted.recall.all) == (2, 3)
    assert (counted.named.right, counted.named.all) == (2, 2)
    assert (counted.first.right, counted.first.all) == (1, 2)
    assert (counted.alarms.right, counted.alarms.all) == (1, 1)
    assert counted.by_kind["dead_relu"].share == 1


def test_no_case_is_run_twice_and_a_cut_line_is_run_again(tmp_path):
    path = tmp_path / "results.jsonl"
    bank = sick_candidates()[:3]
    bank.sort(key=lambda case: cases.share(case.name))
    done = []

    def work(case):
        done.append(case.name)
        return {"value": len(done)}

    run(Lines(path), bank[:2], work, "test")
    path.write_text(path.read_text()[:-5])
    run(Lines(path), bank, work, "test")
    assert done == [bank[0].name, bank[1].name, bank[1].name, bank[2].name]
    assert Lines(path).known[bank[2].name]["value"] == 4


def _record(**changes):
    layers = {"dense_1": LayerProbe(gradient_norm=1e-9, gradient_rms=1e-9, update_ratio=1e-3),
              "dense_2": LayerProbe(gradient_norm=1.0, gradient_rms=0.1, update_ratio=1e-3)}
    probe = Probe(0, 1, 1.0, 1.0, 0.01, 32, layers)
    epochs = tuple(EpochSummary(n, 10, 1.0 / n, 0.3, step_losses=(1.0 / n,)) for n in (1, 2, 3))
    return dataclasses.replace(TrainingRecord(probes=(probe,), epochs=epochs), **changes)


def test_other_rule_sets_read_the_same_records():
    found = {name: others.kinds(name, _record()) for name in others.RULE_SETS}
    assert all(found[name] == ["vanishing_gradient"] for name in
               ("SageMaker Debugger", "TheDeepChecker", "DeepDiagnosis", "neuroscope"))
    assert found["AUTOTRAINER"] == ["vanishing_gradient", "not_learning"]
    assert found["UMLAUT"] == found["gradsnitch"] == []
    burst = others.kinds("AUTOTRAINER", _record(failed_at=(3, "dense_2")))
    assert "exploding_gradient" in burst
    assert others.kinds("UMLAUT", TrainingRecord()) == []


def test_a_constant_answer_has_no_score():
    made = data.load("rings")
    plan = Plan()
    scores = np.zeros((len(made.judge_y), 1))
    assert score(plan, made, scores, made.judge_y) == 0.5
    assert risk(plan, made, scores, made.judge_y) == pytest.approx(1)
    assert risk(Plan(loss="squared"), made, scores, made.judge_y) is None
    assert math.isclose(score(plan, made, 2.0 * made.judge_y[:, None] - 1, made.judge_y), 1)
