"""A graph of calls as chains of calls, whose branches begin at one place and are joined at one: the
form that containers of layers have."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

Node = Hashable


class TangledError(Exception):
    """Branches share a node beside their beginning: no containers of layers compute that."""

    def __init__(self, node: Any) -> None:
        super().__init__(node)
        self.node = node

    def __str__(self) -> str:
        return f"two branches go through {self.node!r}"


@dataclass(frozen=True)
class Fork:
    """Branches that read the same value, each a chain; they are joined in `node`."""

    node: Any
    branches: tuple[list[Any], ...]


def chain(start: Node, end: Node, parents: Callable[[Any], Sequence[Any]]) -> list[Any]:
    """The nodes behind `start` up to `end` in order; those that read several values are forks.

    Branches begin at the nearest node through which every way to their joint goes: the joint's
    immediate dominator (Cooper, Harvey and Kennedy 2001, "A simple, fast dominance algorithm").

    Arguments:
        parents: gives the nodes that a node reads, one for each value. Ways end at `start` alone.

    Raises:
        TangledError: the graph cannot be written so.
    """
    above, depth = {start: start}, {start: 0}

    def meet(a: Any, b: Any) -> Any:
        while a != b:
            a, b = (above[a], b) if depth[a] >= depth[b] else (a, above[b])
        return a

    for node in _in_order(start, end, parents):
        first, *others = parents(node)
        for other in others:
            first = meet(first, other)
        above[node], depth[node] = first, depth[first] + 1
    seen = set()

    def between(begin: Any, node: Any) -> list[Any]:
        found = []
        while node != begin:
            if node in seen:
                raise TangledError(node)
            seen.add(node)
            read = parents(node)
            if len(read) == 1:
                found.append(node)
            else:
                found.append(Fork(node, tuple(between(above[node], one) for one in read)))
            node = above[node]
        return found[::-1]

    return between(start, end)


def _in_order(start: Any, end: Any, parents: Callable[[Any], Sequence[Any]]) -> list[Any]:
    """The nodes from which `end` is made, each behind all that it reads; without `start`."""
    order, done, stack = [], {start}, [(end, False)]
    while stack:
        node, ready = stack.pop()
        if ready:
            order.append(node)
        elif node not in done:
            done.add(node)
            stack.append((node, True))
            stack += [(parent, False) for parent in reversed(parents(node))]
    return order
