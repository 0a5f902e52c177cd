"""Which modules of PyTorch read which, and what functions stand between them: read off the graph
of gradients while it grows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from ..records import LayerInfo, NetworkInfo
from ..records.network import DATA
from .torch_modules import FUNCTIONS, WITH_RESULT

# Nodes between two modules are few.
_MOST_NODES = 200


class Graph:
    """The layers of one forward pass, in order.

    Arguments:
        seen: called with (name, kind, output or None, node) for each function that is a layer of
            its own.
    """

    def __init__(self, seen: Callable[[str, str, Any, Any], None]) -> None:
        self._seen = seen
        self._names: dict[Any, str] = {}  # by node of the graph
        self._tensors: dict[int, tuple[Any, str]] = {}  # by identity; the tensor keeps it its own
        self._infos: dict[str, LayerInfo] = {}
        self._counts: Counter[str] = Counter()

    def sources(self, tensors: list[Any]) -> tuple[str, ...]:
        """The names of the layers that some tensors come from; functions on the way become layers.
        """
        found: list[str] = []
        for tensor in tensors:
            for name in self._behind(tensor):
                if name not in found:
                    found.append(name)
        return tuple(found) or (DATA,)

    def add(self, info: LayerInfo, output: Any) -> None:
        """A layer has run."""
        self._infos.setdefault(info.name, info)
        self._tensors[id(output)] = output, info.name
        if output.grad_fn is not None:
            self._names[output.grad_fn] = info.name

    def passed(self, output: Any, inputs: tuple[str, ...]) -> None:
        """A module that only reshapes has run."""
        if len(inputs) == 1:
            self._tensors[id(output)] = output, inputs[0]
            if output.grad_fn is not None:
                self._names[output.grad_fn] = inputs[0]

    def network(self, outputs: tuple[str, ...], shape: tuple[int, ...],
                parameters: int) -> NetworkInfo:
        """All layers so far."""
        return NetworkInfo(tuple(self._infos.values()), shape, parameters, outputs)

    def _behind(self, tensor: Any) -> list[str]:
        if tensor.grad_fn is not None:  # what was changed in place has another one
            return self._walk(tensor.grad_fn)
        known = self._tensors.get(id(tensor))
        return [known[1]] if known is not None and known[0] is tensor else []

    def _walk(self, node: Any) -> list[str]:
        """The layers behind a node. Those it passes that are layers themselves are added, the
        deepest first."""
        order: list[Any] = []
        stack = [(node, False)]
        reached: set[Any] = set()
        while stack and len(reached) < _MOST_NODES:
            now, done = stack.pop()
            if done:
                order.append(now)
                continue
            if now in reached or now in self._names:
                continue
            reached.add(now)
            stack.append((now, True))
            stack += [(next_, False) for next_, _ in now.next_functions if next_ is not None]
        behind: dict[Any, list[str]] = {}

        def names(one: Any) -> list[str]:
            return [self._names[one]] if one in self._names else behind.get(one, [])

        for now in order:
            below = list(dict.fromkeys(
                name for next_, _ in now.next_functions if next_ is not None
                for name in names(next_)
            ))
            kind = _kind(now, below)
            if kind and (below or kind not in ("add", "concat")):
                self._function(now, kind, tuple(below) or (DATA,))
                below = [self._names[now]]
            behind[now] = below
        return names(node)

    def _function(self, node: Any, kind: str, inputs: tuple[str, ...]) -> None:
        self._counts[kind] += 1
        name = f"{kind} function {self._counts[kind]}"
        output = None
        if kind in WITH_RESULT:
            # Dropped again where gradients have flowed already.
            output = getattr(node, "_saved_result", None)
        shape = tuple(output.shape[1:]) if output is not None else ()
        settings: dict[str, float | str | bool | None] = {}
        if kind == "dropout":
            rate = getattr(node, "_saved_p", None)
            settings["rate"] = float(rate) if rate is not None else None
        if "LogSoftmax" in node.name():
            settings["log"] = True
        self._infos.setdefault(name, LayerInfo(name, kind, inputs, shape, settings=settings))
        self._names[node] = name
        self._seen(name, kind, output, node)


def _kind(node: Any, below: list[str]) -> str:
    name = node.name().rstrip("0123456789")
    if name == "AddBackward" and len(below) > 1:
        return "add"
    return FUNCTIONS.get(name, "")
