"""Documents that the tests of the renderers share."""

from dataclasses import replace

import numpy as np

import evenly as ev
from evenly.byhand.document import Document, Paragraph, StepBlock, document_of
from evenly.byhand.views import Shown
from evenly.byhand.work import work_out

HOSTILE = "<script>alert(1)</script>"
KERNEL = [[1, 0], [1, 2]]


def training_step(title="A training step", **shown):
    """The work of a training step of a small network with batch normalization."""
    work = work_out(
        ev.Sequential([ev.Dense(2), ev.ReLU(), ev.BatchNorm(), ev.Dense(2)]),
        [[1, 2], [3, 4], [5, 0], [1, 1]], [[0, 1], [1, 1], [0, 1], [0, 0]],
        loss=ev.MeanSquaredError(), optimizer=ev.SGD(0.1),
        weights={"dense_1.kernel": KERNEL, "dense_2.kernel": KERNEL},
    )
    return document_of(Shown(work, **shown), title)


def roots():
    """Numbers with roots in them."""
    work = work_out(ev.BatchNorm(epsilon=0.5), [[1, 2], [2, 4], [4, 9]])
    return document_of(Shown(work), "Roots")


def hostile():
    """Markup in every place where a reader's own text stands."""
    work = work_out(ev.Sequential([ev.Dense(1, name=HOSTILE)]), [[1, 2]],
                    weights={f"{HOSTILE}.kernel": [[3], [4]]})
    document = document_of(Shown(work), f"Title {HOSTILE} #panic(1) $x$ \"quoted\" \\")
    hints = (replace(b, hint=f"hint {HOSTILE} #panic(2)", key=f"key {HOSTILE}")
             if isinstance(b, StepBlock) else b for b in document.blocks)
    return replace(document, blocks=(*hints, Paragraph(f"`{HOSTILE}` and {HOSTILE} #panic(3)")))


def large(rows, features, units):
    """A layer on more numbers than a page is wide or high."""
    work = work_out(ev.Dense(units), np.arange(rows * features).reshape(rows, features) % 7 + 0.123)
    return document_of(Shown(work, most_rows=rows, most_columns=features), "Large")


def worksheet(document, *titles, hint=""):
    """The document with some steps left to fill in."""
    found = {b.title for b in document.blocks if isinstance(b, StepBlock)}
    assert set(titles) <= found, sorted(found)
    return Document(document.title, tuple(
        replace(b, blank=True, hint=hint, key=b.title)
        if isinstance(b, StepBlock) and b.title in titles else b for b in document.blocks
    ), document.digits)
