"""`evenly export`."""

import numpy as np
import onnx
import pytest

import evenly as ev
from evenly.cli import run
from evenly.exchange.onnx import files as onnx_files

IMAGES = ev.Sequential([ev.Conv2D(3, 2), ev.GlobalMaxPool(), ev.Dense(2)])


@pytest.fixture
def saved(own_folder):
    model = ev.init(IMAGES, (4, 3, 2))
    ev.save("model.evenly", model)
    return model


def runs_as(path, model, first=False):
    runtime = pytest.importorskip("onnxruntime", reason="runs what is written")
    x = np.random.default_rng(0).normal(size=(5, 4, 3, 2)).astype(np.float32)
    given = np.moveaxis(x, -1, 1) if first else x
    y = runtime.InferenceSession(path).run(None, {"input": given})[0]
    np.testing.assert_allclose(y, model.predict(x), rtol=1e-5, atol=1e-6)


def test_a_network_is_written_and_said(saved, own_folder, capsys):
    assert run(["export", "model.evenly", "model.onnx"]) == 0
    assert capsys.readouterr().out == "model.onnx: opset 8; reads input; gives output\n"
    runs_as("model.onnx", saved)
    assert run(["export", "model.evenly", "first.onnx", "--channels-first", "--opset", "17"]) == 0
    runs_as("first.onnx", saved, first=True)
    assert {path.name for path in own_folder.iterdir()} == {"model.evenly", "model.onnx",
                                                            "first.onnx"}


def test_a_table_has_an_input_a_column(own_folder, capsys):
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame({"size": [1.0, 2.0, None, 4.0] * 20, "kind": list("abab") * 20,
                          "price": list(range(80))})
    model = ev.TableRegressor(4, max_epochs=2, members=1, random_state=0).fit(frame, "price")
    ev.save("model.evenly", model)
    assert run(["export", "model.evenly", "model.onnx"]) == 0
    assert "reads size, kind; gives variable" in capsys.readouterr().out
    told = {one.name: one.doc_string for one in onnx.load("model.onnx").graph.input}
    assert told == {"size": "numbers; NaN is a gap", "kind": "text; '' is a gap"}


def test_a_file_that_exists_stays(saved, own_folder, capsys):
    (own_folder / "model.onnx").write_text("mine")
    assert run(["export", "model.evenly", "model.onnx"]) == 2
    assert "model.onnx: exists: say --force" in capsys.readouterr().err
    assert (own_folder / "model.onnx").read_text() == "mine"
    assert run(["export", "model.evenly", "model.onnx", "--force"]) == 0
    runs_as("model.onnx", saved)


def test_the_arrays_lie_beside_where_they_are_many(saved, own_folder, monkeypatch, capsys):
    monkeypatch.setattr(onnx_files, "LARGEST", 100)
    (own_folder / "model.onnx.data").write_text("mine")
    assert run(["export", "model.evenly", "model.onnx"]) == 2
    assert "model.onnx.data: exists: say --force" in capsys.readouterr().err
    assert not (own_folder / "model.onnx").exists()
    assert run(["export", "model.evenly", "model.onnx", "--force"]) == 0
    assert (own_folder / "model.onnx.data").stat().st_size >= 4 * sum(
        array.size for array in saved.weights.values())
    onnx.checker.check_model("model.onnx", full_check=True)
    runs_as("model.onnx", saved)
    monkeypatch.setattr(onnx_files, "LARGEST", 2**31)
    assert run(["export", "model.evenly", "other.onnx", "--external"]) == 0
    runs_as("other.onnx", saved)
    assert {path.name for path in own_folder.iterdir()} == {
        "model.evenly", "model.onnx", "model.onnx.data", "other.onnx", "other.onnx.data"}


@pytest.mark.parametrize(("words", "said"), [
    (["none.evenly", "a.onnx"], "none.evenly: no such file"),
    (["model.evenly", "a.txt"], "a.txt: expects a name that ends in .onnx"),
    (["model.evenly", "a.onnx", "--lengths"], "lengths=True, and no layer"),
    (["model.evenly", "a.onnx", "--opset", "3"], "opset=3: this graph needs at least 8"),
    (["model.evenly", "no/a.onnx"], "there is no folder 'no'"),
])
def test_what_cannot_be_is_one_line(saved, own_folder, capsys, words, said):
    assert run(["export", *words]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1
    assert [path.name for path in own_folder.iterdir()] == ["model.evenly"]


def test_help_has_examples(capsys):
    assert run(["export", "--help"]) == 0
    assert "evenly export model.evenly model.onnx" in capsys.readouterr().out
