"""Mistakes of recurrent layers."""

from __future__ import annotations

from typing import Any

from ...byhand.exact import Exact
from ...byhand.expressions import Apply, Expression, places
from .base import Context, Mistake, NotHere, mapped, operation


def _recurrent_forgotten(c: Context) -> Any:
    kernel = c.find("recurrent_kernel").number

    def without(*terms: Expression) -> Expression | None:
        left = [t for t in terms if not any(p.step == kernel for p in places(t))]
        if not left or len(left) == len(terms):
            return None
        return Apply("add", tuple(left)) if len(left) > 1 else left[0]

    return c.changed(operation("add", without))


def _term(c: Context, index: int, *, first_factor: bool | None = None) -> Any:
    """One term of a sum of two; or its first or second factor alone beside the other term."""
    def change(e: Expression) -> Expression:
        if not (isinstance(e, Apply) and e.operation == "add" and len(e.arguments) == 2):
            raise NotHere("a sum of two")
        term = e.arguments[index]
        if first_factor is None:
            return term
        if not isinstance(term, Apply):
            raise NotHere("a product")
        factor = term.arguments[0 if first_factor else 1]
        return Apply("add", tuple(factor if i == index else a for i, a in enumerate(e.arguments)))

    return c.each(change)


def _z_swapped(c: Context) -> Any:
    """(1 - z) n + z h as z n + (1 - z) h."""
    def change(e: Expression) -> Expression:
        if not (isinstance(e, Apply) and e.operation == "add" and len(e.arguments) == 2):
            raise NotHere("a blend")
        a, b = e.arguments
        if not (isinstance(a, Apply) and isinstance(b, Apply)):
            raise NotHere("a blend")
        return Apply("add", (Apply("multiply", (b.arguments[0], a.arguments[1])),
                             Apply("multiply", (a.arguments[0], b.arguments[1]))))

    return c.each(change)


CELLS = (
    Mistake("recurrent part forgotten", "The state before was not taken in.",
            "Add the state times the recurrent kernel.", ("rnn_*.a", "simple_rnn_*.a", "lstm_*.a"),
            _recurrent_forgotten),
    Mistake("activation forgotten", "The sum was passed on as the state.",
            "Apply the activation to it.", ("rnn_*.h", "simple_rnn_*.h"), lambda c: c.get("a")),
    Mistake("forget and input gate swapped", "The cell was multiplied by the input gate and the "
            "candidate by the forget gate.", "c = f c + i g.", ("lstm_*.c",),
            lambda c: c.swapped("f", "i")),
    Mistake("old cell forgotten", "The cell before was not taken in.", "c = f c + i g.",
            ("lstm_*.c",), lambda c: _term(c, 1)),
    Mistake("gate forgotten", "The candidate, or the cell before, came in whole.",
            "Multiply the cell by the forget gate and the candidate by the input gate.",
            ("lstm_*.c",), lambda c: (_term(c, 1, first_factor=False),
                                      _term(c, 0, first_factor=False))),
    Mistake("tanh of the cell forgotten", "The output gate was multiplied by the cell itself.",
            "h = o tanh(c).", ("lstm_*.h",), lambda c: c.get("o") * c.get("c")),
    Mistake("output gate forgotten", "The tanh of the cell was passed on whole.", "h = o tanh(c).",
            ("lstm_*.h",), lambda c: mapped(Exact.tanh, c.get("c"))),
    Mistake("z and 1 - z swapped", "The old state was weighted by 1 - z and the candidate by z.",
            "h = (1 - z) n + z h.", ("gru_*.h",), _z_swapped),
    Mistake("reset gate forgotten", "The candidate took in the state without the reset gate.",
            "Multiply the state's part by r.", ("gru_*.n", "gru_*.inner"),
            lambda c: c.put(c.find("r"), lambda flat: Exact(1))),
)
