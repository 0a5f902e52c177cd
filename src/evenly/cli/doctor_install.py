"""`evenly doctor-install`: what a report of a fault needs to say about an installation."""

from __future__ import annotations

import ctypes
import dataclasses
import importlib
import json
import os
import platform
import re
import sys
import sysconfig
from importlib import metadata
from pathlib import Path
from typing import Any

import click

from evenly.version import __version__

from .helping import command
from .running import cores

FEATURES = ("sse4_2", "avx", "avx2", "fma", "bmi2", "avx512f", "avx512bw", "avx512vl",
            "avx512_vnni", "amx_tile", "asimd", "sve", "sve2", "neon")
VARIABLES = ("OMP_NUM_THREADS", "OMP_PROC_BIND", "OPENBLAS_NUM_THREADS", "OPENBLAS_CORETYPE",
             "LD_LIBRARY_PATH", "LD_PRELOAD", "PYTHON_GIL")
FAULT = 1


@command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def doctor_install(as_json: bool) -> int:
    """Say what a report of a fault needs: versions, processor, libraries, whether the native module
    loads, and whether each family of kernels computes what is defined.

    Sends nothing anywhere. The status is 1 if something is wrong.
    """
    found = installation()
    if as_json:
        click.echo(json.dumps(found, indent=1))
    else:
        click.echo("\n".join(_lines(found)))
    return 0 if found["well"] else FAULT


def installation() -> dict[str, Any]:
    """All that is to be said, as plain values: the same as ``--json`` prints."""
    module = _module()
    tests = _kernels() if module["loads"] else []
    required, optional = _packages()
    return {
        "evenly": {"version": __version__, "place": str(Path(__file__).parents[1])},
        "python": {
            "version": platform.python_version(),
            "implementation": platform.python_implementation(),
            "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
            "lock": getattr(sys, "_is_gil_enabled", lambda: True)(),
            "executable": sys.executable,
        },
        "platform": {"system": platform.platform(), "machine": platform.machine(),
                     "libc": " ".join(platform.libc_ver()).strip()},
        "processor": {**_processor(), "cores": cores()},
        "variables": {name: os.environ[name] for name in VARIABLES if name in os.environ},
        "native": module,
        "openblas": _openblas(),
        "packages": required,
        "optional": optional,
        "kernels": tests,
        "well": module["loads"] and all(one["agrees"] for one in tests),
    }


def _module() -> dict[str, Any]:
    try:
        native = importlib.import_module("evenly.native")
        names = native.available_isas()
    except Exception as error:  # a module of another version raises whatever it likes
        return {"loads": False, "error": f"{type(error).__name__}: {error}"}
    return {"loads": True, "instruction_sets": names, "chosen": names[-1],
            "threads": native.processors()}


def _kernels() -> list[dict[str, Any]]:
    from .self_test import try_kernels

    return [dataclasses.asdict(one) | {"agrees": one.agrees} for one in try_kernels()]


def _processor() -> dict[str, Any]:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return {"model": platform.processor(), "features": []}
    model = re.search(r"^model name\s*:\s*(.*)$", text, re.M)
    flags = re.search(r"^(?:flags|Features)\s*:\s*(.*)$", text, re.M)
    own = set(flags[1].split()) if flags else set()
    return {"model": model[1] if model else platform.processor(),
            "features": [name for name in FEATURES if name in own]}


def _openblas() -> dict[str, Any]:
    try:
        package = importlib.import_module("scipy_openblas32")
        path = os.path.join(package.get_lib_dir(), package.get_library(fullname=True))
        asked = ctypes.CDLL(path).scipy_openblas_get_config
        asked.restype = ctypes.c_char_p
        return {"loads": True, "version": _version("scipy-openblas32"), "library": path,
                "configuration": asked().decode()}
    except Exception as error:  # as above
        return {"loads": False, "version": _version("scipy-openblas32"),
                "error": f"{type(error).__name__}: {error}"}


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _packages() -> tuple[dict[str, str | None], dict[str, str | None]]:
    """Versions of what the package declares: what it always needs, and what some of it does."""
    try:
        declared = metadata.requires("evenly") or []
    except metadata.PackageNotFoundError:
        declared = []
    needed: dict[str, str | None] = {}
    optional: dict[str, str | None] = {}
    for line in declared:
        name = re.split(r"[^\w.-]", line, maxsplit=1)[0]
        if name != "evenly":
            (optional if "extra ==" in line else needed)[name] = _version(name)
    return needed, {name: version for name, version in optional.items() if name not in needed}


def _lines(found: dict[str, Any]) -> list[str]:
    python, native, blas = found["python"], found["native"], found["openblas"]
    processor = found["processor"]
    kind = "without the lock" if not python["lock"] else "free-threaded, with the lock" if \
        python["free_threaded"] else "with the interpreter lock"
    lines = [
        f"evenly      {found['evenly']['version']}, in {found['evenly']['place']}",
        f"python      {python['version']} ({python['implementation']}, {kind})",
        f"platform    {found['platform']['system']}, {found['platform']['machine']}",
        f"processor   {processor['model'] or 'unknown'}, {processor['cores']} cores for it",
        f"features    {' '.join(processor['features']) or 'not told'}",
    ]
    lines += [f"variable    {name}={value}" for name, value in found["variables"].items()]
    if native["loads"]:
        lines.append(f"native      loads; runs {', '.join(native['instruction_sets'])}; chosen: "
                     f"{native['chosen']}; up to {native['threads']} threads")
    else:
        lines.append(f"native      DOES NOT LOAD: {native['error']}")
    lines.append(f"openblas    {blas['version']}: {blas['configuration']}" if blas["loads"] else
                 f"openblas    DOES NOT LOAD: {blas['error']}")
    for title, packages in (("needs", found["packages"]), ("may use", found["optional"])):
        there = [f"{name} {version}" for name, version in packages.items() if version]
        not_there = [name for name, version in packages.items() if not version]
        lines.append(f"{title:11} {', '.join(there) or 'nothing that is declared'}")
        if not_there:
            lines.append(f"{'':11} not installed: {', '.join(not_there)}")
    for one in found["kernels"]:
        says = one["error"] or f"difference {one['difference']:.0e}"
        lines.append(f"kernels     {'as defined' if one['agrees'] else 'WRONG':10}  "
                     f"{one['family']} ({says})")
    lines.append("" if found["kernels"] else "kernels     not tested: there are none to run")
    lines.append("All is well." if found["well"] else
                 "Something is wrong: please report it, with these lines.")
    return [line for line in lines if line]
