"""Who an event is about: what a source may lay hands on, and whom a device may lead to."""

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
    "device": "d-1", "cart": "c-1", "email": ADA, "external_id": "7", "phone": "+33612345678"
}  # fmt: skip


def test_the_shop_may_lay_hands_on_all_that_it_names() -> None:
    assert claimable_identifiers(event(identifiers=ALL, source="shopify")) == ALL


@pytest.mark.parametrize("source", ["browser", "form", "whoever"])
def test_whoever_is_not_the_shop_names_one_person_and_brings_a_device(source: str) -> None:
    public = event(identifiers=ALL, source=source)
    assert claimable_identifiers(public) == {"email": ADA, "device": "d-1"}
    assert not trusted(public)


def test_an_anonymous_visit_may_lay_hands_on_its_device_and_its_cart() -> None:
    visit: Identifiers = {"device": "d-1", "cart": "c-1"}
    assert claimable_identifiers(event(identifiers=visit, source="browser")) == visit


def test_an_event_that_we_addressed_ourselves_is_trusted() -> None:
    assert trusted(event(identifiers={}, source="reader"))


def test_a_contact_is_anonymous_until_something_names_a_person() -> None:
    assert anonymous({"device": ("d-1",)})
    assert anonymous({"device": ("d-1",), "email": ()})
    assert not anonymous({"phone": ("+33612345678",)})


@pytest.mark.parametrize(
    ("known", "said", "elsewhere"),
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
def test_a_shared_device_leads_a_named_person_astray_and_nothing_else_does(
    known: dict[str, tuple[str, ...]], said: Identifiers, elsewhere: bool
) -> None:
    assert is_misrouted("c-1", known, event(identifiers=said)) == elsewhere


def test_an_event_is_not_astray_where_its_own_name_led_it() -> None:
    known = {"phone": ("+33612345678",), "device": ("d-1",)}
    said = event(identifiers={"email": ADA, "device": "d-1"})
    assert is_misrouted("c-1", known, said)
    assert not is_misrouted(contact(ADA), known, said)


def test_an_event_without_what_belongs_to_others_keeps_the_rest() -> None:
    assert drop_identifiers(event(identifiers=ALL), {"device", "cart", "phone"}).identifiers == {
        "email": ADA, "external_id": "7"
    }  # fmt: skip


def test_what_a_page_says_fills_blanks_and_changes_nothing_the_shop_has_said() -> None:
    def named(name: str, source: str, minute: int) -> Profile:
        facts = ContactUpdate({"first_name": name}, {"size": name})
        at = MONDAY_NOON.replace(minute=minute)
        said = event(id_=f"{source}{minute}", at=at, source=source, contact=facts)
        return apply_event(held, said, StoreSettings())

    held = Profile(STORE, contact())
    held = named("Page", "browser", 5)
    assert (held.get("first_name"), held.email) == ("Page", ADA)
    held = named("Shop", "api", 1)
    held = named("Later", "browser", 9)
    assert (held.get("first_name"), held.get("properties.size")) == ("Shop", "Shop")
