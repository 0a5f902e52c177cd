"""Builds the source distribution, from it a wheel for this machine, and tries both: `make wheel`.

    python tools/make_wheel.py [--isas x86_64_v3] [--out dist]

The wheel is repaired by auditwheel: libgomp (and libstdc++ where the tag asks for it) is put into
it, OpenBLAS is not, which comes as the package scipy-openblas32. Then it is installed into a bare
environment, with no compiler to be found, and the tests of tests/smoke run there.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OPENBLAS = "libscipy_openblas.so"
# What the source distribution holds beside src, cpp and tests/smoke.
BESIDE = {"CHANGELOG.md", "CITATION.cff", "CMakeLists.txt", "LICENSE", "PKG-INFO", "README.md",
          ".gitignore", "pyproject.toml"}


def call(*words: object, **options: object) -> str:
    print("+", *words, flush=True)
    found = subprocess.run([str(word) for word in words], text=True, check=False,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
    if found.returncode:
        sys.exit(f"{found.stdout}\nmake wheel: this failed with status {found.returncode}")
    return str(found.stdout)


def check_source(path: Path) -> None:
    """Nothing but sources."""
    with tarfile.open(path) as archive:
        names = [one.name.partition("/")[2] for one in archive if one.isfile()]
    strange = [name for name in names if name not in BESIDE
               and not (name.startswith(("src/evenly/", "cpp/", "tests/smoke/"))
                        and not name.endswith((".so", ".pyc", ".npz", ".parquet")))]
    missing = [name for name in ("CMakeLists.txt", "pyproject.toml", "LICENSE", "README.md",
                                 "src/evenly/_native.pyi", "src/evenly/py.typed",
                                 "cpp/program/kernel_set.cpp", "tests/smoke/test_smoke.py")
               if name not in names]
    if strange or missing:
        sys.exit(f"make wheel: {path.name} must not hold {strange}, and lacks {missing}")


def only(folder: Path, pattern: str) -> Path:
    found, = folder.glob(pattern)
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--isas", help="instruction sets, for a build that is soon done")
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    given = parser.parse_args()
    python, begin = sys.executable, time.monotonic()
    environment = os.environ | {"PATH": f"{Path(python).parent}{os.pathsep}{os.environ['PATH']}"}
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        call(python, "-m", "build", "-n", "--sdist", "-o", given.out, ROOT, env=environment)
        source = max(given.out.glob("evenly-*.tar.gz"), key=lambda path: path.stat().st_mtime)
        check_source(source)
        with tarfile.open(source) as archive:
            archive.extractall(work, filter="data")
        tree = only(work, "evenly-*")
        if (ROOT / "build" / "man").is_dir():
            shutil.copytree(ROOT / "build" / "man", tree / "build" / "man")
        isas = ["-C", f"cmake.define.EVENLY_ISAS={given.isas}"] if given.isas else []
        call(python, "-m", "build", "-n", "-w", "-o", work / "raw", *isas, tree, env=environment)
        raw = only(work / "raw", "*.whl")
        print(call("auditwheel", "show", raw, env=environment))
        call("auditwheel", "repair", "--exclude", OPENBLAS, "-w", work / "whole", raw,
             env=environment)
        wheel = Path(shutil.copy(only(work / "whole", "*.whl"), given.out))
        call(python, "-m", "twine", "check", "--strict", source, wheel)
        try_out(wheel, work)
    print(f"{source.name}: {source.stat().st_size / 1e6:.2f} MB")
    print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.2f} MB, in {time.monotonic() - begin:.0f} s")


def try_out(wheel: Path, work: Path) -> None:
    """Installs it where there is no compiler, and runs the smoke tests."""
    bare = work / "bare"
    call(sys.executable, "-m", "venv", bare)
    python = bare / "bin" / "python"
    environment = {"PATH": str(bare / "bin"), "HOME": str(work), "LANG": "C.UTF-8"}
    if any(shutil.which(name, path=environment["PATH"]) for name in ("cc", "gcc", "c++", "clang")):
        sys.exit("make wheel: the bare environment has a compiler")
    install = (python, "-m", "pip", "install", "-q", "--disable-pip-version-check",
               "--only-binary", ":all:")
    call(*install, wheel)
    sizes = sum(path.stat().st_size for path in bare.rglob("*") if path.is_file())
    print(f"installed, with all it needs: {sizes / 1e6:.0f} MB")
    call(*install, "pytest>=8")
    smoke = shutil.copytree(ROOT / "tests" / "smoke", work / "smoke")
    print(call(python, "-m", "pytest", "-q", "-c", smoke / "pytest.ini", smoke,
               cwd=work, env=environment))


if __name__ == "__main__":
    main()
