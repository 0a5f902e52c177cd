from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from evenly.reading import memory
from evenly.study import Design, StudyError, Table, check_fits, load, load_digits
from evenly.study.data import make_table
from evenly.study.parts import random_parts
from evenly.study.splits import SplitStore, make_split
from evenly.tables import Reading, TableClassifier


def table(
    columns: dict[str, Any], target: list[Any], task: Any = None, reading: Reading | None = None
) -> Table:
    return make_table("t", pd.DataFrame(columns), pd.Series(target), "y", task, None, None, reading)


def with_cell(found: Table, name: str, row: int, value: float) -> Table:
    column = found.frame[name].scatter(row, value)
    return replace(found, frame=found.frame.with_columns(column))


def test_digits_are_ten_classes_of_64_pixels() -> None:
    digits = load_digits()
    assert (len(digits.target), digits.width, digits.outputs) == (1797, 64, 10)
    assert digits.task == "classification"


@pytest.mark.parametrize(
    ("target", "task", "classes"),
    [
        (["a", "b"] * 6, "classification", ("a", "b")),
        ([True, False] * 6, "classification", ("False", "True")),
        (["yes", "no"] * 6, "classification", ("no", "yes")),
        (["1,5", "2,25", "3", "?"] * 4, "regression", ()),
        ([3, 7] * 6, "classification", ("3", "7")),
        ([3.0, 7.0] * 6, "classification", ("3", "7")),
        ([0.5, 1.5] * 6, "regression", ()),
        (list(range(30)), "regression", ()),
    ],
)
def test_classes_and_numbers_are_told_apart(
    target: list[Any], task: str, classes: tuple[str, ...]
) -> None:
    found = table({"x": [i * i % 7 for i in range(len(target))]}, target)
    assert (found.task, found.classes) == (task, classes)


def test_the_task_can_be_said() -> None:
    assert table({"x": range(12)}, [3, 7] * 6, "regression").target.tolist() == [3.0, 7.0] * 6
    assert table({"x": range(12)}, [0.5, 1.5] * 6, "classification").classes == ("0.5", "1.5")


def kinds(found: Table) -> dict[str, str]:
    return {column.name: column.kind.type for column in found.columns}


def test_columns_are_read_as_fit_reads_them() -> None:
    found = table(
        {
            "whole": [i * i % 7 for i in range(12)],
            "flag": [True, None, False] * 4,
            "day": pd.date_range("1970-01-02", periods=12),
            "written": [f"{1 + i * 5 % 12:02}.03.2024" for i in range(12)],
            "comma": [f"{i * 3 % 7},5" for i in range(12)],
            "asked": ["1", "2", "?", "4"] * 3,
            "word": ["a", "b", None] * 4,
            "nothing": [None] * 12,
            "same": ["x"] * 12,
            "name": [f"n{i}" for i in range(12)],
        },
        ["u", "v"] * 6,
    )
    assert kinds(found) == {
        "whole": "number", "flag": "boolean", "day": "date", "written": "date", "comma": "number",
        "asked": "number", "word": "category",
    }
    assert found.texts == ("word",)
    assert found.values["comma"][:3].tolist() == [0.5, 3.5, 6.5]
    assert found.gaps == 11
    said = "\n".join(found.notes)
    assert "column 'nothing': left out: it is empty" in said
    assert "column 'same': left out: every row has the same, x" in said
    assert "column 'name': left out: it is another word in each row" in said
    assert "column 'written': no day is above 12: read as m/d/y" in said
    assert make_split(found, 0, 0.25).x_train.shape == (9, found.width)


def test_what_is_said_about_reading_goes_before(tmp_path: Path) -> None:
    rows = "".join(f"{i % 3}|{i},5|-999|n{i}|{i % 5 or -999}|{'ab'[i % 2]}\n" for i in range(20))
    (tmp_path / "t.csv").write_text(f"zip|comma|none|name|some|y\n{rows}")
    reading = Reading(types={"zip": "category"}, na=("-999",), drop=("comma",), keep=("name",))
    found = load(tmp_path / "t.csv", "y", None, reading=reading, sep="|")
    assert kinds(found) == {"zip": "category", "name": "category", "some": "number"}
    assert (found.left_out, found.gaps) == (("comma",), 4)
    with pytest.raises(StudyError, match=r"t.csv: there is no column 'prize'"):
        load(tmp_path / "t.csv", "y", None, reading=Reading(drop=("prize",)))
    with pytest.raises(StudyError, match=r"t.csv: --as: there is no column 'zipp'"):
        load(tmp_path / "t.csv", "y", None, reading=Reading(types={"zipp": "text"}), sep="|")


def test_a_row_of_totals_is_no_example(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    rows = "".join(f"s{i % 5},{i},{2 * i + 1}\n" for i in range(30))
    path.write_text(f"shop,size,price\n{rows}Total,435,900\n")
    table = load(path, "price", "regression")
    assert table.frame.height == len(table.target) == 30
    assert any("says 'Total'" in note for note in table.notes)


def test_rows_without_a_target_are_left_out(tmp_path: Path) -> None:
    rows = "".join(f"{i * i % 7};{'?' if i % 8 == 5 else i / 4};g{i // 4}\n" for i in range(40))
    (tmp_path / "t.csv").write_text(f"x;y;group\n{rows}")
    found = load(tmp_path / "t.csv", "y", None, groups="group")
    assert found.task == "regression"
    assert found.target.tolist() == [i / 4 for i in range(40) if i % 8 != 5]
    assert found.groups is not None
    assert found.frame.height == len(found.groups) == 35
    assert "target 'y': nothing in 5 of 40 rows: they are left out" in found.notes


def test_inputs_are_those_of_the_estimator() -> None:
    random = np.random.default_rng(0)
    days = pd.date_range("2023-01-01", periods=300).strftime("%d/%m/%Y")
    found = table({
        "size": np.where(random.random(300) < 0.2, np.nan, random.normal(size=300)),
        "day": days[random.permutation(300)],
        "kind": random.choice(["a", "b", "c"], 300),
        "zip": [f"z{i}" for i in random.integers(0, 150, 300)],
    }, ["u", "v", "w"] * 100)
    split = make_split(found, 3, 0.25)
    train, test = random_parts(found, 3, 0.25)
    model = TableClassifier(quiet=True, early_stopping=False, max_epochs=1, random_state=0)
    model.fit(found.frame[train], found.answers[train])
    expected, _ = model.encode(found.frame[test])
    names = model.inputs_.names
    assert split.x_test.shape == expected.shape
    levels = [i for i, name in enumerate(names) if " = " in name or name == "zip (others)"]
    assert np.array_equal(split.x_test[:, levels] > 0.5, expected[:, levels] > 0.5)
    for i in set(range(len(names))) - set(levels):
        own, fitted = split.x_test[:, i], expected[:, i]
        line = np.polyfit(own, fitted, 1) if np.ptp(own) > 1e-6 else (0.0, fitted[0])
        assert fitted == pytest.approx(np.polyval(line, own), abs=1e-3)
    assert [name for name in names if "share of" in name] == [
        "zip (share of 'u')", "zip (share of 'v')", "zip (share of 'w')"]


def test_means_of_the_target_are_those_of_other_rows() -> None:
    """Levels that come twice would tell each row its own answer."""
    random = np.random.default_rng(0)
    y = random.normal(size=600)
    found = table({"pair": [f"p{i}" for i in random.permutation(600) // 2]}, y.tolist())
    split = make_split(found, 0, 0.25)
    mean = split.x_train[:, -1]
    assert not mean.any() or abs(np.corrcoef(mean, split.y_train)[0, 1]) < 0.2


def test_columns_of_one_name_are_kept_apart() -> None:
    import pandas as pd

    inputs = pd.DataFrame([[i % 5, -i, "abc"[i % 3]] for i in range(12)], columns=["a", "a", "a"])
    found = make_table("t", inputs, pd.Series(["u", "v"] * 6), "y", None, None)
    assert kinds(found) == {"a": "number", "a (2)": "number", "a (3)": "category"}


@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet", "npz"])
def test_files_of_every_kind_hold_the_same_table(tmp_path: Path, suffix: str) -> None:
    import pandas as pd

    random = np.random.default_rng(0)
    x, y = random.normal(size=(20, 4)).round(3), np.arange(20) % 2
    frame = pd.DataFrame(x, columns=["x0", "x1", "x2", "x3"]).assign(y=y)
    path = tmp_path / f"t.{suffix}"
    if suffix == "npz":
        np.savez(path, x=x.reshape(20, 2, 2), y=y[:, None])
    elif suffix == "parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False, sep="\t" if suffix == "tsv" else ";")
    found = load(path, "y", None)
    assert np.stack(list(found.values.values()), axis=1) == pytest.approx(x)
    assert found.target.tolist() == y.tolist()
    assert list(kinds(found)) == ["x0", "x1", "x2", "x3"]
    assert found.sha256 is not None
    assert len(found.sha256) == 64


def test_npz_takes_the_only_other_array_for_inputs(tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", pixels=np.eye(12), digit=np.arange(12) % 2)
    assert load(tmp_path / "t.npz", "digit", None).width == 12


def test_npz_objects_are_never_loaded(tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", x=np.array([[1], [object()]], dtype=object), y=np.arange(2))
    with pytest.raises(StudyError, match="array 'x' holds Python objects, which are never loaded"):
        load(tmp_path / "t.npz", None, None)


def test_npz_is_opened_without_pickles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez(tmp_path / "t.npz", x=np.eye(12), y=np.arange(12) % 2)
    load_arrays, seen = np.load, []

    def note(*args: Any, **options: Any) -> Any:
        seen.append(options)
        return load_arrays(*args, **options)

    monkeypatch.setattr(np, "load", note)
    load(tmp_path / "t.npz", None, None)
    assert seen == [{"allow_pickle": False}]


def test_npz_is_sized_before_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.savez_compressed(tmp_path / "t.npz", x=np.zeros((1000, 1000)), y=np.arange(1000))
    monkeypatch.setattr(memory, "available_bytes", lambda: 1_000_000)
    monkeypatch.setattr(np, "load", lambda *args, **options: pytest.fail("unpacked"))
    with pytest.raises(StudyError) as caught:
        load(tmp_path / "t.npz", None, None)
    assert str(caught.value) == (
        f"{tmp_path}/t.npz: array 'x' of shape (1000, 1000) takes about 8 MB of memory, and 1 MB "
        "are free: use fewer rows or columns, or a machine with more memory"
    )


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_tables_are_sized_before_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    import pandas as pd

    frame = pd.DataFrame(np.zeros((100, 500)), columns=[f"c{i}" for i in range(500)])
    path = tmp_path / f"t.{suffix}"
    if suffix == "csv":
        frame.astype(int).to_csv(path, index=False)
    else:
        frame.to_parquet(path)
    monkeypatch.setattr(memory, "available_bytes", lambda: 300_000)
    for name in ("read_csv", "read_parquet"):
        monkeypatch.setattr(pl, name, lambda *args, **options: pytest.fail("read"))
    with pytest.raises(StudyError, match=r"reading 500 columns takes about (4|9)\d\d kB of memory"):
        load(path, "c0", None)


def test_one_hot_columns_are_counted_before_they_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    words = {f"w{j}": [f"v{(i + j * (i % 3)) % 100}" for i in range(300)] for j in range(50)}
    found = table(words, ["a", "b"] * 150, reading=Reading(keep=tuple(words)))
    assert found.width == 5000
    monkeypatch.setattr(memory, "available_bytes", lambda: 5_000_000)
    with pytest.raises(StudyError) as caught:
        check_fits(found, Design(), jobs=1)
    # 300 rows x 5000 columns x 12 bytes, and 649 026 weights x 16 bytes.
    assert str(caught.value) == (
        "t: 300 rows with 5000 columns (text as one-hot columns) takes about 28.4 MB of memory, "
        "and 5 MB are free: use fewer rows or columns, or a machine with more memory, "
        "or a smaller --hidden or --jobs"
    )
    monkeypatch.setattr(memory, "available_bytes", lambda: 50_000_000)
    check_fits(found, Design(), jobs=1)


def test_a_column_of_many_words_shares_its_rarest() -> None:
    found = table({"zip": [f"u{i % 150}" for i in range(300)]}, ["a", "b"] * 150)
    assert found.width == 101
    assert found.notes == (
        "column 'zip': 150 levels: the 99 most frequent get an input each, all others share one, "
        "and the mean of the target for each level is an input beside them",
    )
    split = make_split(found, 0, 0.25)
    assert split.x_train.shape[1] == 101
    # What training never saw counts among the rarest.
    assert set(split.x_test[:, :100].sum(axis=1)) == {1.0}


def test_statistics_come_from_the_training_part_only() -> None:
    random = np.random.default_rng(3)
    x = random.normal(5.0, 2.0, size=100)
    x[::9] = np.nan
    found = table({"x": x}, ["a", "b"] * 50)
    split = make_split(found, 4, 0.25)
    value, mark = split.x_train.T
    assert value.mean() == pytest.approx(0.0, abs=1e-5)
    assert value.std() == pytest.approx(1.0, abs=1e-5)
    assert split.x_test[:, 0].mean() != pytest.approx(0.0, abs=1e-3)
    # A gap is filled with the training median, and marked.
    assert len(set(value[mark > 0].tolist())) == 1
    (filled,) = set(value[mark > 0].tolist())
    assert filled in set(split.x_test[split.x_test[:, 1] > 0, 0].tolist())


def test_an_outlier_in_the_test_part_changes_nothing_in_training(line: Table) -> None:
    from sklearn.model_selection import train_test_split

    before = make_split(line, 0, 0.25)
    _, test = train_test_split(np.arange(120), test_size=0.25, random_state=0)
    line = with_cell(line, "a", test[0], 1e6)
    line.target[test[1]] = 1e9
    after = make_split(line, 0, 0.25)
    assert np.array_equal(before.x_train, after.x_train)
    assert np.array_equal(before.y_train, after.y_train)
    # As far out as training lets a network know.
    assert before.x_train[:, 0].max() < after.x_test[0, 0] < 10


def test_classes_are_split_in_equal_parts(blobs: Table) -> None:
    split = make_split(blobs, 7, 0.25)
    assert np.bincount(split.y_test).tolist() == [10, 10, 10]
    assert np.bincount(split.y_train).tolist() == [30, 30, 30]
    assert split.x_train.dtype == np.float32


def test_numbers_to_predict_are_scaled(line: Table) -> None:
    split = make_split(line, 0, 0.25)
    assert split.y_train.dtype == np.float32
    assert split.y_train.shape == (90,)
    assert split.y_train.std() == pytest.approx(1.0, abs=1e-4)


def test_an_outlier_that_cannot_be_scaled_is_an_error(line: Table) -> None:
    from sklearn.model_selection import train_test_split

    _, test = train_test_split(np.arange(120), test_size=0.25, random_state=0)
    line = replace(line, target=line.target * 1e-14)
    line.target[test[0]] = 1e29
    with pytest.raises(StudyError, match="too far from those of the training part to be scaled"):
        make_split(line, 0, 0.25)


def test_a_split_is_made_once_and_dropped_after_its_last_use(
    blobs: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    def count(table: Table, seed: int, *settings: Any) -> Any:
        made.append(seed)
        return make_split(table, seed, *settings)

    monkeypatch.setattr("evenly.study.splits.make_split", count)
    store = SplitStore(blobs, Design(), (6,), uses=2)
    first, second = store.take(0), store.take(0)
    assert first is second
    store.take(1)
    store.take(0)
    assert made == [0, 1, 0]


BAD: dict[str, tuple[Callable[[], Any], str]] = {
    "empty table": (
        lambda: table({"x": []}, []),
        "t: the table is empty: expects at least 10 rows",
    ),
    "few rows": (
        lambda: table({"x": range(6)}, ["a", "b"] * 3),
        "t: expects at least 10 rows, got 6: add rows",
    ),
    "no inputs": (
        lambda: table({"x": [None] * 12}, ["a", "b"] * 6),
        "t: the table has no input columns (n_features = 0 of 1), since these are left out:\n"
        "- 'x': it is empty",
    ),
    "infinity in a column": (
        lambda: table({"x": [1.0] * 11 + [np.inf]}, ["a", "b"] * 6),
        "t: column 'x': infinity or more than 1e+30 in 1 of 12 rows, first in row 12: mend the "
        "rows, or rescale the column",
    ),
    "huge": (
        lambda: table({"x": [1e300, -1e300] * 6}, ["a", "b"] * 6),
        "t: column 'x': infinity or more than 1e+30 in 12 of 12 rows, first in row 1: mend the "
        "rows, or rescale the column",
    ),
    "infinity beside text": (
        lambda: table({"w": ["a"] * 12, "x": [-np.inf] * 2 + [1.0] * 10}, ["a", "b"] * 6),
        "t: column 'x': infinity or more than 1e+30 in 2 of 12 rows, first in row 1: mend the "
        "rows, or rescale the column",
    ),
    "constant number": (
        lambda: table({"x": range(12)}, [2.5] * 12),
        "t: target 'y': all values are 2.5: there is nothing to predict, choose another --target",
    ),
    "text as regression": (
        lambda: table({"x": range(12)}, ["a", "b"] * 6, "regression"),
        "t: target 'y': regression expects numbers, got words, such as 'a' (words): say --task "
        "classification, or --as y=number with --na for words among numbers",
    ),
    "numbers as classes": (
        lambda: table({"x": range(12)}, [i / 8 for i in range(12)], "classification"),
        "t: target 'y': a class expects at least two rows, '0' (and 11 more) has one: "
        "add rows or merge classes, or say --task regression",
    ),
    "dates": (
        lambda: table({"x": range(12)}, [f"2024-01-{31 - i}" for i in range(12)]),
        "t: target 'y': expects numbers or classes, got dates: name another --target, or say "
        "--task classification",
    ),
    "more classes than test rows": (
        lambda: check_fits(
            table({"x": range(12)}, [i // 2 for i in range(12)]), Design(batch=2), 1
        ),
        "t: 6 classes do not fit into a test part of 3 rows: add rows, or say --task regression",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_table_that_cannot_be_used_says_so(case: str) -> None:
    make, message = BAD[case]
    with pytest.raises(StudyError) as caught:
        make()
    assert str(caught.value) == message


def test_free_memory_is_known_here() -> None:
    available = memory.available_bytes()
    assert available is None or available > 1_000_000


def test_a_control_group_limits_memory(tmp_path: Path) -> None:
    for name, text in (
        ("max", "5000"),
        ("current", "3000"),
        ("stat", "anon 10\ninactive_file 500\n"),
    ):
        (tmp_path / name).write_text(text)
    parts = [tmp_path / name for name in ("max", "current", "stat")]
    assert memory._left(*parts) == 2500
    (tmp_path / "max").write_text("max")
    assert memory._left(*parts) is None


@pytest.mark.parametrize(
    ("count", "words"), [(12, "12 bytes"), (3_200_000_000, "3.2 GB"), (10**19, "1.0e+07 TB")]
)
def test_bytes_in_words(count: int, words: str) -> None:
    assert memory.in_words(count) == words


def test_what_never_varies_in_training_is_zero_in_both_parts() -> None:
    rng = np.random.default_rng(0)
    inputs = pd.DataFrame({"a": rng.normal(size=40), "year": np.full(40, 2023.0),
                           "country": ["DE"] * 40})
    train = make_split(
        make_table("t", inputs, pd.Series(rng.normal(size=40)), "y", "regression", None), 0, 0.25
    )
    assert not train.x_train[:, 1:].any()
    odd = 0
    for row in range(40):
        changed = inputs.copy()
        changed.loc[row, ["year", "country"]] = [2033.0, "FR"]
        found = make_table("t", changed, pd.Series(rng.normal(size=40)), "y", "regression", None)
        split = make_split(found, 0, 0.25)
        if not split.x_train[:, 1].any():
            odd += 1
            assert not split.x_test[:, 1:].any()
    assert odd == 10
    images = pd.DataFrame(np.c_[rng.normal(size=(40, 4)), np.full((40, 4), 5.0)][:, [0, 4, 1, 5,
                                                                                    2, 6, 3, 7]])
    images.iloc[:, 1::2] += (np.arange(40) == 7)[:, None]
    found = make_table("t", images, pd.Series(rng.normal(size=40)), "y", "regression", None,
                       (2, 2, 2))
    seen = [make_split(found, seed, 0.25, (2, 2, 2)) for seed in range(20)]
    assert any(not split.x_train[..., 1].any() for split in seen)
    assert all(not split.x_test[..., 1].any() for split in seen if not split.x_train[..., 1].any())
    assert all(split.x_test[..., 0].any() for split in seen)


def test_what_was_decided_while_reading_is_noted(tmp_path: Path) -> None:
    rows = "".join(f"{i % 1};{'NA' if i == 5 else i * 1.5};{'ab'[i % 2]}\n" for i in range(12))
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(f"Sales of May\n\ngrün;x;kind\n{rows}".encode("latin-1")))
    found = load(path, "kind", None)
    assert list(kinds(found)) == ["x"]
    assert found.gaps == 1
    assert found.notes[:2] == (
        "line 3: byte 0xfc is not UTF-8: read as Windows-1252 (Latin-1); if letters are wrong, "
        "give its encoding, such as --encoding cp1251 (encoding='cp1251' in Python)",
        "line 1 above the header is left out: Sales of May",
    )
