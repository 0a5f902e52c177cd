"""Prints what a network compiles to: instructions, what was fused, where each buffer lies."""

import evenly as ev

net = ev.Sequential([
    ev.Dense(256), ev.BatchNorm(), ev.ReLU(), ev.Dropout(0.5),
    ev.Dense(10),
])
print(ev.compile(net, input_shape=(784,), batch=128, loss=ev.SoftmaxCrossEntropy(),
                 optimizer=ev.Adam(1e-3), penalty=ev.L2(1e-4), clip=ev.ClipGlobalNorm(1.0)))
