"""Runs the smoke tests with the oldest versions that pyproject.toml allows: `make oldest`."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def oldest(requirements: list[str]) -> list[str]:
    """`numpy>=1.26` as `numpy==1.26.*`: the newest that mends the oldest."""
    return [re.sub(r">=(.*)", r"==\1.*", line) for line in requirements]


def main() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    wheels = sorted((ROOT / "dist").glob("evenly-*-cp311-*.whl" if sys.version_info < (3, 12)
                                         else "evenly-*-abi3-*.whl"))
    if not wheels:
        sys.exit("make oldest: no wheel for this Python in dist: make wheel first")
    with tempfile.TemporaryDirectory() as name:
        subprocess.run([sys.executable, "-m", "venv", name], check=True)
        python = Path(name) / "bin" / "python"
        subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check",
                        "--only-binary", ":all:", *oldest(declared), "pytest>=8", wheels[-1]],
                       check=True)
        smoke = ROOT / "tests" / "smoke"
        found = subprocess.run([python, "-m", "pytest", "-q", "-p", "no:cacheprovider",
                                "-c", smoke / "pytest.ini", smoke], check=False, cwd=name)
    sys.exit(found.returncode)


if __name__ == "__main__":
    main()
