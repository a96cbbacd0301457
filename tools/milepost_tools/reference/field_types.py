"""The fields of a model for readers: kind of value, required or not, meaning."""

import json
from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from milepost.base.file_model import (
    Duration,
    EventName,
    FileModel,
    ListName,
    Offset,
    Path,
    PropertyName,
    SegmentName,
    SomeTime,
    Stage,
    StepId,
    TemplateHash,
    TemplateName,
    Text,
    TimeOfDay,
    Topic,
    Value,
    WorkflowName,
    Zone,
)
from milepost.conditions.file import Condition
from milepost.workflows.steps import AnyStep
from milepost.workflows.triggers import Trigger


class Field(NamedTuple):
    """One field. `kind` and `default` are Markdown."""

    name: str
    kind: str
    required: bool
    default: str
    meaning: str


_NAMED: tuple[tuple[Any, str, str], ...] = (
    (Duration, "duration", "durations"),
    (SomeTime, "duration", "durations"),
    (Offset, "duration, also with a minus", "durations"),
    (TimeOfDay, "time of day", "times of day"),
    (Zone, "time zone", "time zones"),
    (StepId, "id of a step", "ids of steps"),
    (EventName, "name of an event", "names of events"),
    (Topic, "topic", "topics"),
    (WorkflowName, "name of a workflow", "names of workflows"),
    (ListName, "name of a list", "names of lists"),
    (SegmentName, "name of a segment", "names of segments"),
    (Stage, "lifecycle stage", "lifecycle stages"),
    (TemplateName, "template", "templates"),
    (TemplateHash, "version of a template", "versions of templates"),
    (Path, "[path](#paths)", "[paths](#paths)"),
    (PropertyName, "name of a property", "names of properties"),
    (Value, "[value](#values-from-the-data)", "[values](#values-from-the-data)"),
    (Text, "text, or a [place](#values-from-the-data)", "texts"),
    (Condition, "[condition](#conditions)", "[conditions](#conditions)"),
    (AnyStep, "[step](#steps)", "[steps](#steps)"),
    (Trigger, "[trigger](#triggers)", "[triggers](#triggers)"),
    (str, "text", "texts"),
    (bool, "`true` or `false`", "truth values"),
    (int, "whole number", "whole numbers"),
    (float, "number", "numbers"),
)
"""What the pages call a type: singular and plural."""

_UNIONS: dict[str, Any] = {"AnyStep": AnyStep, "Condition": Condition}
"""Names for unions."""


def fields(model: type[FileModel]) -> Iterator[Field]:
    """The fields of a model by their names in the file, required ones first."""
    hints = get_type_hints(model, localns=_UNIONS, include_extras=True)
    ordered = sorted(model.model_fields.items(), key=lambda item: not item[1].is_required())
    for name, info in ordered:
        yield Field(
            name=info.alias or name,
            kind=_kind(hints[name]) + _bounds(info),
            required=info.is_required(),
            default=_default(info),
            meaning=info.description or "",
        )


def nested_models(model: type[FileModel]) -> Iterator[tuple[str, type[FileModel]]]:
    """The fields that contain objects, with the models of those."""
    hints = get_type_hints(model, localns=_UNIONS, include_extras=True)
    for name, info in model.model_fields.items():
        if not any(hints[name] == each for each, _, _ in _NAMED):
            for inner in _models(hints[name]):
                yield info.alias or name, inner


def _kind(hint: Any, many: bool = False) -> str:
    for known, one, several in _NAMED:
        if hint == known:
            return several if many else one
    if get_origin(hint) is Annotated:
        return _kind(get_args(hint)[0], many)
    arguments = get_args(hint)
    match get_origin(hint):
        case origin if origin in {Union, UnionType}:
            return _union([each for each in arguments if each is not NoneType], many)
        case origin if origin is Literal:
            return _one_of([f"`{each}`" for each in arguments])
        case origin if origin is list:
            return f"list of {_kind(arguments[0], many=True)}"
        case origin if origin is tuple:
            return "two numbers"
        case origin if origin is dict:
            key, value = (_kind(each) for each in arguments)
            return f"object: {'name' if key == 'text' else key} → {value}"
    return "objects, see below" if many else "object, see below"


def _union(choices: list[Any], many: bool) -> str:
    if set(choices) == {str, float, int, bool}:
        return "texts, numbers, `true` or `false`" if many else "text, number, `true` or `false`"
    return _one_of([_kind(each, many) for each in choices])


def _one_of(words: list[str]) -> str:
    *rest, last = words
    return f"{', '.join(rest)} or {last}" if rest else last


def _bounds(info: FieldInfo) -> str:
    """`, 1 to 1000` for a number, from its field's limits."""
    limits = {
        name: getattr(limit, name)
        for limit in info.metadata
        for name in ("ge", "gt", "le", "lt")
        if hasattr(limit, name)
    }
    words = {"gt": "more than", "ge": "from", "le": "to", "lt": "less than"}
    parts = [f"{words[name]} {limits[name]}" for name in words if name in limits]
    return f", {' '.join(parts)}".replace("from ", "", 1) if "ge" in limits else _joined(parts)


def _joined(parts: list[str]) -> str:
    return f", {' and '.join(parts)}" if parts else ""


def _default(info: FieldInfo) -> str:
    default = info.default
    if default in (None, PydanticUndefined):
        return ""
    if isinstance(default, FileModel):
        default = default.model_dump(mode="json", by_alias=True, exclude_none=True)
    return f"`{default if isinstance(default, str) else json.dumps(default)}`"


def _models(hint: Any) -> Iterator[type[FileModel]]:
    if isinstance(hint, type) and issubclass(hint, FileModel):
        yield hint
    for argument in get_args(hint):
        if not any(argument == each for each, _, _ in _NAMED):
            yield from _models(argument)
