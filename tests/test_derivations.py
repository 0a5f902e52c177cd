"""Derivations hold line by line, and a mistake anywhere in them fails."""

import ast
import re
from collections import Counter
from dataclasses import replace

import pytest
from tools.derivations.check import Case, problems
from tools.derivations.formulas import equation
from tools.derivations.mutate import unseen
from tools.derivations.pages import FOLDER, names, page_of, pages, sections, stale, with_formulas

from evenly import clipping, constraints, layers, losses, optimizers, penalties

PAGES = pages()
# What is no operation: bases, and what describes one.
BASES = {"ArraySpec", "Clip", "Constraint", "Layer", "Loss", "Optimizer", "Penalty", "Run", "Shape",
         "Spread"}
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


def test_every_operation_has_one_page():
    public = {name for module in (layers, losses, optimizers) for name in dir(module)
              if isinstance(getattr(module, name), type)}
    for module, base in ((penalties, "Penalty"), (clipping, "Clip"), (constraints, "Constraint")):
        kind = getattr(module, base)
        public |= {name for name, value in vars(module).items()
                   if isinstance(value, type) and issubclass(value, kind)}
    assert sorted(public - BASES - set(page_of())) == []
    listed = Counter(name for page in PAGES for name in names(page))
    assert [name for name, count in listed.items() if count > 1] == []
    assert list(stale()) == []


@each_page
def test_a_page_is_right(page):
    text = page.read_text()
    assert len(text.split()) < 1500
    assert re.search(r"\b[A-Z]\w+\s(et al\.\s)?(1[89]|20)\d\d\b", text)  # who derived it first
    given = "\n".join(section.given for section in sections(page))
    assert [name for name in names(page) if not re.search(rf"\b{name}\(", given)] == []
    assert list(problems(page)) == []


@each_page
def test_a_wrong_sign_in_any_line_fails(page):
    for section in sections(page):
        case = Case(section)
        for place, line in enumerate(section.derivation):
            if line.name is not None:
                code = f"{line.name} = -({line.text.partition('=')[2]})"
                wrong = replace(line, statement=ast.parse(code).body[0])
                lines = [*section.derivation[:place], wrong, *section.derivation[place + 1 :]]
                assert case.problem(derivation=lines), code


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


@pytest.mark.parametrize(("line", "wanted"), [
    ("a = b - (c - d)", r"a &= b - \left(c - d\right)"),
    ("a = -(b + c) * d", r"a &= -\left(b + c\right) \cdot d"),
    ("a = b / (c * d)", r"a &= \frac{b}{c \cdot d}"),
    ("a = -b**2", "a &= -b^{2}"),
    ("a = (b / c)**2", r"a &= \left(\frac{b}{c}\right)^{2}"),
    ("a = xp.sum(b * c, rows)", r"a &= \sum_{\text{rows}} b \cdot c"),
    ("a = xp.sum(b, rows) * c", r"a &= \left(\sum_{\text{rows}} b\right) \cdot c"),
    ("a = -xp.sum(b, rows) * c", r"a &= \left(-\sum_{\text{rows}} b\right) \cdot c"),
    ("a = xp.sum(b + c, rows)", r"a &= \sum_{\text{rows}} \left(b + c\right)"),
    ("a = b @ c * d", r"a &= \left(b \; c\right) \cdot d"),
    ("a = x.T @ d_y", r"a &= x^{\top} \; \frac{\partial L}{\partial y}"),
    ("d_x_hat = h_1[:, :2]", r"\frac{\partial L}{\partial \hat{x}} &= {h_{1}}_{:, :2}"),
    ("m = beta_1 * m + g_i", r"m &\gets \beta_{1} \cdot m + g_{i}"),
    ("mean_d == beta_1**t", r"\text{mean d} &= \beta_{1}^{t}"),
])
def test_formulas_keep_their_brackets(line, wanted):
    assert equation(ast.parse(line).body[0]) == wanted


def test_a_formula_that_differs_from_its_line_is_told():
    text = (FOLDER / "dense.md").read_text()
    changed = text.replace(r"\text{product} + \text{bias}", r"\text{product} - \text{bias}")
    assert changed != text
    assert with_formulas(changed) == text
