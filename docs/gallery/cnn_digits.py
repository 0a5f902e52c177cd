"""A convolutional network, and what its filters answer to

You see the eight filters of the first layer, and what each makes of one digit: some answer to
edges of one side, some to ink. Nobody told them; they are what helped to tell ten digits apart.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

import evenly as ev

images, y = load_digits().images[..., None] / 8 - 1, load_digits().target
net = ev.Sequential([ev.Conv2D(8, 3, padding="same"), ev.ReLU(), ev.MaxPool2D(2),
                     ev.Conv2D(16, 3, padding="same"), ev.BatchNorm(), ev.ReLU(), ev.Flatten(),
                     ev.Dropout(0.3), ev.Dense(10)])
model = ev.fit(net, images[:1400], y[:1400], loss=ev.SoftmaxCrossEntropy(),
               optimizer=ev.Adam(3e-3), epochs=10, seed=0)
print(f"accuracy on new digits {model.evaluate(images[1400:], y[1400:]).score:.3f}, "
      f"with {model.engine.program.parameters:,} parameters")

# %%
# The first two layers by themselves, with the weights that were learned.

first = ev.init(ev.Sequential(net.layers[:2]), images.shape[1:])
for name, array in first.weights.items():
    array[:] = model.weights[name]
answers = first.predict(images[3:4])[0]

axes = plt.subplots(2, 9, figsize=(9, 2.4))[1]
for panel in axes.flat:
    panel.axis("off")
axes[0, 0].imshow(images[3, ..., 0], cmap="gray_r")
axes[0, 0].set_title("digit", fontsize=8)
kernels = first.weights["conv2d_1.kernel"]
for place in range(8):
    axes[0, place + 1].imshow(kernels[:, :, 0, place], cmap="RdBu", vmin=-1, vmax=1)
    axes[1, place + 1].imshow(answers[:, :, place], cmap="gray_r", vmin=0, vmax=answers.max())
axes[0, 4].set_title("filters (blue: above 0), and below them their answers", fontsize=8)
plt.show()
print(f"a filter is silent on {np.mean(answers == 0):.0%} of the places of this digit")
