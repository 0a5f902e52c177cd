"""Models from PyTorch modules."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from functools import partial
from typing import Any

from ...errors import ConfigurationError, EvenlyError
from ...layers.base import Layer, Shape
from ...layers.containers import Branches, Residual, Sequential
from ...layers.ensemble import Ensemble
from ...losses import Loss
from ...training import Model
from ..layout import FIRST, LAST, Layout, need_torch
from ..made import fits, loaded, settle
from .reader_known import draws, expect_no_hooks, is_known, rule_of
from .reader_rules import AMBIGUOUS, recurrent

# How many steps a branch has, and what reads it from a layout on.
Branch = tuple[int, Callable[["_Reader", Layout], list[Layer]]]


def from_torch(
    module: Any,
    input_shape: int | Shape,
    *,
    seed: int = 0,
    dtype: str = "float32",
    loss: Loss | None = None,
    threads: int | None = None,
    channels_first: bool | None = None,
) -> Model:
    """Builds a model from a PyTorch module, with its weights and running averages: a layer, a
    ``torch.nn.Sequential`` of them (they may be nested), or a module with a ``forward`` of its own
    that is made of layers, functions such as ``F.relu``, sums and concatenations. That forward is
    followed by ``torch.fx``: it runs once a mode on stand-ins for numbers.

    Layouts are handled: our examples have the channels last, so PyTorch's (channels, height,
    width) becomes (height, width, channels), and what stands behind a ``Flatten`` is put in the
    order in which we flatten. Recurrent layers need ``batch_first=True``; their outputs for all
    steps are taken.

    Arguments:
        module: what to convert. It is not changed.
        input_shape: the shape of one example on our side, channels last.
        seed: of dropout masks.
        dtype: ``"float32"`` or ``"float64"``.
        loss: for ``gradients``, ``evaluate`` and ``predict_proba``.
        threads: by default as many as the work is worth.
        channels_first: whether PyTorch's sequences have their features first; None: as the first
            module that knows reads them. Images have, unless this is False.

    Returns:
        A :class:`Model`; its predictions are those of ``module.eval()``.

    Raises:
        ConfigurationError: PyTorch is missing, or a module or one of its settings cannot be
            converted; the message names it.
        ShapeError: input_shape does not fit the module.

    Example:
        >>> import torch                                                    # doctest: +SKIP
        >>> module = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU())  # doctest: +SKIP
        >>> from_torch(module, 4).predict(np.zeros((1, 4))).shape           # doctest: +SKIP
        (1, 8)
    """
    torch = need_torch("from_torch")
    if not isinstance(module, torch.nn.Module):
        raise ConfigurationError(f"from_torch: expects a torch.nn.Module, got {module!r}")
    shape = (input_shape,) if isinstance(input_shape, int) else tuple(input_shape)
    layout = Layout(shape, {1: LAST, 3: FIRST}.get(len(shape), ""))
    if len(shape) > 1 and channels_first is not None:
        layout.torch = FIRST if channels_first else LAST
    reader = _Reader()
    net = Sequential(reader.read(module, "", layout)).named
    if layout.padding:
        raise ConfigurationError("from_torch: the module ends with padding, which only a "
                                 "convolution behind it can take")
    if layout.order is not None:
        raise ConfigurationError(
            "from_torch: the module ends with features that PyTorch flattened channels first; "
            "behind them must come a Linear, which can be put in our order"
        )
    return loaded(net, shape, reader.arrays, seed=seed, loss=loss, dtype=dtype, threads=threads)


class _Reader:
    """Walks through a module; keeps the arrays of each layer made, in the layers' order."""

    def __init__(self, of: _Reader | None = None) -> None:
        self.arrays: list[dict[str, Any]] = []
        self._homes: dict[int, str] = dict(of._homes) if of else {}
        # Of nodes in graphs: PyTorch's shape of an example behind each, None while nobody knows.
        self._sizes: dict[Any, Any] = dict(of._sizes) if of else {}
        self._read: set[Any] = set(of._read) if of else set()

    def read(self, module: Any, path: str, layout: Layout) -> list[Layer]:
        """The layers that a module becomes; `layout` goes on behind it."""
        import torch

        from . import modules as modules

        where = f"from_torch: {path or 'the module'} ({type(module).__name__})"
        if type(module) is torch.nn.Sequential:
            expect_no_hooks(module, where)
            # named_children() would leave out a module that stands there a second time.
            children = module._modules.items()
            return [layer for name, child in children
                    for layer in self.read(child, f"{path}.{name}" if path else name, layout)]
        if isinstance(module, (modules.ChannelsLast, modules.ChannelsFirst)):
            last = isinstance(module, modules.ChannelsLast)
            layout.torch = FIRST if last else LAST
            layers = self.read(module.module, f"{path}.module", layout)
            layout.torch = LAST if last else FIRST
            return layers
        if isinstance(module, modules.Joined):
            return [self._joined(module, path, layout, where)]
        if not is_known(module):
            expect_no_hooks(module, where)
            return self._traced(module, path, layout, where)
        self._expect_own_weights(module, path, where)
        return self._apply(rule_of(module, where), module, layout, where)

    def _apply(self, rule: Any, what: Any, layout: Layout, where: str) -> list[Layer]:
        if layout.padding and not hasattr(what, "padding_mode"):
            raise ConfigurationError(f"{where}: the padding in front of it can only be converted "
                                     "with a convolution behind it")
        try:
            made = rule(what, layout, where)
        except ConfigurationError as error:
            if str(error).startswith(where):
                raise
            raise ConfigurationError(f"{where}: {error}") from None
        self.arrays += [own for _, own in made]
        return settle(made, layout, where, "from_torch")

    def _joined(self, module: Any, path: str, layout: Layout, where: str) -> Layer:
        """The branches of a module of ours."""
        from . import modules as modules

        def reading(branch: Any, name: str) -> Branch:
            return len(branch), lambda reader, own: reader.read(branch, name, own)

        branches = [reading(branch, f"{path}.branches.{i}")
                    for i, branch in enumerate(module.branches)]
        if isinstance(module, modules.Averaged):
            def make(parts: Any) -> Layer:
                return Ensemble(parts, module.of, module.levels, module.anchor)

            return self._join(branches, "average", make, layout, where)
        return self._join(branches, module.dim, None, layout, where)

    def _join(self, branches: list[Branch], dim: int | str | None, make: Any, layout: Layout,
              where: str) -> Layer:
        """The container of branches that read the same input; `dim` None: they are summed."""
        if not layout.torch:
            self._decide(branches, dim, make, layout, where)
        parts, ends, arrays = [], [], []
        start = len(self.arrays)
        for _, read in branches:
            own = copy(layout)
            parts.append(read(self, own))
            ends.append(own)
            arrays.append(self.arrays[start:])
            del self.arrays[start:]
        first, rank = ends[0], len(ends[0].shape) + 1
        orders = {None if end.order is None else end.order.tobytes() for end in ends}
        if any(end.torch != first.torch and len(end.shape) > 1 for end in ends) or (
            len(orders) > 1 or (dim is not None and first.order is not None)
        ):
            raise ConfigurationError(f"{where}: its branches end in other orders of axes, so they "
                                     "cannot be joined: end each with a Linear")
        if any(end.padding for end in ends):
            raise ConfigurationError(f"{where}: a branch ends with padding, which only a "
                                     "convolution behind it can take")
        channels = (1, 1 - rank) if first.torch == FIRST and rank > 2 else (-1, rank - 1)
        if isinstance(dim, int) and dim not in channels:
            raise ConfigurationError(f"{where}: joins along axis {dim}, where only the channels, "
                                     f"{channels[0]}, can be put side by side")
        order = list(range(len(parts)))
        sizes = [size for size, _ in branches]
        if dim is None and len(parts) == 2 and sizes[0] != sizes[1]:
            order = [1, 0] if sizes[1] > sizes[0] else order
            layer: Layer = Residual(parts[order[0]], shortcut=parts[order[1]])
        elif make is not None:
            layer = make(parts)
        else:
            layer = Branches(parts, "sum" if dim is None else "concatenate")
        self.arrays += [own for i in order for own in arrays[i]]
        fits(layer, layout.shape, where)
        layout.torch, layout.order = first.torch, first.order
        layout.shape = layer.output_shape(layout.shape)
        return layer

    def _decide(self, branches: list[Branch], dim: Any, make: Any, layout: Layout,
                where: str) -> None:
        """Sets the layout that all branches can read; where none is, reading them says why."""
        fits = []
        for candidate in (FIRST, LAST):
            layout.torch = candidate
            try:
                _Reader(self)._join(branches, dim, make, copy(layout), where)
            except EvenlyError:
                continue
            fits.append(candidate)
        if len(fits) == 2:
            raise ConfigurationError(f"{where}: {AMBIGUOUS}")
        layout.torch = fits[0] if fits else FIRST

    def _traced(self, module: Any, path: str, layout: Layout, where: str) -> list[Layer]:
        """The layers of a module's own forward."""
        from .graph import read_graph

        steps, start = read_graph(module, is_known, where)
        self._note(start, layout)
        return self._path(steps, module, path, layout)

    def _path(self, steps: Any, module: Any, path: str, layout: Layout) -> list[Layer]:
        from .graph import Fork, shown

        layers: list[Layer] = []
        for step in steps:
            node, place = step.node, path or "the module"
            where = f"from_torch: {place}, node '{step.node.name}' ({shown(step.node)})"
            if isinstance(step, Fork):
                branches = [_branch(branch, module, path) for branch in step.branches]
                layers.append(self._join(branches, step.dim, None, layout, where))
            else:
                layers += self._step(step, module, path, layout, where)
            self._note(node, layout)
        return layers

    def _step(self, step: Any, module: Any, path: str, layout: Layout, where: str) -> list[Layer]:
        from .functions import FUNCTIONS, METHODS, Call

        node, first = step.node, len(self.arrays)
        name = step.recurrent[0] if step.recurrent else node.target
        if node.op == "call_module" or step.recurrent:
            part = module.get_submodule(name)
            whole = f"{path}.{name}" if path else name
            if any(True for _ in (*part.parameters(), *part.buffers())):
                self._once((id(module), name), f"from_torch: {whole} ({type(part).__name__})")
            if step.recurrent:
                where = f"from_torch: {whole} ({type(part).__name__})"
                expect_no_hooks(part, where)
                self._expect_own_weights(part, whole, where)
                return self._apply(partial(recurrent, sequences=step.recurrent[1]), part, layout,
                                   where)
            made = self.read(part, whole, layout)
        else:
            rule, names = (FUNCTIONS if node.op == "call_function" else METHODS)[node.target]
            made = self._apply(lambda node, *a: rule(Call(node, names, self._sizes), *a), node,
                               layout, where)
        if len(self.arrays) > first and any(map(draws, made)):
            self._once(node, where)
        return made

    def _once(self, what: Any, where: str) -> None:
        if what in self._read:
            raise ConfigurationError(
                f"{where}: is used a second time, or is needed along two ways that do not nest; "
                "here each layer stands once: give each place a module of its own (copy.deepcopy)"
            )
        self._read.add(what)

    def _note(self, node: Any, layout: Layout) -> None:
        shape = layout.shape
        first = layout.torch == FIRST and len(shape) > 1
        known = bool(layout.torch) or len(shape) == 1
        self._sizes[node] = ((shape[-1], *shape[:-1]) if first else shape) if known else None

    def _expect_own_weights(self, module: Any, path: str, where: str) -> None:
        for array in (*module.parameters(), *module.buffers()):
            home = self._homes.setdefault(id(array), path)
            if home != path:
                raise ConfigurationError(
                    f"{where}: shares its weights with {home}; here each layer has its own: give "
                    "it a copy (copy.deepcopy)"
                )


def _branch(steps: Any, module: Any, path: str) -> Branch:
    return len(steps), lambda reader, layout: reader._path(steps, module, path, layout)
