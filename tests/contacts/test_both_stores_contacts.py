"""Contacts in memory and in DynamoDB: no write undoes another; a withdrawal needs no profile."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from milepost.aws import keys
from milepost.aws.table import pack
from milepost.base.addresses import address_hash
from milepost.conditions.context import EventWindow
from milepost.contacts.dynamodb.contacts import DynamoContacts
from milepost.contacts.event import ContactUpdate, Event
from milepost.contacts.profile import Consent, EventTotal, Profile, apply_event
from milepost.stores.settings import StoreSettings
from tests.support.builders import (
    ADA,
    MONDAY_NOON,
    STORE,
    consent_fact,
    contact,
    enrollment,
    enrollment_ref,
    event,
)
from tests.support.ports import Cloud, Ports, dynamo_ports

SETTINGS = StoreSettings(shop_topics=("offers",))
GRANTED = Consent("granted", MONDAY_NOON, "form", "footer")
HOUR = timedelta(hours=1)


def profile_after(*events: Event, applied: int = 1) -> Profile:
    profile = Profile(STORE, contact())
    for each in events:
        profile = apply_event(profile, each, SETTINGS)
    return replace(profile, last_sequence=applied)


def stored_profile(ports: Ports) -> Profile:
    found = ports.contacts.profile(STORE, contact())
    assert found is not None
    return found


def withdrawal(*topics: str) -> Event:
    facts = tuple(consent_fact(topic, "withdrawn", MONDAY_NOON + HOUR) for topic in topics)
    return event(
        "Unsubscribed", at=MONDAY_NOON + HOUR, id_="m-1", contact=ContactUpdate(consents=facts)
    )


def test_unknown_contact_has_no_profile(ports: Ports) -> None:
    assert ports.contacts.profile(STORE, contact()) is None


def test_profile_survives_a_round_trip(ports: Ports) -> None:
    facts = ContactUpdate(
        {"first_name": "آدا", "timezone": "Asia/Tehran"},
        properties={"vip": True, "score": 7, "tags": ["a", "b"], "nested": {"x": None}},
        consents=(consent_fact(), consent_fact("news", at=None)),
    )
    profile = replace(
        profile_after(event(data={"total": "421.88"}, contact=facts)),
        entries={"cart": MONDAY_NOON},
        active_enrollments={"e-1": enrollment().presence()},
    )
    assert ports.contacts.apply(None, profile)
    assert stored_profile(ports) == profile
    assert stored_profile(ports).totals["Checkout Started"] == EventTotal(
        1, MONDAY_NOON, MONDAY_NOON, Decimal("421.88")
    )


def test_second_concurrent_first_write_fails(ports: Ports) -> None:
    assert ports.contacts.apply(None, profile_after(event("A"), applied=1))
    assert not ports.contacts.apply(None, profile_after(event("B"), applied=2))
    assert list(stored_profile(ports).totals) == ["A"]


def test_write_based_on_outdated_profile_fails(ports: Ports) -> None:
    old = profile_after(event("A"), applied=1)
    new = profile_after(event("A"), event("B"), applied=2)
    ports.contacts.apply(None, old)
    assert ports.contacts.apply(old, new)
    assert not ports.contacts.apply(old, profile_after(event("A"), event("C"), applied=3))
    assert stored_profile(ports) == new


def test_withdrawal_works_without_a_profile(ports: Ports) -> None:
    ports.contacts.withdraw(contact(), withdrawal("offers", "news"))
    assert stored_profile(ports).consents() == {"offers": "withdrawn", "news": "withdrawn"}
    assert stored_profile(ports).last_sequence == 0


def test_withdrawal_writes_consent_log_entry_and_event(ports: Ports) -> None:
    ports.contacts.withdraw(contact(), withdrawal("offers"))
    assert ports.look.proofs() == [("offers", "withdrawn")]
    happened = ports.timeline.past_events(STORE, contact(), EventWindow("Unsubscribed", None))
    assert [happening.at for happening in happened] == [MONDAY_NOON + HOUR]


def test_applying_withdrawal_event_changes_no_consent_again(ports: Ports) -> None:
    ports.contacts.withdraw(contact(), withdrawal("offers"))
    before = stored_profile(ports)
    assert apply_event(before, withdrawal("offers"), SETTINGS).consent == before.consent


def test_concurrent_withdrawal_blocks_older_consent_write(ports: Ports) -> None:
    before = profile_after(event(contact=ContactUpdate(consents=(consent_fact(),))))
    ports.contacts.apply(None, before)
    ports.contacts.withdraw(contact(), withdrawal("offers"))
    later = GRANTED._replace(at=MONDAY_NOON + timedelta(minutes=1))
    after = replace(before, last_sequence=2, consent={"offers": later})
    assert not ports.contacts.apply(before, after)
    assert stored_profile(ports).consents() == {"offers": "withdrawn"}


def test_concurrent_withdrawal_survives_unrelated_profile_write(ports: Ports) -> None:
    before = profile_after(event(contact=ContactUpdate(consents=(consent_fact(),))))
    ports.contacts.apply(None, before)
    ports.contacts.withdraw(contact(), withdrawal("offers"))
    after = replace(before, last_sequence=2, consent={"offers": GRANTED, "news": GRANTED})
    assert ports.contacts.apply(before, after)
    assert stored_profile(ports).consents() == {"offers": "withdrawn", "news": "granted"}


def test_finished_enrollment_is_not_restored_by_concurrent_write(ports: Ports) -> None:
    ports.enrollments.enroll(enrollment())
    before = replace(profile_after(event("A")), active_enrollments={"e-1": enrollment().presence()})
    ports.contacts.apply(None, before)
    ports.enrollments.finish(enrollment_ref(), "completed", "", MONDAY_NOON)
    entered = enrollment(enrollment_ref("e-2")).presence()
    after = replace(
        before, last_sequence=2, active_enrollments={**before.active_enrollments, "e-2": entered}
    )
    assert ports.contacts.apply(before, after)
    assert list(stored_profile(ports).active_enrollments) == ["e-2"]


def test_removed_active_enrollment_disappears_from_profile(ports: Ports) -> None:
    before = replace(profile_after(event("A")), active_enrollments={"e-1": enrollment().presence()})
    ports.contacts.apply(None, before)
    ports.contacts.apply(before, replace(before, last_sequence=2, active_enrollments={}))
    assert stored_profile(ports).active_enrollments == {}


def test_consent_without_topic_is_logged_once_for_each_shop_topic(ports: Ports) -> None:
    answered = event(contact=ContactUpdate(consents=(consent_fact(None), consent_fact("news"))))
    for _ in range(2):
        ports.contacts.record_consent(contact(), answered, ["offers", "sales"])
    assert ports.look.proofs() == [
        ("news", "granted"),
        ("offers", "granted"),
        ("sales", "granted"),
    ]


def test_suppression_keeps_its_first_reason(ports: Ports) -> None:
    ports.contacts.suppress(STORE, address_hash(ADA), "hard bounce", MONDAY_NOON)
    ports.contacts.suppress(STORE, address_hash(ADA), "complaint", MONDAY_NOON + HOUR)
    assert ports.look.suppressions() == ["hard bounce"]


def test_withdrawal_of_more_topics_than_one_transaction_holds(ports: Ports) -> None:
    topics = [f"topic-{number}" for number in range(120)]
    ports.contacts.withdraw(contact(), withdrawal(*topics))
    assert {
        topic: held.state for topic, held in stored_profile(ports).consent.items()
    } == dict.fromkeys(topics, "withdrawn")


def test_a_contact_that_was_forgotten_and_returns_is_not_removed_by_its_age(aws: Cloud) -> None:
    """Taking an import back leaves an empty profile for two days."""
    ports = dynamo_ports(aws)
    assert isinstance(ports.contacts, DynamoContacts)
    table, key = ports.contacts.table, keys.profile(STORE, contact())
    table.put(key | pack({"last_sequence": "7", "expires_at": 1_900_000_000}))
    empty = stored_profile(ports)
    assert ports.contacts.apply(empty, profile_after(event(), applied=8))
    held = table.get(key)
    assert held is not None
    assert held["last_sequence"] == "8"
    assert "expires_at" not in held
