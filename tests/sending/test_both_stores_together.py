"""Random stories with memory and DynamoDB side by side: every call must give the same result.

moto imitates DynamoDB call by call. It does not show concurrent callers (transaction conflicts),
throttling, the delay of an index, and `ClientRequestToken`.
"""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings

from milepost.contacts.event import Event
from milepost.enrollments.dynamodb.enrollments import DynamoEnrollments
from milepost.sending.dynamodb.counts import workflow_numbers
from milepost.sending.message import NoResponse
from tests.journeys.stories import FILES, STORIES, Story, outcome
from tests.support.builders import STORE, Json, delay, send, shop, wait_for, workflow
from tests.support.builders import settings as settings_file
from tests.support.faults import Faults
from tests.support.laws import how_many
from tests.support.ports import Cloud, dynamo_ports
from tests.support.random_events import timelines
from tests.support.world import World, unbalanced

SEEDS = [
    pytest.param(seed, marks=[pytest.mark.deep] if seed in (1, 2, 3) else [])
    for seed in range(len(STORIES))
]
"""One seed for each story. Only `make test-deep` runs the longest ones."""


@pytest.fixture(scope="module")
def published() -> World:
    world = World()
    world.publish(FILES)
    return world


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_random_story_is_the_same_in_memory_and_dynamodb(
    story: Story, published: World, aws: Cloud
) -> None:
    alone = World(published=published)
    story(alone)
    ports = dynamo_ports(aws)
    both = World(published=published, twin=ports)
    story(both)
    assert outcome(both) == outcome(alone)
    assert isinstance(ports.enrollments, DynamoEnrollments)
    for name in ("abandoned-cart", "receipt"):
        numbers = workflow_numbers(ports.enrollments.table, STORE, name, unbalanced)
        assert numbers == both.numbers(name)


@pytest.mark.no_cover
@pytest.mark.parametrize("seed", SEEDS)
def test_crashes_and_repeated_deliveries_make_no_difference(
    seed: int, published: World, aws: Cloud
) -> None:
    faults = Faults(rate=0.02, seed=seed)
    world = World(published=published, faults=faults, echo=2, twin=dynamo_ports(aws))
    world.mailer.script.append(NoResponse("timeout"))
    STORIES[seed](world)
    assert faults.struck


@pytest.mark.no_cover
@pytest.mark.parametrize("kind", ["pause", "migrate"])
def test_executions_pauses_and_migrations_match_in_both_stores(kind: str, aws: Cloud) -> None:
    hour = timedelta(hours=1)
    world = World(twin=dynamo_ports(aws), suspend_after=hour)
    steps = [
        delay("4 hours", "pause"),
        wait_for("answer", "Replied", "20 hours", [send("thanks")], [send("pity")]),
        delay("30 minutes"),
    ]
    head = {"on": "Visited", "category": "transactional"}
    world.publish(shop(visit=workflow(*steps, **head)))
    world.event("Visited")
    world.run_for(hours=8)
    if kind == "pause":
        world.publish(shop(visit=workflow(*steps, **head, status="paused")))
        world.run_for(hours=36)
    inside: Json = {"active_enrollments": {"on_publish": "migrate"}} if kind == "migrate" else {}
    world.publish(shop(visit=workflow(*steps, send("last"), **head, **inside)))
    world.run_for(hours=4)
    world.event("Replied")
    world.run_for(days=5)
    last = ["last"] if kind == "migrate" else []
    assert world.steps_mailed() == ["thanks", *last]
    assert world.enrollment().status == "completed"
    assert (world.state.timers, world.shelf.works) == ({}, {})


@given(timeline=timelines)
@settings(
    max_examples=how_many(12),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_random_timeline_is_stored_alike_in_both_stores(aws: Cloud, timeline: list[Event]) -> None:
    world = World(twin=dynamo_ports(aws), echo=2)
    world.publish({"settings.json": settings_file()})
    for event in timeline:
        world.append(event)
        world.run_for(seconds=1)
    kept = world.contacts.profile(STORE, world.contact())
    assert kept == world.state.profiles.get((STORE, world.contact()))
