"""The names of a formula as mathematics writes them: ``d_x_hat`` is a partial, a letter, a hat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol
from unicodedata import lookup

_NAMES = (
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "kappa", "lambda", "mu",
    "nu", "xi", "pi", "rho", "sigma", "tau", "phi", "chi", "psi", "omega",
)
# Unicode spells one of them in its own way.
GREEK = {name: lookup(f"GREEK SMALL LETTER {name.replace('lambda', 'lamda')}") for name in _NAMES}


@dataclass(frozen=True)
class Symbol:
    """A name, taken apart.

    Attributes:
        base: a letter, the name of a Greek letter, or a word (of several: with spaces).
        partial: whether it is a gradient with respect to the rest: ``d_x``.
        hat: whether the base wears one: ``x_hat``.
        below: the subscripts.
        transposed: ``x'``; of a function the derivative.
    """

    base: str
    partial: bool = False
    hat: bool = False
    below: tuple[Symbol, ...] = ()
    transposed: bool = False

    @property
    def greek(self) -> str:
        """The Greek letter; "" for another base."""
        return GREEK.get(self.base, "")

    @property
    def is_word(self) -> bool:
        return len(self.base) > 1 and not self.greek


def parsed(name: str) -> Symbol:
    """A name as a symbol.

    Example:
        >>> parsed("d_x_hat")
        Symbol(base='x', partial=True, hat=True, below=(), transposed=False)
        >>> parsed("running_mean").base, parsed("beta_1").below[0].base
        ('running mean', '1')
    """
    transposed = name.endswith("'")
    pieces = [piece for piece in name.rstrip("'").split("_") if piece]
    units: list[Symbol] = []
    partial = False
    for i, piece in enumerate(pieces):
        if piece == "d" and i + 1 < len(pieces) and not partial:
            partial = True
        elif piece == "hat" and units and not units[-1].hat:
            units[-1] = Symbol(units[-1].base, units[-1].partial, True)
        else:
            # Words one behind the other are one name; a letter or number behind it stands below.
            number = piece.isdigit()
            last = units[-1] if units else None
            if last and last.is_word and len(piece) > 1 and not number and not partial \
                    and piece not in GREEK and not last.hat and len(units) == 1:
                units[-1] = Symbol(f"{last.base} {piece}", last.partial)
            else:
                units.append(Symbol(piece, partial))
            partial = False
    if not units:
        return Symbol(name)
    first = units[0]
    return Symbol(first.base, first.partial, first.hat, tuple(units[1:]), transposed)


class Writes(Protocol):
    """What a notation says of symbols."""

    def integer(self, value: int) -> str: ...
    def letter(self, name: str) -> str: ...
    def greek(self, name: str) -> str: ...
    def word(self, name: str) -> str: ...
    def hat(self, text: str) -> str: ...
    def gradient(self, text: str) -> str: ...
    def subscripted(self, text: str, below: str) -> str: ...
    def transposed(self, text: str) -> str: ...
    def derivative(self, text: str) -> str: ...


def written(name: str, to: Writes) -> str:
    """A name in a notation."""
    return _written(parsed(name), to)


def _written(symbol: Symbol, to: Writes) -> str:
    base = symbol.base
    if base.isdigit():
        text = to.integer(int(base))
    elif symbol.greek:
        text = to.greek(base)
    else:
        text = to.letter(base) if len(base) == 1 else to.word(base)
    text = to.hat(text) if symbol.hat else text
    for below in symbol.below:
        text = to.subscripted(text, _written(below, to))
    if symbol.transposed:
        # Of a function, written f or g, the mark is a derivative.
        text = to.derivative(text) if base in ("f", "g") else to.transposed(text)
    return to.gradient(text) if symbol.partial else text
