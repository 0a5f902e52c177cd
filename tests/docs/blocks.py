"""Code blocks of a page, and how each is run.

Comments in front of a block, which a reader does not see, say what is done otherwise::

    <!-- not run: REASON -->              none of it runs here
    <!-- not run (PREFIX): REASON -->     nor do its commands that begin so
    <!-- sweep (PREFIX): REASON -->       these run in `make sweep` alone
    <!-- run with (PREFIX): OPTIONS -->   these run with options more, which make them short
    <!-- ends with 2 (PREFIX): REASON --> these have another exit status than 0

A prefix that ends in ``$`` is a whole command.

Python blocks share one namespace, commands and they one folder, and all run in the order of the
page. A block with ``>>>`` is a doctest; in `console` lines with ``$`` are commands, and what they
print stands below them (``...`` for what is left out).
"""

import doctest
import glob
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from click.testing import CliRunner

from evenly.cli import evenly

from .files import make

# `text` is what a program prints or a file holds.
RUN = {"python", "sh", "console"}
SHOWN = {"text", "math", "cpp", "json", "toml", "yaml", "html", "bibtex"}
FENCE = re.compile(r"^ *(`{3,}|~{3,})(.*)$")
MARK = re.compile(r"^ *<!-- (not run|sweep|run with|ends with \d+)"
                  r"( \((?P<prefix>[^)]*)\))?: (?P<why>.+) -->$")
# What a page may need that is no part of Evenly: where it is missing the page is skipped.
OPTIONAL = {"torch", "keras", "onnx", "onnxruntime", "skl2onnx", "jax", "typst", "starlette",
            "skops", "dask", "distributed", "ray", "mpi4py", "psycopg", "fsspec", "mlflow",
            "tensorboard"}
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


@dataclass(frozen=True)
class Mark:
    kind: str
    prefix: str
    why: str

    def meets(self, command: str) -> bool:
        if self.prefix.endswith("$"):
            return command == self.prefix[:-1]
        return command.startswith(self.prefix)


@dataclass(frozen=True)
class Block:
    line: int
    language: str
    body: str
    marks: tuple[Mark, ...] = ()

    def commands(self) -> list[str]:
        """The lines of shell, those that go on in the next joined, comments left out."""
        lines = self.body.replace("\\\n", " ").splitlines()
        if self.language == "console":
            lines = [line[2:] for line in lines if line.startswith("$ ")]
        parts = (re.sub(r"(^|\s)#.*$", "", line).strip() for line in lines)
        return [re.sub(r"\s+", " ", part) for part in parts if part]

    def printed(self) -> list[str]:
        """What each command of a `console` block is said to print."""
        return re.split(r"^\$ .*\n", self.body.replace("\\\n", " "), flags=re.M)[1:]

    def mark(self, command: str, kind: str) -> Mark | None:
        return next((m for m in self.marks if m.kind.startswith(kind) and m.meets(command)), None)


def blocks(text: str) -> list[Block]:
    """All of a page, in order."""
    found, marks, fence = [], [], None
    for number, line in enumerate(text.splitlines(), 1):
        opened = FENCE.match(line)
        if fence is None and opened:
            fence, start, language, body = opened[1], number, opened[2].strip(), []
        elif fence is not None and opened and opened[1].startswith(fence) and not opened[2].strip():
            found.append(Block(start, language, "\n".join(body) + "\n", tuple(marks)))
            fence, marks = None, []
        elif fence is not None:
            body.append(line)
        elif mark := MARK.match(line):
            marks.append(Mark(mark[1], mark["prefix"] or "", mark["why"]))
        elif line.strip():
            marks = []
    assert fence is None, f"line {start}: the block has no end"
    return found


@dataclass
class Page:
    """Runs the blocks of a page in the current folder, which is empty before."""

    path: Path
    whole: bool = False
    namespace: dict[str, object] = field(default_factory=lambda: {"__name__": "__main__"})

    def run(self) -> None:
        for block in blocks(self.path.read_text()):
            if block.language == "python" and not block.mark("", "not run"):
                self.python(block)
            if block.language == "sh":
                for command in block.commands():
                    self.command(block, command)
            if block.language == "console":
                for command, wanted in zip(block.commands(), block.printed(), strict=True):
                    said = self.command(block, command)
                    same = doctest.OutputChecker().check_output(wanted, said or wanted, FLAGS)
                    assert same, f"{self.path}:{block.line}: {command}\n{said}"

    def python(self, block: Block) -> None:
        where = f"{self.path}:{block.line}"
        if ">>> " in block.body:
            test = doctest.DocTestParser().get_doctest(
                block.body, self.namespace, where, str(self.path), block.line)
            said: list[str] = []
            failed = doctest.DocTestRunner(optionflags=FLAGS).run(
                test, out=said.append, clear_globs=False).failed
            self.namespace |= test.globs
            assert not failed, "".join(said)
        else:
            code = "\n" * block.line + block.body
            exec(compile(code, str(self.path), "exec"), self.namespace)

    def command(self, block: Block, command: str) -> str:
        if block.mark(command, "not run") or (block.mark(command, "sweep") and not self.whole):
            return ""
        more = block.mark(command, "run with")
        expected = block.mark(command, "ends with")
        words, place = words_of(command)
        make([*words, *(more.why.split() if more else ())])
        words = [path for word in words for path in sorted(glob.glob(word)) or [word]]
        words += more.why.split() if more else []
        status, said = run(words)
        if place:
            Path(place).write_text(said)
        wanted = int(expected.kind.split()[-1]) if expected else 0
        assert status == wanted, f"{self.path}:{block.line}: {command}: {said[-2000:]}"
        return said


def words_of(command: str) -> tuple[list[str], str | None]:
    """The words of a command, and the file that its output goes to."""
    assert not set("|;&$`") & set(command), f"{command}: mark it, or write it without a pipe"
    before, _, after = command.partition(" > ")
    return shlex.split(before), after.strip() or None


def run(words: list[str]) -> tuple[int, str]:
    """Exit status and output of a command of Evenly's, or of a script."""
    if words[0] == "python":
        done = subprocess.run([sys.executable, "-W", "error", *words[1:]], text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.returncode, done.stdout
    assert words[0] == "evenly", f"{words[0]} is not run here: mark the block, or write `text`"
    assert "serve" not in words, "a server does not end: mark it"
    result = CliRunner().invoke(evenly, words[1:])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output
