"""Every ready study: what it names exists, and one block of it runs."""

import re

import pytest

import evenly as ev
from evenly.claims import load, names
from evenly.claims import ready as room
from evenly.claims.catalog import tour
from evenly.claims.measures import Measures
from evenly.claims.records import RunRecord
from evenly.claims.runs import Measured
from evenly.exercises import CATALOGUE, exercise
from evenly.exercises.claims import CLAIMS

pytestmark = pytest.mark.sweep

ALL = names()
VERDICTS = ("holds", "fails", "cannot tell")


@pytest.fixture(scope="module")
def block():
    """The runs of the first block of a study, each study's made once."""
    made = {}

    def of(study):
        if study.name not in made:
            measured = Measured(study)
            cases = [case for case in study.cases() if case.block == 0]
            made[study.name] = [RunRecord(case.levels, 0, measured(case)) for case in cases]
        return made[study.name]

    return of


def test_the_tour():
    assert ALL[: len(room.TOUR)] == room.TOUR
    assert 10 <= len(room.TOUR) <= 12
    assert all(study.blocks >= 8 for study in tour())


@pytest.mark.parametrize("name", ALL)
def test_what_a_study_says_of_itself(name):
    study = load(name)
    assert study.claim.endswith(".")
    assert len(study.claim) < 180
    assert study.source
    assert len(study.about) > 80
    assert study.pictures
    assert set(study.says) == set(VERDICTS)
    assert all(text.endswith(".") for text in study.says.values())
    known = {part.name for part in study.parts if part.name}
    for text in study.says.values():
        assert set(re.findall(r"{([^}]*)}", text)) <= known
    for factor in [f for part in study.parts for f in part.every]:
        assert factor in study.factors
    assert set(study.exercises) <= set(CATALOGUE)
    assert all(hasattr(ev, layer) for layer in study.layers)


@pytest.mark.parametrize("name", ALL)
def test_one_block_of_it_runs(name, block):
    study = load(name)
    runs = block(study)
    for part in study.parts:
        assert isinstance(part.effect(Measures(runs)), float), part.words
    for picture in study.pictures:
        for factor in filter(None, (picture.by, picture.panels, *picture.at)):
            assert factor in study.factors, picture.title
        values = Measures(runs, picture.at)(picture.measure)
        assert isinstance(values, list) or picture.over in study.factors, picture.title
        if picture.places:
            assert len(Measures(runs, picture.at)(picture.places)) == len(values)


def test_exercises_and_studies_name_each_other():
    found = {}
    for name in ALL:
        for topic in load(name).exercises:
            found.setdefault(topic, []).append(name)
    assert {topic: set(claims) for topic, claims in CLAIMS.items()} == {
        topic: set(claims) for topic, claims in found.items()}
    key = exercise("l2").document(answers=True)
    assert "`evenly study l2-gap`" in key.blocks[-1].text
    assert all("evenly study" not in getattr(block, "text", "")
               for block in exercise("relu").document(answers=True).blocks)
