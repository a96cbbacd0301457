"""Movable dates: a wait follows its date when the contact or the shop moves it."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.builders import MONDAY_NOON, Json, delay, send, shop, workflow
from tests.support.faults import Faults, Kill, Scope
from tests.support.laws import how_many
from tests.support.world import World

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
EARLY = MONDAY_NOON - DAY


def until(**more: object) -> Json:
    return {
        "id": "wait",
        "type": "delay_until",
        "date": "contact.properties.next_visit",
        "at": "09:00",
        "timezone": "UTC",
        "movable": "Your next visit",
        **more,
    }


def reminder(*steps: Json, **more: object) -> Json:
    return workflow(
        *(steps or (until(), send("reminder"), delay("2 days"), send("follow-up"))),
        on="Visited",
        category="transactional",
        **more,
    )


def day(number: float) -> str:
    """The date so many days after the start."""
    return (MONDAY_NOON + number * DAY).date().isoformat()


def nine_oclock(number: int) -> timedelta:
    """Nine o'clock of that day, relative to the start."""
    at = datetime.fromisoformat(day(number)).replace(hour=9, tzinfo=UTC)
    return at - MONDAY_NOON


def move_date(world: World, to: object, at: datetime | None = None) -> None:
    """Send an event with another date."""
    world.event("Visit Planned", properties={"next_visit": to}, at=at)


def world_with_visit(first: object = None, faults: Faults | None = None, **more: object) -> World:
    world = World(faults=faults)
    world.publish(shop(visit=reminder(**more)))
    world.event("Visited", properties={"next_visit": day(20) if first is None else first})
    return world


def mails(world: World) -> list[tuple[str, timedelta]]:
    return [(mail.tags["step"], at - MONDAY_NOON) for at, mail in world.posted]


def test_movable_date_is_awaited_without_an_execution() -> None:
    world = world_with_visit(day(2))
    world.run_for(hours=1)
    assert [e.status for e in world.step_functions.executions.values()] == ["SUCCEEDED"]
    world.run_for(days=9)
    assert mails(world) == [("reminder", nine_oclock(2)), ("follow-up", nine_oclock(2) + 2 * DAY)]


@pytest.mark.parametrize("new", [5, 19, 21, 90, 800])
@pytest.mark.parametrize("at", [1, 4])
def test_moved_date_sends_the_mail_only_at_the_new_date(at: int, new: int) -> None:
    world = world_with_visit()
    world.run_for(days=at)
    move_date(world, day(new))
    world.run_for(days=900)
    assert mails(world) == [
        ("reminder", nine_oclock(new)),
        ("follow-up", nine_oclock(new) + 2 * DAY),
    ]
    assert world.enrollment().status == "completed"
    assert world.state.timers == {}


def test_date_can_be_moved_repeatedly() -> None:
    world = world_with_visit()
    for new in (40, 10, 30, 12):
        world.run_for(days=1)
        move_date(world, day(new))
    world.run_for(days=90)
    assert mails(world)[0] == ("reminder", nine_oclock(12))
    assert len(world.mails) == 2


def test_latest_reported_date_wins() -> None:
    world = world_with_visit()
    world.run_for(days=3)
    move_date(world, day(30))
    move_date(world, day(10), at=world.now - DAY)
    world.run_for(days=90)
    assert mails(world)[0] == ("reminder", nine_oclock(30))


def test_date_moved_into_the_past_is_due_now() -> None:
    world = world_with_visit()
    world.run_for(days=3)
    move_date(world, day(1))
    world.run_for(days=1)
    ((step, at),) = mails(world)
    assert step == "reminder"
    assert timedelta(0) <= at - 3 * DAY <= MINUTE


@pytest.mark.parametrize("new", ["soon", "", None, 7, ["2026-12-01"], "2026-13-01"])
def test_invalid_date_moves_nothing(new: object) -> None:
    world = world_with_visit()
    world.run_for(days=3)
    move_date(world, new)
    world.run_for(days=90)
    assert mails(world)[0] == ("reminder", nine_oclock(20))


def test_date_moved_after_the_mail_started_is_too_late() -> None:
    world = world_with_visit()
    world.run_until(MONDAY_NOON + nine_oclock(20) + MINUTE)
    move_date(world, day(60))
    world.run_for(days=90)
    assert mails(world) == [("reminder", nine_oclock(20)), ("follow-up", nine_oclock(20) + 2 * DAY)]


def test_movable_date_uses_the_contacts_current_time_zone() -> None:
    world = World()
    world.publish(shop(visit=reminder(until(timezone="contact"), send("reminder"))))
    world.event("Visited", timezone="UTC", properties={"next_visit": day(20)})
    world.run_for(days=1)
    world.event("Moved", timezone="Asia/Tokyo")
    world.run_for(days=30)
    assert mails(world) == [("reminder", nine_oclock(20) - timedelta(hours=9))]


def test_other_property_or_fixed_wait_is_not_moved() -> None:
    world = World()
    fixed = {**until(), "id": "fixed"}
    del fixed["movable"]
    world.publish(shop(visit=reminder(), other=reminder(fixed, send("other"))))
    world.event("Visited", properties={"next_visit": day(20), "birthday": day(3)})
    world.run_for(days=1)
    executions = {e.ref.workflow: e.execution_no for e in world.enrollments_of()}
    world.event("Visit Planned", properties={"birthday": day(9)})
    assert {e.ref.workflow: e.execution_no for e in world.enrollments_of()} == executions
    move_date(world, day(25))
    world.run_for(days=60)
    assert mails(world)[0] == ("other", nine_oclock(20)), (
        "a date that is not movable is read when the wait starts"
    )
    assert ("reminder", nine_oclock(25)) in mails(world)


def test_date_moved_after_exit_sends_nothing() -> None:
    world = world_with_visit(exit_on=[{"event": "Ordered"}])
    world.run_for(days=3)
    world.event("Ordered")
    move_date(world, day(9))
    world.run_for(days=90)
    assert mails(world) == []


def test_date_moved_during_a_pause_counts_after_it() -> None:
    world = world_with_visit()
    world.run_for(days=1)
    world.publish({"workflows/visit.json": reminder(status="paused")})
    world.run_for(days=1)
    move_date(world, day(30))
    world.publish({"workflows/visit.json": reminder()})
    world.run_for(days=90)
    assert [step for step, _ in mails(world)] == ["reminder", "follow-up"]
    assert nine_oclock(30) <= mails(world)[0][1] <= nine_oclock(30) + 2 * DAY


def test_date_set_by_the_workflow_itself_is_awaited() -> None:
    """The event of the step can be applied after the wait has started and must not count as old."""
    plan = {"id": "plan", "type": "update_contact", "set": {"next_visit": day(40)}}
    world = World()
    world.publish(shop(visit=reminder(plan, until(), send("reminder"))))
    world.event("Visited", properties={"next_visit": day(-3)})
    world.run_for(days=90)
    assert mails(world) == [("reminder", nine_oclock(40))]


# --- moves, kills and repetitions around the due time ---

AROUND = {
    "long before": timedelta(days=-9),
    "in the minute before": timedelta(seconds=-30),
    "at the same instant": timedelta(0),
    "in the minute after": timedelta(seconds=30),
}


@pytest.fixture(scope="module")
def published() -> World:
    world = World(start=EARLY)
    world.publish(shop(visit=reminder(until(), send("reminder"), send("second"))))
    return world


def run_story(published: World, before: timedelta, new: int, faults: Faults | None = None) -> World:
    world = World(published=published, faults=faults)
    world.run_until(MONDAY_NOON)
    world.event("Visited", properties={"next_visit": day(20)})
    world.run_until(MONDAY_NOON + nine_oclock(20) + before)
    move_date(world, day(new))
    world.run_until(MONDAY_NOON + 90 * DAY)
    return world


def visible_result(world: World) -> object:
    hours = sorted((step, round(at / timedelta(hours=1))) for step, at in mails(world))
    return (
        hours,
        world.enrollment().status,
        world.enrollment().reason,
        world.profile().active_enrollments,
    )


@pytest.mark.parametrize("scope", ["react", "run_steps", "trigger_date"])
@pytest.mark.parametrize("new", [15, 40])
@pytest.mark.parametrize("before", AROUND.values(), ids=AROUND)
def test_kill_at_any_call_sends_the_mails_once_at_one_date(
    published: World, before: timedelta, new: int, scope: Scope
) -> None:
    undisturbed = run_story(published, before, new)
    for kill, place in undisturbed.faults.kills(scope):
        world = run_story(published, before, new, Faults(kill))
        assert world.faults.struck == [place]
        assert max(Counter(mail.ref.id for mail in world.mails).values(), default=1) == 1
        assert world.state.timers == {}
        assert at_one_date(world), (mails(world), world.faults.struck)
        if before == AROUND["long before"]:
            assert visible_result(world) == visible_result(undisturbed), world.faults.struck


def at_one_date(world: World) -> bool:
    """Whether both mails went out together and each once, or one has an unknown result."""
    steps = [step for step, _ in mails(world)]
    hours = {round(at / timedelta(hours=1)) for _, at in mails(world)}
    return len(steps) == len({*steps}) and len(hours) <= 1


@pytest.mark.parametrize("new", [15, 19, 21, 40])
def test_date_moved_at_any_call_is_either_in_time_or_too_late(published: World, new: int) -> None:
    """The date is moved, and the event applied, at every call of every function. The mails go out
    once at one of the two dates, and at the new one if the old was not due yet."""
    undisturbed = World(published=published)
    undisturbed.run_until(MONDAY_NOON)
    undisturbed.event("Visited", properties={"next_visit": day(20)})
    undisturbed.run_until(MONDAY_NOON + 90 * DAY)
    for scope, number, name in undisturbed.faults.calls:
        for phase in ("before", "after"):
            faults = Faults()
            worlds: list[World] = []
            place = Kill(scope, number, phase)

            def move(worlds: list[World] = worlds) -> None:
                worlds[0].event("Visit Planned", properties={"next_visit": day(new)})
                worlds[0].react_now()

            faults.meanwhile(place, move)
            world = World(published=published, faults=faults)
            worlds.append(world)
            world.run_until(MONDAY_NOON)
            world.event("Visited", properties={"next_visit": day(20)})
            world.run_until(MONDAY_NOON + 90 * DAY)
            assert faults.happened == [place]
            steps = [step for step, _ in mails(world)]
            assert sorted(steps) == ["reminder", "second"], (name, phase, mails(world))
            allowed = {nine_oclock(new), nine_oclock(20)} | (
                {timedelta(days=20)} if new < 20 else set()
            )
            for _, at in mails(world):
                assert min(abs(at - each) for each in allowed) <= 5 * MINUTE or new < 20
            assert at_one_date(world) or new < 20, (name, phase, mails(world))
            assert world.state.timers == {}
            assert world.enrollment().status == "completed"


@settings(
    max_examples=how_many(30),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    moves=st.lists(st.tuples(st.integers(0, 25), st.integers(-2, 40)), max_size=6),
    echo=st.integers(1, 3),
)
def test_any_sequence_of_moves_sends_once_at_the_last_date_in_time(
    published: World, moves: list[tuple[int, int]], echo: int
) -> None:
    """The expected date comes from a second implementation that walks through the moves."""
    world = World(published=published, echo=echo)
    world.run_until(MONDAY_NOON)
    world.event("Visited", properties={"next_visit": day(20)})
    date, due = 20, nine_oclock(20)
    for at, new in sorted(moves, key=lambda pair: pair[0]):
        moved_at = at * DAY + timedelta(hours=2)
        if due <= moved_at:
            break
        date, due = new, max(nine_oclock(new), moved_at)
    for at, new in sorted(moves, key=lambda pair: pair[0]):
        world.run_until(MONDAY_NOON + at * DAY + timedelta(hours=2))
        move_date(world, day(new))
    world.run_until(MONDAY_NOON + 90 * DAY)
    assert [step for step, _ in mails(world)] == ["reminder", "second"], date
    assert all(abs(at - due) <= 2 * MINUTE for _, at in mails(world))
