"""One browser for all pages that are looked at in one, and one network a fit."""

import shutil
from importlib import import_module
from importlib.util import find_spec

import pytest

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking",
             "--disable-component-update", "--disable-sync", "--no-first-run"]
# Mistakes for type checkers to find, and a script that a test of its own runs.
collect_ignore = ["typed/wrong.py", "typed/script.py"]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def browser():
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip(f"needs a browser: one of {', '.join(BROWSERS)}")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session", autouse=True)
def one_network_a_fit():
    """Fits that say nothing of effort are fast ones: what is tested is seldom the mean of several
    networks, and it would take five times as long. `full_effort` brings the default back."""
    if find_spec("sklearn") is None:
        yield None
        return
    effort = import_module("evenly.estimators.effort")
    whole = effort.choices

    def choices(name, rows, classifies):
        return whole("fast" if name == "default" else name, rows, classifies)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(effort, "choices", choices)
        yield whole


@pytest.fixture
def full_effort(monkeypatch, one_network_a_fit):
    monkeypatch.setattr("evenly.estimators.effort.choices", one_network_a_fit)
