"""Members and timers in memory and in DynamoDB: paging finds every contact, and due contacts."""

from dataclasses import replace
from datetime import timedelta

from milepost.base.names import ContactRef
from milepost.contacts.profile import NextCheck, Profile, apply_event
from milepost.stores.settings import StoreSettings
from tests.support.builders import MONDAY_NOON, STORE, contact, event
from tests.support.ports import Ports

HOUR = timedelta(hours=1)


def stored_contact(ports: Ports, number: int, next_check: NextCheck | None = None) -> Profile:
    """A contact with one event, this many hours after Monday noon."""
    name = contact(f"{number}@mail.example")
    first = event("Product Viewed", at=MONDAY_NOON + number * HOUR)
    profile = replace(
        apply_event(Profile(STORE, name), first, StoreSettings()),
        last_sequence=1,
        next_check=next_check,
    )
    assert ports.contacts.apply(None, profile)
    return profile


def all_members(ports: Ports, most: int) -> list[str]:
    found: list[str] = []
    page = ports.members.page(STORE, "all", "", most=most)
    while True:
        assert len(page.members) <= most
        found += [member.contact for member in page.members]
        if not page.next:
            return found
        page = ports.members.page(STORE, "all", "", page.next, most)


def test_each_contact_is_listed_once_for_any_page_size(ports: Ports) -> None:
    names = {stored_contact(ports, number).contact for number in range(23)}
    for most in (1, 2, 5, 23, 100):
        found = all_members(ports, most)
        assert len(found) == len(set(found))
        assert set(found) == names
    assert ports.members.count(STORE, "all", "") == 23
    assert ports.members.count("other-shop", "all", "") == 0
    assert ports.members.page("other-shop", "all", "").members == []


def test_member_has_join_time(ports: Ports) -> None:
    stored_contact(ports, 3)
    (member,) = ports.members.page(STORE, "all", "").members
    assert member.since == "2026-11-02T15:00:00.000Z"


def test_later_event_does_not_list_a_contact_twice(ports: Ports) -> None:
    before = stored_contact(ports, 1)
    earlier = event("Product Viewed", at=MONDAY_NOON - HOUR, id_="earlier")
    after = replace(apply_event(before, earlier, StoreSettings()), last_sequence=2)
    assert ports.contacts.apply(before, after)
    assert len(all_members(ports, 10)) == 1


def test_contact_timer_follows_next_check(ports: Ports) -> None:
    at = MONDAY_NOON + HOUR
    profile = stored_contact(ports, 0, NextCheck(at, at))
    me = ContactRef(STORE, profile.contact)
    assert [*ports.timers.due(at - timedelta(seconds=1))] == []
    assert [*ports.timers.due(at)] == [me]
    ports.timers.put_off(me, at + HOUR)
    assert [*ports.timers.due(at + 2 * HOUR)] == [me]
    later = replace(profile, last_sequence=2, next_check=NextCheck(at + HOUR, at + HOUR))
    assert ports.contacts.apply(profile, later)
    assert [*ports.timers.due(at)] == []
    assert [*ports.timers.due(at + HOUR)] == [me]
    assert ports.contacts.apply(later, replace(later, last_sequence=3, next_check=None))
    assert [*ports.timers.due(at + 2 * HOUR)] == []


def test_next_check_survives_a_round_trip(ports: Ports) -> None:
    at = MONDAY_NOON + HOUR
    profile = replace(
        stored_contact(ports, 0),
        last_sequence=2,
        next_check=NextCheck(at, at + HOUR),
        fired={"x": "y"},
    )
    assert ports.contacts.apply(None, replace(profile, contact=contact()))
    assert ports.contacts.profile(STORE, contact()) == replace(profile, contact=contact())
