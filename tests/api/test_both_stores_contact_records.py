"""The API reads the same records of a contact from both adapters."""

from datetime import timedelta

import pytest

from milepost.api.records import RecordScope
from milepost.base.addresses import address_hash
from milepost.contacts.event import ContactUpdate
from milepost.enrollments.ports import PendingOutcomes
from milepost.sending.message import Accepted
from tests.support.builders import (
    ADA,
    MONDAY_NOON,
    STORE,
    consent_fact,
    contact,
    draft,
    enrollment,
    event,
)
from tests.support.ports import Ports

HOUR = timedelta(hours=1)
ALL = RecordScope(now=MONDAY_NOON)
NAMES = ("Order Completed", "Order", "Order!", "سفارش", "~", "A B", "A")


def append_history(ports: Ports, of: str) -> None:
    for number in range(3):
        for name in NAMES:
            at = MONDAY_NOON + number * HOUR
            ports.timeline.append(of, event(name, id_=f"{name}#{number}", at=at))


def seen(ports: Ports, view: RecordScope, of: str = "c1") -> list[tuple[str, int]]:
    found = list(ports.lives.events(STORE, of, view))
    instants = [each.occurred_at for each in found]
    assert instants == sorted(instants, reverse=True)
    return sorted((e.name, (e.occurred_at - MONDAY_NOON) // HOUR) for e in found)


@pytest.mark.parametrize("size", [1, 2, 50])
def test_timeline_is_newest_first_across_event_names(ports: Ports, size: int) -> None:
    append_history(ports, "c1")
    everything = sorted((name, number) for name in NAMES for number in range(3))
    assert seen(ports, ALL._replace(size=size)) == everything


@pytest.mark.parametrize("name", NAMES)
def test_name_does_not_match_longer_name_with_same_prefix(ports: Ports, name: str) -> None:
    append_history(ports, "c1")
    assert seen(ports, ALL._replace(name=name)) == [(name, 0), (name, 1), (name, 2)]


def test_window_includes_both_bounds(ports: Ports) -> None:
    append_history(ports, "c1")
    window = ALL._replace(name="A", since=MONDAY_NOON, until=MONDAY_NOON + HOUR)
    assert seen(ports, window) == [("A", 0), ("A", 1)]
    assert seen(ports, window._replace(since=MONDAY_NOON + 2 * HOUR)) == []
    assert len(seen(ports, ALL._replace(until=MONDAY_NOON))) == len(NAMES)


def test_timeline_holds_one_contact_only(ports: Ports) -> None:
    append_history(ports, "c1")
    assert seen(ports, ALL, of="c2") == []


def test_consent_records_hold_all_evidence(ports: Ports) -> None:
    said = event("Signed Up", contact=ContactUpdate(consents=(consent_fact(),)))
    ports.contacts.record_consent("c1", said, ("offers",))
    (proof,) = ports.lives.proofs(STORE, "c1")
    assert proof.at == MONDAY_NOON
    assert proof.body == {
        "topic": "offers",
        "state": "granted",
        "at": "2026-11-02T12:00:00.000Z",
        "has_timestamp": True,
        "method": "form",
        "source": "footer",
        "consent_text": None,
        "ip": None,
        "user_agent": None,
        "event": "Signed Up",
    }
    assert ports.lives.proofs(STORE, "c2") == []


def test_enrollments_hold_their_start_and_end(ports: Ports) -> None:
    ports.enrollments.enroll(enrollment(key="c-1"))
    ports.enrollments.write(enrollment().ref, PendingOutcomes(outcomes={"fork": {"path": "yes"}}))
    ports.enrollments.finish(enrollment().ref, "exited", "goal reached", MONDAY_NOON + HOUR)
    (found,) = ports.lives.enrollments(STORE, contact())
    assert (found.status, found.reason, found.key) == ("exited", "goal reached", "c-1")
    assert found.ended_at == MONDAY_NOON + HOUR
    assert (found.event_data, found.outcomes) == ({"total": 150}, {"fork": {"path": "yes"}})


def test_messages_hold_their_status_and_no_address(ports: Ports) -> None:
    ports.enrollments.enroll(enrollment())
    ports.ledger.record_skip(draft(), "skipped", "no consent", PendingOutcomes(), MONDAY_NOON)
    (record,) = ports.lives.messages(STORE, contact())
    assert record.at == MONDAY_NOON
    assert record.key == record.body["id"] == draft().ref.id
    assert (record.body["status"], record.body["reason"]) == ("skipped", "no consent")
    assert (record.body["version"], record.body["attempts"]) == (1, 1)
    assert not {"recipient", "run_bucket", "timer_due"} & record.body.keys()
    ports.ledger.record_result(draft().ref, Accepted("ses-1"), MONDAY_NOON)
    (record,) = ports.lives.messages(STORE, contact())
    assert record.body["ses_id"] == "ses-1"


def test_suppressions_are_read_by_address(ports: Ports) -> None:
    ports.contacts.suppress(STORE, address_hash(ADA), "complaint", MONDAY_NOON)
    found = ports.lives.suppressions(STORE, [ADA, "bo@mail.example"])
    assert found == {ADA: ("complaint", "2026-11-02T12:00:00.000Z")}
    assert ports.lives.suppressions(STORE, []) == {}
    assert ports.lives.suppressions("elsewhere", [ADA]) == {}
