"""Each public case of an operator that we have is either run or listed with the reason."""

from __future__ import annotations

from fnmatch import fnmatchcase

import numpy as np
import pytest

from .cases import all_cases
from .table import LISTED, RUN

ROWS = [(run, f"test_{name}", without) for run, names, without in RUN for name in names]


@pytest.mark.sweep
def test_no_case_is_forgotten():
    """Each case is mapped, or listed and not mapped; every pattern is the first for some case."""
    mapped = [name for _, name, _ in ROWS]
    listed = {}
    for name in all_cases():
        reasons = [pattern for pattern in LISTED if fnmatchcase(name, f"test_{pattern}")]
        if reasons:
            listed[name] = reasons[0]
    assert LISTED.keys() - set(listed.values()) == set()
    assert len(mapped) == len(set(mapped))
    assert listed.keys() & set(mapped) == set()
    assert sorted([*mapped, *listed]) == sorted(all_cases())


@pytest.mark.parametrize(("run", "name", "without"), ROWS, ids=[name for _, name, _ in ROWS])
def test_case(run, name, without):
    case = all_cases()[name]
    came = run(case)
    assert len(came) == len(case.outputs)
    for place, (got, wanted) in enumerate(zip(came, case.outputs, strict=True)):
        # Outputs that nobody asked for, or that our layer does not have.
        if wanted is None or place in without:
            assert got is None
            continue
        assert np.shape(got) == np.shape(wanted)
        np.testing.assert_allclose(got, wanted, rtol=case.rtol, atol=case.atol,
                                   err_msg=f"output {place}")
