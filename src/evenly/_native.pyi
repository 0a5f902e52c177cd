"""The native core of Evenly: runs programs. Use evenly.Engine."""

from collections.abc import Mapping, Sequence
from typing import Annotated, overload

import numpy
from numpy.typing import NDArray


def available_isas() -> list[str]:
    """
    Instruction sets of this build that this processor runs, plainest first.
    """

def processors() -> int:
    """Processors that this process may use."""

def leave() -> list[int]:
    """
    Ends the native calls of all threads but this one with SystemExit, those to come too.
    Returns the numbers of the threads that made one in the last moments.
    """

def are_classes(numbers: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], classes: int) -> bool:
    """Whether all numbers are those of classes: 0, 1, ..., classes - 1."""

@overload
def matrix_product(a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)], b: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)], c: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu')], transpose_a: bool = False, transpose_b: bool = False, add: bool = False, isa: str = '', by: int = 0, times: int = 1) -> None: ...

@overload
def matrix_product(a: Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)], b: Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)], c: Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu')], transpose_a: bool = False, transpose_b: bool = False, add: bool = False, isa: str = '', by: int = 0, times: int = 1) -> None:
    """
    c = op(a) op(b), or c += op(a) op(b), as the kernels multiply on one thread: by whom the
    shape belongs to (0), the kernels' own product (1) or OpenBLAS (2); so many times.
    """

class Executor:
    """Runs the instruction lists of a program on two arenas of bytes."""

    def __init__(self, lists: Mapping[str, Sequence[tuple[str, Mapping[str, tuple[int, int, int]], Mapping[str, float]]]], is_double: bool, isa: str, state: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu')], work: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu')], scalars: tuple[int, int, int], gathered_input: tuple[int, int, int] | None, gathered_target: tuple[int, int, int] | None, gathered_weights: tuple[int, int, int] | None, gathered_lengths: tuple[int, int, int] | None, classes: int, ignored: int | None) -> None: ...

    def run(self, list: str, begin: int, end: int, input: Annotated[NDArray, dict(order='C', device='cpu', writable=False)] | None, target: Annotated[NDArray, dict(order='C', device='cpu', writable=False)] | None, output_gradient: Annotated[NDArray, dict(order='C', device='cpu', writable=False)] | None, weights: Annotated[NDArray, dict(order='C', device='cpu', writable=False)] | None, lengths: Annotated[NDArray, dict(order='C', device='cpu', writable=False)] | None, rows: int, seed: int, step: int, numbers: Annotated[NDArray[numpy.float64], dict(shape=(None, None), order='C', device='cpu', writable=False)], threads: int) -> None:
        """Runs instructions [begin, end) of a list on one batch."""

    def phases(self, list: str, number: int, input: Annotated[NDArray, dict(order='C', device='cpu', writable=False)] | None, target: Annotated[NDArray, dict(order='C', device='cpu', writable=False)] | None, output_gradient: Annotated[NDArray, dict(order='C', device='cpu', writable=False)] | None, weights: Annotated[NDArray, dict(order='C', device='cpu', writable=False)] | None, lengths: Annotated[NDArray, dict(order='C', device='cpu', writable=False)] | None, rows: int, seed: int, step: int, numbers: Annotated[NDArray[numpy.float64], dict(shape=(None, None), order='C', device='cpu', writable=False)]) -> list[tuple[int, float]]:
        """
        Runs one instruction on one thread. Returns (tasks, seconds) of each of its phases,
        which end where a team would meet: how many things the team would share, and how long
        all of them took.
        """

    def train(self, input: Annotated[NDArray, dict(order='C', device='cpu', writable=False)], target: Annotated[NDArray, dict(order='C', device='cpu', writable=False)], weights: Annotated[NDArray, dict(order='C', device='cpu', writable=False)] | None, lengths: Annotated[NDArray, dict(order='C', device='cpu', writable=False)] | None, order: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)] | None, rows: int, batch_rows: int, first_batch: int, last_batch: int, seed: int, first_step: int, numbers: Annotated[NDArray[numpy.float64], dict(shape=(None, None), order='C', device='cpu', writable=False)], records: Annotated[NDArray[numpy.float64], dict(shape=(None, None), order='C', device='cpu')], seconds: float, threads: int) -> tuple[int, bool, bool]:
        """
        Runs training steps until the last batch, the time, or a step that is not finite.
        Returns the number of finished steps, whether the next one failed, and whether the last
        one's update has made a parameter that is not finite.
        """

    def step(self, input: Annotated[NDArray, dict(order='C', device='cpu', writable=False)], target: Annotated[NDArray, dict(order='C', device='cpu', writable=False)], weights: Annotated[NDArray, dict(order='C', device='cpu', writable=False)] | None, lengths: Annotated[NDArray, dict(order='C', device='cpu', writable=False)] | None, seed: int, step: int, numbers: Annotated[NDArray[numpy.float64], dict(shape=(None, None), order='C', device='cpu', writable=False)], threads: int) -> tuple[list[float], bool, bool]:
        """
        Runs one step. Returns its record (loss, score, penalty, gradient norm, weight, scored examples), whether it failed, and whether its update overflowed.
        """

    def predict(self, input: Annotated[NDArray, dict(order='C', device='cpu', writable=False)], lengths: Annotated[NDArray, dict(order='C', device='cpu', writable=False)] | None, batch_rows: int, scores: tuple[int, int, int], output: Annotated[NDArray, dict(order='C', device='cpu')], threads: int) -> None:
        """Writes the scores of every input row into output."""

    def evaluate(self, input: Annotated[NDArray, dict(order='C', device='cpu', writable=False)], target: Annotated[NDArray, dict(order='C', device='cpu', writable=False)], weights: Annotated[NDArray, dict(order='C', device='cpu', writable=False)] | None, lengths: Annotated[NDArray, dict(order='C', device='cpu', writable=False)] | None, batch_rows: int, threads: int) -> tuple[float, float, float]:
        """
        Returns the mean loss, the sum of scores, and how many examples count in it.
        """
