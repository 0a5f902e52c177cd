"""What a network makes of each column

You see how much worse the answers get when a column is shuffled, and how the mean answer moves
along the most important one: it rises with the size and bends at 100 as the prices do. The column
that is noise stands at zero, as it should.
"""

import matplotlib.pyplot as plt
import numpy as np
import polars as pl

import evenly as ev
from evenly import explain

rng = np.random.default_rng(0)
size = rng.uniform(20, 180, 1200).round()
zone = rng.choice(["north", "south", "centre"], 1200)
price = np.minimum(size, 100) * 3 + 60 * (zone == "centre") + 15 * rng.standard_normal(1200)
table = pl.DataFrame({"size": size, "zone": zone, "noise": rng.standard_normal(1200),
                      "price": price})
model = ev.TableRegressor(32, effort="fast", max_epochs=60, quiet=True, random_state=0)
model.fit(table, "price")

# %%
# Both look at rows that were held out of the training.

answers, rows, notes = explain.answers_of(model, table)
held_out = answers.rows(model.held_out_)
columns = ("size", "zone", "noise")
worth = {one.column: one.mean for one in explain.importance(held_out, columns)}
values, _ = model.columns_.values(held_out.frame)
curve = explain.dependence(held_out, "size", "number", values["size"], target="price")
for column in columns:
    print(f"{column}: R2 falls by {worth[column]:.2f} when it is shuffled")

left, right = plt.subplots(1, 2)[1]
left.barh(columns[::-1], [worth[column] for column in columns[::-1]])
left.set(xlabel="fall of R2")
at = np.array([point.place for point in curve.points])
means = np.array([point.answers[0] for point in curve.points])
right.plot(at, means, "o-", label="network")
right.plot(at, np.minimum(at, 100) * 3 + 20, ":", color="0.5", label="how prices were made")
right.set(xlabel="size", ylabel="mean price")
right.legend()
plt.show()
