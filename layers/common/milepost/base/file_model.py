"""The strict pydantic models of a store's files, and the field types that they share."""

import re
from datetime import datetime, timedelta
from math import isfinite
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema

from milepost.base.dates import find_zone
from milepost.base.times import parse_duration


def _title(model: type[Any]) -> str:
    """`Wait for` for `WaitFor`: the title that an editor shows."""
    words = re.findall(r"[A-Z][a-z]*", model.__name__)
    return " ".join(words).capitalize().replace("sms", "SMS")


class FileModel(BaseModel):
    """A part of a workflow file. An unknown field is an error that names the field."""

    model_config = ConfigDict(
        extra="forbid",
        defer_build=True,
        frozen=True,
        populate_by_name=True,
        allow_inf_nan=False,
        model_title_generator=_title,
    )


def _duration(text: str) -> str:
    parse_duration(text)
    return text


def _some_time(text: str) -> str:
    if parse_duration(text) <= timedelta():
        raise ValueError(f"{text!r} is no time at all")
    return text


def _offset(text: str) -> str:
    parse_duration(text.removeprefix("-"))
    return text


def _date(text: str) -> str:
    if text[:1].isdigit():
        try:
            datetime.fromisoformat(text)
        except ValueError:
            raise ValueError(f"{text!r} is not in the calendar") from None
    return text


def _day(text: str) -> str:
    try:
        datetime.fromisoformat(f"2024-{text}")
    except ValueError:
        raise ValueError(f"{text!r} is not in the calendar: write month and day, 03-08") from None
    return text


def _time_of_day(text: str) -> str:
    if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", text):
        raise ValueError(f"{text!r} is not a time of day: write it like '09:30'")
    return text


def _zone(name: str) -> str:
    if name not in {"contact", "store"} and find_zone(name) is None:
        raise ValueError(
            f"{name!r} is not a time zone: write 'contact', 'store' or an IANA name "
            "like 'Europe/Paris'"
        )
    return name


PROPERTY = r"^[A-Za-z_][A-Za-z0-9_-]{0,59}$"
DATE = r"^(\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?)?|(contact|event|steps|enrollment)\.[^\s]+)$"
DAY = r"^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"
ADDRESS = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"
SLUG = r"^[a-z0-9][a-z0-9-]{0,39}$"
HASH = r"^[0-9a-f]{16}$"

Duration = Annotated[
    str,
    AfterValidator(_duration),
    Field(description="A duration: `4 hours`, `3 days 12 hours`, or ISO 8601 `PT4H`."),
]
SomeTime = Annotated[
    str,
    AfterValidator(_some_time),
    Field(description="A duration that is not zero: `4 hours`, `3 days 12 hours`, or `PT4H`."),
]
Offset = Annotated[
    str,
    AfterValidator(_offset),
    Field(description="A duration after the date, or before it with a minus: `-3 days`."),
]
Moment = Annotated[
    str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$"), AfterValidator(_date)
]
Date = Annotated[str, Field(max_length=200, pattern=DATE), AfterValidator(_date)]
DayOfYear = Annotated[str, Field(pattern=DAY), AfterValidator(_day)]
TimeOfDay = Annotated[
    str, AfterValidator(_time_of_day), Field(description="A time of day: `09:30`.")
]
Zone = Annotated[
    str, AfterValidator(_zone), Field(description="`contact`, `store`, or an IANA time zone.")
]
StepId = Annotated[
    str,
    Field(
        pattern=SLUG,
        description="The id of a step: lower-case letters, digits and hyphens, 40 at most. Every "
        "step of a workflow has its own.",
    ),
]
EventName = Annotated[
    str, Field(min_length=1, max_length=100, description="An event's name: `Order Completed`.")
]
Topic = Annotated[str, Field(pattern=SLUG, description="A subscription topic: `offers`.")]
WorkflowName = Annotated[
    str, Field(pattern=SLUG, description="A workflow's name: its file's, without `.json`.")
]
ListName = Annotated[str, Field(pattern=SLUG, description="A list's name: `newsletter`.")]
SegmentName = Annotated[
    str, Field(pattern=SLUG, description="A segment's name: its file's, without `.json`.")
]
Stage = Annotated[str, Field(pattern=SLUG, description="A lifecycle stage: `customer`.")]
TemplateName = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9][a-z0-9-]*(/[a-z0-9][a-z0-9-]*){0,3}$",
        max_length=100,
        description="The template's folder under `templates/`: `abandoned-cart/reminder`.",
    ),
]
TemplateHash = Annotated[
    str, Field(pattern=HASH, description="A version of a template: `3f2a9c04d1e7b586`.")
]
Path = Annotated[
    str,
    Field(
        min_length=1,
        max_length=200,
        description="A dotted path into the data: `total`, `products[].category`.",
    ),
]
PropertyName = Annotated[
    str,
    Field(
        pattern=PROPERTY,
        description="A property of the contact, without `properties.`: `favorite_color`.",
    ),
]

Locale = Annotated[
    str,
    Field(
        pattern=r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?$",
        description="A language: `en`, `pt-BR`, `zh-Hant`.",
    ),
]
Title = Annotated[
    str, Field(min_length=1, max_length=80, description="The name that recipients see.")
]

SenderName = Annotated[
    str,
    Field(
        max_length=200,
        pattern=r"^([a-z0-9][a-z0-9-]{0,39}|(contact|event|steps|enrollment)\.[^\s@]+)$",
        description="A sender of `settings.json`: `anna`. Or where the data says which: "
        "`contact.properties.owner`.",
    ),
]
Scalar = str | float | int | bool


_PLACE = re.compile(r"(event|contact|steps|enrollment|store)\.\S{1,190}")
_EXAMPLE = '{"from": "event.total"}'


def _value(given: Any, depth: int = 0) -> Any:
    """JSON in which `{"from": "event.total"}` is a path to a value."""
    if depth > 5:
        raise ValueError("is nested too deeply")
    match given:
        case float() if not isfinite(given):
            raise ValueError("is a number too large to be kept")
        case str() if not given.isascii() and any("\ud800" <= c <= "\udfff" for c in given):
            raise ValueError("holds half of a surrogate pair, which is no character")
        case None | bool() | int() | float() | str():
            return given
        case list():
            return [_value(each, depth + 1) for each in given]
        case {"from": place, **rest}:
            if rest or not isinstance(place, str) or not _PLACE.fullmatch(place):
                raise ValueError(
                    f"{place!r} is no place to take a value from: write it like {_EXAMPLE}; it "
                    "begins with event, contact, steps, enrollment or store"
                )
            return given
        case dict():
            return {_value(key): _value(each, depth + 1) for key, each in given.items()}
        case _:
            raise ValueError(f"should be JSON, or a place to take a value from: {_EXAMPLE}")


def _text(given: Any) -> Any:
    if isinstance(given, str) or (isinstance(given, dict) and "from" in given):
        return _value(given)
    raise ValueError(f"should be a text, or a place to take one from: {_EXAMPLE}")


_FROM: dict[str, Any] = {
    "type": "object",
    "title": "From",
    "description": "A value that is looked up when the step runs; left out if it is missing.",
    "properties": {
        "from": {
            "type": "string",
            "pattern": f"^{_PLACE.pattern}$",
            "title": "from",
            "description": "Where: `event.…`, `contact.…`, `steps.<id>.…`, `enrollment.…` or "
            "`store.…`.",
        }
    },
    "required": ["from"],
    "additionalProperties": False,
}
_PLAIN = [{"type": kind} for kind in ("string", "number", "boolean", "null", "array", "object")]

Value = Annotated[Any, PlainValidator(_value), WithJsonSchema({"anyOf": [_FROM, *_PLAIN]})]
"""A literal value, or a path to one."""

Text = Annotated[Any, PlainValidator(_text), WithJsonSchema({"anyOf": [_FROM, {"type": "string"}]})]
"""A literal text, or a path to one."""


class StrictModel(BaseModel):
    """A part of a file. An unknown field is an error that names the field."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
