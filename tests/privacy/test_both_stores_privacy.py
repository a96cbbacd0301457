"""What an export and an erasure rest on is the same whichever adapter keeps it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from milepost.contacts.event import ContactUpdate, IdentifierKind
from milepost.contacts.profile import Profile
from milepost.contacts.suppression import ERASED, address_hash
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


def asked(ports: Ports, **changes: Any) -> PrivacyRequest:
    request = PrivacyRequest(
        STORE, request_id("a"), "erase", (contact(),), MONDAY_NOON, MONDAY_NOON
    )
    return ports.requests.open(request._replace(**changes))


def live(ports: Ports, events: int = 3) -> None:
    """Ada as an enrollment leaves her, with everything that lies under a contact."""
    said = event(
        "Signed Up",
        contact=ContactUpdate(consents=(consent_fact(),)),
        identifiers={"email": ADA, "order": "o-1"},
    )
    ports.contacts.claim_identifiers(contact(), said)
    ports.contacts.record_consent(contact(), said, ("offers",))
    for number in range(events):
        ports.timeline.first_seen(STORE, "api", f"e-{number}", MONDAY_NOON)
        ports.timeline.append(contact(), replace(said, id=f"e-{number}"))
    own = enrollment()
    profile = Profile(
        STORE,
        contact(),
        fields={"email": (ADA, "2026-11-02T12:00:00.000Z", "e-0")},
        known_identifiers={"email": (ADA,)},
        active_enrollments={own.ref.id: own.presence()},
        last_sequence=7,
    )
    assert ports.contacts.apply(None, profile)
    ports.enrollments.enroll(own)
    ports.ledger.record_skip(draft(), "skipped", "no consent", PendingOutcomes(), MONDAY_NOON)


def pieces(ports: Ports, request: PrivacyRequest) -> list[DeletionBatch]:
    taken = []
    while (piece := ports.remains.next_batch(STORE, contact())) is not None:
        taken.append(piece)
        own = ports.remains.unshared_identifiers(STORE, request.contacts, piece.identifiers)
        ports.remains.remove(request, piece, own)
    return taken


def test_contact_is_deleted_in_counted_batches(ports: Ports) -> None:
    live(ports)
    request = asked(ports)
    ports.requests.note_export(request, contact(), MONDAY_NOON)
    first, *others = pieces(ports, request)
    assert first.identifiers == (("email", ADA),)
    assert [(ref.id, leg) for ref, leg in first.running] == [("e-1", 0)]
    assert [(ref.id, leg) for piece in others for ref, leg in piece.running] == [("e-1", 0)]
    assert [id_ for piece in others for id_ in piece.exports] == [request.id]
    assert {name for piece in others for name in piece.identifiers} == {
        ("email", ADA),
        ("order", "o-1"),
    }
    assert ports.contacts.profile(STORE, contact()) is None
    assert ports.lives.messages(STORE, contact()) == []
    assert ports.timeline.resolve(STORE, [{"order": "o-1"}]) != [contact()]
    kept = ports.requests.get(STORE, request.id)
    assert kept is not None
    # profile, 2 identities, 3 events and their 3 marks, consent, enrollment, message, export; the
    # tables keep the triggering event's data apart from the enrollment.
    assert kept.items in {13, 14}


def test_many_events_are_deleted_in_several_batches(ports: Ports) -> None:
    live(ports, events=60)
    request = asked(ports)
    assert len(pieces(ports, request)) > 2
    assert ports.remains.next_batch(STORE, contact()) is None


def test_batch_removed_twice_is_counted_once(ports: Ports) -> None:
    live(ports)
    request = asked(ports)
    piece = ports.remains.next_batch(STORE, contact())
    assert piece is not None
    for _ in range(3):
        ports.remains.remove(request, piece, [])
    kept = ports.requests.get(STORE, request.id)
    assert kept is not None
    assert kept.items == 1


def test_identifier_of_another_contact_is_not_removed(ports: Ports) -> None:
    live(ports)
    ports.contacts.claim_identifiers("c-other", event(identifiers={"phone": "+49123456789"}))
    names: list[tuple[IdentifierKind, str]] = [
        ("email", ADA),
        ("phone", "+49123456789"),
        ("device", "d-1"),
    ]
    own = ports.remains.unshared_identifiers(STORE, [contact()], names)
    assert sorted(own) == [("device", "d-1"), ("email", ADA)]
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
    live(ports)
    gone = event("Signed Up", id_="e-1")
    for _ in range(2):
        ports.contacts.delete_event(contact(), gone)
    assert ports.timeline.append(contact(), gone)
    assert not ports.timeline.append(contact(), event("Signed Up", id_="e-2"))


def test_store_erasure_keeps_only_suppressions_and_requests(ports: Ports) -> None:
    live(ports)
    ports.timeline.append("c-elsewhere", replace(event(), store="elsewhere"))
    ports.contacts.suppress(STORE, HASH, "complaint", MONDAY_NOON)
    request = asked(ports, kind="erase_store", contacts=())
    for segment in range(16):
        while (piece := ports.remains.store_piece(STORE, segment)) is not None:
            ports.remains.remove_of_store(request, piece)
    assert ports.remains.next_batch(STORE, contact()) is None
    assert ports.timeline.resolve(STORE, [{"order": "o-1"}]) != [contact()]
    assert ports.remains.next_batch("elsewhere", "c-elsewhere") is not None
    assert ports.lives.suppressions(STORE, [ADA]).keys() == {ADA}
    kept = ports.requests.get(STORE, request.id)
    assert kept is not None
    assert kept.items in {12, 13}


# --- requests ---


def test_request_is_stored_once_and_ends_as_proof(ports: Ports) -> None:
    request = asked(ports)
    assert asked(ports, origin="shopify 9", contacts=()) == request
    ports.requests.count(request, 7)
    ports.requests.advance(request._replace(status="sweeping", since=MONDAY_NOON + HOUR, segment=3))
    kept = ports.requests.get(STORE, request.id)
    assert kept == request._replace(status="sweeping", since=MONDAY_NOON + HOUR, segment=3, items=7)
    done = kept._replace(status="done", done_at=MONDAY_NOON + HOUR, contacts=())
    ports.requests.advance(done)
    assert ports.requests.get(STORE, request.id) == done
    assert ports.requests.get("elsewhere", request.id) is None


# --- suppression, and mail after an erasure ---


def test_hard_bounce_suppression_is_kept_over_later_reasons(ports: Ports) -> None:
    for reason, stays in (
        (ERASED, ERASED),
        ("hard bounce", "hard bounce"),
        (ERASED, "hard bounce"),
        ("complaint", "hard bounce"),
    ):
        ports.contacts.suppress(STORE, HASH, reason, MONDAY_NOON)
        assert ports.lives.suppressions(STORE, [ADA])[ADA].reason == stays


def test_only_an_erasure_suppression_can_be_lifted(ports: Ports) -> None:
    ports.contacts.lift_erasure_suppression(STORE, HASH)
    ports.contacts.suppress(STORE, HASH, ERASED, MONDAY_NOON)
    ports.contacts.lift_erasure_suppression(STORE, HASH)
    assert ports.lives.suppressions(STORE, [ADA]) == {}
    ports.contacts.suppress(STORE, HASH, "complaint", MONDAY_NOON)
    ports.contacts.lift_erasure_suppression(STORE, HASH)
    assert ports.lives.suppressions(STORE, [ADA])[ADA].reason == "complaint"


@pytest.mark.parametrize(
    ("reason", "category", "may"),
    [
        (ERASED, "transactional", True),
        (ERASED, "marketing", False),
        ("hard bounce", "transactional", False),
        ("complaint", "marketing", False),
    ],
)
def test_erased_address_gets_transactional_mail_only(
    ports: Ports, reason: str, category: str, may: bool
) -> None:
    live(ports)
    ports.contacts.suppress(STORE, HASH, reason, MONDAY_NOON)
    wanted = draft("other", category=category)
    claimed = ports.ledger.claim(wanted, PendingOutcomes(), MONDAY_NOON)
    if may:
        assert claimed == Claimed()
    else:
        assert isinstance(claimed, ClaimDenied)
        assert claimed.reason == f"suppressed: {reason}"


# --- functions that were under way ---


def test_late_write_after_erasure_leaves_nothing(ports: Ports) -> None:
    """A function that had read the contact before it was erased writes after it."""
    live(ports)
    claim = ports.ledger.claim(
        draft("other", category="transactional"), PendingOutcomes(), MONDAY_NOON
    )
    assert claim == Claimed()
    pieces(ports, asked(ports))
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
