"""Long waits suspend the enrollment, and a later execution continues it."""

from collections import Counter
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.transitions import transitions
from milepost.simulator.interpreter import Execution
from tests.support.builders import MONDAY_NOON, Json, delay, send, shop, wait_for, workflow
from tests.support.faults import Faults, Kill, Scope
from tests.support.laws import how_many
from tests.support.random_workflows import histories, workflows
from tests.support.tree import Happened
from tests.support.world import World

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
EARLY = MONDAY_NOON - DAY


def visits(*steps: Json, **head: object) -> Json:
    return workflow(*steps, on="Visited", category="transactional", **head)


def world_with(*steps: Json, faults: Faults | None = None, **head: object) -> World:
    world = World(faults=faults)
    world.publish(shop(visit=visits(*steps, **head)))
    world.event("Visited")
    return world


def running(world: World) -> list[Execution]:
    return [e for e in world.step_functions.executions.values() if e.status == "RUNNING"]


def mails(world: World) -> list[tuple[str, timedelta]]:
    return [(mail.tags["step"], at - MONDAY_NOON) for at, mail in world.posted]


# --- delays ---


def test_no_execution_runs_during_a_long_delay() -> None:
    world = world_with(send("first"), delay("90 days"), send("second"))
    world.run_for(days=89)
    assert running(world) == []
    assert world.enrollment().status == "active"
    world.run_for(days=2)
    assert mails(world) == [("first", timedelta(0)), ("second", 90 * DAY)]
    assert world.enrollment().status == "completed"
    assert [e.name for e in world.step_functions.executions.values()] == [
        world.enrollment().ref.id,
        f"{world.enrollment().ref.id}-1",
    ]
    assert world.state.timers == {}


def test_delay_of_thirty_days_stays_in_step_functions() -> None:
    world = world_with(delay("30 days"), send("mail"))
    world.run_for(days=29)
    assert len(running(world)) == 1
    world.run_for(days=2)
    assert mails(world) == [("mail", 30 * DAY)]


def test_exit_during_a_suspended_delay_starts_no_execution() -> None:
    world = world_with(delay("90 days"), send("mail"), exit_on=[{"event": "Ordered"}])
    world.run_for(days=40)
    world.event("Ordered")
    world.run_for(days=100)
    assert mails(world) == []
    assert world.enrollment().status == "exited"
    assert len(world.step_functions.executions) == 1


def test_exit_in_a_later_execution_stops_that_execution() -> None:
    world = world_with(
        delay("90 days"), delay("2 days"), send("mail"), exit_on=[{"event": "Ordered"}]
    )
    world.run_for(days=91)
    assert len(running(world)) == 1
    world.event("Ordered")
    world.run_for(minutes=1)
    assert running(world) == []
    assert mails(world) == []


def test_yearly_loop_runs_one_execution_per_year() -> None:
    world = world_with(
        send("welcome"),
        delay("365 days", "year"),
        send("anniversary"),
        {"id": "again", "type": "goto", "to": "year", "max": 4},
        send("farewell"),
    )
    world.run_for(days=5 * 365 + 1)
    years = [("anniversary", n * 365 * DAY) for n in range(1, 6)]
    assert mails(world) == [("welcome", timedelta(0)), *years, ("farewell", 5 * 365 * DAY)]
    assert world.enrollment().status == "completed"
    assert world.enrollment().execution_no == 5
    billed = sum(e.billed for e in world.step_functions.executions.values())
    assert billed <= transitions(world.program("visit"))


# --- dates ---


@pytest.mark.parametrize(("days", "executions"), [(20, 0), (200, 1)])
def test_far_date_is_awaited_without_an_execution(days: int, executions: int) -> None:
    world = World()
    until = {"id": "date", "type": "delay_until", "date": "event.day"}
    world.publish(shop(visit=visits(until, send("mail"), delay("1 day"), send("after"))))
    world.event("Visited", {"day": (MONDAY_NOON + days * DAY).isoformat()})
    world.run_for(days=1)
    assert len(running(world)) == 1 - executions
    world.run_for(days=days + 2)
    assert mails(world) == [("mail", days * DAY), ("after", (days + 1) * DAY)]
    assert world.enrollment().execution_no == executions


# --- events ---

ANSWER = wait_for("answer", "Replied", "100 days", [send("thanks")], [send("pity")])


def test_event_resumes_a_suspended_wait_at_once() -> None:
    world = world_with(ANSWER, send("after"))
    world.run_for(days=50)
    assert running(world) == []
    world.event("Replied", {"text": "yes"})
    world.run_for(days=100)
    assert mails(world) == [("thanks", 50 * DAY), ("after", 50 * DAY)]
    assert world.enrollment().outcomes["answer"]["data"] == {"text": "yes"}


def test_suspended_wait_ends_at_its_timeout() -> None:
    world = world_with(ANSWER, send("after"))
    world.run_for(days=101)
    world.event("Replied")
    world.run_for(days=100)
    assert mails(world) == [("pity", 100 * DAY), ("after", 100 * DAY)]


def test_event_before_a_suspended_wait_does_not_count() -> None:
    world = world_with(delay("40 days"), ANSWER)
    world.run_for(days=39)
    world.event("Replied")
    world.run_for(days=200)
    assert mails(world) == [("pity", 140 * DAY)]


# --- kills ---

LONG = visits(
    send("first"),
    delay("40 days", "pause"),
    wait_for("answer", "Replied", "50 days", [send("thanks")], [send("pity")]),
    delay("60 days", "rest"),
    send("last"),
    exit_on=[{"event": "Ordered"}],
)
STORIES: dict[str, list[tuple[str, float]]] = {
    "answers": [("Replied", 60)],
    "silent": [],
    "leaves": [("Ordered", 60)],
    "leaves in a later execution": [("Replied", 41), ("Ordered", 45)],
    "answers before the minute in which the wait begins": [("Replied", 40 + 0.5 / 1440)],
}


@pytest.fixture(scope="module")
def published() -> World:
    world = World(start=EARLY)
    world.publish(shop(visit=LONG))
    return world


def run_story(
    published: World, story: list[tuple[str, float]], faults: Faults | None = None
) -> World:
    world = World(published=published, faults=faults)
    world.event("Visited")
    for name, days in story:
        world.run_until(MONDAY_NOON + timedelta(days=days))
        world.event(name)
    world.run_until(MONDAY_NOON + 300 * DAY)
    return world


def visible_result(world: World) -> object:
    """The visible result, with times rounded to hours."""
    return (
        sorted((step, round(at / HOUR)) for step, at in mails(world)),
        (world.enrollment().status, world.enrollment().reason),
        sorted(world.messages().items()),
        world.profile().active_enrollments,
    )


@pytest.mark.parametrize("scope", ["react", "run_steps", "await_event", "trigger_date"])
@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_kill_at_any_call_changes_no_mail_or_outcome(
    published: World, story: list[tuple[str, float]], scope: Scope
) -> None:
    undisturbed = run_story(published, story)
    for kill, place in undisturbed.faults.kills(scope):
        world = run_story(published, story, Faults(kill))
        assert world.faults.struck == [place]
        assert max(Counter(mail.ref.id for mail in world.mails).values()) == 1
        assert running(world) == []
        assert world.state.timers == {}
        assert visible_result(world) == visible_result(undisturbed), world.faults.struck


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_overlapping_second_invocation_changes_no_mail_or_outcome(
    published: World, story: list[tuple[str, float]]
) -> None:
    undisturbed = run_story(published, story)
    for scope, number, _ in undisturbed.faults.calls:
        faults = Faults()
        kill = Kill(scope, number, "before")
        faults.overlap(kill)
        world = run_story(published, story, faults)
        assert faults.happened == [kill]
        assert max(Counter(mail.ref.id for mail in world.mails).values()) == 1
        assert visible_result(world) == visible_result(undisturbed), kill


# --- property ---


@pytest.fixture(scope="module")
def plain() -> World:
    world = World(start=EARLY)
    world.publish(shop())
    return world


@given(
    document=workflows(),
    history=histories(),
    number=st.integers(0, 3),
    suspend_after=st.sampled_from([timedelta(0), HOUR]),
)
@settings(
    max_examples=how_many(120),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_suspending_changes_only_the_number_of_executions(
    plain: World, document: Json, history: list[Happened], number: int, suspend_after: timedelta
) -> None:
    def run(world: World) -> tuple[list[tuple[datetime, str]], str, str]:
        world.publish({"workflows/any.json": document})
        trigger = Happened("Visited", MONDAY_NOON, {"n": number})
        for happened in sorted([trigger, *history], key=lambda each: each.at):
            world.run_until(happened.at)
            world.event(happened.name, happened.data)
        world.run_for(days=100)
        ended = world.enrollment()
        return [(at, m.tags["step"]) for at, m in world.posted], ended.status, ended.reason

    moment = timedelta(milliseconds=1)
    suspending = World(start=EARLY, published=plain, suspend_after=suspend_after, tick=moment)
    assert run(suspending) == run(World(start=EARLY, published=plain))
    assert running(suspending) == []
    assert suspending.state.timers == {}
    executions = suspending.step_functions.executions.values()
    assert sum(e.billed for e in executions) <= transitions(suspending.program("any"))
