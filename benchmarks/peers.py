"""Who is measured, and the environment each of them gets."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path


@dataclass(frozen=True)
class Peer:
    """A library under measurement.

    Attributes:
        label: heads its column.
        module: what must be importable.
        distribution: the name it is installed under.
        environment: variables its process gets besides the number of threads.
    """

    label: str
    module: str
    distribution: str
    environment: tuple[tuple[str, str], ...] = ()


# glibc hands every array above 32 MB back to the system and asks for it again in the next step, and
# smaller ones too when they lie on top of the heap: up to half the time of a large operation. Tuned
# set-ups keep the memory, so all peers get that. Other C libraries ignore these.
_KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": "1000000000", "MALLOC_TRIM_THRESHOLD_": "4000000000"}
_JAX = (("JAX_PLATFORMS", "cpu"),)

PEERS = {
    "evenly": Peer("Evenly", "evenly", "evenly"),
    "torch": Peer("PyTorch", "torch", "torch"),
    "torch_compiled": Peer("PyTorch compiled", "torch", "torch"),
    "jax": Peer("JAX", "jax", "jax", _JAX),
    "onnxruntime": Peer("ONNX Runtime", "onnxruntime", "onnxruntime"),
    "sklearn": Peer("scikit-learn", "sklearn", "scikit-learn"),
    "keras": Peer("Keras (JAX)", "keras", "keras", (("KERAS_BACKEND", "jax"), *_JAX)),
    "skorch": Peer("skorch", "skorch", "skorch"),
    "pytabkit": Peer("RealMLP-TD-S (pytabkit)", "pytabkit", "pytabkit"),
    "evenly_fast": Peer('Evenly, effort="fast"', "evenly", "evenly"),
    "numpy": Peer("NumPy", "numpy", "numpy"),
}
# Interpreters of peers that the one at work cannot have beside the others.
Pythons = Mapping[str, str]
_ASK = """
import sys
from importlib import metadata
from importlib.util import find_spec
if find_spec(sys.argv[1]) is not None:
    try:
        print(metadata.version(sys.argv[2]))
    except metadata.PackageNotFoundError:
        print("unknown")
"""


def versions(names: Iterable[str], pythons: Pythons | None = None) -> dict[str, str]:
    """Version of each peer that is installed, by its name here.

    Arguments:
        names: of peers.
        pythons: the interpreter of a peer, where it is not this one.

    Raises:
        OSError: an interpreter that is not there.
    """
    found = {}
    for name in names:
        peer, python = PEERS[name], (pythons or {}).get(name)
        if python is not None:
            command = [python, "-c", _ASK, peer.module, peer.distribution]
            said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            version = said.strip()
        elif find_spec(peer.module) is None:
            version = ""
        else:
            version = _version(peer.distribution)
        if version:
            found[name] = version
    return found


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "unknown"


def environment(name: str, threads: int) -> dict[str, str]:
    """The environment of a peer's process: the same threads and the same allocator for all."""
    count = str(threads)
    return {
        **os.environ,
        "OMP_NUM_THREADS": count,
        "OPENBLAS_NUM_THREADS": count,
        "MKL_NUM_THREADS": count,
        # The pool of XLA's CPU client takes its size from this one.
        "NPROC": count,
        **_KEEP_MEMORY,
        **dict(PEERS[name].environment),
    }


def pin(threads: int) -> None:
    """Confines this process, and those it starts, to one processor a thread.

    A peer that makes a pool of its own size then has no more processors than the others. Processors
    on cores of their own come first: two threads on one core would measure something else.
    """
    if not hasattr(os, "sched_setaffinity"):
        return
    allowed = sorted(os.sched_getaffinity(0))
    cores = [_core(cpu) for cpu in allowed]
    first = [cpu for i, cpu in enumerate(allowed) if cores[i] not in cores[:i]]
    rest = [cpu for cpu in allowed if cpu not in first]
    os.sched_setaffinity(0, (first + rest)[:threads])


def _core(cpu: int) -> str:
    siblings = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
    return siblings.read_text() if siblings.exists() else str(cpu)
