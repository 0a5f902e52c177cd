"""Columns that are missing, of another kind, or say nothing."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from .bad import Bad, changed, write

FIT = "fit bad.csv --out o.evenly --target"


def with_value(name, row, value):
    def change(table):
        table = table.copy()
        table.loc[row, name] = value
        return table
    return change


def twice():
    """Makes bad.parquet: with two columns y."""
    columns = [np.arange(20)] * 3
    pq.write_table(pa.table(columns, names=["a", "y", "y"]), "bad.parquet")


def new(change):
    """Makes bad.csv: rows to predict."""
    return changed("bad.csv", lambda t: change(t.drop(columns=["kind", "price"])), 8)


PREDICT = "predict m.evenly bad.csv --out p.csv"

ROWS = [
    Bad("no target is said", "fit table.csv --out o.evenly",
        "table.csv: which column is to be predicted? Say --target NAME: the columns are "
        "size, color, price, kind"),
    Bad("the target is missing", "fit table.csv --out o.evenly --target prize",
        "table.csv: there is no column 'prize': do you mean 'price' or 'size'?"),
    Bad("the target is an empty name", "fit table.csv --out o.evenly --target ''",
        "table.csv: there is no column '': it has 'size', 'color', 'price', 'kind'"),
    Bad("the target is all gaps", f"{FIT} kind",
        "bad.csv: target 'kind': nothing in every row: there is nothing to learn from",
        changed("bad.csv", lambda t: t.assign(kind=np.nan))),
    Bad("the target has one class", f"{FIT} kind",
        "bad.csv: target 'kind': expects at least two classes, got one, 'dear': choose "
        "another --target",
        changed("bad.csv", lambda t: t.assign(kind="dear"))),
    Bad("a class has one row", f"{FIT} kind",
        "bad.csv: target 'kind': a class expects at least two rows, 'gift' has one: add "
        "rows or merge classes",
        changed("bad.csv", with_value("kind", 7, "gift"))),
    Bad("the target is one number", f"{FIT} price",
        "bad.csv: target 'price': all values are 3.5: there is nothing to predict, choose "
        "another --target",
        changed("bad.csv", lambda t: t.assign(price=3.5))),
    Bad("the target holds infinity", f"{FIT} price",
        "bad.csv: column 'price': infinity or more than 1e+30 in 1 of 60 rows, first in row 3: "
        "mend the rows, or rescale the column",
        changed("bad.csv", with_value("price", 2, np.inf))),
    Bad("the target holds a number beyond float32", f"{FIT} price",
        "bad.csv: column 'price': infinity or more than 1e+30 in 1 of 60 rows, first in row 3: "
        "mend the rows, or rescale the column",
        changed("bad.csv", with_value("price", 2, 1e35))),
    Bad("the target is text and numbers are wanted", f"{FIT} kind --task regression",
        "bad.csv: target 'kind': regression expects numbers, got words, such as 'cheap' (words): "
        "say --task classification, or --as kind=number with --na for words among numbers",
        changed("bad.csv", lambda t: t)),
    Bad("the target is every row's own text", f"{FIT} id",
        "bad.csv: target 'id': a class expects at least two rows, 'n0' (and 59 more) has "
        "one: add rows or merge classes",
        changed("bad.csv", lambda t: t.assign(id=[f"n{i}" for i in range(len(t))]))),
    Bad("the target is there twice in a Parquet file", "fit bad.parquet --out o.evenly --target y",
        "bad.parquet: 2 columns are named 'y': rename them",
        twice),
    Bad("the target is there twice", f"{FIT} y",
        "bad.csv: several columns are named 'y': rename them",
        write("bad.csv", "a,y,y\n" + "1,2,3\n4,5,6\n" * 10)),
    Bad("the target is the only column", f"{FIT} kind",
        "bad.csv: no input columns beside the target: add some",
        changed("bad.csv", lambda t: t[["kind"]])),
    Bad("all other columns are empty", f"{FIT} kind",
        "bad.csv: the table has no input columns (n_features = 0 of 2), since these are left out: "
        "- 'a': it is empty - 'b': it is empty",
        changed("bad.csv", lambda t: t[["kind"]].assign(a=np.nan, b=np.nan))),
    Bad("a column holds infinity", f"{FIT} kind",
        "bad.csv: column 'size': infinity or more than 1e+30 in 1 of 60 rows, first in row 4: "
        "mend the rows, or rescale the column",
        changed("bad.csv", with_value("size", 3, -np.inf))),
    Bad("a column holds a number beyond float32", f"{FIT} kind",
        "bad.csv: column 'size': infinity or more than 1e+30 in 1 of 60 rows, first in row 4: "
        "mend the rows, or rescale the column",
        changed("bad.csv", with_value("size", 3, 1e300))),
    Bad("a column is missing", PREDICT,
        "bad.csv: the table lacks the column 'color' that training had; it has 'size'",
        new(lambda t: t[["size"]])),
    Bad("all columns are missing", PREDICT,
        "bad.csv: the table lacks columns 'size', 'color' that training had; do you "
        "mean 'Size'?", new(
        lambda t: t.rename(columns={"size": "Size", "color": "Color"}))),
    Bad("a column has text where there were numbers", PREDICT,
        "bad.csv: column 'size': was numbers in training, got 'big' in 1 of 8 rows, first in row "
        "6: mend the cell, leave it empty, or say --na big",
        new(lambda t: with_value("size", 5, "big")(t.astype({"size": object})))),
    Bad("a column to predict with holds infinity", PREDICT,
        "bad.csv: column 'size': infinity or more than 1e+30 in 1 of 8 rows, first in row "
        "1: mend the rows, or rescale the column",
        new(with_value("size", 0, np.inf))),
    Bad("a column to predict with holds a number beyond float32", PREDICT,
        "bad.csv: column 'size': infinity or more than 1e+30 in 1 of 8 rows, first in row "
        "1: mend the rows, or rescale the column",
        new(with_value("size", 0, 4e30))),
    Bad("rows to predict without a header", PREDICT,
        "bad.csv: the table lacks columns 'size', 'color' that training had; it has '9.1', "
        "'red'",
        write("bad.csv", "9.1,red\n8.3,blue\n")),
]
