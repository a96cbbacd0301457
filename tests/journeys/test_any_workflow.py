"""For any workflow and any customer: the compiled machine goes the way that the file says."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from milepost.domain.chance import choose, held_back
from milepost.domain.compiler.costs import transitions
from milepost.domain.refs import EnrollmentRef
from tests.support.builders import ADA, MONDAY_NOON, Json, shop
from tests.support.random_workflows import histories, workflows
from tests.support.tree import Chance, Happened, live
from tests.support.world import World

LONG = 1000


def chance_of(ref: EnrollmentRef) -> Chance:
    return Chance(
        choose=lambda step, weights: choose(ref, step, weights),
        held_back=lambda step, percent: held_back(ref, {"id": step, "percent": percent}),
    )


EARLY = MONDAY_NOON - timedelta(days=1)


@pytest.fixture(scope="module")
def published() -> World:
    world = World(start=EARLY)
    world.publish(shop())
    return world


@given(
    document=workflows(everything=True),
    history=histories(),
    number=st.integers(0, 3),
    echo=st.integers(1, 2),
)
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
    world.run_for(days=LONG)

    enrollment = world.enrollment(ADA)
    expected = live(document, trigger, history, chance_of(enrollment.ref))
    assert [(m.tags["step"], at) for at, m in world.posted] == expected.mails
    assert (enrollment.status, enrollment.reason) == (expected.status, expected.reason)
    execution = world.execution(enrollment)
    assert execution.status == ("ABORTED" if "exit on" in expected.reason else "SUCCEEDED")
    if execution.status == "SUCCEEDED":
        assert world.profile().as_data()["properties"] == expected.properties
    assert execution.billed <= transitions(world.program("any"))
    assert world.profile().inside == {}
