"""What a row of the tables is, and the words that rows are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import evenly as ev

Made = Callable[[], Any]
# A name that no file system takes.
LONG = "n" * 300


@dataclass(frozen=True)
class Bad:
    """One bad input. Everything happens in a folder of its own, see `make_folder`.

    What must still be there afterwards is every file of that folder, byte for byte, as it was when
    `made` had made the situation. Nothing but what `new` names may be new, no temporary
    file either; no file may be left open, and no thread that reads.

    Attributes:
        name: what is bad.
        act: a command line as a shell has it, or a call.
        message: exactly what is said: for a command the one line on standard error after
            `evenly: `, for a call the text of the exception. {here} is the folder, {long} a
            name that is too long, {size} the length of net.evenly.
        made: how the situation comes about.
        error: what a call raises.
        status: of a command.
        new: the files that come into being.
        within: what the system is to refuse while it happens.
    """

    name: str
    act: str | Made
    message: str
    made: Made | None = None
    error: type[BaseException] | None = None
    status: int = 2
    new: tuple[str, ...] = ()
    within: Callable[[], AbstractContextManager[Any]] = nullcontext


@dataclass(frozen=True)
class Child(Bad):
    """A row that needs a process of its own, for what it does to that process.

    Attributes:
        before: Python that the child runs before the program.
        streams: what becomes of the standard streams 0, 1 and 2: "closed"; "no reader", a pipe
            whose reader has gone; "full", a full disk.
    """

    before: str = ""
    streams: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Shell(Bad):
    """A row whose act is a line of bash, `evenly` the program.

    Attributes:
        out: exactly what is on standard output.
    """

    out: str = ""


def table(rows: int = 60, seed: int = 0) -> Any:
    """A table with numbers, gaps, text, a number to predict and classes to predict."""
    rng = np.random.default_rng(seed)
    size = rng.normal(10, 3, rows).round(3)
    color = rng.choice(["red", "green", "blue"], rows)
    price = (5 * size + 20 * (color == "red") + rng.normal(0, 1, rows)).round(3)
    kind = np.where(price > np.median(price), "dear", "cheap")
    return pd.DataFrame({"size": size, "color": color, "price": price, "kind": kind})


X = np.random.default_rng(0).standard_normal((40, 3)).astype(np.float32)
Y = (X[:, 0] > X[:, 1]).astype(np.int64)
NET = ev.Sequential([ev.Dense(4), ev.ReLU(), ev.Dense(2)])
LOSS = ev.SoftmaxCrossEntropy()


def make_folder(folder: Path) -> None:
    """The files that every row finds.

    table.csv, table.parquet, new.csv: to train on, to predict; m.evenly: a network for tables;
    net.evenly: a model of 3 inputs and 2 classes; c.evenly: a classifier of 3 inputs; x.npy:
    (40, 3) numbers; rows.parquet: 40 rows with a, b, c and y.
    """
    from evenly.cli import run
    from evenly.estimators import NetClassifier

    table().to_csv(folder / "table.csv", index=False)
    table().to_parquet(folder / "table.parquet")
    table(8, 1).drop(columns=["kind", "price"]).to_csv(folder / "new.csv", index=False)
    table().drop(columns="price").to_csv(folder / "used.csv", index=False)
    assert run(["fit", str(folder / "used.csv"), "--target", "kind", "--epochs", "2", "--hidden",
                "4", "--out", str(folder / "m.evenly")]) == 0
    ev.save(folder / "net.evenly", ev.fit(NET, X, Y, loss=LOSS, epochs=1))
    ev.save(folder / "c.evenly", NetClassifier(4, max_epochs=1, random_state=0).fit(X, Y))
    np.save(folder / "x.npy", X)
    frame = pd.DataFrame(dict(zip("abc", X.T.astype(float), strict=True)) | {"y": Y})
    frame.to_parquet(folder / "rows.parquet")


def write(name: str, content: str | bytes) -> Made:
    """Makes a file."""
    def made() -> None:
        data = content.encode() if isinstance(content, str) else content
        Path(name).write_bytes(data)
    return made


def changed(name: str, change: Callable[[Any], Any], rows: int = 60) -> Made:
    """Makes a .csv or a .parquet file of a changed table."""
    def made() -> None:
        frame = change(table(rows))
        if name.endswith(".csv"):
            frame.to_csv(name, index=False)
        else:
            frame.to_parquet(name)
    return made


def npz(**arrays: Any) -> Made:
    """Makes bad.npz."""
    return lambda: np.savez("bad.npz", **arrays)


def cut(name: str, source: str, share: float) -> Made:
    """Makes a file of the first part of another."""
    def made() -> None:
        data = Path(source).read_bytes()
        Path(name).write_bytes(data[: int(len(data) * share)])
    return made


def sealed(change: Callable[[Any, Any], None], source: str = "net.evenly") -> Made:
    """Makes bad.evenly: a model file with other contents and the right checksum."""
    from evenly.files import read_arrays, write_arrays

    def made() -> None:
        arrays, text = read_arrays(source)
        arrays = {name: array.copy() for name, array in arrays.items()}
        change(text, arrays)
        write_arrays("bad.evenly", arrays, text)
    return made


def fit(source: Any, **settings: Any) -> Any:
    """A short training on rows that come from somewhere."""
    return ev.fit(NET, source, loss=LOSS, **{"epochs": 1, **settings})
