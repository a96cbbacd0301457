"""One event of one contact, and the identifiers that it carries."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, Literal, NamedTuple

from milepost.base import times
from milepost.contacts.event_names import (
    DUPLICATE_CORRECTED,
    MERGE_REQUESTED,
    MERGED,
    SYSTEM_SOURCE,
)
from milepost.contacts.fields import CONTACT_FIELDS, Change
from milepost.stores.keys import KEYS

IdentifierKind = Literal["email", "external_id", "phone", "device", "order", "checkout", "cart"]

IDENTIFIER_PRIORITY: tuple[IdentifierKind, ...] = (
    "email", "external_id", "phone", "order", "checkout", "cart", "device",
)  # fmt: skip
"""Which identifier wins when an event has several. The e-mail address comes first."""


class ConsentEvidence(NamedTuple):
    """What an event says about consent; `merge_consent` decides.

    `topic` None means the store's `shop_topics`. `at` None means that the source gave no time; such
    a grant never overrides a recorded answer. A confirmed sign-up has two requests: the one that
    confirmed it (`at`, `ip`) and the one that began it (`requested_at`, `requested_ip`).
    """

    state: Literal["granted", "withdrawn"]
    method: str
    source: str
    topic: str | None = None
    at: datetime | None = None
    consent_text: str | None = None
    ip: str | None = None
    user_agent: str | None = None
    requested_at: datetime | None = None
    requested_ip: str | None = None


@dataclass(frozen=True, slots=True)
class ContactUpdate:
    """What an event states about the contact, without defaults.

    `fields` has the names of `CONTACT_FIELDS`.
    """

    fields: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, Any] = field(default_factory=dict)
    consents: tuple[ConsentEvidence, ...] = ()
    changes: tuple[Change, ...] = ()

    def __post_init__(self) -> None:
        if unknown := self.fields.keys() - CONTACT_FIELDS.keys():
            raise ValueError(f"no field of a contact: {', '.join(sorted(unknown))}")


@dataclass(frozen=True, slots=True)
class Event:
    """One event on a contact's timeline.

    `identifiers` maps kind to normalized value and holds at least one entry. `data` is plain JSON.
    Two events with one `name`, `occurred_at` and `id` on one contact are the same event.
    """

    store: str
    id: str
    name: str
    occurred_at: datetime
    source: str
    identifiers: Mapping[IdentifierKind, str]
    data: Mapping[str, Any] = field(default_factory=dict)
    contact: ContactUpdate = field(default_factory=ContactUpdate)


def contact_id(store: str, kind: IdentifierKind, value: str) -> str:
    """The id of a contact that is first seen under this identifier.

    It is a hash, so two concurrent first events agree without a lock and without a write that
    reserves an id. `c` and 25 hex digits.
    """
    return "c" + sha256(f"{store}\n{kind}\n{value}".encode()).hexdigest()[:25]


def encode_body(event: Event) -> str:
    """The event as one JSON text: half the CPU of a DynamoDB map (measured, docs/decisions)."""
    contact = event.contact
    update: dict[str, Any] = {
        **contact.fields,
        "properties": dict(contact.properties),
        "consents": [_consent_json(each) for each in contact.consents],
        "changes": [list(change) for change in contact.changes],
    }
    return json.dumps(
        {
            "identifiers": dict(event.identifiers),
            "data": dict(event.data),
            "contact": {k: v for k, v in update.items() if v},
        },
        ensure_ascii=False,
        separators=(",", ":"),
        allow_nan=False,
    )


def _consent_json(evidence: ConsentEvidence) -> dict[str, Any]:
    """All fields, but those of a confirmed sign-up only if they are set."""
    document = evidence._asdict()
    document |= {n: times.format_instant(document[n]) for n in _TIMES if document[n]}
    return {n: v for n, v in document.items() if v is not None or not n.startswith("requested_")}


def decode_body(body: str) -> tuple[dict[IdentifierKind, str], dict[str, Any], ContactUpdate]:
    """Undo `encode_body`: identifiers, data and the contact update."""
    document = json.loads(body)
    update = document["contact"]
    fields = {name: update[name] for name in CONTACT_FIELDS if name in update}
    consents = tuple(
        ConsentEvidence(
            **{**c, **{n: times.parse_instant(c[n]) if c.get(n) else None for n in _TIMES}}
        )
        for c in update.get("consents", ())
    )
    changes = tuple(Change(*change) for change in update.get("changes", ()))
    return (
        document["identifiers"],
        document["data"],
        ContactUpdate(fields, update.get("properties", {}), consents, changes),
    )


_TIMES = ("at", "requested_at")


def is_system_event(event: Event) -> bool:
    """Whether Milepost wrote the event for itself. Totals do not count such an event."""
    return event.source == SYSTEM_SOURCE and event.name in (
        MERGE_REQUESTED,
        MERGED,
        DUPLICATE_CORRECTED,
    )


def is_merge_request(event: Event) -> bool:
    """Whether an event requests a merge of its contact."""
    return event.source == SYSTEM_SOURCE and event.name == MERGE_REQUESTED


PERSONAL_IDENTIFIERS: Final[tuple[IdentifierKind, ...]] = ("email", "external_id", "phone")
"""A contact that has none of these identifiers is anonymous."""

TRUSTED_SOURCES: Final = frozenset({"api", "import", *(key.platform for key in KEYS.values())}) - {
    ""
}
"""Sources that prove with a key or a signature that they are the shop. Other sources may be a
visitor who types any address into a page, so their events never change known values."""


def trusted(event: Event) -> bool:
    """Whether an event comes from the shop or from Milepost.

    An event without identifiers comes from Milepost itself or from a link token.
    """
    return event.source in TRUSTED_SOURCES or not event.identifiers


def claimable_identifiers(event: Event) -> Mapping[IdentifierKind, str]:
    """The identifiers that an event may claim for its contact.

    An untrusted event may claim one personal identifier and a device. A second one could take over
    another person's contact.
    """
    given = event.identifiers
    kinds = [kind for kind in PERSONAL_IDENTIFIERS if kind in given]
    if trusted(event) or not kinds:
        return given
    return {kind: given[kind] for kind in (kinds[0], "device") if kind in given}


def personal_identifiers(identifiers: Mapping[IdentifierKind, str]) -> dict[IdentifierKind, str]:
    """The identifiers that name a person, by priority."""
    return {
        k: identifiers[k]
        for k in IDENTIFIER_PRIORITY
        if k in PERSONAL_IDENTIFIERS and k in identifiers
    }


def drop_identifiers(event: Event, kinds: Collection[IdentifierKind]) -> Event:
    """The event without identifiers of these kinds, which belong to another contact."""
    if not kinds:
        return event
    kept = {kind: value for kind, value in event.identifiers.items() if kind not in kinds}
    return replace(event, identifiers=kept)


def anonymous(known: Mapping[str, Collection[str]]) -> bool:
    """Whether a contact has no personal identifier; `known` are its profile's identifiers."""
    return not any(known.get(kind) for kind in PERSONAL_IDENTIFIERS)


def is_misrouted(contact: str, known: Mapping[str, Collection[str]], event: Event) -> bool:
    """Whether an event reached this contact and belongs to another.

    Either two people share a device: the event names a person by no identifier of this contact, and
    only the device can have led it here. Or the shop's customer ids differ, although the two people
    share a phone number or a cart.
    """
    claimed = claimable_identifiers(event)
    names = personal_identifiers(claimed)
    if not names or anonymous(known):
        return False
    if any(contact == contact_id(event.store, kind, value) for kind, value in names.items()):
        return False  # its own personal identifier led here
    customer = names.get("external_id")
    if customer and known.get("external_id") and customer not in known["external_id"]:
        return names.get("email") not in known.get("email", ())
    if any(kind in claimed for kind in ("order", "checkout", "cart")):
        return False
    is_known = any(value in known.get(kind, ()) for kind, value in names.items())
    return not is_known and claimed.get("device") in known.get("device", ())
