"""Each rule on records made by hand: it speaks where its kind is there, and is silent on twins."""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenly import records as rec
from evenly.doctor import KINDS, diagnose
from evenly.doctor.findings import RULES
from evenly.doctor.thresholds import LIMITS
from evenly.doctor.verdict import EXPLAINS

from .cases import record
from .sick import HEALTHY, SICK


def test_every_rule_has_a_sick_record():
    assert set(SICK) == set(KINDS)


@pytest.mark.parametrize(("kind", "number"),
                         [(kind, i) for kind, made in SICK.items() for i in range(len(made))])
def test_a_sick_record_is_found(kind, number):
    diagnosis = diagnose(SICK[kind][number])
    assert diagnosis.findings, "nothing was found"
    assert diagnosis.findings[0].kind == kind, str(diagnosis)
    check_form(diagnosis)


@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_record_is_left_alone(name):
    diagnosis = diagnose(HEALTHY[name])
    assert diagnosis.healthy, str(diagnosis)
    assert not diagnosis.consequences, str(diagnosis.consequences)


def check_form(diagnosis):
    for finding in (*diagnosis.findings, *diagnosis.consequences):
        assert finding.kind in KINDS
        assert 0 < finding.confidence <= 1
        assert finding.evidence
        assert all(e.text.endswith(".") and "None" not in e.text for e in finding.evidence)
        assert finding.why.count(". ") >= 1 or finding.why.count(".") >= 2
        assert finding.source
        assert finding.cures
        assert all(cure.text.endswith(".") for cure in finding.cures)
        if finding.steps is not None:
            assert 0 <= finding.steps[0] <= finding.steps[1]
    json.loads(diagnosis.to_json())
    assert str(diagnosis)
    assert diagnosis._repr_html_()


def test_an_empty_record_is_healthy():
    assert diagnose(rec.TrainingRecord()).healthy


def test_a_threshold_can_be_given():
    found = diagnose(record(shared_rows=0.05), {"leak": 0.01})
    assert found.findings[0].kind == "validation_leaks"
    assert diagnose(record(shared_rows=0.05)).healthy


def test_the_tables_name_kinds_alone():
    kinds = {rule.kind for rule in RULES}
    assert len(kinds) == len(RULES)
    assert set(EXPLAINS) <= kinds
    assert {kind for explained in EXPLAINS.values() for kind in explained} <= kinds


def test_nothing_explains_itself_around_a_corner():
    for kind, explained in EXPLAINS.items():
        for other in explained:
            assert kind not in EXPLAINS.get(other, ()), f"{kind} and {other} explain each other"


def test_every_threshold_is_used_and_reasoned(request):
    from pathlib import Path

    import evenly.doctor

    folder = Path(evenly.doctor.__file__).parent
    text = "".join(p.read_text() for p in folder.rglob("*.py") if p.name != "thresholds.py")
    for name, limit in LIMITS.items():
        assert f"\"{name}\"" in text, name
        assert limit.why


# Odd records

numbers = st.one_of(st.none(), st.floats(width=32), st.sampled_from([0.0, 1.0, -1.0, 1e300,
                                                                     math.inf, math.nan]))
shares = st.one_of(st.none(), st.floats(0, 1))
names = st.sampled_from(["dense_1", "relu_1", "dense_2", "tanh_1", "lstm_1", "batch_norm_1", "x"])
floats = st.one_of(st.floats(), st.sampled_from([0.0, 1.0]))
targets = st.builds(
    rec.TargetSummary, st.sampled_from(["classes", "labels", "numbers"]), st.integers(0, 5),
    st.lists(st.floats(0, 1), max_size=5).map(tuple), floats, floats, floats, floats,
    st.integers(0, 1000), st.booleans(), st.booleans())
cells = st.builds(rec.ColumnSummary, st.integers(0, 5), floats, floats, floats, floats,
                  st.tuples(floats, floats, floats), st.integers(0, 100))
data = st.builds(
    rec.DataSummary, st.integers(0, 1000), st.lists(cells, max_size=4).map(tuple),
    st.integers(0, 10), targets, st.integers(0, 3), st.booleans(), st.floats(0, 1), st.floats(0, 1),
    numbers, numbers, numbers, numbers)
layers = st.builds(
    rec.LayerInfo, names, st.sampled_from(rec.network.KINDS),
    st.lists(st.one_of(names, st.just("data")), max_size=2).map(tuple),
    st.lists(st.integers(0, 9), max_size=2).map(tuple), st.one_of(st.none(), st.integers(0, 9)),
    st.one_of(st.none(), st.integers(0, 9)), st.booleans(),
    st.dictionaries(st.sampled_from(["rate", "decay", "dropout"]),
                    st.one_of(st.none(), st.floats(0, 1), st.just("?"), st.booleans())))
networks = st.builds(rec.NetworkInfo, st.lists(layers, max_size=6, unique_by=lambda la: la.name)
                     .map(tuple), st.just((8,)), st.integers(0, 100),
                     st.lists(names, max_size=2).map(tuple))
looks = st.builds(rec.LayerProbe, *[numbers] * 9, st.one_of(st.none(), st.integers(0, 5)),
                  *[numbers] * 10)
probe = st.builds(rec.Probe, st.integers(0, 500), st.integers(1, 9), floats, numbers, numbers,
                  st.integers(0, 64), st.dictionaries(names, looks, max_size=4))
epoch = st.builds(
    rec.EpochSummary, st.integers(1, 50), st.integers(0, 50), floats, numbers, numbers, numbers,
    numbers, numbers, st.lists(floats, max_size=4).map(tuple), numbers, numbers, shares, floats,
    numbers, st.lists(st.floats(0, 1), max_size=5).map(tuple))
losses = st.builds(rec.LossInfo, st.sampled_from(
    ["softmax_cross_entropy", "binary_cross_entropy", "cross_entropy_of_probabilities", "nll",
     "binary_cross_entropy_of_probabilities", "squared_error", "absolute_error", "other"]))
optimizers = st.builds(
    rec.OptimizerInfo, st.sampled_from(["sgd", "adam", "other"]), floats,
    st.dictionaries(st.just("weight_decay"), st.one_of(st.none(), st.floats(0, 1))), st.just(""),
    st.sampled_from(["", "global_norm", "value"]), numbers, st.sampled_from(["", "l2"]), numbers)
odd = st.builds(
    rec.TrainingRecord, st.just("plain"), st.one_of(st.none(), networks),
    st.one_of(st.none(), losses), st.one_of(st.none(), optimizers),
    st.one_of(st.none(), st.integers(0, 64)), st.dictionaries(names, st.integers(0, 64)),
    st.one_of(st.none(), data), st.one_of(st.none(), data), numbers, st.booleans(),
    st.one_of(st.none(), st.builds(rec.Checks, numbers, numbers, numbers, numbers,
                                   st.one_of(st.none(), st.integers(0, 100)), *[numbers] * 4)),
    st.lists(probe, max_size=5).map(tuple), st.lists(epoch, max_size=12).map(tuple),
    st.one_of(st.none(), st.integers(0, 12)), st.sampled_from(["", "epochs", "diverged"]),
    st.one_of(st.none(), st.tuples(st.integers(0, 99), names)))


@pytest.mark.sweep
@settings(max_examples=300, deadline=None)
@given(odd)
def test_odd_records_raise_nothing(made):
    check_form(diagnose(made))


def test_each_finding_leads_to_an_exercise_that_there_is():
    from evenly.doctor.exercises import EXERCISES
    from evenly.exercises import CATALOGUE

    kinds = {rule.kind for rule in RULES}
    assert set(EXERCISES) <= kinds
    assert set(EXERCISES.values()) <= set(CATALOGUE)
