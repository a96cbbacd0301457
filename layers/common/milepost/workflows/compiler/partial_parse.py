"""Parses the valid parts of a workflow file with errors, so that all problems are reported at once.

An invalid step is replaced by a placeholder, an invalid field is removed. The checks then run on
the rest, and the caller drops problems of replaced parts.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from pydantic import ValidationError

from milepost.base.problems import Problem
from milepost.workflows.language.workflow import Workflow

ROUNDS = 5
_LISTS = frozenset({"steps", "on_event", "on_timeout", "else"})
_CONDITIONS = frozenset({"if", "where", "audience"})
_ANY_EVENT = {"event": "x", "exists": True}
_NEEDED = {"title": "x", "trigger": {"type": "manual"}, "steps": []}


class PartialWorkflow(NamedTuple):
    """The valid rest of a file, and the locations of the replaced parts."""

    workflow: Workflow
    replaced: tuple[str, ...]

    def about_the_rest(self, problems: Sequence[Problem]) -> Iterator[Problem]:
        """The problems that are not about a replaced part."""
        return (p for p in problems if not p.location.startswith(self.replaced))


def parse_partially(text: str) -> PartialWorkflow | None:
    """The valid rest of an invalid workflow file; None if there is none."""
    try:
        document = json.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        return None
    replaced: list[str] = []
    for _ in range(ROUNDS):
        if not isinstance(document, dict):
            return None
        try:
            return PartialWorkflow(Workflow.model_validate(document), tuple(replaced))
        except ValidationError as error:
            found = [_replace(document, detail["loc"]) for detail in error.errors()]
            replaced += found
        except RecursionError:
            return None
    return None


def _replace(document: dict[str, Any], location: Sequence[str | int]) -> str:
    """Replace the innermost condition or step at a location, or a head field; returns where."""
    at: Any = document
    place, field = "", ""
    condition: tuple[dict[str, Any], str, str] | None = None
    step: tuple[list[Any], int, str] | None = None
    for part in location:
        if isinstance(part, int) and isinstance(at, list) and part < len(at):
            place += f"[{part}]"
            if field in _LISTS:
                step, condition = (at, part, place), None
            at = at[part]
        elif isinstance(part, str) and isinstance(at, dict) and part in at:
            place += f".{part}" if place else part
            if part in _CONDITIONS and condition is None:
                condition = (at, part, place)
            field, at = part, at[part]
    if condition is not None:
        held, key, place = condition
        held[key] = _ANY_EVENT
        return place
    if step is None:
        return _replace_field(document, str(location[0]) if location else "")
    steps, number, place = step
    steps[number] = _stand_in(steps[number], f"{place}-{number}")
    return place


def _stand_in(step: Any, place: str) -> dict[str, Any]:
    """A placeholder with the same id if possible, which sends an e-mail if the step does."""
    given = step.get("id") if isinstance(step, dict) else None
    id_ = given if isinstance(given, str) and given.isascii() else ""
    number = sum(map(ord, place)) % 10_000
    if isinstance(step, dict) and step.get("type") == "send_email" and "stage" not in step:
        return {"id": id_ or f"x-{number}", "type": "send_email", "template": "x"}
    return {"id": id_ or f"x-{number}", "type": "set_stage", "stage": "x"}


def _replace_field(document: dict[str, Any], field: str) -> str:
    document.pop(field, None)
    if field in _NEEDED:
        document[field] = _NEEDED[field] or [_stand_in(None, field)]
    return field or "file"
