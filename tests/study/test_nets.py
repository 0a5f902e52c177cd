"""Images and sequences in a study: what each network reads, and what it is made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evenly as ev
from evenly.reading import memory
from evenly.study import (
    NETS,
    VARIANTS,
    Design,
    StudyError,
    Table,
    check_fits,
    load,
    load_digits,
    run_all,
    summarize,
)
from evenly.study.data import input_shape
from evenly.study.designs import build, describe
from evenly.study.splits import make_split
from evenly.study.summary import describe_data

ROWS = {row.name: row for row in VARIANTS}
BATCH_NORM, DROPOUT = ROWS["batch-norm"], ROWS["dropout"]


def save(folder: Path, x: Any, y: Any = None) -> Path:
    path = folder / "t.npz"
    np.savez(path, x=x, y=np.arange(len(x)) % 2 if y is None else y)
    return path


def arrays(folder: Path, *shape: int) -> Table:
    return load(save(folder, np.random.default_rng(0).standard_normal(shape)), None, None)


@pytest.mark.parametrize(
    ("net", "name", "text"),
    [
        (
            "cnn",
            "plain",
            "Conv2D(16, 3) · ReLU · MaxPool2D(2) · Conv2D(32, 3) · ReLU · MaxPool2D(2) · Flatten · "
            "Dense(64) · ReLU · Dense(10)",
        ),
        (
            "cnn",
            "batch-norm+dropout",
            "Conv2D(16, 3) · BatchNorm · ReLU · MaxPool2D(2) · Conv2D(32, 3) · BatchNorm · ReLU · "
            "MaxPool2D(2) · Flatten · Dense(64) · ReLU · Dropout(0.2) · Dense(10)",
        ),
        ("lstm", "plain", "LSTM(64) · Dense(10)"),
        ("lstm", "layer-norm", "LSTM(64) · LayerNorm · Dense(10)"),
        ("lstm", "batch-norm+dropout", "LSTM(64) · BatchNorm · Dropout(0.2) · Dense(10)"),
    ],
)
def test_networks_in_words(net: str, name: str, text: str) -> None:
    design = Design(net=net)
    shape = input_shape(load_digits(), design)
    assert describe(build(ROWS[name], design, shape, 10)) == text


@pytest.mark.parametrize(
    ("shape", "pools"), [((1, 9, 1), 0), ((2, 3, 1), 1), ((3, 3, 2), 1), ((4, 4, 1), 2)]
)
def test_images_are_pooled_while_they_are_large_enough(shape: Any, pools: int) -> None:
    net = build(BATCH_NORM, Design(net="cnn"), shape, 3)
    assert sum(isinstance(layer, ev.MaxPool2D) for layer in net.layers) == pools
    assert net.output_shape(shape) == (3,)


@pytest.mark.parametrize("net", NETS)
def test_all_variants_of_a_network_start_from_the_same_weights(net: str) -> None:
    design = Design(net=net, hidden=(8,))
    shape = input_shape(load_digits(), design)
    plain, *others = (ev.init(build(row, design, shape, 3), shape, seed=5) for row in design.rows)
    for other in others:
        for name, array in plain.weights.items():
            assert (other.weights[name] == array).all()


def test_what_variants_add_is_said_for_each_network() -> None:
    adds = {net: Design(net=net).adds(BATCH_NORM) for net in NETS}
    assert adds == {
        "mlp": "batch normalization before each ReLU",
        "cnn": "batch normalization before the ReLU of each convolution",
        "lstm": "batch normalization behind the LSTM",
    }
    assert Design(net="lstm").adds(DROPOUT) == "dropout of 20 % before the last layer"


def test_networks_have_settings_of_their_own() -> None:
    assert (Design().widths, Design().passes) == ((128, 64), 30)
    for net in ("cnn", "lstm"):
        design = Design(net=net)
        assert (design.widths, design.passes) == ((64,), NETS[net].epochs)
        assert Design(net=net, hidden=(3,), epochs=2).widths == (3,)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"net": "cn"}, "net: there is no 'cn': did you mean 'cnn'?"),
        ({"net": "x"}, "net: there is no 'x': choose from mlp, cnn, lstm"),
        (
            {"net": "lstm", "hidden": (8, 8)},
            "hidden: lstm expects at most 1 width, got 2: try 64",
        ),
        (
            {"net": "cnn", "epochs": 0},
            "epochs: expects a whole number of at least 1, got 0: try 20",
        ),
    ],
)
def test_settings_that_do_not_go_together(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(StudyError) as caught:
        Design(**changes)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("net", "shape", "read"),
    [
        ("mlp", (12, 4), (4,)),
        ("mlp", (12, 4, 3, 2), (24,)),
        ("cnn", (12, 4, 3), (4, 3, 1)),
        ("cnn", (12, 4, 3, 2), (4, 3, 2)),
        ("lstm", (12, 4, 3), (4, 3)),
    ],
)
def test_examples_as_a_network_reads_them(tmp_path: Path, net: str, shape: Any, read: Any) -> None:
    assert input_shape(arrays(tmp_path, *shape), Design(net=net)) == read


IMAGES = "images, x of shape (rows, height, width) or (rows, height, width, channels)"


@pytest.mark.parametrize(
    ("net", "shape", "message"),
    [
        ("cnn", (12, 4), f"expects {IMAGES}, got x of shape (12, 4): reshape x"),
        ("cnn", (12, 4, 3, 2, 2), f"expects {IMAGES}, got x of shape (12, 4, 3, 2, 2): reshape x"),
        ("lstm", (12,), "expects sequences, x of shape (rows, steps, features), got x of shape "
         "(12,): reshape x"),
        ("lstm", (12, 4, 3, 2), "expects sequences, x of shape (rows, steps, features), got x of "
         "shape (12, 4, 3, 2): reshape x"),
    ],
)
def test_arrays_that_do_not_fit_a_network(
    tmp_path: Path, net: str, shape: Any, message: str
) -> None:
    with pytest.raises(StudyError) as caught:
        check_fits(arrays(tmp_path, *shape), Design(net=net, batch=4), 1)
    assert str(caught.value) == f"{tmp_path}/t.npz: --net {net} {message}, or take --net mlp"


def test_a_table_does_not_fit_a_convolution(blobs: Table) -> None:
    with pytest.raises(StudyError) as caught:
        run_all(blobs, Design(net="cnn"))
    assert str(caught.value) == (
        f"blobs: --net cnn expects {IMAGES}, got a table of 6 columns: "
        "save x as such an array in an .npz file, or take --net mlp"
    )


@pytest.mark.parametrize("every_row", [True, False])
def test_gaps_are_for_columns_alone(tmp_path: Path, every_row: bool) -> None:
    x = np.random.default_rng(0).standard_normal((12, 3, 3))
    x[slice(None) if every_row else slice(4, 6), 1, 1] = np.nan
    table = load(save(tmp_path, x), None, None)
    check_fits(table, Design(batch=4), 1)
    where = "12 of 12 rows, first in row 1" if every_row else "2 of 12 rows, first in row 5"
    with pytest.raises(StudyError) as caught:
        check_fits(table, Design(net="lstm", batch=4), 1)
    assert str(caught.value) == (
        f"{tmp_path}/t.npz: NaN in {where}: --net lstm expects none: fill the gaps, "
        "or take --net mlp, which puts medians there"
    )


def test_text_is_for_columns_alone(tmp_path: Path) -> None:
    table = load(save(tmp_path, np.full((12, 2, 2), "a")), None, None)
    with pytest.raises(StudyError, match="--net cnn expects numbers, got text: save x as numbers"):
        input_shape(table, Design(net="cnn"))


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float16, np.float32, bool])
def test_images_keep_their_places(tmp_path: Path, dtype: Any) -> None:
    """Channels on scales of their own, and a mark in each image that its class tells of."""
    random = np.random.default_rng(0)
    y = np.arange(40) % 2
    x = random.integers(0, 2, (40, 5, 4, 2)) * np.array([1, 100])
    x = x.astype(dtype)
    design = Design(net="cnn")
    table = load(save(tmp_path, x, y), None, None)
    split = make_split(table, 0, 0.25, input_shape(table, design))
    assert split.x_train.shape == (30, 5, 4, 2)
    assert split.x_train.dtype == split.x_test.dtype == np.float32
    # One scale for a channel, wherever it stands, from the training part alone.
    assert split.x_train.mean(axis=(0, 1, 2)) == pytest.approx([0, 0], abs=1e-5)
    assert split.x_train.std(axis=(0, 1, 2)) == pytest.approx([1, 1], abs=1e-5)
    assert split.x_train[..., 0].mean(axis=0).std() > 0.01
    from sklearn.model_selection import train_test_split

    train, test = train_test_split(np.arange(40), test_size=0.25, random_state=0, stratify=y)
    for part, rows in ((split.x_train, train), (split.x_test, test)):
        assert ((part > 0) == (x[rows] > 0)).all()


@pytest.mark.parametrize("net", ["cnn", "lstm"])
def test_every_variant_learns_where_a_mark_stands(tmp_path: Path, net: str) -> None:
    """The class is the half of the image that the bright spot lies in."""
    random = np.random.default_rng(0)
    x = 0.1 * random.standard_normal((160, 6, 6))
    spots = random.integers(0, 6, (160, 2))
    x[np.arange(160), spots[:, 0], spots[:, 1]] += 3
    table = load(save(tmp_path, x, spots[:, 0] // 3), None, None)
    design = Design(net=net, seeds=1, epochs=40, hidden=(16,), lr=0.01)
    check_fits(table, design, 1)
    outcome = run_all(table, design, jobs=2)
    assert [run.diverged for run in outcome.runs] == [None] * 6
    assert min(run.test_score or 0.0 for run in outcome.runs) > 0.8
    record = summarize(table, design, outcome, command="", started="")
    assert record.net == net
    assert dict(record.settings)["network"] == f"{net}: {NETS[net].title}"
    assert record.data.examples == {
        "cnn": "images of 6 x 6 with 1 channel",
        "lstm": "sequences of 6 steps with 6 features",
    }[net]
    assert record.variants[1].adds == design.adds(BATCH_NORM)


def test_what_a_batch_of_images_takes_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = arrays(tmp_path, 40, 32, 32, 3)
    # The images take 1.5 MB here; what two convolutions make of a batch takes far more.
    monkeypatch.setattr(memory, "available_bytes", lambda: 12_000_000)
    with pytest.raises(StudyError) as caught:
        check_fits(table, Design(net="cnn", batch=30), 1)
    text = str(caught.value)
    assert "40 examples of shape (32, 32, 3), 30 a batch takes about" in text
    assert text.endswith("or a smaller --batch, --hidden or --jobs")
    check_fits(table, Design(batch=30), 1)
    check_fits(table, Design(net="cnn", batch=2), 1)


@pytest.mark.parametrize(
    ("shape", "examples"),
    [((12, 1), "1 column"), ((12, 4), "4 columns"), ((12, 4, 3), "12 columns (4 x 3, flattened)")],
)
def test_columns_are_counted_and_flattening_is_said(
    tmp_path: Path, shape: Any, examples: str
) -> None:
    assert describe_data(arrays(tmp_path, *shape), Design()).examples == examples


def test_images_of_whole_numbers_are_read_in_one_piece(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Column by column, large images take minutes."""
    from evenly.tables import Columns

    real, seen = Columns.decide, []

    def note(frame: Any, *given: Any) -> Any:
        seen.extend(frame.columns)
        return real(frame, *given)

    monkeypatch.setattr(Columns, "decide", note)
    found = load(save(tmp_path, np.arange(12 * 16, dtype=np.uint8).reshape(12, 4, 4)), None, None)
    make_split(found, 0, 0.25, (4, 4, 1))
    assert seen == ["y"]
    assert "values" not in vars(found)
