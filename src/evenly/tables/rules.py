"""What a user says about how columns are to be read."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ..errors import DataError

# What --as and types= take; d/m/y and m/d/y are dates whose order is said.
TYPES = ("number", "boolean", "date", "category", "text", "d/m/y", "m/d/y")


@dataclass(frozen=True)
class Reading:
    """Rules that go before what is decided by the values.

    Attributes:
        types: by column: "number", "boolean", "date", "category" or "text"; "d/m/y" or "m/d/y" for
            dates whose order is to be said.
        decimal: the decimal mark of all numbers, "." or ","; None: decided column by column.
        na: words that stand for nothing in every column, beside those that are recognized.
        drop: columns that are no inputs.
        keep: columns that stay inputs although a rule would leave them out.
        text: whether free text becomes an input, as hashed words.

    Example:
        >>> Reading(types={"zip": "category"}, decimal=",", na=("-999",), drop=("name",))
        Reading(types={'zip': 'category'}, decimal=',', na=('-999',), drop=('name',), keep=(),
        text=False)
    """

    types: Mapping[str, str] = field(default_factory=dict)
    decimal: str | None = None
    na: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    text: bool = False

    def __post_init__(self) -> None:
        if self.decimal not in (None, ".", ","):
            raise DataError(f"decimal: expects . or , got {self.decimal!r}")
        for name, kind in self.types.items():
            if kind not in TYPES:
                raise DataError(
                    f"column '{name}': {kind!r} is no type: {nearest_names(kind, TYPES)}")
        both = [name for name in self.drop if name in self.keep]
        if both:
            raise DataError(f"column '{both[0]}': is to be dropped and kept: say one")

    def check(self, names: Iterable[str], target: str | None) -> None:
        """Raises DataError where a column is named that the table does not have."""
        known = list(names)
        if target is not None and target not in known:
            raise DataError(f"there is no column '{target}' to predict; "
                            + nearest_names(target, known))
        for said, of in (("types", self.types), ("drop", self.drop), ("keep", self.keep)):
            for name in of:
                if name not in known:
                    raise DataError(f"{said}: there is no column '{name}'; "
                                    + nearest_names(name, known))
        if target is not None and target in self.drop:
            raise DataError(f"drop: '{target}' is the target: name other columns")


def nearest_names(name: str, names: Iterable[str]) -> str:
    """Those that may be meant, else the first.

    Example:
        >>> nearest_names("prize", ["price", "colour"])
        "do you mean 'price'?"
    """
    known = list(map(str, names))
    lower = {one.lower(): one for one in reversed(known)}
    near = [lower[one] for one in difflib.get_close_matches(name.lower(), lower, 3, 0.6)]
    if near:
        return f"do you mean {' or '.join(repr(one) for one in near)}?"
    shown = ", ".join(repr(one) for one in known[:8])
    return f"it has {shown}" + (f" and {len(known) - 8} more" if len(known) > 8 else "")
