"""The dictionaries of names: what they say is here is here, and what is elsewhere is there."""

import re
from pathlib import Path

import pytest
import torch
from sklearn.neural_network import MLPClassifier

import evenly as ev
from evenly.estimators import NetClassifier

DOCS = Path(__file__).resolve().parents[2] / "docs"
NET = set(NetClassifier().get_params())


def rows(page, heading):
    """(cells) of the rows of the table below a heading."""
    text = (DOCS / page).read_text().split(heading, 1)[1].split("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("|")][2:]
    assert len(lines) > 5
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def calls(cell):
    return re.findall(r"`(?:nn\.|optim\.|ev\.)?([A-Z]\w+)", cell)


@pytest.mark.parametrize("row", rows("coming-from-pytorch.md", "# Coming"), ids=lambda row: row[0])
def test_layers_of_pytorch(row):
    here, theirs, _ = row
    for name in calls(here):
        assert hasattr(ev, name), name
    for name in calls(theirs):
        assert hasattr(torch.nn, name) or hasattr(torch.optim, name), name


@pytest.mark.parametrize("row", rows("coming-from-sklearn.md", "MLPRegressor\n"),
                         ids=lambda row: row[0])
def test_arguments_of_scikit_learn(row):
    theirs, here, _ = row
    for name in re.findall(r"`(\w+)=", theirs):
        assert name in MLPClassifier().get_params(), name
    for name in re.findall(r"`(\w+)=", here):
        assert name in NET, name
