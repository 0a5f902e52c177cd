"""The page of a search."""

import json
import re
from dataclasses import replace

import pytest

from evenly.report import render_search, search_json
from evenly.search.records import FAILED, PRUNED, SearchRecord, TrialRecord
from tests.axe import breaches


@pytest.fixture
def search():
    """A search with each kind of trial, and names that are markup."""
    trials = [TrialRecord(i, {"rate": 10.0 ** -i, "norm": ("batch", None)[i % 2], "<b>": i},
                          "finished", 0.5 + i / 20, (0.5 + i / 20,), 1.0 + i, 9,
                          (0.4, 0.5), exact=i > 0) for i in range(9)]
    trials += [TrialRecord(9, trials[1].settings, PRUNED, None, (), 0.0, 10, (0.1,) * 10),
               TrialRecord(10, trials[1].settings, FAILED, why="a <bad> batch")]
    return SearchRecord(
        estimator="TableClassifier", data="'y' of <t>.csv, 90 rows", scoring="accuracy",
        objectives=("score", "time"), space=(("rate", "0.1 to 1, logarithmic"),
                                             ("norm", "batch, none"), ("<b>", "0 to 9, whole")),
        logarithmic=("rate",), trials=tuple(trials), best=8, front=(0, 4, 8),
        importances={"norm": 0.7, "rate": 0.2, "<b>": 0.1}, changed={"hidden": (8,)},
        code="model = <ev>", command="evenly fit t.csv --lr 0.1", typed="evenly tune t.csv",
        facts=(("store", "search.db"),), notes=("a <note>",),
    )


def test_the_page_says_it_all(search):
    page = render_search(search)
    for text in ("accuracy 0.9 by trial 8, 0.5 by the estimator as it was given.",
                 "11 trials: 9 finished, 1 pruned, 1 failed.", "evenly fit t.csv --lr 0.1",
                 "model = &lt;ev&gt;", "a &lt;bad&gt; batch", "a &lt;note&gt;",
                 "1 of 11 trials failed"):
        assert text in page
    assert "<b>" not in page
    assert page.index("<h3>norm</h3>") < page.index("<h3>rate</h3>")  # what mattered first
    assert page.count("<svg") == 4 + 3 + 1
    assert not re.search(r"(src|href)=.?https?:", page)


def test_what_there_is_not_has_no_section(search):
    few = replace(search, importances={}, front=(), trials=search.trials[:1], best=0, command="",
                  interrupted=True, why_ended="Ctrl-C")
    page = render_search(few)
    assert "What mattered" not in page
    assert "Score and time" not in page
    assert "As a line of the shell" not in page
    assert "Ended early by Ctrl-C: 1 trials had ended." in page
    assert "Nothing that was tried is better" in page


def test_json_holds_all_of_it(search):
    found = json.loads(search_json(search))
    assert found["trials"][8]["settings"]["rate"] == 1e-8
    assert found["best"] == 8
    assert found["version"] == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_breaks_no_rule(search, browser, scheme):
    with browser.new_context(color_scheme=scheme) as context:
        page = context.new_page()
        page.set_content(render_search(search))
        assert breaches(page) == []
