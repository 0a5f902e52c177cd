"""The progress bar in a notebook: one output of the cell, which is replaced as the training goes
on, at most twice a second."""

from __future__ import annotations

import sys
import time
from typing import Any

from ..showing import plain
from .history import EpochRecord

# Seconds between two pictures: each is a message to the page.
_EVERY = 0.5


def in_notebook() -> bool:
    """Whether a kernel of Jupyter runs this: who asks it has imported IPython."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


def in_numbers(record: EpochRecord, score_name: str) -> str:
    """Loss and score of an epoch."""
    text = f"loss {record.loss:.4f}  {score_name} {record.score:.4f}"
    if record.validation_loss is not None:
        text += f"  validation {record.validation_loss:.4f} {record.validation_score:.4f}"
    return text


class NotebookBar:
    """A bar in a cell: epoch, loss, score, time left.

    Arguments:
        epochs, steps: how many there are, and steps an epoch where that is known.
        score_name: what the score is.
    """

    def __init__(self, epochs: int, steps: int | None, score_name: str) -> None:
        from IPython import display

        self._score_name = score_name
        self._epochs, self._done, self._told = epochs, 0, f"epoch 0/{epochs}"
        self._total = None if steps is None else max(1, epochs * steps)
        self._begun = self._shown = time.monotonic()
        show: Any = display.display
        self._handle: Any = show(self._bundle(False), raw=True, display_id=True)

    def step(self, steps: int) -> None:
        self._done += steps
        if time.monotonic() - self._shown > _EVERY:
            self._show(False)

    def epoch(self, record: EpochRecord) -> None:
        text = in_numbers(record, self._score_name)
        self._told = f"epoch {record.epoch}/{self._epochs}  {text}"
        if self._total is None:  # the first epoch tells how long the others are
            self._total = max(1, self._epochs * record.steps)

    def close(self) -> None:
        self._show(True)

    def _show(self, ended: bool) -> None:
        self._shown = time.monotonic()
        if self._handle is not None:
            self._handle.update(self._bundle(ended), raw=True)

    def _bundle(self, ended: bool) -> dict[str, str]:
        share = 0.0 if self._total is None else min(1.0, self._done / self._total)
        spent = time.monotonic() - self._begun
        left = f"took {_clock(spent)}" if ended else \
            f"{_clock(spent / share - spent)} left" if share else ""
        text = f"{self._told}  {left}".rstrip()
        bar = (
            '<div style="display: inline-block; vertical-align: middle; width: 200px; height: 8px; '
            'margin-right: 10px; border-radius: 4px; background: rgba(128, 128, 128, 0.3)">'
            f'<div style="width: {100 * share:.0f}%; height: 8px; border-radius: 4px; '
            'background: #4477aa"></div></div>'
        )
        return {"text/plain": text, "text/html":
                f'<div style="font-size: 13px; color: inherit">{bar}{plain(text)}</div>'}


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
