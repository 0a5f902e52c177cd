"""Documents as LaTeX: a whole article, or a part of one that needs nothing but amsmath."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, ClassVar

from ..document import Document, Heading, Paragraph, StepBlock
from ..looks import drawn
from ..notation import Notation
from ..views import Table
from .parts import cell, equation, example_of, is_single

_HEAD = r"""\documentclass[a4paper]{article}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\usepackage[margin=2cm]{geometry}
\usepackage{amsmath}
\allowdisplaybreaks
\setlength{\parindent}{0pt}
\setlength{\parskip}{0.6em}
\begin{document}
"""
_SPECIAL = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
            **{sign: rf"\{sign}" for sign in "&%$#_{}"}}
_WORD = re.compile(r"(\\mathrm\{d\}\S*?)?\\(mathrm|text)\{[^{}]{2,}\}")
_FUNCTIONS = {"max", "min", "exp", "log", "tanh", "cos"}


class LaTeX(Notation):
    """What stands in a formula of LaTeX with amsmath.

    Example:
        >>> LaTeX().formula("(x - mean) / sqrt(variance + epsilon)")
        '\\\\frac{x - \\\\mathrm{mean}}{\\\\sqrt{\\\\mathrm{variance} + \\\\varepsilon}}'
    """

    draws_quotients: ClassVar[bool] = True
    about: ClassVar[str] = r"\approx"
    # A small space; and how a sign in front of a bracket is told from an operation.
    thin: ClassVar[str] = r"\,"

    hat = drawn(r"\hat{{{}}}")
    transposed = drawn(r"{}^{{\top}}")
    remark = drawn(r"{} \quad {}")
    quotient = drawn(r"\frac{{{}}}{{{}}}")
    power = drawn("{}^{{{}}}")
    root = drawn(r"\sqrt{{{}}}")
    bars = drawn(r"\left\lvert {} \right\rvert")
    parentheses = drawn(r"\left({}\right)")

    def __init__(self, digits: int = 4, longest: int = 8) -> None:
        super().__init__(digits, longest)

    def decimal(self, text: str) -> str:
        mantissa, e, exponent = text.partition("e")
        if e:
            return rf"{mantissa} \cdot 10^{{{int(exponent)}}}"
        return {"inf": r"\infty", "-inf": r"-\infty", "nan": r"\mathrm{nan}"}.get(text, text)

    def words(self, text: str) -> str:
        return rf"\text{{{escaped(text)}}}"

    def word(self, name: str) -> str:
        return rf"\mathrm{{{name.replace('_', chr(92) + '_')}}}"

    def greek(self, name: str) -> str:
        return r"\varepsilon" if name == "epsilon" else rf"\{name}"

    def gradient(self, text: str) -> str:
        return rf"\mathrm{{d}}{self.thin if text.startswith(chr(92) + 'mathrm') else ''}{text}"

    def subscripted(self, text: str, below: str) -> str:
        return f"{text}_{{{below}}}"

    def implied(self, factors: Sequence[str]) -> str:
        text = factors[0]
        for before, factor in pairwise(factors):
            # Two words beside each other would be read as one name.
            two = _WORD.fullmatch(before) and _WORD.fullmatch(factor)
            text += (r" \cdot " if two or factor[:1].isdigit() else self.thin + " ") + factor
        return text

    def product(self, factors: Sequence[str]) -> str:
        return r" \cdot ".join(factors)

    def call(self, function: str, arguments: Sequence[str]) -> str:
        name = rf"\{function}" if function in _FUNCTIONS else \
            rf"\operatorname{{{escaped(function)}}}"
        return name + self.parentheses(", ".join(arguments))

    def named_call(self, function: str, arguments: Sequence[str]) -> str:
        if len(function.rstrip("'")) == 1:
            return function + self.parentheses(", ".join(arguments))
        return self.call(function, arguments)

    def over(self, what: str, inside: str, domain: str) -> str:
        below = f"_{{{domain}}}" if domain else ""
        if what == "sum":
            return rf"\sum{below} {inside}"
        name = r"\max" if what == "max" else rf"\operatorname{{{what}}}"
        return name + below + self.parentheses(inside)

    def compared(self, parts: Sequence[str], signs: Sequence[str]) -> str:
        drawn = {"<=": r"\le", ">=": r"\ge"}
        return super().compared(parts, [drawn.get(sign, sign) for sign in signs])

    def cases(self, cases: Sequence[tuple[str, str, str, str]]) -> str:
        lines = []
        for lead, value, marker, condition in cases:
            said = " ".join(part for part in (
                rf"\text{{{lead}}}" if lead and not marker else "",
                rf"\text{{{marker} }}" if marker else "", condition) if part)
            lines.append((value, said))
        if len(lines) == 1:
            return rf"{lines[0][0]} \quad {lines[0][1]}"
        rows = r" \\ ".join(f"{value} & {said}" if said else value for value, said in lines)
        return rf"\begin{{cases}} {rows} \end{{cases}}"

    def more(self, count: int) -> str:
        return rf"\underbrace{{\cdots}}_{{{count}\text{{ more}}}}"


def escaped(text: str) -> str:
    """Text whose signs mean nothing to LaTeX."""
    return "".join(_SPECIAL.get(character, character) for character in text)


def sentence(text: str) -> str:
    """Text with what stands between backticks in typewriter letters."""
    parts = text.split("`")
    return "".join(rf"\texttt{{{escaped(part)}}}" if i % 2 else escaped(part)
                   for i, part in enumerate(parts))


def render_latex(document: Document, fragment: bool = False) -> str:
    """A document as LaTeX.

    Arguments:
        document: what is rendered.
        fragment: without what makes an article of it, to be put into another; that must use
            amsmath.
    """
    notation, lines = LaTeX(document.digits), []
    if document.title:
        lines.append(rf"\section*{{{escaped(document.title)}}}")
    for block in document.blocks:
        lines.append("")
        if isinstance(block, Heading):
            lines.append(rf"\subsection*{{{escaped(block.text)}}}")
        elif isinstance(block, Paragraph):
            lines.append(sentence(block.text))
        else:
            lines += _step(block, notation)
    body = "\n".join(lines) + "\n"
    return body if fragment else f"{_HEAD}{body}\\end{{document}}\n"


def _step(block: StepBlock, notation: LaTeX) -> Iterator[str]:
    view = block.view
    yield rf"\textbf{{{sentence(block.title)}}}"
    formula = equation(view.step, notation)
    if formula:
        yield rf"\[ {formula} \]"
    example = None if block.blank else example_of(view, notation)
    if example is not None:
        label = rf"\text{{{escaped(example.label)}: }} " if example.label else ""
        yield rf"\[ {label}{example.formula} {example.result} \]"
    if example is None or not is_single(view):
        for table in view.tables:
            if table.caption:
                yield rf"\textit{{{escaped(table.caption)}}}"
            yield rf"\[ {_array(table, view.step, notation, block.blank)} \]"
    if view.left_out:
        yield rf"\textit{{{escaped(view.left_out)}}}"
    if block.hint:
        yield sentence(f"Hint: {block.hint}")


def _array(table: Table, step: Any, notation: LaTeX, blank: bool) -> str:
    """A matrix; with names on rows and columns where there are several."""
    rows = [[r"\phantom{-00.0000}" if blank else cell(step.number_at(int(i)), notation)
             for i in ids] for ids in table.places]
    named_rows, named_columns = any(table.rows), any(table.columns)
    if not named_rows and not named_columns:
        inside = r" \\ ".join(" & ".join(row) for row in rows)
        return rf"\begin{{bmatrix}} {inside} \end{{bmatrix}}"
    lines = []
    if named_columns:
        head = [rf"\text{{{escaped(name)}}}" for name in table.columns]
        lines.append(" & ".join([*([""] if named_rows else []), *head]) + r" \\ \hline")
    for name, row in zip(table.rows, rows, strict=True):
        own = [rf"\text{{{escaped(name)}}}"] if named_rows else []
        lines.append(" & ".join([*own, *row]) + r" \\")
    grid = "|" if blank else ""
    columns = ("r|" if named_rows else grid) + grid.join("r" * len(table.columns)) + grid
    rule = r" \hline" if blank else ""
    body = "\n".join(line if line.endswith("hline") else line + rule for line in lines)
    body = re.sub(r" \\\\$", "", body)
    return (rf"\renewcommand{{\arraystretch}}{{1.4}}\begin{{array}}{{{columns}}}" "\n"
            f"{body}\n" r"\end{array}")
