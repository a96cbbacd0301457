"""Contract tests of the privacy ports, for the in-memory and the DynamoDB adapters."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from milepost.base.addresses import ERASED, address_hash
from milepost.contacts.event import ContactUpdate, IdentifierKind
from milepost.contacts.profile import Profile
from milepost.enrollments.ports import PendingOutcomes
from milepost.privacy.request import DeletionBatch, PrivacyRequest, request_id
from milepost.sending.message import Accepted, ClaimDenied, Claimed
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
HASH = address_hash(ADA)


def stored_request(ports: Ports, **changes: Any) -> PrivacyRequest:
    request = PrivacyRequest(
        STORE, request_id("a"), "erase", (contact(),), MONDAY_NOON, MONDAY_NOON
    )
    return ports.requests.open(request._replace(**changes))


def store_ada(ports: Ports, events: int = 3) -> None:
    """Store Ada with every kind of item that a contact can have."""
    sign_up = event(
        "Signed Up",
        contact=ContactUpdate(consents=(consent_fact(),)),
        identifiers={"email": ADA, "order": "o-1"},
    )
    ports.contacts.claim_identifiers(contact(), sign_up)
    ports.contacts.record_consent(contact(), sign_up, ("offers",))
    for number in range(events):
        ports.timeline.first_seen(STORE, "api", f"e-{number}", MONDAY_NOON)
        ports.timeline.append(contact(), replace(sign_up, id=f"e-{number}"))
    active = enrollment()
    profile = Profile(
        STORE,
        contact(),
        fields={"email": (ADA, "2026-11-02T12:00:00.000Z", "e-0")},
        known_identifiers={"email": (ADA,)},
        active_enrollments={active.ref.id: active.presence()},
        last_sequence=7,
    )
    assert ports.contacts.apply(None, profile)
    ports.enrollments.enroll(active)
    ports.ledger.record_skip(draft(), "skipped", "no consent", PendingOutcomes(), MONDAY_NOON)


def delete_all(ports: Ports, request: PrivacyRequest) -> list[DeletionBatch]:
    batches = []
    while (batch := ports.remains.next_batch(STORE, contact())) is not None:
        batches.append(batch)
        unshared = ports.remains.unshared_identifiers(STORE, request.contacts, batch.identifiers)
        ports.remains.remove(request, batch, unshared)
    return batches


def test_contact_is_deleted_in_counted_batches(ports: Ports) -> None:
    store_ada(ports)
    request = stored_request(ports)
    ports.requests.note_export(request, contact(), MONDAY_NOON)
    first, *others = delete_all(ports, request)
    assert first.identifiers == (("email", ADA),)
    assert [(ref.id, execution_no) for ref, execution_no in first.running] == [("e-1", 0)]
    assert [(ref.id, execution_no) for batch in others for ref, execution_no in batch.running] == [
        ("e-1", 0)
    ]
    assert [id_ for batch in others for id_ in batch.exports] == [request.id]
    assert {name for batch in others for name in batch.identifiers} == {
        ("email", ADA),
        ("order", "o-1"),
    }
    assert ports.contacts.profile(STORE, contact()) is None
    assert ports.lives.messages(STORE, contact()) == []
    assert ports.timeline.resolve(STORE, [{"order": "o-1"}]) != [contact()]
    stored = ports.requests.get(STORE, request.id)
    assert stored is not None
    # profile, 2 identities, 3 events and 3 dedupe items, consent, enrollment, message, export; the
    # tables store the data of the triggering event in an item of its own.
    assert stored.items in {13, 14}


def test_many_events_are_deleted_in_several_batches(ports: Ports) -> None:
    store_ada(ports, events=60)
    request = stored_request(ports)
    assert len(delete_all(ports, request)) > 2
    assert ports.remains.next_batch(STORE, contact()) is None


def test_batch_removed_twice_is_counted_once(ports: Ports) -> None:
    store_ada(ports)
    request = stored_request(ports)
    batch = ports.remains.next_batch(STORE, contact())
    assert batch is not None
    for _ in range(3):
        ports.remains.remove(request, batch, [])
    stored = ports.requests.get(STORE, request.id)
    assert stored is not None
    assert stored.items == 1


def test_identifier_of_another_contact_is_not_removed(ports: Ports) -> None:
    store_ada(ports)
    ports.contacts.claim_identifiers("c-other", event(identifiers={"phone": "+49123456789"}))
    names: list[tuple[IdentifierKind, str]] = [
        ("email", ADA),
        ("phone", "+49123456789"),
        ("device", "d-1"),
    ]
    unshared = ports.remains.unshared_identifiers(STORE, [contact()], names)
    assert sorted(unshared) == [("device", "d-1"), ("email", ADA)]
    assert len(ports.remains.unshared_identifiers(STORE, [contact(), "c-other"], names)) == 3
    assert ports.remains.unshared_identifiers("elsewhere", ["c-x"], [("email", ADA)]) == [
        ("email", ADA)
    ]


def test_closed_contact_has_an_erasure_instant(ports: Ports) -> None:
    assert ports.contacts.erased(STORE, contact()) is None
    ports.remains.close(STORE, contact(), MONDAY_NOON)
    ports.remains.close(STORE, contact(), MONDAY_NOON + HOUR)
    assert ports.contacts.erased(STORE, contact()) == MONDAY_NOON + HOUR
    assert ports.contacts.erased("elsewhere", contact()) is None
    assert ports.remains.next_batch(STORE, contact()) is None


def test_single_event_can_be_deleted(ports: Ports) -> None:
    store_ada(ports)
    deleted = event("Signed Up", id_="e-1")
    for _ in range(2):
        ports.contacts.delete_event(contact(), deleted)
    assert ports.timeline.append(contact(), deleted)
    assert not ports.timeline.append(contact(), event("Signed Up", id_="e-2"))


def test_store_erasure_keeps_only_suppressions_and_requests(ports: Ports) -> None:
    store_ada(ports)
    ports.timeline.append("c-elsewhere", replace(event(), store="elsewhere"))
    ports.contacts.suppress(STORE, HASH, "complaint", MONDAY_NOON)
    request = stored_request(ports, kind="erase_store", contacts=())
    for segment in range(16):
        while (batch := ports.remains.store_piece(STORE, segment)) is not None:
            ports.remains.remove_of_store(request, batch)
    assert ports.remains.next_batch(STORE, contact()) is None
    assert ports.timeline.resolve(STORE, [{"order": "o-1"}]) != [contact()]
    assert ports.remains.next_batch("elsewhere", "c-elsewhere") is not None
    assert ports.lives.suppressions(STORE, [ADA]).keys() == {ADA}
    stored = ports.requests.get(STORE, request.id)
    assert stored is not None
    assert stored.items in {12, 13}


# --- requests ---


def test_request_is_stored_once_and_ends_as_proof(ports: Ports) -> None:
    request = stored_request(ports)
    assert stored_request(ports, origin="shopify 9", contacts=()) == request
    ports.requests.count(request, 7)
    ports.requests.advance(request._replace(status="sweeping", since=MONDAY_NOON + HOUR, segment=3))
    stored = ports.requests.get(STORE, request.id)
    assert stored == request._replace(
        status="sweeping", since=MONDAY_NOON + HOUR, segment=3, items=7
    )
    done = stored._replace(status="done", done_at=MONDAY_NOON + HOUR, contacts=())
    ports.requests.advance(done)
    assert ports.requests.get(STORE, request.id) == done
    assert ports.requests.get("elsewhere", request.id) is None


# --- suppression and mail after an erasure ---


def test_hard_bounce_suppression_is_kept_over_later_reasons(ports: Ports) -> None:
    for reason, expected in (
        (ERASED, ERASED),
        ("hard bounce", "hard bounce"),
        (ERASED, "hard bounce"),
        ("complaint", "hard bounce"),
    ):
        ports.contacts.suppress(STORE, HASH, reason, MONDAY_NOON)
        assert ports.lives.suppressions(STORE, [ADA])[ADA].reason == expected


def test_only_an_erasure_suppression_can_be_lifted(ports: Ports) -> None:
    ports.contacts.lift_erasure_suppression(STORE, HASH)
    ports.contacts.suppress(STORE, HASH, ERASED, MONDAY_NOON)
    ports.contacts.lift_erasure_suppression(STORE, HASH)
    assert ports.lives.suppressions(STORE, [ADA]) == {}
    ports.contacts.suppress(STORE, HASH, "complaint", MONDAY_NOON)
    ports.contacts.lift_erasure_suppression(STORE, HASH)
    assert ports.lives.suppressions(STORE, [ADA])[ADA].reason == "complaint"


@pytest.mark.parametrize(
    ("reason", "category", "allowed"),
    [
        (ERASED, "transactional", True),
        (ERASED, "marketing", False),
        ("hard bounce", "transactional", False),
        ("complaint", "marketing", False),
    ],
)
def test_erased_address_gets_transactional_mail_only(
    ports: Ports, reason: str, category: str, allowed: bool
) -> None:
    store_ada(ports)
    ports.contacts.suppress(STORE, HASH, reason, MONDAY_NOON)
    other = draft("other", category=category)
    claimed = ports.ledger.claim(other, PendingOutcomes(), MONDAY_NOON)
    if allowed:
        assert claimed == Claimed()
    else:
        assert isinstance(claimed, ClaimDenied)
        assert claimed.reason == f"suppressed: {reason}"


# --- late writes ---


def test_late_write_after_erasure_leaves_nothing(ports: Ports) -> None:
    """A function that read the contact before the erasure writes after it."""
    store_ada(ports)
    claim = ports.ledger.claim(
        draft("other", category="transactional"), PendingOutcomes(), MONDAY_NOON
    )
    assert claim == Claimed()
    delete_all(ports, stored_request(ports))
    late = draft("other")
    ports.ledger.record_result(late.ref, Accepted("ses-1"), MONDAY_NOON)
    ports.enrollments.write(enrollment().ref, PendingOutcomes(outcomes={"fork": {"path": "yes"}}))
    ports.enrollments.finish(enrollment().ref, "exited", "left", MONDAY_NOON)
    assert ports.remains.next_batch(STORE, contact()) is None


# --- files ---


def test_export_file_is_stored_and_removed(ports: Ports) -> None:
    ports.vault.keep(STORE, "r1", iter(["{", '"a": "é"', "}"]))
    ports.vault.keep(STORE, "r1", iter(["{}"]))
    assert "r1" in ports.vault.link(STORE, "r1")
    for _ in range(2):
        ports.vault.remove(STORE, "r1")
    ports.vault.keep(STORE, "r2", iter(["{}"]))
    ports.vault.empty(STORE)
