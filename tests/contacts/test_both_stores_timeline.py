"""The timeline in memory and in DynamoDB."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from milepost.conditions.context import EventWindow, PastEvent
from milepost.contacts.event import IdentifierKind, contact_id
from tests.support.builders import ADA, MONDAY_NOON, STORE, contact, event
from tests.support.ports import Ports

MINUTE = timedelta(minutes=1)
Identifiers = Mapping[IdentifierKind, str]


def test_same_event_is_appended_once(ports: Ports) -> None:
    assert ports.timeline.append(contact(), event())
    assert not ports.timeline.append(contact(), event())
    assert not ports.timeline.append(contact(), event(data={"total": 1}))


def test_events_differ_by_name_time_and_id(ports: Ports) -> None:
    first = event(id_="1")
    others = [event(id_="2"), event(id_="1", at=MONDAY_NOON + MINUTE), event("Viewed", id_="1")]
    assert all(ports.timeline.append(contact(), each) for each in (first, *others))


def test_two_contacts_can_have_events_with_the_same_id(ports: Ports) -> None:
    assert ports.timeline.append(contact(), event())
    assert ports.timeline.append(contact("bo@mail.example"), event())


def test_unknown_identifier_resolves_to_future_contact_id(ports: Ports) -> None:
    wanted: list[Identifiers] = [{"email": ADA}, {"cart": "c-1", "external_id": "7"}]
    assert ports.timeline.resolve(STORE, wanted) == [
        contact_id(STORE, "email", ADA),
        contact_id(STORE, "external_id", "7"),
    ]


def test_known_identifier_resolves_to_its_contact(ports: Ports) -> None:
    ports.contacts.claim_identifiers("c-device", event(identifiers={"device": "d-1"}))
    ports.contacts.claim_identifiers("c-ada", event(identifiers={"email": ADA, "external_id": "7"}))
    wanted: list[Identifiers] = [
        {"email": "new@mail.example", "external_id": "7"},
        {"device": "d-1", "email": ADA},
        {"device": "d-1", "email": "new@mail.example"},
        {"external_id": "7"},
        {"external_id": "7"},
    ]
    found = ports.timeline.resolve(STORE, wanted)
    assert found == ["c-ada", "c-ada", "c-device", "c-ada", "c-ada"]


def test_identifier_of_another_store_is_not_resolved(ports: Ports) -> None:
    ports.contacts.claim_identifiers("c-ada", event(identifiers={"email": ADA}))
    assert ports.timeline.resolve("other", [{"email": ADA}]) != ["c-ada"]


def test_claimed_identifier_cannot_be_claimed_by_another_contact(ports: Ports) -> None:
    ports.contacts.claim_identifiers("c-first", event())
    ports.contacts.claim_identifiers("c-second", event())
    assert ports.timeline.resolve(STORE, [{"email": ADA}]) == ["c-first"]


def test_event_without_time_gets_time_of_first_report(ports: Ports) -> None:
    def seen(id_: str, now: datetime) -> datetime:
        return ports.timeline.first_seen(STORE, "api", id_, now)

    first = datetime(2026, 11, 2, 12, 0, 0, 123_456, tzinfo=UTC)
    assert seen("1", first) == first.replace(microsecond=123_000)
    assert seen("1", first + MINUTE) == first.replace(microsecond=123_000)
    assert seen("2", first + MINUTE) == first.replace(microsecond=123_000) + MINUTE


@pytest.mark.parametrize(
    ("since", "seen"),
    [
        (None, [1, 2, 3]),
        (MONDAY_NOON - MINUTE, [1, 2, 3]),
        (MONDAY_NOON, [2, 3]),
        (MONDAY_NOON + 2 * MINUTE, []),
    ],
)
def test_event_window_holds_events_after_its_start(
    ports: Ports, since: datetime | None, seen: list[int]
) -> None:
    for number in (3, 1, 2):
        at = MONDAY_NOON + (number - 1) * MINUTE
        ports.timeline.append(contact(), event("Viewed", {"number": number}, at=at))
    found = ports.timeline.past_events(STORE, contact(), EventWindow("Viewed", since))
    assert [happening.data["number"] for happening in found] == seen


def test_event_window_excludes_other_names_and_contacts(ports: Ports) -> None:
    for name in ("Order", "Order Completed", "Orders", "order"):
        ports.timeline.append(contact(), event(name))
    ports.timeline.append(contact("bo@mail.example"), event("Order", {"of": "Bo"}))
    found = ports.timeline.past_events(STORE, contact(), EventWindow("Order", None))
    assert found == [PastEvent(MONDAY_NOON, {})]


def test_event_data_survives_a_round_trip(ports: Ports) -> None:
    data = {
        "total": 421.88,
        "big": 10**20,
        "nothing": None,
        "yes": True,
        "empty": "",
        "products": [{"name": "کتاب", "tags": []}, {"name": "茶"}],
        "deep": {"a": {"b": [1, [2]]}},
    }
    at = datetime(2026, 11, 2, 12, 0, 0, 987_654, tzinfo=UTC)
    ports.timeline.append(contact(), event("Viewed", data, at=at))
    (found,) = ports.timeline.past_events(STORE, contact(), EventWindow("Viewed", None))
    assert found == PastEvent(at.replace(microsecond=987_000), data)


def test_find_returns_event_by_name_time_and_id(ports: Ports) -> None:
    made = event(id_="1", data={"total": 1})
    ports.timeline.append(contact(), made)
    find = ports.timeline.find
    assert find(STORE, contact(), made.name, MONDAY_NOON, "1") == made
    assert find(STORE, contact(), made.name, MONDAY_NOON, "2") is None
    assert find(STORE, contact(), "Other", MONDAY_NOON, "1") is None
    assert find(STORE, contact(), made.name, MONDAY_NOON + MINUTE, "1") is None
    assert find("other", contact(), made.name, MONDAY_NOON, "1") is None
