"""The generic event format: what any shop, script or integration posts to `/events`."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from json import dumps
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from milepost.base.addresses import normalize_email, normalize_phone
from milepost.contacts.event import ConsentEvidence, ContactUpdate, Event, IdentifierKind
from milepost.contacts.field_models import with_contact_fields
from milepost.contacts.fields import CONTACT_FIELDS, ContactField

MAX_EVENT_BYTES = 256 * 1024
"""One event is one DynamoDB item, which may hold 400 KB in all."""

CLOCK_SKEW = timedelta(minutes=10)
OLDEST = datetime(2000, 1, 1, tzinfo=UTC)

ALIASES: Mapping[str, str] = {
    "Placed Order": "Order Completed",
    "Started Checkout": "Checkout Started",
    "Cancelled Order": "Order Cancelled",
    "Refunded Order": "Order Refunded",
    "Fulfilled Order": "Order Fulfilled",
    "Viewed Product": "Product Viewed",
    "Added to Cart": "Product Added",
    "Submitted Search": "Products Searched",
    "Email Link Clicked": "Email Clicked",
}
"""Names other systems use for what we name as the Segment e-commerce specification does."""

Text = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
Id = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,200}$")]
Name = Annotated[
    str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f#]{1,100}$", strip_whitespace=True)
]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]


class RefusedEventError(ValueError):
    """An event that cannot be taken: `code`, the `field` and what to do."""

    def __init__(self, code: str, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.field = field


class Model(BaseModel):
    """What a shop posts: nothing that we do not know is taken for what it might mean."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class ConsentIn(Model):
    """An answer the shop has on record. `at` is when the person gave it."""

    topic: Slug
    state: Literal["granted", "withdrawn"]
    at: AwareDatetime | None = None
    method: Text = "api"
    source: Text = "api"
    consent_text: Text | None = None
    ip: Text | None = None
    user_agent: Text | None = None


def _type_of(field: ContactField) -> Any:
    return Annotated[str, StringConstraints(pattern=field.pattern)] if field.pattern else Text


@with_contact_fields(_type_of)
class ContactIn(Model):
    """Who it happened to: at least one identifier."""

    email: str | None = None
    external_id: Id | None = None
    phone: str | None = None
    device_id: Id | None = None
    properties: dict[Annotated[str, StringConstraints(max_length=100)], Any] = Field(
        default_factory=dict, max_length=100
    )
    consent: list[ConsentIn] = Field(default_factory=list, max_length=20)


class EventIn(Model):
    """One event as it is posted."""

    id: Id | None = None
    event: Name
    occurred_at: AwareDatetime | None = None
    contact: ContactIn
    properties: dict[str, Any] = Field(default_factory=dict)


def translate(store: str, document: Any, received_at: datetime) -> tuple[Event, bool]:
    """One posted event as a contact event, and whether it told its time.

    Raises RefusedEventError for anything else. Without an `id` the event is named after its
    content, so that the very same request twice is one event if it tells its time.
    """
    try:
        posted = EventIn.model_validate(document)
    except ValidationError as error:
        raise refusal(error) from None
    text = dumps(document, sort_keys=True, ensure_ascii=False)
    if len(text.encode()) > MAX_EVENT_BYTES:
        raise RefusedEventError(
            "event_too_large", f"one event may have {MAX_EVENT_BYTES // 1024} KB", "properties"
        )
    dated = posted.occurred_at is not None
    occurred_at = _plausible(posted.occurred_at or received_at, received_at, "occurred_at")
    event = Event(
        store=store,
        id=posted.id or sha256(text.encode()).hexdigest()[:32],
        name=ALIASES.get(posted.event, posted.event),
        occurred_at=occurred_at,
        source="api",
        identifiers=identifiers_of(posted.contact),
        data=posted.properties,
        contact=facts_of(posted.contact, received_at),
    )
    return event, dated or posted.id is None


def _plausible(at: datetime, received_at: datetime, field: str) -> datetime:
    """The instant in UTC. The latest answer and the latest field win, so none may be dated ahead.

    Compared before it is converted: the calendar's last hours have no UTC.
    """
    if at > received_at + CLOCK_SKEW:
        raise RefusedEventError("in_the_future", f"{field} is in the future", field)
    if at < OLDEST:
        raise RefusedEventError("too_old", f"{field} is before the year 2000", field)
    return at.astimezone(UTC)


def identifiers_of(contact: ContactIn) -> dict[IdentifierKind, str]:
    """The identifiers, each in its one spelling. Raises RefusedEventError if there is none."""
    email = normalize_email(contact.email) if contact.email else None
    if contact.email and email is None:
        raise RefusedEventError(
            "bad_email", "this is not an e-mail address that mail can be sent to", "contact.email"
        )
    phone = normalize_phone(contact.phone) if contact.phone else None
    if contact.phone and phone is None:
        raise RefusedEventError(
            "bad_phone", "write the number with its country code: +33612345678", "contact.phone"
        )
    given: dict[IdentifierKind, str | None] = {
        "email": email,
        "external_id": contact.external_id,
        "phone": phone,
        "device": contact.device_id,
    }
    identifiers = {kind: value for kind, value in given.items() if value}
    if not identifiers:
        raise RefusedEventError(
            "no_contact", "needs one of email, external_id, phone, device_id", "contact"
        )
    return identifiers


def facts_of(contact: ContactIn, received_at: datetime) -> ContactUpdate:
    """What is said of the person. Raises RefusedEventError."""
    fields = contact.model_dump(include={*CONTACT_FIELDS}, exclude_none=True)
    for name, value in fields.items():
        spelled(name, value, f"contact.{name}")
    return ContactUpdate(
        fields=fields,
        properties=contact.properties,
        consents=tuple(
            ConsentEvidence(
                state=c.state,
                method=c.method,
                source=c.source,
                topic=c.topic,
                at=_dated(c.at, received_at, f"contact.consent.{number}.at"),
                consent_text=c.consent_text,
                ip=c.ip,
                user_agent=c.user_agent,
            )
            for number, c in enumerate(contact.consent)
        ),
    )


def spelled(name: str, value: str, place: str) -> str:
    """The value of a contact field in its one spelling. Raises RefusedEventError."""
    field = CONTACT_FIELDS[name]
    kept = field.normalize(value)
    if kept is None:
        raise RefusedEventError(f"bad_{name}", f"{name} must be {field.spelling}", place)
    return kept


def _dated(at: datetime | None, received_at: datetime, field: str) -> datetime | None:
    """The time of an answer. One that has not come yet is none: it could outdate a later "no"."""
    if at is None:
        return None
    plausible = _plausible(at, received_at, field)
    return plausible if plausible <= received_at else None


def refusal(error: ValidationError) -> RefusedEventError:
    """The first thing that is wrong, in words that never quote what was sent."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    reasons = {
        "missing": "is required",
        "extra_forbidden": "is not a field of an event: put your own data under properties",
        "timezone_aware": "needs an offset, as in 2026-11-22T09:30:00Z",
    }
    reason = reasons.get(first["type"], first["msg"][:1].lower() + first["msg"][1:])
    return RefusedEventError("bad_event", f"{field or 'the event'} {reason}", field or None)
