"""The contract of the send ledger: one claim, which checks everything that forbids the e-mail."""

from dataclasses import replace

import pytest

from milepost.base.addresses import address_hash
from milepost.base.errors import ThrottledError
from milepost.base.names import MessageRef
from milepost.enrollments.enrollment import ResumePoint
from milepost.enrollments.ports import PendingOutcomes
from milepost.sending.message import (
    Accepted,
    Answer,
    ClaimDenied,
    Claimed,
    DeliveryEvent,
    NoResponse,
    PendingMessage,
    message_id,
)
from tests.support.builders import ADA, MONDAY_NOON, STORE, draft, enrollment_ref
from tests.support.ledgers import (
    HOUR,
    NOTES,
    RECEIPT,
    SETTLED,
    claim,
    noted,
    report,
    status,
    with_ada,
)
from tests.support.ports import Ports


@pytest.fixture
def ports(ports: Ports) -> Ports:
    return with_ada(ports)


def skip(ports: Ports, message: PendingMessage) -> None:
    ports.ledger.record_skip(message, "skipped", "no consent", NOTES, MONDAY_NOON)


# --- claiming ---


def test_claim_of_new_message_saves_pending_outcomes(ports: Ports) -> None:
    assert claim(ports) == Claimed()
    assert status(ports) == "claimed"
    assert noted(ports)


def test_message_keeps_variant_and_block_run(ports: Ports) -> None:
    tested = draft(variant="short", template="offers/short", block_seq=3)
    for decide in (claim, skip):
        step = decide.__name__
        own = replace(tested, step=step, ref=draft(step).ref)
        decide(ports, own)
        kept = ports.look.message(own.ref)
        assert (kept["variant"], kept["template"], int(kept["block_seq"])) == (
            "short",
            "offers/short",
            3,
        )
    claim(ports)
    assert "variant" not in ports.look.message(draft().ref)


def test_every_step_visit_has_its_own_message(ports: Ports) -> None:
    """In a loop, the status is that of the requested visit."""
    own = enrollment_ref()
    refs = [
        MessageRef(own.store, own.contact, message_id(own, "reminder", visit)) for visit in (2, 5)
    ]
    for ref, block_seq in zip(refs, (0, 3), strict=True):
        assert claim(ports, replace(draft(), ref=ref, block_seq=block_seq)) == Claimed()
    ports.ledger.record_delivery_event(refs[0], DeliveryEvent("opened", MONDAY_NOON))
    assert "opened_at" in ports.ledger.message_statuses(own, {"reminder": 2})["reminder"]
    assert "opened_at" not in ports.ledger.message_statuses(own, {"reminder": 5})["reminder"]
    assert ports.ledger.message_statuses(own, {"reminder": 1}) == {}


def test_message_is_claimed_once(ports: Ports) -> None:
    claim(ports)
    assert claim(ports) == ClaimDenied("decided before", "claimed")


@pytest.mark.parametrize("settled", ["accepted", "rejected", "unknown"])
def test_message_with_answer_is_not_claimed_again(ports: Ports, settled: str) -> None:
    claim(ports)
    ports.ledger.record_result(draft().ref, SETTLED[settled], MONDAY_NOON)
    assert status(ports) == settled
    assert claim(ports) == ClaimDenied("decided before", settled)  # type: ignore[arg-type]


def test_throttled_message_is_claimed_again_and_accepted(ports: Ports) -> None:
    for _ in range(3):
        assert claim(ports) == Claimed()
        ports.ledger.record_result(draft().ref, SETTLED["throttled"], MONDAY_NOON)
        assert status(ports) == "throttled"
    assert claim(ports) == Claimed()
    ports.ledger.record_result(draft().ref, Accepted("ses-4"), MONDAY_NOON)
    assert status(ports) == "accepted"
    assert "reason" not in ports.look.message(draft().ref)


def test_suppressed_address_denies_claim(ports: Ports) -> None:
    ports.contacts.suppress(STORE, address_hash(ADA), "hard bounce", MONDAY_NOON)
    for message in (draft(), RECEIPT):
        assert claim(ports, message) == ClaimDenied("suppressed: hard bounce")
        assert status(ports, message) == "none"
    assert not noted(ports)


def test_suppression_denies_claim_of_throttled_message(
    ports: Ports,
) -> None:
    claim(ports)
    ports.ledger.record_result(draft().ref, SETTLED["throttled"], MONDAY_NOON)
    ports.contacts.suppress(STORE, address_hash(ADA), "complaint", MONDAY_NOON)
    assert claim(ports) == ClaimDenied("suppressed: complaint")
    assert status(ports) == "throttled"


@pytest.mark.parametrize("topic", ["news", "sales"])
def test_marketing_claim_needs_consent_to_its_topic(ports: Ports, topic: str) -> None:
    assert claim(ports, draft(topic=topic)) == ClaimDenied("consent withdrawn")
    assert status(ports) == "none"
    assert not noted(ports)


def test_transactional_claim_needs_no_consent(ports: Ports) -> None:
    assert claim(ports, RECEIPT) == Claimed()


def test_changed_address_makes_claim_retry(ports: Ports) -> None:
    with pytest.raises(ThrottledError):
        claim(ports, draft(recipient="old@mail.example"))
    assert status(ports) == "none"


def test_ended_enrollment_denies_claim(ports: Ports) -> None:
    ports.enrollments.finish(enrollment_ref(), "exited", "goal reached", MONDAY_NOON)
    refused = claim(ports)
    assert isinstance(refused, ClaimDenied)
    assert refused.ended
    assert status(ports) == "none"


def test_claim_without_outcomes_checks_enrollment(ports: Ports) -> None:
    assert ports.ledger.claim(draft(), PendingOutcomes(), MONDAY_NOON) == Claimed()
    ports.enrollments.finish(enrollment_ref(), "exited", "goal reached", MONDAY_NOON)
    refused = ports.ledger.claim(draft("next"), PendingOutcomes(), MONDAY_NOON)
    assert isinstance(refused, ClaimDenied)
    assert refused.ended


def test_claim_of_decided_message_returns_earlier_decision(ports: Ports) -> None:
    claim(ports)
    ports.contacts.suppress(STORE, address_hash(ADA), "complaint", MONDAY_NOON)
    ports.enrollments.finish(enrollment_ref(), "exited", "left", MONDAY_NOON)
    assert claim(ports) == ClaimDenied("decided before", "claimed")


# --- decisions without a submission ---


def test_skip_is_stored_with_its_reason(ports: Ports) -> None:
    ports.ledger.record_skip(draft(), "skipped", "no consent", NOTES, MONDAY_NOON)
    found = ports.look.message(draft().ref)
    assert (found["status"], found["reason"]) == ("skipped", "no consent")
    assert noted(ports)
    assert claim(ports) == ClaimDenied("decided before", "skipped")


def test_skip_does_not_change_existing_message(ports: Ports) -> None:
    ports.ledger.claim(draft(), PendingOutcomes(), MONDAY_NOON)
    ports.ledger.record_skip(draft(), "skipped", "too late", NOTES, MONDAY_NOON)
    assert status(ports) == "claimed"
    assert noted(ports)


def test_throttled_message_can_be_skipped(ports: Ports) -> None:
    claim(ports)
    ports.ledger.record_result(draft().ref, SETTLED["throttled"], MONDAY_NOON)
    ports.ledger.record_skip(draft(), "skipped", "no consent", PendingOutcomes(), MONDAY_NOON)
    assert status(ports) == "skipped"


def test_message_without_recipient_can_be_skipped(ports: Ports) -> None:
    without_recipient = draft(recipient="", template_hash="", topic=None)
    ports.ledger.record_skip(
        without_recipient, "skipped", "contact has no e-mail address", NOTES, MONDAY_NOON
    )
    assert status(ports) == "skipped"
    assert report(ports, "delivered") is None


# --- the second try ---


@pytest.mark.parametrize("answer", [None, NoResponse("timeout")])
def test_unknown_message_is_claimed_again_once(ports: Ports, answer: Answer | None) -> None:
    claim(ports, RECEIPT)
    if answer is not None:
        ports.ledger.record_result(RECEIPT.ref, answer, MONDAY_NOON)
    assert ports.ledger.claim_again(RECEIPT, MONDAY_NOON + HOUR) == Claimed()
    assert isinstance(ports.ledger.claim_again(RECEIPT, MONDAY_NOON + HOUR), ClaimDenied)
    ports.ledger.record_result(RECEIPT.ref, NoResponse("timeout"), MONDAY_NOON + HOUR)
    assert isinstance(ports.ledger.claim_again(RECEIPT, MONDAY_NOON + 2 * HOUR), ClaimDenied)


def test_throttled_message_can_have_second_try(ports: Ports) -> None:
    claim(ports, RECEIPT)
    ports.ledger.record_result(RECEIPT.ref, SETTLED["throttled"], MONDAY_NOON)
    assert ports.ledger.claim_again(RECEIPT, MONDAY_NOON + HOUR) == Claimed()
    assert isinstance(ports.ledger.claim_again(RECEIPT, MONDAY_NOON + HOUR), ClaimDenied)


@pytest.mark.parametrize("settled", ["accepted", "rejected"])
def test_settled_message_gets_no_second_try(ports: Ports, settled: str) -> None:
    claim(ports, RECEIPT)
    ports.ledger.record_result(RECEIPT.ref, SETTLED[settled], MONDAY_NOON)
    assert isinstance(ports.ledger.claim_again(RECEIPT, MONDAY_NOON + HOUR), ClaimDenied)
    assert status(ports, RECEIPT) == settled


def test_second_try_checks_suppression(ports: Ports) -> None:
    claim(ports, RECEIPT)
    ports.contacts.suppress(STORE, address_hash(ADA), "complaint", MONDAY_NOON)
    refused = ports.ledger.claim_again(RECEIPT, MONDAY_NOON + HOUR)
    assert refused == ClaimDenied("suppressed: complaint")


def test_second_try_works_after_enrollment_ended(ports: Ports) -> None:
    claim(ports, RECEIPT)
    ports.enrollments.finish(enrollment_ref(), "completed", "", MONDAY_NOON)
    assert ports.ledger.claim_again(RECEIPT, MONDAY_NOON + HOUR) == Claimed()


def test_unclaimed_message_has_no_second_try(ports: Ports) -> None:
    assert isinstance(ports.ledger.claim_again(RECEIPT, MONDAY_NOON), ClaimDenied)
    assert status(ports, RECEIPT) == "none"


# --- the execution that claims ---


@pytest.mark.parametrize("journal", [NOTES, PendingOutcomes()], ids=["with outcomes", "without"])
@pytest.mark.parametrize(
    ("present", "claiming"), [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1), (2, 3), (10, 1)]
)
def test_an_execution_that_is_not_the_present_one_claims_nothing(
    ports: Ports, present: int, claiming: int, journal: PendingOutcomes
) -> None:
    """Of an enrollment in its first execution (0) no number is stored at all."""
    ref = enrollment_ref()
    for number in range(present):
        start = ResumePoint("next", number + 1, MONDAY_NOON, MONDAY_NOON, "wait")
        assert ports.enrollments.suspend(ref, number, start, PendingOutcomes())
    for message in (draft(), RECEIPT):
        with pytest.raises(ThrottledError, match="another execution"):
            ports.ledger.claim(replace(message, execution_no=claiming), journal, MONDAY_NOON)
        assert status(ports, message) == "none"
    assert not noted(ports)
    assert (
        ports.ledger.claim(replace(draft(), execution_no=present), journal, MONDAY_NOON)
        == Claimed()
    )
