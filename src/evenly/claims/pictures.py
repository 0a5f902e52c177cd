"""Pictures as values: which measure over what, in which lines and panels. They are drawn by
`drawn.py`, in the report and as Matplotlib figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ..study.errors import StudyError


@dataclass(frozen=True)
class Picture:
    """A measure over something, in lines.

    Where the measure is a list, the picture shows it over the list's places (epochs, steps, layers;
    `over` names them); where it is a number, over the levels of the factor `over`. A line is the
    mean over the blocks, with its 95 % interval as a band or a bar.

    Arguments:
        title: what it shows.
        measure: name of a measure.
        over: a factor; or the name of what a list is over, as ``"epoch"``.
        by: the factor whose levels are lines; "" draws one.
        panels: the factor whose levels are panels; "" draws one.
        at: levels of the other factors; those left out are averaged over.
        places: name of a measure (a list) that holds where a list's numbers lie; counted from 1
            where there is none.
        log: axes whose scale is logarithmic.
        unit: of the measure.
        about: how to read it, in a sentence.
    """

    title: str
    measure: str
    over: str
    by: str = ""
    panels: str = ""
    at: Mapping[str, Any] = field(default_factory=dict)
    places: str = ""
    log: Literal["", "x", "y", "xy"] = ""
    unit: str = ""
    about: str = ""

    def __post_init__(self) -> None:
        if self.log not in ("", "x", "y", "xy"):
            raise StudyError(f"picture '{self.title}': log expects '', 'x', 'y' or 'xy', "
                             f"got {self.log!r}")
