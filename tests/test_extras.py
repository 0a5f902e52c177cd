"""What a package that is missing, or that cannot be imported, is told as."""

import math
import re

import pytest

from evenly.errors import ConfigurationError
from evenly.extras import needed


def test_what_is_there_is_handed_on():
    assert needed("this", "math", "study") is math


@pytest.mark.parametrize("module", ["notthere", "notthere.within"])
def test_a_package_that_is_missing(module):
    with pytest.raises(ConfigurationError) as caught:
        needed("reading", module, "tables", instead=", or go without")
    assert str(caught.value) == (
        "reading needs notthere: pip install 'evenly[tables]', or go without")


@pytest.mark.parametrize(("text", "said"), [
    ("import another_that_is_missing", "No module named 'another_that_is_missing'"),
    ("raise ImportError('its library is too old')", "its library is too old"),
])
def test_a_package_that_is_there_and_broken(tmp_path, monkeypatch, text, said):
    (tmp_path / "broken_package.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    expected = (f"reading needs Broken, which cannot be imported ({said}): "
                "pip install 'evenly[tables]'")
    with pytest.raises(ValueError, match=f"^{re.escape(expected)}$"):
        needed("reading", "broken_package", "tables", "Broken", ValueError)
