"""A date that the contact can move: the wait follows it, whatever else happens at that moment."""

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
        "id": "wait", "type": "delay_until", "date": "contact.properties.next_visit",
        "at": "09:00", "timezone": "UTC", "movable": "Your next visit", **more,
    }  # fmt: skip


def reminder(*steps: Json, **more: object) -> Json:
    return workflow(
        *(steps or (until(), send("reminder"), delay("2 days"), send("follow-up"))),
        on="Visited", category="transactional", **more,
    )  # fmt: skip


def day(number: float) -> str:
    """The date so many days after the story begins."""
    return (MONDAY_NOON + number * DAY).date().isoformat()


def nine(number: int) -> timedelta:
    """Nine o'clock of that day, from the beginning of the story."""
    at = datetime.fromisoformat(day(number)).replace(hour=9, tzinfo=UTC)
    return at - MONDAY_NOON


def moves(world: World, to: object, at: datetime | None = None) -> None:
    """The contact, or the shop, says another date."""
    world.event("Visit Planned", properties={"next_visit": to}, at=at)


def begun(first: object = None, faults: Faults | None = None, **more: object) -> World:
    world = World(faults=faults)
    world.publish(shop(visit=reminder(**more)))
    world.event("Visited", properties={"next_visit": day(20) if first is None else first})
    return world


def mails(world: World) -> list[tuple[str, timedelta]]:
    return [(mail.tags["step"], at - MONDAY_NOON) for at, mail in world.posted]


def test_it_is_waited_for_without_an_execution() -> None:
    world = begun(day(2))
    world.run_for(hours=1)
    assert [e.status for e in world.step_functions.executions.values()] == ["SUCCEEDED"]
    world.run_for(days=9)
    assert mails(world) == [("reminder", nine(2)), ("follow-up", nine(2) + 2 * DAY)]


@pytest.mark.parametrize("new", [5, 19, 21, 90, 800])
@pytest.mark.parametrize("at", [1, 4])
def test_the_mail_comes_at_the_new_date_and_at_no_other(at: int, new: int) -> None:
    world = begun()
    world.run_for(days=at)
    moves(world, day(new))
    world.run_for(days=900)
    assert mails(world) == [("reminder", nine(new)), ("follow-up", nine(new) + 2 * DAY)]
    assert world.enrollment().status == "completed"
    assert world.state.timers == {}


def test_it_can_be_moved_again_and_again() -> None:
    world = begun()
    for new in (40, 10, 30, 12):
        world.run_for(days=1)
        moves(world, day(new))
    world.run_for(days=90)
    assert mails(world)[0] == ("reminder", nine(12))
    assert len(world.mails) == 2


def test_of_two_dates_the_one_that_was_said_last_counts() -> None:
    world = begun()
    world.run_for(days=3)
    moves(world, day(30))
    moves(world, day(10), at=world.now - DAY)
    world.run_for(days=90)
    assert mails(world)[0] == ("reminder", nine(30))


def test_a_date_that_is_over_is_now() -> None:
    world = begun()
    world.run_for(days=3)
    moves(world, day(1))
    world.run_for(days=1)
    ((step, at),) = mails(world)
    assert step == "reminder"
    assert timedelta(0) <= at - 3 * DAY <= MINUTE


@pytest.mark.parametrize("new", ["soon", "", None, 7, ["2026-12-01"], "2026-13-01"])
def test_what_is_no_date_moves_nothing(new: object) -> None:
    world = begun()
    world.run_for(days=3)
    moves(world, new)
    world.run_for(days=90)
    assert mails(world)[0] == ("reminder", nine(20))


def test_once_the_mail_is_under_way_it_is_too_late() -> None:
    world = begun()
    world.run_until(MONDAY_NOON + nine(20) + MINUTE)
    moves(world, day(60))
    world.run_for(days=90)
    assert mails(world) == [("reminder", nine(20)), ("follow-up", nine(20) + 2 * DAY)]


def test_it_is_nine_where_the_contact_lives_now() -> None:
    world = World()
    world.publish(shop(visit=reminder(until(timezone="contact"), send("reminder"))))
    world.event("Visited", timezone="UTC", properties={"next_visit": day(20)})
    world.run_for(days=1)
    world.event("Moved", timezone="Asia/Tokyo")
    world.run_for(days=30)
    assert mails(world) == [("reminder", nine(20) - timedelta(hours=9))]


def test_another_property_and_another_wait_are_left_alone() -> None:
    world = World()
    fixed = {**until(), "id": "fixed"}
    del fixed["movable"]
    world.publish(shop(visit=reminder(), other=reminder(fixed, send("other"))))
    world.event("Visited", properties={"next_visit": day(20), "birthday": day(3)})
    world.run_for(days=1)
    legs = {e.ref.workflow: e.execution_no for e in world.enrollments_of()}
    world.event("Visit Planned", properties={"birthday": day(9)})
    assert {e.ref.workflow: e.execution_no for e in world.enrollments_of()} == legs
    moves(world, day(25))
    world.run_for(days=60)
    assert mails(world)[0] == ("other", nine(20)), "a date that nobody may move is that of then"
    assert ("reminder", nine(25)) in mails(world)


def test_whoever_has_left_is_not_reminded_at_the_new_date_either() -> None:
    world = begun(exit_on=[{"event": "Ordered"}])
    world.run_for(days=3)
    world.event("Ordered")
    moves(world, day(9))
    world.run_for(days=90)
    assert mails(world) == []


def test_a_date_moved_during_a_pause_counts_after_it() -> None:
    world = begun()
    world.run_for(days=1)
    world.publish({"workflows/visit.json": reminder(status="paused")})
    world.run_for(days=1)
    moves(world, day(30))
    world.publish({"workflows/visit.json": reminder()})
    world.run_for(days=90)
    assert [step for step, _ in mails(world)] == ["reminder", "follow-up"]
    assert nine(30) <= mails(world)[0][1] <= nine(30) + 2 * DAY


def test_a_workflow_that_plans_the_next_visit_itself_waits_for_that_one() -> None:
    """The step's own event may be applied after the wait has begun: it must not seem older."""
    plan = {"id": "plan", "type": "update_contact", "set": {"next_visit": day(40)}}
    world = World()
    world.publish(shop(visit=reminder(plan, until(), send("reminder"))))
    world.event("Visited", properties={"next_visit": day(-3)})
    world.run_for(days=90)
    assert mails(world) == [("reminder", nine(40))]


# --- whatever else happens at that moment ---

AROUND = {
    "long before": timedelta(days=-9),
    "in the minute before": timedelta(seconds=-30),
    "in the very moment": timedelta(0),
    "in the minute after": timedelta(seconds=30),
}


@pytest.fixture(scope="module")
def published() -> World:
    world = World(start=EARLY)
    world.publish(shop(visit=reminder(until(), send("reminder"), send("second"))))
    return world


def tell(
    published: World, before: timedelta, new: int, faults: Faults | None = None
) -> World:  # fmt: skip
    world = World(published=published, faults=faults)
    world.run_until(MONDAY_NOON)
    world.event("Visited", properties={"next_visit": day(20)})
    world.run_until(MONDAY_NOON + nine(20) + before)
    moves(world, day(new))
    world.run_until(MONDAY_NOON + 90 * DAY)
    return world


def seen(world: World) -> object:
    minutes = sorted((step, round(at / timedelta(hours=1))) for step, at in mails(world))
    return (
        minutes,
        world.enrollment().status,
        world.enrollment().reason,
        world.profile().active_enrollments,
    )


@pytest.mark.parametrize("scope", ["react", "run_steps", "trigger_date"])
@pytest.mark.parametrize("new", [15, 40])
@pytest.mark.parametrize("before", AROUND.values(), ids=AROUND)
def test_a_kill_at_any_call_changes_nothing_that_anyone_sees(
    published: World, before: timedelta, new: int, scope: Scope
) -> None:
    undisturbed = tell(published, before, new)
    for kill, place in undisturbed.faults.kills(scope):
        world = tell(published, before, new, Faults(kill))
        assert world.faults.struck == [place]
        assert max(Counter(mail.ref.id for mail in world.mails).values(), default=1) == 1
        assert world.state.timers == {}
        assert one_date(world), (mails(world), world.faults.struck)
        if before == AROUND["long before"]:
            assert seen(world) == seen(undisturbed), world.faults.struck


def one_date(world: World) -> bool:
    """Both mails went out together, and each of them once, or the post swallowed one."""
    steps = [step for step, _ in mails(world)]
    hours = {round(at / timedelta(hours=1)) for _, at in mails(world)}
    return len(steps) == len({*steps}) and len(hours) <= 1


@pytest.mark.parametrize("new", [15, 19, 21, 40])
def test_a_date_moved_in_the_middle_of_anything_is_either_in_time_or_too_late(
    published: World, new: int
) -> None:
    """At every call of every function the date is moved, and applied, before the function goes on:
    the mails come at one of both dates, once, and at the new one if the old had not begun."""
    undisturbed = World(published=published)
    undisturbed.run_until(MONDAY_NOON)
    undisturbed.event("Visited", properties={"next_visit": day(20)})
    undisturbed.run_until(MONDAY_NOON + 90 * DAY)
    for scope, number, name in undisturbed.faults.calls:
        for phase in ("before", "after"):
            faults = Faults()
            worlds: list[World] = []
            here = Kill(scope, number, phase)

            def move(worlds: list[World] = worlds) -> None:
                worlds[0].event("Visit Planned", properties={"next_visit": day(new)})
                worlds[0].react_now()

            faults.meanwhile(here, move)
            world = World(published=published, faults=faults)
            worlds.append(world)
            world.run_until(MONDAY_NOON)
            world.event("Visited", properties={"next_visit": day(20)})
            world.run_until(MONDAY_NOON + 90 * DAY)
            assert faults.happened == [here]
            steps = [step for step, _ in mails(world)]
            assert sorted(steps) == ["reminder", "second"], (name, phase, mails(world))
            allowed = {nine(new), nine(20)} | ({timedelta(days=20)} if new < 20 else set())
            for _, at in mails(world):
                assert min(abs(at - each) for each in allowed) <= 5 * MINUTE or new < 20
            assert one_date(world) or new < 20, (name, phase, mails(world))
            assert world.state.timers == {}
            assert world.enrollment().status == "completed"


@settings(
    max_examples=how_many(30),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    told=st.lists(st.tuples(st.integers(0, 25), st.integers(-2, 40)), max_size=6),
    echo=st.integers(1, 3),
)
def test_however_often_it_is_moved_the_mail_comes_once_at_the_last_date_said_in_time(
    published: World, told: list[tuple[int, int]], echo: int
) -> None:
    """A second reading: walk through the days, and see on which the mail is due first."""
    world = World(published=published, echo=echo)
    world.run_until(MONDAY_NOON)
    world.event("Visited", properties={"next_visit": day(20)})
    date, due = 20, nine(20)
    for at, new in sorted(told, key=lambda pair: pair[0]):
        said = at * DAY + timedelta(hours=2)
        if due <= said:
            break
        date, due = new, max(nine(new), said)
    for at, new in sorted(told, key=lambda pair: pair[0]):
        world.run_until(MONDAY_NOON + at * DAY + timedelta(hours=2))
        moves(world, day(new))
    world.run_until(MONDAY_NOON + 90 * DAY)
    assert [step for step, _ in mails(world)] == ["reminder", "second"], date
    assert all(abs(at - due) <= 2 * MINUTE for _, at in mails(world))
