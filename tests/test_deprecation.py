"""What is deprecated works as before, says so, and may not stay for ever."""

import warnings

import pytest

import evenly as ev
from evenly.deprecation import (
    EvenlyDeprecationWarning,
    deprecated,
    gone_in,
    renamed_arguments,
    with_old_names,
)


@deprecated("0.1", "new()")
def old(a, *, b=2):
    """Its text."""
    return a + b


@renamed_arguments("0.1", momentum="decay", eps="epsilon")
def norm(x, decay=0.9, epsilon=1e-5):
    return x, decay, epsilon


def warned(call):
    """What a call returns and the one warning it gives, which points at this file."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        result = call()
    assert [one.category for one in found] == [EvenlyDeprecationWarning]
    assert found[0].filename == __file__
    return result, str(found[0].message)


def test_a_function():
    result, text = warned(lambda: old(1, b=5))
    assert result == 6
    assert text == "old() is deprecated since 0.1 and goes in 0.3: use new()"
    assert old.__doc__ == "Its text."


def test_an_argument():
    result, text = warned(lambda: norm(3, momentum=0.5))
    assert result == (3, 0.5, 1e-5)
    assert text == "norm(momentum=) is deprecated since 0.1 and goes in 0.3: use decay="
    assert norm(3, decay=0.5) == result
    with pytest.raises(TypeError, match="old name of decay="):
        norm(3, momentum=0.5, decay=0.5)


def test_a_name_of_a_package():
    get = with_old_names("evenly", lambda name: getattr(ev, name), {"Linear": ("Dense", "0.1")})
    result, text = warned(lambda: get("Linear"))
    assert result is ev.Dense
    assert text == ("evenly.Linear is deprecated since 0.1 and goes in 0.3: use evenly.Dense")
    assert get("Dense") is ev.Dense
    with pytest.raises(AttributeError):
        get("Lineal")


@pytest.mark.parametrize(("since", "version", "end"), [
    ("0.1", "0.1.0", "0.3"), ("0.1", "0.2.9", "0.3"), ("1.9", "1.10.0", "1.11"),
])
def test_two_minor_versions(since, version, end):
    assert gone_in(since, version) == end


@pytest.mark.parametrize(("since", "version"), [("0.1", "0.3.0"), ("0.9", "1.0.0")])
def test_it_may_not_stay(since, version):
    with pytest.raises(RuntimeError, match="delete it"):
        gone_in(since, version)


@pytest.mark.parametrize("declare", [
    lambda: deprecated("0.1.0", "new()"), lambda: deprecated("next", "new()"),
    lambda: renamed_arguments("0.1", momentum="decays")(lambda decay: decay),
    lambda: with_old_names("evenly", getattr, {"Linear": ("Dense", "1")}),
])
def test_a_wrong_declaration_is_refused(declare):
    with pytest.raises(ValueError, match=r"minor version|has no argument"):
        declare()
