"""The contract of claimed messages: their delivery events, and when they are due."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from milepost.aws.table import Item, Table
from milepost.base.addresses import address_hash
from milepost.contacts.profile import Profile
from milepost.runtime.ports import OverdueMessage
from milepost.sending.dynamodb.ledger import DynamoLedger
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
from tests.support.ports import Cloud, Ports, dynamo_ports


@pytest.fixture
def ports(ports: Ports) -> Ports:
    return with_ada(ports)


# --- what the post says ---


def test_delivery_event_returns_its_message(ports: Ports) -> None:
    claim(ports)
    facts = report(ports, "delivered", recipient=ADA.upper())
    assert facts is not None
    wanted = {
        "store": STORE,
        "workflow": "cart",
        "step": "reminder",
        "enrollment": "e-1",
        "recipient": address_hash(ADA),
        "status": "accepted",
    }
    assert {name: facts[name] for name in wanted} == wanted


def test_delivery_event_of_unknown_message_changes_nothing(ports: Ports) -> None:
    assert report(ports, "bounced", recipient=ADA) is None
    assert status(ports) == "none"


def test_delivery_event_for_other_address_changes_nothing(ports: Ports) -> None:
    claim(ports)
    assert report(ports, "bounced", recipient="eve@mail.example") is None
    assert status(ports) == "claimed"


def test_message_statuses_of_enrollment_are_by_step(ports: Ports) -> None:
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
def test_answer_and_delivery_events_merge_in_any_order(ports: Ports, acts: tuple[str, ...]) -> None:
    facts = {"decided_at", "delivered_at", "bounced_at"}
    assert _after(ports, acts) == ("accepted", facts, False)


@pytest.mark.parametrize("acts", [*permutations(["timeout", "sent"])], ids="-".join)
def test_delivery_event_settles_lost_answer_in_either_order(
    ports: Ports, acts: tuple[str, ...]
) -> None:
    assert _after(ports, acts) == ("accepted", {"decided_at", "sent_at"}, False)


@pytest.mark.parametrize("acts", [*permutations(["answer", "sent", "rejected"])], ids="-".join)
def test_reject_after_accept_is_final_in_any_order(ports: Ports, acts: tuple[str, ...]) -> None:
    facts = {"decided_at", "sent_at", "rejected_at"}
    assert _after(ports, acts) == ("rejected", facts, False)


@pytest.mark.parametrize("late", ["rejected", "throttled", "unknown"])
def test_delivery_event_overrides_negative_answer(ports: Ports, late: str) -> None:
    claim(ports)
    report(ports, "delivered")
    ports.ledger.record_result(draft().ref, SETTLED[late], MONDAY_NOON)
    assert status(ports) == "accepted"


def test_repeated_delivery_events_keep_first_instant(ports: Ports) -> None:
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


def test_claimed_message_is_due_after_15_minutes(ports: Ports) -> None:
    claim(ports)
    assert due(ports, 14) == []
    assert due(ports, 15) == due(ports, 90) == [("reminder", 1)]
    (overdue,) = ports.timers.due(DUE)
    assert isinstance(overdue, OverdueMessage)
    assert overdue.message == draft().ref
    assert overdue.enrollment == enrollment_ref()
    assert overdue.category == "marketing"


@pytest.mark.parametrize("settled", ["accepted", "rejected"])
def test_message_with_answer_is_not_due(ports: Ports, settled: str) -> None:
    claim(ports)
    ports.ledger.record_result(draft().ref, SETTLED[settled], MONDAY_NOON)
    assert due(ports, 60) == []
    assert not ports.timers.give_up(draft().ref, DUE)
    assert status(ports) == settled


def test_throttled_message_is_due_after_its_last_possible_try(ports: Ports) -> None:
    """Otherwise a message without an execution would stay throttled forever."""
    claim(ports)
    ports.ledger.record_result(draft().ref, SETTLED["throttled"], MONDAY_NOON)
    assert (due(ports, 179), due(ports, 180)) == ([], [("reminder", 1)])
    assert ports.timers.give_up(draft().ref, DUE)
    kept = ports.look.message(draft().ref)
    assert (kept["status"], kept["reason"]) == ("failed", "Throttling")
    assert due(ports, 999) == []
    assert not ports.timers.give_up(draft().ref, DUE)


def test_message_abandoned_while_throttled_can_be_claimed(ports: Ports) -> None:
    """The workflow may have been paused meanwhile."""
    claim(ports)
    ports.ledger.record_result(draft().ref, SETTLED["throttled"], MONDAY_NOON)
    ports.timers.give_up(draft().ref, DUE)
    assert claim(ports) == Claimed()
    kept = ports.look.message(draft().ref)
    assert (kept["status"], "abandoned_at" in kept, "reason" in kept) == ("claimed", False, False)


def test_message_without_answer_is_due_until_delivery_event(ports: Ports) -> None:
    claim(ports)
    ports.ledger.record_result(draft().ref, SETTLED["unknown"], MONDAY_NOON)
    assert due(ports, 15) == [("reminder", 1)]
    report(ports, "sent")
    assert due(ports, 15) == []
    assert "reason" not in ports.look.message(draft().ref)


@pytest.mark.parametrize("answer", [None, NoResponse("timeout")])
def test_abandoned_message_stays_unknown_and_is_not_due(
    ports: Ports, answer: Answer | None
) -> None:
    claim(ports)
    if answer is not None:
        ports.ledger.record_result(draft().ref, answer, MONDAY_NOON)
    assert ports.timers.give_up(draft().ref, DUE)
    assert status(ports) == "unknown"
    assert due(ports, 90) == []


def test_delivery_event_settles_abandoned_message(ports: Ports) -> None:
    claim(ports)
    ports.timers.give_up(draft().ref, DUE)
    report(ports, "delivered")
    assert status(ports) == "accepted"


def test_second_try_is_due_15_minutes_later(ports: Ports) -> None:
    claim(ports, RECEIPT)
    ports.ledger.claim_again(RECEIPT, DUE)
    assert due(ports, 29) == []
    assert due(ports, 30) == [("receipt", 2)]


def test_unsettled_message_stays_due_after_checked_minute(ports: Ports) -> None:
    claim(ports)
    for minutes in (15, 30, 45):
        assert due(ports, minutes) == [("reminder", 1)]
        ports.timers.done_before(MONDAY_NOON + timedelta(minutes=minutes))


def test_postponed_message_is_due_again_later(ports: Ports) -> None:
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


class Interrupted(Table):
    """A table in which something happens just after the first update."""

    def __init__(self, table: Table, meanwhile: Callable[[], object]) -> None:
        super().__init__(table._client, table.name)
        self.meanwhile: Callable[[], object] | None = meanwhile

    def update(self, key: Item, **change: Any) -> Item:
        item = super().update(key, **change)
        if self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            meanwhile()
        return item


def test_click_that_a_later_report_shows_to_be_of_a_burst_is_not_kept_as_a_persons(
    aws: Cloud,
) -> None:
    """Both reports come at once; the one that knew only the first click is written last."""
    ports = with_ada(dynamo_ports(aws))
    claim(ports)
    first = MONDAY_NOON + HOUR
    clicks = [
        DeliveryEvent("clicked", first, link="https://shop.example/a"),
        DeliveryEvent(
            "clicked", first + timedelta(milliseconds=200), link="https://shop.example/b"
        ),
    ]
    assert isinstance(ports.ledger, DynamoLedger)
    table, ledger = ports.ledger.table, ports.ledger
    late = Interrupted(table, lambda: ledger.record_delivery_event(draft().ref, clicks[1]))
    replace(ledger, table=late).record_delivery_event(draft().ref, clicks[0])
    kept = ports.look.message(draft().ref)
    assert kept["bot_clicked_at"] == "2026-11-02T13:00:00.000Z"
    assert "clicked_at" not in kept
