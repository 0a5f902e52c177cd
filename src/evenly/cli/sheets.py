"""Many sheets of an exercise: for a class, no two with the same answers."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .writing import cannot, write_bytes

if TYPE_CHECKING:
    from evenly.exercises import Exercise

    from .looks import Look

KEYS = "keys"
# So many seeds in a row that bring nothing new, and as many more for each sheet that was found,
# mean that there are no others.
_IN_VAIN, _EACH = 200, 5


def different(make: Callable[[int], Exercise], seed: int, sheets: int) -> list[Exercise]:
    """So many exercises of which no two have the same answers: of the first seeds from `seed` on.

    Raises:
        UsageError: there are fewer.
    """
    found: dict[str, Exercise] = {}
    number, vain = seed, 0
    while len(found) < sheets:
        made = make(number)
        answers = json.dumps(made.answers())
        vain = 0 if answers not in found else vain + 1
        found.setdefault(answers, made)
        number += 1
        if vain > _IN_VAIN + _EACH * len(found):
            few = len(found)
            raise click.UsageError(
                f"--sheets {sheets}: there {'is' if few == 1 else 'are'} only {few} with different "
                f"answers (seeds {seed} to {number - 1} were tried): ask for {few}"
                f"{' or fewer' * (few > 1)}, or for another --level or --size")
    return list(found.values())


def write_sheets(make: Callable[[int], Exercise], seed: int, sheets: int, look: Look,
                 folder: Path, force: bool) -> int:
    """Sheets and keys in a folder: all of them or none."""
    if folder.exists():
        if not folder.is_dir():
            raise click.UsageError(f"{folder}: is a file, expects a folder: name another")
        if any(folder.iterdir()) and not force:
            raise click.UsageError(f"{folder}: is not empty: say --force to replace the sheets in "
                                   "it, or name another folder")
    try:
        # Beside the folder: then it takes the folder's name in one step.
        temporary = Path(tempfile.mkdtemp(prefix=".evenly-", dir=folder.absolute().parent))
    except OSError as error:
        raise cannot(folder, error) from error
    try:
        made = different(make, seed, sheets)
        (temporary / KEYS).mkdir()
        names = []
        for name, data in _files(made, look):
            write_bytes(temporary / name, data)
            names.append(name)
        os.chmod(temporary, 0o777 & ~_umask())
        try:
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
            if not folder.exists():
                temporary.rename(folder)
            else:
                (folder / KEYS).mkdir(exist_ok=True)
                for name in names:
                    os.replace(temporary / name, folder / name)
        except OSError as error:
            raise cannot(folder, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    click.echo(f"{folder}: {sheets} {'sheets' if sheets > 1 else 'sheet'} and "
               f"{'their keys' if sheets > 1 else 'its key'}, {_seeds(made)}")
    return 0


def _files(made: list[Exercise], look: Look) -> Iterator[tuple[Path, bytes]]:
    """Each file's name and what it holds; as PDFs all sheets in one, and all keys, too."""
    digits = len(str(made[-1].seed))
    topic = made[0].topic.name
    for answers, folder, mark in ((False, Path(), ""), (True, Path(KEYS), "-key")):
        for own in made:
            name = f"{topic}-{own.seed:0{digits}d}{mark}{look.ending}"
            yield folder / name, look.rendered(own, answers)
        if look.format == "pdf":
            yield (folder / f"{topic}-all{mark}{look.ending}",
                   look.render([look.document(own, answers) for own in made]))


def _seeds(made: list[Exercise]) -> str:
    """Their seeds, and those between that were passed over."""
    first, last = made[0].seed, made[-1].seed
    left = sorted(set(range(first, last + 1)) - {own.seed for own in made})
    text = f"seeds {first} to {last}"
    if not left:
        return text
    return f"{text} without {', '.join(map(str, left))} (whose answers repeat)"


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
