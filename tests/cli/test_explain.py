"""`evenly explain`: importance, dependence, worst rows; as text, JSON and a page."""

import json

import numpy as np
import pandas as pd
import pytest

from evenly.cli import run

from .test_fit import make


@pytest.fixture
def fitted(own_folder):
    make().to_csv("table.csv", index=False)
    make(40, 1).to_csv("new.csv", index=False)
    assert run(["fit", "table.csv", "--target", "kind", "--drop", "price", "--out", "m.evenly",
                "--epochs", "40", "--hidden", "16", "--quiet"]) == 0
    return own_folder


def said(capsys, *words):
    capsys.readouterr()
    assert run(["explain", "m.evenly", *words]) == 0
    return capsys.readouterr()


def test_importance_and_dependence_as_text(fitted, capsys):
    out = said(capsys, "new.csv").out
    assert "'kind' of 40 given rows: accuracy" in out
    assert "accuracy lost in points" in out
    assert out.index("size ") < out.index("p(dear)")
    assert "█" in out
    red = next(line for line in out.splitlines() if line.split()[:1] == ["red"])
    blue = next(line for line in out.splitlines() if line.split()[:1] == ["blue"])
    assert float(red.split()[1]) > float(blue.split()[1])


def test_of_the_table_of_training_the_held_out_rows_are_taken(fitted, capsys):
    assert "'kind' of 24 held-out rows" in said(capsys, "table.csv").out


def test_json_is_json_and_numbers_are_whole(fitted, capsys):
    captured = said(capsys, "new.csv", "--format", "json", "--repeats", "3", "--rows", "4")
    record = json.loads(captured.out)
    assert record["target"] == "kind"
    assert record["rows"] == 40
    assert {one["column"] for one in record["importance"]} == {"size", "color"}
    assert all(len(one["drops"]) == 3 for one in record["importance"])
    assert np.sum(record["confusion"]["counts"]) == 40
    assert len(record["worst"]) <= 4
    assert 0 < record["scores"]["accuracy"] <= 1


def test_one_column_and_another_measure(fitted, capsys):
    out = said(capsys, "new.csv", "--column", "color", "--measure", "log-loss").out
    assert "log loss lost" in out
    assert [word for word in ("red", "green", "blue") if word in out] == ["red", "green", "blue"]
    # Of the column that was not named no values are listed.
    assert sum(line.strip().startswith("size") for line in out.splitlines()) == 1


def test_the_worst_rows(fitted, capsys):
    out = said(capsys, "new.csv", "--rows", "2").out
    table = pd.read_csv("new.csv")
    lines = [line.split() for line in out.split("truth")[1].splitlines()[1:] if line.strip()]
    assert 1 <= len(lines) <= 2
    for number, truth, *_ in lines:
        assert table["kind"].iloc[int(number) - 1] == truth


def test_the_page(fitted, capsys):
    said(capsys, "new.csv", "--report", "e.html")
    page = (fitted / "e.html").read_text()
    for part in ("What the columns are worth", "Confusion", "given rows"):
        assert part in page
    assert "Curves" not in page


def test_shap_is_named_where_it_is_not_installed(fitted, capsys):
    try:
        import shap  # noqa: F401
    except ImportError:
        assert run(["explain", "m.evenly", "new.csv", "--shap"]) == 2
        assert "evenly explain needs shap: pip install shap" in capsys.readouterr().err
