"""Pages that are made while the site builds: one a public name, and the lists of them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any

from evenly.claims.catalog import load
from evenly.claims.catalog import names as studies

from . import face, worked

if TYPE_CHECKING:
    from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
TITLES = {"layers": "Layers", "losses": "Losses", "optimizers": "Optimizers"}
INTROS = {
    "layers": "A page a layer: what it computes, how its backward is derived, an example worked "
              "by the library itself, its definition, its kernel, and what is claimed of it.",
    "losses": "A page a loss, with its gradient worked out on two examples.",
    "optimizers": "A page an update rule, with one step worked out.",
}
# How modules are called in the reference; any other by its own name.
GROUPS = {
    "layers": "Networks", "losses": "What a loss is", "optimizers": "What an optimizer is",
    "byhand": "By hand", "clinic": "Before and after a training", "rows": "Rows to train on",
    "exchange": "Other libraries", "tails": "Scaling: long tails", "claims": "Claims as values",
    "tables": "Tables", "probes": "Watching other libraries", "saving": "Saving and loading",
    "serving": "Predictions for servers",
}


def fenced(language: str, text: str) -> str:
    return f"```{language}\n{text.rstrip()}\n```\n"


def directive(name: face.Name) -> str:
    """What Sphinx is asked for: the docstring, and the members that have one of their own."""
    value, members = name.value, list[str]()
    kind = "class" if inspect.isclass(value) else "function"
    if kind == "class" and issubclass(value, BaseException):
        kind = "exception"
    elif kind == "class" and name.folder == "reference":
        members = sorted(_members(value))
    lines = [f".. auto{kind}:: {name.path}"]
    if members:
        lines.append(f"   :members: {', '.join(members)}")
    return fenced("{eval-rst}", "\n".join(lines))


def _members(value: type) -> Iterator[str]:
    for one in dir(value):
        own = inspect.getattr_static(value, one)
        home = next(base for base in value.__mro__ if one in vars(base))
        if not one.startswith("_") and home.__module__.startswith("evenly."):
            code = own.fget if isinstance(own, property) else getattr(own, "__func__", own)
            if inspect.isfunction(code) and code.__doc__ and code.__module__.startswith("evenly."):
                yield one


def derivation(name: face.Name) -> str:
    """What the page of its family derives of it: its own section, or all where they share one."""
    index = DOCS / "derivations" / "index.md"
    row = index.exists() and re.search(rf"^\| `{name.short}` \| \[(.*)\]\((.*\.md)\) \|$",
                                       index.read_text(encoding="utf-8"), re.M)
    if not row:
        return "There is no derivation of this one; its backward is held against numeric "\
               "differentiation and PyTorch.\n"
    text = (DOCS / "derivations" / row[2]).read_text(encoding="utf-8")
    sections = re.split(r"(?m)^(?=## )", re.split(r"(?m)^# .*\n", text, maxsplit=1)[1])
    own = [part for part in sections if name.short.lower() in _about(part.split("\n")[0])]
    # One level lower, and seen from another folder.
    pieces = re.split(r"(?ms)(^```.*?^```)", "".join(own or sections))
    pieces[::2] = [re.sub(r"\]\((?=[\w-]+\.md)", "](../derivations/",
                          re.sub(r"(?m)^#", "##", piece)) for piece in pieces[::2]]
    return f"From [{row[1]}](../derivations/{row[2]}).\n\n{''.join(pieces)}"


def _about(heading: str) -> list[str]:
    """The names that a heading is about: "ELU and SELU", "Leaky ReLU"."""
    return [re.sub(r"\W", "", part).lower() for part in heading.split(" and ")]


def example(name: face.Name, static: Path) -> str:
    """The worked example as text, and the page that unfolds it."""
    work = worked.MAKERS[name.folder](name.short)
    (static / f"{name.short}.html").write_text(work.html(), encoding="utf-8")
    return (f"Made by `ev.show_work` while this page was built. The same, as a page where each "
            f"number shows what it was made from: "
            f"<a href=\"../_static/worked/{name.short}.html\">unfold it</a>.\n\n"
            + fenced("text", work.text(84)))


# What a definition is made of; of the last three a loss or an optimizer has what it needs.
METHODS = ("forward", "backward", "each", "direction", "update")


def definition(name: face.Name) -> str:
    """The code of the definition, as it stands in its page."""
    value: Any = name.value
    parts = []
    for method in METHODS[:2] if name.folder == "layers" else METHODS:
        owner = next((base for base in value.__mro__ if method in vars(base)), None)
        if owner is not None:
            parts.append(dedent(inspect.getsource(vars(owner)[method])))
    home = value.__module__.replace(".", "/")
    return (f"In `src/{home}.py`. This is what it means; the kernel is held against it.\n\n"
            + fenced("python", "\n".join(parts)))


def kernel(name: face.Name) -> str:
    """The kernel's file and how that file explains itself."""
    value: Any = name.value
    own = getattr(value, "kernel", None)
    if isinstance(own, property):  # it depends on the settings: take those of the example
        made = worked.LAYERS[name.short][0] if name.short in worked.LAYERS else value()
        own = made.kernel
    if own is None:
        return "None of its own: the compiler makes it of other instructions, or runs the "\
               "definition.\n"
    table = (ROOT / "cpp/program/kernel_set.cpp").read_text(encoding="utf-8")
    rows = re.findall(rf'{{"({own}(?:\.\w+)?)", make<(\w+)<Real(?:, (\w+))?', table)
    if not rows:
        raise LookupError(f"{name.short}: no kernel '{own}' in the table of kernel_set.cpp")
    steps = ", ".join(f"`{step}`" for step, _, _ in rows)
    out = [f"In the program: {steps}.\n"]
    for path in _homes({part for _, *parts in rows for part in parts if part}):
        head = re.match(r"((?://.*\n)+)", path.read_text(encoding="utf-8"))
        out.append(f"`{path.relative_to(ROOT).as_posix()}` says of itself:\n")
        out.append(fenced("text", re.sub(r"(?m)^// ?", "", head[1]) if head else ""))
    return "\n".join(out)


def _homes(classes: set[str]) -> list[Path]:
    """Where these are defined."""
    files = [*sorted((ROOT / "cpp/kernels").glob("*.hpp")),
             *sorted((ROOT / "cpp/optimizers").glob("*.hpp"))]
    words = "|".join(sorted(classes - {"Update", "LossKernel", "true", "false"}))
    return [path for path in files
            if re.search(rf"^(?:class|struct|using) (?:{words})\b(?!;)", path.read_text(), re.M)]


def claims(name: face.Name) -> str:
    found = [study for study in map(load, studies()) if name.short in study.layers]
    if not found:
        return "None of the ready studies is about it.\n"
    return "\n".join(f"- {study.claim} ({study.source}.) Try it: `evenly study {study.name}`."
                     for study in found) + "\n"


def page(name: face.Name, static: Path) -> str:
    out = [f"# {name.short}\n", directive(name)]
    if name.folder != "reference":
        backward = {"layers": "Its backward, derived", "losses": "Its gradient, derived",
                    "optimizers": "Its rule, derived"}[name.folder]
        for title, text in ((backward, derivation(name)),
                            ("A worked example", example(name, static)),
                            ("The definition", definition(name)), ("The kernel", kernel(name)),
                            ("What is claimed of it", claims(name))):
            out += [f"## {title}\n", text]
    return "\n".join(out)


def listed(names: list[face.Name], at: str) -> str:
    """A list of names with their sentences, and the hidden table of contents of their pages."""
    lines = [f"- [{name.short}]({_to(name, at)}.myst): {name.sentence}" for name in names]
    own = "\n".join(f"/{name.page}" for name in names)
    return "\n".join(lines) + "\n\n" + fenced("{toctree}", f":hidden:\n\n{own}")


def _to(name: face.Name, at: str) -> str:
    return name.page.removeprefix(f"{at}/") if name.folder == at else f"../{name.page}"


def write(app: Sphinx) -> None:
    names = list(face.names())
    static = DOCS / "_static" / "worked"
    static.mkdir(exist_ok=True)
    pages = {name.page: page(name, static) for name in names}
    for folder, title in TITLES.items():
        own = sorted((name for name in names if name.folder == folder),
                     key=lambda name: name.short.lower())
        pages[f"{folder}/index"] = f"# {title}\n\n{INTROS[folder]}\n\n{listed(own, folder)}"
    rest: dict[str, list[face.Name]] = {}
    for name in names:
        if name.folder == "reference":
            rest.setdefault(name.group, []).append(name)
    out = ["# Reference\n\nAll other public names, from their docstrings. Layers, losses and "
           "optimizers have [pages](../layers/index.myst) of [their](../losses/index.myst) "
           "[own](../optimizers/index.myst).\n"]
    for group, own in rest.items():
        out += [f"## {GROUPS.get(group, group.capitalize())}\n", listed(own, "reference")]
    pages["reference/index"] = "\n".join(out)
    for old in {*DOCS.glob("*/*.myst")} - {DOCS / f"{path}.myst" for path in pages}:
        old.unlink()
    for path, text in pages.items():
        target = DOCS / f"{path}.myst"
        target.parent.mkdir(exist_ok=True)
        if not target.exists() or target.read_text(encoding="utf-8") != text:
            target.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("builder-inited", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
