"""Every example of the gallery runs, draws, and finds what its text says."""

import re
from xml.etree import ElementTree

import pytest
from tools import gallery

# What each prints of what its picture shows; the slow ones run in the sweep.
FINDS = {
    "batch_norm_deep": r"without: accuracy after 8 epochs 0\.[1-4].*\n"
                       r"with batch norm: accuracy after 8 epochs 0\.9",
    "big_file": "same weights to the bit: True",
    "calibration": r"as trained: off by 0\.1.*\ncalibrated: off by 0\.0",
    "class_imbalance": r"weight   1: finds [123].%.*\n(.*\n)+weight 100: finds [89].%",
    "clipping_rnn": r"as they come: longest gradient \d+,.*\nclipped to 1: longest gradient \d\d,"
                    r".* last fifty 0\.",
    "cnn_digits": r"accuracy on new digits 0\.9",
    "dead_net": r"dead_relu in relu_1\n(.*\n)+sick: 9.% .*\ncured: \d%",
    "dropout_gap": r"dropout 0\.0: .* 7.% of them right\ndropout 0\.5: .* 8.% of them",
    "early_stopping": r"stopped by early stopping after epoch (\d+); kept epoch \d+",
    "embeddings": r"for 1[12] of 12",
    "explain_columns": r"size: R2 falls by 1\..*\nzone: .* 0\.[23].*\nnoise: .* -?0\.0",
    "heavy_tails": r"squares: slope 0\.6.*\nabsolute: slope 1\.4.*\n +Huber: slope 1\.4",
    "input_scale": r"as they come: condition 1..\.., 7...% .*\nstandardized: condition 1\.",
    "lstm_wave": r"150 steps alone: off by 0\.[01]",
    "members": r"0\.0.* among the data, 0\.[3-6].* in the gap",
    "missing_values": r"60% missing: R2 0\.[34]. with gaps told, 0\.[23]. filled before",
    "onnx_elsewhere": r"largest difference .e-0[678] .*\nsame answers: True",
    "optimizer_paths": r"SGD: after 60 steps 0\.4(.*\n)+ RMSprop: after 60 steps 0\.00",
    "own_layer": r"differences: .e-1[01]\nReLU: loss 0\.4.*\nown layer: loss 0\.00",
    "penalty_paths": r"L2 at .*: 0 of 7 weights .*\nL1 at .*: 7 of 7 weights",
    "quantile_bands": r"band: (89|9[0-2])% .*\none size: .* 9[6-9]% on the left, [78].% on",
    "rate_finder": r"accuracy 0\.1.*\n.*accuracy 0\.9.*\n.*accuracy 0\.[12]",
    "schedules": r"constant: ends 1\..e-02 (.*\n)+ +cosine: ends ..\de-05",
    "signal_by_depth": r"half of He: .*e-10 in(.*\n)+ +He: 1.0. in layer 1, [5-9]\..e-01 in",
    "two_techniques": r"batch norm against technique plain: \+2.\.(.*\n)+.*dropout .* plain: -1",
    "worked_example": r"example 2 +-1/3 +1/3",
}
SLOW = {"calibration", "dropout_gap", "missing_values", "penalty_paths", "two_techniques"}
NEEDS = {"onnx_elsewhere": "onnxruntime"}


def test_every_example_is_listed():
    assert set(gallery.names()) == set(FINDS)
    assert len(FINDS) >= 20


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=pytest.mark.sweep if name in SLOW else []) for name in FINDS])
def test_example(name):
    pytest.importorskip(NEEDS.get(name, "matplotlib"))
    ran = gallery.run(name)
    assert re.search(FINDS[name], ran.printed), ran.printed
    assert ran.pictures
    for picture in ran.pictures:
        drawn = ElementTree.fromstring(picture)
        texts = [each.text for each in drawn.iter("{http://www.w3.org/2000/svg}text")]
        assert len(texts) >= 2, "a picture without words"
        assert len(picture) < 250_000


def test_each_has_a_subject_and_says_first_what_one_sees():
    examples = [gallery.read(name) for name in gallery.names()]
    assert len({one.title for one in examples}) == len(examples)
    for one in examples:
        assert one.sees.startswith("You see "), one.name
        assert one.sees.endswith("."), one.name
        assert "plt.show()" in "".join(cell.code for cell in one.cells)


def test_the_table_in_the_folder_is_that_of_the_examples():
    assert (gallery.GALLERY / "README.md").read_text().endswith(gallery.index())


def test_a_page_has_code_output_picture_and_its_command(tmp_path):
    gallery.write(gallery.run("optimizer_paths"), tmp_path)
    page = (tmp_path / "optimizer_paths.md").read_text()
    assert page.startswith("# Four optimizers")
    for part in ("```python\nimport matplotlib", "```text\n     SGD", "](optimizer_paths_1.svg)",
                 "`python tools/gallery.py optimizer_paths`", "An optimizer is a value"):
        assert part in page
    assert (tmp_path / "optimizer_paths_1.svg").read_text().startswith("<?xml")


def test_an_error_names_the_line_of_the_file(tmp_path, monkeypatch):
    source = '"""A title\n\nYou see it."""\n\nn = 1\n# %%\n# Prose.\n\n1 / 0\n'
    (tmp_path / "bad.py").write_text(source)
    monkeypatch.setattr(gallery, "GALLERY", tmp_path)
    with pytest.raises(ZeroDivisionError) as caught:
        gallery.run("bad")
    assert (caught.traceback[-1].path.name, caught.traceback[-1].lineno) == ("bad.py", 8)
