"""What a user says about how columns are to be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Reading:
    """Rules that go before what is decided by the values.

    Attributes:
        types: by column: "number", "boolean", "date", "category" or "text".
        decimal: the decimal mark of all numbers, "." or ","; None: decided column by column.
        na: words that stand for nothing in every column, beside those that are recognized.
        drop: columns that are no inputs.
        keep: columns that stay inputs although a rule would leave them out.
        text: whether free text becomes an input, as hashed words.
    """

    types: Mapping[str, str] = field(default_factory=dict)
    decimal: str | None = None
    na: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    text: bool = False
