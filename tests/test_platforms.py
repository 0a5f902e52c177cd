"""The native core takes no more than any compiler of today has, but for a few named files."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
spec = importlib.util.spec_from_file_location("platforms", ROOT / "tools" / "platforms.py")
platforms = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = platforms
spec.loader.exec_module(platforms)
SOURCES = sorted((ROOT / "cpp").rglob("*.?pp"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_one_compilers_own_words_stand_in_their_places(path):
    assert not platforms.hostile(path, path.read_text())


@pytest.mark.parametrize("line", [
    "inline __attribute__((always_inline)) int f();", "[[gnu::hot]] int f();",
    "int n = __builtin_popcount(3);", "#pragma GCC unroll 4",
    "#pragma clang loop vectorize(enable)",
    "__int128 wide;", 'asm volatile("nop");', "auto v = _mm256_setzero_ps();",
    "#include <immintrin.h>", "#include <unistd.h>", "#include <sys/types.h>",
    "float* __restrict p;", "int x = ({ 3; });", "typeof(x) y;", "void* p = alloca(8);",
])
def test_the_check_sees(line):
    assert platforms.hostile(ROOT / "cpp" / "kernels" / "own.hpp", f"// plain\n{line}\n")
    assert not platforms.hostile(ROOT / "cpp" / "support" / "compiler.hpp", line)


def test_the_release_trusts_no_name_that_can_move():
    text = (ROOT / ".github" / "workflows" / "release.yml").read_text()
    used = re.findall(r"uses: (\S+)", text)
    assert len(used) > 5
    assert all(re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", one) for one in used)
    assert "\npermissions: {}\n" in text
    assert "password" not in text.replace("holds a password", "")


def test_a_report_of_a_fault_brings_the_installation():
    form = (ROOT / ".github" / "ISSUE_TEMPLATE" / "bug.yml").read_text()
    assert "`evenly doctor-install`" in form
