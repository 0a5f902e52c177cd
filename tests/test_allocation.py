"""A training step allocates nothing: a shim in front of the C library counts."""

import os
import subprocess
import sys
import textwrap

import pytest

SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/types.h>
static atomic_long count;
long evenly_allocations(void) { return count; }
#define NEXT(type, name, parameters, arguments)                      \
  type name parameters {                                             \
    static type(*next) parameters;                                   \
    if (!next) next = (type(*) parameters)dlsym(RTLD_NEXT, #name);   \
    ++count;                                                         \
    return next arguments;                                           \
  }
NEXT(void*, malloc, (size_t n), (n))
NEXT(void*, realloc, (void* p, size_t n), (p, n))
NEXT(void*, aligned_alloc, (size_t a, size_t n), (a, n))
NEXT(int, posix_memalign, (void** p, size_t a, size_t n), (p, a, n))
NEXT(void*, mmap, (void* p, size_t n, int a, int b, int c, off_t d), (p, n, a, b, c, d))
"""

SCRIPT = """
import ctypes, os
import numpy as np
import evenly as ev

allocations = ctypes.CDLL(os.environ["SHIM"]).evenly_allocations
allocations.restype = ctypes.c_long
other = [ev.LSTM(9, sequences=True, recurrent_dropout=0.1), ev.Reshape((5, 9, 1)),
         ev.Conv2D(7, 3, padding="same"), ev.BatchNorm(), ev.ReLU(), ev.MaxPool2D(2),
         ev.Residual([ev.Conv2D(7, 1)]), ev.Flatten(), ev.Dense(3)]
net = [ev.Dense(64), ev.BatchNorm(), ev.ReLU(), ev.Dropout(0.5), ev.Dense(300), ev.LayerNorm(),
       ev.Sigmoid(), ev.Dropout(0.3), ev.Dense(3)]
program = ev.compile(net, 20, batch=32, loss=ev.SoftmaxCrossEntropy(), optimizer=ev.Adam(),
                     penalty=ev.L2(1e-3), clip=ev.ClipNorm(1.0), constraint=ev.MaxNorm(2.0),
                     augment=ev.Mixup())
engine = ev.Engine(program)
rng = np.random.default_rng(0)
x, y = engine.rows(rng.standard_normal((32 * 1000, 20))), engine.targets(rng.integers(0, 3, 32000))
order = np.arange(32000)
native = engine._executor
numbers, records = np.tile([1e-3, np.nan, 1, 0], (1000, 1)), np.zeros((1000, 6))

def count(steps, threads):
    before = allocations()
    ran, *ended = native.train(x, y, None, None, order, 32000, 32, 0, steps, 0, 0, numbers,
                               records, 1e9, threads)
    assert (ran, ended) == (steps, [False, False])
    return allocations() - before

count(1000, 1)
print(count(10, 1), count(1000, 1))
count(1000, 2)
print(count(1000, 2), EXTRA)

program = ev.compile(other, (5, 4), batch=32, loss=ev.SoftmaxCrossEntropy(), optimizer=ev.Adam())
engine = ev.Engine(program)
x = engine.rows(rng.standard_normal((32000, 5, 4)))
native = engine._executor
count(10, 2)
print(count(10, 1), count(200, 1))
"""


def run(tmp_path, extra="0"):
    source, shim = tmp_path / "shim.c", tmp_path / "shim.so"
    source.write_text(SHIM)
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", str(source), "-o", str(shim), "-ldl"],
                   check=True)
    script = textwrap.dedent(SCRIPT).replace("EXTRA", extra)
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True,
        env={**os.environ, "LD_PRELOAD": str(shim), "SHIM": str(shim)},
    )
    return [int(number) for number in result.stdout.split()]


@pytest.mark.skipif(sys.platform != "linux", reason="the shim is for Linux")
def test_a_step_allocates_nothing(tmp_path):
    ten, thousand, thousand_by_two, _, *other = run(tmp_path)
    assert ten == thousand == 0
    assert other == [0, 0]
    # OpenBLAS takes a buffer the first time that a thread finds all of its others in use.
    assert thousand_by_two <= 3


@pytest.mark.skipif(sys.platform != "linux", reason="the shim is for Linux")
def test_the_shim_sees_allocations(tmp_path):
    code = "(lambda a: (np.empty(10**6), allocations() - a)[1])(allocations())"
    assert run(tmp_path, code)[3] > 0
