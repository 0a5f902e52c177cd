"""The web pages: what is answered, and what is refused and how."""

# ruff: noqa: RUF001

import json
import logging
import re
import warnings

import pytest

from evenly.exercises import CATALOGUE, exercise, topic
from evenly.web import create_app, endpoints, guard, spec

with warnings.catch_warnings():
    # Starlette's client would rather have the successor of httpx.
    warnings.filterwarnings("ignore", message="Using `httpx` with `starlette.testclient`")
    from starlette.testclient import TestClient

LOCAL = "http://localhost:8000"


@pytest.fixture(scope="module")
def client():
    with TestClient(create_app(), base_url=LOCAL) as client:
        yield client


@pytest.fixture
def sheet():
    """An exercise's file of answers, filled in rightly."""
    made = exercise("batch-norm", seed=3)
    return {**made.sheet(), "answers": made.answers()}


def post(client, path, data, **headers):
    body = data if isinstance(data, (bytes, str)) else json.dumps(data)
    return client.post(path, content=body,
                       headers={"content-type": "application/json", **headers})


# What is answered ------------------------------------------------------------------------------


def test_the_catalogue_lists_every_topic(client):
    page = client.get("/")
    assert page.status_code == 200
    for name in CATALOGUE:
        assert f"/exercise/{name}?" in page.text
        assert topic(name).title in page.text
    assert f"{len(CATALOGUE)} of {len(CATALOGUE)} exercises" in page.text


def test_the_catalogue_is_searched_without_javascript(client):
    assert "/exercise/batch-norm?" in client.get("/", params={"q": "BATCH normal"}).text
    none = client.get("/", params={"q": "zzz"}).text
    assert "/exercise/" not in none
    assert f"0 of {len(CATALOGUE)} exercises" in none


def test_a_search_is_no_markup(client):
    page = client.get("/", params={"q": "\"><script>alert(1)</script>"}).text
    assert "<script>alert" not in page


@pytest.mark.parametrize("name", CATALOGUE)
@pytest.mark.parametrize("level", [1, 2, 3])
def test_every_exercise_has_a_page_a_sheet_and_a_key(client, name, level):
    made = exercise(name, seed=5, level=level)
    address = f"{name}?seed=5&level={level}"
    page = client.get(f"/exercise/{address}")
    assert page.status_code == 200
    cells = sum(step.value.size for step in made.asked.values())
    assert page.text.count('enterkeyhint="next"') == cells
    for wanted in made.asked:
        assert f'data-key="{wanted}"' in page.text
    if level > 1:
        return
    sheet, key = client.get(f"/sheet/{address}"), client.get(f"/key/{address}")
    assert sheet.text.count('class="box"') == cells
    assert key.status_code == 200
    assert 'class="box"' not in key.text


def test_the_page_does_not_hold_the_answers(client):
    """An answer that is nowhere among what is given is nowhere on the page."""
    page = client.get("/exercise/batch-norm?seed=3").text
    answers = re.findall(r"-?\d+/3", json.dumps(exercise("batch-norm", seed=3).answers()))
    assert answers
    for answer in set(answers):
        assert answer not in page
        above = answer.removesuffix("/3").lstrip("-")
        assert f"<mfrac><mn>{above}</mn><mn>3</mn></mfrac>" not in page
    assert "<mfrac><mn>5</mn><mn>3</mn></mfrac>" in client.get("/key/batch-norm?seed=3").text


def test_a_link_leads_to_the_same_exercise(client):
    made = exercise("batch-norm", seed=9, level=2, examples=5, features=2)
    page = client.get(spec.link(made)).text
    assert "Level 2: " in page
    identity = json.loads(re.search(r'data-identity="([^"]*)"', page)[1].replace("&#34;", '"'))
    assert identity == {"exercise": "batch-norm", "seed": 9, "level": 2,
                        "sizes": {"examples": 5, "features": 2}}


def test_own_numbers_travel_in_the_link(client):
    inputs = spec.own_inputs(exercise("batch-norm", seed=3))
    inputs["x"][0][0] = "7/2"
    own = exercise("batch-norm", seed=3, inputs=inputs)
    address = spec.link(own)
    page = client.get(address)
    assert page.status_code == 200
    assert "own numbers" in page.text
    assert "<mfrac><mn>7</mn><mn>2</mn></mfrac>" in page.text
    again = spec.link(exercise("batch-norm", seed=3, inputs=spec.own_inputs(own)))
    assert again == address


def test_right_answers_get_every_point(client, sheet):
    graded = post(client, "/api/grade", sheet).json()
    assert graded["points"] == graded["possible"] == 72
    assert {verdict for step in graded["steps"] for row in step["verdicts"]
            for verdict in row} == {"right"}


def test_a_mistake_is_named_and_what_follows_has_its_points(client, sheet):
    made = exercise("batch-norm", seed=3)
    values = made.asked["batch_norm_1.variance"].value.reshape(-1)
    sheet["answers"]["batch_norm_1.variance"] = [[str(v * 4 / 3) for v in values]]
    steps = {step["key"]: step for step in post(client, "/api/grade", sheet).json()["steps"]}
    step = steps["batch_norm_1.variance"]
    assert (step["points"], step["mistake"]["name"]) == (0, "divided by n - 1")
    assert step["mistake"]["advice"]


def test_answers_may_be_missing_and_numbers(client, sheet):
    right = [[int(str(v)) for v in row] for row in
             exercise("batch-norm", seed=3).asked["dense_1.y"].value]
    first, second, *rest = right
    sheet["answers"] = {"dense_1.y": [[*first[:2], float(first[2])],
                                      ["", "x!", str(second[2])], *rest]}
    graded = post(client, "/api/grade", sheet).json()
    first = graded["steps"][0]
    assert first["verdicts"][:2] == [["right"] * 3, ["empty", "unreadable", "right"]]
    assert graded["points"] == 10
    assert {v for row in graded["steps"][1]["verdicts"] for v in row} == {"empty"}


def test_the_work_says_which_numbers_made_which(client, sheet):
    asked = {key: value for key, value in sheet.items() if key != "answers"}
    answer = post(client, "/api/work", {**asked, "steps": ["batch_norm_1.centred"]}).json()
    [step] = answer["steps"]
    made = exercise("batch-norm", seed=3)
    assert [cell["text"] for cell in step["cells"]] == \
        [text for row in made.answers()["batch_norm_1.centred"] for text in row]
    relu, mean = (made.asked[key].number for key in ("relu_1.y", "batch_norm_1.mean"))
    assert step["cells"][4]["from"] == [f"{relu}-4", f"{mean}-1"]
    assert set(step["sources"]) == {str(relu), str(mean)}
    assert step["names"] == {str(relu): "y", str(mean): "mean"}
    assert "<math>" in step["formula"]
    assert len(post(client, "/api/work", asked).json()["steps"]) == len(made.asked)


def test_changed_numbers_change_the_work(client, sheet):
    inputs = spec.own_inputs(exercise("batch-norm", seed=3))
    asked = {"exercise": "batch-norm", "inputs": inputs}
    before = post(client, "/api/work", asked).json()
    inputs["bias"][0] = "1/2"
    after = post(client, "/api/work", asked).json()
    first = [[cell["text"] for cell in answer["steps"][0]["cells"]] for answer in (before, after)]
    moved = [i for i, (a, b) in enumerate(zip(*first, strict=True)) if a != b]
    assert moved == [0, 3, 6, 9]
    assert "inputs=" in after["link"]


@pytest.mark.parametrize(("typed", "plain"), [
    ("1,5", "3/2"), ("½", "1/2"), ("2⅓", "7/3"), ("−1", "-1"), ("50%", "1/2"), ("2.(3)", "7/3"),
    ("1 1/2", "3/2"), ("10⁻²", "1/100"), ("3/4", "3/4"), ("1e-2", "1/100"),
])
def test_changed_numbers_are_typed_as_answers_are(client, typed, plain):
    made = []
    for text in (typed, plain):
        inputs = spec.own_inputs(exercise("batch-norm", seed=3)) | {"bias": [1, text, 3]}
        made.append(post(client, "/api/work", {"exercise": "batch-norm", "inputs": inputs}).json())
    assert made[0] == made[1]
    assert "steps" in made[0]


@pytest.mark.parametrize(("typed", "message"), [
    ("1,500", "batch-norm: bias: answer '1,500', at character 2: a decimal or thousands? "),
    ("√4/9", "batch-norm: bias: answer '√4/9', at character 3: the root of the fraction, or "),
    ("sqrt(2)", "batch-norm: bias: expects numbers such as 2, 0.5 or \"3/4\", got 'sqrt(2)'"),
])
def test_changed_numbers_that_may_mean_two_are_asked_about(client, typed, message):
    inputs = spec.own_inputs(exercise("batch-norm", seed=3)) | {"bias": [1, typed, 3]}
    answer = post(client, "/api/work", {"exercise": "batch-norm", "inputs": inputs})
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(message)


def test_numbers_that_cannot_be_divided_are_refused_in_words(client):
    inputs = spec.own_inputs(exercise("batch-norm", seed=3))
    inputs["x"] = [[1, 1, 1]] * 4
    answer = post(client, "/api/work", {"exercise": "batch-norm", "inputs": inputs})
    assert answer.status_code == 400
    assert "variance 0" in answer.text
    page = client.get("/exercise/batch-norm", params={"inputs": json.dumps(inputs)})
    assert page.status_code == 400


def test_what_is_not_used_is_not_asked_to_be_changed(client):
    first = client.get("/exercise/batch-norm?level=1").text
    second = client.get("/exercise/batch-norm?level=2").text
    assert re.findall(r'data-input="(\w+)"', first) == ["x", "kernel", "bias", "gamma", "beta"]
    assert re.findall(r'data-input="(\w+)"', second) == [
        "x", "kernel", "bias", "gamma", "beta", "running_mean", "running_variance", "new"]


# What every answer carries -----------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/exercise/batch-norm", "/static/page.css", "/nowhere",
                                  "/exercise/batch-norm?seed=x"])
def test_headers(client, path):
    answer = client.get(path)
    for name, value in guard.HEADERS.items():
        assert answer.headers[name] == value
    assert "set-cookie" not in answer.headers
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy


def test_pages_hold_no_script_and_no_style_of_their_own(client):
    for path in ("/", "/exercise/batch-norm", "/sheet/batch-norm", "/key/batch-norm", "/nowhere"):
        page = client.get(path).text
        assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=|https?://", page), path


def test_what_pages_ask_for_is_there(client):
    for path in ("/", "/exercise/batch-norm", "/sheet/batch-norm"):
        for found in re.findall(r'(?:href|src)="(/static/[^"]+)"', client.get(path).text):
            assert client.get(found).status_code == 200, found


# What is refused ---------------------------------------------------------------------------------

EXERCISE, GRADE, WORK = "/exercise/batch-norm", "/api/grade", "/api/work"
SPEC = {"exercise": "batch-norm", "seed": 3}
RIGHT = exercise("batch-norm", seed=3).answers()
INPUTS = spec.own_inputs(exercise("batch-norm", seed=3))
NEAR = "No exercise is called 'batch-norn': did you mean "

LINKS = [
    ("/nowhere", 404, "There is no page '/nowhere'."),
    ("/static/nowhere.js", 404, "There is no page '/static/nowhere.js'."),
    ("/static/../app.py", 404, "There is no page '/app.py'."),
    ("/exercise/", 404, "There is no page '/exercise/'."),
    ("/exercise/batch-norn", 404, NEAR),
    ("/sheet/<0>", 404, "No exercise is called '<0>': there are "),
    (f"{EXERCISE}?seed=-1", 400,
     "The link's 'seed' must be a whole number of at least 0, got '-1'."),
    (f"{EXERCISE}?seed=1.5", 400,
     "The link's 'seed' must be a whole number of at least 0, got '1.5'."),
    (f"{EXERCISE}?seed=", 400, "The link's 'seed' must be a whole number of at least 0, got ''."),
    (f"{EXERCISE}?seed=18446744073709551616", 400, "batch-norm: seed must be a whole number from "
     "0 to 2^64 - 1, got 18446744073709551616"),
    (f"{EXERCISE}?seed={'9' * 5000}", 400,
     f"The link's 'seed' must be a whole number of at least 0, got '{'9' * 40}'."),
    (f"{EXERCISE}?seed=%D9%A3", 400,
     "The link's 'seed' must be a whole number of at least 0, got '٣'."),
    (f"{EXERCISE}?level=4", 400, "batch-norm: level must be 1, 2 or 3, got 4"),
    (f"{EXERCISE}?seed=1&seed=2", 400, "The link says 'seed' twice."),
    (f"{EXERCISE}?examples=100", 400,
     "batch-norm: examples must be a whole number from 4 to 8, got 100"),
    (f"{EXERCISE}?colour=3", 400, "batch-norm has no size 'colour'; there are examples, features."),
    (f"{EXERCISE}?self=3", 400, "batch-norm has no size 'self'; there are examples, features."),
    (f"{EXERCISE}?inputs=3", 400,
     "'inputs' must be numbers by name, such as {\"x\": [[1, 2]]}."),
    (f"{EXERCISE}?inputs=%7B", 400, "The link's inputs must be JSON."),
    (f"{EXERCISE}?inputs=%7B%22x%22:3%7D", 400, "batch-norm: the input 'kernel' is missing; there "
     "must be x, kernel, bias, gamma, beta, running_mean, running_variance, new, d_y"),
    (f"{EXERCISE}?inputs=%7B%22y%22:3%7D", 400, "batch-norm: no input is called 'y'; there are "),
    (f"{EXERCISE}?inputs={'[' * 5000}", 400,
     "The link's inputs must not be nested deeper than 8 levels."),
    (f"{EXERCISE}?{'&'.join(f'a{i}=1' for i in range(30))}", 400,
     "The link has 30 parameters; at most 24 are read."),
    (f"{EXERCISE}?x={'1' * 20000}", 414,
     "The link is too long: at most 16384 characters after the '?'."),
    (f"/exercise/{'x' * 600}", 414, "The address is too long: at most 512 characters."),
]


@pytest.mark.parametrize(("path", "status", "message"), LINKS, ids=lambda v: str(v)[:40])
def test_links_that_lead_nowhere(client, path, status, message):
    answer = client.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    said = re.search(r"<h1>.*?</h1>\s*<p>(.*?)</p>", answer.text, re.S)[1]
    for mark, name in (("&#39;", "'"), ("&#34;", '"'), ("&lt;", "<"), ("&gt;", ">")):
        said = said.replace(mark, name)
    assert said.startswith(message) if message[-1] == " " else said == message
    assert "Traceback" not in answer.text


def changed(inputs, **other):
    return {**SPEC, "inputs": {**inputs, **other}}


QUESTIONS = [
    (GRADE, b"", 400, "The request must be JSON."),
    (GRADE, b"{", 400, "The request must be JSON."),
    (GRADE, b"\xff", 400, "The request must be UTF-8."),
    (GRADE, b"[]", 400, "The request must be a JSON object."),
    (GRADE, b"NaN", 400, "The request must be JSON."),
    (GRADE, b'{"seed": 1, "seed": 2}', 400, "The request must say 'seed' once."),
    (GRADE, b"[" * 60000, 400, "The request must not be nested deeper than 8 levels."),
    (GRADE, b'{"seed": ' + b"9" * 50000 + b"}", 400, "The request must be JSON."),
    (GRADE, b'{"exercise": "\\ud800"}', 400, "The request must be JSON."),
    (GRADE, b'"' * 60001, 400, "The request must be JSON."),
    (GRADE, b" " * 70000, 413, "The request is too long: at most 65536 bytes."),
    (GRADE, {}, 400, "'exercise' must be the name of an exercise, such as \"batch-norm\"."),
    (GRADE, {"exercise": ["batch-norm"]}, 400,
     "'exercise' must be the name of an exercise, such as \"batch-norm\"."),
    (GRADE, {"exercise": "../batch-norm"}, 404,
     "No exercise is called '../batch-norm': did you mean "),
    (GRADE, {**SPEC, "colour": 1}, 400, "The request knows no 'colour'; there are answers, "
     "convention, exercise, inputs, level, seed, sizes."),
    (GRADE, {**SPEC, "seed": "3"}, 400,
     "batch-norm: seed must be a whole number from 0 to 2^64 - 1, got '3'"),
    (GRADE, {**SPEC, "seed": []}, 400,
     "batch-norm: seed must be a whole number from 0 to 2^64 - 1, got []"),
    (GRADE, {**SPEC, "level": True}, 400, "batch-norm: level must be 1, 2 or 3, got True"),
    (GRADE, {**SPEC, "level": None}, 400, "batch-norm: level must be 1, 2 or 3, got None"),
    (GRADE, {**SPEC, "sizes": [4]}, 400,
     "'sizes' must be whole numbers by name, such as {\"examples\": 4}."),
    (GRADE, {**SPEC, "sizes": {"examples": 4.5}}, 400,
     "batch-norm: examples must be a whole number from 4 to 8, got 4.5"),
    (GRADE, {**SPEC, "sizes": {"examples": {}}}, 400,
     "batch-norm: examples must be a whole number from 4 to 8, got {}"),
    (GRADE, {**SPEC, "sizes": {"seed": 4}}, 400,
     "batch-norm has no size 'seed'; there are examples, features."),
    (GRADE, SPEC, 400, "'answers' must be nested lists of text by step."),
    (GRADE, {**SPEC, "answers": [1]}, 400, "'answers' must be nested lists of text by step."),
    (GRADE, {**SPEC, "answers": {"mean": [1]}}, 400, "'answers' has no step 'mean'; there are "),
    (GRADE, {**SPEC, "answers": {"batch_norm_1.mean": "3"}}, 400, "The answer to "
     "'batch_norm_1.mean' must have the shape of its step: 1 here, got no list."),
    (GRADE, {**SPEC, "answers": {"batch_norm_1.mean": [["3"]]}}, 400, "The answer to "
     "'batch_norm_1.mean' must have the shape of its step: 3 here, got 1."),
    (GRADE, {**SPEC, "answers": {"batch_norm_1.mean": [[None, "", ""]]}}, 400,
     "The answer to 'batch_norm_1.mean' must consist of text or numbers."),
    (GRADE, {**SPEC, "answers": {"batch_norm_1.mean": [["1" * 101, "", ""]]}}, 400,
     "The answer to 'batch_norm_1.mean' must consist of numbers of at most 100 characters."),
    (WORK, {**SPEC, "answers": {}}, 400, "The request knows no 'answers'; there are convention, "
     "exercise, inputs, level, seed, sizes, steps."),
    (WORK, {**SPEC, "steps": "dense_1.y"}, 400, "'steps' must be a list of names."),
    (WORK, {**SPEC, "steps": ["x"]}, 400, "'steps' has no 'x'; there are "),
    (WORK, {**SPEC, "inputs": []}, 400,
     "'inputs' must be numbers by name, such as {\"x\": [[1, 2]]}."),
    (WORK, changed(INPUTS, bias=[1, "abc", 3]), 400,
     "batch-norm: bias: expects numbers such as 2, 0.5 or \"3/4\", got 'abc'"),
    (WORK, changed(INPUTS, bias=[1, "", 3]), 400,
     "batch-norm: bias: expects numbers such as 2, 0.5 or \"3/4\", got ''"),
    (WORK, changed(INPUTS, bias=[1, "1/0", 3]), 400,
     "batch-norm: bias: expects numbers such as 2, 0.5 or \"3/4\", got '1/0'"),
    (WORK, changed(INPUTS, bias=[1, 10**12, 3]), 400,
     "batch-norm: bias: numbers must be fractions of reasonable size, got 1000000000000"),
    (WORK, changed(INPUTS, bias=[1, "1e999999999", 3]), 400,
     "batch-norm: bias: numbers must be fractions of reasonable size, got '1e999999999'"),
    (WORK, changed(INPUTS, bias=[1, "1e-9_99_999", 3]), 400,
     "batch-norm: bias: numbers must be fractions of reasonable size, got '1e-9_99_999'"),
    (WORK, changed(INPUTS, bias=[[1, 2, 3]]), 400, "bias must have shape (3), got (1, 3)"),
    (WORK, changed(INPUTS, x=[[1, 2, 3], [1, 2]]), 400,
     "batch-norm: x: its rows must have equal length"),
    (WORK, changed(INPUTS, x=[[1, 2, 3]] * 500), 400,
     "batch-norm: x: at most 400 numbers, got 1500"),
    (WORK, changed(INPUTS, x=[]), 400, "batch-norm: x: expects at least one number, got none"),
]


@pytest.mark.parametrize(("path", "data", "status", "message"), QUESTIONS,
                         ids=lambda v: str(v)[:50])
def test_questions_that_cannot_be_answered(client, path, data, status, message):
    answer = post(client, path, data)
    assert answer.status_code == status
    assert list(answer.json()) == ["error"]
    said = answer.json()["error"]
    assert said.startswith(message) if message[-1] == " " else said == message


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "",
                                  "multipart/form-data", "application/jsonx"])
def test_only_json_is_read(client, kind):
    answer = post(client, GRADE, SPEC, **{"content-type": kind})
    assert answer.status_code == 415
    assert answer.json() == {"error": "The request must be JSON, with the header Content-Type: "
                                      "application/json."}


@pytest.mark.parametrize(("method", "path"), [("post", "/"), ("put", EXERCISE), ("get", GRADE),
                                              ("delete", WORK), ("options", GRADE)])
def test_methods(client, method, path):
    answer = client.request(method.upper(), path)
    assert answer.status_code == 405
    assert answer.headers["allow"]
    assert f"does not take {method.upper()} requests." in answer.text


def test_a_body_that_does_not_say_its_length_is_limited_too(client):
    answer = client.post(GRADE, content=(b" " * 1000 for _ in range(100)),
                         headers={"content-type": "application/json"})
    assert answer.status_code == 413


def test_a_body_that_does_not_come_is_not_waited_for(client, monkeypatch):
    import anyio

    async def never(self):
        await anyio.sleep(60)
        yield b""

    monkeypatch.setattr("starlette.requests.Request.stream", never)
    monkeypatch.setattr(endpoints, "_PATIENCE", 0.01)
    answer = post(client, GRADE, SPEC)
    assert answer.status_code == 408
    assert answer.json() == {"error": "The request took too long to arrive."}


def test_too_many_at_once_are_sent_away(client, monkeypatch):
    monkeypatch.setattr(endpoints, "_WAITING", 0)
    answer = post(client, WORK, SPEC)
    assert answer.status_code == 503
    assert answer.json() == {"error": "Too many are asking at once. Try again in a moment."}


@pytest.mark.parametrize("length", ["-1", "x", "1e3", "²"])
def test_the_length_is_a_number(client, length):
    answer = client.get("/", headers={"content-length": length.encode()})
    assert answer.status_code == 400


def test_a_body_nobody_asked_for_is_limited_too(client):
    answer = client.get("/", headers={"content-length": str(guard.LONGEST_BODY + 1)})
    assert answer.status_code == 413
    assert f"at most {guard.LONGEST_BODY} bytes." in answer.text


# Whom it answers ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("host", "status"), [
    ("localhost", 200), ("localhost:8000", 200), ("LOCALHOST:1", 200), ("127.0.0.1:8000", 200),
    ("[::1]:8000", 200), ("[::1]", 200), ("localhost.", 200), ("evil.example", 400),
    ("localhost.evil.example", 400), ("127.0.0.1.evil.example:8000", 400), ("", 400),
    ("evil.example:localhost", 400), ("[::2]:8000", 400),
])
def test_hosts(client, host, status):
    answer = client.get("/", headers={"host": host})
    assert answer.status_code == status
    if status == 400:
        assert "This server answers to localhost, 127.0.0.1, [::1], not to" in answer.text


def test_open_to_others_it_answers_to_every_name():
    with TestClient(create_app(hosts=None), base_url="http://school.example") as client:
        assert client.get("/").status_code == 200


# Faults ------------------------------------------------------------------------------------------


def test_a_fault_shows_no_traceback(monkeypatch, caplog):
    def broken(*arguments):
        raise RuntimeError("a secret")

    monkeypatch.setattr(endpoints, "_work", broken)
    monkeypatch.setattr(endpoints, "_exercise", broken)
    caplog.set_level(logging.CRITICAL)
    with TestClient(create_app(), base_url=LOCAL, raise_server_exceptions=False) as client:
        answer, page = post(client, WORK, SPEC), client.get(EXERCISE)
    assert (answer.status_code, page.status_code) == (500, 500)
    assert list(answer.json()) == ["error"]
    for text in (answer.text, page.text):
        assert "secret" not in text
        assert "Traceback" not in text
    assert page.headers["content-security-policy"] == guard.HEADERS["Content-Security-Policy"]


@pytest.mark.parametrize("name", CATALOGUE)
def test_inputs_of_any_shape_are_answered_or_refused(client, name):
    """Whatever the shape of an input, no exercise breaks."""
    inputs = spec.own_inputs(exercise(name, seed=1))
    # Every input has a scalar and a table; the other shapes are everybody's in turn.
    for i, key in enumerate(inputs):
        for value in (0, [[1, 2], [3, 4]], ([0], [[1]], [[[[1]]]], {})[i % 4]):
            answer = post(client, WORK, {"exercise": name, "inputs": {**inputs, key: value}})
            assert answer.status_code in (200, 400), (key, value)


def test_a_convention_is_on_the_page_and_in_its_links(client):
    page = client.get("/exercise/dropout?seed=3&convention=keep").text
    assert "keep = 2/3" in page
    assert '<option value="keep"' in page
    assert page.count("convention=keep") >= 3
    made = exercise("dropout", seed=3, convention="keep")
    graded = post(client, "/api/grade", {**made.sheet(), "answers": made.answers()}).json()
    assert {verdict for step in graded["steps"] for row in step["verdicts"]
            for verdict in row} == {"right"}
    refused = client.get("/exercise/dropout?convention=other")
    assert refused.status_code == 400
    assert "no convention is called" in refused.text
    wrong = post(client, "/api/grade", {**made.sheet(), "convention": 3})
    assert wrong.status_code == 400
