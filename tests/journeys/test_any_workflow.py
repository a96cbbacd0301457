"""For any workflow and any customer: the compiled machine goes the way that the file says."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from milepost.domain.machine import transitions
from tests.support.builders import ADA, MONDAY_NOON, Json, shop
from tests.support.random_workflows import histories, workflows
from tests.support.tree import Happened, live
from tests.support.world import World

EARLY = MONDAY_NOON - timedelta(days=1)


@pytest.fixture(scope="module")
def published() -> World:
    world = World(start=EARLY)
    world.publish(shop())
    return world


@given(document=workflows(), history=histories(), number=st.integers(0, 3), echo=st.integers(1, 2))
@settings(
    max_examples=250,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_the_machine_and_the_naive_reader_agree(
    published: World, document: Json, history: list[Happened], number: int, echo: int
) -> None:
    world = World(start=EARLY, published=published, echo=echo)
    world.publish({"workflows/any.json": document})
    trigger = Happened("Visited", MONDAY_NOON, {"n": number})
    for happened in sorted([trigger, *history], key=lambda each: each.at):
        world.run_until(happened.at)
        world.event(happened.name, happened.data)
    world.run_for(days=100)

    expected = live(document, trigger, history)
    enrollment = world.enrollment(ADA)
    assert [(m.tags["step"], at) for at, m in world.posted] == expected.mails
    assert (enrollment.status, enrollment.reason) == (expected.status, expected.reason)
    execution = world.execution(enrollment)
    assert execution.status == ("ABORTED" if "exit on" in expected.reason else "SUCCEEDED")
    assert execution.billed <= transitions(world.program("any"))
    assert world.profile().inside == {}
