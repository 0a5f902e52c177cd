"""Public names, their signatures, commands and their options are those of the record."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
spec = importlib.util.spec_from_file_location("record_api", ROOT / "tools" / "record_api.py")
record_api = importlib.util.module_from_spec(spec)
spec.loader.exec_module(record_api)
RECORD = record_api.RECORD.read_text()


def test_nothing_changed_unnoticed():
    pytest.importorskip("sklearn", reason="the estimators need scikit-learn")
    pytest.importorskip("polars", reason="networks for tables need polars")
    found = record_api.difference(RECORD, record_api.recorded())
    assert not found, "\n" + found


@pytest.mark.parametrize(("was", "becomes", "says"), [
    ("Dropout(rate, ", "Dropout(share, ", "changed: Dropout: Dropout(rate,"),
    ("Dropout(", "Drop(", "gone:    Dropout(rate"),
    ("Dropout(", "Drop(", "new:     Drop: Drop(rate"),
    ("    .predict_proba(", "    .probabilities(", "gone:    .predict_proba("),
    ("    --target\n", "", "gone:    --target (evenly "),
])
def test_a_change_is_seen(was, becomes, says):
    assert was in RECORD
    found = record_api.difference(RECORD, RECORD.replace(was, becomes))
    assert says in found
    assert "python tools/record_api.py" in found


def test_a_default_counts():
    def before(rate=0.5):
        pass

    def after(rate=0.4):
        pass

    assert record_api.signature(before) != record_api.signature(after)
