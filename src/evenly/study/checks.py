"""Whether a study of a table can work at all, asked before any work is done."""

from __future__ import annotations

import evenly as ev

from ..reading import memory
from .data import Table, input_shape
from .designs import Design, Variant, build
from .errors import StudyError
from .measures import BY_NAME, MEASURES
from .parts import part_sizes

WEIGHT_COPIES = 4  # the weight, its gradient and two averages of the optimizer


def check_fits(table: Table, design: Design, jobs: int) -> None:
    """Check that a study of this table fits: its parts, and what the checks of memory allow.

    Raises:
        StudyError: the examples do not fit the network, a part would miss a class, a batch is
            larger than the training part, or all of it takes more memory than there is.
    """
    shape = input_shape(table, design)
    check_measure(table, design)
    if design.split == "time" and table.groups is not None:
        raise StudyError(
            f"{table.name}: --groups goes with --split random: rows in the order of time part "
            "groups: leave one of them out"
        )
    train_rows, test_rows = part_sizes(table, design)
    rows = len(table.target)
    if len(table.classes) > min(test_rows, train_rows):
        raise StudyError(
            f"{table.name}: {len(table.classes)} classes do not fit into a test part of "
            f"{test_rows} rows: add rows, or say --task regression"
        )
    if design.batch > train_rows:
        raise StudyError(
            f"batch: expects at most the {train_rows} rows of the training part, "
            f"got {design.batch}: take a smaller batch"
        )
    # float32 inputs; jobs seeds are in use at once, and one more is being made in float64.
    inputs = rows * table.width * (4 * jobs + 8)
    if len(shape) == 1:
        weights = design.weight_count(shape, table.outputs) * WEIGHT_COPIES * 4 * jobs
        memory.require(
            inputs + weights,
            f"{table.name}: {rows} rows with {table.width} columns (text as one-hot columns)",
            memory.SMALLER + ", or a smaller --hidden or --jobs",
            StudyError,
        )
    else:
        # What a batch leaves behind in each layer is more than the weights here.
        memory.require(
            inputs + max(_network_bytes(table, design, row, shape) for row in design.rows) * jobs,
            f"{table.name}: {rows} examples of shape {shape}, {design.batch} a batch",
            memory.SMALLER + ", or a smaller --batch, --hidden or --jobs",
            StudyError,
        )


def check_measure(table: Table, design: Design) -> None:
    """Raises StudyError where the measure that decides is not one of the table's task."""
    if design.measure is not None and BY_NAME[design.measure].task != table.task:
        known = ", ".join(row.name for row in MEASURES if row.task == table.task)
        kind = "classes" if table.classes else "numbers"
        raise StudyError(
            f"{table.name}: target '{table.target_name}': --measure {design.measure} is not for "
            f"{kind}: choose from {known}"
        )


def _network_bytes(table: Table, design: Design, row: Variant, shape: tuple[int, ...]) -> int:
    """The memory that one run takes beside its data: weights, and what a batch leaves behind."""
    program = ev.compile(
        build(row, design, shape, table.outputs),
        shape,
        design.batch,
        ev.SoftmaxCrossEntropy() if table.classes else ev.MeanSquaredError(),
        design.make_optimizer(),
    )
    return program.state_bytes + program.work_bytes
