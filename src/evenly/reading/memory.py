"""How much memory there is, asked before any is taken."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import DataError, EvenlyError

# What is left to everything else: the interpreter, the libraries, the other programs.
SHARE = 0.8
SMALLER = "use fewer rows or columns, or a machine with more memory"


def available_bytes() -> int | None:
    """The bytes that this process may still take; None where the system does not say.

    The smallest of what the machine has free and what the control group and the limit on the
    address space leave.
    """
    sources = (_machine, _group_v2, _group_v1, _address_space)
    limits = [limit for source in sources if (limit := source()) is not None]
    return min(limits) if limits else None


def require(
    needed: int, what: str, remedy: str = SMALLER, error: type[EvenlyError] = DataError
) -> None:
    """Check that `needed` bytes fit into the memory that is left.

    Args:
        needed: an estimate in bytes.
        what: what needs it, the start of the message.
        remedy: what to do about it, the end of the message.
        error: what is raised.

    Raises:
        DataError, or `error`: it does not fit.
    """
    available = available_bytes()
    if available is not None and needed > SHARE * available:
        raise error(
            f"{what} takes about {in_words(needed)} of memory, "
            f"and {in_words(available)} are free: {remedy}"
        )


def in_words(count: int) -> str:
    """A number of bytes as a person says it: `3.2 GB`."""
    size = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB" if size < 1000 else f"{size:.1e} TB"


def _machine() -> int | None:
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    try:
        return int(os.sysconf("SC_PHYS_PAGES")) * int(os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, OSError, ValueError):
        return None


def _address_space() -> int | None:
    """What `ulimit -v` leaves."""
    try:
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        if limit == resource.RLIM_INFINITY:
            return None
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except (ImportError, OSError, ValueError, IndexError):
        return None
    return max(0, limit - used)


def _group_v2() -> int | None:
    folder = Path("/sys/fs/cgroup")
    return _left(folder / "memory.max", folder / "memory.current", folder / "memory.stat")


def _group_v1() -> int | None:
    folder = Path("/sys/fs/cgroup/memory")
    return _left(
        folder / "memory.limit_in_bytes", folder / "memory.usage_in_bytes", folder / "memory.stat"
    )


def _left(limit: Path, used: Path, details: Path) -> int | None:
    try:
        # A group without a limit says "max", which is no number: then nothing is known here.
        left = int(limit.read_text()) - int(used.read_text())
        # Files kept in memory for later count as used, and are given back when it is needed.
        for line in details.read_text().splitlines():
            if line.startswith("inactive_file "):
                left += int(line.split()[1])
        return max(0, left)
    except (OSError, ValueError, IndexError):
        return None
