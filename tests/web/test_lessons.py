"""The pages of lessons: what is answered, what is refused, and how they are used in a browser."""

import html
import json
import re
import warnings

import numpy as np
import pytest

from evenly.exercises import exercise
from evenly.lessons import LESSONS, Claimed, Own, Predict, Sheet, lesson, lessons
from evenly.lessons.progress import Kept, Progress, write
from evenly.web import create_app, spec

with warnings.catch_warnings():
    # Starlette's client would rather have the successor of httpx.
    warnings.filterwarnings("ignore", message="Using `httpx` with `starlette.testclient`")
    from starlette.testclient import TestClient

LOCAL = "http://localhost:8000"
BATCH = "/lesson/batch-normalization"
PATH = lesson("batch-normalization")
PREDICT = next(n for n, step in enumerate(PATH.steps, 1) if isinstance(step, Predict))


@pytest.fixture(scope="module")
def client():
    with TestClient(create_app(), base_url=LOCAL) as client:
        yield client


# What is answered ---------------------------------------------------------------------------------


def test_all_lessons_are_listed_and_every_page_leads_there(client):
    page = client.get("/lessons").text
    for one in lessons():
        assert f'href="/lesson/{one.name}"' in page
        assert html.escape(one.title) in page
    for path in ("/", "/lessons", "/exercise/relu", "/sheet/relu", "/key/relu", BATCH, "/nowhere"):
        assert '<a href="/lessons">Lessons</a>' in client.get(path).text


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_has_all_steps_and_links_to_its_sheets(client, name):
    page = html.unescape(client.get(f"/lesson/{name}").text)
    for number, step in enumerate(lesson(name).steps, 1):
        part = page.split(f'id="step-{number}"')[1].split("</article>")[0]
        assert step.title in part
        if isinstance(step, Sheet):
            assert f'href="{spec.link(step.exercise)}"' in part
            identity = json.loads(re.search(r"data-sheet='?\"?({.*?})\"", part)[1])
            assert identity == {k: v for k, v in step.exercise.sheet().items() if k != "answers"}
        if isinstance(step, Predict):
            assert f"<strong>{step.before}</strong>" in part
            assert step.why not in part          # told with the verdict alone
        if isinstance(step, Claimed):
            assert f"evenly study {step.study} --short" in part
        if isinstance(step, Own):
            assert "\n".join(step.lines) in part


def test_the_sheets_link_opens_that_sheet(client):
    for step in PATH.steps:
        if isinstance(step, Sheet):
            page = client.get(spec.link(step.exercise)).text
            assert step.exercise.title in page
            assert f'href="{BATCH}' in page


def test_an_exercise_names_its_lessons_at_the_right_step(client):
    step = next(n for n, step in enumerate(PATH.steps, 1)
                if isinstance(step, Sheet) and step.topic == "batch-norm" and step.level == 2)
    assert f'href="{BATCH}#step-{step}"' in client.get("/exercise/batch-norm?level=2").text
    assert 'href="/lesson/activations"' in client.get("/exercise/elu").text


@pytest.mark.parametrize(("answer", "look", "words"), [
    ("26/3", "right", "Right: 16/3 becomes 26/3."), ("8,67", "right", "Right: "),
    ("7", "wrong", "Not 7."), ("x", "wrong", "at character 1"), ("", "wrong", ""),
    ("<b>", "wrong", ""),
])
def test_a_prediction_is_checked_without_a_script(client, answer, look, words):
    page = client.get(BATCH, params={"step": PREDICT, "answer": answer})
    assert page.status_code == 200
    assert page.text.count('class="verdict ') == 1
    found = re.search(r'class="verdict (\w+)".*?<p>(.*?)</p>', page.text)
    assert found[1] == look
    assert words in html.unescape(found[2])
    assert "<b>" not in page.text


def test_a_verdict_that_was_kept_is_shown(tmp_path, client):
    step = next(step for step in PATH.steps if isinstance(step, Claimed))
    file = tmp_path / "lessons.json"
    write(file, Progress({}, {step.study: Kept("holds", "It does.", "x 0.27")}))
    with TestClient(create_app(kept=file), base_url=LOCAL) as own:
        assert "<strong>holds</strong>. It does. x 0.27." in own.get(BATCH).text
        file.write_text("{")
        assert "is no record of lessons" in own.get(BATCH).text
        assert file.read_text() == "{"
        file.unlink()
        assert "keeps it for this page" in own.get(BATCH).text
    page = client.get(BATCH).text
    assert "It was run" not in page
    assert "keeps it for this page" not in page      # no file is read: it would not be seen


@pytest.mark.parametrize(("path", "status", "message"), [
    ("/lesson/batchnorm", 404, "No lesson is called 'batchnorm': did you mean batch-norm"),
    ("/lesson/qqq", 404, "No lesson is called 'qqq': there are first-network,"),
    (f"{BATCH}?step=1&answer=1", 400, "Step 1 of this lesson asks for no number."),
    (f"{BATCH}?step=99&answer=1", 400, "has steps 1 to 12, got 99"),
    (f"{BATCH}?step=x&answer=1", 400, "must be a whole number, got 'x'"),
    (f"{BATCH}?step=9999999999&answer=1", 400, "must be a whole number"),
    (f"{BATCH}?step=3", 400, "knows 'step' and 'answer', once each"),
    (f"{BATCH}?seed=3", 400, "knows 'step' and 'answer', once each"),
    (f"{BATCH}?step=3&answer=1&answer=2", 400, "once each"),
    (f"{BATCH}?step=3&answer={'1' * 101}", 400, "at most 100 characters"),
])
def test_what_there_is_not_is_refused_in_words(client, path, status, message):
    page = client.get(path)
    assert page.status_code == status
    assert message in html.unescape(page.text)
    assert "?." not in page.text


def test_a_question_ends_as_one(client):
    assert "?." not in client.get("/exercise/batchnorm").text


# In a browser -------------------------------------------------------------------------------------


def kept(page, name="evenly-lessons"):
    return json.loads(page.evaluate(f"localStorage.getItem('{name}')") or "null")


def ready(page):
    page.wait_for_selector("[data-ready]")
    return page


def test_ticks_stay_and_lead_on(opened, address):
    page = ready(opened(BATCH))
    assert page.locator("#far").inner_text() == "0 of 12 steps done."
    assert page.locator("#on").inner_text() == "Begin"
    page.locator("#step-1 .tick input").check()
    assert page.locator("#far").inner_text() == "1 of 12 steps done."
    assert page.locator("#on").get_attribute("href") == "#step-2"
    assert kept(page) == {"batch-normalization": [PATH.steps[0].key]}
    page.reload()
    assert ready(page).locator("#step-1 .tick input").is_checked()
    assert page.locator(".path [aria-current=step]").get_attribute("href") == "#step-2"
    page.goto(f"{address}/lessons")
    card = page.locator(".card", has_text="in an hour")
    card.get_by_text("1 of 12 steps done").wait_for()
    page.goto(address + BATCH)
    ready(page).get_by_role("button", name="Untick all").click()
    assert kept(page) == {"batch-normalization": []}
    assert not page.locator("#step-1 .tick input").is_checked()


def test_a_sheet_that_is_right_is_ticked(opened):
    path = lesson("activations")
    number, step = next((n, s) for n, s in enumerate(path.steps, 1)
                        if isinstance(s, Sheet) and s.topic == "relu")
    page = ready(opened("/lesson/activations"))
    page.locator(f"#step-{number}").get_by_role("link", name="Do it here").click()
    ready(page)
    made = exercise("relu", step.seed, step.level)
    for key, values in made.answers().items():
        cells = page.locator(f'.step[data-key="{key}"] .answers input').all()
        for cell, text in zip(cells, np.asarray(values, object).reshape(-1), strict=True):
            cell.fill(text)
    cells[-1].fill("77")
    page.get_by_role("button", name="Check all").click()
    page.locator(".cell.wrong").wait_for()
    assert kept(page, "evenly-right") is None
    cells[-1].fill(text)
    page.get_by_role("button", name="Check all").click()
    page.locator(".cell.wrong").wait_for(state="detached")
    for _ in range(50):  # it is kept behind the drawing
        if kept(page, "evenly-right") is not None:
            break
        page.wait_for_timeout(100)
    assert kept(page, "evenly-right") is not None
    page.get_by_role("link", name=path.title).click()
    ready(page)
    assert page.url.endswith(f"/lesson/activations#step-{number}")
    assert page.locator(f"#step-{number} .tick input").is_checked()
    assert kept(page) == {"activations": [step.key]}


def test_a_prediction_in_the_page(opened):
    page = ready(opened(BATCH, 390, 844))
    step = page.locator(f"#step-{PREDICT}")
    for text, look in (("1", "wrong"), ("8.67", "right")):
        step.get_by_label("Your prediction").fill(text)
        step.get_by_role("button", name="Check").click()
        step.locator(f".verdict.{look}").wait_for()
        ready(page)
    assert page.url.endswith(f"#step-{PREDICT}")
    assert step.locator(".tick input").is_checked()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("value", ["{", "[]", '{"dropout": 3}', "null"])
def test_what_the_browser_keeps_is_not_written_over_unless_understood(opened, value):
    page = opened(BATCH)
    page.evaluate("(value) => localStorage.setItem('evenly-lessons', value)", value)
    page.reload()
    ready(page).locator("#step-1 .tick input").check()
    assert "cannot be read" in page.locator("#kept").inner_text()
    assert page.evaluate("localStorage.getItem('evenly-lessons')") == value
    assert page.locator("#far").inner_text() == "1 of 12 steps done."


def test_without_a_script_it_is_all_there_to_read(opened):
    page = opened(f"{BATCH}?step={PREDICT}&answer=26/3", 390, 844, java_script_enabled=False)
    assert page.locator("article.step").count() == len(PATH.steps)
    assert page.locator(".verdict.right").is_visible()
    assert not page.locator(".tick").first.is_visible()
    assert not page.locator("#far").is_visible()
