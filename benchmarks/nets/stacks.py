"""The networks of ``networks.py``."""

from __future__ import annotations

from .stack import CLASSES, Part, Stack

_RELU, _NORM, _POOL = Part("relu"), Part("batch_norm"), Part("max_pool")
_HEAD = Part("dense", CLASSES)


def _block(filters: int) -> tuple[Part, ...]:
    return Part("conv", filters), _NORM, _RELU


CNN_28 = Stack("cnn-28", (28, 28, 1), (
    *_block(16), _POOL, *_block(32), _POOL, Part("flatten"),
    Part("dense", 128), _RELU, Part("dropout"), _HEAD,
), about="28x28x1")
CNN_32 = Stack("cnn-32", (32, 32, 3), (
    *_block(32), *_block(32), _POOL, *_block(64), *_block(64), _POOL,
    *_block(128), *_block(128), _POOL, Part("global_average_pool"), _HEAD,
), about="32x32x3")


def _basic(filters: int, stride: int = 1) -> tuple[Part, ...]:
    """He et al. 2016, figure 5 left; where the shape changes the shortcut is a convolution."""
    inner = (Part("conv", filters, stride=stride), _NORM, _RELU, Part("conv", filters), _NORM)
    shortcut = (Part("conv", filters, size=1, stride=stride), _NORM) if stride > 1 else ()
    return Part("residual", inner=inner, shortcut=shortcut), _RELU


RESIDUAL = Stack("residual-cnn", (32, 32, 3), (
    *_block(16), *_basic(16), *_basic(16), *_basic(32, 2), *_basic(32), *_basic(64, 2),
    *_basic(64), Part("global_average_pool"), _HEAD,
), about="32x32x3")


def recurrent(kind: str) -> Stack:
    """Rows of a picture as steps; the last state is classified."""
    name = kind.replace("_", "-")
    layers = "2 x 128, both ways" if kind == "bi_lstm" else "128"
    return Stack(name, (28, 28), (Part(kind, 128), _HEAD),
                 about=f"28x28, {layers}")


_VOCABULARIES = (2, 3, 5, 8, 16, 50, 200, 1000)
EMBEDDING = Stack("embedding-mlp", (10 + len(_VOCABULARIES),), (
    Part("embeddings", 8, vocabularies=_VOCABULARIES), Part("dense", 256), _RELU,
    Part("dense", 256), _RELU, _HEAD,
), 256, about="10 + 8 categories, 256-256, batch 256")


def batch_ensemble(members: int) -> Stack:
    """TabM's network without its embeddings of numbers."""
    return Stack(f"batch-ensemble-{members}", (64,), (
        Part("members", members), Part("batch_ensemble", 256, scales_inputs=False), _RELU,
        Part("batch_ensemble", 256), _RELU, Part("member_dense", CLASSES), Part("member_mean"),
    ), 256, about="64-256-256-10, batch 256")


NETS = (
    CNN_28, CNN_32, RESIDUAL, *map(recurrent, ("lstm", "rnn", "gru", "bi_lstm")), EMBEDDING,
    batch_ensemble(16), batch_ensemble(32),
)
