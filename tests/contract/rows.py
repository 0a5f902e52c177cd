"""The table of layers, losses and optimizers. Every suite in this folder runs over it.

To add a layer, add a row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st

import evenly as ev
from tests.contract import rows_members as members
from tests.contract import rows_numeric as numeric
from tests.contract import rows_recurrent as recurrent
from tests.contract import rows_windows as windows
from tests.contract.common import TorchParametric, values
from tests.contract.rows_losses import LOSSES as LOSSES
from tests.contract.rows_losses import LossRow as LossRow
from tests.contract.rows_losses import of_width as of_width

# Sizes that no vector width divides, the smallest ones, and more columns than a piece has.
widths = st.one_of(st.integers(1, 70), st.sampled_from([127, 129, 255, 300, 1025]))
flat = st.tuples(widths)
images = st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(1, 33))
flat_or_image = st.one_of(flat, images)
lengths = st.one_of(st.integers(2, 9), st.sampled_from([131, 259]))
sequences = st.tuples(lengths, st.integers(3, 33))
any_rank = st.one_of(flat, sequences, images)
# For statistics over positions alone: few of them are ill-conditioned.
with_positions = st.one_of(
    st.tuples(st.one_of(st.integers(6, 12), st.sampled_from([131, 259])), st.integers(1, 33)),
    st.tuples(st.integers(3, 5), st.integers(2, 5), st.integers(1, 33)),
)


def in_groups(groups: int) -> Any:
    """Shapes whose channels fall into so many groups of at least six values."""
    few = st.integers(1, 9).map(lambda width: groups * width)
    many = st.one_of(st.integers(6, 17), st.sampled_from([64, 129])).map(lambda w: groups * w)
    return st.one_of(st.tuples(many), st.tuples(st.integers(6, 140), few),
                     st.tuples(st.integers(3, 5), st.integers(2, 5), few))
# From one row to several blocks of a reduction.
batches = st.one_of(st.integers(2, 40), st.sampled_from([63, 257, 513, 700]))


@dataclass(frozen=True)
class LayerRow:
    """A layer, what it is tried on, and how PyTorch says it.

    Attributes:
        layer: the layer.
        shapes: shapes of one example.
        smallest_batch: rows below which training has no meaning.
        torch: makes the PyTorch module from the shape of one example; None where PyTorch draws
            random numbers of its own.
        compares: whether it compares its inputs: then the numeric derivative needs them apart.
        smooth: whether a numeric derivative of the whole layer means anything: steps that meet a
            kink do not.
        to_torch: our array names to the module's, with what to do to the array.
        inputs: makes inputs from (seed, shape, dtype).
        differentiable: whether a gradient on the input means anything.
    """

    name: str
    layer: Any
    shapes: Any = field(default_factory=lambda: flat)
    smallest_batch: int = 1
    torch: Callable[[tuple[int, ...]], Any] | None = None
    to_torch: dict[str, tuple[str, Callable[[Any], Any]]] = field(default_factory=dict)
    inputs: Callable[[int, tuple[int, ...], str], Any] = values
    differentiable: bool = True
    compares: bool = False
    smooth: bool = True


def same(array: Any) -> Any:
    return array


def transposed(array: Any) -> Any:
    return array.T


def column(array: Any) -> Any:
    return array[:, None]


def torch_weight_norm(shape: tuple[int, ...]) -> Any:
    return torch.nn.utils.parametrizations.weight_norm(
        torch.nn.Linear(shape[0], 7, dtype=torch.float64)
    )


DENSE = {"kernel": ("weight", transposed), "bias": ("bias", same)}
AFFINE = {"gamma": ("weight", same), "beta": ("bias", same)}
RUNNING = {"running_mean": ("running_mean", same), "running_variance": ("running_var", same)}


class ChannelsLastBatchNorm(torch.nn.BatchNorm1d):
    """PyTorch's batch normalization on (..., channels)."""

    def forward(self, x: Any) -> Any:
        return super().forward(x.reshape(-1, x.shape[-1])).reshape(x.shape)


def torch_batch_norm(layer: ev.BatchNorm) -> Callable[[tuple[int, ...]], Any]:
    return lambda shape: ChannelsLastBatchNorm(
        shape[-1], eps=layer.epsilon, momentum=1 - layer.decay,
        affine=layer.center or layer.scale, dtype=torch.float64,
    )


class ChannelsLastFrozenBatchNorm(ChannelsLastBatchNorm):
    """Fixed statistics, as fine-tuning keeps them: PyTorch's evaluation mode, always."""

    def train(self, mode: bool = True) -> Any:
        return super().train(False)


class ChannelsLastGroupNorm(torch.nn.GroupNorm):
    """PyTorch's group normalization on (..., channels)."""

    def forward(self, x: Any) -> Any:
        return super().forward(x.movedim(-1, 1)).movedim(1, -1)


class ChannelsLastInstanceNorm(torch.nn.InstanceNorm1d):
    """PyTorch's instance normalization on (..., channels)."""

    def forward(self, x: Any) -> Any:
        positions = x.reshape(len(x), -1, x.shape[-1])
        return super().forward(positions.movedim(-1, 1)).movedim(1, -1).reshape(x.shape)


def torch_group_norm(layer: ev.GroupNorm) -> Callable[[tuple[int, ...]], Any]:
    return lambda shape: ChannelsLastGroupNorm(
        layer.groups, shape[-1], eps=layer.epsilon, affine=layer.center or layer.scale,
        dtype=torch.float64,
    )


def torch_instance_norm(layer: ev.InstanceNorm) -> Callable[[tuple[int, ...]], Any]:
    return lambda shape: ChannelsLastInstanceNorm(
        shape[-1], eps=layer.epsilon, affine=layer.center or layer.scale, dtype=torch.float64
    )


def torch_rms_norm(layer: ev.RMSNorm) -> Callable[[tuple[int, ...]], Any]:
    return lambda shape: torch.nn.RMSNorm(
        shape[-layer.axes :], eps=layer.epsilon, elementwise_affine=layer.scale,
        dtype=torch.float64,
    )


def torch_layer_norm(layer: ev.LayerNorm) -> Callable[[tuple[int, ...]], Any]:
    return lambda shape: torch.nn.LayerNorm(
        shape[-layer.axes :], eps=layer.epsilon, elementwise_affine=layer.center or layer.scale,
        dtype=torch.float64,
    )


def _normalizations() -> list[LayerRow]:
    rows = []
    for center in (True, False):
        for scale in (True, False):
            tail = f"center={center}, scale={scale}"
            batch = ev.BatchNorm(decay=0.7, epsilon=1e-3, center=center, scale=scale)
            rows.append(LayerRow(
                f"BatchNorm({tail})", batch, flat_or_image, 2, torch_batch_norm(batch),
                AFFINE | RUNNING,
            ))
            layer = ev.LayerNorm(epsilon=1e-3, center=center, scale=scale)
            rows.append(LayerRow(
                f"LayerNorm({tail})", layer, flat_or_image, 1, torch_layer_norm(layer), AFFINE
            ))
            group = ev.GroupNorm(4, epsilon=1e-3, center=center, scale=scale)
            rows.append(LayerRow(
                f"GroupNorm({tail})", group, in_groups(4), 1, torch_group_norm(group), AFFINE
            ))
            instance = ev.InstanceNorm(epsilon=1e-3, center=center, scale=scale)
            rows.append(LayerRow(
                f"InstanceNorm({tail})", instance, with_positions, 1,
                torch_instance_norm(instance), AFFINE,
            ))
            frozen = ev.BatchNorm(epsilon=1e-3, center=center, scale=scale, frozen=True)
            rows.append(LayerRow(
                f"BatchNorm({tail}, frozen)", frozen, any_rank, 1,
                lambda shape: ChannelsLastFrozenBatchNorm(shape[-1], eps=1e-3, dtype=torch.float64),
                AFFINE | RUNNING,
            ))
    for scale in (True, False):
        rms = ev.RMSNorm(epsilon=1e-3, scale=scale)
        rows.append(LayerRow(
            f"RMSNorm(scale={scale})", rms, any_rank, 1, torch_rms_norm(rms), AFFINE
        ))
    one_group = ev.GroupNorm(1, epsilon=1e-3)
    rows.append(LayerRow("GroupNorm(1)", one_group, in_groups(1), 1, torch_group_norm(one_group),
                         AFFINE))
    for over in (ev.LayerNorm(2, 1e-3), ev.LayerNorm(2, 1e-3, scale=False), ev.RMSNorm(2, 1e-3)):
        make = torch_rms_norm if isinstance(over, ev.RMSNorm) else torch_layer_norm
        rows.append(LayerRow(
            f"{type(over).__name__}(2 axes, {len(over.arrays((1, 1)))} arrays)", over,
            st.one_of(sequences, images), 1, make(over), AFFINE,
        ))
    return rows


class ChannelsLastPReLU(torch.nn.PReLU):
    """PyTorch's PReLU on (..., channels)."""

    def forward(self, x: Any) -> Any:
        return super().forward(x.reshape(-1, x.shape[-1])).reshape(x.shape)


class HardSigmoid(torch.nn.Module):
    """PyTorch's, by its formula: its own backward multiplies by the float32 nearest to 1/6."""

    def forward(self, x: Any) -> Any:
        return torch.nn.functional.relu6(x + 3) / 6


class FloatEmbedding(torch.nn.Embedding):
    """PyTorch's embedding of whole numbers stored as floats."""

    def forward(self, x: Any) -> Any:
        return super().forward(x.detach().long()) + 0 * x[..., None]


VOCABULARY, PADDING = 9, 4


def whole_numbers(seed: int, shape: tuple[int, ...], dtype: str = "float64") -> Any:
    return np.random.default_rng(seed).integers(0, VOCABULARY, shape).astype(dtype)


def without_padding(table: Any) -> Any:
    table = np.array(table)
    table[PADDING] = 0
    return table


def _activations() -> list[LayerRow]:
    nn = torch.nn
    plain = {
        "ReLU": (ev.ReLU(), nn.ReLU()),
        "Sigmoid": (ev.Sigmoid(), nn.Sigmoid()),
        "Tanh": (ev.Tanh(), nn.Tanh()),
        "LeakyReLU": (ev.LeakyReLU(), nn.LeakyReLU()),
        "LeakyReLU(0.3)": (ev.LeakyReLU(0.3), nn.LeakyReLU(0.3)),
        "ELU": (ev.ELU(), nn.ELU()),
        "ELU(0.4)": (ev.ELU(0.4), nn.ELU(0.4)),
        "SELU": (ev.SELU(), nn.SELU()),
        "Softplus": (ev.Softplus(), nn.Softplus()),
        # PyTorch's threshold would return x itself where 3 x > 20.
        "Softplus(3)": (ev.Softplus(3.0), nn.Softplus(3.0, threshold=100)),
        "Softsign": (ev.Softsign(), nn.Softsign()),
        "GELU": (ev.GELU(), nn.GELU()),
        "GELU(approximate)": (ev.GELU(approximate=True), nn.GELU(approximate="tanh")),
        "SiLU": (ev.SiLU(), nn.SiLU()),
        "Mish": (ev.Mish(), nn.Mish()),
        "HardSigmoid": (ev.HardSigmoid(), HardSigmoid()),
        "HardSwish": (ev.HardSwish(), nn.Hardswish()),
        "Softmax": (ev.Softmax(), nn.Softmax(-1)),
    }
    rows = [LayerRow(name, ours, flat_or_image, torch=lambda s, theirs=theirs: theirs)
            for name, (ours, theirs) in plain.items()]
    rows.append(LayerRow("HardSigmoid(0.2, 0.4)", ev.HardSigmoid(0.2, 0.4), flat_or_image))
    rows.append(LayerRow(
        "PReLU", ev.PReLU(), flat_or_image,
        torch=lambda s: ChannelsLastPReLU(s[-1], dtype=torch.float64),
        to_torch={"slope": ("weight", same)},
    ))
    for inner in (ev.Mish(), ev.SELU(), ev.ReLU(), ev.Tanh(), ev.GELU(), ev.LeakyReLU(0.2)):
        theirs = {"LeakyReLU": "leaky_relu"}.get(type(inner).__name__, type(inner).__name__.lower())
        rows.append(LayerRow(
            f"Parametric({type(inner).__name__})", ev.Parametric(inner, 0.6), flat_or_image,
            torch=lambda s, theirs=theirs: TorchParametric(theirs, s[-1]),
            to_torch={"share": ("weight", same)},
        ))
    rows.append(LayerRow(
        "PReLU(shared)", ev.PReLU(shared=True), flat_or_image,
        torch=lambda s: torch.nn.PReLU(dtype=torch.float64), to_torch={"slope": ("weight", same)},
    ))
    return rows


def _random() -> list[LayerRow]:
    rows = [LayerRow("Dropout(0)", ev.Dropout(0.0), flat_or_image,
                     torch=lambda s: torch.nn.Identity())]
    layers = [
        ev.Dropout(0.5), ev.Dropout(0.3), ev.Dropout(0.3, classic=True), ev.SpatialDropout(0.3),
        ev.StochasticDepth(0.4), ev.AlphaDropout(0.0), ev.AlphaDropout(0.2),
        ev.GaussianDropout(0.3), ev.GaussianNoise(0.7),
    ]
    return rows + [LayerRow(repr(layer), layer, flat_or_image) for layer in layers]


LAYERS = [
    LayerRow("Dense", ev.Dense(7), torch=lambda s: torch.nn.Linear(s[0], 7, dtype=torch.float64),
             to_torch=DENSE),
    LayerRow("Dense(1)", ev.Dense(1), torch=lambda s: torch.nn.Linear(s[0], 1, dtype=torch.float64),
             to_torch=DENSE),
    LayerRow("Dense(130, no bias)", ev.Dense(130, bias=False),
             torch=lambda s: torch.nn.Linear(s[0], 130, bias=False, dtype=torch.float64),
             to_torch=DENSE),
    *_normalizations(),
    *_activations(),
    *_random(),
    LayerRow("Scale", ev.Scale(), flat_or_image, torch=lambda s: numeric.Factors(s[-1]),
             to_torch={"factor": ("factor", same)}),
    *(LayerRow(f"Slice({layer.start}, {layer.stop})", layer,
               st.one_of(st.tuples(st.integers(3, 40)), st.tuples(widths, st.integers(3, 9))),
               torch=lambda s, layer=layer: numeric.Part(layer))
      for layer in (ev.Slice(0, 1), ev.Slice(1, 3), ev.Slice(2))),
    *(LayerRow(f"Periodic({layer.units}, {layer.frequencies})", layer, shapes,
               torch=numeric.waves(layer), to_torch={name: (name, same) for name in numeric.WAVES})
      for layer, shapes in ((ev.Periodic(), flat_or_image), (ev.Periodic(1, 5), flat),
                            (ev.Periodic(9, 2), flat))),
    *(LayerRow(f"PiecewiseLinear({bins})", ev.PiecewiseLinear(bins), flat_or_image, smooth=False,
               torch=numeric.bins(bins), to_torch={"edge": ("edge", same),
                                                   "slope": ("slope", same)})
      for bins in (1, 16)),
    *(LayerRow(repr(layer), layer, members.of_members, torch=members.theirs(layer),
               to_torch={name: (name, same) for name in members.SLOTS})
      for layer in members.LAYERS),
    *(LayerRow(repr(layer), layer, torch=members.theirs(layer),
               to_torch={"factor": ("factor", same)})
      for layer in (ev.Members(4), ev.Members(1))),
    *(LayerRow(f"MemberMean({way})", ev.MemberMean(**more), members.scores,
               torch=lambda s, more=more: members.Mean(**more))
      for way, more in members.WAYS.items()),
    LayerRow(
        "Embedding", ev.Embedding(VOCABULARY, 7), flat_or_image, inputs=whole_numbers,
        torch=lambda s: FloatEmbedding(VOCABULARY, 7, dtype=torch.float64),
        to_torch={"table": ("weight", same)}, differentiable=False,
    ),
    LayerRow(
        "Embedding(padding)", ev.Embedding(VOCABULARY, 33, padding=PADDING), flat,
        inputs=whole_numbers,
        torch=lambda s: FloatEmbedding(VOCABULARY, 33, padding_idx=PADDING, dtype=torch.float64),
        to_torch={"table": ("weight", without_padding)}, differentiable=False,
    ),
    LayerRow("Flatten", ev.Flatten(), images, torch=lambda s: torch.nn.Flatten()),
    *(LayerRow(windows.label(layer), layer, shapes, torch=windows.conv(layer),
               to_torch=windows.CONV) for layer, shapes in windows.CONVOLUTIONS),
    *(LayerRow(windows.label(layer), layer, shapes, torch=make(layer) if make else None,
               compares="Max" in type(layer).__name__)
      for layer, shapes, make in windows.POOLS),
    *(LayerRow(windows.label(layer), layer, windows.global_shapes,
               torch=lambda s, f=function: windows.OverPositions(f),
               compares="Max" in type(layer).__name__)
      for layer, function in windows.GLOBAL),
    LayerRow("WeightNorm(Dense)", ev.WeightNorm(ev.Dense(7)), torch=torch_weight_norm,
             to_torch={"direction": ("parametrizations.weight.original1", transposed),
                       "gain": ("parametrizations.weight.original0", column),
                       "bias": ("bias", same)}),
    LayerRow("WeightNorm(Conv2D)", ev.WeightNorm(ev.Conv2D(70, 3, padding="same")),
             windows.images(1)),
    LayerRow("DropConnect(Dense)", ev.DropConnect(ev.Dense(9), 0.4)),
    LayerRow("DropConnect(Conv1D)", ev.DropConnect(ev.Conv1D(5, 2)), windows.sequences(2)),
    *(LayerRow(recurrent.label(layer), layer, recurrent.sequences,
               smooth=getattr(layer, "activation", "") != "relu")
      for layer in recurrent.LAYERS + recurrent.DROPPING),
]


@dataclass(frozen=True)
class OptimizerRow:
    """An optimizer, and PyTorch's from (decaying parameters, the others)."""

    name: str
    optimizer: Any
    torch: Callable[[list[Any], list[Any]], Any] | None


def _plain(kind: Any, **settings: Any) -> Callable[[list[Any], list[Any]], Any]:
    return lambda decaying, others: kind(decaying + others, **settings)


def _decaying(kind: Any, **settings: Any) -> Callable[[list[Any], list[Any]], Any]:
    return lambda decaying, others: kind(
        [{"params": decaying, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}],
        **settings,
    )


OPTIMIZERS = [
    OptimizerRow("SGD", ev.SGD(0.1), _plain(torch.optim.SGD, lr=0.1)),
    OptimizerRow("Momentum", ev.Momentum(0.05, beta=0.8),
                 _plain(torch.optim.SGD, lr=0.05, momentum=0.8)),
    OptimizerRow("Momentum(nesterov)", ev.Momentum(0.05, beta=0.8, nesterov=True),
                 _plain(torch.optim.SGD, lr=0.05, momentum=0.8, nesterov=True)),
    # PyTorch has no bias-corrected average: the definition alone is the witness.
    OptimizerRow("Momentum(average)", ev.Momentum(0.05, average=True), None),
    OptimizerRow("Momentum(corrected)", ev.Momentum(0.05, average=True, bias_correction=True),
                 None),
    OptimizerRow("RMSprop", ev.RMSprop(0.01, beta=0.95),
                 _plain(torch.optim.RMSprop, lr=0.01, alpha=0.95, eps=1e-8)),
    OptimizerRow("Adam", ev.Adam(0.01), _plain(torch.optim.Adam, lr=0.01)),
    OptimizerRow("AdamW", ev.AdamW(0.01, weight_decay=0.1),
                 _decaying(torch.optim.AdamW, lr=0.01)),
    OptimizerRow("SGD(decay)", ev.SGD(0.1, weight_decay=0.1), _decaying(torch.optim.SGD, lr=0.1)),
    OptimizerRow("RMSprop(momentum)", ev.RMSprop(0.01, momentum=0.7),
                 _plain(torch.optim.RMSprop, lr=0.01, momentum=0.7)),
    OptimizerRow("RMSprop(centered)", ev.RMSprop(0.01, beta=0.9, centered=True),
                 _plain(torch.optim.RMSprop, lr=0.01, alpha=0.9, centered=True)),
    OptimizerRow("RMSprop(both)", ev.RMSprop(0.01, momentum=0.7, centered=True, epsilon=1e-3),
                 _plain(torch.optim.RMSprop, lr=0.01, momentum=0.7, centered=True, eps=1e-3)),
    OptimizerRow("Adagrad", ev.Adagrad(0.1), _plain(torch.optim.Adagrad, lr=0.1)),
    OptimizerRow("Adagrad(initial)",
                 ev.Adagrad(0.1, initial=0.3, rate_decay=0.05, epsilon=1e-3),
                 _plain(torch.optim.Adagrad, lr=0.1, initial_accumulator_value=0.3, lr_decay=0.05,
                        eps=1e-3)),
    OptimizerRow("Adam(largest)", ev.Adam(0.01, beta_2=0.9, largest=True),
                 _plain(torch.optim.Adam, lr=0.01, betas=(0.9, 0.9), amsgrad=True)),
    OptimizerRow("AdamW(largest)", ev.AdamW(0.01, weight_decay=0.1, beta_2=0.9, largest=True),
                 _decaying(torch.optim.AdamW, lr=0.01, betas=(0.9, 0.9), amsgrad=True)),
    OptimizerRow("AdaMax", ev.AdaMax(0.01, beta_2=0.95),
                 _plain(torch.optim.Adamax, lr=0.01, betas=(0.9, 0.95))),
    OptimizerRow("NAdam", ev.NAdam(0.01), _plain(torch.optim.NAdam, lr=0.01)),
    OptimizerRow("NAdam(decay)",
                 ev.NAdam(0.01, beta_1=0.95, momentum_decay=0.1, weight_decay=0.1),
                 _decaying(torch.optim.NAdam, lr=0.01, betas=(0.95, 0.999), momentum_decay=0.1,
                           decoupled_weight_decay=True)),
    OptimizerRow("NAdam(constant)", ev.NAdam(0.01, momentum_decay=0.0),
                 _plain(torch.optim.NAdam, lr=0.01, momentum_decay=0.0)),
    OptimizerRow("RAdam", ev.RAdam(0.01), _plain(torch.optim.RAdam, lr=0.01)),
    OptimizerRow("RAdam(decay)", ev.RAdam(0.01, beta_2=0.9, weight_decay=0.1),
                 _decaying(torch.optim.RAdam, lr=0.01, betas=(0.9, 0.9),
                           decoupled_weight_decay=True)),
]


def ids(rows: list[Any]) -> dict[str, Any]:
    """For pytest.mark.parametrize."""
    return {"argvalues": rows, "ids": [row.name for row in rows]}
