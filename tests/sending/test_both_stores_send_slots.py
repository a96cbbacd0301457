"""The contract of `SendSlots`, in memory and in DynamoDB, and the requests for a slot."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from milepost.sending.dynamodb.send_slots import DynamoSendSlots
from milepost.sending.rate_limit import (
    NoSlot,
    SendSlots,
    SesQuota,
    SlotRequest,
    WarmUpLimit,
    apply_quota,
    micros,
    slot_request,
)
from tests.fakes.send_slots import MemorySendSlots
from tests.support.builders import MONDAY_NOON
from tests.support.ports import Cloud


@pytest.fixture(params=["memory", "dynamodb"])
def slots(request: pytest.FixtureRequest) -> SendSlots:
    if request.param == "memory":
        return MemorySendSlots()
    return DynamoSendSlots(request.getfixturevalue("aws").table("WorkflowsTable"))


def slot_request_of(
    after: float = 0, rate: float = 14, ramp: WarmUpLimit | None = None, row: int = 0
) -> SlotRequest:
    """The slot request of a transactional e-mail, some milliseconds after noon."""
    allowance = apply_quota(SesQuota(rate, -1, 0), [], MONDAY_NOON)
    now = MONDAY_NOON + timedelta(milliseconds=after)
    return slot_request(allowance, "transactional", row, now, ramp)


def test_slots_are_given_in_order_until_queue_is_full(slots: SendSlots) -> None:
    first = slot_request_of()
    places = [slots.take(first) for _ in range(60)]
    given = [place for place in places if not isinstance(place, NoSlot)]
    assert given == [first.now + number * first.interval for number in range(len(given))]
    assert 50 <= len(given) < 60
    assert places[len(given) :] == [NoSlot("rate")] * (60 - len(given))
    after = slot_request_of(after=10_000)
    assert slots.take(after) == after.now
    assert next(iter(slots.taken())) == len(given) + 1


def test_no_slot_after_end_of_quota(slots: SendSlots) -> None:
    ends = slot_request_of(rate=500)._replace(end=2)
    assert [isinstance(slots.take(ends), NoSlot) for _ in range(3)] == [False, False, True]
    assert slots.take(ends) == NoSlot("quota")
    assert slots.take(ends._replace(end=None)) != NoSlot("quota")


def test_warm_up_counts_each_store_and_day_separately(slots: SendSlots) -> None:
    for store, day, most in (("a", "01", 2), ("b", "01", 1), ("a", "02", 3)):
        ramp = WarmUpLimit(store, f"2026-12-{day}", most)
        got = 0
        while slots.take(slot_request_of(after=got, rate=500, ramp=ramp)) != NoSlot("warm-up"):
            got += 1
        assert got == most


def test_one_worker_in_each_interval_may_ask_ses(slots: SendSlots) -> None:
    assert slots.may_ask(1000, 0)
    assert not slots.may_ask(1001, 999)
    assert slots.may_ask(2000, 1000)


@pytest.mark.parametrize("day", [-1.0, 50_000.0])
def test_limits_of_ses_are_stored(slots: SendSlots, day: float) -> None:
    assert slots.allowance() is None
    limits = apply_quota(SesQuota(500.5, day, 12), [4, 9], MONDAY_NOON)
    slots.note(limits)
    assert slots.may_ask(1, 0)
    assert slots.allowance() == limits


def test_memory_and_dynamodb_answer_any_slot_request_alike(aws: Cloud) -> None:
    chance = Random(20)
    memory, dynamo = MemorySendSlots(), DynamoSendSlots(aws.table("WorkflowsTable"))
    moment = 0.0
    for _ in range(300):
        moment += chance.choice([0, 0, 5, 40, 500, 9000, -300])
        ramp = chance.choice([None, None, WarmUpLimit("demo", "2026-12-01", 40)])
        one = slot_request_of(moment, chance.choice([5, 14, 500]), ramp, row=chance.choice([0, 1]))
        one = one._replace(end=chance.choice([None, None, 120]))
        assert dynamo.take(one) == memory.take(one)


# --- what it costs ---


@pytest.fixture
def calls(aws: Cloud) -> Iterator[Counter[str]]:
    counted: Counter[str] = Counter()

    def count(model: Any, **_: Any) -> None:
        counted[model.name] += 1

    aws.dynamodb.meta.events.register("after-call.dynamodb", count)
    yield counted
    aws.dynamodb.meta.events.unregister("after-call.dynamodb", count)


@pytest.mark.parametrize("gap", [0, 1000])
def test_slot_takes_one_request_while_nothing_changes(
    aws: Cloud, calls: Counter[str], gap: int
) -> None:
    """With or without a queue. When one changes to the other, a row takes two requests."""
    slots = DynamoSendSlots(aws.table("WorkflowsTable"))
    slots.take(slot_request_of(0))
    slots.take(slot_request_of(gap))
    calls.clear()
    for number in range(2, 12):
        assert not isinstance(slots.take(slot_request_of(number * gap)), NoSlot)
    assert calls == {"UpdateItem": 10}


def test_row_of_slots_does_not_grow_with_days(aws: Cloud) -> None:
    table = aws.table("WorkflowsTable")
    slots = DynamoSendSlots(table)
    for day in range(1, 29):
        ramp = WarmUpLimit("demo", f"2026-12-{day:02}", 5)
        slots.take(slot_request_of(day * 10_000, ramp=ramp))
    (row,) = table.scan()[0]
    assert sum(name.startswith("sent#") for name in row) == 1
    assert micros(MONDAY_NOON) < row["next"]
