"""JSON from strangers: read it strictly, and refuse what would hurt later."""

import json
import math
from typing import Any

MAX_DEPTH = 20
"""How deep data may be nested; a shop's order is 6 deep."""

MAX_DIGITS = 4300
"""What Python makes an integer of unless it is told otherwise."""


class InvalidJsonError(ValueError):
    """The text is not JSON we take; the message says why."""


def read_json(raw: bytes, *, halves: bool = False) -> Any:
    """Parse UTF-8 JSON; raise InvalidJsonError for NaN, infinities, deep nesting or broken text.

    With `halves`, a text may hold half of a surrogate pair: whoever asks for that replaces it.
    """
    document = parse_json(raw)
    check_json(document, halves=halves)
    return document


def parse_json(raw: bytes) -> Any:
    """What the text says, without a look at what it is made of: `check_json` has to follow.

    Raises InvalidJsonError for what is no UTF-8 JSON, and for NaN and Infinity, which are none.
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
    """Raise InvalidJsonError for what would hurt later: deep nesting, infinities, broken text."""
    _check(document, MAX_DEPTH, halves)


def _int(digits: str) -> int | float:
    """Python makes no number of more digits; an infinity is refused where it stands."""
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
