"""Loss and score by epoch as a picture."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .writing import write_bytes

if TYPE_CHECKING:
    from evenly.tables import TableModel

TRAINING, HELD_OUT, KEPT = "#1f77b4", "#d62728", "#888888"


def draw(path: Path, model: TableModel) -> None:
    """Writes the curves of a training: a .png or an .svg, as the name says."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    estimator = model.estimator_
    score = "accuracy" if hasattr(model, "classes_") else "R2"
    epochs = np.arange(1, estimator.n_iter_ + 1)
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    parts = (
        ("loss", estimator.loss_curve_, estimator.validation_loss_curve_),
        (score, estimator.score_curve_, estimator.validation_score_curve_),
    )
    for axes, (name, training, held_out) in zip(figure.subplots(1, 2), parts, strict=True):
        axes.plot(epochs, training, color=TRAINING, label="training")
        if held_out is not None:
            axes.plot(epochs, held_out, color=HELD_OUT, label="held out")
        if estimator.best_epoch_ is not None:
            axes.axvline(estimator.best_epoch_, color=KEPT, linestyle=":", label="kept")
        axes.set_xlabel("epoch")
        axes.set_ylabel(name)
        axes.legend(frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
    picture = io.BytesIO()
    figure.savefig(picture, format=path.suffix.lower().removeprefix("."), dpi=150)
    write_bytes(path, picture.getvalue())
