"""A ledger with one customer, and operations on its messages."""

from dataclasses import replace
from datetime import datetime, timedelta

from milepost.contacts.profile import Consent, Profile
from milepost.enrollments.ports import PendingOutcomes
from milepost.sending.message import (
    Accepted,
    Answer,
    ClaimDenied,
    Claimed,
    DeliveryEvent,
    NoResponse,
    PendingMessage,
    Reported,
    SubmissionRejected,
)
from tests.support.builders import (
    ADA,
    MONDAY_NOON,
    STORE,
    contact,
    draft,
    enrollment,
    enrollment_ref,
)
from tests.support.ports import Ports

HOUR = timedelta(hours=1)
GRANTED = Consent("granted", MONDAY_NOON, "form", "footer")
NOTES = PendingOutcomes({"reminder": MONDAY_NOON}, {"choice": {"path": "yes"}})
RECEIPT = draft("receipt", category="transactional", topic=None)
SETTLED: dict[str, Answer] = {
    "accepted": Accepted("ses-1"),
    "rejected": SubmissionRejected("MessageRejected"),
    "throttled": SubmissionRejected("Throttling", retry=True),
    "unknown": NoResponse("ReadTimeoutError"),
}


def with_ada(ports: Ports) -> Ports:
    """Ada consents to offers and has an active enrollment."""
    known = Profile(
        STORE,
        contact(),
        fields={"email": (ADA, "2026-11-02T12:00:00.000Z", "evt-1")},
        consent={"offers": GRANTED, "news": GRANTED._replace(state="withdrawn")},
        active_enrollments={"e-1": enrollment().presence()},
        last_sequence=1,
    )
    assert ports.contacts.apply(None, known)
    assert ports.enrollments.enroll(enrollment())
    return ports


def claim(
    ports: Ports, message: PendingMessage | None = None, at: datetime = MONDAY_NOON
) -> Claimed | ClaimDenied:
    """Claim a message, after reading the contact's recent sends."""
    known = ports.contacts.profile(STORE, contact())
    assert known is not None
    return ports.ledger.claim(replace(message or draft(), mailed=known.recent_sends), NOTES, at)


def status(ports: Ports, message: PendingMessage | None = None) -> str:
    found = ports.look.message((message or draft()).ref)
    return str(found.get("status", "none"))


def noted(ports: Ports) -> bool:
    loaded = ports.enrollments.load(enrollment_ref())
    assert loaded is not None
    return (dict(loaded[1].block_started), dict(loaded[1].outcomes)) == (
        NOTES.began,
        NOTES.outcomes,
    )


def report(
    ports: Ports, kind: Reported, *, recipient: str = "", link: str = "", after: timedelta = HOUR
) -> dict[str, object] | None:
    found = ports.ledger.record_delivery_event(
        draft().ref, DeliveryEvent(kind, MONDAY_NOON + after, recipient, link)
    )
    return None if found is None else dict(found)
