"""show_work: what it takes, what it shows of a model, what it writes."""

import numpy as np
import pytest

import evenly as ev
from evenly.byhand.show import ShownWork, show_work
from evenly.errors import ConfigurationError


@pytest.fixture
def work():
    return show_work(ev.Dense(1), [[1, 2]], weights={"kernel": [[3], [4]], "bias": [5]})


@pytest.mark.parametrize(("name", "method"), [
    ("work.txt", "text"), ("work.md", "markdown"), ("WORK.TEX", "latex"),
])
def test_save_writes_what_the_ending_says(work, tmp_path, name, method):
    path = tmp_path / name
    path.write_text("old")
    work.save(path)
    assert path.read_text(encoding="utf-8") == getattr(work, method)()
    assert [file.name for file in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["work", "work.doc", ".txt.x"])
def test_another_ending_is_refused(work, tmp_path, name):
    with pytest.raises(ConfigurationError, match=r"must end in .txt, .md, .tex, .html or .pdf"):
        work.save(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_model_shows_its_own_weights_and_loss():
    x = np.random.default_rng(0).standard_normal((6, 3))
    y = np.array([0, 1, 0, 1, 1, 0])
    model = ev.fit(ev.Sequential([ev.Dense(2), ev.BatchNorm(), ev.Dense(2)]), x, y,
                   loss=ev.SoftmaxCrossEntropy(), epochs=2)
    shown = show_work(model, x, y)
    assert isinstance(shown, ShownWork)
    for name, array in model.weights.items():
        assert np.array_equal(shown.work.given(name).floats, array.astype(np.float64))
    assert shown.work.phase("loss")
    after = show_work(model, x, training=False)
    assert np.allclose(after.work.steps[-1].floats, model.predict(x), atol=1e-5)
    changed = show_work(model, x, weights={"dense_1.bias": [7, 8]})
    assert changed.work["dense_1.bias"].floats.tolist() == [7, 8]
    assert not changed.work.phase("loss")


def test_only_what_was_asked_for_is_shown():
    net = ev.Sequential([ev.Dense(2), ev.ReLU()])
    text = str(show_work(net, [[1, 2]], d_y=[[1, 1]], layers=["relu_1"], phases=["backward"]))
    assert "relu_1.d_x" in text
    assert "dense_1." not in text
    assert "relu_1.y" not in text
    assert "variance" in str(show_work(ev.BatchNorm(), [[1], [2]], steps=["variance"]))


def test_what_is_given_on_the_way_stands_with_what_it_is_given_for():
    text = show_work(ev.Dense(1), [[1, 2]], [[3]], loss=ev.MeanSquaredError(),
                     optimizer=ev.Adam(0.1), inference=[[4, 4]]).text()
    places = [text.index(f"── {part} ") for part in
              ("Given", "Forward", "Loss", "Backward", "Update", "Inference")]
    assert places == sorted(places)
    assert places[2] < text.index("\ntarget\n") < places[3]
    assert places[4] < text.index("kernel.m before") < text.index("kernel.m = ") < places[5]
    assert places[5] < text.index("\nx (2)\n")


def test_digits():
    work = show_work(ev.Sequential([ev.Tanh()]), [[0.3]], digits=2)
    assert "≈ 0.29" in work.text()
    assert "0.291" not in work.text()


@pytest.mark.parametrize("arguments", [
    {"digits": -1}, {"digits": 2.0}, {"most_rows": 0}, {"most_columns": True},
])
def test_wrong_numbers_are_refused(arguments):
    name = next(iter(arguments))
    with pytest.raises(ConfigurationError, match=f"show_work: {name} must be a whole number"):
        show_work(ev.ReLU(), [[1]], **arguments)


@pytest.mark.parametrize("other", [None, "net", ev.Adam(0.1), ev.SoftmaxCrossEntropy()])
def test_what_is_neither_layer_nor_model_is_refused(other):
    with pytest.raises(ConfigurationError, match="a layer, a network or a model"):
        show_work(other, [[1]])


def test_a_width_that_shows_nothing_is_refused(work):
    with pytest.raises(ConfigurationError, match="width must be a whole number >= 40, got 10"):
        work.text(10)


@pytest.mark.parametrize(("arguments", "message"), [
    ({"layers": ["dense_7"]}, "no layer is called 'dense_7'"),
    ({"steps": ["wrong"]}, "no step is called 'wrong'"),
    ({"phases": ["forwards"]}, "no phase is called 'forwards'"),
    ({"rows": [1]}, "rows are 0 to 0, got 1"),
])
def test_what_there_is_not_is_refused(arguments, message):
    with pytest.raises(ConfigurationError, match=message):
        show_work(ev.Dense(1), [[1, 2]], **arguments)


def test_a_class_to_ignore_has_no_part_in_the_work():
    net, weights = ev.Sequential([ev.Dense(2)]), {"dense_1.kernel": [[1, 0], [0, 1]]}
    x, y = [[1, 2], [3, 1], [2, 2]], [0, -100, 1]
    loss = ev.SoftmaxCrossEntropy(ignore_index=-100)
    work = ev.show_work(net, x, y, loss=loss, weights=weights).work
    steps = {step.name: np.asarray(step.value, float) for step in work.steps}
    assert steps["factors"].ravel().tolist() == [0.5, 0, 0.5]
    assert not steps["d_scores"][1].any()
    kept = ev.show_work(net, [x[0], x[2]], [0, 1], loss=loss, weights=weights).work
    (wanted,) = (float(step.value) for step in kept.steps if step.name == "loss")
    assert float(steps["loss"]) == pytest.approx(wanted)


def test_what_is_nearly_certain_shows_how_its_loss_is_had():
    net = ev.Sequential([ev.ReLU()])
    shown = str(ev.show_work(net, [[60, 2], [3, 1]], [0, 1], loss=ev.SoftmaxCrossEntropy()))
    assert "log1p(6.47e-26)" in shown
    assert "log(1.1353)" in str(ev.show_work(net, [[3, 1], [60, 2]], [1, 0],
                                             loss=ev.SoftmaxCrossEntropy()))


@pytest.mark.parametrize(("layer", "y", "d_x"), [
    (ev.AveragePool1D(2, ceil_mode=True), ["3/2", "4"], ["1/2", "1/2", "1"]),
    (ev.AveragePool1D(2, padding=1, ceil_mode=True, count_padding=True), ["1/2", "3"],
     ["1/2", "1/2", "1/2"]),
    (ev.MaxPool1D(2, ceil_mode=True), ["2", "4"], ["0", "1", "1"]),
], ids=["mean", "mean with padding", "maximum"])
def test_a_window_over_the_end(layer, y, d_x):
    """Exact, and divided by what is there."""
    work = ev.show_work(layer, [[[1], [2], [4]]], d_y=[[[1], [1]]]).work
    for name, wanted in (("y", y), ("d_x", d_x)):
        (step,) = (s for s in work.steps if s.name == name)
        assert [str(value) for value in step.value.flat] == wanted
