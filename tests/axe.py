"""What axe-core finds in a page: breaches of WCAG 2.2, levels A and AA."""

import importlib.resources

import pytest

_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
_RUN = """async (tags) => {
  const found = await axe.run(document, { runOnly: { type: "tag", values: tags } });
  return found.violations.map((one) => [one.id, one.help,
    one.nodes.slice(0, 3).map((node) => `${node.html.slice(0, 160)} ${node.failureSummary}`)]);
}"""


def breaches(page):
    """(rule, what it asks for, where it is broken) of each rule that the page breaks."""
    pytest.importorskip("axe_playwright_python", reason="needs axe-playwright-python")
    files = importlib.resources.files("axe_playwright_python")
    if not page.evaluate("typeof axe !== 'undefined'"):
        page.evaluate((files / "axe.min.js").read_text("utf-8"))
    return page.evaluate(_RUN, _TAGS)
