"""Identifiers that an event may claim, and misrouted events."""

from collections.abc import Mapping

import pytest

from milepost.contacts.event import (
    ContactUpdate,
    IdentifierKind,
    anonymous,
    claimable_identifiers,
    drop_identifiers,
    is_misrouted,
    trusted,
)
from milepost.contacts.profile import Profile, apply_event
from milepost.stores.settings import StoreSettings
from tests.support.builders import ADA, MONDAY_NOON, STORE, contact, event

Identifiers = Mapping[IdentifierKind, str]
ALL: Identifiers = {
    "device": "d-1",
    "cart": "c-1",
    "email": ADA,
    "external_id": "7",
    "phone": "+33612345678",
}


def test_trusted_event_claims_all_identifiers() -> None:
    assert claimable_identifiers(event(identifiers=ALL, source="shopify")) == ALL


@pytest.mark.parametrize("source", ["browser", "form", "unknown"])
def test_untrusted_event_claims_one_person_and_the_device(source: str) -> None:
    public = event(identifiers=ALL, source=source)
    assert claimable_identifiers(public) == {"email": ADA, "device": "d-1"}
    assert not trusted(public)


def test_anonymous_event_claims_device_and_cart() -> None:
    visit: Identifiers = {"device": "d-1", "cart": "c-1"}
    assert claimable_identifiers(event(identifiers=visit, source="browser")) == visit


def test_event_without_identifiers_is_trusted() -> None:
    assert trusted(event(identifiers={}, source="reader"))


def test_contact_without_personal_identifier_is_anonymous() -> None:
    assert anonymous({"device": ("d-1",)})
    assert anonymous({"device": ("d-1",), "email": ()})
    assert not anonymous({"phone": ("+33612345678",)})


@pytest.mark.parametrize(
    ("known", "claimed", "misrouted"),
    [
        ({"email": (ADA,), "device": ("d-1",)}, {"email": "bo@x.example", "device": "d-1"}, True),
        ({"email": (ADA,), "device": ("d-1",)}, {"email": ADA, "device": "d-1"}, False),
        ({"email": (ADA,), "device": ("d-1",)}, {"device": "d-1"}, False),
        ({"device": ("d-1",)}, {"email": ADA, "device": "d-1"}, False),
        ({"email": (ADA,)}, {"email": "new@x.example", "external_id": "7"}, False),
        (
            {"email": (ADA,), "device": ("d-1",)},
            {"email": "new@x.example", "device": "d-1", "checkout": "k-1"},
            False,
        ),
    ],
)
def test_event_is_misrouted_only_by_shared_device(
    known: dict[str, tuple[str, ...]], claimed: Identifiers, misrouted: bool
) -> None:
    assert is_misrouted("c-1", known, event(identifiers=claimed)) == misrouted


def test_event_routed_by_its_own_identifier_is_not_misrouted() -> None:
    known = {"phone": ("+33612345678",), "device": ("d-1",)}
    claimed = event(identifiers={"email": ADA, "device": "d-1"})
    assert is_misrouted("c-1", known, claimed)
    assert not is_misrouted(contact(ADA), known, claimed)


def test_drop_identifiers_keeps_the_other_identifiers() -> None:
    assert drop_identifiers(event(identifiers=ALL), {"device", "cart", "phone"}).identifiers == {
        "email": ADA,
        "external_id": "7",
    }


def test_browser_value_fills_blank_but_never_overrides_shop_value() -> None:
    def named(name: str, source: str, minute: int) -> Profile:
        facts = ContactUpdate({"first_name": name}, {"size": name})
        at = MONDAY_NOON.replace(minute=minute)
        claimed = event(id_=f"{source}{minute}", at=at, source=source, contact=facts)
        return apply_event(held, claimed, StoreSettings())

    held = Profile(STORE, contact())
    held = named("Page", "browser", 5)
    assert (held.get("first_name"), held.email) == ("Page", ADA)
    held = named("Shop", "api", 1)
    held = named("Later", "browser", 9)
    assert (held.get("first_name"), held.get("properties.size")) == ("Shop", "Shop")
