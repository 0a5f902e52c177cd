"""Pages that unfold step by step: what stands in them. How they act is in test_html_browser."""

import json
import re
import sys
from fractions import Fraction
from html.parser import HTMLParser

import pytest

from evenly.byhand.document import Document, Heading, Paragraph, StepBlock
from evenly.byhand.exact import Exact
from evenly.byhand.expressions import Apply, Number, Place, places
from evenly.byhand.render import html as html_module
from evenly.byhand.render.html import render_html
from evenly.byhand.render.mathml import MathML
from evenly.errors import ConfigurationError

from . import sheets

pytest.importorskip("jinja2", reason="jinja2 is not installed: pip install 'evenly[html]'")

EMPTY = {"meta", "link", "br", "img", "input", "hr"}


class Element:
    def __init__(self, tag, attributes, parent=None):
        self.tag, self.attributes, self.parent, self.children = tag, dict(attributes), parent, []

    @property
    def text(self):
        return "".join(c if isinstance(c, str) else c.text for c in self.children)

    @property
    def elements(self):
        return [c for c in self.children if isinstance(c, Element)]

    def all(self, tag):
        for child in self.elements:
            if child.tag == tag:
                yield child
            yield from child.all(tag)

    def has(self, name):
        return name in (self.attributes.get("class") or "").split()


class Tree(HTMLParser):
    """The page as a tree; a tag that is closed out of turn is an error."""

    def __init__(self, page):
        super().__init__()
        self.root = self.at = Element("", {})
        self.feed(page)
        self.close()
        assert self.at is self.root

    def handle_starttag(self, tag, attrs):
        element = Element(tag, attrs, self.at)
        self.at.children.append(element)
        if tag not in EMPTY:
            self.at = element

    def handle_endtag(self, tag):
        assert tag == self.at.tag, f"</{tag}> closes <{self.at.tag}>"
        self.at = self.at.parent

    def handle_data(self, data):
        self.at.children.append(data)


def value(element):
    """The number that MathML says."""
    if element.tag == "mn":
        return Fraction(element.text)
    if element.tag == "mfrac":
        above, below = element.elements
        return value(above) / value(below)
    if element.tag == "msqrt":
        return float(value_of_row(element.elements)) ** 0.5
    if element.tag == "msup":
        base, power = element.elements
        return value(base) ** value(power)
    assert element.tag in ("mrow", "math"), element.tag
    return value_of_row(element.elements)


def value_of_row(elements):
    """Signs bind products; parentheses are rows of their own, spaces multiply too."""
    elements = [e for e in elements if e.tag != "mspace"]
    if [e.text for e in elements][:1] == ["("] and elements[-1].text == ")":
        return value_of_row(elements[1:-1])
    total, term, sign = 0, None, 1
    for element in elements:
        if element.tag != "mo":
            own = value(element)
            term = own if term is None else term * own
        elif element.text in ("+", "\N{MINUS SIGN}"):
            total += 0 if term is None else sign * term
            sign = 1 if element.text == "+" else -1
            term = None
        else:
            assert element.text == "\N{DOT OPERATOR}", element.text
    return total + sign * term


def of_math(markup):
    return Tree(f"<math>{markup}</math>").root.elements[0]


@pytest.fixture(scope="module")
def document():
    return sheets.training_step()


@pytest.fixture(scope="module")
def page(document):
    return render_html(document)


def tables_of(page):
    return [t for t in Tree(page).root.all("table") if "data-step" in t.attributes]


def data_of(page):
    return json.loads(next(s for s in Tree(page).root.all("script")
                           if s.attributes.get("type") == "application/json").text)["steps"]


# Formulas ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [
    Exact(0), Exact(-3), Exact(3) / 4, -Exact(59) / 16, Exact(5).sqrt(), Exact(2).sqrt() * 3 / 5,
    -Exact(2).sqrt() / 7, 1 + Exact(2).sqrt(), Exact(1) / 3 - Exact(2).sqrt(), Exact.inexact(0.5),
    Exact.inexact(-1.25), Exact.inexact(1.5e-7), Exact.inexact(-2.5e9),
])
def test_numbers_mean_what_they_are(number):
    assert float(value(of_math(MathML().number(number)))) == pytest.approx(float(number))


def test_formulas_with_numbers_are_worth_their_result(document):
    """Each formula on the page that has only arithmetic, worked out from its MathML."""
    checked = 0
    for steps in data_of(render_html(document)).values():
        for cell in steps["cells"].values():
            row = Tree(cell["formula"]).root.elements[0].elements[0].elements
            if any(e.tag == "mi" for e in row):
                continue
            at = next(i for i, e in enumerate(row) if e.text in ("=", "\N{ALMOST EQUAL TO}"))
            left, right = value_of_row(row[:at]), value_of_row(row[at + 1 :])
            assert float(left) == pytest.approx(float(right), abs=2e-3)
            checked += 1
    assert checked > 100


def test_numbers_say_where_they_stand():
    expression = Apply("add", (Number(Exact(3), Place(7, 2)), Number(Exact(1))))
    assert MathML(operands={7: "o2"}).expression(expression) == (
        '<mrow class="o2" data-place="7-2"><mn>3</mn></mrow><mo>+</mo><mn>1</mn>'
    )


@pytest.mark.parametrize(("name", "written"), [
    ("x", "<mi>x</mi>"),
    ("kernel", "<mi>kernel</mi>"),
    ("beta_1", "<msub><mi>\N{GREEK SMALL LETTER BETA}</mi><mn>1</mn></msub>"),
    ("x_hat", '<mover accent="true"><mi>x</mi><mo>^</mo></mover>'),
    ("d_x", '<mrow><mo form="prefix">∂</mo><mi>x</mi></mrow>'),
    ("running_mean", "<mi>running mean</mi>"),
    ("<b>", "<mi>&lt;b&gt;</mi>"),
])
def test_symbols(name, written):
    assert MathML().symbol(name) == written


def test_a_gradient_of_what_wears_a_hat():
    assert MathML().symbol("mean_d_x_hat") == (
        "<msub><mi>mean</mi><mrow><mo form=\"prefix\">∂</mo>"
        "<mover accent=\"true\"><mi>x</mi><mo>^</mo></mover></mrow></msub>"
    )


# The page ----------------------------------------------------------------------------------------


def test_every_table_says_the_numbers_of_its_step(document, page):
    blocks = [b for b in document.blocks if isinstance(b, StepBlock)]
    found = tables_of(page)
    assert len(found) == sum(len(b.view.tables) for b in blocks)
    for block, table in zip(blocks, found, strict=True):
        (own,) = block.view.tables
        rows = list(next(table.all("tbody")).all("tr"))
        for row, flats in zip(rows, own.places.tolist(), strict=True):
            cells = list(row.all("td"))
            for cell, flat in zip(cells, flats, strict=True):
                number = float(block.view.step.number_at(flat))
                shown = float(value(next(cell.all("math"))))
                assert shown == pytest.approx(number, abs=5e-5, rel=1e-3), block.title
                assert cell.attributes["data-cell"] == f"{block.view.step.number}-{flat}"


def test_tables_have_captions_and_labels_for_rows_and_columns(document, page):
    blocks = [b for b in document.blocks if isinstance(b, StepBlock)]
    for block, table in zip(blocks, tables_of(page), strict=True):
        (own,) = block.view.tables
        assert next(table.all("caption")).text == block.view.step.title
        heads = list(table.all("th"))
        columns = [h.text for h in heads if h.attributes.get("scope") == "col"]
        rows = [h.text for h in heads if h.attributes.get("scope") == "row"]
        assert columns == (list(own.columns) if any(own.columns) else [])
        assert rows == (list(own.rows) if any(own.rows) else [])


def test_roots_have_their_decimal_beside_them():
    near = [s.text for s in Tree(render_html(sheets.roots())).root.all("span") if s.has("near")]
    assert "\N{ALMOST EQUAL TO}1.4337" in near


def test_each_number_names_those_it_was_made_from(document, page):
    data = data_of(page)
    checked = 0
    for block in document.blocks:
        if isinstance(block, StepBlock) and block.view.step.origin is not None:
            step = block.view.step
            cells = data[f"step-{step.number}"]["cells"]
            assert len(cells) == step.value.size
            for flat in range(step.value.size):
                used = {f"{p.step}-{p.flat}" for p in places(step.expression(flat))}
                assert set(cells[f"{step.number}-{flat}"]["from"]) == used
                checked += 1
    assert checked > 150


def test_operands_keep_their_colour_within_a_step(page):
    data = data_of(page)
    sources = dict(data["step-9"]["sources"])
    assert sources == {0: "o1", 1: "o2"}
    for cell in data["step-9"]["cells"].values():
        for name, place in re.findall(r'class="(o\d)" data-place="(\d+)-', cell["formula"]):
            assert sources[int(place)] == name


def test_large_arrays_are_capped_and_the_page_says_so(monkeypatch):
    monkeypatch.setattr(html_module, "_CELLS", 10)
    monkeypatch.setattr(html_module, "_OPERANDS", 5)
    page = render_html(sheets.large(rows=6, features=8, units=4))
    cells = data_of(page)["step-3"]["cells"]
    assert len(cells) == 10
    assert all(len(cell["from"]) <= 5 for cell in cells.values())
    notes = [p.text for p in Tree(page).root.all("p") if p.has("note")]
    assert ("10 of 24 numbers show what they were made from. "
            "Of the 16 numbers that one is made of, 5 are marked.") in notes


def test_a_long_page_stops_remembering_and_says_so(monkeypatch):
    monkeypatch.setattr(html_module, "_CHARACTERS", 2_000)
    page = render_html(sheets.training_step())
    kept = sum(len(json.dumps(step["cells"])) for step in data_of(page).values())
    assert 0 < kept < 4_000
    assert "The page is long: these numbers do not show what they were made from." in page


def test_the_page_stands_alone(page):
    tree = Tree(page).root
    for tag in ("link", "img", "iframe", "object", "embed", "base", "form"):
        assert not list(tree.all(tag))
    for element in [*tree.all("a"), *tree.all("script")]:
        assert "src" not in element.attributes
        assert element.attributes.get("href", "#").startswith("#")
    assert not re.search(r"https?:|//[a-z]|@import|url\(", page.replace("// ", ""))
    (policy,) = (m.attributes["content"] for m in tree.all("meta")
                 if m.attributes.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert not re.search(r"<[^>]+ (style|on[a-z]+)=", page)


def test_links_lead_somewhere(page):
    tree = Tree(page).root
    ids = [d.attributes["id"] for d in tree.all("details") if "id" in d.attributes]
    assert len(set(ids)) == len(ids)
    links = {a.attributes["href"][1:] for a in tree.all("a")}
    assert links
    assert links <= set(ids)


def test_without_javascript_everything_is_unfolded(page):
    tree = Tree(page).root
    assert all("open" in d.attributes for d in tree.all("details") if d.has("step"))
    (bar,) = (d for d in tree.all("div") if d.has("bar"))
    assert "hidden" in bar.attributes


def test_names_that_are_markup_are_text():
    page = render_html(sheets.hostile())
    tree = Tree(page).root
    assert sheets.HOSTILE not in page
    data, _ = tree.all("script")
    assert not set("<>&") & set(data.text)
    assert f"{sheets.HOSTILE}.kernel" in [h.text for h in tree.all("h3")]
    assert next(tree.all("title")).text.startswith(f"Title {sheets.HOSTILE}")
    assert f"{sheets.HOSTILE} and {sheets.HOSTILE} #panic(3)" in [p.text for p in tree.all("p")]
    assert next(k.text for k in tree.all("span") if k.has("key")) == f"key {sheets.HOSTILE}"


def test_a_worksheet_has_boxes_in_place_of_numbers(document):
    title = "batch_norm_1.variance"
    page = render_html(sheets.worksheet(document, title, hint="Mind the sign."))
    (table,) = (t for t in tables_of(page) if next(t.all("caption")).text == title)
    assert len([s for s in table.all("span") if s.has("box")]) == 2
    assert not list(table.all("math"))
    labels = [s.attributes["aria-label"] for s in table.all("span") if s.has("box")]
    assert labels == ["to fill in: feature 1", "to fill in: feature 2"]
    (hint,) = (d for d in Tree(page).root.all("details") if d.has("hint"))
    assert "open" not in hint.attributes
    assert "Mind the sign." in hint.text


def test_a_worksheet_does_not_give_its_answers_away(document):
    """Neither in the step that is asked for, nor where a later one computes with it."""
    fraction = "<mfrac><mn>59</mn><mn>16</mn></mfrac>"
    page, sheet = render_html(document), render_html(
        sheets.worksheet(document, "batch_norm_1.variance"))
    assert fraction in page
    assert fraction in json.dumps(data_of(page))
    assert fraction not in sheet
    assert fraction not in json.dumps(data_of(sheet))
    assert data_of(sheet)["step-16"]["cells"] == {}
    assert data_of(sheet)["step-17"]["cells"]


def test_a_key_behind_the_worksheet_has_the_answers(document):
    asked = sheets.worksheet(document, "batch_norm_1.variance")
    both = Document("Both", (*asked.blocks, Heading("Answers"), *document.blocks))
    page = render_html(both)
    data = data_of(page)
    assert data["step-15"]["cells"] == {}
    (second,) = (id for id in data if id.startswith("step-15-"))
    assert len(data[second]["cells"]) == 2


def test_paragraphs_tell_names_from_words():
    page = render_html(Document("T", (Heading("A & B"), Paragraph("Take `x < y`, then stop."))))
    assert "<p>Take <code>x &lt; y</code>, then stop.</p>" in page
    assert "<h2>A &amp; B</h2>" in page


def test_what_is_missing_is_named(document, monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    monkeypatch.setattr(html_module.pieces.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match=r"needs jinja2.*pip install 'evenly\[html\]'"):
        render_html(document)
