"""WCAG 2.2 AA of the report of a study, as far as axe-core can say."""

import pytest

from evenly.report import render
from tests.axe import breaches


@pytest.mark.sweep
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_report_breaks_no_rule(make_study, browser, scheme):
    with browser.new_context(color_scheme=scheme) as context:
        page = context.new_page()
        page.set_content(render(make_study()))
        assert breaches(page) == []
