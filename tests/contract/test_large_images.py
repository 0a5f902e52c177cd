"""One large example is work for a whole team: its bands are cut by its shape, and its bits are the
same for any number of threads."""

import numpy as np
import pytest

import evenly as ev
from tests.contract.common import TOLERANCE, arrays_for, error, values
from tests.contract.test_kernels import check

FLAT, DEEP = (512, 512, 3), (128, 128, 64)
# What runs on one large image, and in how many phases of its forward and of its backward pass the
# team shares at least 16 tasks: all of them, but for those that see a number a channel.
SHARED = {
    "convolution": (ev.Conv2D(16, 3, padding="same"), FLAT, 1, 1),
    "wide convolution": (ev.Conv2D(64, 3, padding="same"), DEEP, 1, 2),
    "strided convolution": (ev.Conv2D(32, 3, stride=2), DEEP, 1, 2),
    "1x1 convolution": (ev.Conv2D(16, 1), DEEP, 1, 2),
    "depthwise": (ev.DepthwiseConv2D(3, padding="same"), DEEP, 1, 2),
    "strided depthwise": (ev.DepthwiseConv2D(3, stride=2), DEEP, 1, 2),
    "steps": (ev.Conv1D(32, 5, padding="same"), (2**14, 32), 1, 1),
    "max pool": (ev.MaxPool2D(2), DEEP, 1, 1),
    "overlapping max pool": (ev.MaxPool2D(3, stride=2, padding=1), FLAT, 1, 1),
    "large max pool": (ev.MaxPool2D(17, stride=8), FLAT, 1, 1),
    "average pool": (ev.AveragePool2D(2), DEEP, 1, 1),
    "overlapping average pool": (ev.AveragePool2D(3, stride=1, padding="same"), DEEP, 1, 1),
    "global max pool": (ev.GlobalMaxPool(), DEEP, 1, 1),
    "global average pool": (ev.GlobalAveragePool(), FLAT, 1, 1),
    "group norm": (ev.GroupNorm(8), DEEP, 2, 2),
    "instance norm": (ev.InstanceNorm(), FLAT, 2, 2),
    "layer norm": (ev.LayerNorm(), DEEP, 1, 1),
    "layer norm of the image": (ev.LayerNorm(3), FLAT, 3, 2),
    "rms norm of the image": (ev.RMSNorm(3), FLAT, 2, 2),
    "batch norm": (ev.BatchNorm(), DEEP, 2, 2),
    "softmax": (ev.Softmax(), DEEP, 1, 1),
    "spatial dropout": (ev.SpatialDropout(0.5), DEEP, 1, 1),
    "embedding": (ev.Embedding(1000, 64), (4096,), 1, 1),
}


def engine_of(layers, shape, batch=1, threads=1, dtype="float32", **settings):
    net = ev.Sequential(layers if isinstance(layers, list) else [layers])
    program = ev.compile(net, shape, batch=batch, dtype=dtype, **settings)
    arrays = arrays_for(program.net, shape, 3, dtype)
    return ev.Engine(program, seed=3, threads=threads, weights=arrays)


@pytest.mark.parametrize("name", SHARED)
def test_one_large_image_is_work_for_sixteen_threads(name):
    layer, shape, *phases = SHARED[name]
    engine = engine_of(layer, shape)
    x = values(0, (1, *shape), "float32")
    if isinstance(layer, ev.Embedding):
        x = np.floor(np.abs(x) * 300 % 1000)
    d_y = values(1, (1, *engine.program.output_shape), "float32")
    y = engine.forward(x)
    engine.backward(d_y)
    assert np.isfinite(y).all()
    for key, expected in zip(("forward", "backward"), phases, strict=True):
        tasks = [count for number in range(len(engine.program.lists[key]))
                 for count, seconds in engine.phases(key, number, x, output_gradient=d_y)]
        assert sum(count >= 16 for count in tasks) >= expected, (key, tasks)


def test_the_moments_and_the_loss_of_one_image_are_shared_too():
    layers = [ev.Conv2D(16, 3, padding="same"), ev.BatchNorm(), ev.ReLU(), ev.Conv2D(4, 1),
              ev.Reshape((512 * 512, 4))]
    loss = ev.SoftmaxCrossEntropy(ignore_index=-1)
    engine = engine_of(layers, FLAT, loss=loss)
    x = values(0, (1, *FLAT), "float32")
    y = np.arange(512 * 512, dtype=np.int32).reshape(1, -1) % 5 - 1
    lines = engine.program.lists["gradient"]
    tasks = {}
    for number, line in enumerate(lines):
        found = [count for count, _ in engine.phases("gradient", number, x, y)]
        tasks[" ".join((line.operation, *line.layers))] = sum(count >= 16 for count in found)
    # the products, the moments of the bands; the weights, the losses
    assert tasks["convolution.forward conv2d_1"] == 2
    assert tasks["softmax_cross_entropy"] == 2
    assert all(tasks.values()) or [name for name, count in tasks.items() if not count] == [
        "gradient_check"]


IMAGE = [ev.Conv2D(12, 3, padding="same"), ev.BatchNorm(), ev.ReLU(),
         ev.MaxPool2D(3, stride=2, padding=1), ev.DepthwiseConv2D(3, padding="same"), ev.Tanh(),
         ev.GroupNorm(3), ev.Sigmoid(), ev.Dropout(0.3), ev.Conv2D(24, 3, stride=2),
         ev.InstanceNorm(), ev.AveragePool2D(3, stride=1, padding="same"), ev.LayerNorm(3),
         ev.Dropout(0.2), ev.DepthwiseConv2D(3, stride=2), ev.Branches(
             [ev.GlobalMaxPool(), ev.GlobalAveragePool()], "concatenate"), ev.Dense(3)]
PIXELS = [ev.Conv2D(12, 3, padding="same"), ev.BatchNorm(), ev.RMSNorm(3),
          ev.Branches([ev.GlobalMaxPool(), ev.GlobalAveragePool()]), ev.Dense(5)]
SEGMENTS = [ev.Conv2D(8, 3, padding="same"), ev.GroupNorm(2), ev.ReLU(), ev.Conv2D(4, 1),
            ev.Reshape((160 * 128, 4))]
TRAINED = {
    "image": (IMAGE, (160, 128, 6), 1, ev.MeanSquaredError()),
    "images": (IMAGE, (160, 128, 6), 3, ev.MeanSquaredError()),
    "pixels": (PIXELS, (96, 64, 3), 2, ev.MeanSquaredError()),
    "segments": (SEGMENTS, (160, 128, 3), 2,
                 ev.SoftmaxCrossEntropy(ignore_index=-1, class_weights=(1, 2, 3, 0.5))),
}


@pytest.mark.parametrize("name", TRAINED)
def test_any_number_of_threads_gives_the_same_bits(name):
    layers, shape, batch, loss = TRAINED[name]
    found = []
    for threads in (1, 2, 3, 16):
        engine = engine_of(layers, shape, batch, threads, loss=loss, optimizer=ev.SGD(0.05))
        rng = np.random.default_rng(0)
        x = 3 + rng.standard_normal((2 * batch, *shape))
        x[0, 5, 5] = 1e4
        out = (len(x), *engine.program.output_shape)
        y = rng.integers(-1, 4, out[:-1]) if loss.targets_are_classes else rng.standard_normal(out)
        x, y = engine.rows(x), engine.targets(y)
        losses = np.concatenate(list(engine.train(x, y, np.arange(len(x)), batch)))
        arrays = np.concatenate([a.ravel() for a in engine.arrays.values()])
        assert np.isfinite(arrays).all()
        found.append((losses.tobytes(), arrays.tobytes(), engine.predict(x).tobytes()))
    assert found[1:] == found[:1] * 3


def test_an_embedding_is_the_same_where_threads_outnumber_its_columns():
    x = np.random.default_rng(0).integers(0, 50, (1, 3000)).astype(np.float32)
    d_y = values(1, (1, 3000, 24), "float32")
    found = []
    for threads in (1, 2, 3, 16):
        engine = engine_of(ev.Embedding(50, 24), (3000,), threads=threads)
        engine.forward(x)
        found.append(engine.backward(d_y)[1]["embedding_1.table"].tobytes())
    assert found[1:] == found[:1] * 3


# Bands of every kind at shapes where several are cut, and the many images that share no bands.
MIDDLE = {
    "conv": (ev.Conv2D(13, 3, padding="same"), (90, 61, 5)),
    "strided conv": (ev.Conv2D(5, 3, stride=2, padding=2, dilation=2), (90, 31, 6)),
    "gaps": (ev.Conv2D(5, 2, stride=3), (90, 31, 6)),
    "panels": (ev.Conv2D(70, 3, groups=2), (20, 20, 60)),
    "depthwise": (ev.DepthwiseConv2D((5, 3), padding="same", dilation=(2, 1)), (90, 31, 6)),
    "strided depthwise": (ev.DepthwiseConv2D(3, stride=(2, 3), padding=1), (90, 31, 6)),
    "conv and norm": ([ev.Conv2D(16, 3), ev.BatchNorm(epsilon=1e-3)], (120, 100, 3)),
    "max": (ev.MaxPool2D(3, stride=2, padding=1), (90, 61, 7)),
    "max with gaps": (ev.MaxPool2D(2, stride=3, dilation=2), (90, 61, 7)),
    "wide max": (ev.MaxPool2D(17, stride=9), (90, 61, 7)),
    "average": (ev.AveragePool2D((4, 3), stride=(3, 1), padding=1), (90, 61, 7)),
    "global": (ev.Branches([ev.GlobalMaxPool(), ev.GlobalAveragePool()]), (90, 61, 67)),
    "steps": (ev.Branches([ev.GlobalMaxPool(), ev.GlobalAveragePool()]), (9001, 5)),
    "group": ([ev.GroupNorm(3, epsilon=1e-3), ev.Tanh()], (90, 61, 15)),
    "instance": (ev.InstanceNorm(epsilon=1e-3), (9001, 5)),
    "layer": ([ev.LayerNorm(3, epsilon=1e-3), ev.Tanh()], (90, 61, 7)),
    "rms": (ev.RMSNorm(3, epsilon=1e-3), (90, 61, 7)),
}


@pytest.mark.parametrize("rows", [2, pytest.param(17, marks=pytest.mark.sweep)])
@pytest.mark.parametrize("dtype", ["float32", pytest.param("float64", marks=pytest.mark.sweep)])
@pytest.mark.parametrize("name", MIDDLE)
def test_bands_compute_what_the_definition_says(name, dtype, rows):
    layers, shape = MIDDLE[name]
    net = ev.Sequential(layers if isinstance(layers, list) else [layers])
    check(net, shape, rows, rows, dtype, 5, "", 2)


@pytest.mark.sweep
@pytest.mark.parametrize("name", [name for name in SHARED if name not in (
    "embedding", "spatial dropout", "softmax", "batch norm")])
def test_the_largest_images_agree_with_their_definition(name):
    layer, shape, *_ = SHARED[name]
    check(ev.Sequential([layer]), shape, 1, 1, "float32", 5, "", 2)


@pytest.mark.parametrize("name", ["conv", "strided conv", "depthwise", "max", "average", "group",
                                  "instance", "layer"])
def test_torch_says_the_same_of_one_image(name):
    import torch

    layers, shape = MIDDLE[name]
    engine = engine_of(layers, shape, dtype="float64")
    model = ev.init(ev.Sequential(layers if isinstance(layers, list) else [layers]), shape,
                    dtype="float64")
    for key, value in model.weights.items():
        value[...] = engine.arrays[key]
    x = values(0, (1, *shape))
    d_y = values(1, (1, *engine.program.output_shape))
    y = engine.forward(x)
    d_x, _ = engine.backward(d_y)
    images = torch.tensor(np.moveaxis(x, -1, 1) if len(shape) == 3 else x, requires_grad=True)
    out = ev.to_torch(model)(images)
    theirs = out.detach().numpy()
    if theirs.shape != y.shape:
        theirs = np.moveaxis(theirs, 1, -1)
    assert error(y, theirs) < TOLERANCE["float64"]
    moved = d_y if out.shape == d_y.shape else np.moveaxis(d_y, -1, 1)
    out.backward(torch.tensor(moved))
    gradient = images.grad.numpy()
    gradient = gradient if gradient.shape == x.shape else np.moveaxis(gradient, 1, -1)
    assert error(d_x, gradient) < 1e-11


def test_a_row_says_the_same_alone_and_among_many():
    """Bands are cut by the example: how many examples there are changes no bit of one."""
    for layers in ([ev.GroupNorm(5)], [ev.InstanceNorm()], [ev.GlobalAveragePool()],
                   [ev.GlobalMaxPool()], [ev.Conv2D(5, 3)], [ev.DepthwiseConv2D(3)]):
        engine = engine_of(layers, (90, 61, 10), batch=40)
        x = values(0, (40, 90, 61, 10), "float32")
        many = engine.predict(x)
        for first, rows in ((0, 1), (3, 5), (20, 17)):
            assert engine.predict(x[first : first + rows]).tobytes() == many[
                first : first + rows].tobytes(), layers
