"""DynamoDB holds what the pure rule makes of the same delivery events, whatever interrupts them.

The histories are random: events repeated and in any order, crashes before and after any request
(SQS delivers the event again), and a second process that records another event between two
requests of the first. See docs/decisions/0028-where-a-rule-stays-a-condition.md.
"""

from dataclasses import replace
from typing import Any, Literal, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from milepost.aws import keys
from milepost.base.names import MessageRef
from milepost.sending import delivery_state
from milepost.sending.delivery_state import CLICKED, first_clicks
from milepost.sending.dynamodb import delivery_events
from milepost.sending.dynamodb.delivery_events import merge_delivery_event
from milepost.sending.dynamodb.ledger import DynamoLedger
from milepost.sending.message import Answer, DeliveryEvent, message_id
from tests.sending.test_both_stores_delivery_state import at, reports
from tests.support.builders import draft, enrollment_ref
from tests.support.interrupted import Crashed, crash, interrupted
from tests.support.laws import how_many
from tests.support.ledgers import SETTLED, claim, with_ada
from tests.support.ports import Cloud, Ports, dynamo_ports

TIMER = ("timer_bucket", "timer_due", "kind")
quick = settings(
    max_examples=how_many(40),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class Delivery(NamedTuple):
    """One event, and what happens before or after its n-th request: a crash, or other events."""

    report: DeliveryEvent
    when: Literal["before", "after"] = "before"
    number: int = 0
    others: tuple[DeliveryEvent, ...] = ()


machine_clicks = st.builds(
    DeliveryEvent,
    st.just("clicked"),
    st.sampled_from([1, 20, 20.3, 40]).map(at),
    link=st.sampled_from(["", "https://shop.example/a", "https://shop.example/e"]),
    bot_reason=st.sampled_from(["", "scanner"]),
)
rejections = st.builds(
    DeliveryEvent,
    st.just("rejected"),
    st.sampled_from([0, 1]).map(at),
    detail=st.just("Bad content"),
)
events: Any = st.one_of(reports, machine_clicks, rejections)
deliveries = st.builds(
    Delivery,
    events,
    st.sampled_from(["before", "after"]),
    st.integers(0, 3),
    st.lists(events, max_size=2).map(tuple),
)
histories = st.lists(deliveries, min_size=1, max_size=5)


@pytest.fixture
def ports(aws: Cloud) -> Ports:
    return with_ada(dynamo_ports(aws))


class Message:
    """A claimed message in DynamoDB, and beside it what the pure rule makes of it."""

    visits = 0

    def __init__(self, ports: Ports, answer: Answer | None = None) -> None:
        Message.visits += 1
        own = enrollment_ref()
        ref = MessageRef(own.store, own.contact, message_id(own, "reminder", Message.visits))
        claim(ports, replace(draft(), ref=ref))
        if answer is not None:
            ports.ledger.record_result(ref, answer, at(0))
        assert isinstance(ports.ledger, DynamoLedger)
        self.table = ports.ledger.table
        self.key = keys.message(ref)
        self.expected = self.kept()

    def kept(self) -> dict[str, Any]:
        """The entry, without what DynamoDB alone keeps beside `timer_due` to index it."""
        held = dict(self.table.get(self.key) or {})
        assert len(held.keys() & set(TIMER)) in (0, len(TIMER))
        return {n: v for n, v in held.items() if n == "timer_due" or n not in TIMER}

    def by_rule(self, report: DeliveryEvent) -> dict[str, Any]:
        """What the rule makes of it, as the ledger answers it."""
        news = delivery_state.merge_delivery_event(self.expected, report)
        return {**self.expected, "news": True} if news else dict(self.expected)

    def deliver(self, delivery: Delivery) -> None:
        table, client = interrupted(self.table)

        def others() -> None:
            for report in delivery.others:
                merge_delivery_event(self.table, self.key, report)

        plan = client.before if delivery.when == "before" else client.after
        plan[delivery.number] = others if delivery.others else crash
        try:
            merge_delivery_event(table, self.key, delivery.report)
        except Crashed:
            merge_delivery_event(self.table, self.key, delivery.report)
        for report in (delivery.report, *(delivery.others if not plan else ())):
            self.by_rule(report)


@quick
@given(st.sampled_from([None, *SETTLED.values()]), histories)
def test_interrupted_deliveries_leave_what_the_rule_says(
    ports: Ports, answer: Answer | None, history: list[Delivery]
) -> None:
    message = Message(ports, answer)
    for delivery in history:
        message.deliver(delivery)
        assert message.kept() == message.expected


@quick
@given(st.lists(events, min_size=1, max_size=9))
def test_each_answer_is_that_of_the_rule_at_any_limit_of_clicks(
    ports: Ports, history: list[DeliveryEvent]
) -> None:
    with pytest.MonkeyPatch.context() as limited:
        for module in (delivery_state, delivery_events):
            limited.setattr(module, "MAX_CLICKS", 2)
        message = Message(ports)
        for report in history:
            answer = merge_delivery_event(message.table, message.key, report)
            assert answer is not None
            wanted = message.by_rule(report)
            assert {n: answer[n] for n in wanted} == wanted
            assert ("news" in answer) == ("news" in wanted)
            assert message.kept() == message.expected


@quick
@given(st.lists(machine_clicks, min_size=2, max_size=6))
def test_no_click_of_many_processes_at_once_is_lost(
    ports: Ports, clicks: list[DeliveryEvent]
) -> None:
    """Each process stops before its second request until those that began later are done."""
    message = Message(ports)

    def from_here(number: int) -> None:
        if number == len(clicks):
            return
        table, client = interrupted(message.table)
        client.after[1] = lambda: from_here(number + 1)
        merge_delivery_event(table, message.key, clicks[number])
        if 1 in client.after:
            from_here(number + 1)

    from_here(0)
    for report in clicks:
        message.by_rule(report)
    kept = message.kept()
    assert kept == message.expected
    assert {n: kept[n] for n in CLICKED if n in kept} == first_clicks(kept["clicks"])
