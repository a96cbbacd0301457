"""One event of one contact, whatever reported it, and whom it identifies."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, Literal, NamedTuple

from milepost.base import instants
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
"""Which identifier wins when an event carries several: the address the mail goes to comes first."""


class ConsentEvidence(NamedTuple):
    """What an event says about permission to mail: evidence, not yet a decision.

    `topic` None means "whatever topics this store maps its shop's marketing consent to".
    `at` None means the source gave no time; such a grant never overrides a recorded answer. A
    confirmed sign-up has two requests: the one that confirmed it, and the one that began it.
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
    """What an event says about the person: only what was stated, never defaults.

    `fields` are the contact's own, by the names of `CONTACT_FIELDS`.
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
    """Name the contact that is first seen under this identifier.

    A function of its arguments, so that two first events at once agree without a lock, and no
    second write is needed to reserve an id. 26 characters of [0-9a-f]; says nothing readable.
    """
    return "c" + sha256(f"{store}\n{kind}\n{value}".encode()).hexdigest()[:25]


def encode_body(event: Event) -> str:
    """The event as one JSON text: half the CPU of a DynamoDB map (measured, docs/decisions)."""
    contact = event.contact
    facts: dict[str, Any] = {
        **contact.fields,
        "properties": dict(contact.properties),
        "consents": [
            {
                "state": c.state,
                "method": c.method,
                "source": c.source,
                "topic": c.topic,
                "at": instants.format_instant(c.at) if c.at else None,
                "consent_text": c.consent_text,
                "ip": c.ip,
                "user_agent": c.user_agent,
                **(
                    {"requested_at": instants.format_instant(c.requested_at)}
                    if c.requested_at
                    else {}
                ),
                **({} if c.requested_ip is None else {"requested_ip": c.requested_ip}),
            }
            for c in contact.consents
        ],
        "changes": [list(change) for change in contact.changes],
    }
    return json.dumps(
        {
            "identifiers": dict(event.identifiers),
            "data": dict(event.data),
            "contact": {k: v for k, v in facts.items() if v},
        },
        ensure_ascii=False,
        separators=(",", ":"),
        allow_nan=False,
    )


def decode_body(body: str) -> tuple[dict[IdentifierKind, str], dict[str, Any], ContactUpdate]:
    """Undo `encode_body`: identifiers, data and the facts about the contact."""
    document = json.loads(body)
    facts = document["contact"]
    fields = {name: facts[name] for name in CONTACT_FIELDS if name in facts}
    consents = tuple(
        ConsentEvidence(
            **{**c, **{n: instants.parse_instant(c[n]) if c.get(n) else None for n in _TIMES}}
        )
        for c in facts.get("consents", ())
    )
    changes = tuple(Change(*change) for change in facts.get("changes", ()))
    return (
        document["identifiers"],
        document["data"],
        ContactUpdate(fields, facts.get("properties", {}), consents, changes),
    )


_TIMES = ("at", "requested_at")


def is_system_event(event: Event) -> bool:
    """Whether Milepost wrote the event for itself. Such an event is not counted."""
    return event.source == SYSTEM_SOURCE and event.name in (
        MERGE_REQUESTED,
        MERGED,
        DUPLICATE_CORRECTED,
    )


def is_merge_request(event: Event) -> bool:
    """Whether an event asks the contact on whose timeline it is to merge."""
    return event.source == SYSTEM_SOURCE and event.name == MERGE_REQUESTED


PERSONAL_IDENTIFIERS: Final[tuple[IdentifierKind, ...]] = ("email", "external_id", "phone")
"""Identifiers of a person. A contact that has none of them is anonymous."""

TRUSTED_SOURCES: Final = frozenset({"api", "import", *(key.platform for key in KEYS.values())}) - {
    ""
}
"""Sources that prove to be the shop, by a key or a signature. Whatever else names a person may be
anybody who types an address into a page: such an event changes nothing that is known of anyone."""


def trusted(event: Event) -> bool:
    """Whether the shop stands for what an event says of a person.

    An event without identifiers was addressed by ourselves, or by a link that we have signed.
    """
    return event.source in TRUSTED_SOURCES or not event.identifiers


def claimable_identifiers(event: Event) -> Mapping[IdentifierKind, str]:
    """The identifiers that an event may lay hands on.

    Whoever is not the shop names one person at most, and brings a device along: a second name
    could take over what belongs to somebody else.
    """
    held = event.identifiers
    names = [kind for kind in PERSONAL_IDENTIFIERS if kind in held]
    if trusted(event) or not names:
        return held
    return {kind: held[kind] for kind in (names[0], "device") if kind in held}


def personal_identifiers(identifiers: Mapping[IdentifierKind, str]) -> dict[IdentifierKind, str]:
    """Those identifiers that name a person, the first to decide first."""
    return {
        k: identifiers[k]
        for k in IDENTIFIER_PRIORITY
        if k in PERSONAL_IDENTIFIERS and k in identifiers
    }


def drop_identifiers(event: Event, kinds: Collection[IdentifierKind]) -> Event:
    """The event without identifiers that belong to somebody else."""
    if not kinds:
        return event
    kept = {kind: value for kind, value in event.identifiers.items() if kind not in kinds}
    return replace(event, identifiers=kept)


def anonymous(known: Mapping[str, Collection[str]]) -> bool:
    """Whether nobody has said yet who this is; `known` are a profile's identifiers."""
    return not any(known.get(kind) for kind in PERSONAL_IDENTIFIERS)


def is_misrouted(contact: str, known: Mapping[str, Collection[str]], event: Event) -> bool:
    """Whether an event is about somebody else than the contact that its device led it to.

    Two people share a device: the event names a person, by nothing that is known of this contact,
    and nothing but the device can have led it here. Or the shop tells two customers apart who share
    a telephone or a cart.
    """
    said = claimable_identifiers(event)
    names = personal_identifiers(said)
    if not names or anonymous(known):
        return False
    if any(contact == contact_id(event.store, kind, value) for kind, value in names.items()):
        return False  # the name itself led here
    customer = names.get("external_id")
    if customer and known.get("external_id") and customer not in known["external_id"]:
        return names.get("email") not in known.get("email", ())
    if any(kind in said for kind in ("order", "checkout", "cart")):
        return False
    here = any(value in known.get(kind, ()) for kind, value in names.items())
    return not here and said.get("device") in known.get("device", ())
