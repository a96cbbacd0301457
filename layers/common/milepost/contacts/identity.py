"""Who an event is about: what its source may say of that, and what stands against it.

`email`, `external_id` and `phone` name a person. A device, a cart, a checkout or an order leads to
whoever was seen with it, and is no proof that two people who are known are one.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Final

from milepost.contacts.event import IDENTIFIER_PRIORITY, Event, IdentifierKind, contact_id
from milepost.stores.keys import KEYS

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
