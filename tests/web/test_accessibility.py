"""WCAG 2.2 AA, as far as axe-core can say: every page, light and dark, wide and narrow."""

import re

import pytest

from tests.axe import breaches

from .test_browser import check, fill, step

EXERCISE = "/exercise/batch-norm?seed=3&level=3"
PAGES = ("/", "/?q=zzz", EXERCISE, "/exercise/convolution?seed=3&level=3",
         "/exercise/lstm?seed=3", "/exercise/adam?seed=3&level=2", "/sheet/batch-norm?seed=3",
         "/key/batch-norm?seed=3", "/key/convolution?seed=3&level=2",
         "/lessons", "/lesson/layer-norm?step=3&answer=5")
LOOKS = [("light", 1280), ("dark", 390)]


@pytest.mark.sweep
@pytest.mark.parametrize(("scheme", "width"), LOOKS)
@pytest.mark.parametrize("path", PAGES)
def test_no_page_breaks_a_rule(opened, path, scheme, width):
    page = opened(path, width, 900, color_scheme=scheme)
    assert breaches(page) == []


@pytest.mark.sweep
@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_a_page_in_use_breaks_no_rule(opened, scheme, width):
    """With verdicts, a mistake, a hint, the work shown, and numbers that are changed."""
    page = opened(EXERCISE, width, 900, color_scheme=scheme)
    fill(page, "batch_norm_1.variance", ["12", "x", ""])
    check(page, "batch_norm_1.variance")
    fill(page, "batch_norm_1.mean", ["1", "5", "5"])
    check(page, "batch_norm_1.mean")
    fill(page, "batch_norm_1.sum", ["20", "20", "20"])
    page.get_by_text("Keyboard").click()
    step(page, "batch_norm_1.sum").get_by_text("Hint").click()
    step(page, "batch_norm_1.centred").get_by_role("button", name="Show the work").click()
    step(page, "batch_norm_1.centred").locator(".made").wait_for()
    page.get_by_role("button", name="Check all").click()
    page.locator("#progress", has_text="points").wait_for()
    assert breaches(page) == []
    page.get_by_role("button", name="Change the numbers").click()
    page.locator(".work .made").first.wait_for()
    assert breaches(page) == []


def test_what_is_wider_than_a_phone_shows_that_it_scrolls(opened):
    expect = pytest.importorskip("playwright.sync_api").expect
    page = opened("/exercise/convolution?seed=3&level=3", 390, 844)
    box = page.locator(".shown .scroll").first
    assert box.get_attribute("data-more") == "right"
    sign = box.evaluate("(box) => getComputedStyle(box, '::before').content")
    assert "scrolls sideways" in sign
    assert box.get_attribute("tabindex") == "0"
    assert "scrolls sideways" in box.get_attribute("aria-label")
    box.evaluate("(box) => { box.scrollLeft = 9999; }")
    expect(box).to_have_attribute("data-more", "left")
    page.set_viewport_size({"width": 1280, "height": 900})
    expect(box).not_to_have_attribute("data-more", re.compile(".+"))
    assert box.get_attribute("tabindex") is None


def test_the_given_numbers_stay_in_sight_on_a_phone(opened):
    page = opened("/exercise/batch-norm?seed=3", 390, 844)
    cell = page.locator(".step").last.locator("input").first
    cell.focus()
    given, own = page.locator("#given").bounding_box(), cell.bounding_box()
    assert 0 <= given["y"] < 5
    assert given["y"] + given["height"] < own["y"]
    assert given["height"] < 844 * 0.4
    page.get_by_role("button", name="Fold").click()
    assert page.locator("#given").bounding_box()["height"] < 100
    assert not page.locator(".shown").is_visible()
    page.get_by_role("button", name="Unfold").click()
    assert page.locator(".shown").is_visible()


def test_numbers_are_read_out_with_their_labels(opened):
    page = opened(EXERCISE)
    cells = page.locator(".shown td[data-flat]")
    labels = [cell.get_attribute("aria-label") for cell in cells.all()]
    assert labels[0] == "example 1, feature 1: 7"
    assert all(label and ": " in label for label in labels)
    names = [cell.get_attribute("aria-label") for cell in page.locator(".step input").all()]
    assert len(names) == len(set(names)) or all(names)
    step(page, "batch_norm_1.centred").get_by_role("button", name="Show the work").click()
    step(page, "batch_norm_1.centred").locator(".made").wait_for()
    first = step(page, "batch_norm_1.centred").locator(".made button").first
    assert first.get_attribute("aria-label").startswith("example 1, feature 1: ")


def test_nothing_moves_where_less_motion_is_asked_for(opened):
    page = opened(EXERCISE, reduced_motion="reduce")
    moving = page.evaluate("""[...document.querySelectorAll("*")].filter((e) => {
      const look = getComputedStyle(e);
      return look.transitionDuration !== "0s" || look.animationName !== "none"
        || look.scrollBehavior === "smooth"; }).map((e) => e.outerHTML.slice(0, 80))""")
    assert moving == []
