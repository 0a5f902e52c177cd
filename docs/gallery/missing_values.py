"""A table with holes

You see how the score falls as more cells of a table go missing, and what it is worth that a gap is
told to the network as such: where cells are missing for a reason, the gap itself says something.
Here large values tend to be kept back.
"""

import matplotlib.pyplot as plt
import numpy as np
import polars as pl

import evenly as ev

rng = np.random.default_rng(0)
x = rng.standard_normal((1200, 4))
y = 2 * x[:, 0] + x[:, 1] ** 2 + 0.3 * rng.standard_normal(1200)

# %%
# `TableRegressor` reads gaps as they are: the column's median in their place, and an input more
# that says where they were. The other one gets the medians alone.

shares, told, filled = (0.0, 0.2, 0.4, 0.6), [], []
for share in shares:
    kept_back = rng.random(x.shape) < share * np.where(x > 0, 1.6, 0.4)
    holes = np.where(kept_back, np.nan, x)
    median = np.where(kept_back, np.nanmedian(holes, axis=0), x)
    for cells, scores in ((holes, told), (median, filled)):
        table = pl.DataFrame(dict(zip("abcd", cells.T, strict=True)), nan_to_null=True)
        model = ev.TableRegressor(32, effort="fast", max_epochs=40, quiet=True, random_state=0)
        model.fit(table[:800], y[:800])
        scores.append(model.score(table[800:], y[800:]))
    print(f"{share:.0%} missing: R2 {told[-1]:.2f} with gaps told, {filled[-1]:.2f} filled before")

axes = plt.subplots()[1]
axes.plot(np.multiply(shares, 100), told, "o-", label="gaps as they are")
axes.plot(np.multiply(shares, 100), filled, "o-", label="filled with the median before")
axes.set(xlabel="cells missing, %", ylabel="R2 on new rows", ylim=(0, 1))
axes.legend()
plt.show()
