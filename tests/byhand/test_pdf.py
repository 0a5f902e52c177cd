"""Worksheets and worked pages as PDF."""

import re
import sys

import pytest

from evenly.byhand.document import Document, Paragraph, StepBlock
from evenly.byhand.notation import Notation, readable, rounded
from evenly.byhand.render import pdf as pdf_module
from evenly.byhand.render.pdf import pdf_bytes, typst_source, write_pdf
from evenly.errors import ConfigurationError

from . import sheets
from .pdf_text import Pdf

pytest.importorskip("typst", reason="typst is not installed: pip install 'evenly[sheets]'")

VARIANCE = "batch_norm_1.variance"


@pytest.fixture(scope="module")
def document():
    return sheets.training_step()


@pytest.fixture(scope="module")
def worked(document):
    return Pdf(pdf_bytes(document))


@pytest.mark.parametrize(("paper", "size", "pages"), [
    ("A4", (595.28, 841.89), 8), ("Letter", (612, 792), 8),
])
def test_pages_have_the_size_of_the_paper(document, paper, size, pages):
    pdf = Pdf(pdf_bytes(document, paper))
    assert pdf.sizes == [pytest.approx(size, abs=0.01)] * pages


def test_paper_is_one_of_two(document):
    with pytest.raises(ConfigurationError, match="paper must be one of A4, Letter, got 'A5'"):
        pdf_bytes(document, "A5")


def test_the_same_document_gives_the_same_bytes(document, tmp_path):
    write_pdf(tmp_path / "a.pdf", document, "Letter")
    content = pdf_bytes(document, "Letter")
    assert (tmp_path / "a.pdf").read_bytes() == content
    assert b"/CreationDate" not in content
    assert content != pdf_bytes(document, "A4")


def test_pages_are_numbered_and_bear_the_title(worked):
    for number, page in enumerate(worked.pages, 1):
        texts = [run.text.replace(" ", "") for run in page]
        assert f"{number}/{len(worked.pages)}" in "".join(texts)
        assert texts.count("Atrainingstep") == 1


def test_every_number_of_every_step_stands_on_the_pages(document, worked):
    text = worked.text()
    for block in document.blocks:
        if isinstance(block, StepBlock):
            assert block.title in text
            for value in block.view.step.value.reshape(-1):
                shown = readable(value)
                own = shown.fraction
                parts = re.findall(r"\d+", str(own)) if own is not None else [
                    rounded(float(value), 4).lstrip("-").partition("e")[0]]
                assert all(part in text for part in parts), (block.title, value)


def test_roots_have_their_decimal_beside_them():
    text = Pdf(pdf_bytes(sheets.roots())).text()
    assert "1.4337" in text
    assert "74" in text


def test_tables_have_their_labels(document, worked):
    text = worked.text()
    for label in ("example 1", "example 4", "feature 2", "in 2", "unit 1"):
        assert label in text


def test_the_key_has_the_numbers_and_the_worksheet_has_not(document):
    asked = [b.title for b in document.blocks
             if isinstance(b, StepBlock) and b.view.step.phase == "forward"]
    blocks = tuple(b for b in document.blocks
                   if not isinstance(b, StepBlock) or b.view.step.number < 24)
    key = Document("Key", blocks)
    sheet = sheets.worksheet(key, *asked, hint="Look at the definition.")
    with_numbers, without = Pdf(pdf_bytes(key)).text(), Pdf(pdf_bytes(sheet)).text()
    plain = Notation()
    given = {plain.number(v) for b in blocks if isinstance(b, StepBlock)
             and b.view.step.phase == "given" for v in b.view.step.value.reshape(-1)}
    answers = {rounded(abs(float(v)), 4) for b in blocks if isinstance(b, StepBlock)
               and b.title in asked for v in b.view.step.value.reshape(-1)
               if readable(v).fraction is None} - given
    assert len(answers) > 10
    assert all(answer in with_numbers for answer in answers)
    assert not any(answer in without for answer in answers)
    assert "59" in with_numbers
    assert "59" not in without
    assert "Look at the definition." in without
    assert VARIANCE in without
    assert "Name" in without
    assert "Name" not in with_numbers


def test_a_formula_with_numbers_does_not_give_an_answer_away(document):
    """The deviation is shown; the variance under its root is asked for."""
    sheet = sheets.worksheet(document, VARIANCE)
    source = typst_source(sheet)
    assert "frac(59, 16)" in typst_source(document)
    assert "frac(59, 16)" not in source
    assert "1.9203" in source


def test_boxes_are_large_enough_to_write_in(document):
    sheet = sheets.worksheet(document, VARIANCE)
    source = typst_source(sheet)
    assert "#let empty = box(width: 19mm, height: 8.5mm)" in source
    assert len(re.findall(r"(?<!let )\bempty\b", source)) == 2


def test_text_of_others_does_not_act():
    """Every text of the reader's stands as it is: Typst runs none of it."""
    text = Pdf(pdf_bytes(sheets.hostile())).text()
    assert f"{sheets.HOSTILE}.kernel" in text
    assert f'Title {sheets.HOSTILE} #panic(1) $x$ "quoted" \\' in text
    for number in (2, 3):
        assert f"#panic({number})" in text


def test_nothing_runs_off_the_page():
    pdf = Pdf(pdf_bytes(sheets.large(rows=50, features=20, units=3)))
    width, height = pdf.sizes[0]
    runs = [run for page in pdf.pages for run in page]
    margin = 18 / 25.4 * 72
    for run in runs:
        wide = len(run.text) * 3
        assert margin - 1 <= run.x, run
        assert run.x + wide <= width - margin + 2, run
        assert 0 < run.y < height
    text = pdf.text()
    assert all(f"feature {i}" in text for i in range(1, 21))
    assert all(f"example {i}" in text for i in range(1, 51))


def test_a_table_stays_whole_where_a_page_holds_it(document, worked):
    """The labels of the second and of the last row stand on one page, for every table."""
    for page in worked.pages:
        texts = [run.text for run in page]
        assert texts.count("example 2") == texts.count("example 4")
    assert sum(run.text == "example 4" for page in worked.pages for run in page) > 15


@pytest.mark.sweep
def test_each_of_several_tables_stays_whole():
    pdf = Pdf(pdf_bytes(sheets.large(rows=24, features=24, units=2)))
    counts = [[run.text for run in page].count("example 24") for page in pdf.pages]
    assert counts == [[run.text for run in page].count("example 2") for page in pdf.pages]
    assert sum(counts) >= 4


def test_a_long_table_goes_on_under_its_labels():
    pdf = Pdf(pdf_bytes(sheets.large(rows=70, features=3, units=2)))
    first = next(i for i, page in enumerate(pdf.pages) if "example 70" in [r.text for r in page])
    assert first > 0
    assert any(run.text == "feature 1" for run in pdf.pages[first])


def test_paragraphs_tell_names_from_words():
    pdf = Pdf(pdf_bytes(Document("T", (Paragraph("Take `x_hat`, then go on."),))))
    assert "x_hat" in pdf.text()
    assert "`" not in pdf.text()


def test_what_is_missing_is_named(document, monkeypatch):
    monkeypatch.setitem(sys.modules, "typst", None)
    monkeypatch.setattr(pdf_module.pieces.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match=r"needs typst.*pip install 'evenly\[sheets\]'"):
        pdf_bytes(document)
