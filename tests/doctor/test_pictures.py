"""The pages of the findings: each kind has its section, its picture, and what is true of it."""

import re
import xml.etree.ElementTree as tree
from itertools import pairwise
from pathlib import Path

import pytest
from benchmarks.doctor.pictures.__main__ import main
from benchmarks.doctor.pictures.sheet import draw
from benchmarks.doctor.pictures.table import PICTURES
from benchmarks.doctor.pictures.twins import EVERY

from evenly.doctor import KINDS
from evenly.doctor.exercises import EXERCISES
from evenly.doctor.findings import RULES
from evenly.doctor.thresholds import LIMITS

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = {path.name: path.read_text(encoding="utf-8") for path in sorted(DOCS.glob("findings-*.md"))}
PAGE = "".join(PAGES.values())
SECTIONS = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S))
SVG = "{http://www.w3.org/2000/svg}"


def flat(text):
    return " ".join(text.split())


def picture(kind):
    return (DOCS / "pictures" / f"{kind}.svg").read_text(encoding="utf-8")


def test_every_kind_has_a_section_and_a_picture_and_nothing_else_has():
    assert len(re.findall(r"^## ", PAGE, re.M)) == len(SECTIONS)
    assert set(SECTIONS) == set(KINDS)
    assert tuple(PICTURES) == KINDS
    assert {path.stem for path in (DOCS / "pictures").iterdir()} == set(KINDS)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.kind)
def test_a_section_says_what_the_rule_says(rule):
    section = flat(SECTIONS[rule.kind])
    assert f"](pictures/{rule.kind}.svg)" in section
    assert flat(rule.why) in section
    assert f"**Source:** {flat(rule.source)}." in section
    for part in ("You see", "Shown", "Why", "The doctor looks at", "Cure", "By hand"):
        assert f"**{part}:** " in section
    exercise = EXERCISES.get(rule.kind)
    assert (f"`evenly exercise {exercise}`" in section) is (exercise is not None)


def test_thresholds_on_the_page_are_those_of_the_table():
    told = re.findall(r"`([a-z_]+)`\s+(-?[\d.]+(?:e-?\d+)?)", PAGE)
    told = [(name, float(value)) for name, value in told if name in LIMITS]
    assert len(told) > 50
    assert [(name, LIMITS[name].value) for name, _ in told] == told


def test_the_symptoms_link_to_every_kind():
    homes = {kind: name for name, page in PAGES.items()
             for kind in re.findall(r"^## (\w+)$", page, re.M)}
    for listed in ("doctor.md", "doctor-kinds.md", "findings.md"):
        table = (DOCS / listed).read_text(encoding="utf-8")
        for kind in KINDS:
            assert f"]({homes[kind]}#{kind})" in table, (listed, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_stands_by_itself_in_light_and_dark(kind):
    text = picture(kind)
    assert len(text) < 24_000
    root = tree.fromstring(text)
    title, about = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title.text.startswith(f"{kind}: ")
    assert "Sick, " in about.text
    assert "Cured, " in about.text
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == f"{title.get('id')} {about.get('id')}"
    style = "".join(root.find(f"{SVG}style").itertext())
    light, dark = style.split("@media (prefers-color-scheme: dark)")
    used = set(re.findall(r"var\((--\w+)\)", text))
    assert used, "colours come from the page's"
    for name in used:
        assert f"{name}:" in light
        assert f"{name}:" in dark
    assert not re.search(r"#[0-9a-f]{6}", text.replace(style, "")), "no colour of its own"
    assert not re.search(r'(?:href|src)="(?!#)', text), "it asks for nothing"
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))


def numbers_of(text):
    return [float(number) for number in re.findall(r"(?<![\w#-])-?\d+\.?\d*", text)]


@pytest.mark.parametrize("kind", ["inputs_constant", "undertrained"])
def test_a_picture_is_drawn_again_from_its_recipe(kind):
    again, kept = draw(PICTURES[kind]), picture(kind)
    # Digits that another processor rounds otherwise move a curve by less than is seen.
    words = re.compile(r"-?\d+\.?\d*(?:e[+-]?\d+)?")
    assert words.sub("", again) == words.sub("", kept)
    ours, theirs = numbers_of(again), numbers_of(kept)
    assert len(ours) == len(theirs)
    assert max(abs(a - b) for a, b in zip(ours, theirs, strict=True)) < 2.0


def test_a_training_is_looked_at_on_the_same_steps_each_time():
    first, second = (PICTURES["undertrained"].sick().record for _ in range(2))
    steps = [probe.step for probe in first.probes]
    assert steps == [probe.step for probe in second.probes]
    assert steps[:5] == [0, 1, 2, 4, 8]
    assert max(b - a for a, b in pairwise(steps)) <= EVERY
    assert [probe.loss for probe in first.probes] == [probe.loss for probe in second.probes]


def test_the_command_draws_what_it_is_asked_for(tmp_path, capsys):
    assert main(["loss_wrong", "--out", str(tmp_path)]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["loss_wrong.svg"]
    with pytest.raises(SystemExit):
        main(["no_such_kind", "--out", str(tmp_path)])
    assert "no kind is called no_such_kind" in capsys.readouterr().err
