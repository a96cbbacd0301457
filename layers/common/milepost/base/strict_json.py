"""Parse untrusted JSON strictly, and refuse what later code cannot handle."""

import json
import math
from typing import Any

MAX_DEPTH = 20
"""How deep data may be nested; a shop's order is 6 deep."""

MAX_DIGITS = 4300
"""Python's default limit for the digits of an integer."""


class InvalidJsonError(ValueError):
    """The text is not acceptable JSON; the message says why."""


def read_json(raw: bytes, *, halves: bool = False) -> Any:
    """Parse UTF-8 JSON; raise InvalidJsonError for NaN, infinities, deep nesting or broken text.

    With `halves`, a text may hold half of a surrogate pair; the caller must replace it.
    """
    document = parse_json(raw)
    check_json(document, halves=halves)
    return document


def parse_json(raw: bytes) -> Any:
    """Parse only; call `check_json` next.

    Raises InvalidJsonError if the text is not UTF-8 or not JSON; NaN and Infinity are not JSON.
    """
    try:
        return json.loads(raw.decode("utf-8-sig"), parse_constant=_refuse_constant, parse_int=_int)
    except RecursionError:
        raise InvalidJsonError(f"the JSON is nested deeper than {MAX_DEPTH} levels") from None
    except UnicodeDecodeError:
        raise InvalidJsonError("the body is not UTF-8 text") from None
    except InvalidJsonError:
        raise
    except ValueError as error:
        raise InvalidJsonError(f"the body is not JSON: {error}") from None


def check_json(document: Any, *, halves: bool = False) -> None:
    """Raise InvalidJsonError for deep nesting, infinities and broken text."""
    _check(document, MAX_DEPTH, halves)


def _int(digits: str) -> int | float:
    """An integer with too many digits becomes infinity, which `check_json` refuses."""
    return int(digits) if len(digits) <= MAX_DIGITS else math.inf


def _refuse_constant(name: str) -> Any:
    raise InvalidJsonError(f"{name} is not JSON: leave the field out or send null")


def _check(value: Any, depth: int, halves: bool) -> None:
    if depth < 0:
        raise InvalidJsonError(f"the JSON is nested deeper than {MAX_DEPTH} levels")
    match value:
        case dict():
            for key, inner in value.items():
                _check(key, depth, halves)
                _check(inner, depth - 1, halves)
        case list():
            for inner in value:
                _check(inner, depth - 1, halves)
        case str():
            if not (halves or value.isascii()) and any("\ud800" <= c <= "\udfff" for c in value):
                raise InvalidJsonError(
                    "a text holds half of a surrogate pair, which is no character"
                )
        case float():
            if not math.isfinite(value):
                raise InvalidJsonError("a number is too large")
