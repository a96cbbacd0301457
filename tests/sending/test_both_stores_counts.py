"""Counting a workflow, in memory and in DynamoDB: every decision counts once."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from milepost.aws import keys
from milepost.aws.table import Table, pack
from milepost.base import times
from milepost.base.dates import next_night
from milepost.base.names import MessageRef
from milepost.enrollments.dynamodb.enrollments import DynamoEnrollments
from milepost.runtime.dynamodb.count_jobs import DynamoCountJobs
from milepost.sending.counts import StepCounts, Tally, WorkflowCounts
from milepost.sending.run_counter import RunCounter
from milepost.simulator.memory.published import MemoryPublished
from tests.fakes.counts import MemoryRuns
from tests.support.builders import ADA, MONDAY_NOON, STORE, delay, send, shop, workflow
from tests.support.ports import Cloud, dynamo_ports
from tests.support.world import World

PEOPLE = [ADA, *(f"reader-{number}@mail.example" for number in range(3))]
VISIT = workflow(
    send("hello"), delay("1 hour"), send("more"), on="Visited", category="transactional"
)


@pytest.fixture(scope="module")
def published() -> World:
    world = World()
    world.publish(shop(visit=VISIT))
    return world


@pytest.fixture(params=["memory", "dynamodb"])
def world(request: pytest.FixtureRequest, published: World, aws: Cloud) -> World:
    twin = dynamo_ports(aws) if request.param == "dynamodb" else None
    world = World(published=published, twin=twin)
    for email in PEOPLE:
        world.event("Visited", email=email)
    return world


def counter(world: World, most: int = 500) -> RunCounter:
    runs = world.twin.runs if world.twin else MemoryRuns(world.state)
    return RunCounter(runs, MemoryPublished(world.shelf), most)


def count(world: World, most: int = 500, **more: Any) -> WorkflowCounts:
    return counted(counter(world, most), **more)


def counted(counter: RunCounter, **more: Any) -> WorkflowCounts:
    tally = Tally()
    after = counter.count_page(STORE, "visit", "", tally, **more)
    while after:
        after = counter.count_page(STORE, "visit", after, tally, **more)
    return tally.numbers()


def a_message(world: World, step: str) -> MessageRef:
    return min(ref for ref, held in world.state.messages.items() if held["step"] == step)


def table_of(world: World) -> Table | None:
    held = world.twin and world.twin.enrollments
    return held.table if isinstance(held, DynamoEnrollments) else None


def change(world: World, ref: MessageRef, **values: str) -> None:
    world.state.messages[ref] |= values
    if table := table_of(world):
        item = table.get(keys.message(ref)) or {}
        table.put(pack({**item, **values}))


def remove(world: World, ref: MessageRef) -> None:
    del world.state.messages[ref]
    if table := table_of(world):
        table.delete(keys.message(ref))


@pytest.mark.parametrize("most", [1, 500])
def test_every_enrollment_and_decision_is_counted_once_over_all_pages(
    world: World, most: int
) -> None:
    world.run_for(minutes=1)
    numbers = count(world, most)
    sent = StepCounts(decided=len(PEOPLE), sent=len(PEOPLE))
    assert (numbers.entered, numbers.steps) == (len(PEOPLE), {"hello": sent})
    world.run_for(hours=2)
    numbers = count(world, most)
    assert numbers.statuses == {"completed": len(PEOPLE)}
    assert numbers.steps == {"hello": sent, "more": sent}
    assert all(held.unaccounted == 0 for held in numbers.steps.values())


def test_decision_without_ledger_entry_is_missing(world: World) -> None:
    world.run_for(hours=2)
    gone, found = a_message(world, "more"), []
    remove(world, gone)
    numbers = count(world, on_missing=lambda ref, step: found.append((ref.contact, step)))
    all_but_one = StepCounts(decided=len(PEOPLE), sent=len(PEOPLE) - 1, missing=1)
    assert numbers.steps["more"] == all_but_one
    assert numbers.steps["more"].unaccounted == 1
    assert numbers.steps["hello"].unaccounted == 0
    assert found == [(gone.contact, "more")]


def test_decision_of_unfinished_block_run_is_not_missing(world: World) -> None:
    world.run_for(minutes=1)
    remove(world, a_message(world, "hello"))
    assert count(world).steps["hello"].unaccounted == 0
    world.run_for(hours=2)
    assert count(world).steps["hello"].missing == 1


def test_unknown_status_is_in_no_count(world: World) -> None:
    world.run_for(hours=2)
    change(world, a_message(world, "more"), status="half-sent")
    more = count(world).steps["more"]
    assert (more.decided, more.sent, more.unaccounted) == (len(PEOPLE), len(PEOPLE) - 1, 1)


def test_second_message_of_one_visit_is_extra(world: World) -> None:
    world.run_for(hours=2)
    ref = a_message(world, "more")
    twice = ref._replace(id=f"{ref.contact}-{24 * '0'}")
    world.state.messages[twice] = dict(world.state.messages[ref])
    if table := table_of(world):
        item = table.get(keys.message(ref)) or {}
        own = keys.message(twice) | pack({"run_sort": f"MESSAGE#more#{twice.id}"})
        table.put(pack(item) | own)
    more = count(world).steps["more"]
    assert (more.decided, more.sent, more.extra) == (len(PEOPLE), len(PEOPLE) + 1, 1)
    assert more.unaccounted == 1


def test_decision_outside_the_index_is_missing(published: World, aws: Cloud) -> None:
    world = World(published=published, twin=dynamo_ports(aws))
    world.event("Visited")
    world.run_for(hours=2)
    ref = a_message(world, "more")
    change(world, ref, run_bucket=keys.run_bucket(STORE, "other", 0))
    assert (count(world).steps["more"].decided, count(world).steps["more"].missing) == (1, 1)


def test_missing_and_extra_do_not_cancel_out() -> None:
    assert StepCounts(decided=5, sent=5, missing=1, extra=1).unaccounted == 2


def test_erased_decision_is_not_missing(world: World) -> None:
    world.run_for(hours=2)
    ref = a_message(world, "more")
    remove(world, ref)
    world.state.erased[ref.store, ref.contact] = world.now
    if table := table_of(world):
        from milepost.aws import keys

        at = pack({"at": times.format_instant(world.now)})
        table.put(keys.erased(ref.store, ref.contact) | at)
    assert count(world).steps["more"].unaccounted == 0


def test_decision_before_last_count_is_not_compared_again(world: World) -> None:
    world.run_for(hours=2)
    remove(world, a_message(world, "more"))
    assert count(world, since=world.now).steps["more"].missing == 0
    assert count(world, since=world.now - timedelta(hours=2)).steps["more"].missing == 1


def test_requests_of_count_grow_with_changes_since_last_count(published: World, aws: Cloud) -> None:
    world = World(published=published, twin=dynamo_ports(aws))
    for email in PEOPLE:
        world.event("Visited", email=email)
    world.run_for(hours=2)
    calls: Counter[str] = Counter()

    def note(model: Any, **_: Any) -> None:
        calls[model.name] += 1

    aws.dynamodb.meta.events.register("after-call.dynamodb", note)
    try:
        count(world)
        first = dict(calls)
        calls.clear()
        count(world, since=world.now)
    finally:
        aws.dynamodb.meta.events.unregister("after-call.dynamodb", note)
    shards = {keys.shard(ref.contact) for ref in world.state.messages}
    # A query for each shard; enrollments and messages are read a hundred at a time.
    assert first == {"Query": keys.SHARDS, "BatchGetItem": 2 * len(shards)}
    assert calls == {"Query": keys.SHARDS}


def test_count_job_is_one_write_per_workflow_and_night(aws: Cloud) -> None:
    jobs = DynamoCountJobs(aws.table("WorkflowsTable"))
    calls: Counter[str] = Counter()

    def note(model: Any, **_: Any) -> None:
        calls[model.name] += 1

    aws.dynamodb.meta.events.register("after-call.dynamodb", note)
    try:
        for _ in range(100):
            for name in ("visit", "other"):
                jobs.mark_moved(STORE, name, next_night(MONDAY_NOON))
        assert calls == {"PutItem": 2}
        jobs.mark_moved(STORE, "visit", next_night(MONDAY_NOON + timedelta(days=1)))
        assert calls == {"PutItem": 3}
    finally:
        aws.dynamodb.meta.events.unregister("after-call.dynamodb", note)
