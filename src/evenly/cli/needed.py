"""What a command needs beside the library itself."""

from __future__ import annotations

import importlib.util

import click

NAMES = {
    "sklearn": "scikit-learn",
    "pandas": "pandas",
    "polars": "polars",
    "pyarrow": "pyarrow",
    "matplotlib": "matplotlib",
    "jinja2": "jinja2",
    "optuna": "optuna",
    "starlette": "starlette",
    "uvicorn": "uvicorn",
}


def need(command: str, *modules: str, extra: str = "study") -> None:
    """Raises a UsageError that names the packages that a command lacks."""
    missing = [NAMES[name] for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        raise click.UsageError(
            f"evenly {command} needs {', '.join(missing)}: pip install 'evenly[{extra}]'"
        )
