"""`evenly grade`."""

import csv
import json
from fractions import Fraction

import pytest

from evenly.cli import run
from evenly.exercises import exercise

B = "batch_norm_1."
RIGHT = exercise("batch-norm", 7).answers()[f"{B}variance"]
# Divided by n - 1.
UNBIASED = [[str(Fraction(text) * 4 / 3) for text in RIGHT[0]]]
WORDS = "6. The variance of each feature"


def write(path, name="", seed=7, level=1, **steps):
    made = exercise("batch-norm", seed, level)
    data = made.sheet() | {"answers": made.answers() | {B + k: v for k, v in steps.items()}}
    if name:
        data["name"] = name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data))
    return str(path)


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_one_sheet_gets_a_report(own_folder, capsys):
    sheet = write(own_folder / "a.json", "Ada", variance=UNBIASED)
    assert run(["grade", sheet]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "Ada: Batch normalization, level 1, seed 7" in shown
    assert "69 of 72 points" in shown
    assert "Mistake: divided by n - 1." in shown
    assert "\u2717 wrong" in shown
    assert f"right: {' '.join(RIGHT[0])}" not in shown


def test_the_right_numbers_on_demand(own_folder, capsys):
    assert run(["grade", write(own_folder / "a.json", variance=[[1, 1, 1]]), "--show"]) == 0
    assert f"right: {' '.join(RIGHT[0])}" in " ".join(capsys.readouterr().out.split())


def test_a_class_to_csv(own_folder, capsys):
    write(own_folder / "class" / "a.json", "Ada")
    write(own_folder / "class" / "b.json", "Bob", variance=UNBIASED)
    write(own_folder / "class" / "c.json", "Cem", level=2)
    (own_folder / "class" / "notes.txt").write_text("no sheet")
    assert run(["grade", "class", "--csv", "out.csv"]) == 0
    told = rows("out.csv")
    assert [row["name"] for row in told] == ["Ada", "Bob", "Cem"]
    assert [row["points"] for row in told][:2] == ["72", "69"]
    assert told[1][f"{WORDS} mistake"] == "divided by n - 1"
    assert told[1][f"{WORDS} points"] == "0"
    assert told[0]["10. The running mean after this batch points"] == ""
    assert told[2]["10. The running mean after this batch points"] == "3"
    assert "divided by n - 1" in " ".join(capsys.readouterr().out.replace("\u2502", " ").split())


def test_keys_are_passed_over(own_folder, capsys):
    write(own_folder / "class" / "a.json", "Ada", variance=[[12, 12, 12]])
    made = exercise("batch-norm", 7, 1)
    for number in range(5):
        key = made.sheet() | {"key": True, "answers": made.answers()}
        (own_folder / "class" / f"key-{number}.json").write_text(json.dumps(key))
    assert run(["grade", "class", "--csv", "out.csv"]) == 0
    assert [row["name"] for row in rows("out.csv")] == ["Ada"]
    told = " ".join(capsys.readouterr().err.split())
    assert "key-2.json and 2 more: the keys of sheets, which are nobody's answers" in told


def test_a_key_alone(own_folder, capsys):
    made = exercise("batch-norm", 7, 1)
    (own_folder / "k.json").write_text(json.dumps(made.sheet() | {"key": True}))
    assert run(["grade", "k.json"]) == 2
    told = capsys.readouterr()
    assert "k.json: is a key of the exercise, no answers of a learner" in told.err
    assert "points" not in told.out


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)"])
def test_names_are_no_formulas(own_folder, name):
    write(own_folder / "a.json", name)
    assert run(["grade", "a.json", "--csv", "out.csv"]) == 0
    assert rows("out.csv")[0]["name"] == f"'{name}"


def test_a_bad_file_does_not_stop_the_others(own_folder, capsys):
    write(own_folder / "a.json", "Ada")
    (own_folder / "b.json").write_text("{")
    assert run(["grade", "a.json", "b.json", "--csv", "out.csv"]) == 2
    told = capsys.readouterr()
    assert "b.json: not a JSON file" in told.err
    assert "1 of 2 sheets could not be graded" in told.err
    assert [row["points"] for row in rows("out.csv")] == ["72", ""]
    assert "not a JSON file" in rows("out.csv")[1]["error"]


@pytest.mark.parametrize(("text", "message"), [
    ("{", "not a JSON file"), ("[1]", "an object with fields, got list"), ("[" * 100_000, "JSON"),
    ('{"exercise": "batch-norm", "answers": {"x": NaN}}', "NaN is not a finite number"),
    ('{"exercise": "batch-norm"}', "'answers' must be"), ('{"exercise": 1}', "'exercise' must be"),
    ('{"exercise": "batch-norm", "seed": 0, "answers": {"zzz": 1}}', "no step 'zzz' is asked for"),
    ('{"exercise": "batch-norm", "answers": {}}', "'seed' is missing"),
    ('{"exercise": "batch-norm", "seed": 0, "key": 1, "answers": {}}', "'key' must be true or"),
    ('{"exercise": "nothing", "answers": {}}', "no exercise is called 'nothing'"),
    (" " * (2**20 + 1), "larger than 1,048,576 bytes"), ("\u00e4", "not a JSON file"),
])
def test_files_that_are_no_sheets(own_folder, capsys, text, message):
    encoding = "latin-1" if text == "\u00e4" else "utf-8"
    (own_folder / "a.json").write_bytes(text.encode(encoding))
    assert run(["grade", "a.json"]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "a.json" in error
    assert error.count("\n") == 1


def test_a_file_that_is_not_there(capsys):
    assert run(["grade", "none.json"]) == 2
    assert "none.json: cannot be read: No such file" in capsys.readouterr().err


def test_an_empty_folder(own_folder, capsys):
    (own_folder / "empty").mkdir()
    assert run(["grade", "empty"]) == 2
    assert "holds no .json file" in capsys.readouterr().err


def test_a_table_is_not_replaced_unasked(own_folder, capsys):
    sheet = write(own_folder / "a.json")
    (own_folder / "out.csv").write_text("mine")
    assert run(["grade", sheet, "--csv", "out.csv"]) == 2
    assert "say --force" in capsys.readouterr().err
    assert (own_folder / "out.csv").read_text() == "mine"
    assert run(["grade", sheet, "--csv", "out.csv", "--force"]) == 0
    assert rows("out.csv")[0]["points"] == "72"


def test_a_table_that_is_no_csv(own_folder, capsys):
    assert run(["grade", write(own_folder / "a.json"), "--csv", "out.txt"]) == 2
    assert "ends in .csv" in capsys.readouterr().err
