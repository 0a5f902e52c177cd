"""Pages from templates: what the rooms that write HTML share."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any


@cache
def templates(package: str) -> Any:
    """The templates of a package; to compile one takes longer than to fill it."""
    import jinja2

    return jinja2.Environment(
        loader=jinja2.PackageLoader(package), autoescape=True, trim_blocks=True,
        lstrip_blocks=True, undefined=jinja2.StrictUndefined,
    )


def filled(package: str, template: str, /, **values: Any) -> str:
    """A template with its values."""
    text: str = templates(package).get_template(template).render(**values)
    return text


def beside(package: str, *names: str) -> str:
    """Files that lie beside the templates, such as styles, one behind the other."""
    folder = resources.files(package).joinpath("templates")
    return "".join(folder.joinpath(name).read_text("utf-8") for name in names)
