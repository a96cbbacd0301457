"""Injects one fault at every single call of the send path, before and after the call."""

from collections import Counter
from datetime import timedelta
from itertools import pairwise

import pytest

from milepost.sending.message import (
    Answer,
    DeliveryEvent,
    NoResponse,
    OutgoingEmail,
    SubmissionRejected,
)
from tests.faults.storm import (
    FAULT_KINDS,
    NO_FAULTS,
    STEPS,
    FaultRates,
    FaultyWorld,
    SingleFault,
    publish_store,
)
from tests.support.builders import STORE
from tests.support.world import World

ALL_EVENTS, NO_EVENTS = NO_FAULTS, NO_FAULTS._replace(event_lost=1000)
NEWS, RECEIPT = 1, 0
SUBMISSION_CALLS = {"ledger.claim", "ledger.claim_again", "mailer.send", "ledger.record_result"}


@pytest.fixture(scope="module")
def published() -> World:
    return publish_store()


def run(
    published: World,
    recipient: int,
    rates: FaultRates = ALL_EVENTS,
    fault: SingleFault | None = None,
) -> FaultyWorld:
    world = FaultyWorld(published, 0, rates, recipients=[recipient])
    world.storm.single_fault = fault
    world.run_story()
    world.check()
    return world


def statuses(world: FaultyWorld) -> list[str]:
    return [
        world.messages(f"recipient-{world.recipients[0]}@mail.example")[step][0] for step in STEPS
    ]


def in_doubt(name: str, how: str) -> bool:
    """Whether a fault here leaves it unknown if the message was submitted."""
    return name in SUBMISSION_CALLS and (name, how) not in {
        ("ledger.claim", "killed before"),
        ("ledger.claim", "throttled"),
        ("ledger.record_result", "killed after"),
        ("ledger.record_result", "response lost"),
    }


@pytest.mark.parametrize("how", FAULT_KINDS)
@pytest.mark.parametrize("rates", [ALL_EVENTS, NO_EVENTS], ids=["all events", "no events"])
@pytest.mark.parametrize("recipient", [NEWS, RECEIPT], ids=["marketing", "transactional"])
def test_fault_at_any_single_call_loses_or_doubles_no_more_than_allowed(
    published: World, recipient: int, rates: FaultRates, how: str
) -> None:
    calls = run(published, recipient, rates).storm.called
    assert {"ledger.claim", "mailer.send", "ledger.record_result", "enrollments.load"} <= {*calls}
    for number, name in enumerate(calls, 1):
        if name == "mailer.send" and how in ("throttled", "response lost"):
            continue  # these are responses of SES: see below
        world = run(published, recipient, rates, SingleFault(number, how))
        counts, copies = Counter(statuses(world)), world.ses.accepted
        assert counts["accepted"] + counts["unknown"] == len(STEPS)
        assert sum(copies.values()) - len(copies) <= (recipient == RECEIPT)
        doubted = in_doubt(name, how)
        if not doubted:
            assert counts["accepted"] == len(STEPS), name
            assert {*copies.values()} == {1}, name
        elif recipient == RECEIPT:
            assert len(copies) == len(STEPS), f"{name}: a receipt was not sent at all"
        assert counts["unknown"] <= doubted


# --- SES ---


def with_responses(
    published: World, recipient: int, rates: FaultRates, *answers: object
) -> FaultyWorld:
    """Answer the first submissions with these; `(True, answer)` means that SES accepted it."""
    world = FaultyWorld(published, 0, rates, recipients=[recipient])
    script = [*answers]
    take = world.ses._accept

    def send(mail: OutgoingEmail) -> object:
        if not script:
            world.ses.submitted[mail.ref] += 1
            return take(mail)
        answer = script.pop(0)
        if not (isinstance(answer, SubmissionRejected) and answer.retry):
            world.ses.submitted[mail.ref] += 1
        if isinstance(answer, tuple) and answer and answer[0] is True:
            take(mail)
            return answer[1]
        return answer

    world.ses.send = send  # type: ignore[assignment,method-assign]
    world.run_story()
    world.check()
    return world


LOST = NoResponse("ReadTimeoutError")
ACCEPTED_BUT_LOST = (True, LOST)


@pytest.mark.parametrize("answer", [LOST, NoResponse("503")], ids=["time-out", "503"])
def test_timeout_before_ses_accepts_abandons_marketing_and_retries_receipts(
    published: World, answer: NoResponse
) -> None:
    """Marketing is abandoned and counted; a receipt is sent once more."""
    marketing = with_responses(published, NEWS, ALL_EVENTS, answer)
    assert (statuses(marketing)[0], marketing.ses.accepted.total()) == ("unknown", 4)
    receipts = with_responses(published, RECEIPT, ALL_EVENTS, answer)
    assert (statuses(receipts), receipts.ses.accepted.total()) == (["accepted"] * 5, 5)


def test_timeout_after_ses_accepts_is_settled_by_the_delivery_event(published: World) -> None:
    for recipient in (NEWS, RECEIPT):
        world = with_responses(published, recipient, ALL_EVENTS, ACCEPTED_BUT_LOST)
        assert statuses(world) == ["accepted"] * 5
        assert {*world.ses.accepted.values()} == {1}


def test_timeout_without_delivery_events_keeps_marketing_single_and_resends_receipts(
    published: World,
) -> None:
    """The result stays unknown: marketing is not repeated, a receipt is sent twice."""
    marketing = with_responses(published, NEWS, NO_EVENTS, ACCEPTED_BUT_LOST)
    assert (statuses(marketing)[0], marketing.ses.accepted.total()) == ("unknown", 5)
    receipts = with_responses(published, RECEIPT, NO_EVENTS, ACCEPTED_BUT_LOST)
    assert (statuses(receipts)[0], receipts.ses.accepted.total()) == ("accepted", 6)


@pytest.mark.parametrize(
    "code", ["TooManyRequestsException", "SendingPausedException", "AccountSuspendedException"]
)
def test_repeated_ses_refusals_only_delay_mail(published: World, code: str) -> None:
    for recipient in (NEWS, RECEIPT):
        world = with_responses(
            published, recipient, ALL_EVENTS, *[SubmissionRejected(code, retry=True)] * 60
        )
        assert statuses(world) == ["accepted"] * 5
        assert {*world.ses.accepted.values()} == {1}


def test_message_rejected_by_ses_is_not_submitted_again(published: World) -> None:
    for recipient in (NEWS, RECEIPT):
        world = with_responses(
            published, recipient, ALL_EVENTS, SubmissionRejected("MessageRejected")
        )
        assert statuses(world) == ["rejected", *["accepted"] * 4]
        assert {*world.ses.submitted.values()} == {1}


# --- delivery events ---


def reported(published: World, *kinds: str) -> FaultyWorld:
    """Each of these events is recorded ten times for the first mail, during its submission."""
    world = FaultyWorld(published, 0, NO_EVENTS, recipients=[NEWS])
    take = world.ses._accept

    def early(mail: OutgoingEmail) -> Answer:
        answer = take(mail)
        for kind in kinds * 10 if mail.tags["step"] == STEPS[0] else ():
            report = DeliveryEvent(kind, world.now, mail.to, permanent=True)  # type: ignore[arg-type]
            world.feedback_recorder.record(STORE, mail.ref.id, report)
        return LOST if mail.tags["step"] == STEPS[0] else answer

    world.ses._accept = early  # type: ignore[method-assign]
    world.run_story()
    world.check()
    return world


def test_delivery_events_before_the_response_or_repeated_count_once(published: World) -> None:
    runs = [reported(published, *kinds) for kinds in (("sent", "delivered"), ("delivered", "sent"))]
    for one, other in pairwise(runs):
        assert one.state.messages == other.state.messages
        assert statuses(one) == ["accepted"] * 5


@pytest.mark.parametrize("last", ["bounced", "complained"])
def test_bounce_or_complaint_after_delivery_stops_further_mail(published: World, last: str) -> None:
    world = reported(published, "delivered", last)
    assert statuses(world) == ["accepted", *["skipped"] * 4]
    assert len([event for event in world.state.stream if event.event.source == "email"]) == 1


# --- clock skew ---


@pytest.mark.parametrize("minutes", [-5, 5])
def test_clock_skew_sends_no_marketing_twice(published: World, minutes: int) -> None:
    skewed = NO_FAULTS._replace(
        skew=timedelta(minutes=minutes), interleaved=500, ses=300, event_repeated=900
    )
    for seed in range(8):
        world = FaultyWorld(published, seed, skewed)
        world.run_story()
        world.check()
