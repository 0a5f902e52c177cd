"""evenly columns: what each column of a table is taken for."""

import json

import polars as pl
import pytest

from evenly.cli import run

TEXT = ("price;since;kind;id;note\n1,5 €;31.01.2024;new;1;a long sentence about nothing\n"
        "2,25 €;01.02.2024;old;2;another long one about it\n?;05.02.2024;old;3;\n"
        "10 €;06.02.2024;new;4;and the last of the lot\n")


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(TEXT, encoding="utf-8")
    return path


def shown(capsys, *words):
    status = run(["columns", *map(str, words)])
    out, err = capsys.readouterr()
    return status, out, err


def test_the_table(table, capsys):
    status, out, err = shown(capsys, table, "--target", "kind")
    assert (status, err) == (0, "")
    lines = [line.rstrip() for line in out.splitlines()]
    assert lines[0] == f"{table}: 4 rows, 4 columns: 1 number, 1 date, 2 left out"
    assert lines[1] == "target 'kind': classes (the target is words)"
    assert lines[2].split() == ["column", "type", "missing", "distinct", "values", "becomes"]
    assert lines[3].split() == ["price", "number", "1", "3", "1.5", "to", "10", "€", "a",
                                "number,", "or", "a", "gap"]
    assert "column 'price': read as numbers, decimal comma, in €" in lines
    assert ("column 'id': left out: it rises by one from row to row: an index") in lines
    assert any("'note': left out: it is free text" in line for line in lines)


def test_what_the_user_says(table, capsys):
    status, out, _ = shown(capsys, table, "--as", "id=category", "--drop", "price", "--text",
                           "--as", "since=date", "--na", "old")
    assert status == 0
    assert "id      category*" in out
    assert "column 'price': left out: as asked for" in out
    assert "hashed words" in out


def test_for_programs(table, capsys):
    status, out, _ = shown(capsys, table, "--target", "price", "--format", "json")
    record = json.loads(out)
    assert status == 0
    assert record["rows"] == 4
    assert record["target"]["task"] == "regression"
    assert record["target"]["reason"] == "numbers, decimal comma, in €"
    assert [column["type"] for column in record["columns"]] == [
        "date", "category", "number", "text"]
    assert record["columns"][2]["left_out"].endswith("an index")
    assert record["columns"][0]["becomes"] == "days and cycles"
    assert any("'id': left out" in note for note in record["notes"])


@pytest.mark.parametrize(("words", "message"), [
    (["--drop", "prise"], "drop: there is no column 'prise'; do you mean 'price'?"),
    (["--as", "price=numbers"], "'numbers' is no type: do you mean 'number'?"),
    (["--target", "kin"], "there is no column 'kin' to predict; do you mean 'kind'?"),
    (["--decimal", ";"], "decimal: expects . or , got ';'"),
    (["--as", "price"], "--as: expects NAME=TYPE, such as zip=category, got 'price'"),
])
def test_what_cannot_be_is_one_line(table, capsys, words, message):
    status, out, err = shown(capsys, table, *words)
    assert (status, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.sweep
def test_many_columns(tmp_path, capsys):
    path = tmp_path / "wide.parquet"
    pl.DataFrame({f"column {i}": [1.5, i, 0.5] for i in range(5000)}).write_parquet(path)
    status, out, _ = shown(capsys, path)
    assert status == 0
    assert out.count("\n") >= 5000  # no terminal: all of them
    assert "column 4999 " in out


def test_a_terminal_is_80_columns_wide(table, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("FORCE_COLOR", "1")
    wide = table.with_name("w.csv")
    name = "a very long name of a column that goes on and on"
    cells = [f"{i % 3} some level of this column that is long" for i in range(20)]
    rows = [f"{cell};{i * i % 7}" for i, cell in enumerate(cells)]
    wide.write_text("\n".join([f"{name};b", *rows]))
    status, out, _ = shown(capsys, wide)
    rows = [line for line in pl.Series(out.splitlines()).str.replace_all("\x1b\\[[0-9;]*m", "")
            if line.startswith("a very")]
    assert status == 0
    assert rows
    assert all(len(row) <= 80 for row in rows)
