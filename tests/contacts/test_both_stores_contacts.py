"""What the ports promise of contacts: no writer undoes another, and "no" needs no profile."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from milepost.aws import keys
from milepost.aws.table import pack
from milepost.conditions.context import EventWindow
from milepost.contacts.dynamodb.contacts import DynamoContacts
from milepost.contacts.event import ContactUpdate, Event
from milepost.contacts.profile import Consent, EventTotal, Profile, apply_event
from milepost.contacts.suppression import address_hash
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


def folded(*events: Event, applied: int = 1) -> Profile:
    profile = Profile(STORE, contact())
    for each in events:
        profile = apply_event(profile, each, SETTINGS)
    return replace(profile, last_sequence=applied)


def stored(ports: Ports) -> Profile:
    found = ports.contacts.profile(STORE, contact())
    assert found is not None
    return found


def withdrawal(*topics: str) -> Event:
    facts = tuple(consent_fact(topic, "withdrawn", MONDAY_NOON + HOUR) for topic in topics)
    return event(
        "Unsubscribed", at=MONDAY_NOON + HOUR, id_="m-1", contact=ContactUpdate(consents=facts)
    )


def test_nobody_is_known_at_first(ports: Ports) -> None:
    assert ports.contacts.profile(STORE, contact()) is None


def test_a_profile_comes_back_as_it_was(ports: Ports) -> None:
    facts = ContactUpdate(
        {"first_name": "آدا", "timezone": "Asia/Tehran"},
        properties={"vip": True, "score": 7, "tags": ["a", "b"], "nested": {"x": None}},
        consents=(consent_fact(), consent_fact("news", at=None)),
    )
    profile = replace(
        folded(event(data={"total": "421.88"}, contact=facts)),
        entries={"cart": MONDAY_NOON},
        active_enrollments={"e-1": enrollment().presence()},
    )
    assert ports.contacts.apply(None, profile)
    assert stored(ports) == profile
    assert stored(ports).totals["Checkout Started"] == EventTotal(
        1, MONDAY_NOON, MONDAY_NOON, Decimal("421.88")
    )


def test_only_one_of_two_first_writers_succeeds(ports: Ports) -> None:
    assert ports.contacts.apply(None, folded(event("A"), applied=1))
    assert not ports.contacts.apply(None, folded(event("B"), applied=2))
    assert list(stored(ports).totals) == ["A"]


def test_a_writer_who_read_an_older_profile_changes_nothing(ports: Ports) -> None:
    old = folded(event("A"), applied=1)
    new = folded(event("A"), event("B"), applied=2)
    ports.contacts.apply(None, old)
    assert ports.contacts.apply(old, new)
    assert not ports.contacts.apply(old, folded(event("A"), event("C"), applied=3))
    assert stored(ports) == new


def test_a_withdrawal_needs_no_profile(ports: Ports) -> None:
    ports.contacts.withdraw(contact(), withdrawal("offers", "news"))
    assert stored(ports).consents() == {"offers": "withdrawn", "news": "withdrawn"}
    assert stored(ports).last_sequence == 0


def test_a_withdrawal_comes_with_its_proof_and_its_event(ports: Ports) -> None:
    ports.contacts.withdraw(contact(), withdrawal("offers"))
    assert ports.look.proofs() == [("offers", "withdrawn")]
    happened = ports.timeline.past_events(STORE, contact(), EventWindow("Unsubscribed", None))
    assert [happening.at for happening in happened] == [MONDAY_NOON + HOUR]


def test_the_event_of_a_withdrawal_changes_nothing_more(ports: Ports) -> None:
    ports.contacts.withdraw(contact(), withdrawal("offers"))
    before = stored(ports)
    assert apply_event(before, withdrawal("offers"), SETTINGS).consent == before.consent


def test_a_withdrawal_meanwhile_is_never_overwritten_by_an_answer(ports: Ports) -> None:
    before = folded(event(contact=ContactUpdate(consents=(consent_fact(),))))
    ports.contacts.apply(None, before)
    ports.contacts.withdraw(contact(), withdrawal("offers"))
    later = GRANTED._replace(at=MONDAY_NOON + timedelta(minutes=1))
    after = replace(before, last_sequence=2, consent={"offers": later})
    assert not ports.contacts.apply(before, after)
    assert stored(ports).consents() == {"offers": "withdrawn"}


def test_a_withdrawal_meanwhile_outlives_a_change_of_something_else(ports: Ports) -> None:
    before = folded(event(contact=ContactUpdate(consents=(consent_fact(),))))
    ports.contacts.apply(None, before)
    ports.contacts.withdraw(contact(), withdrawal("offers"))
    after = replace(before, last_sequence=2, consent={"offers": GRANTED, "news": GRANTED})
    assert ports.contacts.apply(before, after)
    assert stored(ports).consents() == {"offers": "withdrawn", "news": "granted"}


def test_who_finished_meanwhile_is_not_let_back_in(ports: Ports) -> None:
    ports.enrollments.enroll(enrollment())
    before = replace(folded(event("A")), active_enrollments={"e-1": enrollment().presence()})
    ports.contacts.apply(None, before)
    ports.enrollments.finish(enrollment_ref(), "completed", "", MONDAY_NOON)
    entered = enrollment(enrollment_ref("e-2")).presence()
    after = replace(
        before, last_sequence=2, active_enrollments={**before.active_enrollments, "e-2": entered}
    )
    assert ports.contacts.apply(before, after)
    assert list(stored(ports).active_enrollments) == ["e-2"]


def test_who_left_is_no_longer_inside(ports: Ports) -> None:
    before = replace(folded(event("A")), active_enrollments={"e-1": enrollment().presence()})
    ports.contacts.apply(None, before)
    ports.contacts.apply(before, replace(before, last_sequence=2, active_enrollments={}))
    assert stored(ports).active_enrollments == {}


def test_an_answer_to_no_named_topic_is_proof_for_each_of_the_shop(ports: Ports) -> None:
    answered = event(contact=ContactUpdate(consents=(consent_fact(None), consent_fact("news"))))
    for _ in range(2):
        ports.contacts.record_consent(contact(), answered, ["offers", "sales"])
    assert ports.look.proofs() == [
        ("news", "granted"), ("offers", "granted"), ("sales", "granted"),
    ]  # fmt: skip


def test_a_suppression_keeps_its_first_reason(ports: Ports) -> None:
    ports.contacts.suppress(STORE, address_hash(ADA), "hard bounce", MONDAY_NOON)
    ports.contacts.suppress(STORE, address_hash(ADA), "complaint", MONDAY_NOON + HOUR)
    assert ports.look.suppressions() == ["hard bounce"]


def test_however_many_topics_there_are_all_of_them_can_be_withdrawn(ports: Ports) -> None:
    topics = [f"topic-{number}" for number in range(120)]
    ports.contacts.withdraw(contact(), withdrawal(*topics))
    assert {topic: held.state for topic, held in stored(ports).consent.items()} == dict.fromkeys(
        topics, "withdrawn"
    )


def test_a_contact_that_was_forgotten_and_returns_is_not_removed_by_its_age(aws: Cloud) -> None:
    """Taking an import back leaves an empty profile for two days."""
    ports = dynamo_ports(aws)
    assert isinstance(ports.contacts, DynamoContacts)
    table, key = ports.contacts.table, keys.profile(STORE, contact())
    table.put(key | pack({"last_sequence": "7", "expires_at": 1_900_000_000}))
    empty = stored(ports)
    assert ports.contacts.apply(empty, folded(event(), applied=8))
    held = table.get(key)
    assert held is not None
    assert held["last_sequence"] == "8"
    assert "expires_at" not in held
