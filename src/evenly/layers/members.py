"""Members within one network: they share their kernels, and differ by factors of their own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from ..initializers import Constant, HeNormal, Initializer, Normal, Zeros
from .base import ArrayLike, Arrays, ArraySpec, Gradients, Layer, Run, Shape, expect, expect_rank
from .ensemble import MOST_MEMBERS

_SHAPE = "(batch, members, features)"
_REMEDY = "add Members(count) before it"


@dataclass(frozen=True)
class _Signs:
    """1 or -1, each as likely."""

    def sample(self, generator: np.random.Generator, shape: tuple[int, ...],
               fan: tuple[int, int]) -> Any:
        return 2.0 * generator.integers(0, 2, size=shape) - 1


_FIRST: dict[str, Initializer] = {"signs": _Signs(), "normal": Normal(1.0), "ones": Constant(1.0)}


@dataclass(frozen=True)
class Members(Layer):
    """Gives each of several members the input, times factors of its own: ``y_i = factor_i x``.

    The factors are trained. They begin apart, so that the members, whatever they share behind, see
    different inputs. Gradients: ``d_factor_i = sum of d_y_i x`` over the batch; ``d_x`` is the sum
    of ``factor_i d_y_i`` over the members. Penalties do not touch the factors.

    With it begin networks of several members, whose answers :class:`MemberMean` averages at the
    end. With hidden layers that share their kernels and have scales of their own it is TabM, with
    hidden layers that share everything TabM-mini::

        Sequential([Members(8), BatchEnsemble(64, scale_inputs=False), ReLU(),
                    BatchEnsemble(64), ReLU(), MemberDense(1), MemberMean()])
        Sequential([Members(8), Conv1D(64, 1), ReLU(), Conv1D(64, 1), ReLU(), MemberDense(1),
                    MemberMean()])

    TabM-packed, members that share nothing, begins with ``Dense(8 * 64), Reshape((8, 64))`` and
    goes on with :class:`MemberDense`.

    Arguments:
        count: members, up to 1024.
        init: first factors: ``"signs"`` (1 or -1, as likely), ``"normal"`` (N(0, 1), behind
            embeddings of numbers) or ``"ones"``.
        name: the layer's name; by default ``members_1``, ...

    Shapes: (batch, features) to (batch, count, features); ``factor`` is (count, features).

    Raises:
        ConfigurationError: a count or an init that cannot be.
        ShapeError: examples that are not flat.

    Source: Gorishniy, Kotelnikov and Babenko 2025, "TabM: advancing tabular deep learning with
    parameter-efficient ensembling", section 3.

    Example:
        >>> arrays = {"factor": np.array([[1.0, -1.0], [-1.0, -1.0]])}
        >>> Members(2).forward(np.array([[3.0, 5.0]]), arrays, Run(training=True))[0]
        array([[[ 3., -5.],
                [-3., -5.]]])
    """

    count: int
    init: str = "signs"
    name: str | None = None

    kernel: ClassVar[str | None] = "members"

    def __post_init__(self) -> None:
        expect(1 <= self.count <= MOST_MEMBERS, self, f"count must be 1 to {MOST_MEMBERS}",
               self.count)
        known = ", ".join(map(repr, _FIRST))
        expect(isinstance(self.init, str) and self.init in _FIRST, self,
               f"init is one of {known}", self.init)

    def check(self, shape: Shape, name: str) -> None:
        expect_rank(shape, 1, f"Members '{name}'", "(batch, features)", "add Flatten() before it")

    def output_shape(self, shape: Shape) -> Shape:
        return (self.count, *shape)

    def arrays(self, shape: Shape) -> dict[str, ArraySpec]:
        return {"factor": ArraySpec((self.count, *shape), _FIRST[self.init])}

    def numbers(self, shape: Shape) -> dict[str, float]:
        return {"members": self.count}

    def forward(self, x: ArrayLike, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        return run.note("y", arrays["factor"] * x[:, None, :], "factor x"), x

    def backward(self, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run) -> Gradients:
        share = run.note("share", d_y * saved[:, None, :], "d_y x")
        d_factor = run.note("d_factor", run.xp.sum(share, axis=0), "sum of the shares")
        d_x = run.xp.sum(arrays["factor"] * d_y, axis=1)
        return run.note("d_x", d_x, "sum over the members of factor d_y"), {"factor": d_factor}


@dataclass(frozen=True)
class _OfMembers(Layer):
    """Base of linear layers of members."""

    units: int

    def __post_init__(self) -> None:
        expect(self.units >= 1, self, "units must be at least 1", self.units)

    def check(self, shape: Shape, name: str) -> None:
        expect_rank(shape, 2, f"{type(self).__name__} '{name}'", _SHAPE, _REMEDY)

    def output_shape(self, shape: Shape) -> Shape:
        return (shape[0], self.units)

    def numbers(self, shape: Shape) -> dict[str, float]:
        return {"inputs": shape[-1], "members": shape[0]}


@dataclass(frozen=True)
class BatchEnsemble(_OfMembers):
    """A linear layer of several members, which share the kernel and have scales of their own::

        y_i = output_scale_i ((input_scale_i x_i) kernel) + bias_i

    so the kernel of member i is the shared one, each element times an input's and an output's
    scale. The product is a single one, of all members' rows.

    Gradients, with ``d_product_i = output_scale_i d_y_i`` and ``d_scaled_i = d_product_i kernel'``:
    ``d_kernel`` is the sum of ``scaled_i' d_product_i`` over the members; ``d_output_scale_i`` the
    sum of ``d_y_i product_i`` over the batch, ``d_input_scale_i`` that of ``d_scaled_i x_i``,
    ``d_bias_i`` that of ``d_y_i``; ``d_x_i = input_scale_i d_scaled_i``. Penalties touch the kernel
    alone.

    Arguments:
        units: number of outputs of each member.
        bias: whether each member adds a bias.
        scale_inputs: whether there are scales of the inputs: not right behind :class:`Members`,
            whose factors are these.
        kernel_init: first values of the kernel; scales begin at 1, biases at 0.
        name: the layer's name; by default ``batch_ensemble_1``, ...

    Shapes: (batch, members, features) to (batch, members, units). ``kernel`` is (features, units),
    ``input_scale`` (members, features), ``output_scale`` and ``bias`` (members, units).

    Raises:
        ConfigurationError: no units.
        ShapeError: examples without an axis of members; add :class:`Members` before it.

    Source: Wen, Tran and Ba 2020, "BatchEnsemble: an alternative approach to efficient ensemble and
    lifelong learning", section 3; with first scales of 1, as here: Gorishniy, Kotelnikov and
    Babenko 2025, "TabM", section 3.

    Example:
        >>> arrays = {"kernel": np.array([[1.0], [2.0]]), "bias": np.array([[0.0], [1.0]]),
        ...           "input_scale": np.array([[1.0, 1.0], [1.0, -1.0]]),
        ...           "output_scale": np.array([[1.0], [3.0]])}
        >>> x = np.array([[[4.0, 1.0], [4.0, 1.0]]])
        >>> BatchEnsemble(1).forward(x, arrays, Run(training=True))[0]
        array([[[6.],
                [7.]]])
    """

    bias: bool = True
    scale_inputs: bool = True
    kernel_init: Initializer = field(default_factory=HeNormal)
    name: str | None = None

    kernel: ClassVar[str | None] = "batch_ensemble"
    takes_epilogue: ClassVar[bool] = True

    def arrays(self, shape: Shape) -> dict[str, ArraySpec]:
        members, features = shape
        fan = (features, self.units)
        arrays = {"kernel": ArraySpec(fan, self.kernel_init, decays=True, fan=fan)}
        if self.scale_inputs:
            arrays["input_scale"] = ArraySpec((members, features), Constant(1.0))
        arrays["output_scale"] = ArraySpec((members, self.units), Constant(1.0))
        if self.bias:
            arrays["bias"] = ArraySpec((members, self.units), Zeros())
        return arrays

    def workspace(self, shape: Shape, rows: int) -> dict[str, Shape]:
        scaled = {"scaled": (rows, shape[-1])} if self.scale_inputs else {}
        return {**scaled, "product": (rows, self.units)}

    def forward(self, x: ArrayLike, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        scaled = x
        if self.scale_inputs:
            scaled = run.note("scaled", arrays["input_scale"] * x, "input_scale x")
        z = scaled.reshape(-1, x.shape[-1]) @ arrays["kernel"]
        z = run.note("product", z.reshape(*x.shape[:-1], self.units),
                     "scaled kernel" if self.scale_inputs else "x kernel")
        y = arrays["output_scale"] * z
        formula = "output_scale product"
        if self.bias:
            y, formula = y + arrays["bias"], f"{formula} + bias"
        return run.note("y", y, formula), (x, scaled, z)

    def backward(self, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run) -> Gradients:
        (x, scaled, z), xp, note = saved, run.xp, run.note
        d_scale = note("d_output_scale", xp.sum(d_y * z, axis=0), "sum of d_y product")
        gradients = {"output_scale": d_scale}
        if self.bias:
            gradients["bias"] = note("d_bias", xp.sum(d_y, axis=0), "sum of d_y")
        d_z = note("d_product", arrays["output_scale"] * d_y, "output_scale d_y")
        rows = d_z.reshape(-1, self.units)
        entered = "scaled" if self.scale_inputs else "x"
        gradients["kernel"] = note("d_kernel", scaled.reshape(-1, x.shape[-1]).T @ rows,
                                   f"{entered}' d_product")
        d_scaled = (rows @ arrays["kernel"].T).reshape(x.shape)
        if not self.scale_inputs:
            return note("d_x", d_scaled, "d_product kernel'"), gradients
        d_scaled = note("d_scaled", d_scaled, "d_product kernel'")
        gradients["input_scale"] = note("d_input_scale", xp.sum(d_scaled * x, axis=0),
                                        "sum of d_scaled x")
        return note("d_x", arrays["input_scale"] * d_scaled, "input_scale d_scaled"), gradients


@dataclass(frozen=True)
class MemberDense(_OfMembers):
    """A linear layer for each of several members: ``y_i = x_i kernel_i + bias_i``.

    The heads of a network whose members share what lies in front of them. Gradients as of
    :class:`Dense`, of each member by itself.

    Arguments:
        units: number of outputs of each member.
        bias: whether each adds a bias.
        kernel_init, bias_init: first values.
        name: the layer's name; by default ``member_dense_1``, ...

    Shapes: (batch, members, features) to (batch, members, units). ``kernel`` is (features, members
    units): the members' kernels side by side; ``bias`` (members units,).

    Raises:
        ConfigurationError: no units.
        ShapeError: examples without an axis of members; add :class:`Members` before it.

    Source: Gorishniy, Kotelnikov and Babenko 2025, "TabM", section 3.

    Example:
        >>> arrays = {"kernel": np.array([[1.0, 2.0]]), "bias": np.array([0.0, 5.0])}
        >>> MemberDense(1).forward(np.array([[[3.0], [3.0]]]), arrays, Run(training=True))[0]
        array([[[ 3.],
                [11.]]])
    """

    bias: bool = True
    kernel_init: Initializer = field(default_factory=HeNormal)
    bias_init: Initializer = field(default_factory=Zeros)
    name: str | None = None

    kernel: ClassVar[str | None] = "member_dense"

    def arrays(self, shape: Shape) -> dict[str, ArraySpec]:
        members, features = shape
        fan, wide = (features, self.units), members * self.units
        arrays = {"kernel": ArraySpec((features, wide), self.kernel_init, decays=True, fan=fan)}
        if self.bias:
            arrays["bias"] = ArraySpec((wide,), self.bias_init, fan=fan)
        return arrays

    def forward(self, x: ArrayLike, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        units, members = self.units, range(x.shape[1])
        parts = [x[:, i] @ arrays["kernel"][:, i * units : (i + 1) * units] for i in members]
        y = run.note("product", run.xp.stack(parts, axis=1), "x kernel")
        if self.bias:
            y = run.note("y", y + arrays["bias"].reshape(-1, units), "x kernel + bias")
        return y, x

    def backward(self, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run) -> Gradients:
        x, units, members, xp = saved, self.units, range(saved.shape[1]), run.xp
        kernels = [arrays["kernel"][:, i * units : (i + 1) * units] for i in members]
        d_kernel = xp.concatenate([x[:, i].T @ d_y[:, i] for i in members], axis=1)
        gradients = {"kernel": run.note("d_kernel", d_kernel, "x' d_y")}
        if self.bias:
            d_bias = xp.sum(d_y, axis=0).reshape(-1)
            gradients["bias"] = run.note("d_bias", d_bias, "sum of d_y")
        d_x = xp.stack([d_y[:, i] @ kernels[i].T for i in members], axis=1)
        return run.note("d_x", d_x, "d_y kernel'"), gradients
