"""The page on PyTorch says what the tables of the code hold."""

import re
from pathlib import Path

import evenly as ev
from evenly.exchange.torch import functions, member_modules, modules, noise, reader_rules
from evenly.exchange.torch import writer_rules as writer
from evenly.layers.recurrent import Recurrent

PAGE = (Path(__file__).parents[2] / "docs" / "exchange-torch.md").read_text()
OUT = PAGE.split("## Out")[1].split("## In")[0]
IN = PAGE.split("## In")[1]


def written():
    kinds = {ev.Sequential, ev.Residual, ev.Branches, ev.Ensemble, *writer.RULES} - {Recurrent}
    return {kind.__name__ for kind in kinds} | {"RNN", "LSTM", "GRU"}


def test_every_layer_stands_in_the_table_of_what_goes_out():
    listed = {name for line in OUT.splitlines() if line.startswith("| `")
              for name in re.findall(r"`(\w+)`", line.split("|")[1])}
    assert listed == written()
    layers = {name for name in ev.__all__ if isinstance(getattr(ev, name), type)
              and issubclass(getattr(ev, name), ev.Layer)}
    assert layers - {"Layer"} == listed


def test_every_module_that_is_read_is_listed():
    mine = set(re.findall(r"\*(\w+)\*", OUT)) - {"italics"}
    for name in mine:
        homes = (modules, noise, member_modules)
        assert name == "Steps" or any(hasattr(home, name) for home in homes), name
    listed = re.search(r"Modules: (.*?), and those in italics", IN, re.S)[1]
    names = set(re.split(r",\s+", listed)) - {"Sequential"}
    assert names == set(reader_rules.RULES) - mine


def test_every_function_that_is_read_is_listed():
    listed = re.search(r"as functions or\s+methods: (.*?)\. Ways", IN, re.S)[1]
    assert re.findall(r"`(\w+)`", listed) == sorted(
        functions.NAMES, key=re.findall(r"`(\w+)`", listed).index)
    assert len(functions.NAMES) == listed.count("`") // 2
