"""Lines of array code as formulas: what a reader sees is what runs."""

from __future__ import annotations

import ast
import re

_GREEK = {"alpha", "beta", "gamma", "delta", "epsilon", "mu", "rho", "sigma", "phi", "pi", "theta"}
_COMPARE = {ast.Gt: ">", ast.GtE: r"\ge", ast.Lt: "<", ast.LtE: r"\le", ast.Eq: "=",
            ast.NotEq: r"\ne"}
# What holds together more strongly needs no brackets within what does so less. A sum over axes, and
# cases, reach to the right as far as they can.
_SUM, _OPEN, _PRODUCT, _FACTOR, _POWER, _ATOM = range(6)


def symbol(name: str) -> str:
    """A name as mathematics: ``d_x_hat`` is the loss's derivative by x with a hat."""
    if name.startswith("d_") and len(name) > 2:
        return rf"\frac{{\partial L}}{{\partial {symbol(name[2:])}}}"
    if name.endswith("_hat"):
        return rf"\hat{{{symbol(name[:-4])}}}"
    numbered = re.fullmatch(r"(\w+?)_(\d+)", name)
    if numbered:
        base = symbol(numbered[1])
        return f"{{{base}}}_{{{numbered[2]}}}" if "_" in base else f"{base}_{{{numbered[2]}}}"
    if name in _GREEK:
        return "\\" + name
    letter, _, rest = name.partition("_")
    if rest and (len(letter) == 1 or letter in _GREEK):
        return f"{symbol(letter)}_{{{symbol(rest)}}}"
    return name if len(name) == 1 else rf"\text{{{name.replace('_', ' ')}}}"


def equation(statement: ast.stmt) -> str:
    """A line as a row of an aligned block."""
    if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
        name = statement.targets[0].id
        again = any(isinstance(node, ast.Name) and node.id == name
                    for node in ast.walk(statement.value))
        sign = r"\gets" if again else "="
        return f"{symbol(name)} &{sign} {_write(statement.value)}"
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Compare):
        compared = statement.value
        return f"{_write(compared.left)} &= {_write(compared.comparators[0])}"
    raise ValueError(f"a line is 'name = ...' or 'left == right', got {ast.unparse(statement)!r}")


def _write(node: ast.expr, around: int = _SUM) -> str:
    text, strength = _written(node)
    return rf"\left({text}\right)" if strength < around else text


def _written(node: ast.expr) -> tuple[str, int]:
    """A formula, and how strongly it holds together."""
    if isinstance(node, ast.Name):
        return symbol(node.id), _ATOM
    if isinstance(node, ast.Constant):
        return (str(node.value) if isinstance(node.value, int | float)
                else rf"\text{{{node.value}}}"), _ATOM
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        open_ended = _written(node.operand)[1] == _OPEN
        return f"-{_write(node.operand, _OPEN)}", _OPEN if open_ended else _PRODUCT
    if isinstance(node, ast.BinOp):
        return _binary(node)
    if isinstance(node, ast.Compare):
        sign = _COMPARE[type(node.ops[0])]
        return rf"\left[{_write(node.left)} {sign} {_write(node.comparators[0])}\right]", _ATOM
    if isinstance(node, ast.Attribute) and node.attr == "T":
        return rf"{_write(node.value, _ATOM)}^{{\top}}", _POWER
    if isinstance(node, ast.Subscript):
        return f"{{{_write(node.value, _ATOM)}}}_{{{_index(node.slice)}}}", _ATOM
    if isinstance(node, ast.Call):
        return _call(node)
    if isinstance(node, ast.Tuple | ast.List):
        return ", ".join(_write(item) for item in node.elts), _ATOM
    raise ValueError(f"no formula for {ast.unparse(node)!r}")


def _index(node: ast.expr) -> str:
    if isinstance(node, ast.Slice):
        ends = [_write(end) if end else "" for end in (node.lower, node.upper)]
        return ":".join(ends) + (f":{_write(node.step)}" if node.step else "")
    if isinstance(node, ast.Tuple):
        return ", ".join(_index(item) for item in node.elts)
    if isinstance(node, ast.Constant) and node.value in (None, ...):
        return r"\cdot" if node.value is None else r"\ldots"
    return _write(node)


def _binary(node: ast.BinOp) -> tuple[str, int]:
    left, right, op = node.left, node.right, node.op
    if isinstance(op, ast.Add):
        return f"{_write(left)} + {_write(right)}", _SUM
    if isinstance(op, ast.Sub):
        return f"{_write(left)} - {_write(right, _OPEN)}", _SUM
    if isinstance(op, ast.Mult | ast.MatMult):
        # products of numbers and of matrices do not mix without brackets
        alike = isinstance(left, ast.BinOp) and isinstance(left.op, type(op))
        mixed = isinstance(left, ast.BinOp) and isinstance(left.op, ast.Mult | ast.MatMult)
        around = _FACTOR if mixed and not alike else _PRODUCT
        sign = r"\cdot" if isinstance(op, ast.Mult) else r"\;"
        return f"{_write(left, around)} {sign} {_write(right, _FACTOR)}", _PRODUCT
    if isinstance(op, ast.Div):
        return rf"\frac{{{_write(left)}}}{{{_write(right)}}}", _POWER
    if isinstance(op, ast.Pow):
        return f"{_write(left, _ATOM)}^{{{_write(right)}}}", _POWER
    raise ValueError(f"no formula for {ast.unparse(node)!r}")


def _call(node: ast.Call) -> tuple[str, int]:
    name = ast.unparse(node.func).removeprefix("xp.")
    given = node.args
    if name in ("sum", "mean", "max", "product"):
        over = f"_{{{_write(given[1])}}}" if len(given) > 1 else ""
        if name in ("sum", "product"):
            sign = r"\sum" if name == "sum" else r"\prod"
            return f"{sign}{over} {_write(given[0], _PRODUCT)}", _OPEN
        sign = r"\operatorname{mean}" if name == "mean" else r"\max"
        return rf"{sign}{over}\left({_write(given[0])}\right)", _ATOM
    if name == "sqrt":
        return rf"\sqrt{{{_write(given[0])}}}", _ATOM
    if name == "exp":
        return f"e^{{{_write(given[0])}}}", _POWER
    if name == "turned":
        return rf"{_write(given[0], _ATOM)}^{{\top}}", _POWER
    if name == "abs":
        return rf"\left\lvert {_write(given[0])} \right\rvert", _ATOM
    if name == "where":
        test, yes, no = given
        condition = _write(test).removeprefix(r"\left[").removesuffix(r"\right]")
        return (rf"\begin{{cases}} {_write(yes)} & \text{{where }} {condition} \\ {_write(no)} "
                r"& \text{elsewhere} \end{cases}"), _OPEN
    known = {"log": r"\ln", "tanh": r"\tanh", "cos": r"\cos", "sin": r"\sin", "maximum": r"\max",
             "minimum": r"\min", "sigmoid": r"\sigma"}
    sign = known.get(name, rf"\operatorname{{{name.replace('_', ' ')}}}")
    return rf"{sign}\left({', '.join(_write(argument) for argument in given)}\right)", _ATOM
