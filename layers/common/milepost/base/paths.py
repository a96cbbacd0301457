"""Look up dotted paths in JSON data (`total`, `products[].category`), and resolve values that a
file takes from such a path (`{"from": "event.total"}`)."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

Missing = type("Missing", (), {"__repr__": lambda _: "missing", "__bool__": lambda _: False})
MISSING: Any = Missing()


def get_path(data: Any, path: str) -> Any:
    """The value at the path, else MISSING. With `[]` in the path: a flat list of all values."""
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


_PLACEHOLDER = re.compile(r"\{((?:event|contact|steps|enrollment|store)\.[^\s{}]+)\}")


def resolve(value: Any, data: Mapping[str, Any]) -> Any:
    """The value with all its paths looked up, else MISSING. Lists and objects leave out MISSING."""
    match value:
        case {"from": str(path)} if len(value) == 1:
            found = get_path(data, path)
            return MISSING if found is None else found
        case dict():
            return resolve_all(value, data)
        case list():
            resolved = (resolve(each, data) for each in value)
            return [each for each in resolved if each is not MISSING]
        case _:
            return value


def resolve_all(values: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """The resolved values by name, without missing ones."""
    found = {name: resolve(value, data) for name, value in values.items()}
    return {name: value for name, value in found.items() if value is not MISSING}


def render_text(text: str, data: Mapping[str, Any]) -> str:
    """Fill in `{contact.email}` and the like; a missing value becomes an empty text."""

    def fill_in(placeholder: re.Match[str]) -> str:
        value = get_path(data, placeholder[1])
        return "" if value is MISSING or value is None else str(value)

    return _PLACEHOLDER.sub(fill_in, text)
