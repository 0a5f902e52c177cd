"""Every code block of the documentation runs, or says in a comment why it does not."""

import os
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from .blocks import OPTIONAL, RUN, SHOWN, Block, Page, blocks

ROOT = Path(__file__).resolve().parents[2]
PAGES = [page for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md",
                           *sorted((ROOT / "docs").rglob("*.md"))] if "built" not in page.parts]
page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
# Whose trainings show what the text says of them only with the effort that is the default.
WHOLE_EFFORT = {"estimators.md"}


def runs(page: Path, kind: str = "") -> bool:
    """Whether anything of a page runs; with "sweep", whether more of it runs there."""
    found = [one for one in blocks(page.read_text()) if one.language in RUN]
    return any(one.marks and any(m.kind == kind for m in one.marks) for one in found) \
        if kind else bool(found)


def quiet(page: Path) -> list[pytest.MarkDecorator]:
    """Keras on JAX copies arrays in a way that NumPy 2 warns of."""
    warns = "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
    return [pytest.mark.filterwarnings(warns)] if "import keras" in page.read_text() else []


@pytest.mark.parametrize(("page", "whole"), [
    *(pytest.param(one, False, id=str(one.relative_to(ROOT)), marks=quiet(one))
      for one in PAGES if runs(one)),
    *(pytest.param(one, True, id=f"{one.relative_to(ROOT)} all", marks=pytest.mark.sweep)
      for one in PAGES if runs(one, "sweep"))])
def test_page(page, whole, tmp_path, monkeypatch, request):
    if page.name in WHOLE_EFFORT:
        request.getfixturevalue("full_effort")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "100")
    if "KERAS_BACKEND" not in os.environ:
        monkeypatch.setenv("KERAS_BACKEND", "jax" if find_spec("jax") else "torch")
    try:
        Page(page, whole).run()
    except ModuleNotFoundError as error:
        if error.name.split(".")[0] not in OPTIONAL:
            raise
        pytest.skip(f"needs {error.name}")


@page
def test_every_block_has_a_language_that_says_what_becomes_of_it(page):
    for block in blocks(page.read_text()):
        # A directive of the site; `py` and `python WORD` are run by tests of their own.
        elsewhere = block.language.startswith(("{", "python ")) or block.language == "py"
        known = block.language in RUN | SHOWN or elsewhere
        assert known, f"line {block.line}: {block.language!r}; output is `text`"


@page
def test_no_code_is_indented_rather_than_fenced(page):
    text = re.sub(r"^ *```.*?^ *```$", "", page.read_text(), flags=re.M | re.S)
    assert not re.findall(r"\n\n    (?:import|from|make|python|evenly|pip|\$|\.venv|\().*", text)


@page
def test_a_mark_is_in_front_of_what_it_speaks_of(page):
    for block in blocks(page.read_text()):
        commands = block.commands() if block.language != "python" else [""]
        for mark in block.marks:
            assert any(mark.meets(one) for one in commands), f"line {block.line}: {mark}"
    marks = len(re.findall(r"<!-- (?:not run|sweep|run with|ends with)", page.read_text()))
    assert marks == sum(len(block.marks) for block in blocks(page.read_text()))


def test_what_is_not_run_has_its_reason(record_property):
    """The list of what does not run here; `-s` prints it."""
    for page in PAGES:
        for block in blocks(page.read_text()):
            for mark in block.marks:
                if mark.kind == "not run":
                    where = f"{page.relative_to(ROOT)}:{block.line}"
                    said = f"{where}: {mark.prefix or 'all'}: {mark.why}"
                    print(said)
                    record_property("not run", said)
                    assert len(mark.why.split()) >= 2, said


@pytest.mark.parametrize(("text", "error"), [
    ("```python\n1 / 0\n```", ZeroDivisionError),
    ("```python\n>>> 1 + 1\n3\n\n```", AssertionError),
    ("```python\n>>> undefined\n2\n\n```", AssertionError),
    ("```console\n$ evenly --version\nodd 7\n```", AssertionError),
    ("```sh\nevenly exercise no-such-topic\n```", Exception),
    ("```sh\nevenly exercise --list | head\n```", AssertionError),
    ("```sh\nmake everything\n```", AssertionError),
])
def test_a_block_that_fails_is_seen(text, error, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "page.md"
    path.write_text(text + "\n")
    with pytest.raises(error):
        Page(path).run()
    path.write_text(f"<!-- not run: it is wrong -->\n{text}\n")
    Page(path).run()


def test_marks_choose_commands():
    text = ("<!-- not run (evenly serve): waits for a browser -->\n"
            "<!-- run with (evenly study): --seeds 2 -->\n```sh\nevenly serve  # a page\n"
            "evenly study a.csv \\\n    --target y\n```\n")
    (block,) = blocks(text)
    assert block.commands() == ["evenly serve", "evenly study a.csv --target y"]
    assert block.mark("evenly serve", "not run")
    assert not block.mark("evenly study", "not run")
    assert block.mark("evenly study a.csv", "run with").why == "--seeds 2"
    assert Block(1, "sh", "a\n").mark("a", "not run") is None


@page
def test_links(page):
    for link in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        if not link.startswith("https://"):
            assert (page.parent / link).exists(), link
