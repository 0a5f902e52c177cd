"""A step allocates nothing, and calls the BLAS for large products alone.

A shim in front of the C library counts the allocations, and another in front of OpenBLAS counts its
products. Where OpenBLAS has AVX-512 it takes a buffer for small products, so the second count holds
the promise on processors that have none. Run on: AMD EPYC 7003 (AVX2). With AVX-512 a step that
called OpenBLAS for small products was seen to allocate.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the shim is for Linux")

SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/types.h>
static atomic_long count, products;
long evenly_allocations(void) { return count; }
long evenly_products(void) { return products; }
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

# OpenBLAS's products, as our core calls them.
PRODUCTS = r"""
#define PRODUCT(name, real)                                                                      \
  void name(int order, int ta, int tb, int m, int n, int k, real alpha, const real* a, int lda,  \
            const real* b, int ldb, real beta, real* c, int ldc) {                               \
    static void (*next)(int, int, int, int, int, int, real, const real*, int, const real*, int,  \
                        real, real*, int);                                                       \
    if (!next) {                                                                                 \
      void* library = dlopen(OPENBLAS, RTLD_LAZY);                                               \
      next = (void (*)(int, int, int, int, int, int, real, const real*, int, const real*, int,   \
                       real, real*, int))dlsym(library, #name);                                  \
    }                                                                                            \
    ++products;                                                                                  \
    next(order, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);                           \
  }
PRODUCT(scipy_cblas_sgemm, float)
PRODUCT(scipy_cblas_dgemm, double)
"""

SCRIPT = """
import ctypes, json, os, sys
import numpy as np
import evenly as ev

shim = ctypes.CDLL(os.environ["SHIM"])
for name in ("evenly_allocations", "evenly_products"):
    getattr(shim, name).restype = ctypes.c_long
rng = np.random.default_rng(0)
NUMBERS = [1e-3, np.nan, 1, 0, 0.01, 0.7, 0.5, 2, 23, 0, 0, np.nan]

class Steps:
    def __init__(self, layers, shape, dtype="float32", batch=32, lengths=False, classes=3, **more):
        more = {"loss": ev.SoftmaxCrossEntropy(), "optimizer": ev.Adam(), **more}
        program = ev.compile(layers, shape, batch=batch, dtype=dtype, **more)
        self.engine = engine = ev.Engine(program)
        self.rows, self.batch = 20 * batch, batch
        self.x = engine.rows(rng.standard_normal((self.rows, *shape)))
        self.y = engine.targets(rng.integers(0, classes, self.rows))
        self.lengths = (rng.integers(0, shape[0] + 1, self.rows).astype(np.int32) if lengths
                        else None)
        self.order = np.arange(self.rows)
        self.output = np.empty((self.rows, *program.output_shape), dtype)
        self.numbers, self.records = np.tile(NUMBERS, (20, 1)), np.zeros((20, 6))

    def train(self, steps, threads):
        for first in range(0, steps, 20):
            ran, *ended = self.engine._executor.train(
                self.x, self.y, None, self.lengths, self.order, self.rows, self.batch, 0,
                min(20, steps), first, 0, self.numbers, self.records, 1e9, threads)
            assert (ran, ended) == (min(20, steps), [False, False])

def counted(run):
    allocations, products = shim.evenly_allocations(), shim.evenly_products()
    run()
    return shim.evenly_allocations() - allocations, shim.evenly_products() - products

def predict_and_evaluate(steps):
    native, scores = steps.engine._executor, steps.engine._scores
    native.predict(steps.x, steps.lengths, steps.batch, scores, steps.output, 1)
    native.evaluate(steps.x, steps.y, None, steps.lengths, steps.batch, 1)
"""


def run(tmp_path, script):
    """What the script's last line evaluates to, under the shim."""
    import scipy_openblas32 as openblas

    library = Path(openblas.get_lib_dir()) / openblas.get_library(fullname=True)
    source, shim = tmp_path / "shim.c", tmp_path / "shim.so"
    source.write_text(SHIM + PRODUCTS)
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", f'-DOPENBLAS="{library}"', str(source), "-o",
                    str(shim), "-ldl"], check=True)
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT + script], capture_output=True, text=True, check=True,
        env={**os.environ, "LD_PRELOAD": str(shim), "SHIM": str(shim)},
    )
    return json.loads(result.stdout)


# Each with what is special about it: products of every kind in dense, recurrent, convolution and
# wrapped layers, in both precisions, wide and thin, with few rows and many terms.
NETS = """
dense = [ev.Dense(64), ev.BatchNorm(), ev.ReLU(), ev.Dropout(0.5), ev.Dense(300), ev.LayerNorm(),
         ev.Sigmoid(), ev.Dropout(0.3), ev.Dense(3)]
everything = dict(penalty=ev.L2(1e-3), clip=ev.ClipNorm(1.0), constraint=ev.MaxNorm(2.0),
                  augment=ev.Mixup(), average=ev.EMA(),
                  rates=ev.ArrayRates({"*.bias": 0.1}))
images = [ev.Reshape((8, 8, 1)), ev.Conv2D(17, 3, padding="same"), ev.ReLU(),
          ev.Conv2D(16, 3, padding="same"), ev.Conv2D(7, 3, padding="same"), ev.BatchNorm(),
          ev.ReLU(), ev.MaxPool2D(2), ev.Residual([ev.Conv2D(7, 1)]), ev.Conv2D(5, 3, stride=2),
          ev.Flatten(), ev.Dense(3)]
NETS = {
    "dense": lambda dtype: Steps(dense, (20,), dtype, **everything),
    "cut": lambda dtype: Steps([ev.Dense(9), ev.AlphaDropout(0.1), ev.GaussianDropout(0.1),
                                ev.Dense(3)], (20,), dtype, augment=ev.CutMix(),
                               average=ev.Lookahead(), optimizer=ev.AdamW()),
    "thin": lambda dtype: Steps([ev.Dense(300), ev.Tanh(), ev.Dense(1), ev.Dense(3)], (1,), dtype),
    "few rows": lambda dtype: Steps([ev.Dense(300), ev.ReLU(), ev.Dense(3)], (100,), dtype, 4),
    "wrapped": lambda dtype: Steps([ev.WeightNorm(ev.Dense(40)), ev.DropConnect(ev.Dense(30), 0.2),
                                    ev.GroupNorm(5), ev.ReLU(), ev.Dense(3)], (20,), dtype),
    "rnn": lambda dtype: Steps([ev.RNN(9, sequences=True), ev.RNN(20), ev.Dense(3)], (5, 1), dtype,
                               lengths=True),
    "lstm": lambda dtype: Steps([ev.LSTM(9, sequences=True, recurrent_dropout=0.1), ev.Flatten(),
                                 ev.Dense(3)], (5, 4), dtype),
    "gru": lambda dtype: Steps([ev.GRU(9, reverse=True), ev.Dense(3)], (5, 4), dtype, lengths=True),
    "ensemble": lambda dtype: Steps([ev.Ensemble([ev.Dense(3), [ev.Dense(9), ev.Dense(3)]],
                                                 of="classes")], (20,), dtype),
    "members": lambda dtype: Steps([ev.Members(4), ev.BatchEnsemble(9), ev.ReLU(), ev.Dropout(0.1),
                                    ev.MemberDense(3), ev.MemberMean("classes")], (20,), dtype),
    "images": lambda dtype: Steps(images, (64,), dtype),
    "sequences": lambda dtype: Steps([ev.Conv1D(6, 3, stride=2, groups=2), ev.ReLU(), ev.Flatten(),
                                      ev.Dense(3)], (9, 4), dtype),
}
"""


def test_a_step_allocates_nothing_and_makes_small_products_itself(tmp_path):
    script = NETS + """
found = {}
for name, make in NETS.items():
    for dtype in ("float32", "float64"):
        steps = make(dtype)
        steps.train(20, 1)
        predict_and_evaluate(steps)
        found[f"{name} {dtype}"] = [
            *counted(lambda: steps.train(20, 1)), *counted(lambda: steps.train(200, 1)),
            *counted(lambda: predict_and_evaluate(steps))]
print(json.dumps(found))
"""
    found = run(tmp_path, script)
    assert len(found) == 24
    for name, numbers in found.items():
        assert numbers == [0, 0] * 3, name


def test_a_frozen_prediction_allocates_nothing(tmp_path):
    script = NETS + """
found = {}
for dtype in ("float32", "float64", "bfloat16", "int8"):
    model = ev.init(ev.Sequential(dense + [ev.LayerNorm()]), 20)
    engine = ev.Predictor(model, dtype, max_batch=50)._answers.engine
    x, output = np.ones((500, 20), engine.program.dtype), np.empty((500, 3), engine.program.dtype)
    def predict(rows):
        executor, _ = engine._free[0]
        executor.predict(x[:rows], None, 50, engine._scores, output[:rows], 1)
    predict(1)
    found[dtype] = [*counted(lambda: predict(500)), *counted(lambda: predict(3))]
print(json.dumps(found))
"""
    found = run(tmp_path, script)
    assert len(found) == 4
    assert set(map(tuple, found.values())) == {(0, 0, 0, 0)}


def test_two_threads(tmp_path):
    """Large products are OpenBLAS's; it takes a buffer the first time that a thread finds all of
    its others in use."""
    script = """
steps = Steps([ev.Dense(1100), ev.ReLU(), ev.Dense(3)], (1000,), batch=64)
steps.train(200, 2)
print(json.dumps(counted(lambda: steps.train(200, 2))))
"""
    allocations, products = run(tmp_path, script)
    assert allocations <= 3
    assert products > 0


def test_the_shim_sees_allocations(tmp_path):
    script = """
print(json.dumps(counted(lambda: np.empty(10**6))))
"""
    assert run(tmp_path, script)[0] > 0
