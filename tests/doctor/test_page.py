"""The page of a diagnosis: whole, offline, described."""

import re
import xml.etree.ElementTree as tree

import pytest

from evenly.clinic.page import render
from evenly.doctor import diagnose
from evenly.records import TrainingRecord

from .cases import record
from .sick import HEALTHY, SICK

DRAWN = ("vanishing_gradient", "rate_too_high", "overfitting", "divergence", "inputs_not_scaled",
         "batch_norm_mismatch")


@pytest.mark.sweep
@pytest.mark.parametrize("kind", DRAWN)
def test_a_page_of_every_kind(kind):
    diagnosis = diagnose(SICK[kind][0])
    page = render(diagnosis, "run <1>")
    assert f"1. {kind}" in page
    assert "run &lt;1&gt;" in page
    assert not re.search(r'(?:src|href)="(?!#|data:)', page), "it asks for nothing"
    for svg in re.findall(r"<svg.*?</svg>", page, re.S):
        title = tree.fromstring(svg.replace("&nbsp;", " ")).find("{*}title")
        assert title is not None
        assert title.text
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_a_healthy_page_says_what_was_looked_at():
    page = render(diagnose(HEALTHY["plain"]))
    assert "Healthy, as far as can be seen." in page
    assert "20 epochs, with validation" in page
    assert "Findings</h2>" not in page


def test_a_page_of_nothing():
    assert "Looked at: nothing." in render(diagnose(TrainingRecord()))


def test_a_layer_that_ails_is_marked():
    page = render(diagnose(SICK["dead_relu"][0]))
    assert "\N{BLACK RIGHT-POINTING SMALL TRIANGLE} relu_2" in page
    assert "\N{BLACK RIGHT-POINTING SMALL TRIANGLE} relu_1" not in page


def test_numbers_that_are_not_finite_are_left_out():
    made = record(failed_at=(3, "dense_1"), stopped="diverged")
    broken = made.epochs[:2] + tuple(
        type(e)(e.epoch, e.steps, float("nan")) for e in made.epochs[2:])
    assert render(diagnose(type(made)(**{**vars(made), "epochs": broken})))
