"""Waits too long for one execution: the enrollment is parked, and another one goes on with it."""

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


def test_nothing_runs_while_somebody_waits_for_long() -> None:
    world = world_with(send("first"), delay("90 days"), send("second"))
    world.run_for(days=89)
    assert running(world) == []
    assert world.enrollment().status == "active"
    world.run_for(days=2)
    assert mails(world) == [("first", timedelta(0)), ("second", 90 * DAY)]
    assert world.enrollment().status == "completed"
    assert [e.name for e in world.step_functions.executions.values()] == [
        world.enrollment().ref.id, f"{world.enrollment().ref.id}-1"
    ]  # fmt: skip
    assert world.state.timers == {}


def test_a_wait_of_thirty_days_is_step_functions_own() -> None:
    world = world_with(delay("30 days"), send("mail"))
    world.run_for(days=29)
    assert len(running(world)) == 1
    world.run_for(days=2)
    assert mails(world) == [("mail", 30 * DAY)]


def test_who_leaves_during_a_long_wait_is_not_woken() -> None:
    world = world_with(delay("90 days"), send("mail"), exit_on=[{"event": "Ordered"}])
    world.run_for(days=40)
    world.event("Ordered")
    world.run_for(days=100)
    assert mails(world) == []
    assert world.enrollment().status == "exited"
    assert len(world.step_functions.executions) == 1


def test_who_leaves_in_a_later_leg_has_that_one_stopped() -> None:
    world = world_with(delay("90 days"), delay("2 days"), send("mail"),
                       exit_on=[{"event": "Ordered"}])  # fmt: skip
    world.run_for(days=91)
    assert len(running(world)) == 1
    world.event("Ordered")
    world.run_for(minutes=1)
    assert running(world) == []
    assert mails(world) == []


def test_five_years_of_anniversaries() -> None:
    world = world_with(
        send("welcome"), delay("365 days", "year"), send("anniversary"),
        {"id": "again", "type": "goto", "to": "year", "max": 4}, send("farewell"),
    )  # fmt: skip
    world.run_for(days=5 * 365 + 1)
    years = [("anniversary", n * 365 * DAY) for n in range(1, 6)]
    assert mails(world) == [("welcome", timedelta(0)), *years, ("farewell", 5 * 365 * DAY)]
    assert world.enrollment().status == "completed"
    assert world.enrollment().execution_no == 5
    billed = sum(e.billed for e in world.step_functions.executions.values())
    assert billed <= transitions(world.program("visit"))


# --- dates ---


@pytest.mark.parametrize(("days", "legs"), [(20, 0), (200, 1)])
def test_a_date_that_is_far_away_is_waited_for_without_an_execution(days: int, legs: int) -> None:
    world = World()
    until = {"id": "date", "type": "delay_until", "date": "event.day"}
    world.publish(shop(visit=visits(until, send("mail"), delay("1 day"), send("after"))))
    world.event("Visited", {"day": (MONDAY_NOON + days * DAY).isoformat()})
    world.run_for(days=1)
    assert len(running(world)) == 1 - legs
    world.run_for(days=days + 2)
    assert mails(world) == [("mail", days * DAY), ("after", (days + 1) * DAY)]
    assert world.enrollment().execution_no == legs


# --- events ---

ANSWER = wait_for("answer", "Replied", "100 days", [send("thanks")], [send("pity")])


def test_the_event_of_a_long_wait_wakes_at_once() -> None:
    world = world_with(ANSWER, send("after"))
    world.run_for(days=50)
    assert running(world) == []
    world.event("Replied", {"text": "yes"})
    world.run_for(days=100)
    assert mails(world) == [("thanks", 50 * DAY), ("after", 50 * DAY)]
    assert world.enrollment().outcomes["answer"]["data"] == {"text": "yes"}


def test_without_an_event_a_long_wait_is_over_at_its_timeout() -> None:
    world = world_with(ANSWER, send("after"))
    world.run_for(days=101)
    world.event("Replied")
    world.run_for(days=100)
    assert mails(world) == [("pity", 100 * DAY), ("after", 100 * DAY)]


def test_an_event_of_before_the_wait_does_not_count() -> None:
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
TALES: dict[str, list[tuple[str, float]]] = {
    "answers": [("Replied", 60)],
    "silent": [],
    "leaves": [("Ordered", 60)],
    "leaves in a later leg": [("Replied", 41), ("Ordered", 45)],
    "answers before the minute in which the wait begins": [("Replied", 40 + 0.5 / 1440)],
}


@pytest.fixture(scope="module")
def published() -> World:
    world = World(start=EARLY)
    world.publish(shop(visit=LONG))
    return world


def tell(published: World, tale: list[tuple[str, float]], faults: Faults | None = None) -> World:
    world = World(published=published, faults=faults)
    world.event("Visited")
    for name, days in tale:
        world.run_until(MONDAY_NOON + timedelta(days=days))
        world.event(name)
    world.run_until(MONDAY_NOON + 300 * DAY)
    return world


def seen(world: World) -> object:
    """What a reader and a marketer see; a minute late is as good."""
    return (
        sorted((step, round(at / HOUR)) for step, at in mails(world)),
        (world.enrollment().status, world.enrollment().reason),
        sorted(world.messages().items()),
        world.profile().active_enrollments,
    )


@pytest.mark.parametrize("scope", ["react", "run_steps", "await_event", "trigger_date"])
@pytest.mark.parametrize("tale", TALES.values(), ids=TALES)
def test_a_kill_at_any_line_changes_nothing_that_anyone_sees(
    published: World, tale: list[tuple[str, float]], scope: Scope
) -> None:
    undisturbed = tell(published, tale)
    for kill, place in undisturbed.faults.kills(scope):
        world = tell(published, tale, Faults(kill))
        assert world.faults.struck == [place]
        assert max(Counter(mail.ref.id for mail in world.mails).values()) == 1
        assert running(world) == []
        assert world.state.timers == {}
        assert seen(world) == seen(undisturbed), world.faults.struck


@pytest.mark.parametrize("tale", TALES.values(), ids=TALES)
def test_doing_everything_twice_at_once_changes_nothing(
    published: World, tale: list[tuple[str, float]]
) -> None:
    undisturbed = tell(published, tale)
    for scope, number, _ in undisturbed.faults.calls:
        faults = Faults()
        kill = Kill(scope, number, "before")
        faults.overlap(kill)
        world = tell(published, tale, faults)
        assert faults.happened == [kill]
        assert max(Counter(mail.ref.id for mail in world.mails).values()) == 1
        assert seen(world) == seen(undisturbed), kill


# --- the law ---


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
def test_parking_changes_nothing_but_the_number_of_executions(
    plain: World, document: Json, history: list[Happened], number: int, suspend_after: timedelta
) -> None:
    def live(world: World) -> tuple[list[tuple[datetime, str]], str, str]:
        world.publish({"workflows/any.json": document})
        trigger = Happened("Visited", MONDAY_NOON, {"n": number})
        for happened in sorted([trigger, *history], key=lambda each: each.at):
            world.run_until(happened.at)
            world.event(happened.name, happened.data)
        world.run_for(days=100)
        ended = world.enrollment()
        return [(at, m.tags["step"]) for at, m in world.posted], ended.status, ended.reason

    moment = timedelta(milliseconds=1)
    parking = World(start=EARLY, published=plain, suspend_after=suspend_after, tick=moment)
    assert live(parking) == live(World(start=EARLY, published=plain))
    assert running(parking) == []
    assert parking.state.timers == {}
    executions = parking.step_functions.executions.values()
    assert sum(e.billed for e in executions) <= transitions(parking.program("any"))
