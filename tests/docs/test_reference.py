"""Every public name has one entry in the reference; what its page is made of can be made."""

import re
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

import evenly as ev
from evenly import errors

DOCS = Path(__file__).resolve().parents[2] / "docs"
sys.path.insert(0, str(DOCS))
try:
    from _ext import docstrings, face, made, worked
finally:
    sys.path.remove(str(DOCS))

NAMES = list(face.names())
SHOWN = [name for name in NAMES if name.folder != "reference"]


def test_every_public_name_has_one_entry():
    paths = [name.path for name in NAMES]
    assert len(paths) == len(set(paths)) == len({name.page for name in NAMES})
    public = {f"evenly.{name}" for name in dir(ev)
              if not name.startswith("_") and name in ev._HOMES}
    public |= {f"evenly.{module}.{name}" for module in face.MODULES if find_spec(f"evenly.{module}")
               for name in import_module(f"evenly.{module}").__all__}
    public |= {f"evenly.errors.{name}" for name, value in vars(errors).items()
               if isinstance(value, type) and issubclass(value, errors.EvenlyError)}
    assert set(paths) == public


def test_layers_losses_and_optimizers_have_pages_of_their_own():
    folders = {name.short: name.folder for name in NAMES}
    assert folders["BatchNorm"] == "layers"
    assert folders["Huber"] == "losses"
    assert folders["RAdam"] == "optimizers"
    assert {folders[name] for name in ("Layer", "Loss", "Optimizer", "fit")} == {"reference"}


@pytest.mark.parametrize("name", NAMES, ids=lambda name: name.path)
def test_an_entry_is_of_its_name_and_its_docstring_can_be_read(name):
    assert len(re.findall(rf"^\.\. auto\w+:: {re.escape(name.path)}$", made.directive(name),
                          re.M)) == 1
    text = name.value.__doc__
    told = "\n".join(docstrings.rendered(re.sub(r"(?m)^    ", "", text).split("\n")))
    assert not re.search(r"^(Arguments|Attributes|Raises|Returns):$", told, re.M)
    assert name.sentence.endswith((".", ":", "``"))


@pytest.mark.parametrize("name", SHOWN, ids=lambda name: name.path)
def test_a_page_tells_its_kernel(name):
    own = made.kernel(name)
    assert "says of itself" in own or own.startswith("None of its own")


def test_worked_examples_are_of_layers_that_there_are():
    layers = {name.short for name in SHOWN if name.folder == "layers"}
    assert {*worked.LAYERS, *worked.ARRAYS} <= layers
    assert set(worked.LOSSES) <= {name.short for name in SHOWN}


@pytest.mark.parametrize("short", ["BatchNorm", "LSTM", "SoftmaxCrossEntropy", "RAdam"])
def test_a_worked_example_goes_to_its_end(short):
    name = next(name for name in SHOWN if name.short == short)
    titles = [step.title for step in worked.MAKERS[name.folder](short).work.steps]
    last = {"layers": "d_x", "losses": "d_", "optimizers": "kernel"}[name.folder]
    assert any(last in title for title in titles)
