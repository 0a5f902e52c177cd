"""A study that was run: its record, as text, table, figures and page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .records import ClaimRecord, Verdict
from .study import Study

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame


@dataclass(frozen=True)
class Result:
    """A study and what came of it.

    Attributes:
        study: the declaration.
        record: verdict, sentence, parts and all trainings, as plain values.
    """

    study: Study
    record: ClaimRecord

    @property
    def verdict(self) -> Verdict:
        """``"holds"``, ``"fails"`` or ``"cannot tell"``."""
        return self.record.verdict

    def frame(self) -> DataFrame:
        """A row a training: its levels, its block, its measures (lists as they are)."""
        import pandas as pd

        return pd.DataFrame([{**run.levels, "block": run.block, **run.values}
                             for run in self.record.runs])

    def plot(self) -> list[Figure]:
        """The study's pictures as Matplotlib figures, which notebooks show by themselves."""
        from .drawn import figures

        return figures(self.study, self.record)

    def __str__(self) -> str:
        record = self.record
        lines = [f"{record.verdict.upper()}: {record.claim}", record.sentence]
        lines += [f"  {part.verdict:<11}  {part.words}: {part.effect}, expected {part.expects}"
                  for part in record.parts]
        return "\n".join(lines)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": self._repr_html_()}

    def _repr_html_(self) -> str:
        from .page import in_notebook

        return in_notebook(self.study, self.record)
