"""A piece of a page for a notebook: its styles are for it alone."""

from __future__ import annotations

import re

# A rule, or the head of a group of rules, up to its brace.
HEAD = re.compile(r"\s*([^{}]+)\{")
GROUPS = ("@media", "@container", "@supports")


def scoped(css: str, name: str) -> str:
    """The styles, for what is inside elements of a class alone.

    ``:root`` and ``body`` become the elements themselves. The class stands twice, so that these
    rules win over a notebook's own.

    Args:
        css: rules, and ``@media`` or ``@container`` around rules.
        name: the class.
    """
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    written, at = [], 0
    while (found := HEAD.match(css, at)) is not None:
        head = found[1].strip()
        end = _end(css, found.end())
        inner = css[found.end() : end - 1]
        if head.startswith(GROUPS):
            written.append(f"{head} {{\n{scoped(inner, name)}\n}}")
        else:
            selectors = ", ".join(_inside(one.strip(), name) for one in head.split(","))
            written.append(f"{selectors} {{{inner}}}")
        at = end
    return "\n".join(written)


def themed(css: str, name: str) -> str:
    """Rules for notebooks that say whether they are light or dark, whatever the system is.

    Args:
        css: its first ``:root`` has the light colours, the one for dark schemes the dark ones.
        name: the class.
    """
    light, dark = re.findall(r":root \{(.*?)\}", css, flags=re.DOTALL)[:2]
    return "".join(f"\n[data-jp-theme-light={says}] .{name}.{name} {{{colours}}}"
                   for says, colours in (("true", light), ("false", dark)))


def _end(css: str, at: int) -> int:
    """Behind the brace that closes the one in front of `at`."""
    depth = 1
    while depth:
        depth += {"{": 1, "}": -1}.get(css[at], 0)
        at += 1
    return at


def _inside(selector: str, name: str) -> str:
    own = f".{name}.{name}"
    if selector in (":root", "body"):
        return own
    return f"{own} {selector}"
