"""Properties with a declared type.

A store declares the types of properties in `settings.json`. A value of another type is left out,
and the rest of its event counts: a birthday that is no date must not fail in the middle of a
workflow. Undeclared properties are stored unchanged.
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
    """The value cannot be converted to the declared type."""


def coerce_property(types: Mapping[str, str] | None, name: str, value: Any) -> Any:
    """The value that a field (`properties.birthday`) stores; raises `PropertyTypeError`."""
    declared = (types or {}).get(name.removeprefix(PREFIX)) if name.startswith(PREFIX) else None
    return value if declared is None or value is None else _CONVERTERS[declared](value)


def _text(value: Any) -> str:
    """A number becomes text: article numbers and postal codes often come as numbers."""
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
    """`2026-11-22`; a time with or without an offset stays unchanged."""
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


_CONVERTERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "text": _text,
    "number": _number,
    "boolean": _boolean,
    "date": _date,
    "list": _list,
}
