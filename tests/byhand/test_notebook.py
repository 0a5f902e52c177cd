"""Works in a notebook: each keeps its styles, its names and its keys to itself."""

import re

import pytest

import evenly
from evenly.layers import BatchNorm, Dense

pytest.importorskip("jinja2", reason="jinja2 is not installed: pip install 'evenly[html]'")
# A page as notebooks are: outputs are put in as markup, and then their scripts are run.
NOTEBOOK = """<!DOCTYPE html><html><head><style>
body { background: rgb(1, 2, 3); margin: 7px; font: 13px serif; }
h1, p, button { color: rgb(200, 0, 0); }
</style></head><body><h1 id="title">My notebook</h1><p id="text">Words.</p>
<button id="next">Mine</button><div id="a" class="output"></div><p>Between.</p>
<div id="b" class="output"></div></body></html>"""
PUT_IN = """([id, html]) => {
  const output = document.getElementById(id);
  output.innerHTML = html;
  for (const old of output.querySelectorAll("script")) {
    const script = document.createElement("script");
    for (const { name, value } of old.attributes) script.setAttribute(name, value);
    script.textContent = old.textContent;
    old.replaceWith(script);
  }
}"""
STYLES = """() => ["body", "#title", "#text", "#next"].map(name => {
  const own = getComputedStyle(document.querySelector(name));
  return [own.backgroundColor, own.margin, own.font, own.color, own.padding, own.maxWidth].join();
})"""
OPEN = "id => [...document.querySelectorAll(`#${id} details.made`)].filter(d => d.open).length"


def works():
    net = evenly.Sequential([Dense(2), BatchNorm()])
    return (evenly.show_work(net, [[1, 2], [3, 5]]), evenly.show_work(Dense(1), [[1, 2], [3, 4]]))


@pytest.fixture(scope="module")
def notebook(browser):
    """A notebook with two works in it, and how its own parts looked before."""
    problems = []
    page = browser.new_page(viewport={"width": 900, "height": 700})
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.set_content(NOTEBOOK)
    before = page.evaluate(STYLES)
    for id, work in zip("ab", works(), strict=True):
        page.evaluate(PUT_IN, [id, work._repr_html_()])
    yield page, before
    page.close()
    assert problems == []


def test_a_notebook_looks_as_before(notebook):
    page, before = notebook
    assert page.evaluate(STYLES) == before


def test_nothing_is_fixed_to_the_window(notebook):
    page, _ = notebook
    assert page.evaluate("""() => [...document.querySelectorAll("*")].filter(
        e => ["fixed", "sticky"].includes(getComputedStyle(e).position)).length""") == 0
    assert page.locator("#a .bar").is_visible()


def test_no_two_parts_have_the_same_name(notebook):
    page, _ = notebook
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids)) > 20
    first, second = (re.search(r'id="([^"]+)work"', w._repr_html_())[1] for w in works())
    assert first != second


def test_each_work_has_its_own_style(notebook):
    page, _ = notebook
    for id in "ab":
        card = page.evaluate(f"getComputedStyle(document.querySelector('#{id} .step'))"
                             ".borderTopLeftRadius")
        assert card == "10px"
        title = page.evaluate(f"getComputedStyle(document.querySelector('#{id} h1')).color")
        assert title not in ("rgb(200, 0, 0)", "rgb(0, 0, 0)")
        words = page.evaluate(f"getComputedStyle(document.querySelector('#{id} .help')).color")
        assert words not in ("rgb(200, 0, 0)", title)


def test_each_moves_by_itself(notebook):
    page, _ = notebook
    counts = lambda: [page.evaluate(OPEN, id) for id in "ab"]  # noqa: E731
    assert counts() == [0, 0]
    page.locator("#text").click()
    page.keyboard.press("ArrowRight")
    assert counts() == [0, 0]
    page.locator("#b .next").click()
    assert counts() == [0, 1]
    assert page.locator("#b .state").inner_text().startswith("1 of 2")
    page.locator("#a .next").click()
    page.keyboard.press("ArrowRight")
    assert counts() == [2, 1]
    page.locator("#b .every").click()
    assert counts() == [2, 2]
    page.locator("#a .again").click()
    assert counts() == [0, 2]


def test_a_number_shows_what_it_was_made_from_in_its_own_work(notebook):
    page, _ = notebook
    page.evaluate("for (const d of document.querySelectorAll('details.made')) d.open = true")
    page.locator("#b .result td.pick").first.focus()
    marked = "id => document.querySelectorAll(`#${id} td.now, #${id} td.o1`).length"
    assert page.evaluate(marked, "a") == 0
    assert page.evaluate(marked, "b") > 1


def test_without_a_script_everything_stands_there():
    html = works()[1]._repr_html_()
    assert html.count("<details") == len(re.findall(r"<details class=[^>]* open>", html)) == 5
    assert "<html" not in html
