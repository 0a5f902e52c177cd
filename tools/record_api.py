"""Records the public names with their signatures, and the commands with their options.

    python tools/record_api.py             write tests/public_api.txt
    python tools/record_api.py --check     say what differs from it; status 1 if anything does
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RECORD = ROOT / "tests" / "public_api.txt"


def signature(value: Any) -> str:
    """Names and defaults of the arguments; what types they have is said elsewhere."""
    try:
        found = inspect.signature(value)
    except ValueError:  # one of C's
        return "(...)"
    plain = [one.replace(annotation=one.empty, default=one.empty if one.default is one.empty
                         else Default(one.default)) for one in found.parameters.values()]
    return str(inspect.Signature(plain))


class Default:
    """A default as it is written down: without an address, which is another each time."""

    def __init__(self, value: Any) -> None:
        self.text = getattr(value, "__name__", None) or repr(value)
        if " at 0x" in self.text or "<factory>" in self.text:
            self.text = "..."

    def __repr__(self) -> str:
        return self.text


def members(kind: type, public: set[Any]) -> Iterator[str]:
    """The public methods and properties of a class, less its fields, which its signature has, and
    less what it takes over unchanged from a base that is public itself."""
    above = {line for base in kind.__mro__[1:] if base in public for line in own_members(base)}
    fields = set(getattr(kind, "__dataclass_fields__", ()))
    for line in own_members(kind):
        if line not in above and line.split("(")[0].strip(" .") not in fields:
            yield line


def own_members(kind: type) -> Iterator[str]:
    own = {name: value for base in reversed(kind.__mro__) if base.__module__.startswith("evenly")
           for name, value in vars(base).items() if not name.startswith("_")}
    for name, value in sorted(own.items()):
        function = getattr(value, "__func__", value)
        shown = signature(function) if callable(function) else ""
        yield f"    .{name}{shown}"


def public_names() -> Iterator[str]:
    """A line for each public name, and under a class one for each member."""
    import evenly

    homes = dict(evenly._NAMES)
    homes["errors"] = tuple(name for name, value in vars(evenly.errors).items()
                            if getattr(value, "__module__", "") == "evenly.errors"
                            and not name.startswith("_"))
    found = {("errors." if home == "errors" else "") + name:
             getattr(importlib.import_module(f"evenly.{home}"), name)
             for home, names in homes.items() for name in names}
    kinds = {value for value in found.values() if inspect.isclass(value)}
    for name, value in sorted(found.items()):
        yield f"{name}{signature(value)}"
        if inspect.isclass(value):
            yield from members(value, kinds)


def commands() -> Iterator[str]:
    """A line for each command, and under it one for each option."""
    import click

    from evenly.cli import evenly

    context = click.Context(evenly)
    for name in evenly.list_commands(context):
        command = evenly.get_command(context, name)
        assert command is not None
        yield f"evenly {name}"
        for parameter in sorted(command.params, key=lambda one: one.opts[0]):
            yield f"    {' '.join([*parameter.opts, *parameter.secondary_opts])}"


def recorded() -> str:
    """All of it, as the file has it."""
    return "\n".join([*public_names(), *commands()]) + "\n"


def named(text: str) -> dict[str, str]:
    """Each line, by the name or command above it and its own name."""
    lines, above = {}, ""
    for line in text.splitlines():
        name = line.split("(")[0].strip() if not line.strip().startswith("-") else line.strip()
        if not line.startswith(" "):
            above = name
        lines[name if name == above else f"{above} {name}".replace(" .", ".")] = line.strip()
    return lines


def difference(before: str, now: str) -> str:
    """What went, what came, what changed; and what to do. Empty if nothing did."""
    old, new = named(before), named(now)
    lines = [f"gone:    {old[name]} ({name}): it must warn for two minor versions first: "
             "docs/versions.md" for name in old if name not in new]
    lines += [f"new:     {name}: {new[name]}" for name in new if name not in old]
    lines += [f"changed: {name}: {old[name]} -> {new[name]}"
              for name in new if name in old and old[name] != new[name]]
    if lines:
        lines.append("where that is meant: python tools/record_api.py, and a line in CHANGELOG.md")
    return "\n".join(lines)


if __name__ == "__main__":
    if "--check" in sys.argv:
        if text := difference(RECORD.read_text(), recorded()):
            sys.exit(text)
    else:
        RECORD.write_text(recorded())
        print(f"{RECORD.relative_to(ROOT)}: {len(RECORD.read_text().splitlines())} lines")
