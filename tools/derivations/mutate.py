"""Mistakes, one at a time: signs turned, terms and factors dropped, numbers and names changed."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from .check import Case, Names
from .pages import Line

_TURNED: dict[type, type] = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div,
                             ast.Div: ast.Mult, ast.Gt: ast.LtE, ast.GtE: ast.Lt, ast.Lt: ast.GtE,
                             ast.LtE: ast.Gt}


_CALLS = {"xp.sum", "xp.mean", "xp.max", "xp.product", "xp.reshape", "xp.concatenate", "xp.stack",
          "xp.one_hot", "xp.repeat"}


def _arithmetic(node: Any) -> Iterator[tuple[Any, str, Any]]:
    """Every expression that computes, with where it hangs: not indices, nor which axes."""
    shapes = isinstance(node, ast.Call) and ast.unparse(node.func) in _CALLS
    for name, child in ast.iter_fields(node):
        if name in ("slice", "targets", "func", "keywords"):
            continue
        several = isinstance(child, list)
        for place, item in enumerate(child if several else [child]):
            if isinstance(item, ast.expr) and not (shapes and place > 0):
                yield node, name, place if several else None
                yield from _arithmetic(item)


def _changes(node: ast.expr, others: list[str], values: Names) -> Iterator[ast.expr]:
    if isinstance(node, ast.BinOp):
        turned = _TURNED.get(type(node.op))
        if turned is not None:
            yield ast.BinOp(node.left, turned(), node.right)
        yield node.left
        if not isinstance(node.op, ast.Pow):
            yield node.right
    elif isinstance(node, ast.UnaryOp):
        yield node.operand
    elif isinstance(node, ast.Compare) and type(node.ops[0]) in _TURNED:
        yield ast.Compare(node.left, [_TURNED[type(node.ops[0])]()], node.comparators)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        yield ast.Constant(node.value + 1)
    elif isinstance(node, ast.Attribute) and node.attr == "T":
        yield node.value
    elif isinstance(node, ast.Name):
        # one that says the same is no mistake
        yield from (ast.Name(other, ast.Load()) for other in others
                    if not _same(values.get(other), values.get(node.id)))


def _same(one: Any, other: Any) -> bool:
    return one is other or bool(
        np.size(one) and np.size(other) and np.all(np.isclose(np.ravel(one)[0], other, 1e-12))
        and np.all(np.isclose(one, np.ravel(other)[0], 1e-12))
    ) or (np.shape(one) == np.shape(other) and np.allclose(one, other, 1e-12))


def mistakes(line: Line, others: list[str], values: Names) -> Iterator[Line]:
    """The line with one mistake in it, for each that can be made. `others`: names that may stand in
    the place of one that is right; `values`: of all names."""
    seen = {ast.unparse(line.statement)}
    if line.name is not None:
        negative = copy.deepcopy(line.statement)
        negative.value = ast.UnaryOp(ast.USub(), negative.value)  # type: ignore[attr-defined]
        yield replace(line, statement=ast.fix_missing_locations(negative))
    count = sum(1 for _ in _arithmetic(line.statement))
    for which in range(count):
        at = 0
        while True:
            statement = copy.deepcopy(line.statement)
            parent, name, place = list(_arithmetic(statement))[which]
            child = getattr(parent, name)
            options = list(_changes(child if place is None else child[place], others,
                                    values))
            if at >= len(options):
                break
            if place is None:
                setattr(parent, name, options[at])
            else:
                child[place] = options[at]
            at += 1
            # with its brackets: they are what parsing anew needs
            text = ast.unparse(ast.fix_missing_locations(statement))
            if text not in seen:
                seen.add(text)
                yield replace(line, statement=ast.parse(text).body[0])


def unseen(case: Case) -> Iterator[tuple[int, str]]:
    """Of every mistake in a section's lines: 1, and the line with it if nothing fails, or ''."""
    section = case.section
    for part in ("definition", "derivation"):
        lines = getattr(section, part)
        for place, line in enumerate(lines):
            before = [other.name for other in lines[:place] if other.name]
            for wrong in mistakes(line, before[-3:], case.after):
                changed = {part: [*lines[:place], wrong, *lines[place + 1 :]]}
                found = case.problem(**changed)
                yield 1, "" if found else f"{wrong.where}: `{wrong.text}`"
