"""Two techniques, compared in pairs

You see twelve blocks as lines from plain to technique: with batch normalization nearly all rise,
with dropout most fall. Networks of one block share data, first weights and batches, so what is
compared comes in pairs. The verdict is more careful than the eye: the blocks split one small table
anew and overlap, so its intervals are wide.
"""

import matplotlib.pyplot as plt
import numpy as np

import evenly as ev
from evenly.claims import Study, more, run
from evenly.claims.data import split
from evenly.claims.training import train

LEVELS = ("plain", "batch norm", "dropout")
BETWEEN = {"plain": [], "batch norm": [ev.BatchNorm()], "dropout": [ev.Dropout(0.3)]}


def measure(case):
    data = split("wine", case, standardize=True)
    hidden = [layer for _ in range(3)
              for layer in (ev.Dense(16), *BETWEEN[case["technique"]], ev.Sigmoid())]
    net = ev.Sequential([*hidden, ev.Dense(3)])
    done = train(case, net, data, epochs=15, optimizer=ev.Adam(3e-3))
    return {"accuracy": done.test}


STUDY = Study(
    name="two-techniques", claim="Both techniques help three sigmoid layers on their way.",
    source="an example", factors={"technique": LEVELS}, technique=("technique",),
    measure=measure, test_ratio=1 / 3,
    parts=tuple(more("accuracy", {"technique": level}, than={"technique": "plain"},
                     unit="points", factor=100, digits=1) for level in LEVELS[1:]),
)

# %%

result = run(STUDY, blocks=12)
print(result)
frame = result.frame()
scores = {level: frame[frame["technique"] == level].sort_values("block")["accuracy"].to_numpy()
          for level in LEVELS}

axes = plt.subplots(1, 2, sharey=True)[1]
for level, panel in zip(LEVELS[1:], axes, strict=True):
    pairs = np.array([scores["plain"], scores[level]])
    panel.plot(pairs, "o-", color="0.7", markersize=4)
    panel.plot(pairs.mean(axis=1), "o-", color="C1", linewidth=2.5)
    panel.set_xticks((0, 1), ("plain", level))
    panel.set(xlim=(-0.3, 1.3))
axes[0].set_ylabel("accuracy on new rows")
plt.show()
