"""Parse one of a store's JSON files into its model, or list all of its problems."""

import json
import re
from collections import Counter
from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from milepost.base.file_model import ADDRESS, DATE, DAY, HASH, PROPERTY
from milepost.base.problems import Problem, did_you_mean

File = TypeVar("File", bound=BaseModel)

MAX_FILE = 1024 * 1024


def parse_file(text: str, model: type[File]) -> File | list[Problem]:
    """Parse and check. All problems come together; a location is `steps[2].else[0].template`."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_FILE:
        return [Problem("file", "is larger than 1 MB", "split it")]
    text = text.removeprefix("\ufeff")  # Windows editors put a byte order mark there
    try:
        document = json.loads(text, object_pairs_hook=_unique_keys, parse_constant=_refuse)
    except RecursionError:
        return [Problem("file", "is nested too deeply to be read")]
    except json.JSONDecodeError as error:
        location = f"line {error.lineno}, column {error.colno}"
        remedy = _json_remedy(text, error.pos)
        return [Problem(location, f"this is not JSON: {error.msg}", remedy)]
    except ValueError as error:
        return [Problem("file", str(error))]
    if not isinstance(document, dict):
        return [Problem("file", "must be one JSON object in braces")]
    try:
        return model.model_validate(document)
    except ValidationError as error:
        found = (_problem(model, detail) for detail in error.errors(include_url=False))
        return list(dict.fromkeys(found))
    except RecursionError:
        return [Problem("file", "is nested too deeply to be read")]


def _json_remedy(text: str, at: int) -> str:
    """The remedy for a JSON syntax error at this position."""
    if not text.strip():
        return "the file is empty: write an object in braces"
    rest = text[at:].lstrip()
    if rest.startswith(("//", "/*", "#")):
        return "JSON has no comments: take it out"
    if rest.startswith(("\u201c", "\u201d", "\u201e", "'")):
        return 'write straight double quotes: "'
    return "a comma too many or too few?"


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        twice = counts.most_common(1)[0][0]
        raise ValueError(f'has the field "{twice}" twice in one object: keep one of them')
    return document


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _problem(model: type[BaseModel], detail: Any) -> Problem:
    place, one_type = _place(detail["loc"])
    context = detail.get("ctx", {})
    given = detail.get("input")
    if not one_type:
        return Problem(place, "should be a text, a number, true or false")
    match detail["type"]:
        case "missing":
            return Problem(place, "is missing", f"add {detail['loc'][-1]}")
        case "extra_forbidden":
            remedy = did_you_mean(str(detail["loc"][-1]), _fields(model, _owner(detail["loc"])))
            return Problem(place, "is not a field that is known here", remedy)
        case "literal_error" | "enum":
            return _not_among(place, given, context["expected"])
        case "union_tag_invalid":
            return _not_among(f"{place}.type", context["tag"], context["expected_tags"])
        case "union_tag_not_found":
            return Problem(f"{place}.type", "is missing", "say what kind of step this is")
        case "model_attributes_type" | "model_type" | "dict_type":
            return Problem(place, "should be an object in braces")
        case "string_pattern_mismatch":
            remedy = _WRITTEN.get(context["pattern"], _SLUG)
            return Problem(place, f"{given!r} is not written as it must be", remedy)
        case "condition" if isinstance(given, dict):
            known = detail["msg"].rpartition("one of ")[2].split(", ")
            remedy = next(filter(None, (did_you_mean(key, known) for key in given)), "")
            return Problem(place, detail["msg"], remedy)
        case "value_error":
            return Problem(place, str(context.get("error", detail["msg"])))
        case kind if kind in _SIZES:
            return _size_problem(place, given, context)
        case _:
            message = detail["msg"].removeprefix("Input ").removeprefix("Value error, ")
            return Problem(place, message[:1].lower() + message[1:])


_SLUG = "lower-case letters, digits and hyphens, starting with a letter or digit"
_WRITTEN = {
    PROPERTY: "letters, digits, _ and -, starting with a letter, 60 at most",
    DATE: "2027-01-31, or a place like contact.properties.renewal_date",
    DAY: "month and day, as in 03-08",
    HASH: "the 16 digits of a version, 0-9 and a-f, as the report of the template tells them",
    ADDRESS: "an e-mail address, as in help@shop.example",
    "^[A-Z]{3}$": "three capital letters, as in EUR",
    "^[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?$": "a language tag, as in en, pt-BR or zh-Hant",
}


_SIZES = frozenset({"too_long", "too_short", "string_too_long", "string_too_short"})


def _size_problem(place: str, given: Any, context: Any) -> Problem:
    """A text or a list that is too long or too short."""
    if isinstance(given, str):
        if "max_length" in context:
            return Problem(place, f"is longer than {context['max_length']:,} characters")
        least = f"is shorter than {context['min_length']} characters"
        return Problem(place, least if given else "is empty")
    has = f"has {len(given):,}"
    if "min_length" in context:
        return Problem(place, f"{has}, and needs at least {context['min_length']}")
    steps = place.rpartition(".")[2] == "steps"
    remedy = "split it in two, and have the first start the second (start_workflow)" * steps
    return Problem(place, f"{has}, and may have {context['max_length']:,} at most", remedy)


def _not_among(place: str, given: Any, options: str) -> Problem:
    words = [word.strip(" '") for word in options.replace(" or ", ",").split(",")]
    return Problem(place, f"{given!r} is not one of {options}", did_you_mean(str(given), words))


# Besides keys and positions, pydantic's location has a part for the union member that it tried.
# These fields hold a union or a list of them, so such a part follows them. For `_SCALARS`, pydantic
# tries every member, and each one reports an error.
_UNIONS = frozenset({"trigger", "audience", "where", "if", "not", "condition"})
_LISTS_OF_UNIONS = frozenset({"all", "any", "steps", "on_event", "on_timeout", "else"})
_SCALARS = frozenset({"is", "is_not"})
_LISTS_OF_SCALARS = frozenset({"in", "not_in"})


def _place(location: tuple[str | int, ...]) -> tuple[str, bool]:
    """`steps[0].for` from pydantic's location, and whether the field takes one type of value."""
    place, field, expects_member, one_type = "", "", False, True
    for part in location:
        if isinstance(part, int):
            place += f"[{part}]"
            expects_member = field in _LISTS_OF_UNIONS | _LISTS_OF_SCALARS
        elif part == "[key]":  # the field's name is wrong
            continue
        elif expects_member:
            expects_member = False
            one_type = field not in _SCALARS | _LISTS_OF_SCALARS
        else:
            place += f".{part}" if place else part
            field = part
            expects_member = field in _UNIONS | _SCALARS
    return place or "file", one_type


def _owner(location: tuple[str | int, ...]) -> str:
    """The name of the object that has the field: its type, or the field that holds it."""
    return next((part for part in reversed(location[:-1]) if isinstance(part, str)), "")


@cache
def _fields(model: type[BaseModel], owner: str) -> list[str]:
    """The fields of the object with this name; those of the whole file without a name."""
    schema = model.model_json_schema()
    parts: dict[str, Any] = schema.get("$defs", {})
    if not owner:
        return sorted(schema.get("properties", ()))
    for part in (schema, *parts.values()):
        field = part.get("properties", {}).get(owner)
        for name in re.findall(r"#/\$defs/(\w+)", str(field)):
            return sorted(parts[name].get("properties", ()))
    found: set[str] = set()
    for part in parts.values():
        properties = part.get("properties", {})
        kind = properties.get("type", {}).get("const")
        if kind == owner or (kind is None and owner in part.get("required", ())):
            found |= {*properties}
    return sorted(found)
