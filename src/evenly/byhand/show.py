"""The arithmetic of a layer, a network or a training step, shown with its numbers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from ..clipping import Clip
from ..constraints import Constraint
from ..errors import ConfigurationError
from ..files import Path, write_bytes
from ..layers.base import Layer
from ..losses import Loss
from ..optimizers import Optimizer
from ..penalties import Penalty
from .document import Document, document_of
from .recorder import Step
from .views import Shown
from .work import Work, work_out


@dataclass(frozen=True)
class ShownWork:
    """A calculation with all its steps, as text, Markdown, LaTeX, HTML or a file. Made by
    :func:`show_work`.

    ``print(work)`` writes it as text; a notebook and ``rich.print`` show it in their own way.

    Attributes:
        shown: which part of the calculation is shown.
        title: of the whole.

    Example:
        >>> from evenly.layers import ReLU
        >>> work = show_work(ReLU(), [[-1, 2]])
        >>> work["relu_1.y"].value
        array([[0, 2]], dtype=object)
    """

    shown: Shown
    title: str

    @property
    def work(self) -> Work:
        """The calculation, all of it."""
        return self.shown.work

    def __getitem__(self, title: str) -> Step:
        """A step by its title, ``"batch_norm_1.variance"``."""
        return self.work[title]

    def phase(self, phase: str) -> tuple[Step, ...]:
        """The steps of one phase: ``"forward"``, ``"backward"``, ..."""
        return self.work.phase(phase)

    @property
    def document(self) -> Document:
        """What the renderers read."""
        return document_of(self.shown, self.title)

    def text(self, width: int = 80) -> str:
        """As plain text.

        Arguments:
            width: columns that a line has at most.

        Raises:
            ConfigurationError: a width below 40.
        """
        _at_least("text", "width", width, 40)
        return str(_renderer("terminal", "render_text")(self.document, width))

    def markdown(self) -> str:
        """As GitHub's Markdown, formulas in LaTeX."""
        return str(_renderer("markdown", "render_markdown")(self.document))

    def latex(self, fragment: bool = False) -> str:
        """As LaTeX.

        Arguments:
            fragment: without what makes an article of it, to be put into another; that must use
                amsmath.
        """
        return str(_renderer("latex", "render_latex")(self.document, fragment))

    def html(self) -> str:
        """As a page of HTML, formulas in MathML."""
        return str(_renderer("html", "render_html")(self.document))

    def save(self, path: Path) -> None:
        """Writes a file: .txt, .md, .tex, .html or .pdf, by the path's ending.

        Raises:
            ConfigurationError: another ending.
            OSError: as writing raises it. An old file is then as it was.
        """
        suffix = os.path.splitext(os.fspath(path))[1].lower()
        writers: dict[str, Callable[[], str]] = {
            ".txt": self.text, ".md": self.markdown, ".tex": self.latex, ".html": self.html,
        }
        if suffix == ".pdf":
            _renderer("pdf", "write_pdf")(path, self.document, paper="A4")
            return
        if suffix not in writers:
            raise ConfigurationError(
                f"save: the path must end in {', '.join(writers)} or .pdf, got "
                f"{os.fspath(path)!r}"
            )
        write_bytes(path, writers[suffix]().encode())

    def __str__(self) -> str:
        return self.text()

    def __rich_console__(self, console: Any, options: Any) -> Iterator[Any]:
        yield from _renderer("terminal", "renderables")(self.document, options.max_width)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/plain": str(self)}

    def _repr_html_(self) -> str:
        return str(_renderer("html", "render_part")(self.document))

    def _repr_markdown_(self) -> str:
        return self.markdown()

    def _repr_latex_(self) -> str:
        return self.latex(fragment=True)


def show_work(
    net: Any,
    x: Any,
    y: Any = None,
    *,
    loss: Loss | None = None,
    optimizer: Optimizer | None = None,
    penalty: Penalty | None = None,
    clip: Clip | None = None,
    constraint: Constraint | None = None,
    weights: Mapping[str, Any] | None = None,
    states: Mapping[str, tuple[Any, ...]] | None = None,
    training: bool = True,
    d_y: Any = None,
    inference: Any = None,
    seed: int = 0,
    step: int = 0,
    kept: Mapping[str, Any] | None = None,
    lengths: Any = None,
    sample_weight: Any = None,
    exact: bool | None = None,
    layers: Sequence[str] | None = None,
    steps: Sequence[str] | None = None,
    phases: Sequence[str] | None = None,
    rows: Sequence[int] | None = None,
    digits: int = 4,
    most_rows: int = 8,
    most_columns: int = 8,
) -> ShownWork:
    """Shows the arithmetic of a layer, a network, a model or a training step: every step with its
    formula, the formula with numbers for one of its numbers, and the result.

    Whole numbers and simple fractions are computed with exactly: 1/3 stays 1/3, sqrt(5)/2 stays a
    root with its decimal beside it. Only what you give is gone through: `x` alone is the forward
    pass; `y` and `loss` (or `d_y`) add the gradients, an `optimizer` the update.

    Arguments:
        net: a layer, a network, or a model, whose weights and loss are then used.
        x: a batch, (rows, features...).
        y: targets; with `loss`, the loss and the gradients follow.
        loss: what to lower; a model's own by default, where `y` is given.
        optimizer: with it the update of the weights follows.
        penalty, clip, constraint: as in :func:`evenly.fit`.
        weights: arrays by name (``dense_1.kernel``; of a single layer ``kernel`` too); those not
            named are a model's, or initialized by the seed.
        states: what the optimizer kept for each array, by name; zeros by default.
        training: False for inference alone.
        d_y: the gradient on the output, in place of a loss.
        inference: another batch, shown in inference after the training step.
        seed, step: of dropout's masks.
        kept: which elements dropout keeps, by layer name, in place of drawn ones.
        lengths, sample_weight: as in :func:`evenly.fit`.
        exact: whether to compute with fractions and roots; by default where all numbers given are
            whole or simple fractions, and few.
        layers: names of the layers to show; all by default.
        steps: names of the steps to show, ``"variance"`` or ``"batch_norm_1.variance"``.
        phases: of "given", "forward", "loss", "backward", "update", "inference".
        rows: numbers of the examples to show, from 0; the first `most_rows` by default.
        digits: behind the point, of decimals.
        most_rows, most_columns: of a table; the rest is left out, and it is said so.

    Returns:
        A :class:`ShownWork`: print it, or save it as text, Markdown, LaTeX, HTML or PDF.

    Raises:
        ShapeError, DataError, ConfigurationError: what does not fit together; a layer, step, phase
            or row that there is not.

    Example:
        >>> from evenly.layers import Dense
        >>> work = show_work(Dense(1), [[1, 2]], weights={"kernel": [[3], [4]], "bias": [5]},
        ...                  phases=["forward"])
        >>> print(work.text(60))
        Dense, step by step
        <BLANKLINE>
        ── Forward ─────────────────────────────────────────────────
        <BLANKLINE>
        dense_1.product = x kernel
          example 1, feature 1: 1 * 3 + 2 * 4 = 11
                     feature 1
          example 1         11
        <BLANKLINE>
        dense_1.y = x kernel + bias
          example 1, feature 1: 11 + 5 = 16
                     feature 1
          example 1         16
        <BLANKLINE>
        3 steps not shown: of dense_1.
        <BLANKLINE>
    """
    for name, value, least in (("digits", digits, 0), ("most_rows", most_rows, 1),
                               ("most_columns", most_columns, 1)):
        _at_least("show_work", name, value, least)
    own, title = net, type(net).__name__
    if not isinstance(net, Layer):
        # A model, which this part of the package does not know: it has a network and its arrays.
        own = getattr(net, "net", None)
        if not isinstance(own, Layer) or not hasattr(net, "weights"):
            raise ConfigurationError(
                f"show_work: expects a layer, a network or a model, got {net!r}"
            )
        weights = {**net.weights, **(weights or {})}
        if loss is None and y is not None:
            loss = net.loss
    work = work_out(own, x, y, loss=loss, optimizer=optimizer, penalty=penalty, clip=clip,
                    constraint=constraint, weights=weights, states=states, training=training,
                    d_y=d_y, inference=inference, seed=seed, step=step, kept=kept,
                    lengths=lengths, sample_weight=sample_weight, exact=exact)
    shown = Shown(work, layers, steps, phases, rows, most_rows, most_columns, digits)
    return ShownWork(shown, f"{title}, step by step")


def _at_least(where: str, what: str, value: Any, least: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ConfigurationError(
            f"{where}: {what} must be a whole number >= {least}, got {value!r}"
        )


def _renderer(module: str, name: str) -> Any:
    """A renderer, loaded when it is asked for: what they draw with takes time to import."""
    return getattr(import_module(f".render.{module}", __package__), name)
