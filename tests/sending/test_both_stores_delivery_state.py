"""Delivery events in any order, repeated or not, lead to the same state of a message."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from milepost.base.names import MessageRef
from milepost.sending.bot_detection import MAX_CLICKS
from milepost.sending.message import Accepted, DeliveryEvent, Reported, message_id
from tests.support.builders import ADA, MONDAY_NOON, draft, enrollment_ref
from tests.support.laws import how_many
from tests.support.ledgers import SETTLED, claim, with_ada
from tests.support.ports import Ports

LINKS = tuple(f"https://shop.example/{name}" for name in "abcd")
SECOND = timedelta(seconds=1)
ADAPTER_ATTRIBUTES = {"kind", "timer_bucket", "accepted_at", "ses_id"}
"""Attributes that only one adapter stores, or that only the answer sets."""


@pytest.fixture
def ports(ports: Ports) -> Ports:
    return with_ada(ports)


def at(seconds: float) -> Any:
    return MONDAY_NOON + seconds * SECOND


times = st.sampled_from([0.2, 0.9, 1.5, 3, 8, 9.5, 60, 3600]).map(at)
machines: Any = st.sampled_from(["", "privacy proxy", "scanner"])
plain: Any = st.sampled_from(["sent", "delayed", "delivered", "complained"])
reports = st.one_of(
    st.builds(DeliveryEvent, plain, times),
    st.builds(DeliveryEvent, st.just("opened"), times, bot_reason=machines),
    st.builds(
        DeliveryEvent,
        st.just("clicked"),
        times,
        link=st.sampled_from(LINKS),
        bot_reason=st.just(""),
    ),
    st.builds(DeliveryEvent, st.just("bounced"), times, st.just(ADA), permanent=st.booleans()),
    st.just(DeliveryEvent("rejected", at(0), detail="Bad content")),
)


@st.composite
def orders(draw: st.DrawFn) -> tuple[list[DeliveryEvent], list[DeliveryEvent]]:
    """The same delivery events in two orders, some of them repeated."""
    events = draw(st.lists(reports, min_size=1, max_size=6))
    again = draw(st.lists(st.sampled_from(events), max_size=3))
    return draw(st.permutations(events)), draw(st.permutations([*events, *again]))


def state_after(
    ports: Ports, events: list[DeliveryEvent], visit: int, answer_at: int
) -> dict[str, Any]:
    """A new message after these delivery events, with SES's answer somewhere in between."""
    own = enrollment_ref()
    ref = MessageRef(own.store, own.contact, message_id(own, "reminder", visit))
    claim(ports, replace(draft(), ref=ref))
    for number, report in enumerate(events):
        if number == answer_at:
            ports.ledger.record_result(ref, Accepted("ses-1"), MONDAY_NOON)
        assert ports.ledger.record_delivery_event(ref, report) is not None
    kept = ports.look.message(ref)
    return {n: v for n, v in kept.items() if n not in ADAPTER_ATTRIBUTES | {"pk", "sk", "run_sort"}}


@settings(max_examples=how_many(12), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(orders(), st.integers(0, 9), st.integers(0, 9))
def test_delivery_events_in_any_order_and_repeated_give_same_state(
    ports: Ports, both: tuple[list[DeliveryEvent], list[DeliveryEvent]], one: int, other: int
) -> None:
    visits = getattr(ports, "_visits", 1)
    object.__setattr__(ports, "_visits", visits + 2)
    first = state_after(ports, both[0], visits, one)
    assert state_after(ports, both[1], visits + 1, other) == first
    assert "timer_due" not in first
    rejected = any(report.kind == "rejected" for report in both[0])
    assert first["status"] == ("rejected" if rejected else "accepted")
    assert first.get("reason") == ("Bad content" if rejected else None)


@pytest.mark.parametrize("kind", ["sent", "delivered", "opened", "bounced", "delayed"])
def test_earliest_delivery_event_of_a_kind_counts(ports: Ports, kind: Reported) -> None:
    claim(ports)
    for seconds in (90, 30, 60):
        ports.ledger.record_delivery_event(draft().ref, DeliveryEvent(kind, at(seconds)))
    assert ports.look.message(draft().ref)[f"{kind}_at"] == "2026-11-02T12:00:30.000Z"


def test_hard_bounce_is_known_beside_soft_bounces(ports: Ports) -> None:
    claim(ports)
    ports.ledger.record_delivery_event(
        draft().ref, DeliveryEvent("bounced", at(1), detail="Transient MailboxFull")
    )
    assert "undeliverable_at" not in ports.look.message(draft().ref)
    ports.ledger.record_delivery_event(draft().ref, DeliveryEvent("bounced", at(9), permanent=True))
    kept = ports.look.message(draft().ref)
    assert (kept["bounced_at"][17:19], kept["undeliverable_at"][17:19]) == ("01", "09")


def test_delivery_event_with_several_addresses_needs_the_recipient(ports: Ports) -> None:
    claim(ports)
    others = DeliveryEvent("bounced", at(1), "list@mail.example", others=("eve@mail.example",))
    assert ports.ledger.record_delivery_event(draft().ref, others) is None
    named = others._replace(others=("eve@mail.example", ADA.upper()))
    assert ports.ledger.record_delivery_event(draft().ref, named) is not None


def test_bot_opens_and_clicks_are_stored_separately(ports: Ports) -> None:
    claim(ports)
    ports.ledger.record_delivery_event(
        draft().ref, DeliveryEvent("opened", at(2), bot_reason="privacy proxy")
    )
    kept = ports.look.message(draft().ref)
    assert "opened_at" not in kept
    assert "bot_opened_at" in kept
    ports.ledger.record_delivery_event(draft().ref, DeliveryEvent("opened", at(500)))
    assert "opened_at" in ports.look.message(draft().ref)


def test_click_that_becomes_part_of_burst_no_longer_counts(ports: Ports) -> None:
    claim(ports)
    ports.ledger.record_delivery_event(draft().ref, DeliveryEvent("clicked", at(20), link=LINKS[0]))
    assert "clicked_at" in ports.look.message(draft().ref)
    facts = ports.ledger.record_delivery_event(
        draft().ref, DeliveryEvent("clicked", at(20.3), link=LINKS[1])
    )
    assert facts is not None
    for kept in (facts, ports.look.message(draft().ref)):
        assert "clicked_at" not in kept
        assert kept["bot_clicked_at"] == "2026-11-02T12:00:20.000Z"
    ports.ledger.record_delivery_event(
        draft().ref, DeliveryEvent("clicked", at(900), link=LINKS[1])
    )
    assert ports.look.message(draft().ref)["clicked_at"] == "2026-11-02T12:15:00.000Z"


def test_stored_clicks_are_limited(ports: Ports) -> None:
    claim(ports)
    for number in range(MAX_CLICKS + 3):
        report = DeliveryEvent("clicked", at(60 + number), link=LINKS[0])
        assert ports.ledger.record_delivery_event(draft().ref, report) is not None
    assert len(ports.look.message(draft().ref)["clicks"]) == MAX_CLICKS


def test_rejected_message_keeps_reason_after_late_answer(ports: Ports) -> None:
    claim(ports)
    ports.ledger.record_delivery_event(
        draft().ref, DeliveryEvent("rejected", at(1), detail="Bad content")
    )
    for answer in SETTLED.values():
        ports.ledger.record_result(draft().ref, answer, at(2))
    kept = ports.look.message(draft().ref)
    assert (kept["status"], kept["reason"], kept["ses_id"]) == ("rejected", "Bad content", "ses-1")
