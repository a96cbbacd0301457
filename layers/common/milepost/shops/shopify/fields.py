"""The types of values in Shopify's payloads, and their validation errors.

Shopify sends null for almost any field, so null and the empty string mean absent. Other values must
have the right type. No error message repeats a value: it may be personal data.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from milepost.base import times
from milepost.shops.platform import WebhookError

_MAX_ID = 255
_MAX_AMOUNT = Decimal(10) ** 13
"""A JSON number has 15 exact digits: with 13 before the point, cents stay exact."""
_EPOCH_YEAR = 1970
_GID = "gid://shopify/"

T = TypeVar("T")
ShapeType = TypeVar("ShapeType", bound="Shape")


def _id(value: object) -> object:
    """Ids are text: they can exceed 2^53, which JavaScript and DynamoDB consoles round."""
    if value is None or value == "":
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise ValueError("must be a whole number or text")
    value = value.strip()
    if value.startswith(_GID):
        value = value.rpartition("/")[2].partition("?")[0]
    if not (0 < len(value) <= _MAX_ID and value.isascii() and value.isprintable()):
        raise ValueError(f"must be 1 to {_MAX_ID} printable ASCII characters")
    return value


def _text(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if value is not None and not isinstance(value, str):
        raise ValueError("must be text or null")
    # JSON can contain a lone surrogate, which UTF-8 cannot encode.
    return (value or "").encode("utf-8", "replace").decode().strip() or None


def _link(value: object) -> object:
    """A link becomes a button in an e-mail: only http and https are kept."""
    text = _text(value)
    return text if isinstance(text, str) and text.startswith(("https://", "http://")) else None


def _amount(value: object) -> object:
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("must be an amount, as in 19.90")
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        raise ValueError("must be an amount, as in 19.90") from None
    if not amount.is_finite() or abs(amount) >= _MAX_AMOUNT:
        raise ValueError("must be an amount below 10^13")
    return amount


def _instant(value: object) -> object:
    if value is None or value == "":
        return None
    try:
        instant = times.parse_instant(value) if isinstance(value, str) else None
    except (ValueError, OverflowError):
        instant = None
    if instant is None or instant.year < _EPOCH_YEAR:
        raise ValueError("must be a time with an offset, as in 2026-11-22T09:30:00-05:00")
    return instant


def _items(value: object) -> object:
    return () if value is None else value


Id = Annotated[str, BeforeValidator(_id)]
OptionalId = Annotated[str | None, BeforeValidator(_id)]
Text = Annotated[str | None, BeforeValidator(_text)]
Link = Annotated[str | None, BeforeValidator(_link)]
Amount = Annotated[Decimal | None, BeforeValidator(_amount)]
Instant = Annotated[datetime, BeforeValidator(_instant)]
OptionalInstant = Annotated[datetime | None, BeforeValidator(_instant)]
Items = Annotated[tuple[T, ...], BeforeValidator(_items)]


class Shape(BaseModel):
    """Part of a Shopify payload. Unknown fields are ignored.

    A model is built at its first use: a cold start pays for one topic (24 ms instead of 33).
    """

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)


def read(shape: type[ShapeType], payload: Mapping[str, Any]) -> ShapeType:
    """Read a body as one model. Raises WebhookError for the first problem."""
    if not isinstance(payload, Mapping):
        raise WebhookError("", "must be a JSON object")
    try:
        return shape.model_validate(dict(payload))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        reason = first["msg"].removeprefix("Value error, ")
        raise WebhookError(_place(first["loc"]), reason) from None


def _place(location: tuple[int | str, ...]) -> str:
    place = ""
    for step in location:
        place += f"[{step}]" if isinstance(step, int) else f".{step}" if place else step
    return place
