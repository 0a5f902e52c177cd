"""A layer of one's own: a definition in Python alone. It trains through the same program."""

from dataclasses import dataclass
from typing import Any

import numpy as np

import evenly as ev


@dataclass(frozen=True)
class Gate(ev.Layer):
    """y = x * sigmoid(slope x), with a slope that is learned for each feature."""

    name: str | None = None

    def arrays(self, shape: tuple[int, ...]) -> dict[str, ev.ArraySpec]:
        return {"slope": ev.ArraySpec(shape, ev.Constant(1.0))}

    def forward(self, x: Any, arrays: Any, run: ev.Run) -> Any:
        gate = 1 / (1 + np.exp(-arrays["slope"] * x))
        return x * gate, (x, gate)

    def backward(self, d_y: Any, arrays: Any, saved: Any, run: ev.Run) -> Any:
        x, gate = saved
        d_gate = d_y * x * gate * (1 - gate)
        return d_y * gate + d_gate * arrays["slope"], {"slope": (d_gate * x).sum(axis=0)}


rng = np.random.default_rng(0)
x = rng.standard_normal((500, 2))
y = (x[:, 0] * x[:, 1] > 0).astype(int)  # no straight line parts these

model = ev.fit(
    ev.Sequential([ev.Dense(16), Gate(), ev.Dense(2)]), x, y,
    loss=ev.SoftmaxCrossEntropy(), optimizer=ev.Adam(0.03), epochs=40, seed=0,
)
print(f"training accuracy {model.evaluate(x, y).score:.3f}")
print(f"learned slopes {model.weights['gate_1.slope'].min():.2f} to "
      f"{model.weights['gate_1.slope'].max():.2f}")
