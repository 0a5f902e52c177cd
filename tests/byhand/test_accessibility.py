"""WCAG 2.2 AA of shown work, as far as axe-core can say."""

import pytest

from evenly.byhand.render.html import render_html
from evenly.exercises import exercise
from tests.axe import breaches


@pytest.mark.sweep
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
@pytest.mark.parametrize("name", ["batch-norm", "convolution"])
def test_shown_work_breaks_no_rule(browser, name, scheme, width):
    with browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 844}) as own:
        page = own.new_page()
        page.set_content(render_html(exercise(name, 3, 3).document(answers=True)))
        assert breaches(page) == []
