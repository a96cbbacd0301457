"""The inputs of a command: JSON files, and single values as options."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from milepost_tools.cli.local_store import read_text
from milepost_tools.cli.output import fail


def read_json(file: Path) -> Any:
    """Read a file's JSON; end the command if it is invalid."""
    try:
        return json.loads(read_text(file).removeprefix("\ufeff"))
    except json.JSONDecodeError as error:
        fail(f"{file}: line {error.lineno}, column {error.colno}: this is not JSON: {error.msg}")
    except (RecursionError, ValueError) as error:
        fail(f"{file}: cannot be read: {error}")


def read_object(file: Path | None, what: str) -> dict[str, Any]:
    """Read a file's JSON object; empty without a file."""
    document = read_json(file) if file else {}
    if not isinstance(document, dict):
        fail(f"{file}: should be {what}: one JSON object in braces")
    return document


def with_values(data: dict[str, Any], settings: Sequence[str]) -> dict[str, Any]:
    """Set values in the data: `total=150` sets a number, `order.id=a` sets a nested value."""
    for setting in settings:
        path, equals, value = setting.partition("=")
        if not equals or not all(path.split(".")):
            fail(f"--set {setting}: write it like total=150")
        *outer, last = path.split(".")
        place = data
        for key in outer:
            place = place.setdefault(key, {})
            if not isinstance(place, dict):
                fail(f"--set {setting}: {key} is a value, and can hold no other")
        place[last] = _value(value)
    return data


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
