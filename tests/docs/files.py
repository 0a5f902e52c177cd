"""The files that commands of the pages name and a reader would have: made when one is named."""

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
from click.testing import CliRunner

import evenly as ev
from evenly.cli import evenly

ROWS = 120
OWN_CLAIM = Path(__file__).resolve().parents[2] / "docs" / "claims-own.md"


def table() -> pl.DataFrame:
    draw = np.random.default_rng(0)
    size, zone = draw.normal(100, 30, ROWS).round(1), draw.choice(["north", "south"], ROWS)
    price = (3 * size + 50 * (zone == "north") + draw.normal(0, 10, ROWS)).round(2)
    return pl.DataFrame({
        "size": size, "zone": zone, "zip": draw.integers(1000, 1009, ROWS),
        "comment": ["none"] * ROWS,
        "kind": np.where(size > 100, "large", "small"), "hour": np.arange(ROWS), "load": price,
        "patient": np.arange(ROWS) // 4, "stroke": (size > 110).astype(int), "price": price,
        "y": (size > 100).astype(int), "buys": np.where(size > 90, "yes", "no")})


def arrays(path: Path, *shape: int) -> None:
    x = np.random.default_rng(0).standard_normal((ROWS, *shape)).astype(np.float32)
    np.savez(path, x=x, y=x.reshape(ROWS, -1).sum(axis=1) > 0)


def claim(path: Path) -> None:
    """The study that the page on claims shows, without the call that runs it there."""
    code = OWN_CLAIM.read_text().split("```python\n")[1].split("\nresult = run")[0]
    path.write_text(code)


def folder(path: Path) -> None:
    path.mkdir()
    table().drop("comment").write_parquet(path / "1.parquet")


def answers(path: Path) -> None:
    path.mkdir()
    words = ["exercise", "adam", "--format", "json", "--out", str(path / "anna.json")]
    assert CliRunner().invoke(evenly, words).exit_code == 0


def model(path: Path) -> None:
    fitted = ev.TableRegressor((8,), max_epochs=3, effort="fast", quiet=True, random_state=0)
    ev.save(path, fitted.fit(table(), "price"))


FILES = {
    "table.csv": lambda path: table().write_csv(path),
    "new.csv": lambda path: table().head(5).drop("price").write_csv(path),
    "visits.csv": lambda path: table().write_csv(path),
    "load.csv": lambda path: table().drop("price").write_csv(path),
    "images.npz": lambda path: arrays(path, 8, 8),
    "walks.npz": lambda path: arrays(path, 6, 2),
    "people.csv": lambda path: table().write_csv(path),
    "model.evenly": model,
    "my_claim.py": claim,
    "rows/": folder,
    "answers/": answers,
}


def make(words: list[str]) -> None:
    read = [word for before, word in pairwise(["", *words]) if before != "--out"]
    for word in [re.sub(r"[^/]*\*.*", "", word) for word in read]:
        if word in FILES and not Path(word).exists():
            FILES[word](Path(word))
