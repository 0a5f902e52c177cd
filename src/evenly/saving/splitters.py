"""scikit-learn's splitters as JSON, and back; and the arguments that no file can hold."""

from __future__ import annotations

from inspect import signature
from typing import Any

from sklearn import model_selection

from ..errors import ConfigurationError
from .values import NotReadable, Reader, Writer

SPLITTERS = (
    "GroupKFold", "GroupShuffleSplit", "KFold", "LeaveOneGroupOut", "LeaveOneOut",
    "LeavePGroupsOut", "LeavePOut", "PredefinedSplit", "ShuffleSplit", "StratifiedGroupKFold",
    "StratifiedKFold", "StratifiedShuffleSplit", "TimeSeriesSplit",
)
# Arguments that may be functions, and what takes them out of a fitted estimator.
_PLAIN = {"callbacks": "()", "monitor": "'loss'", "threshold": "None"}


def _arguments(kind: Any) -> list[str]:
    known = signature(kind).parameters.values()
    return [entry.name for entry in known if entry.kind not in (entry.VAR_POSITIONAL,
                                                                entry.VAR_KEYWORD)]


def write_splitter(splitter: Any, writer: Writer) -> Any:
    """The JSON of a splitter; None for what is none.

    Raises:
        ConfigurationError: a splitter that is not scikit-learn's.
    """
    if not callable(getattr(splitter, "split", None)) or isinstance(splitter, str):
        return None
    name = type(splitter).__name__
    if name not in SPLITTERS or type(splitter) is not getattr(model_selection, name):
        raise ConfigurationError(
            f"save: validation={splitter!r} is a splitter that a file cannot hold (it holds "
            f"{', '.join(SPLITTERS)}): set_params(validation=None) takes it out, and changes "
            "nothing that is fitted"
        )
    values = {key: getattr(splitter, key) for key in _arguments(type(splitter))}
    return [name, writer.write(values, f"validation={name}")]


def read_splitter(content: Any, reader: Reader) -> Any:
    """The splitter of a JSON.

    Raises:
        NotReadable: contents that mean nothing.
    """
    if not isinstance(content, list) or len(content) != 2 or content[0] not in SPLITTERS:
        raise NotReadable("the splitter of validation is none that is known")
    kind: Any = getattr(model_selection, content[0])
    values = reader.read(content[1])
    if not isinstance(values, dict) or not values.keys() <= set(_arguments(kind)):
        raise NotReadable(f"{content[0]} does not have all of these arguments")
    try:
        return kind(**values)
    except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        raise NotReadable(f"{content[0]}: {error}") from error


def check_plain(params: dict[str, Any], kind: str) -> None:
    """Raises ConfigurationError where an argument is a function."""
    for name, plain in _PLAIN.items():
        value = params.get(name)
        if callable(value) or (name == "callbacks" and value):
            raise ConfigurationError(
                f"save: {name} of this {kind} is a function, which a file cannot hold: "
                f"set_params({name}={plain}) takes it out, and changes nothing that is fitted"
            )
