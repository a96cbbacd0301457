"""What a shop asks of its contacts: bodies of the API, each as the event that it comes to.

A change of a contact is an event like any other, so that `react` stays the one who writes profiles
and workflows see what happens. An event that has an idempotency key as its id but no time of its
own is dated by when it was first reported.
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
Asked = TypeVar("Asked", bound=BaseModel)


class LookupBody(Model):
    """Exactly one identifier. It is posted, for what is in a URL is in logs."""

    email: str | None = None
    external_id: Id | None = None
    phone: str | None = None
    device_id: Id | None = None


class UpsertBody(Model):
    """A contact to be made or changed: it is found by its identifiers, as that of an event is."""

    contact: ContactIn
    id: Id | None = None
    occurred_at: AwareDatetime | None = None


@with_contact_fields(lambda _: Text)
class PatchBody(Model):
    """Changes of a known contact (JSON Merge Patch, RFC 7396): null takes a field away."""

    properties: dict[Key, Any] = Field(default_factory=dict, max_length=100)


class ConsentBody(ConsentIn):
    """An answer to be recorded. Without `at` it is given now."""


def lookup(document: Any) -> Mapping[IdentifierKind, str]:
    """The identifier to look a contact up by. Raises RefusedEventError, as all of these do."""
    asked = _read(LookupBody, document)
    given = asked.model_dump(exclude_none=True)
    if len(given) != 1:
        raise RefusedEventError(
            "bad_lookup", "needs exactly one of email, external_id, phone, device_id"
        )
    try:
        return identifiers_of(ContactIn(**given))
    except RefusedEventError as error:
        raise RefusedEventError(error.code, str(error), next(iter(given))) from None


def upsert(store: str, document: Any, key: str | None, now: datetime) -> tuple[Event, bool]:
    """The event of an upsert, and whether it tells its time."""
    asked = _read(UpsertBody, document)
    named = {} if asked.id or not key else {"id": key}
    return translate(store, {**document, **named, "event": CONTACT}, now)


def patch(store: str, document: Any, id_: str, now: datetime) -> Event:
    asked = _read(PatchBody, document)
    fields = asked.model_dump(exclude={"properties"}, exclude_unset=True)
    said = {
        name: None if value is None else spelled(name, value, name)
        for name, value in fields.items()
    }
    said |= {f"properties.{name}": value for name, value in asked.properties.items()}
    if not said:
        raise RefusedEventError("nothing_to_change", "the body changes nothing")
    for name, value in said.items():
        if len(dumps(value)) > MAX_VALUE_LENGTH:
            raise RefusedEventError(
                "value_too_long", f"a value may have {MAX_VALUE_LENGTH} characters as JSON", name
            )
    changes = tuple(
        Change("unset", name) if value is None else Change("set", name, value)
        for name, value in said.items()
    )
    return _event(store, id_, CONTACT, now, ContactUpdate(changes=changes))


def listed(store: str, name: str, change: str, id_: str, now: datetime) -> Event:
    """The contact is `added` to a list, or `removed`."""
    facts = ContactUpdate(changes=(Change("set", f"lists.{name}", change == "added"),))
    return replace(_event(store, id_, LIST[change], now, facts), data={"list": name})


def answer(store: str, document: Any, id_: str, now: datetime) -> Event:
    asked = _read(ConsentBody, document)
    if asked.at is None:
        asked = asked.model_copy(update={"at": now})
    try:
        facts = facts_of(ContactIn(consent=[asked]), now)
    except RefusedEventError as error:
        raise RefusedEventError(error.code, str(error), "at") from None
    (fact,) = facts.consents
    event = _event(store, id_, CONSENT, now, facts)
    return replace(event, data={"topic": fact.topic, "state": fact.state})


def _read(model: type[Asked], document: Any) -> Asked:
    try:
        asked = model.model_validate(document)
    except ValidationError as error:
        raise refusal(error) from None
    if len(dumps(document, ensure_ascii=False).encode()) > MAX_EVENT_BYTES:
        raise RefusedEventError(
            "event_too_large", f"one event may have {MAX_EVENT_BYTES // 1024} KB"
        )
    return asked


def _event(store: str, id_: str, name: str, now: datetime, facts: ContactUpdate) -> Event:
    return Event(
        store=store, id=id_, name=name, occurred_at=now, source="api", identifiers={}, contact=facts
    )
