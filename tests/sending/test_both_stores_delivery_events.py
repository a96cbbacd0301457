"""What the ports promise of messages once claimed: what is reported of them, and what is due."""

from datetime import timedelta
from itertools import permutations

import pytest

from milepost.contacts.profile import Profile
from milepost.contacts.suppression import address_hash
from milepost.runtime.ports import OverdueMessage
from milepost.sending.message import Accepted, Answer, Claimed, DeliveryEvent, NoResponse
from tests.support.builders import (
    ADA,
    MONDAY_NOON,
    STORE,
    contact,
    draft,
    enrollment,
    enrollment_ref,
)
from tests.support.ledgers import GRANTED, HOUR, RECEIPT, SETTLED, claim, report, status, with_ada
from tests.support.ports import Ports


@pytest.fixture
def ports(ports: Ports) -> Ports:
    return with_ada(ports)


# --- what the post says ---


def test_a_report_gives_the_facts_of_its_message(ports: Ports) -> None:
    claim(ports)
    facts = report(ports, "delivered", recipient=ADA.upper())
    assert facts is not None
    wanted = {
        "store": STORE, "workflow": "cart", "step": "reminder", "enrollment": "e-1",
        "recipient": address_hash(ADA), "status": "accepted",
    }  # fmt: skip
    assert {name: facts[name] for name in wanted} == wanted


def test_a_report_about_no_message_of_ours_changes_nothing(ports: Ports) -> None:
    assert report(ports, "bounced", recipient=ADA) is None
    assert status(ports) == "none"


def test_a_report_about_another_address_changes_nothing(ports: Ports) -> None:
    claim(ports)
    assert report(ports, "bounced", recipient="eve@mail.example") is None
    assert status(ports) == "claimed"


def test_what_became_of_the_messages_of_an_enrollment_can_be_asked_by_step(ports: Ports) -> None:
    claim(ports)
    claim(ports, draft("offer"))
    report(ports, "clicked", link="https://shop.example/a")
    report(ports, "clicked", link="https://shop.example/b", after=2 * HOUR)
    report(ports, "opened")
    fates = ports.ledger.message_statuses(
        enrollment_ref(), {"reminder": 1, "offer": 1, "never-sent": 1}
    )
    assert fates.keys() == {"reminder", "offer"}
    assert fates["reminder"]["links"] == {"https://shop.example/a", "https://shop.example/b"}
    assert {"clicked_at", "opened_at"} <= fates["reminder"].keys()
    assert "opened_at" not in fates["offer"]


def _act(ports: Ports, act: str) -> None:
    if act == "answer":
        ports.ledger.record_result(draft().ref, Accepted("ses-1"), MONDAY_NOON)
    elif act == "timeout":
        ports.ledger.record_result(draft().ref, NoResponse("timeout"), MONDAY_NOON)
    else:
        report(ports, act)  # type: ignore[arg-type]


def _after(ports: Ports, acts: tuple[str, ...]) -> tuple[str, set[str], bool]:
    claim(ports)
    for act in acts:
        _act(ports, act)
    found = ports.look.message(draft().ref)
    facts = {name for name in found if name.endswith("_at")} - {"accepted_at"}
    return found["status"], facts, "timer_due" in found


@pytest.mark.parametrize("acts", [*permutations(["answer", "delivered", "bounced"])], ids="-".join)
def test_answer_and_reports_may_come_in_any_order(ports: Ports, acts: tuple[str, ...]) -> None:
    facts = {"decided_at", "delivered_at", "bounced_at"}
    assert _after(ports, acts) == ("accepted", facts, False)


@pytest.mark.parametrize("acts", [*permutations(["timeout", "sent"])], ids="-".join)
def test_a_lost_answer_is_settled_by_a_report_in_either_order(
    ports: Ports, acts: tuple[str, ...]
) -> None:
    assert _after(ports, acts) == ("accepted", {"decided_at", "sent_at"}, False)


@pytest.mark.parametrize("acts", [*permutations(["answer", "sent", "rejected"])], ids="-".join)
def test_what_the_post_took_and_then_threw_away_is_rejected_in_any_order(
    ports: Ports, acts: tuple[str, ...]
) -> None:
    facts = {"decided_at", "sent_at", "rejected_at"}
    assert _after(ports, acts) == ("rejected", facts, False)


@pytest.mark.parametrize("late", ["rejected", "throttled", "unknown"])
def test_a_report_knows_better_than_an_answer_that_says_no(ports: Ports, late: str) -> None:
    claim(ports)
    report(ports, "delivered")
    ports.ledger.record_result(draft().ref, SETTLED[late], MONDAY_NOON)
    assert status(ports) == "accepted"


def test_repeated_reports_keep_the_first_instant(ports: Ports) -> None:
    claim(ports)
    report(ports, "opened")
    ports.ledger.record_delivery_event(draft().ref, DeliveryEvent("opened", MONDAY_NOON + 2 * HOUR))
    assert ports.look.message(draft().ref)["opened_at"] == "2026-11-02T13:00:00.000Z"


# --- what is due ---

DUE = MONDAY_NOON + timedelta(minutes=15)


def due(ports: Ports, minutes: int) -> list[tuple[str, int]]:
    at = MONDAY_NOON + timedelta(minutes=minutes)
    found = ports.timers.due(at)
    return [(each.step, each.attempts) for each in found if isinstance(each, OverdueMessage)]


def test_a_claim_is_due_after_a_quarter_of_an_hour(ports: Ports) -> None:
    claim(ports)
    assert due(ports, 14) == []
    assert due(ports, 15) == due(ports, 90) == [("reminder", 1)]
    (overdue,) = ports.timers.due(DUE)
    assert isinstance(overdue, OverdueMessage)
    assert overdue.message == draft().ref
    assert overdue.enrollment == enrollment_ref()
    assert overdue.category == "marketing"


@pytest.mark.parametrize("settled", ["accepted", "rejected"])
def test_what_was_answered_is_not_due(ports: Ports, settled: str) -> None:
    claim(ports)
    ports.ledger.record_result(draft().ref, SETTLED[settled], MONDAY_NOON)
    assert due(ports, 60) == []
    assert not ports.timers.give_up(draft().ref, DUE)
    assert status(ports) == settled


def test_what_is_throttled_is_due_when_nobody_can_be_trying_it_any_more(ports: Ports) -> None:
    """Otherwise a message whose execution has gone would be throttled for ever."""
    claim(ports)
    ports.ledger.record_result(draft().ref, SETTLED["throttled"], MONDAY_NOON)
    assert (due(ports, 179), due(ports, 180)) == ([], [("reminder", 1)])
    assert ports.timers.give_up(draft().ref, DUE)
    kept = ports.look.message(draft().ref)
    assert (kept["status"], kept["reason"]) == ("failed", "Throttling")
    assert due(ports, 999) == []
    assert not ports.timers.give_up(draft().ref, DUE)


def test_what_was_given_up_while_it_was_throttled_may_still_be_claimed(ports: Ports) -> None:
    """Its workflow may have been paused meanwhile."""
    claim(ports)
    ports.ledger.record_result(draft().ref, SETTLED["throttled"], MONDAY_NOON)
    ports.timers.give_up(draft().ref, DUE)
    assert claim(ports) == Claimed()
    kept = ports.look.message(draft().ref)
    assert (kept["status"], "gave_up_at" in kept, "reason" in kept) == ("claimed", False, False)


def test_what_was_not_answered_is_due_until_a_report_comes(ports: Ports) -> None:
    claim(ports)
    ports.ledger.record_result(draft().ref, SETTLED["unknown"], MONDAY_NOON)
    assert due(ports, 15) == [("reminder", 1)]
    report(ports, "sent")
    assert due(ports, 15) == []
    assert "reason" not in ports.look.message(draft().ref)


@pytest.mark.parametrize("answer", [None, NoResponse("timeout")])
def test_what_is_given_up_stays_unknown_and_is_no_longer_due(
    ports: Ports, answer: Answer | None
) -> None:
    claim(ports)
    if answer is not None:
        ports.ledger.record_result(draft().ref, answer, MONDAY_NOON)
    assert ports.timers.give_up(draft().ref, DUE)
    assert status(ports) == "unknown"
    assert due(ports, 90) == []


def test_a_report_settles_even_what_was_given_up(ports: Ports) -> None:
    claim(ports)
    ports.timers.give_up(draft().ref, DUE)
    report(ports, "delivered")
    assert status(ports) == "accepted"


def test_a_second_try_is_due_a_quarter_of_an_hour_after_it(ports: Ports) -> None:
    claim(ports, RECEIPT)
    ports.ledger.claim_again(RECEIPT, DUE)
    assert due(ports, 29) == []
    assert due(ports, 30) == [("receipt", 2)]


def test_what_nobody_dealt_with_stays_due_when_the_minute_was_noted(ports: Ports) -> None:
    claim(ports)
    for minutes in (15, 30, 45):
        assert due(ports, minutes) == [("reminder", 1)]
        ports.timers.done_before(MONDAY_NOON + timedelta(minutes=minutes))


def test_a_message_that_cannot_be_decided_is_put_off_and_due_again(ports: Ports) -> None:
    claim(ports)
    ports.timers.put_off(draft().ref, MONDAY_NOON + timedelta(minutes=75))
    assert due(ports, 90) == [("reminder", 1)]
    report(ports, "delivered")
    assert due(ports, 90) == []


def test_messages_of_many_contacts_are_all_due(ports: Ports) -> None:
    for number in range(20):
        email = f"reader-{number}@mail.example"
        own = contact(email)
        known = {"email": (email, "2026-11-02T12:00:00.000Z", "evt-1")}
        profile = Profile(STORE, own, known, consent={"offers": GRANTED}, last_sequence=1)
        ports.contacts.apply(None, profile)
        ref = enrollment_ref()._replace(contact=own)
        ports.enrollments.enroll(enrollment(ref))
        assert claim(ports, draft(f"step-{number}", ref, recipient=email)) == Claimed()
    assert sorted(step for step, _ in due(ports, 15)) == sorted(f"step-{n}" for n in range(20))
