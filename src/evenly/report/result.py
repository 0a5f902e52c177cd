"""A study of a table as an object: a frame, figures, a page in a notebook."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evenly.study.records import StudyRecord

from .charts import figures
from .page import render
from .tables import history_rows, results_rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame

# Of the page inside a notebook, in CSS pixels: it scrolls by itself.
HEIGHT = 720


@dataclass(frozen=True)
class StudyResult:
    """What `evenly.study.summarize` says, to look at: in a notebook the report shows by itself.

    Args:
        record: of a study.

    Example:
        >>> from evenly.study import Design, load_digits, run_all, summarize
        >>> table, design = load_digits(), Design(variants=("l2",), seeds=2, epochs=1, hidden=(8,))
        >>> outcome = run_all(table, design)
        >>> record = summarize(table, design, outcome, command="", started="")
        >>> result = StudyResult(record)
        >>> result.frame()[["variant", "seed"]].value_counts().size
        8
    """

    record: StudyRecord

    def frame(self) -> DataFrame:
        """A row a run, the references' too: what `results.csv` holds, see `results_csv`."""
        import pandas as pd

        names, rows = results_rows(self.record)
        return pd.DataFrame(rows, columns=list(names))

    def history(self) -> DataFrame:
        """A row an epoch of a run: what `history.jsonl` holds."""
        import pandas as pd

        return pd.DataFrame(history_rows(self.record))

    def plot(self) -> list[Figure]:
        """Matplotlib figures: the paired differences from plain with their intervals, if there are
        any, then test score and loss by epoch. Notebooks show them by themselves."""
        return figures(self.record)

    def __str__(self) -> str:
        record = self.record
        lines = [record.sentence]
        for line in (*record.references, *record.variants):
            score = "none" if line.test is None else record.scale.interval(line.test)
            difference = "" if line.difference is None else record.scale.difference(line.difference)
            lines.append(f"  {line.name:<18}  {score:>14}  {difference:>24}  {line.verdict}")
        return "\n".join([*lines, *([record.advice] if record.advice else [])])

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": self._repr_html_()}

    def _repr_html_(self) -> str:
        # In a frame of its own: the page's style is not the notebook's.
        page = html.escape(render(self.record))
        title = html.escape(f"{self.record.data.name}: a study by evenly")
        return (
            f'<iframe title="{title}" srcdoc="{page}" '
            f'style="width: 100%; height: {HEIGHT}px; border: 0"></iframe>'
        )
