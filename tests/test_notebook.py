"""What objects show of themselves in a notebook, the drawing of a network, the bar in a cell."""

import re
import sys
import warnings
from types import ModuleType, SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest

import evenly as ev
from evenly.errors import ConfigurationError
from evenly.training import notebook_bar
from evenly.training.history import EpochRecord, History
from evenly.training.progress import Bar, Quiet, make_progress

X = np.random.default_rng(0).normal(size=(64, 5)).astype(np.float32)
Y = (X[:, 0] > 0).astype(int)
BAD = "<script>alert('<b>')</script>&\x00\ufffe"
LAYERS = [
    ev.Dense(8, name=BAD), ev.BatchNorm(), ev.ReLU(), ev.Dropout(0.1),
    ev.Residual([ev.WeightNorm(ev.Dense(8)), ev.Tanh()]), ev.ReLU(),
    ev.Branches([ev.Dense(3), [ev.Dense(4), ev.GELU()], []], join="concatenate"),
    ev.LayerNorm(), ev.Dense(2),
]
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def model():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the doctor's, of a training so short
        return ev.fit(ev.Sequential(LAYERS), X, Y, loss=ev.SoftmaxCrossEntropy(), epochs=2,
                      batch=16, doctor=True, progress=False, validation=0.25)


@pytest.fixture(scope="module")
def shown(model):
    """{name: object} of all that shows itself."""
    fitted = ev.NetClassifier((4,), max_epochs=2, random_state=0).fit(X, Y)
    table = ev.TableRegressor((4,), max_epochs=2, random_state=0, quiet=True).fit(X, X[:, 0])
    return {
        "model": model, "program": model.engine.program, "history": model.history,
        "no history": History(), "diagnosis": model.diagnosis, "plot": model.plot(),
        "classifier": fitted, "table": table, "not fitted": ev.NetRegressor((4,)),
        "transformer": ev.NetTransformer((4,), max_epochs=2).fit(X),
    }


def parsed(html):
    """HTML that must be as well-formed as XML."""
    return ElementTree.fromstring(f"<body>{html}</body>")


# Drawings -------------------------------------------------------------------------------------


def boxes(plot):
    """{first word of a box: (x, y, its second line)}."""
    found = {}
    for group in ElementTree.fromstring(plot.svg).iter(f"{SVG}g"):
        box, (name, told) = group.find(f"{SVG}rect"), group.findall(f"{SVG}text")
        found[name.text.split("  ")[0]] = float(box.get("x")), float(box.get("y")), told.text
    return found


def test_layers_stand_one_below_the_other_and_branches_side_by_side(model):
    own = boxes(model.plot())
    first = next(name for name in own if name.startswith("<script>"))
    assert own[first][2] == "8 · 48 parameters"
    order = [first, "batch_norm_1", "relu_1", "dropout_1", "weight_norm_1", "tanh_1", "residual_1",
             "relu_2", "dense_1", "branches_1", "layer_norm_1", "dense_3"]
    heights = [own[name][1] for name in order]
    assert heights == sorted(set(heights))
    assert own["dense_1"][1] == own["dense_2"][1]
    assert own["dense_1"][0] + 236 < own["dense_2"][0]
    assert own["branches_1"][2] == "15 · side by side"
    assert own["residual_1"][2] == "8 · the sum"


def test_what_is_fused_is_as_the_program_has_it(model):
    lines = model.engine.program.lists["gradient"]
    fused = {name for line in lines if not line.operation.endswith(".backward")
             for name in line.layers[1:]}
    own = boxes(model.plot())
    assert {name for name, (_, _, told) in own.items() if "fused" in told} == fused
    assert fused >= {"relu_1", "dropout_1", "tanh_1", "relu_2"}
    assert own["relu_1"][1] == own["batch_norm_1"][1] + 40  # no gap
    assert own["batch_norm_1"][1] > own[next(iter(own))][1] + 40


def test_boxes_lie_within_and_apart(model):
    plot = model.plot()
    corners = [(x, y) for x, y, _ in boxes(plot).values()]
    assert all(0 <= x <= plot.width - 236 and 0 <= y <= plot.height - 40 for x, y in corners)
    for i, (x, y) in enumerate(corners):
        assert all(abs(x - a) >= 236 or abs(y - b) >= 40 for a, b in corners[i + 1:])


@pytest.mark.parametrize(("net", "shape", "words"), [
    ([ev.Conv2D(4, 3), ev.ReLU(), ev.MaxPool2D(2), ev.Flatten(), ev.Dense(2)], (8, 8, 1),
     "6 x 6 x 4 · 40 parameters"),
    ([ev.LSTM(3, layers=2), ev.Dense(2)], (7, 4), "3"),
    ([ev.Ensemble([ev.Dense(2)] * 12)], (3,), "4 more branches"),
    ([ev.Residual([ev.Branches([ev.Dense(3), ev.Residual([ev.Dense(3)])])])], (3,), "the sum"),
    ([ev.Dense(1, name="名前" * 40)], (3,), "3 x 1"),
    ([], (3,), "input 3"),
])
def test_other_networks(net, shape, words):
    plot = ev.init(ev.Sequential(net), shape).plot()
    text = " ".join(ElementTree.fromstring(plot.svg).itertext())
    assert words in text or words == "3 x 1"
    for name in boxes(plot):
        assert sum(2 if ord(letter) > 0x2E80 else 1 for letter in name) <= 34


def test_a_plot_is_saved(model, tmp_path):
    plot = model.plot()
    plot.save(tmp_path / "net.svg")
    root = ElementTree.parse(tmp_path / "net.svg").getroot()
    assert root.tag == f"{SVG}svg"
    assert "background: #ffffff" in root.get("style")
    with pytest.raises(ConfigurationError, match=r"must end in .svg, got 'net.png'"):
        plot.save("net.png")


# HTML -----------------------------------------------------------------------------------------


def test_all_show_text_and_html(shown):
    for name, one in shown.items():
        bundle = one._repr_mimebundle_()
        assert bundle["text/plain"], name
        assert len(bundle["text/plain"]) < 20_000, name
        assert "<" in bundle["text/html"], name
    assert shown["history"]._repr_mimebundle_()["text/plain"].startswith("History(2 epochs, ")
    assert str(shown["program"]).startswith("program: (5) -> (2)")


def test_nothing_of_ours_reaches_the_page(shown):
    for name in ("model", "program", "history", "no history", "plot", "diagnosis"):
        html = shown[name]._repr_html_()
        tags = {element.tag.removeprefix(SVG) for element in parsed(html).iter()}
        assert not tags & {"style", "script", "link", "b"}, name
        assert not re.search(r"\sid=|\sclass=", html), name


def test_estimators_keep_their_diagram(shown):
    fitted = shown["classifier"]._repr_mimebundle_()["text/html"]
    assert "sk-top-container" in fitted
    assert "2 epochs, stopped: epochs" in fitted
    assert "with the layer in front" in fitted
    plain = shown["not fitted"]._repr_mimebundle_()["text/html"]
    assert "sk-top-container" in plain
    assert "epochs, stopped" not in plain
    assert "2 epochs" in shown["table"]._repr_html_()
    assert "<svg" in shown["transformer"]._repr_html_()


def records(*losses):
    return tuple(EpochRecord(i + 1, 3, loss, 0.5, None, None, 1.0, 0.1)
                 for i, loss in enumerate(losses))


@pytest.mark.parametrize("losses", [(0.5,), (1.0, float("nan"), float("inf")), (2.0, 2.0),
                                    (1e308, -1e308), (float("nan"),), tuple(range(1, 2000))])
def test_any_history_shows_itself(losses):
    html = History(records(*losses), "epochs")._repr_html_()
    parsed(html)
    assert html.count("<tr>") <= 22
    assert "validation" not in html
    if len(losses) > 20:
        assert f"{len(losses) - 20:,} more" in html
    assert len(html) < 20_000


NOTEBOOK = """<!DOCTYPE html><html><head><style>body {{ background: {0}; color: {1}; }}
h1, p {{ color: rgb(200, 0, 0); }}</style></head><body><h1 id="title">Mine</h1><p id="text">Words.
</p><table id="table"><tr><td>1</td></tr></table><div id="out"></div></body></html>"""
STYLES = """() => ["body", "#title", "#text", "#table td"].map(name => {
  const own = getComputedStyle(document.querySelector(name));
  return [own.backgroundColor, own.margin, own.font, own.color, own.padding, own.border].join();
})"""


@pytest.mark.parametrize(("page_color", "ink"), [
    ("rgb(255, 255, 255)", "rgb(17, 17, 17)"), ("rgb(17, 17, 17)", "rgb(238, 238, 238)")])
def test_in_a_page_light_and_dark(shown, browser, page_color, ink):
    page = browser.new_page()
    said = []
    page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.set_content(NOTEBOOK.format(page_color, ink))
    before = page.evaluate(STYLES)
    html = "".join(shown[name]._repr_html_() for name in ("model", "program", "history", "plot"))
    page.evaluate("html => { document.getElementById('out').innerHTML = html }", html)
    page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
    assert page.evaluate(STYLES) == before
    colors = page.evaluate("""() => [...new Set([...document.querySelectorAll(
        '#out td, #out th, #out div, #out summary, #out pre')].map(
            e => getComputedStyle(e).color))]""")
    letters = page.evaluate("""() => [...new Set([...document.querySelectorAll('#out text')].map(
        e => getComputedStyle(e).fill))]""")
    assert colors == letters == [ink]
    assert page.locator("#out svg").first.is_visible()
    assert page.locator("#out script").count() == 0
    page.close()
    assert said == []


# The bar --------------------------------------------------------------------------------------


@pytest.fixture
def cell(monkeypatch):
    """What a cell was told: a kernel's display in place of IPython's, and a clock."""
    said, clock = [], SimpleNamespace(now=0.0)
    ipython, show = ModuleType("IPython"), ModuleType("IPython.display")
    ipython.get_ipython = lambda: SimpleNamespace(kernel=object())

    def display(bundle, raw, display_id):
        said.append(("new", bundle))
        return SimpleNamespace(update=lambda bundle, raw: said.append(("same", bundle)))

    show.display = display
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", show)
    monkeypatch.setattr(notebook_bar.time, "monotonic", lambda: clock.now)
    return said, clock


def test_a_cell_is_told_by_default_and_not_too_often(cell):
    said, clock = cell
    bar = make_progress(None, 10, 1000, "accuracy")
    for epoch in range(10):
        for _ in range(1000):
            bar.step(1)
            clock.now += 0.001
        bar.epoch(EpochRecord(epoch + 1, 1000, 0.25, 0.5, 0.75, 1.0, 1.0, 0.1))
    bar.close()
    assert [kind for kind, _ in said].count("new") == 1
    assert 12 <= len(said) <= 22  # ten seconds, two a second
    middle, last = said[len(said) // 2][1], said[-1][1]
    assert re.match(r"epoch [456]/10  loss 0.2500  accuracy 0.5000  validation 0.7500 1.0000  "
                    r"0:0[456] left", middle["text/plain"])
    assert re.search(r"width: (4|5)\d%", middle["text/html"])
    assert last["text/plain"].endswith("took 0:10")
    assert "width: 100%" in last["text/html"]


def test_steps_that_are_not_known_before(cell):
    said, clock = cell
    bar = make_progress(True, 2, None, "R^2")
    bar.step(5)
    bar.epoch(EpochRecord(1, 5, 0.25, 0.5, None, None, 1.0, 0.1))
    clock.now = 3601.0
    bar.step(0)
    bar.close()
    assert "1:00:01 left" in said[1][1]["text/plain"]
    assert "width: 50%" in said[1][1]["text/html"]


def test_whoever_wants_none_has_none(cell):
    assert isinstance(make_progress(False, 2, 5, "R^2"), Quiet)
    assert cell[0] == []


def test_ipython_in_a_terminal_is_no_notebook(cell, monkeypatch):
    monkeypatch.setattr(sys.modules["IPython"], "get_ipython", lambda: SimpleNamespace())
    bar = make_progress(True, 2, 5, "R^2")
    assert isinstance(bar, Bar)
    bar.close()
    assert isinstance(make_progress(None, 2, 5, "R^2"), Quiet)


CELLS = ["""import evenly as ev, numpy as np
x = np.random.default_rng(0).normal(size=(400, 3)); y = (x[:, 0] > 0).astype(int)
net = ev.Sequential([ev.Dense(4), ev.ReLU(), ev.Dense(2)])
model = ev.fit(net, x, y, loss=ev.SoftmaxCrossEntropy(), epochs=30)""",
         "model", "model.plot()", "model.history", "model.engine.program",
         "ev.NetClassifier((4,), max_epochs=2).fit(x, y)",
         "print(ev.show_work(ev.Dense(1), [[1, 2]]))", "ev.show_work(ev.Dense(1), [[1, 2]])",
         "model = ev.fit(net, x, y, loss=ev.SoftmaxCrossEntropy(), epochs=2, progress=False)"]


def test_in_a_real_notebook():
    client = pytest.importorskip("nbclient", reason="nbclient is not installed: pip install "
                                                    "nbclient ipykernel")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed: pip install ipykernel")
    pytest.importorskip("jinja2", reason="jinja2 is not installed: pip install 'evenly[html]'")
    nbformat = pytest.importorskip("nbformat")
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    client.NotebookClient(book, kernel_name="python3", timeout=120).execute()
    outputs = [cell.outputs for cell in book.cells]
    assert [len(own) for own in outputs] == [1, 1, 1, 1, 1, 1, 1, 1, 0]
    kinds = [own[0].get("data", {}).keys() for own in outputs[:-1]]
    assert all({"text/plain", "text/html"} <= kinds[i] for i in (0, 1, 2, 3, 4, 5, 7))
    assert outputs[0][0].data["text/plain"].startswith("epoch 30/30  loss ")
    assert "image/svg+xml" in kinds[2]
    assert "dense_1.y = x kernel + bias" in outputs[6][0].text
    assert "dense_1.y = x kernel + bias" in outputs[7][0].data["text/plain"]
