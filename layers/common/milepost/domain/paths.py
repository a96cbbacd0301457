"""Look a dotted path up in JSON data: `total`, `shipping.city`, `products[].category`."""

from collections.abc import Iterable, Mapping
from typing import Any

Missing = type("Missing", (), {"__repr__": lambda _: "missing", "__bool__": lambda _: False})
MISSING: Any = Missing()


def look_up(data: Any, path: str) -> Any:
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
        got = look_up(item, tail) if tail else item
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
