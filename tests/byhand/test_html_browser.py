"""Pages in a browser: keys, highlights, colours, narrow screens."""


import pytest

from evenly.byhand.render.html import render_html

from . import sheets

pytest.importorskip("jinja2", reason="jinja2 is not installed: pip install 'evenly[html]'")
# The lowest contrast of a text with what lies behind it, over all texts that are visible.
CONTRAST = """() => {
  const rgb = text => (text.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255).map(
    v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4
  ).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = element => {
    for (let e = element; e; e = e.parentElement) {
      const color = rgb(getComputedStyle(e).backgroundColor);
      if (color.length < 4 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  let found = { ratio: 99, text: "", count: 0 };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || !element.checkVisibility() || element.closest("script")) continue;
    if (element.closest("button:disabled")) continue;
    const [a, b] = [light(rgb(getComputedStyle(element).color)), light(behind(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    found.count += 1;
    if (ratio < found.ratio) found = { ratio, text: node.data, count: found.count };
  }
  return found;
}"""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    documents = {
        "step": sheets.training_step(), "hostile": sheets.hostile(), "roots": sheets.roots(),
        "large": sheets.large(rows=20, features=12, units=12),
        "sheet": sheets.worksheet(sheets.training_step(), "batch_norm_1.variance", hint="Mind it."),
    }
    for name, document in documents.items():
        (folder / f"{name}.html").write_text(render_html(document), "utf-8")
    return folder


@pytest.fixture
def opened(browser, files):
    """Opens a page; at the end nothing may have gone wrong or been asked for from elsewhere."""
    contexts, problems = [], []

    def open_page(name, width=1200, height=900, **options):
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("dialog", lambda dialog: problems.append(dialog.message) or dialog.dismiss())
        page.on("request", lambda request: request.url.startswith("file:")
                or problems.append(request.url))
        page.goto((files / f"{name}.html").as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert problems == []


def unfolded(page):
    return page.evaluate("[...document.querySelectorAll('details.made')].map(d => d.open)")


def classes(page, cell):
    """The classes of a cell where it stands, not of its copies."""
    return page.locator(f".result td[data-cell='{cell}']").get_attribute("class").split()


def test_steps_unfold_one_by_one_with_the_keyboard(opened):
    page = opened("step")
    total = len(unfolded(page))
    assert total == 39
    assert not any(unfolded(page))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert unfolded(page) == [True, True] + [False] * (total - 2)
    assert page.locator("#state").inner_text() == "2 of 39 steps"
    page.keyboard.press("ArrowLeft")
    assert sum(unfolded(page)) == 1
    page.locator("#next").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    assert sum(unfolded(page)) == 3
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "every"
    page.keyboard.press("Enter")
    assert all(unfolded(page))
    assert page.locator("#next").is_disabled()


@pytest.mark.sweep
def test_the_given_is_there_from_the_beginning(opened):
    page = opened("step")
    assert page.locator("#step-0 table").is_visible()
    assert not page.locator("#step-9 table").first.is_visible()


@pytest.mark.sweep
def test_a_focused_number_shows_what_it_was_made_from(opened):
    page = opened("step")
    page.keyboard.press("ArrowRight")
    page.locator(".result td[data-cell='9-2']").focus()
    for cell in ("0-2", "0-3"):
        assert "o1" in classes(page, cell)
    for cell in ("1-0", "1-2"):
        assert "o2" in classes(page, cell)
    assert not {"o1", "o2"} & set(classes(page, "0-0") + classes(page, "1-1"))
    numbers = page.locator("#step-9 .numbers")
    assert numbers.locator(".where").inner_text() == "example 2, feature 1"
    terms = page.evaluate("[...document.querySelectorAll('#step-9 .numbers mn')]"
                          ".map(e => e.textContent)")
    assert terms == ["3", "1", "4", "1", "7"]
    page.locator("#next").focus()
    assert not page.locator(".result td.o1").count()


@pytest.mark.sweep
def test_arrow_keys_walk_in_a_table_and_open_no_step(opened):
    page = opened("step")
    page.keyboard.press("ArrowRight")
    page.locator(".result td[data-cell='9-0']").focus()
    for key, cell in (("ArrowRight", "9-1"), ("ArrowDown", "9-3"), ("ArrowLeft", "9-2"),
                      ("ArrowLeft", "9-2"), ("ArrowUp", "9-0")):
        page.keyboard.press(key)
        assert page.evaluate("document.activeElement.dataset.cell") == cell
    assert sum(unfolded(page)) == 1
    stops = page.locator("#step-9 .result td[tabindex='0']")
    assert stops.count() == 1


@pytest.mark.sweep
def test_a_number_under_the_pointer_shows_what_it_was_made_from(opened):
    page = opened("step")
    page.keyboard.press("ArrowRight")
    page.locator(".result td[data-cell='9-7']").hover()
    assert "o1" in classes(page, "0-6")
    assert "o2" in classes(page, "1-3")
    copies = page.locator("#step-9 .sources td.o1")
    assert copies.count() == 2
    page.mouse.move(2, 2)
    assert not page.locator("td.o1").count()


@pytest.mark.sweep
def test_a_tap_shows_what_a_number_was_made_from(opened):
    page = opened("step", 390, 844, has_touch=True, is_mobile=True)
    page.locator("#next").tap()
    page.locator(".result td[data-cell='9-7']").tap()
    assert "o1" in classes(page, "0-6")
    assert page.locator("#step-9 .where").inner_text() == "example 4, feature 2"


@pytest.mark.sweep
def test_copies_of_the_operands_stand_beside_a_step(opened):
    page = opened("step")
    page.locator("#every").click()
    captions = page.locator("#step-17 .sources caption")
    assert captions.all_inner_texts() == ["batch_norm_1.centred", "batch_norm_1.deviation"]
    assert page.locator("#step-17 .sources [tabindex]").count() == 0
    assert page.locator("#step-17 .sources").get_attribute("aria-hidden") == "true"


@pytest.mark.parametrize("name", ["step", "large", "hostile", "roots", "sheet"])
def test_a_phone_scrolls_tables_and_not_the_page(opened, name):
    page = opened(name, 390, 844)
    if name != "sheet":
        page.locator("#every").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    if name == "large":
        assert page.evaluate("[...document.querySelectorAll('.scroll')]"
                             ".some(e => e.scrollWidth > e.clientWidth + 50)")


@pytest.mark.sweep
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["step", "sheet"])
def test_text_stands_out(opened, scheme, name):
    page = opened(name, color_scheme=scheme)
    if name == "step":
        page.locator("#every").click()
    page.locator(".result td[data-cell='36-0']").focus()
    assert page.locator(".result td.o1, .result td.o2").count() > 1
    lowest = page.evaluate(CONTRAST)
    assert lowest["count"] > 500
    assert lowest["ratio"] >= 4.5, lowest
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (dark == "rgb(15, 19, 25)") == (scheme == "dark")


@pytest.mark.sweep
def test_paper_has_everything_and_no_buttons(opened):
    page = opened("step")
    page.emulate_media(media="print")
    assert not page.locator("#next").is_visible()
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert all(unfolded(page))
    assert page.evaluate("getComputedStyle(document.querySelector('table')).breakInside") == "avoid"
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert not any(unfolded(page))


def test_without_javascript_everything_is_readable(opened):
    page = opened("step", java_script_enabled=False)
    assert page.locator("#step-36 table").is_visible()
    assert page.locator("#step-36 .numbers").is_visible()
    assert not page.locator("#next").is_visible()


@pytest.mark.sweep
def test_names_that_are_markup_do_not_act(opened):
    page = opened("hostile")
    page.locator("#every").click()
    page.locator("td.pick").first.focus()
    assert sheets.HOSTILE in page.locator("h3").all_inner_texts()[1]


@pytest.mark.sweep
def test_a_worksheet_opens_whole(opened):
    page = opened("sheet")
    assert all(unfolded(page))
    assert page.locator("#bar").count() == 0
    assert page.locator("#step-15 .result .box").count() == 2
    assert not page.get_by_text("Mind it.").is_visible()
    page.locator(".hint summary").click()
    assert page.get_by_text("Mind it.").is_visible()
