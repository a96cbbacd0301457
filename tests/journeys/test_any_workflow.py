"""Random workflows and customers: the compiled state machine does what the file says.

This includes suspended enrollments, and block runs that are repeated after a kill.
"""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.transitions import transitions
from milepost.base.names import EnrollmentRef
from milepost.enrollments.chance import choose_path, is_held_out
from milepost.enrollments.enrollment import Enrollment
from tests.support.builders import ADA, MONDAY_NOON, Json, shop
from tests.support.faults import Faults
from tests.support.laws import how_many
from tests.support.random_workflows import histories, workflows
from tests.support.tree import Chance, Happened, live
from tests.support.world import World

LONG = 1000


def chance_of(ref: EnrollmentRef) -> Chance:
    return Chance(
        choose=lambda step, weights: choose_path(ref, step, weights),
        held_back=lambda step, percent: is_held_out(ref, {"id": step, "percent": percent}),
    )


EARLY = MONDAY_NOON - timedelta(days=1)


@pytest.fixture(scope="module")
def published() -> World:
    world = World(start=EARLY)
    world.publish(shop())
    return world


def run_contact(
    world: World, document: Json, trigger: Happened, history: list[Happened]
) -> Enrollment:
    """Run one customer through the workflow and return the enrollment."""
    world.publish({"workflows/any.json": document})
    for happened in sorted([trigger, *history], key=lambda each: each.at):
        world.run_until(happened.at)
        world.event(happened.name, happened.data)
    world.run_for(days=LONG)
    return world.enrollment(ADA)


@given(
    document=workflows(everything=True),
    history=histories(),
    number=st.integers(0, 3),
    echo=st.integers(1, 2),
)
@settings(
    max_examples=how_many(250),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_executions_match_the_reference_walk_for_any_workflow(
    published: World, document: Json, history: list[Happened], number: int, echo: int
) -> None:
    world = World(start=EARLY, published=published, echo=echo)
    trigger = Happened("Visited", MONDAY_NOON, {"n": number})
    enrollment = run_contact(world, document, trigger, history)
    expected = live(document, trigger, history, chance_of(enrollment.ref))
    assert [(m.tags["step"], at) for at, m in world.posted] == expected.mails
    assert (enrollment.status, enrollment.reason) == (expected.status, expected.reason)
    execution = world.execution(enrollment)
    assert execution.status == ("ABORTED" if "exit on" in expected.reason else "SUCCEEDED")
    if execution.status == "SUCCEEDED":
        assert world.profile().as_data()["properties"] == expected.properties
    assert execution.billed <= transitions(world.program("any"))
    assert world.profile().active_enrollments == {}


SHORT = timedelta(minutes=30)
"""Nearly every wait is longer and suspends the enrollment."""

SECOND = timedelta(seconds=1)


@given(document=workflows(everything=True), history=histories(), number=st.integers(0, 3))
@settings(
    max_examples=how_many(100),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_suspended_executions_match_the_reference_walk_for_any_workflow(
    published: World, document: Json, history: list[Happened], number: int
) -> None:
    world = World(start=EARLY, published=published, suspend_after=SHORT, tick=SECOND)
    trigger = Happened("Visited", MONDAY_NOON, {"n": number})
    enrollment = run_contact(world, document, trigger, history)
    expected = live(document, trigger, history, chance_of(enrollment.ref))
    assert [m.tags["step"] for _, m in world.posted] == [step for step, _ in expected.mails]
    late = [at - due for (at, _), (_, due) in zip(world.posted, expected.mails, strict=True)]
    assert all(timedelta(0) <= each <= SECOND for each in late)
    assert (enrollment.status, enrollment.reason) == (expected.status, expected.reason)


UNSENT = {"after ledger.claim"}
"""A kill here leaves a message with unknown result: see `test_kills.py`."""


@given(
    document=workflows(everything=True),
    history=histories(),
    number=st.integers(0, 3),
    suspended=st.booleans(),
)
@settings(
    max_examples=how_many(12),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_kill_and_retry_at_any_call_sends_the_same_mails_for_any_workflow(
    published: World, document: Json, history: list[Happened], number: int, suspended: bool
) -> None:
    trigger = Happened("Visited", MONDAY_NOON, {"n": number})

    def run(faults: Faults | None = None) -> tuple[World, Enrollment]:
        suspend_after = SHORT if suspended else timedelta(days=30)
        world = World(start=EARLY, published=published, suspend_after=suspend_after, faults=faults)
        return world, run_contact(world, document, trigger, history)

    undisturbed, before = run()
    places = undisturbed.faults.kills("run_steps")
    kills = [kill for kill, place in places if place not in UNSENT]
    assert kills
    for kill in kills:
        world, after = run(Faults(kill))
        assert world.faults.struck
        assert [m.ref.id for m in world.mails] == [m.ref.id for m in undisturbed.mails]
        assert (after.status, after.reason) == (before.status, before.reason)
        assert world.profile().as_data() == undisturbed.profile().as_data()
