"""Pauses of a workflow or a store: no contact enters, and active enrollments stand still."""

from collections import Counter
from datetime import timedelta
from functools import partial
from itertools import pairwise

import pytest

from tests.journeys.test_executions import mails, running, visits
from tests.support.builders import (
    ADA,
    MONDAY_NOON,
    Content,
    Json,
    delay,
    send,
    settings,
    shop,
    wait_for,
)
from tests.support.faults import Faults, Scope
from tests.support.world import World

HOUR, DAY, NO_TIME = timedelta(hours=1), timedelta(days=1), timedelta(0)
MINUTE = timedelta(minutes=1)
SERIES = visits(
    send("first"), delay("10 days", "pause"), send("second"), delay("1 day"), send("third")
)
Files = dict[str, Content]


def pause_workflow(document: Json, paused: bool) -> Files:
    return {"workflows/visit.json": {**document, "status": "paused" if paused else "live"}}


def pause_store(_: Json, paused: bool) -> Files:
    return {"settings.json": settings(paused=paused)}


workflow_and_store = pytest.mark.parametrize("pause_files", [pause_workflow, pause_store])


def run_through_pause(
    world: World, document: Json, first: float, last: float, pause_files: object = pause_workflow
) -> None:
    """Run through a pause between two days."""
    assert callable(pause_files)
    world.run_until(MONDAY_NOON + timedelta(days=first))
    world.publish(pause_files(document, True))
    world.run_until(MONDAY_NOON + timedelta(days=last))
    world.publish(pause_files(document, False))


def live(
    document: Json,
    *pauses: tuple[float, float],
    pause_files: object = pause_workflow,
    faults: Faults | None = None,
    until: float = 300,
    event: tuple[str, float] | None = None,
) -> World:
    """Ada visits at noon. `pauses` are pairs of days; `event` is sent at its day."""
    world = World(faults=faults)
    world.publish(shop(visit=document))
    world.event("Visited")
    if event:
        at = timedelta(days=event[1]) - (world.now - MONDAY_NOON)
        world.clock.after(at, lambda: (world.event(event[0]), None)[1])
    for first, last in pauses:
        run_through_pause(world, document, first, last, pause_files)
    world.run_until(MONDAY_NOON + timedelta(days=until))
    return world


def on_time(found: list[tuple[str, timedelta]], *expected: tuple[str, float]) -> bool:
    """Check that the mails are as expected, at most two minutes late."""
    late = [at - timedelta(days=days) for (_, at), (_, days) in zip(found, expected, strict=True)]
    assert [step for step, _ in found] == [step for step, _ in expected]
    assert all(NO_TIME <= each <= 2 * MINUTE for each in late), found
    return True


@workflow_and_store
def test_pause_lengthens_a_delay_by_its_length(pause_files: object) -> None:
    world = live(SERIES, (3, 6), pause_files=pause_files)
    assert on_time(mails(world), ("first", 0), ("second", 13), ("third", 14))
    assert world.enrollment().status == "completed"


@workflow_and_store
def test_delay_due_during_a_pause_continues_with_its_remaining_time(pause_files: object) -> None:
    world = live(SERIES, (8, 28), pause_files=pause_files)
    assert on_time(mails(world), ("first", 0), ("second", 30), ("third", 31))


@workflow_and_store
def test_nothing_is_sent_and_nothing_runs_during_a_pause(pause_files: object) -> None:
    world = World()
    world.publish(shop(visit=SERIES))
    world.event("Visited")
    world.run_for(days=5)
    world.publish(pause_files(SERIES, True))  # type: ignore[operator]
    world.run_for(days=100)
    assert world.steps_mailed() == ["first"]
    assert running(world) == []
    assert world.messages().keys() == {"first"}
    assert world.enrollment().status == "active"


@workflow_and_store
def test_no_contact_enters_during_a_pause(pause_files: object) -> None:
    world = World()
    world.publish(shop(visit=SERIES))
    world.publish(pause_files(SERIES, True))  # type: ignore[operator]
    world.event("Visited")
    world.run_for(days=1)
    assert world.enrollments_of() == []


def test_several_pauses_add_up() -> None:
    world = live(SERIES, (1, 2), (4, 6), (7, 8))
    assert on_time(mails(world), ("first", 0), ("second", 14), ("third", 15))


def test_store_pause_within_a_workflow_pause_counts_once() -> None:
    world = World()
    world.publish(shop(visit=SERIES))
    world.event("Visited")
    world.run_for(days=8)
    world.publish(pause_workflow(SERIES, True))
    world.run_for(days=1)
    world.publish(pause_store(SERIES, True))
    world.run_for(days=1)
    world.publish(pause_store(SERIES, False))
    world.run_for(days=1)
    assert world.steps_mailed() == ["first"]
    world.publish(pause_workflow(SERIES, False))
    world.run_for(days=30)
    assert on_time(mails(world), ("first", 0), ("second", 13), ("third", 14))


def test_suspended_delay_is_lengthened_by_pauses() -> None:
    long = visits(delay("60 days", "long"), send("mail"))
    assert on_time(mails(live(long, (10, 15))), ("mail", 65))
    assert on_time(mails(live(long, (50, 70))), ("mail", 80))
    assert on_time(mails(live(long, (10, 15), (50, 70))), ("mail", 85))


def test_date_moves_only_if_it_is_due_during_the_pause() -> None:
    def at(world: World) -> float:
        return round((world.mailed_at("mail") - MONDAY_NOON) / DAY, 2)

    def story(*pauses: tuple[float, float]) -> World:
        day = {"date": "2026-11-22", "at": "12:00", "timezone": "UTC"}
        until = {"id": "date", "type": "delay_until", **day}
        return live(visits(until, send("mail")), *pauses)

    assert at(story((3, 6))) == 20
    assert at(story((18, 28))) == 30
    assert at(story((3, 6), (18, 28))) == 30


ANSWER = visits(wait_for("answer", "Replied", "20 days", [send("thanks")], [send("pity")]))
LONG_ANSWER = visits(wait_for("answer", "Replied", "50 days", [send("thanks")], [send("pity")]))


@pytest.mark.parametrize(("document", "days"), [(ANSWER, 20), (LONG_ANSWER, 50)])
def test_wait_is_lengthened_by_the_pause_and_still_takes_its_event(
    document: Json, days: int
) -> None:
    assert on_time(mails(live(document, (5, 8))), ("pity", days + 3))
    assert on_time(mails(live(document, (5, 8), event=("Replied", 12))), ("thanks", 12))


@workflow_and_store
def test_wait_takes_its_event_until_the_lengthened_timeout(pause_files: object) -> None:
    """A wait of five days with one paused day takes an event on the sixth day."""
    steps = wait_for("answer", "Replied", "5 days", [send("thanks")], [send("pity")])
    for day in (5.1, 5.9):
        world = live(visits(steps), (1, 2), pause_files=pause_files, event=("Replied", day))
        assert on_time(mails(world), ("thanks", day))
    assert on_time(
        mails(live(visits(steps), (1, 2), pause_files=pause_files, event=("Replied", 6.2))),
        ("pity", 6),
    )


@pytest.mark.parametrize("document", [ANSWER, LONG_ANSWER])
def test_event_during_a_pause_is_answered_after_it(document: Json) -> None:
    (mail,) = mails(live(document, (5, 8), event=("Replied", 6)))
    assert mail[0] == "thanks"
    assert 8 * DAY <= mail[1] <= 9 * DAY + 2 * MINUTE


def test_order_during_a_pause_exits() -> None:
    document = {**SERIES, "exit_on": [{"event": "Ordered"}]}
    world = live(document, (8, 28), event=("Ordered", 20))
    assert world.steps_mailed() == ["first"]
    assert (world.enrollment().status, world.state.timers) == ("exited", {})


def test_mail_does_not_expire_during_a_pause() -> None:
    world = World()
    document = visits(send("first"), send("second", expires="1 hour"))
    world.publish(shop(visit=document))
    first = partial(world.publish, pause_workflow(document, True))
    world.faults.meanwhile("after mailer.send", first)
    world.event("Visited")
    world.run_for(days=3)
    assert world.steps_mailed() == ["first"]
    world.publish(pause_workflow(document, False))
    world.run_for(days=1)
    assert world.steps_mailed() == ["first", "second"]


def test_contacts_resume_an_hour_apart_as_they_entered() -> None:
    """Thirty contacts enter an hour apart, are due during the pause, and resume an hour apart."""
    world = World()
    world.publish(shop(visit=SERIES))
    people = [f"{number}@mail.example" for number in range(30)]
    for person in people:
        world.event("Visited", email=person)
        world.run_for(hours=1)
    world.run_until(MONDAY_NOON + 5 * DAY)
    world.publish(pause_workflow(SERIES, True))
    world.run_until(MONDAY_NOON + 40 * DAY)
    world.publish(pause_workflow(SERIES, False))
    world.run_for(days=30)
    at = [world.mailed_at("second", person) for person in people]
    gaps = {round((after - before) / HOUR, 1) for before, after in pairwise(at)}
    assert gaps == {1.0}
    assert at[0] - MONDAY_NOON - 45 * DAY <= 2 * MINUTE
    assert world.shelf.works == {}


# --- kills ---


SCOPES = ["react", "run_steps", "await_event", pytest.param("trigger_date", marks=pytest.mark.deep)]
"""The scheduler runs thousands of times in a story, with a kill at each call."""


@pytest.mark.no_cover
@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("event", [None, ("Replied", 60.0)])
def test_kill_at_any_call_changes_no_mail_around_pauses(
    scope: Scope, event: tuple[str, float] | None
) -> None:
    document = visits(
        send("first"),
        delay("10 days", "short"),
        wait_for("answer", "Replied", "50 days", [send("thanks")], [send("pity")]),
        delay("5 days", "rest"),
        send("last"),
    )
    story = partial(live, document, (3, 4), (8, 28), (55, 65), (80, 90), event=event)
    undisturbed = story()
    expected = sorted((step, round(at / HOUR)) for step, at in mails(undisturbed))
    for kill, place in undisturbed.faults.kills(scope):
        world = story(faults=Faults(kill))
        assert world.faults.struck == [place]
        assert max(Counter(mail.ref.id for mail in world.mails).values()) == 1
        assert running(world) == []
        assert (world.state.timers, world.shelf.works) == ({}, {})
        assert sorted((step, round(at / HOUR)) for step, at in mails(world)) == expected
        assert world.enrollment(ADA).status == "completed"
