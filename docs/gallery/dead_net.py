"""A dead network, and the doctor who finds it

You see the share of ReLUs that are 0 for every row: in the sick network nearly all of the first
layer, in the cured one hardly any, and the loss that follows. The doctor reads it off the record
of the training and names the layer; its cure is a change of settings, tried right here.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np

import evenly as ev

rng = np.random.default_rng(0)
x = rng.standard_normal((400, 8))
y = (x[:, 0] * x[:, 1] > 0).astype(int)
sick = ev.Settings(
    ev.Sequential([ev.Dense(32, bias_init=ev.Constant(-6.0)), ev.ReLU(), ev.Dense(2)]),
    ev.SoftmaxCrossEntropy(), ev.Adam(3e-3), epochs=30)

# %%
# `doctor=True` watches and warns as it happens; here it is asked afterwards.

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    model = ev.fit(sick, x, y, validation=0.2, doctor=True, seed=0)
finding = model.diagnosis.findings[0]
print(finding.kind, "in", finding.layer)
print(finding.cure.text)
cured = ev.fit(finding.cure(sick), x, y, validation=0.2, seed=0)

# %%

left, right = plt.subplots(1, 2)[1]
for place, (one, label) in enumerate(((model, "sick"), (cured, "cured"))):
    weights = one.weights
    values = np.maximum(x @ weights["dense_1.kernel"] + weights["dense_1.bias"], 0)
    dead = np.mean(values.max(axis=0) == 0)
    left.bar(place, 100 * dead, label=label)
    left.text(place, 100 * dead + 2, f"{dead:.0%}", ha="center")
    right.plot(one.history.column("epoch"), one.history.column("loss"), label=label)
    print(f"{label}: {dead:.0%} of the units are dead, accuracy {one.history[-1].score:.2f}")
left.set(ylabel="units that are 0 for every row, %", ylim=(0, 110))
left.set_xticks((0, 1), ("sick", "cured"))
right.set(xlabel="epoch", ylabel="loss")
right.legend()
plt.show()
