"""The graph of a module's own ``forward``, as steps that follow each other or lie side by side.
Imported only where PyTorch is there."""

from __future__ import annotations

import inspect
import operator
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

import torch
import torch.fx

from ...errors import ConfigurationError
from .functions import FUNCTIONS, METHODS, SHARING, SHARING_CALLS, is_static

ADDED = (operator.add, operator.iadd, torch.add, "add", "add_")
STRUNG = (torch.cat, torch.concat, torch.concatenate)
RECURRENT = (torch.nn.RNN, torch.nn.LSTM, torch.nn.GRU)


@dataclass
class Step:
    """What one node computes from one other. `recurrent`: the name of the module whose
    outputs are taken, and whether those of all steps are."""

    node: Any
    recurrent: tuple[str, bool] | None = None


@dataclass
class Fork:
    """Steps side by side, summed (dim None) or concatenated along `dim`."""

    node: Any
    dim: int | None
    branches: list[list[Step | Fork]] = field(default_factory=list)


Path = list[Step | Fork]


class _Tracer(torch.fx.Tracer):
    def __init__(self, known: Callable[[Any], bool]) -> None:
        super().__init__()
        self.known = known

    def is_leaf_module(self, m: Any, module_qualified_name: str) -> bool:
        return self.known(m)


def read_graph(module: Any, known: Callable[[Any], bool], where: str
               ) -> tuple[Path, Any]:
    """(the steps of a module, the node of its input); modules that are `known` are not looked
    into.

    Its forward runs on stand-ins for numbers, in training and in evaluation mode; the module is
    not changed. Raises ConfigurationError where that cannot be told by series and branches.
    """
    modes = {part: part.training for part in module.modules()}
    graphs = []
    try:
        for training in (True, False):
            for part in modes:
                part.training = training
            graphs.append(_traced(module, known, where))
    finally:
        for part, mode in modes.items():
            part.training = mode
    train, evaluation = (list(graph.nodes) for graph in graphs)
    for one, other in zip(train, evaluation, strict=False):
        if _told(one) != _told(other):
            raise ConfigurationError(f"{where}: node '{one.name}' is another one in evaluation: "
                                     "make what depends on self.training a module (nn.Dropout)")
        switch = "training" if "training" in one.kwargs else "train"
        one.meta["drops"] = one.kwargs.get(switch, True), other.kwargs.get(switch, True)
    if len(train) != len(evaluation):
        raise ConfigurationError(f"{where}: its forward does more in one mode than in the other")
    return _Unraveled(module, train, where).whole()


def _traced(module: Any, known: Callable[[Any], bool], where: str) -> Any:
    given = {name: entry.default for name, entry in
             list(inspect.signature(module.forward).parameters.items())[1:]
             if entry.default is not inspect.Parameter.empty}
    try:
        return _Tracer(known).trace(module, concrete_args=given or None)
    except NotImplementedError:
        raise ConfigurationError(f"{where}: this module cannot be converted: it has no forward "
                                 "that can be followed") from None
    except Exception as error:  # of the module's own code, which may raise anything
        raise ConfigurationError(
            f"{where}: this module cannot be converted, as its forward cannot be followed by "
            f"torch.fx ({type(error).__name__}: {error}): write it without branches and loops over "
            "what is computed, of layers and functions that are listed in the documentation"
        ) from error


def _told(node: Any) -> tuple[Any, ...]:
    """What a node is, but for whether it trains."""
    kwargs = {key: str(v) for key, v in node.kwargs.items() if key not in ("training", "train")}
    return node.op, node.target, str(node.args), kwargs


class _Unraveled:
    """A graph, taken apart."""

    def __init__(self, module: Any, nodes: Any, where: str) -> None:
        self.module, self.nodes, self.where = module, nodes, where
        self.number = {node: i for i, node in enumerate(nodes)}
        self.taps: dict[Any, tuple[str, bool]] = {}
        self.strung: dict[tuple[Any, ...], Any] = {}
        self.inputs: dict[Any, list[Any]] = {}
        self.above: dict[Any, Any] = {}  # the nearest node that every way from the input passes
        self.read: Counter[Any] = Counter()

    def refuse(self, node: Any, why: str) -> NoReturn:
        raise ConfigurationError(f"{self.where}: node '{node.name}' ({shown(node)}) {why}")

    def whole(self) -> tuple[Path, Any]:
        end = self.nodes[-1].args[0]
        if not isinstance(end, torch.fx.Node):
            self.refuse(self.nodes[-1], "gives several outputs, or none: return one array")
        self._collect(end)
        self._expect_in_place()
        order = sorted(self.inputs, key=self.number.__getitem__)
        start = order[0]
        for node in order[1:]:
            above = self.inputs[node][0]
            for other in self.inputs[node][1:]:
                above = self._common(above, other)
            self.above[node] = above
        return self._path(end, start), start

    def _collect(self, end: Any) -> None:
        """What each node that the output needs reads."""
        waiting, needed = [end], set()
        while waiting:
            node = waiting.pop()
            if node not in needed:
                needed.add(node)
                waiting += node.all_input_nodes
        starts = [node for node in self.nodes if node in needed and node.op == "placeholder"]
        if len(starts) != 1:
            names = ", ".join(node.name for node in starts) or "none"
            raise ConfigurationError(f"{self.where}: reads the inputs {names}: a model has one")
        # Concatenations in order, so that a longer one can read a shorter one.
        for node in (node for node in self.nodes if node in needed):
            if node.op == "call_function" and node.target in STRUNG:
                self._string(node)
        waiting = [end]
        while waiting:
            node = waiting.pop()
            if node not in self.inputs:
                self.inputs[node] = self._inputs(node)
                waiting += self.inputs[node]

    def _string(self, node: Any) -> None:
        """Arrays that another concatenation has put side by side already are read from there, as
        in a dense block: else their layers would stand in two branches."""
        given, dim = _argument(node, 0, "tensors", ()), _argument(node, 1, "dim", 0)
        if not isinstance(given, (list, tuple)):
            self.refuse(node, "joins arrays that are not listed: write [a, b]")
        items, parts = list(given), []
        while items:
            size = next((n for n in range(len(items), 1, -1)
                         if (dim, *items[:n]) in self.strung), 1)
            parts.append(self.strung.get((dim, *items[:size]), items[0]))
            items = items[size:]
        node.meta["strung"] = parts
        self.strung[(dim, *given)] = node

    def _inputs(self, node: Any) -> list[Any]:
        if node.op == "placeholder":
            return []
        if node.op == "get_attr":
            self.refuse(node, "is an array of the module's own, outside of any layer")
        tap = self._tap(node)
        if tap is not None:
            self.taps[node] = tap[1:]
            return [tap[0]]
        if self._joins(node):
            if node.target in STRUNG:
                return list(node.meta["strung"])
            if _argument(node, 2, "alpha", 1) != 1:
                self.refuse(node, "adds with a factor, which no layer does")
        elif node.target not in {"call_function": FUNCTIONS, "call_method": METHODS}.get(
            node.op, (node.target,)
        ):
            self.refuse(node, unknown(node))
        found: list[Any] = []
        torch.fx.node.map_arg((node.args, node.kwargs),
                              lambda n: found.append(n) if not is_static(n) else None)
        if not self._joins(node):
            if len(found) != 1:
                self.refuse(node, f"reads {len(found)} arrays: only sums and concatenations can")
        elif not all(isinstance(arg, torch.fx.Node) or arg == 0 for arg in node.args[:2]):
            self.refuse(node, "adds a number, which no layer does: make it the bias of a layer")
        return found

    def _joins(self, node: Any) -> bool:
        return node.op in ("call_function", "call_method") and (
            node.target in ADDED or node.target in STRUNG)

    def _tap(self, node: Any) -> tuple[Any, str, bool] | None:
        """(what is read, the module's name, whether all steps come) where a node takes outputs or
        the last state of a recurrent module."""
        every = slice(None, None, None)
        if node.op == "call_function" and node.target in STRUNG:
            chains = [self._chain(end) for end in _argument(node, 0, "tensors", ())]
            if len(chains) != 2 or chains[0][0] is None or chains[0][0] is not chains[1][0]:
                return None
            at, module, steps = chains[1]
            last = [*self._state(module), -1] == steps and chains[0][2][-1:] == [-2] and (
                _argument(node, 1, "dim", 0) in (1, -1) and module.bidirectional)
            sequences = False
        else:
            at, module, steps = self._chain(node)
            if at is None or not steps:
                return None
            state, sequences = self._state(module), steps == [0]
            last = not module.bidirectional and (
                steps in ([0, (every, -1)], [0, (every, -1, every)], [*state, -1])
                or (module.num_layers == 1 and steps in ([*state, 0], [*state, "squeeze"])))
        if not sequences and not last:
            self.refuse(node, "takes a part of a recurrent module's outputs that no layer gives: "
                              "take those of all steps, or the last state (h[-1]; of both "
                              "directions torch.cat((h[-2], h[-1]), 1))")
        if len(at.args) > 1 or at.kwargs:
            self.refuse(at, "begins with states that are given, where ours begins with zeros")
        return at.args[0], at.target, sequences

    def _state(self, module: Any) -> list[Any]:
        return [1, 0] if isinstance(module, torch.nn.LSTM) else [1]

    def _chain(self, node: Any) -> tuple[Any, Any, list[Any]]:
        """(a recurrent module's node, the module, what is taken from its outputs in turn)."""
        steps: list[Any] = []
        while isinstance(node, torch.fx.Node):
            if node.op == "call_module":
                module = self.module.get_submodule(node.target)
                if isinstance(module, RECURRENT):
                    return node, module, steps[::-1]
                break
            if node.target is operator.getitem:
                steps.append(node.args[1])
            elif node.target == "squeeze" and node.args[1:] == (0,):
                steps.append("squeeze")
            else:
                break
            node = node.args[0]
        return None, None, []

    def _common(self, one: Any, other: Any) -> Any:
        while one is not other:
            if self.number[one] > self.number[other]:
                one = self.above[one]
            else:
                other = self.above[other]
        return one

    def _path(self, node: Any, start: Any) -> Path:
        path: Path = []
        while node is not start:
            self.read[node] += 1
            if self.read[node] > 64:
                self.refuse(node, "is needed along too many ways that do not nest")
            inputs = self.inputs[node]
            if self._joins(node) and node not in self.taps and len(inputs) > 1:
                dim = _argument(node, 1, "dim", 0) if node.target in STRUNG else None
                fork = Fork(node, dim)
                for branch in (self._path(one, self.above[node]) for one in inputs):
                    same = len(branch) == 1 and isinstance(branch[0], Fork)
                    if same and branch[0].dim == dim:  # type: ignore[union-attr]
                        fork.branches += branch[0].branches  # type: ignore[union-attr]
                    else:
                        fork.branches.append(branch)
                path.append(fork)
                node = self.above[node]
            else:
                if not self._joins(node) or node in self.taps:
                    path.append(Step(node, self.taps.get(node)))
                node = inputs[0]
        return path[::-1]

    def _expect_in_place(self) -> None:
        """Refuses what reads an array that was changed in place since: a graph does not say so."""
        home: dict[Any, Any] = {}
        valid: dict[Any, set[Any]] = {}
        for node in sorted(self.inputs, key=self.number.__getitem__):
            for one in self.inputs[node]:
                if one not in valid[home[one]]:
                    self.refuse(node, f"reads '{one.name}' after it was changed in place: write "
                                      "what changes it without inplace=True")
            kind = self.module.get_submodule(node.target) if node.op == "call_module" else None
            changes = getattr(kind, "inplace", False) or node.kwargs.get("inplace", False) or (
                node.op != "call_module" and _name(node).endswith("_"))
            shares = isinstance(kind, SHARING) or (kind is None and node.target in SHARING_CALLS)
            if (changes or shares) and node not in self.taps:
                home[node] = home[self.inputs[node][0]]
                valid[home[node]] = {node} if changes else valid[home[node]] | {node}
            else:
                home[node], valid[node] = node, {node}


def _argument(node: Any, place: int, name: str, default: Any) -> Any:
    if len(node.args) > place:
        return node.args[place]
    return node.kwargs.get(name, node.kwargs.get("axis", default) if name == "dim" else default)


def _name(node: Any) -> str:
    return node.target if isinstance(node.target, str) else getattr(
        node.target, "__name__", str(node.target))


def shown(node: Any) -> str:
    """What a node calls, in the words of the module."""
    return {"call_method": f".{node.target}()"}.get(node.op, _name(node))


HINTS = {
    "log_softmax": "return the scores in front of it, SoftmaxCrossEntropy takes them",
    "softmin": "return the scores in front of it, SoftmaxCrossEntropy takes them",
    "mul": "products of arrays have no container; a factor for each channel is evenly's Scale",
    "detach": "it keeps gradients from what is in front, which no layer does",
}


def unknown(node: Any) -> str:
    hint = HINTS.get(_name(node).strip("_"), "replace it, or leave it outside of the module")
    return f"cannot be converted: {hint}"
