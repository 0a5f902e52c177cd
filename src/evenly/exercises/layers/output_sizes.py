"""How large the output of convolutions and pooling is, and how many parameters they have."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import DataError
from ..base import Ask, Inputs, Solution, Topic, by_name
from ..calculation import Draft, pick, sizes_of, whole_numbers
from ..friendly import whole

_MOST = 10**5
# The layers of each level, in order.
_STAGES = (("conv_1",), ("conv_1", "pool_1"), ("conv_1", "pool_1", "conv_2"))
_LARGE = ("rows", "columns")


def _draw(rng: np.random.Generator, level: int) -> Inputs:
    def conv(windows: tuple[int, ...]) -> list[int]:
        window = pick(rng, windows)
        return [window, int(rng.integers(1, 3)), int(rng.integers(0, window // 2 + 1)),
                int(rng.integers(3, 33))]

    first, second = conv((3, 5, 7)), conv((3, 5))
    window = pick(rng, (2, 3))
    # So large that something is left of it behind all layers.
    image = 40 + whole(rng, 12, 2)
    return {"image": [*image, pick(rng, (1, 3, 4))], "conv_1": first,
            "pool_1": [window, pick(rng, (1, 2, window))], "conv_2": second,
            "units": int(rng.integers(2, 21))}


def _solve(inputs: Inputs, level: int) -> Solution:
    sizes_of(inputs, image="3", conv_1="4", pool_1="2", conv_2="4", units="")
    for name in inputs:
        whole_numbers(name, inputs[name], 0, _MOST)
    draft = Draft()
    image = draft.given("image", inputs["image"], "The image: rows, columns, channels")
    at, channels = [image[0], image[1]], image[2]
    lines, total = [], []
    for layer in _STAGES[level - 1]:
        conv, own = layer.startswith("conv"), inputs[layer]
        word = "Convolution" if conv else "Pooling"
        setting = draft.given(layer, own, f"{word} {layer[-1]}: window, stride" +
                              (", padding, filters" if conv else ""))
        window, stride, padding = setting[0], setting[1], setting[2] if conv else 0
        if not own[0] or not own[1] or (conv and not own[3]):
            raise DataError(f"{layer}: window, stride and filters must be at least 1, got "
                            f"{[int(v) for v in own]}")
        run = draft.run("forward", layer=layer)
        for k, side in enumerate(_LARGE):
            size = run.xp.floor((at[k] + 2 * padding - window) / stride) + 1
            at[k] = run.note(side, size, f"floor(({side} + 2 padding - window) / stride) + 1"
                             if conv else f"floor(({side} - window) / stride) + 1")
            if float(size) < 1:
                raise DataError(f"{layer}: its window of {int(own[0])} does not fit into what "
                                "comes in: give a smaller window, or a larger image")
            draft.ask(Ask(f"{layer}.{side}", f"{word} {layer[-1]}: {side} of its output",
                          "From how many places can the window start? What does not fill a whole "
                          "stride is left out."))
        filters = setting[3] if conv else channels
        if conv:
            weights = window * window * channels * filters
            total.append(run.note("parameters", weights + filters,
                                  "window window channels filters + filters"))
            draft.ask(Ask(f"{layer}.parameters", f"Its parameters (convolution {layer[-1]})",
                          "A filter has a window of weights for each channel, and one bias."))
        channels = filters
        run.note("numbers", at[0] * at[1] * channels, "rows columns channels")
        draft.ask(Ask(f"{layer}.numbers", f"The numbers in its output ({word.lower()} {layer[-1]})",
                      "As many channels as filters." if conv else "Pooling leaves the channels."))
        lines.append(f"{word.lower()} {layer[-1]}")
    draft.say(f"An image goes through {', then '.join(lines)}. Windows are square, the stride is "
              "the same along both sides, and the padding lies on every side. Behind padding, an "
              "output has floor((size + 2 padding - window) / stride) + 1 positions along a side; "
              "pooling has no padding and no parameters. Each filter has a bias.")
    if level == 3:
        units = draft.given("units", np.asarray(inputs["units"], object), "Units of a linear layer "
                            "behind it, on all numbers of the last output, with biases")
        run = draft.run("forward", layer="dense_1")
        dense: Any = run.note("parameters", at[0] * at[1] * channels * units + units,
                              "numbers units + units")
        draft.run("forward").note("parameters", sum(total, dense), "all parameters")
        draft.ask(Ask("dense_1.parameters", "The parameters of the linear layer",
                      "Every number of the last output meets every unit."),
                  Ask("parameters", "The parameters of the whole network",
                      "Which layers have none?"))
    return draft.solution({"": ("",)}, layers=_STAGES[level - 1])


TOPICS = by_name(Topic(
    "output-size", "Output size and parameters of convolution and pooling",
    "Along a side an output has floor((size + 2 padding - window) / stride) + 1 positions; a "
    "convolution has window^2 channels filters + filters parameters, pooling has none.",
    ("a convolution", "and pooling", "another convolution, and a linear layer"), (), _draw, _solve,
    {"image": "(3,): rows, columns, channels",
     "conv_1": "(4,): window, stride, padding, filters", "pool_1": "(2,): window, stride",
     "conv_2": "(4,): window, stride, padding, filters", "units": "a whole number, for level 3"},
))
