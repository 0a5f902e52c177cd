"""Compiles every C++ file for other platforms, where compilers for them are here: `make platforms`.

    python tools/platforms.py [TARGET ...]

The compilers: Debian's clang, g++-aarch64-linux-gnu and g++-mingw-w64-x86-64-posix, and the package
ziglang, which has the headers of macOS, Windows and musl. What is not here is said and passed over.
Nothing is linked or run; docs/platforms.md says what was built and run beside that.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CPP = ROOT / "cpp"
LEVELS = {"x86_64_v3": ["-march=x86-64-v3"], "x86_64_v4": ["-march=x86-64-v4"]}
FLAGS = ["-std=c++20", "-c", "-O0", "-Wall", "-Wextra", "-Werror", "-ffp-contract=fast",
         "-fno-math-errno", "-fno-trapping-math", "-fopenmp", f"-I{CPP}"]
# What MSVC's own compiler and others do not take, and the files that may have it.
HOSTILE = {
    "an attribute in GCC's spelling": r"__attribute__|\[\[gnu::",
    "a built-in function of GCC's": r"__builtin_\w+",
    "a pragma of GCC's or clang's": r"#\s*pragma\s+(GCC|clang)|_Pragma",
    "a 128-bit integer": r"\b__int128\b|\b_BitInt\b",
    "assembler": r"\basm\b",
    "a processor's own function": r"\b_mm\d*_\w+|immintrin|arm_neon",
    "a header of POSIX alone": r"#include <(unistd|pthread|sys/\w+|dlfcn)\.h>",
    "restrict": r"__restrict",
    "an expression of statements": r"=\s*\(\{",
    "typeof": r"\b(__)?typeof(__)?\b",
    "alloca": r"\balloca\b",
}
MAY = re.compile(r"support/(dispatch\w*|compiler|process)\.[ch]pp$")


@dataclass(frozen=True)
class Target:
    """A platform.

    Attributes:
        compiler: the command.
        levels: the instruction sets beside the baseline.
        python: whether the bindings are tried too, with the headers of the Python that runs.
        omp: whether the compiler lacks omp.h, so that a stand-in declares what we call.
    """

    compiler: tuple[str, ...]
    levels: tuple[str, ...] = ()
    python: bool = True
    omp: bool = False


def zig(target: str, *levels: str, python: bool = True) -> Target:
    return Target((sys.executable, "-m", "ziglang", "c++", "-target", target), levels, python, True)


TARGETS = {
    "linux-x86_64 (clang)": Target(("clang++",), ("x86_64_v3", "x86_64_v4"), omp=True),
    "linux-aarch64 (gcc)": Target(("aarch64-linux-gnu-g++",)),
    "windows-x86_64 (gcc)": Target(("x86_64-w64-mingw32-g++-posix",), ("x86_64_v3",), python=False),
    "windows-x86_64 (clang)": zig("x86_64-windows-gnu", "x86_64_v3", python=False),
    "macos-arm64": zig("aarch64-macos"),
    "macos-x86_64": zig("x86_64-macos", "x86_64_v3"),
    "musl-x86_64": zig("x86_64-linux-musl", "x86_64_v3"),
}
OMP = """#pragma once
extern "C" {
int omp_get_num_procs();
int omp_get_num_threads();
int omp_get_thread_num();
}
"""


def hostile(path: Path, text: str) -> list[str]:
    """What a file has that it may not, in words."""
    if MAY.search(path.as_posix()):
        return []
    code = re.sub(r"//.*", "", text)
    return [f"{path}:{code.count(chr(10), 0, match.start()) + 1}: {what}: {match[0]}"
             for what, pattern in HOSTILE.items() for match in re.finditer(pattern, code)]


def commands(target: Target, scratch: str) -> dict[str, list[str]]:
    """The compilation of each file, by a name for it."""
    import nanobind
    import scipy_openblas32

    flags = [*target.compiler, *FLAGS, f"-isystem{scipy_openblas32.get_include_dir()}"]
    if target.omp:
        flags.append(f"-isystem{scratch}")
    if not any("linux" in word or word == "clang++" for word in target.compiler):
        flags.append("-Dcpu_set_t=void")  # the header is that of Linux's OpenBLAS
    python = [f"-isystem{nanobind.include_dir()}", f"-isystem{sysconfig.get_path('include')}"]
    own = {isa: [f"-march={isa}"] for isa in LEVELS} if "ziglang" in target.compiler else LEVELS
    made = {}
    for path in sorted(CPP.rglob("*.cpp")):
        name = str(path.relative_to(CPP))
        if name.startswith("bindings/"):
            if target.python:
                made[name] = [*flags, *python, str(path)]
        elif name != "program/kernel_set.cpp":
            isas = " ".join(f"X({isa})" for isa in ("baseline", *target.levels))
            made[name] = [*flags, f"-DEVENLY_DISPATCH_LIST={isas}", str(path)]
        else:
            for isa in ("baseline", *target.levels):
                for real in ("float", "double"):
                    made[f"{name} {isa} {real}"] = [
                        *flags, *own.get(isa, []), f"-DEVENLY_ISA={isa}",
                        f"-DEVENLY_REAL={real}", str(path)]
    return {name: [*words, "-o", f"{scratch}/{number}.o"]
            for number, (name, words) in enumerate(made.items())}


def is_here(target: Target) -> bool:
    if "ziglang" in target.compiler:
        return find_spec("ziglang") is not None
    return shutil.which(target.compiler[0]) is not None


def check(target: Target) -> list[str]:
    """What the compiler says of the files that it does not take."""
    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / "omp.h").write_text(OMP)

        def compiled(named: tuple[str, list[str]]) -> str:
            found = subprocess.run(named[1], text=True, capture_output=True, check=False)
            return f"{named[0]}:\n{found.stderr}" if found.returncode else ""

        with ThreadPoolExecutor(2) as pool:
            return [said for said in pool.map(compiled, commands(target, scratch).items()) if said]


def main() -> None:
    files = sorted(CPP.rglob("*.?pp"))
    wrong = [line for path in files for line in hostile(path, path.read_text())]
    print(*wrong, sep="\n", end="\n" if wrong else "")
    for name, target in TARGETS.items():
        if sys.argv[1:] and not any(word in name for word in sys.argv[1:]):
            continue
        if not is_here(target):
            print(f"{name}: no compiler for it is here")
            continue
        said = check(target)
        print(f"{name}: {'; '.join(said) if said else 'every file is taken'}", flush=True)
        wrong += said
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
