"""Runs the kernel tests on a build with AddressSanitizer and UndefinedBehaviorSanitizer.

The first read or write outside a buffer, and the first undefined operation, ends the run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "sanitize"
# What exercises the kernels; the rest of the tests is about Python.
TESTS = ["tests/contract/test_kernels.py", "tests/contract/test_tiles.py", "tests/test_products.py",
         "tests/test_statistics.py", "tests/test_engine.py", "tests/serving/test_frozen_kernels.py"]


def run(*command: str, **environment: str) -> None:
    print("+", " ".join(command), flush=True)
    subprocess.run(command, cwd=ROOT, check=True, env={**os.environ, **environment})


def sanitizer_library(name: str) -> str:
    compiler = os.environ.get("CXX", "c++")
    found = subprocess.run(
        [compiler, f"-print-file-name={name}"], capture_output=True, text=True, check=True
    )
    return found.stdout.strip()


def main() -> None:
    scripts = Path(sys.executable).parent
    cmake = str(scripts / "cmake")
    # What this machine cannot run is built for nothing.
    isas = subprocess.run(
        [sys.executable, "-c",
         "from evenly.native import available_isas; print(*available_isas(), sep=';')"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()
    run(
        cmake, "-S", ".", "-B", str(BUILD), "-G", "Ninja", "-DEVENLY_SANITIZE=ON",
        f"-DEVENLY_ISAS={isas}",
        f"-DPython_EXECUTABLE={sys.executable}", f"-DCMAKE_MAKE_PROGRAM={scripts / 'ninja'}",
    )
    run(cmake, "--build", str(BUILD))
    site = BUILD / "site"
    shutil.rmtree(site, ignore_errors=True)
    shutil.copytree(ROOT / "src", site)
    for module in BUILD.glob("_native*.so"):
        shutil.copy(module, site / "evenly")
    environment = {
        "LD_PRELOAD": f"{sanitizer_library('libasan.so')} {sanitizer_library('libubsan.so')}",
        "PYTHONPATH": str(site),
        # Python itself keeps memory to the end; its own allocator hides small overruns from ASan.
        "ASAN_OPTIONS": "detect_leaks=0",
        "PYTHONMALLOC": "malloc",
    }
    # An installed package must not come before the one that was just built.
    check = (
        "import evenly.native, evenly._native as n; "
        f"assert n.__file__.startswith({str(site)!r}), n.__file__"
    )
    run(sys.executable, "-c", check, **environment)
    run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "2", "--dist",
        "worksteal", *TESTS, **environment)


if __name__ == "__main__":
    main()
