"""Writes the manual pages of the command line: `make man`, or this file with a folder.

A page is made of what the help is made of: the command's text, its examples, its options.
"""

from __future__ import annotations

import inspect
import os
import re
import sys
import time
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parent.parent


def roff(text: str) -> str:
    """Plain text as a formatter of manual pages takes it."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    return re.sub(r"^\.", "\\\\&.", text, flags=re.M)


def paragraphs(text: str) -> list[str]:
    """The paragraphs of a docstring; one behind a line of \b keeps its lines."""
    lines = []
    for part in re.split(r"\n\s*\n", inspect.cleandoc(text)):
        kept = part.startswith("\b\n")
        words = part.removeprefix("\b\n").splitlines() if kept else [" ".join(part.split())]
        lines += [".PP", *([".nf"] if kept else []), *(roff(line) for line in words),
                  *([".fi"] if kept else [])]
    return lines


def page(command: click.Command, name: str, version: str, examples: dict[str, object]) -> str:
    """The page of one command, or of all together."""
    path = "evenly" if name == "evenly" else f"evenly {name}"
    context = click.Context(command, info_name=path, **command.context_settings)
    title = path.replace(" ", "-")
    day = time.strftime("%Y-%m-%d", time.gmtime(float(os.environ.get("SOURCE_DATE_EPOCH",
                                                                     time.time()))))
    text = command.help or ""
    summary = " ".join(re.split(r"\.\s|\n\s*\n", inspect.cleandoc(text), maxsplit=1)[0].split())
    lines = [f'.TH {roff(title.upper())} 1 {day} "evenly {version}" "Evenly"',
             ".SH NAME", f"{roff(title)} \\- {roff(summary.rstrip('.'))}",
             ".SH SYNOPSIS", f".B {roff(path)}",
             roff(" ".join(command.collect_usage_pieces(context))),
             ".SH DESCRIPTION", *paragraphs(text)[1:]]
    lines.append(".SH EXAMPLES")
    for line, does in examples.get(name, ()):  # type: ignore[attr-defined]
        lines += [".TP", f".B {roff(line)}", roff(does)]
    lines.append(".SH OPTIONS")
    for parameter in command.get_params(context):
        if (record := parameter.get_help_record(context)) and record[1]:
            lines += [".TP", f".B {roff(record[0])}", roff(" ".join(record[1].split()))]
    if isinstance(command, click.Group):
        lines.append(".SH COMMANDS")
        for own in command.list_commands(context):
            each = command.get_command(context, own)
            assert each is not None
            lines += [".TP", f".BR evenly\\-{roff(own)} (1)", roff(each.get_short_help_str(200))]
    lines += [".SH EXIT STATUS", "0; 1 where the answer is no; 2 for input that cannot be "
              "used; 130 behind Ctrl\\-C.", ".SH SEE ALSO"]
    lines.append(".BR evenly (1)" if name != "evenly" else "evenly COMMAND \\-\\-help")
    return "\n".join(line for line in lines if line) + "\n"


def pages() -> dict[str, str]:
    """Every page, by the name of its file."""
    from evenly.cli import evenly
    from evenly.cli.examples import EXAMPLES
    from evenly.version import __version__

    context = click.Context(evenly)
    commands = {"evenly": evenly} | {
        name: evenly.get_command(context, name) for name in evenly.list_commands(context)}
    return {
        "evenly.1" if name == "evenly" else f"evenly-{name}.1":
        page(command, name, __version__, EXAMPLES)
        for name, command in commands.items() if command is not None}


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "man"
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in pages().items():
        (folder / file).write_text(text)
    print(f"{len(pages())} pages in {folder}")
