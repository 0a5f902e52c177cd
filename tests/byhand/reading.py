"""Reads what renderers wrote: numbers and formulas with numbers as values, tables as arrays."""

from __future__ import annotations

import math
import re
from typing import Any

FUNCTIONS = {"sqrt": math.sqrt, "exp": math.exp, "expm1": math.expm1, "log": math.log,
             "log1p": math.log1p, "tanh": math.tanh, "erfc": math.erfc, "cos": math.cos,
             "abs": abs, "max": lambda *v: max(v), "min": lambda *v: min(v), "inf": math.inf,
             "nan": math.nan, "sign": lambda v: (v > 0) - (v < 0)}


def value_of_text(text: str) -> float:
    """The value of a number or a formula in plain text."""
    text = text.replace("^", "**")
    # Innermost bars first; there are none within others in what definitions compute.
    text = re.sub(r"\|([^|]*)\|", r"abs(\1)", text)
    text = re.sub(r"(\d) (?=sqrt)", r"\1*", text)
    return float(eval(text, {"__builtins__": {}}, FUNCTIONS))


def value_of_latex(text: str) -> float:
    """The value of a number or a formula in LaTeX."""
    for sign, meaning in ((r"\left\lvert", " abs("), (r"\right\rvert", ")"), (r"\left(", "("),
                          (r"\right)", ")"), (r"\cdot", "*"), (r"\,", "*"), (r"\infty", " inf")):
        text = text.replace(sign, meaning)
    text = re.sub(r"\\operatorname{(\w+)}", r" \1", text)
    text = _without_braces(text)
    return float(eval(text.replace("^", "**"), {"__builtins__": {}}, FUNCTIONS))


def _without_braces(text: str) -> str:
    r"""Fractions as quotients, roots as calls, other braces as parentheses."""
    result, at = "", 0
    while at < len(text):
        command = re.match(r"\\(frac|sqrt|max|min|exp|log|tanh|cos)", text[at:])
        if command and command[1] == "frac":
            above, at = _group(text, at + 5)
            below, at = _group(text, at)
            result += f"(({above})/({below}))"
        elif command and command[1] == "sqrt":
            inside, at = _group(text, at + 5)
            result += f"sqrt({inside})"
        elif command:
            result += command[1]
            at += command.end()
        elif text[at] == "{":
            inside, at = _group(text, at)
            result += f"({inside})"
        else:
            result += text[at]
            at += 1
    return result


def _group(text: str, at: int) -> tuple[str, int]:
    assert text[at] == "{", text[at:]
    depth, start = 0, at
    while True:
        depth += (text[at] == "{") - (text[at] == "}")
        at += 1
        if not depth:
            return _without_braces(text[start + 1 : at - 1]), at


def decimal(cell: str) -> float:
    """A number of a table: the exact one, in front of its decimal."""
    return value_of_text(re.split("≈", cell)[0].strip())


def latex_decimal(cell: str) -> float:
    return value_of_latex(cell.strip().strip("$").split(r"\approx")[0].strip())


def text_table(block: str) -> list[list[float]]:
    """The rows of examples of a step in plain text."""
    rows = []
    for line in block.splitlines():
        if match := re.match(r"  example \d+  +(.*)", line):
            rows.append([decimal(cell) for cell in re.split(r"  +", match[1])])
    return rows


def markdown_table(block: str) -> list[list[float]]:
    rows = [line for line in block.splitlines() if line.startswith("| example")]
    return [[latex_decimal(cell) for cell in row.strip("|").split("|")[1:]] for row in rows]


def latex_table(block: str) -> list[list[float]]:
    rows = re.findall(r"^\\text\{example \d+\} & (.*?)(?: \\\\)?$", block, re.M)
    return [[latex_decimal(cell) for cell in row.split("&")] for row in rows]


def part(text: str, start: str, end: str) -> Any:
    """What stands between two marks."""
    return text.split(start, 1)[1].split(end, 1)[0]
