"""JSON from strangers: read it strictly, and refuse what would hurt later."""

import json
import math
from typing import Any

MAX_DEPTH = 20
"""How deep data may be nested; a shop's order is 6 deep."""


class BadJsonError(ValueError):
    """The text is not JSON we take; the message says why."""


def read_json(raw: bytes, *, halves: bool = False) -> Any:
    """Parse UTF-8 JSON; raise BadJsonError for NaN, infinities, deep nesting or broken text.

    With `halves`, a text may hold half of a surrogate pair: whoever asks for that replaces it.
    """
    try:
        document = json.loads(raw, parse_constant=_refuse_constant)
    except RecursionError:
        raise BadJsonError(f"the JSON is nested deeper than {MAX_DEPTH} levels") from None
    except UnicodeDecodeError:
        raise BadJsonError("the body is not UTF-8 text") from None
    except BadJsonError:
        raise
    except ValueError as error:
        reason = str(error) if isinstance(error, json.JSONDecodeError) else "a number is too long"
        raise BadJsonError(f"the body is not JSON: {reason}") from None
    _check(document, MAX_DEPTH, halves)
    return document


def _refuse_constant(name: str) -> Any:
    raise BadJsonError(f"{name} is not JSON: leave the field out or send null")


def _check(value: Any, depth: int, halves: bool) -> None:
    if depth < 0:
        raise BadJsonError(f"the JSON is nested deeper than {MAX_DEPTH} levels")
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
                raise BadJsonError("a text holds half of a surrogate pair, which is no character")
        case float():
            if not math.isfinite(value):
                raise BadJsonError("a number is too large")
