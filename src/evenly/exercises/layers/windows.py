"""Convolution and pooling by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...byhand.work import work_out
from ...layers import (
    AveragePool2D,
    Conv1D,
    Conv2D,
    Dense,
    GlobalAveragePool,
    GlobalMaxPool,
    Layer,
    MaxPool2D,
    Sequential,
)
from ..base import Ask, Inputs, Size, Solution, Topic, by_name, expect_shape
from ..calculation import count, fits, pick, sizes_of
from ..friendly import not_zero, whole

_FIELDS = {
    "stride": "a whole number: positions from one window to the next",
    "padding": "a whole number: how wide the border of zeros is",
}


def _positions(size: int, window: int, stride: int, padding: int) -> int:
    return (size + 2 * padding - window) // stride + 1


def _outputs(net: Layer, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of the output; DataError where the windows do not fit."""
    def checked() -> tuple[int, ...]:
        net.check(shape, "")
        return net.output_shape(shape)

    found: tuple[int, ...] = fits(checked)
    return found


# Convolution --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Convolution:
    rank: int
    layer: Callable[..., Layer]
    what: str


def _draw_convolution(own: _Convolution, rng: np.random.Generator, level: int, size: int,
                      window: int) -> Inputs:
    stride, padding = ((1, 0), (pick(rng, (1, 2)), 1), (1, 0))[level - 1]
    outputs = _positions(size, window, stride, padding)
    kernel = whole(rng, 2, (window,) * own.rank)
    while np.count_nonzero(kernel) < 2:
        kernel = whole(rng, 2, (window,) * own.rank)
    drawn = {"x": rng.integers(0, 6, (size,) * own.rank), "kernel": kernel,
             "bias": not_zero(rng, 3, ()), "stride": stride, "padding": padding}
    return {**drawn, "d_y": not_zero(rng, 2, (outputs,) * own.rank)}


def _solve_convolution(own: _Convolution, inputs: Inputs, level: int) -> Solution:
    rank = own.rank
    x, kernel = np.asarray(inputs["x"], object), np.asarray(inputs["kernel"], object)
    expect_shape("x", x, *[None] * rank)
    expect_shape("kernel", kernel, *[None] * rank)
    expect_shape("bias", inputs["bias"])
    stride, padding = count(inputs, "stride", 1, 9), count(inputs, "padding", 0, 9)
    net = fits(lambda: Sequential([own.layer(1, kernel.shape, stride=stride, padding=padding)]))
    name = "conv2d_1" if rank == 2 else "conv1d_1"
    d_y = None
    if level == 3:
        outputs = _outputs(net, (*x.shape, 1))
        expect_shape("d_y", inputs["d_y"], *outputs[:-1])
        d_y = np.asarray(inputs["d_y"], object)[None, ..., None]
    weights = {f"{name}.kernel": kernel[..., None, None],
               f"{name}.bias": np.asarray(inputs["bias"], object).reshape(1)}
    work = fits(lambda: work_out(net, x[None, ..., None], weights=weights, d_y=d_y, exact=True))
    given = {"x": f"The {own.what}", f"{name}.kernel": "The kernel", f"{name}.bias": "The bias"}
    asked: tuple[Ask, ...] = ()
    if padding:
        asked = (Ask(f"{name}.padded", f"The {own.what} with zeros around it",
                     "The border lies on every side."),)
    asked += (
        Ask(f"{name}.product", "The kernel at each place",
            "Lay the kernel on the window, multiply place by place, add up. It is not mirrored."),
        Ask(f"{name}.y", "The output", "Add the bias everywhere."),
    )
    text = (f"A convolution with one filter slides over one {own.what} with a single channel. "
            f"The stride is {stride}; " + (
                f"a border of zeros, {padding} wide, is put around it."
                if padding else "there is no padding."),
            "As everywhere in deep learning the kernel is not mirrored.")
    if level == 3:
        given["d_y"] = "The gradient of the loss on the output"
        asked += (
            Ask(f"{name}.d_kernel", "Backward: the gradient of the kernel",
                "Each place of the kernel met one number of every window: multiply these with the "
                "gradients of the windows, add up."),
            Ask(f"{name}.d_bias", "The gradient of the bias", "It met every output."),
            Ask(f"{name}.d_x", f"The gradient on the {own.what}",
                "Each number was met by several windows: for each, the gradient there times the "
                "kernel's number that stood on it."),
        )
    return Solution(work, text, asked, given,
                    {"layer": name, "stride": stride, "padding": padding})


def _convolution(name: str, title: str, formula: str, own: _Convolution, size: Size,
                 window: Size) -> Topic:
    shape = ", ".join(["positions"] * own.rank)
    return Topic(
        name, title, f"The same linear function of the window at every place: {formula}.",
        ("no padding, stride 1", "padding and stride", "and backward"), (size, window),
        lambda rng, level, **sizes: _draw_convolution(own, rng, level, **sizes),
        lambda inputs, level: _solve_convolution(own, inputs, level),
        {"x": f"({shape}): a single channel", "kernel": f"({shape})", "bias": "a number",
         **_FIELDS, "d_y": f"({shape}): of the output's shape"},
    )


CONVOLUTION = _convolution(
    "convolution", "Convolution", "y[h, w] = bias + sum over i, j of x[h + i, w + j] kernel[i, j]",
    _Convolution(2, Conv2D, "image"), Size("size", 4, 3, 6), Size("window", 2, 2, 3))
CONVOLUTION_1D = _convolution(
    "convolution-1d", "Convolution of a sequence", "y[t] = bias + sum over i of x[t + i] kernel[i]",
    _Convolution(1, Conv1D, "sequence"), Size("size", 6, 4, 10), Size("window", 3, 2, 3))


# Pooling ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Pooling:
    name: str
    layer: Callable[..., Any]
    forward: tuple[Ask, ...]
    backward: tuple[Ask, ...]
    words: str
    draw: Callable[[np.random.Generator, int], Any]


def _different(rng: np.random.Generator, size: int) -> Any:
    """Numbers that are all different: the largest of a window is one."""
    return rng.permutation(size * size).reshape(size, size) - int(rng.integers(0, size * size))


def _averaged(rng: np.random.Generator, size: int) -> Any:
    """Numbers whose windows of 2 by 2 have whole sums of 4: neighbours within a pair of rows and a
    pair of columns make up for each other."""
    x = rng.integers(0, 10, (size, size))
    for h in range(size - 1):
        for w in range(size - 1):
            # The last corner of the window settles the remainder; it lies in no earlier window.
            x[h + 1, w + 1] += -x[h : h + 2, w : w + 2].sum() % 4
    return x


def _draw_pooling(own: _Pooling, rng: np.random.Generator, level: int, windows: int,
                  window: int) -> Inputs:
    stride = window if level != 2 else 1
    size = windows * window if level != 2 else windows + window
    outputs = _positions(size, window, stride, 0)
    x, factor = own.draw(rng, size), 1
    if own.name == "average" and window == 3:
        x, factor = 9 * rng.integers(0, 6, (size, size)), 9
        shifts = rng.integers(0, 3, (2, size))
        x = x + 3 * (shifts[0][:, None] + shifts[1][None])
    elif own.name == "average":
        factor = window * window
    return {"x": x, "window": window, "stride": stride,
            "d_y": factor * not_zero(rng, 3, (outputs, outputs))}


def _solve_pooling(own: _Pooling, inputs: Inputs, level: int) -> Solution:
    x = np.asarray(inputs["x"], object)
    expect_shape("x", x, None, None)
    window, stride = count(inputs, "window", 1, 9), count(inputs, "stride", 1, 9)
    net = Sequential([own.layer(window, stride)])
    shape = (*x.shape, 1)
    outputs = _outputs(net, shape)
    d_y = None
    if level == 3:
        expect_shape("d_y", inputs["d_y"], *outputs[:-1])
        d_y = np.asarray(inputs["d_y"], object)[None, ..., None]
    work = work_out(net, x[None, ..., None], d_y=d_y, exact=True)
    given = {"x": "The image"}
    text = (f"{own.words} The windows have {window} by {window} places, and the stride is "
            f"{stride}; there is no padding.",)
    asked = own.forward
    if level == 3:
        given["d_y"] = "The gradient of the loss on the output"
        asked += own.backward
    return Solution(work, text, asked, given,
                    {"layer": f"{own.name}_pool2d_1", "window": window, "stride": stride})


def _pooling(name: str, title: str, about: str, own: _Pooling) -> Topic:
    return Topic(
        name, title, about,
        ("windows side by side", "windows that overlap", "windows side by side, and backward"),
        (Size("windows", 2, 2, 3), Size("window", 2, 2, 3)),
        lambda rng, level, **sizes: _draw_pooling(own, rng, level, **sizes),
        lambda inputs, level: _solve_pooling(own, inputs, level),
        {"x": "(rows, columns): a single channel", "window": "a whole number",
         "stride": _FIELDS["stride"], "d_y": "(rows, columns): of the output's shape"},
    )


MAX_POOLING = _pooling(
    "max-pooling", "Max pooling", "Each output is the largest number of its window; the gradient "
    "goes to the place where that stood.",
    _Pooling("max", MaxPool2D,
             (Ask("max_pool2d_1.y", "The largest number of each window",
                  "Cut the image into its windows first."),),
             (Ask("max_pool2d_1.d_x", "Backward: the gradient on the image",
                  "The place that won gets its window's gradient. What do the others get?"),),
             "Max pooling makes an image smaller.", _different))
AVERAGE_POOLING = _pooling(
    "average-pooling", "Average pooling", "Each output is the mean of its window; each place of "
    "the window gets the same share of the gradient.",
    _Pooling("average", AveragePool2D,
             (Ask("average_pool2d_1.total", "The sum of each window",
                  "Cut the image into its windows first."),
              Ask("average_pool2d_1.y", "The mean of each window",
                  "Divide by the number of places in a window.")),
             (Ask("average_pool2d_1.share", "Backward: what each place of a window gets",
                  "The window's gradient is shared equally."),
              Ask("average_pool2d_1.d_x", "The gradient on the image",
                  "Each place takes the share of every window that it lies in.")),
             "Average pooling makes an image smaller.", _averaged))


# Global pooling -----------------------------------------------------------------------------------


def _draw_global(rng: np.random.Generator, level: int, size: int, channels: int) -> Inputs:
    """Channels whose numbers are all different, and whose sums are multiples of the places."""
    places = size * size
    x = rng.permuted(np.tile(np.arange(2 * places)[:, None], channels), axis=0)[:places]
    x += rng.integers(-places, places, channels)
    # One number, which stays the largest, brings the mean to a whole number.
    x[x.argmax(axis=0), np.arange(channels)] += -x.sum(axis=0) % places
    return {"x": x.reshape(size, size, channels), "kernel": not_zero(rng, 2, (channels, 2)),
            "bias": not_zero(rng, 3, 2), "d_y": places * not_zero(rng, 3, channels),
            "d_scores": places * not_zero(rng, 2, 2)}


def _solve_global(layer: Callable[[], Layer], inputs: Inputs, level: int) -> Solution:
    units = sizes_of(inputs, x="rows columns channels", kernel="channels units",
                     bias="units", d_y="channels", d_scores="units")[-1]
    largest = layer is GlobalMaxPool
    name, word = (("global_max_pool_1", "largest number") if largest else
                  ("global_average_pool_1", "mean"))
    layers: list[Layer] = [layer()]
    given = {"x": "The image, a table for each channel"}
    asked: tuple[Ask, ...] = (Ask(
        f"{name}.y", f"The {word} of each channel", "Over all places of the image: one number a "
        "channel is left."),)
    text: tuple[str, ...] = (
        f"Global {'max' if largest else 'average'} pooling makes one number of each channel: its "
        f"{word} over all places. It has no window, and no parameters.",)
    gradient, weights = "d_y", dict[str, Any]()
    if level == 3:
        layers.append(Dense(units))
        gradient, weights = "d_scores", {f"dense_1.{k}": inputs[k] for k in ("kernel", "bias")}
        given |= {"dense_1.kernel": "Kernel of a linear layer behind it", "dense_1.bias": "Its "
                  "bias"}
        asked += (Ask("dense_1.y", "The linear layer", "The numbers of the channels times the "
                      "kernel, plus the bias."),)
        text += ("A linear layer follows: it needs a row of weights for each channel, however "
                 "large the image is.",)
    d_y = np.asarray(inputs[gradient], object)[None] if level > 1 else None
    work = work_out(Sequential(layers), np.asarray(inputs["x"], object)[None], weights=weights,
                    d_y=d_y, exact=True)
    if level > 1:
        given["d_y"] = "The gradient of the loss on the output"
    if level == 3:
        asked += (Ask("dense_1.d_kernel", "The gradient of the kernel", "Its input, transposed, "
                      "times the gradient."),
                  Ask("dense_1.d_x", "The gradient on the numbers of the channels",
                      "The gradient times the kernel, transposed."))
    if level > 1:
        asked += (Ask(f"{name}.d_x", "Backward: the gradient on the image",
                      "The place that won gets its channel's gradient, the others get nothing."
                      if largest else "Every place has the same share in the mean."),)
    return Solution(work, text, asked, given, {"layer": name})


def _global(name: str, title: str, about: str, layer: Callable[[], Layer]) -> Topic:
    return Topic(
        name, title, about, ("forward", "and backward", "and a linear layer behind it"),
        (Size("size", 2, 2, 3), Size("channels", 3, 2, 4)), _draw_global,
        lambda inputs, level: _solve_global(layer, inputs, level),
        {"x": "(rows, columns, channels)", "kernel": "(channels, units), for level 3",
         "bias": "(units,), for level 3", "d_y": "(channels,), for level 2",
         "d_scores": "(units,), for level 3"},
    )


GLOBAL_AVERAGE = _global(
    "global-average-pooling", "Global average pooling", "Of each channel the mean over all places "
    "is left; every place gets the same share of the gradient.", GlobalAveragePool)
GLOBAL_MAX = _global(
    "global-max-pooling", "Global max pooling", "Of each channel the largest number is left; its "
    "place gets the gradient.", GlobalMaxPool)

TOPICS = by_name(CONVOLUTION, CONVOLUTION_1D, MAX_POOLING, AVERAGE_POOLING, GLOBAL_AVERAGE,
                 GLOBAL_MAX)
