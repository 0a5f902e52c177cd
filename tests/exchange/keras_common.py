"""Keras models compared with ours: outputs, gradients, and the way back."""

import os
from contextlib import contextmanager, nullcontext
from importlib.util import find_spec

import numpy as np
import pytest

import evenly as ev
from evenly.probes.keras_gradients import _differentiated
from tests.contract.common import error, values

os.environ.setdefault("KERAS_BACKEND", "jax" if find_spec("jax") else "torch")
pytest.importorskip(os.environ["KERAS_BACKEND"], reason="a backend of Keras is needed")
keras = pytest.importorskip("keras", reason="Keras is needed")
if keras.config.backend() not in ("jax", "torch"):
    pytest.skip("Keras runs on another backend", allow_module_level=True)
L = keras.layers
# Keras and JAX warn of their own parts.
QUIET = [pytest.mark.filterwarnings("ignore::DeprecationWarning"),
         pytest.mark.filterwarnings("ignore::UserWarning:keras")]


@contextmanager
def precision(dtype):
    """Keras makes layers of this type, and computes in it: by itself it takes float64 for float32
    on its way through many operations, unless the backend is TensorFlow."""
    from keras.src.backend.common.dtypes import BIT64_TO_BIT32_DTYPE

    before = keras.config.dtype_policy(), keras.config.floatx()
    allowed = nullcontext()
    if keras.config.backend() == "jax":
        import jax

        allowed = jax.enable_x64(dtype == "float64")
    with allowed:
        keras.config.set_floatx(dtype)
        BIT64_TO_BIT32_DTYPE["float64"] = dtype
        keras.config.set_dtype_policy(dtype)
        try:
            yield
        finally:
            keras.config.set_dtype_policy(before[0])
            keras.config.set_floatx(before[1])
            BIT64_TO_BIT32_DTYPE["float64"] = "float32"


def as_array(tensor):
    return np.array(keras.ops.convert_to_numpy(tensor))


def sequential(shape, *layers):
    return keras.Sequential([keras.Input(shape), *layers])


def turned(x, first):
    """Our batch with the channels first, where Keras has them there."""
    return np.moveaxis(x, -1, 1) if first and x.ndim > 2 else x


def back(y, first):
    return np.moveaxis(y, 1, -1) if first and y.ndim > 2 else y


def randomize(model, seed):
    """Weights that are not the first ones."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        resting = weight.name in ("scale", "count") and not weight.trainable
        if not resting and "seed" not in weight.path:
            value = rng.standard_normal(weight.shape)
            value /= max(1, np.prod(weight.shape[:-1])) ** 0.5
            weight.assign(0.5 + np.abs(value) if "variance" in weight.name else value)


def compare(model, shape, seed, n=4, first=False, last_first=None, tolerance=1e-11, integers=0,
            training=True):
    """Predictions in inference mode; outputs, input and parameter gradients in training mode; the
    same bits after the way there and back."""
    last_first = first if last_first is None else last_first
    randomize(model, seed)
    ours = ev.from_keras(model, shape)
    x = values(seed, (n, *shape))
    if integers:
        x = np.random.default_rng(seed).integers(0, integers, x.shape).astype(float)
    theirs = keras.ops.convert_to_tensor(turned(x, first), dtype=model.inputs[0].dtype)
    wanted = back(as_array(model(theirs, training=False)), last_first)
    assert error(ours.predict(x), wanted, 1.0) < tolerance

    written = ev.to_keras(ours, channels_first=first)
    again = ev.from_keras(written)
    assert (again.predict(x) == ours.predict(x)).all()
    assert {name: a.tolist() for name, a in again.weights.items()} == {
        name: a.tolist() for name, a in ours.weights.items()}
    y = back(as_array(written(theirs, training=False)), first)
    assert error(y, wanted, 1.0) < tolerance
    if training and not integers:
        _compare_gradients(model, ours, x, seed, first, last_first, tolerance)
    return ours


def _compare_gradients(model, ours, x, seed, first, last_first, tolerance):
    d_y = values(seed + 1, (len(x), *ours.engine.program.output_shape))
    upstream = keras.ops.convert_to_tensor(turned(d_y, last_first))
    fixed = [v.value for v in model.non_trainable_variables]

    def run(trained, given):
        y, _ = model.stateless_call(trained, fixed, given[0], training=True)
        return keras.ops.sum(y * upstream), y

    given = keras.ops.convert_to_tensor(turned(x, first))
    try:
        (_, y), (gradients, (d_x,)) = _differentiated(
            run, [v.value for v in model.trainable_variables], [given])
    except RuntimeError as failure:
        # PyTorch has no gradient of some convolutions in float64 with Keras's kernels.
        if "grad_weight must be contiguous" not in str(failure):
            raise
        return
    program = ev.compile(ours.net, ours.input_shape, batch=len(x), dtype=ours.engine.program.dtype)
    engine = ev.Engine(program, weights=ours.weights)
    assert error(engine.forward(x), back(as_array(y.detach() if hasattr(y, "detach") else y),
                                         last_first), 1.0) < tolerance
    own_d_x, own = engine.backward(d_y)
    assert error(own_d_x, back(as_array(d_x), first), 1.0) < 100 * tolerance
    # Gradients lie as weights do: those of Keras are put in its place and converted.
    for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
        value = as_array(gradient)
        if variable.name == "bias" and value.ndim == 2:
            # Ours is one bias, but for the part of a GRU's that the reset gate multiplies.
            value[1, : 2 * value.shape[1] // 3] = 0
        variable.assign(value)
    wanted = ev.from_keras(model, ours.input_shape).weights
    resting = [name for name, layer in ours.net.named_layers() if getattr(layer, "frozen", False)]
    for name, gradient in own.items():
        if (np.abs(gradient) == 0).all() or name.rpartition(".")[0] in resting:
            continue  # a bias in front of a normalization: theirs is rounding
        assert error(gradient, wanted[name], 10.0) < 100 * tolerance, name
