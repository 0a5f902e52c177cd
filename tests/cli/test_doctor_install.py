"""What a report of a fault says of an installation."""

import json
import subprocess
import sys

import numpy as np
import pytest

import evenly as ev
from evenly.cli import run, self_test
from evenly.native import available_isas

BROKEN = """
import sys
sys.modules["evenly._native"] = None
from evenly.cli import run
sys.exit(run(sys.argv[1:]))
"""


def test_an_installation_that_is_well(capsys):
    assert run(["doctor-install", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["well"]
    assert found["evenly"]["version"] == ev.__version__
    assert found["native"]["chosen"] == available_isas()[-1]
    assert found["packages"]["numpy"] == np.__version__
    assert found["openblas"]["loads"]
    assert {one["family"] for one in found["kernels"]} == set(self_test.FAMILIES)
    assert run(["doctor-install"]) == 0
    text = capsys.readouterr().out
    assert "All is well." in text
    assert found["native"]["chosen"] in text
    assert found["python"]["version"] in text


@pytest.mark.parametrize("family", self_test.FAMILIES)
def test_the_test_of_a_family_sees_a_wrong_kernel(family, monkeypatch):
    """The definition computes something else: what a kernel that is wrong looks like."""
    whole = self_test.by_definition

    def wrong(layer):
        plain = whole(layer)
        kind = type(plain)
        own = kind.forward

        def forward(self, *arguments):
            y, *rest = own(self, *arguments)
            return (y * 1.000001, *rest)

        kind.forward = forward
        return plain

    monkeypatch.setattr(self_test, "by_definition", wrong)
    found = self_test.try_family(family)
    assert found.difference is not None, found.error
    assert not found.agrees


def test_a_kernel_that_is_wrong_is_named(monkeypatch, capsys):
    monkeypatch.setattr(self_test, "TOLERANCE", -1.0)
    assert run(["doctor-install"]) == 1
    assert "WRONG" in capsys.readouterr().out


def test_it_runs_where_the_native_module_does_not_load():
    found = subprocess.run([sys.executable, "-c", BROKEN, "doctor-install"], text=True,
                           capture_output=True)
    assert found.returncode == 1, found.stderr
    assert "native      DOES NOT LOAD: ModuleNotFoundError" in found.stdout
    assert "numpy" in found.stdout
    found = subprocess.run([sys.executable, "-c", BROKEN, "doctor-install", "--json"], text=True,
                           capture_output=True)
    assert json.loads(found.stdout)["native"]["loads"] is False
