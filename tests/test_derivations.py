"""Derivations hold line by line, and a mistake anywhere in them fails."""

import re

import pytest
from tools.derivations.check import Case, problems
from tools.derivations.mutate import unseen
from tools.derivations.pages import names, pages, sections, with_formulas

PAGES = pages()
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


@each_page
def test_every_line_holds(page):
    assert list(problems(page)) == []


@each_page
def test_formulas_are_those_of_the_lines(page):
    """`python -m tools.derivations` writes them."""
    text = page.read_text()
    assert with_formulas(text) == text
    assert len(text.split()) < 1500


@each_page
def test_a_page_tries_each_of_its_names(page):
    given = "\n".join(section.given for section in sections(page))
    assert [name for name in names(page) if not re.search(rf"\b{name}\(", given)] == []


@pytest.mark.sweep
@each_page
def test_every_mistake_fails(page):
    """A sign turned, a term or factor dropped, a number or a name changed."""
    tried, unnoticed = 0, []
    for section in sections(page):
        case = Case(section)
        assert case.problem() is None
        for count, line in unseen(case):
            tried += count
            unnoticed += [line] if line else []
    assert tried
    assert unnoticed == []
