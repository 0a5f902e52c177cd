"""Trained here, run elsewhere

You see that another program gives the same answers: each point is a score that Evenly computed and
ONNX Runtime computed again from the file, and all lie on the diagonal, off by a rounding or two.
The file holds the scaling of the inputs too, so that nobody there needs to know of it.
"""

import matplotlib.pyplot as plt
import numpy as np
import onnxruntime
from sklearn.datasets import load_wine

import evenly as ev

x, y = load_wine(return_X_y=True)
net = ev.Sequential([ev.Dense(32), ev.BatchNorm(), ev.ReLU(), ev.Dense(3)])
settings = ev.Settings(net, ev.SoftmaxCrossEntropy(), ev.Adam(3e-3), epochs=30,
                       inputs="standardized")
model = ev.fit(settings, x, y, seed=0)

# %%

file = ev.to_onnx(model)
session = onnxruntime.InferenceSession(file.SerializeToString())
(feed,) = session.get_inputs()
theirs = session.run(None, {feed.name: x.astype(np.float32)})[0]
ours = model.predict(x)
print(f"{len(file.SerializeToString()):,} bytes; largest difference "
      f"{np.abs(theirs - ours).max():.0e} of scores up to {np.abs(ours).max():.0f}")
print("same answers:", (theirs.argmax(axis=1) == ours.argmax(axis=1)).all())

left, right = plt.subplots(1, 2)[1]
left.plot(ours, theirs, ".")
left.set(xlabel="score by Evenly", ylabel="score by ONNX Runtime")
right.hist((theirs - ours).ravel(), bins=40)
right.set(xlabel="difference", ylabel="scores")
right.ticklabel_format(axis="x", scilimits=(0, 0))
plt.show()
