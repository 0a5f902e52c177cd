"""Checkpoints: a training that was killed goes on where it stood."""

from __future__ import annotations

import numbers
import os
import re
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..averaging import Snapshots
from ..engine import Engine
from ..errors import CheckpointError, ConfigurationError, FileFormatError, expect
from ..files import write_arrays
from ..layers.base import Declared
from .folder_lock import FolderLock
from .positions import Contents, Position, as_contents, as_position, read, settings_in
from .run_settings import differences

_MINUTES = 10.0
_NAME = re.compile(r"checkpoint-(\d{10,15})\.evenly")
# Written under this name first. Whoever has the folder's lock is the only one who uses it.
_TEMPORARY = ".evenly-checkpoint.tmp"


@dataclass(frozen=True)
class Checkpoint(Declared):
    r"""Where and how often :func:`evenly.fit` writes down all that a training is, so that one that
    was killed at any moment goes on from there, and ends with the same weights to the bit.

    Each checkpoint is a file of its own, ``checkpoint-0000001234.evenly`` after 1234 steps. It
    takes its name when it is whole and on the disk; older ones than the last `keep` are removed
    after that. One more is written at the end, and when Ctrl-C ends the training.

    A folder belongs to one training: while one runs, the file ``checkpoint.lock`` in it is locked,
    and another that wants the folder is refused. So whatever ``.evenly-checkpoint.tmp`` a training
    finds there is of one that was killed while it wrote, and is removed. No other file is touched.
    Where the file system has no locks, a warning says so.

    Arguments:
        folder: made if it is not there.
        steps: one checkpoint every so many steps, >= 1.
        minutes: or one every so many minutes, > 0; 10 where neither is given.
        keep: how many files stay, >= 1.

    Raises:
        ConfigurationError: a setting outside these bounds, or both `steps` and `minutes`.

    Example:
        >>> import tempfile
        >>> import evenly as ev
        >>> x = np.random.default_rng(0).standard_normal((64, 2))
        >>> y = (x[:, 0] > x[:, 1]).astype(int)
        >>> net = ev.Sequential([ev.Dense(8), ev.ReLU(), ev.Dense(2)])
        >>> settings = {"loss": ev.SoftmaxCrossEntropy(), "batch": 16}
        >>> whole = ev.fit(net, x, y, epochs=4, **settings)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     rule = Checkpoint(folder, steps=3)
        ...     begun = ev.fit(net, x, y, epochs=2, checkpoint=rule, **settings)
        ...     print(*sorted(os.listdir(folder)), sep="\n")
        ...     model = ev.fit(net, x, y, epochs=4, checkpoint=rule, resume=True, **settings)
        checkpoint-0000000003.evenly
        checkpoint-0000000006.evenly
        checkpoint-0000000008.evenly
        checkpoint.lock
        >>> bool((model.weights["dense_1.kernel"] == whole.weights["dense_1.kernel"]).all())
        True
    """

    folder: str | os.PathLike[str]
    steps: int | None = None
    minutes: float | None = None
    keep: int = 3

    def __post_init__(self) -> None:
        folder = os.fspath(self.folder) if isinstance(self.folder, (str, os.PathLike)) else None
        named = isinstance(folder, str) and folder != ""
        expect(named, self, "folder must be a path", self.folder)
        for name, kind, words in (("steps", numbers.Integral, "a whole number >= 1, or None"),
                                  ("minutes", numbers.Real, "a number > 0, or None")):
            value = getattr(self, name)
            right = isinstance(value, kind) and not isinstance(value, bool)
            good = right and (value >= 1 if name == "steps" else 0 < value < float("inf"))
            expect(value is None or good, self, f"{name} must be {words}", value)
        expect(self.steps is None or self.minutes is None, self, "give steps or minutes, not both",
               (self.steps, self.minutes))
        expect(self.keep >= 1, self, "keep must be at least 1", self.keep)


class Keeper:
    """Writes and reads the checkpoints of one training. To be used in a ``with`` block.

    Arguments:
        rule: where and how often.
        resume: whether the training goes on with what the folder holds.
        engine: that trains.
        settings: of the training, from ``run_settings.py``.
        cycles: whose ends leave snapshots.

    Attributes:
        timed: whether minutes decide when a checkpoint is due, not steps.

    Raises:
        ConfigurationError: on entering, for a folder that another training uses, or that holds
            checkpoints although `resume` is False.
    """

    def __init__(
        self, rule: Checkpoint, resume: bool, engine: Engine, settings: Mapping[str, str],
        cycles: Snapshots | None = None,
    ) -> None:
        self._rule, self._resume = rule, resume
        self.engine, self._settings, self._cycles = engine, settings, cycles
        self.timed = rule.steps is None
        self._folder = Path(rule.folder).absolute()
        self._lock = FolderLock(str(self._folder))
        self._written = time.monotonic()

    def __enter__(self) -> Keeper:
        if self._folder.exists() and not self._folder.is_dir():
            raise ConfigurationError(f"fit: checkpoint: {self._folder} is a file, not a folder")
        self._folder.mkdir(parents=True, exist_ok=True)
        self._lock.__enter__()
        try:
            (self._folder / _TEMPORARY).unlink(missing_ok=True)
            held = self._files()
            if held and not self._resume:
                raise ConfigurationError(
                    f"fit: {self._folder} holds checkpoints, the newest is {held[-1].name}: give "
                    "resume=True to go on from it, or another folder"
                )
        except BaseException:
            self._lock.__exit__(None, None, None)
            raise
        steps = self._rule.steps
        self.engine.pause_every = None if steps is None else int(steps)
        return self

    def __exit__(self, *error: object) -> None:
        self.engine.pause_every = None
        self._lock.__exit__(*error)

    def _files(self) -> list[Path]:
        """The checkpoints in the folder, oldest first."""
        found = (path for path in self._folder.iterdir() if _NAME.fullmatch(path.name))
        return sorted((path for path in found if path.is_file()), key=_step)

    def restore(self, steps: int | None) -> Position | None:
        """Puts the newest whole checkpoint's arrays and step number into the engine. What is newer
        and damaged is set aside, with a warning.

        Arguments:
            steps: of an epoch; None where it is not known.

        Returns:
            Where the training stood; None where there is no checkpoint.

        Raises:
            ConfigurationError: a checkpoint of a training with other settings or data.
            FileFormatError: no checkpoint is whole.
        """
        damaged: list[FileFormatError] = []
        for path in reversed(self._files()):
            try:
                contents = self._read(path, steps)
            except FileFormatError as error:
                damaged.append(error)
                continue
            for reason in damaged:
                self._set_aside(reason, path)
            for name, array in contents.arrays.items():
                self.engine.buffer(name)[...] = array
            self.engine.steps = contents.steps
            return contents.position
        if damaged:
            raise FileFormatError(
                self._folder, f"none of its {len(damaged)} checkpoints is whole; the newest: "
                f"{damaged[0]}. Give another folder to begin anew"
            )
        return None

    def _read(self, path: Path, steps: int | None) -> Contents:
        arrays, content = read(path, self.engine, self._cycles)
        other = differences(settings_in(path, content), self._settings)
        if other:
            raise ConfigurationError(
                f"fit: {path} is a checkpoint of another training: {other}. Give what it was begun "
                "with, or another folder"
            )
        contents = as_position(path, self.engine, arrays, content, self._cycles)
        done = len(contents.position.steps)
        if steps is not None and done > steps:
            raise FileFormatError(path, f"has {done} steps of an epoch of {steps} behind it")
        if contents.steps != _step(path):
            raise FileFormatError(path, f"stands at step {contents.steps}, and its name says other")
        return contents

    @staticmethod
    def _set_aside(error: FileFormatError, used: Path) -> None:
        """Renames a damaged file, so that it neither counts nor stands in the way of its steps."""
        path = Path(error.path)
        aside = path.with_name(path.name + ".damaged")
        os.replace(path, aside)
        warnings.warn(
            f"fit: {error}. Training goes on from {used.name}, and the file is now {aside.name}",
            stacklevel=5,
        )

    def due(self) -> bool:
        """Whether the step that was just made is one to write a checkpoint after."""
        if self._rule.steps is not None:
            return self.engine.steps % self._rule.steps == 0
        minutes = _MINUTES if self._rule.minutes is None else self._rule.minutes
        return time.monotonic() - self._written >= 60 * minutes

    def write(self, position: Position) -> None:
        """Writes a checkpoint, and removes those that are too old.

        Raises:
            CheckpointError: the file cannot be written.
        """
        path = self._folder / f"checkpoint-{self.engine.steps:010d}.evenly"
        try:
            write_arrays(path, *as_contents(self.engine, self._settings, position), _TEMPORARY)
            for old in self._files()[: -self._rule.keep]:
                old.unlink(missing_ok=True)
        except OSError as error:
            raise CheckpointError(path, error.strerror or str(error)) from error
        self._written = time.monotonic()


def _step(path: Path) -> int:
    found = _NAME.fullmatch(path.name)
    assert found is not None
    return int(found[1])
