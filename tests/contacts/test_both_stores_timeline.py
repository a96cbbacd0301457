"""What the timeline promises, in memory and in DynamoDB."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from milepost.conditions.context import EventWindow, PastEvent
from milepost.contacts.event import IdentifierKind, contact_id
from tests.support.builders import ADA, MONDAY_NOON, STORE, contact, event
from tests.support.ports import Ports

MINUTE = timedelta(minutes=1)
Identifiers = Mapping[IdentifierKind, str]


def test_an_event_is_kept_once(ports: Ports) -> None:
    assert ports.timeline.append(contact(), event())
    assert not ports.timeline.append(contact(), event())
    assert not ports.timeline.append(contact(), event(data={"total": 1}))


def test_name_instant_and_id_tell_events_apart(ports: Ports) -> None:
    first = event(id_="1")
    others = [event(id_="2"), event(id_="1", at=MONDAY_NOON + MINUTE), event("Viewed", id_="1")]
    assert all(ports.timeline.append(contact(), each) for each in (first, *others))


def test_two_contacts_may_have_events_of_one_id(ports: Ports) -> None:
    assert ports.timeline.append(contact(), event())
    assert ports.timeline.append(contact("bo@mail.example"), event())


def test_an_unknown_identifier_leads_to_the_id_the_contact_will_have(ports: Ports) -> None:
    wanted: list[Identifiers] = [{"email": ADA}, {"cart": "c-1", "external_id": "7"}]
    assert ports.timeline.resolve(STORE, wanted) == [
        contact_id(STORE, "email", ADA),
        contact_id(STORE, "external_id", "7"),
    ]


def test_a_known_identifier_leads_to_its_contact(ports: Ports) -> None:
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


def test_no_store_sees_the_identifiers_of_another(ports: Ports) -> None:
    ports.contacts.claim_identifiers("c-ada", event(identifiers={"email": ADA}))
    assert ports.timeline.resolve("other", [{"email": ADA}]) != ["c-ada"]


def test_an_identifier_that_leads_somewhere_is_not_led_elsewhere(ports: Ports) -> None:
    ports.contacts.claim_identifiers("c-first", event())
    ports.contacts.claim_identifiers("c-second", event())
    assert ports.timeline.resolve(STORE, [{"email": ADA}]) == ["c-first"]


def test_an_event_without_a_time_has_that_of_its_first_report(ports: Ports) -> None:
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
def test_a_window_holds_what_happened_after_its_beginning(
    ports: Ports, since: datetime | None, seen: list[int]
) -> None:
    for number in (3, 1, 2):
        at = MONDAY_NOON + (number - 1) * MINUTE
        ports.timeline.append(contact(), event("Viewed", {"number": number}, at=at))
    found = ports.timeline.past_events(STORE, contact(), EventWindow("Viewed", since))
    assert [happening.data["number"] for happening in found] == seen


def test_a_window_holds_no_event_of_another_name_or_contact(ports: Ports) -> None:
    for name in ("Order", "Order Completed", "Orders", "order"):
        ports.timeline.append(contact(), event(name))
    ports.timeline.append(contact("bo@mail.example"), event("Order", {"of": "Bo"}))
    found = ports.timeline.past_events(STORE, contact(), EventWindow("Order", None))
    assert found == [PastEvent(MONDAY_NOON, {})]


def test_data_comes_back_as_it_was(ports: Ports) -> None:
    data = {
        "total": 421.88, "big": 10**20, "nothing": None, "yes": True, "empty": "",
        "products": [{"name": "کتاب", "tags": []}, {"name": "茶"}], "deep": {"a": {"b": [1, [2]]}},
    }  # fmt: skip
    at = datetime(2026, 11, 2, 12, 0, 0, 987_654, tzinfo=UTC)
    ports.timeline.append(contact(), event("Viewed", data, at=at))
    (found,) = ports.timeline.past_events(STORE, contact(), EventWindow("Viewed", None))
    assert found == PastEvent(at.replace(microsecond=987_000), data)


def test_one_event_is_found_by_its_name_instant_and_id(ports: Ports) -> None:
    made = event(id_="1", data={"total": 1})
    ports.timeline.append(contact(), made)
    find = ports.timeline.find
    assert find(STORE, contact(), made.name, MONDAY_NOON, "1") == made
    assert find(STORE, contact(), made.name, MONDAY_NOON, "2") is None
    assert find(STORE, contact(), "Other", MONDAY_NOON, "1") is None
    assert find(STORE, contact(), made.name, MONDAY_NOON + MINUTE, "1") is None
    assert find("other", contact(), made.name, MONDAY_NOON, "1") is None
