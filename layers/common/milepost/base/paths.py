"""Look a dotted path up in JSON data: `total`, `shipping.city`, `products[].category`.

Values as they are written in a file, or as `{"from": "event.total"}` finds them.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

Missing = type("Missing", (), {"__repr__": lambda _: "missing", "__bool__": lambda _: False})
MISSING: Any = Missing()


def get_path(data: Any, path: str) -> Any:
    """The value at the path; MISSING where there is none.

    With `[]` in the path the answer is a flat list of every value found, possibly empty.
    """
    head, brackets, tail = path.partition("[]")
    value = _walk(data, [key for key in head.split(".") if key])
    if not brackets:
        return value
    items: Iterable[Any] = value if isinstance(value, list) else ()
    tail = tail.removeprefix(".")
    found: list[Any] = []
    for item in items:
        got = get_path(item, tail) if tail else item
        if isinstance(got, list):
            found.extend(got)
        elif got is not MISSING:
            found.append(got)
    return found


def _walk(data: Any, keys: list[str]) -> Any:
    for key in keys:
        if not isinstance(data, Mapping) or key not in data:
            return MISSING
        data = data[key]
    return data


_SLOT = re.compile(r"\{((?:event|contact|steps|enrollment|store)\.[^\s{}]+)\}")


def resolve(value: Any, data: Mapping[str, Any]) -> Any:
    """The value with everything looked up; MISSING if there is nothing where it should be taken.

    In lists and objects what is missing is left out.
    """
    match value:
        case {"from": str(place)} if len(value) == 1:
            found = get_path(data, place)
            return MISSING if found is None else found
        case dict():
            return resolve_all(value, data)
        case list():
            found_all = (resolve(each, data) for each in value)
            return [each for each in found_all if each is not MISSING]
        case _:
            return value


def resolve_all(values: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """Every value that is there, by its name."""
    found = {name: resolve(value, data) for name, value in values.items()}
    return {name: value for name, value in found.items() if value is not MISSING}


def render_text(text: str, data: Mapping[str, Any]) -> str:
    """A text with `{contact.email}` and the like filled in; what is missing becomes nothing."""

    def found(slot: re.Match[str]) -> str:
        value = get_path(data, slot[1])
        return "" if value is MISSING or value is None else str(value)

    return _SLOT.sub(found, text)
