"""One training step in JAX, jitted as users do."""

import time

import jax

from benchmarks.nets import with_jax
from benchmarks.nets.case import Net

net = Net((784, 256, 256, 10), 128)
x, y = net.batches()[0]
step = jax.jit(with_jax.training_step, donate_argnums=0)
jax.block_until_ready(step(with_jax.initial_state(net), x, y))
print(time.clock_gettime(time.CLOCK_MONOTONIC))
