"""Pages of the documentation: none too long, every link leads somewhere, each has its place."""

import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
# What the build of the gallery makes is no written page.
WRITTEN = [page for page in sorted(DOCS.rglob("*.md")) if "built" not in page.parts]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *WRITTEN]
page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))

MOST_WORDS = 1500
FENCE = re.compile(r"^ *```.*?^ *```", re.M | re.S)
# The build makes these.
MADE = {"layers/index", "losses/index", "optimizers/index", "reference/index"}


def words(text):
    """A word is what stands between spaces and has a letter or a digit: in code and tables too."""
    return sum(any(sign.isalnum() for sign in word) for word in text.split())


def anchors(path):
    """The names of a page's headings, as GitHub and the site make them."""
    found = set()
    for heading in re.findall(r"^#+ +(.*?)\s*$", FENCE.sub("", path.read_text()), re.M):
        text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
        name = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        number = next(n for n in range(99) if (f"{name}-{n}" if n else name) not in found)
        found.add(f"{name}-{number}" if number else name)
    return found


def broken(path):
    """The links of a page that lead nowhere, here and on the site."""
    text = re.sub(r"`[^`\n]*`", "", FENCE.sub("", path.read_text()))
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?://|mailto:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        there = target.exists() and target.is_relative_to(ROOT)
        if there and anchor:
            there = target.suffix == ".md" and anchor in anchors(target)
        if not there:
            yield link


def listed():
    """What the tables of contents name, patterns as they are."""
    for path in WRITTEN:
        for block in re.findall(r"^```\{toctree\}\n(.*?)^```", path.read_text(), re.M | re.S):
            at = path.parent.relative_to(DOCS)
            for line in block.splitlines():
                if line and not line.startswith(":"):
                    yield (at / line).as_posix()


@page
def test_no_page_is_too_long(page):
    assert words(page.read_text()) <= MOST_WORDS


@page
def test_every_link_leads_somewhere(page):
    assert not list(broken(page))


def test_what_leads_nowhere_is_seen(tmp_path, monkeypatch):
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    (tmp_path / "b.md").write_text("# A `b`: c\n\n## Again\n\n## Again\n\n```\n# not this\n```\n")
    page = tmp_path / "a.md"
    page.write_text("[1](b.md#a-b-c) [2](b.md#again-1) [3](c.md) [4](b.md#not-this) `[5](d.md)`")
    assert list(broken(page)) == ["c.md", "b.md#not-this"]
    assert words("| a | -- | 1.5 |\n```\nx = 1\n```") == 4


def test_each_page_has_one_place_in_the_contents():
    entries = list(listed())
    for path in WRITTEN:
        name = path.relative_to(DOCS).with_suffix("").as_posix()
        exact = entries.count(name)
        found = exact or sum("*" in entry and fnmatch(name, entry) for entry in entries)
        assert found == 1 or name == "index", name


def test_the_contents_name_what_is_there():
    for entry in listed():
        assert "*" in entry or entry in MADE or (DOCS / f"{entry}.md").exists(), entry
