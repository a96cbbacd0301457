"""The bodies of the contacts API, each translated into an event.

Every change of a contact is an event, so that only `react` writes profiles and workflows see the
change. If an event's id is an idempotency key and it has no time, its first report dates it.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from json import dumps
from typing import Annotated, Any, TypeVar

from pydantic import AwareDatetime, BaseModel, Field, StringConstraints, ValidationError

from milepost.api.event_body import (
    MAX_EVENT_BYTES,
    ConsentIn,
    ContactIn,
    Id,
    Model,
    RefusedEventError,
    Text,
    facts_of,
    identifiers_of,
    refusal,
    spelled,
    translate,
)
from milepost.contacts.event import ContactUpdate, Event, IdentifierKind
from milepost.contacts.event_names import CONSENT, CONTACT, LIST
from milepost.contacts.field_models import with_contact_fields
from milepost.contacts.fields import Change
from milepost.contacts.profile import MAX_VALUE_LENGTH

Key = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Body = TypeVar("Body", bound=BaseModel)


class LookupBody(Model):
    """Exactly one identifier. It is in the body because URLs are logged."""

    email: str | None = None
    external_id: Id | None = None
    phone: str | None = None
    device_id: Id | None = None


class UpsertBody(Model):
    """A contact to create or change. Its identifiers find it, as in an event."""

    contact: ContactIn
    id: Id | None = None
    occurred_at: AwareDatetime | None = None


@with_contact_fields(lambda _: Text)
class PatchBody(Model):
    """Changes of an existing contact (JSON Merge Patch, RFC 7396): null removes a field."""

    properties: dict[Key, Any] = Field(default_factory=dict, max_length=100)


class ConsentBody(ConsentIn):
    """A consent to record. Without `at` it is given now."""


def lookup(document: Any) -> Mapping[IdentifierKind, str]:
    """The identifier of a lookup. Raises RefusedEventError, as all functions here do."""
    given = _read(LookupBody, document).model_dump(exclude_none=True)
    if len(given) != 1:
        raise RefusedEventError(
            "bad_lookup", "needs exactly one of email, external_id, phone, device_id"
        )
    try:
        return identifiers_of(ContactIn(**given))
    except RefusedEventError as error:
        raise RefusedEventError(error.code, str(error), next(iter(given))) from None


def upsert(store: str, document: Any, key: str | None, now: datetime) -> tuple[Event, bool]:
    """The event of an upsert, and whether its time is final (see `translate`)."""
    body = _read(UpsertBody, document)
    id_ = {} if body.id or not key else {"id": key}
    return translate(store, {**document, **id_, "event": CONTACT}, now)


def patch(store: str, document: Any, id_: str, now: datetime) -> Event:
    body = _read(PatchBody, document)
    fields = body.model_dump(exclude={"properties"}, exclude_unset=True)
    values = {
        name: None if value is None else spelled(name, value, name)
        for name, value in fields.items()
    }
    values |= {f"properties.{name}": value for name, value in body.properties.items()}
    if not values:
        raise RefusedEventError("nothing_to_change", "the body changes nothing")
    for name, value in values.items():
        if len(dumps(value)) > MAX_VALUE_LENGTH:
            raise RefusedEventError(
                "value_too_long", f"a value may have {MAX_VALUE_LENGTH} characters as JSON", name
            )
    changes = tuple(
        Change("unset", name) if value is None else Change("set", name, value)
        for name, value in values.items()
    )
    return _event(store, id_, CONTACT, now, ContactUpdate(changes=changes))


def listed(store: str, name: str, change: str, id_: str, now: datetime) -> Event:
    """The contact is `added` to a list, or `removed`."""
    facts = ContactUpdate(changes=(Change("set", f"lists.{name}", change == "added"),))
    return replace(_event(store, id_, LIST[change], now, facts), data={"list": name})


def answer(store: str, document: Any, id_: str, now: datetime) -> Event:
    body = _read(ConsentBody, document)
    if body.at is None:
        body = body.model_copy(update={"at": now})
    try:
        facts = facts_of(ContactIn(consent=[body]), now)
    except RefusedEventError as error:
        raise RefusedEventError(error.code, str(error), "at") from None
    (fact,) = facts.consents
    event = _event(store, id_, CONSENT, now, facts)
    return replace(event, data={"topic": fact.topic, "state": fact.state})


def _read(model: type[Body], document: Any) -> Body:
    try:
        body = model.model_validate(document)
    except ValidationError as error:
        raise refusal(error) from None
    if len(dumps(document, ensure_ascii=False).encode()) > MAX_EVENT_BYTES:
        raise RefusedEventError(
            "event_too_large", f"one event may have {MAX_EVENT_BYTES // 1024} KB"
        )
    return body


def _event(store: str, id_: str, name: str, now: datetime, facts: ContactUpdate) -> Event:
    return Event(
        store=store, id=id_, name=name, occurred_at=now, source="api", identifiers={}, contact=facts
    )
