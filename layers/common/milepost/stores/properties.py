"""Properties with a declared type: what a store says its data is, and what it is taken to be.

A store declares in `settings.json` what it will compare or compute with. A value of another kind is
left out and the rest of its event counts: a birthday that is no date would otherwise be found in
the middle of a workflow. What is not declared is kept as it comes.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date, datetime
from math import isfinite
from typing import Any, Final, Literal

Type = Literal["text", "number", "boolean", "date", "list"]

PREFIX: Final = "properties."
MAX_NUMBER_LENGTH: Final = 40


class PropertyTypeError(ValueError):
    """A value that is not of the declared type and cannot be read as one."""


def coerce_property(types: Mapping[str, str] | None, name: str, value: Any) -> Any:
    """The value as a field (`properties.birthday`) of this store holds it; raises
    `PropertyTypeError`."""
    wanted = (types or {}).get(name.removeprefix(PREFIX)) if name.startswith(PREFIX) else None
    return value if wanted is None or value is None else _READERS[wanted](value)


def _text(value: Any) -> str:
    """Numbers are text too: article numbers and postal codes often come as such."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise PropertyTypeError
    return str(value)


def _number(value: Any) -> int | float:
    if isinstance(value, str) and len(value) <= MAX_NUMBER_LENGTH:
        try:
            read = float(value)
        except ValueError:
            raise PropertyTypeError from None
        value = int(read) if isfinite(read) and read.is_integer() else read
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise PropertyTypeError
    return value


def _boolean(value: Any) -> bool:
    if isinstance(value, str):
        value = {"true": True, "false": False}.get(value.strip().lower())
    if not isinstance(value, bool):
        raise PropertyTypeError
    return value


def _date(value: Any) -> str:
    """`2026-11-22`; a time with or without an offset stays as it was written."""
    if not isinstance(value, str):
        raise PropertyTypeError
    text = value.strip()
    with suppress(ValueError):
        return date.fromisoformat(text).isoformat()
    try:
        datetime.fromisoformat(text)
    except ValueError:
        raise PropertyTypeError from None
    return text


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise PropertyTypeError
    return value


_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "text": _text,
    "number": _number,
    "boolean": _boolean,
    "date": _date,
    "list": _list,
}
