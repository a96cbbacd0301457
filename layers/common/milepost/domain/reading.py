"""Read one of our own JSON files: the model, or everything that is wrong with the file."""

import json
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from milepost.domain.problems import Problem, suggest

File = TypeVar("File", bound=BaseModel)

MAX_FILE = 1024 * 1024


def read_file(text: str, model: type[File]) -> File | list[Problem]:
    """Parse and check; problems come all at once, with places like `steps[2].else[0].template`."""
    if len(text) > MAX_FILE:
        return [Problem("file", "is larger than 1 MB", "split the workflow")]
    try:
        document = json.loads(text, object_pairs_hook=_once, parse_constant=_refuse)
    except RecursionError:
        return [Problem("file", "is nested too deeply to be read")]
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        return [Problem(place, f"this is not JSON: {error.msg}", "a comma too many or too few?")]
    except ValueError as error:
        return [Problem("file", str(error))]
    if not isinstance(document, dict):
        return [Problem("file", "must be one JSON object in braces")]
    try:
        return model.model_validate(document)
    except ValidationError as error:
        return [_problem(document, model, detail) for detail in error.errors(include_url=False)]
    except RecursionError:
        return [Problem("file", "is nested too deeply to be read")]


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        twice = next(key for key, _ in pairs if sum(key == other for other, _ in pairs) > 1)
        raise ValueError(f'has the field "{twice}" twice in one object: keep one of them')
    return document


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _problem(document: Any, model: type[BaseModel], detail: Any) -> Problem:
    place = _place(document, detail["loc"])
    context = detail.get("ctx", {})
    given = detail.get("input")
    match detail["type"]:
        case "missing":
            return Problem(place, "is missing", f"add {detail['loc'][-1]}")
        case "extra_forbidden":
            remedy = suggest(str(detail["loc"][-1]), _fields(model))
            return Problem(place, "is not a field that is known here", remedy)
        case "literal_error" | "union_tag_invalid" | "enum":
            options = context.get("expected") or context.get("expected_tags", "")
            words = [word.strip(" '") for word in options.replace(" or ", ",").split(",")]
            said = given.get("type") if isinstance(given, dict) else given
            return Problem(place, f"{said!r} is not one of {options}", suggest(str(said), words))
        case "union_tag_not_found":
            return Problem(f"{place}.type", "is missing", "say what kind of step this is")
        case "string_pattern_mismatch":
            return Problem(
                place,
                f"{given!r} is not written as it must be",
                "lower-case letters, digits and hyphens, starting with a letter or digit",
            )
        case "value_error":
            return Problem(place, str(context.get("error", detail["msg"])))
        case _:
            message = detail["msg"].removeprefix("Input ").removeprefix("Value error, ")
            return Problem(place, message[:1].lower() + message[1:])


def _place(document: Any, location: tuple[Any, ...]) -> str:
    """`steps[0].for` from pydantic's location, which also names the members of unions."""
    place, here = "", document
    for number, part in enumerate(location):
        last = number == len(location) - 1
        if isinstance(part, int):
            place += f"[{part}]"
            here = here[part] if isinstance(here, list) and part < len(here) else None
        elif isinstance(here, dict) and part in here:
            if last or not _is_tag(here, part, location[number + 1]):
                place += f".{part}" if place else str(part)
                here = here[part]
        elif last and not _names_a_union(part):
            place += f".{part}" if place else str(part)
    return place or "file"


def _is_tag(here: dict[str, Any], part: str, following: Any) -> bool:
    """A union's tag that is also a key: `{"event": ...}` located at ("event", "event")."""
    inner = here[part]
    if isinstance(following, int):
        return not isinstance(inner, list)
    return not isinstance(inner, dict)


def _names_a_union(part: Any) -> bool:
    return isinstance(part, str) and (part.startswith("function-") or "[" in part)


def _fields(model: type[BaseModel]) -> list[str]:
    """Every field name the file may hold anywhere."""
    schema = model.model_json_schema()
    parts = [schema, *schema.get("$defs", {}).values()]
    return sorted({name for part in parts for name in part.get("properties", ())})
