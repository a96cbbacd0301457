"""A new version with active enrollments: they finish, are canceled, or are migrated."""

from collections import Counter
from datetime import timedelta
from functools import partial

import pytest

from milepost.base.error_collector import ErrorCollector
from milepost.sending.message import Accepted, SubmissionRejected
from tests.journeys.test_executions import mails, running, visits
from tests.journeys.test_pauses import on_time
from tests.journeys.test_send_rate import PEOPLE, Ses, rush
from tests.support.builders import (
    MONDAY_NOON,
    STORE,
    Json,
    branch,
    delay,
    leave,
    send,
    shop,
    text,
    wait_for,
)
from tests.support.faults import Faults, Scope
from tests.support.world import World

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
FIRST = visits(send("first"), delay("10 days", "pause"), send("second"))
SECOND = visits(
    send("first"), delay("10 days", "pause"), send("better"), delay("1 day", "more"), send("third")
)


def with_on_publish(document: Json, on_publish: str, **steps: str) -> Json:
    renamed = {"renamed_steps": steps} if steps else {}
    return {**document, "active_enrollments": {"on_publish": on_publish, **renamed}}


def live(
    *versions: tuple[float, Json],
    until: float = 300,
    faults: Faults | None = None,
    event: tuple[str, float] | None = None,
) -> World:
    """Ada visits at noon. Later versions are published, and `event` is sent, at their days."""
    world = World(faults=faults)
    world.publish(shop(visit=versions[0][1]))
    world.event("Visited")
    if event:
        world.clock.after(event[1] * DAY, lambda: (world.event(event[0]), None)[1])
    for days, document in versions[1:]:
        world.run_until(MONDAY_NOON + timedelta(days=days))
        world.publish({"workflows/visit.json": document})
    world.run_until(MONDAY_NOON + timedelta(days=until))
    return world


def problems(before: Json, document: Json) -> list[str]:
    world = World()
    world.publish(shop(visit=before))
    world.files.write(STORE, "workflows/visit.json", text(document))
    (report,) = world.publisher.publish(STORE, ["workflows/visit.json"])
    assert report.outcome == "refused"
    return [f"{p.location}: {p.reason} ({p.remedy})" for p in report.problems]


def test_active_enrollment_finishes_its_version_by_default() -> None:
    world = live((0, FIRST), (5, SECOND))
    assert on_time(mails(world), ("first", 0), ("second", 10))


def test_cancel_ends_active_enrollments() -> None:
    world = live((0, FIRST), (5, with_on_publish(SECOND, "cancel")))
    assert world.steps_mailed() == ["first"]
    ended = world.enrollment()
    assert (ended.status, ended.reason) == ("exited", "canceled by version 2")
    assert (running(world), world.profile().active_enrollments, world.shelf.works) == ([], {}, {})


def test_cancel_ends_suspended_enrollments() -> None:
    world = live((0, visits(delay("90 days"), send("x"))), (5, with_on_publish(SECOND, "cancel")))
    assert world.enrollment().status == "exited"
    assert world.state.timers == {}


def test_cancel_spares_later_enrollments() -> None:
    world = live((0, FIRST), (5, with_on_publish(SECOND, "cancel")), until=5.5)
    world.event("Visited", email="bo@mail.example")
    world.run_for(days=60)
    assert world.steps_mailed("bo@mail.example") == ["first", "better", "third"]


def test_migrate_continues_in_the_new_version_at_the_same_time() -> None:
    world = live((0, FIRST), (5, with_on_publish(SECOND, "migrate")))
    assert on_time(mails(world), ("first", 0), ("better", 10), ("third", 11))
    enrollment = world.enrollment()
    assert (enrollment.status, enrollment.ref.version, enrollment.execution_no) == (
        "completed",
        2,
        1,
    )
    assert (running(world), world.profile().active_enrollments, world.shelf.works) == ([], {}, {})


def test_migrate_maps_a_renamed_wait() -> None:
    renamed = visits(send("first"), delay("3 days", "rest"), send("better"))
    world = live((0, FIRST), (5, with_on_publish(renamed, "migrate", pause="rest")))
    assert on_time(mails(world), ("first", 0), ("better", 10))


def test_migrations_with_renamed_waits_chain() -> None:
    second = visits(send("first"), delay("3 days", "rest"), send("better"))
    third = visits(send("first"), delay("3 days", "sleep"), send("best"))
    world = live(
        (0, FIRST),
        (5, with_on_publish(second, "migrate", pause="rest")),
        (5, with_on_publish(third, "migrate", rest="sleep")),
    )
    assert on_time(mails(world), ("first", 0), ("best", 10))
    assert world.enrollment().ref.version == 3


def test_migrate_does_not_resend_a_mail() -> None:
    earlier = visits(delay("1 day", "nap"), send("first"), delay("10 days", "pause"), send("last"))
    later = visits(delay("1 day", "nap"), delay("10 days", "pause"), send("first"), send("last"))
    world = live((0, earlier), (5, with_on_publish(later, "migrate")))
    assert on_time(mails(world), ("first", 1), ("last", 11))


ANSWER = visits(wait_for("answer", "Replied", "20 days", [send("thanks")], [send("pity")]))
LONG = visits(wait_for("answer", "Replied", "50 days", [send("thanks")], [send("pity")]))
NEW = visits(
    wait_for("answer", "Replied", "9 days", [send("new-thanks")], [send("new-pity")]), send("bye")
)
RENAMED = visits(
    wait_for("reply", "Replied", "9 days", [send("new-thanks")], [send("new-pity")]), send("bye")
)


@pytest.mark.parametrize(("old", "days"), [(ANSWER, 20), (LONG, 50)])
@pytest.mark.parametrize(
    "new", [with_on_publish(NEW, "migrate"), with_on_publish(RENAMED, "migrate", answer="reply")]
)
def test_migrate_keeps_a_wait_for_an_event(old: Json, days: int, new: Json) -> None:
    silent = live((0, old), (5, new))
    assert on_time(mails(silent), ("new-pity", days), ("bye", days))
    answered = live((0, old), (5, new), event=("Replied", 12))
    assert on_time(mails(answered), ("new-thanks", 12), ("bye", 12))
    assert running(answered) == []


def test_paused_enrollment_continues_in_the_new_version_after_the_pause() -> None:
    new = with_on_publish(SECOND, "migrate")
    world = live(
        (0, FIRST), (8, {**FIRST, "status": "paused"}), (20, {**new, "status": "paused"}), (28, new)
    )
    assert on_time(mails(world), ("first", 0), ("better", 30), ("third", 31))


# --- many enrollments ---


@pytest.mark.parametrize(
    "new",
    [
        with_on_publish(SECOND, "migrate"),
        with_on_publish(SECOND, "cancel"),
        {**SECOND, "status": "paused"},
    ],
)
def test_many_enrollments_are_rolled_out_in_parts(new: Json) -> None:
    """Forty enrollments, seven per minute."""
    world = World(most=7)
    long = visits(delay("90 days", "pause"), send("second"))
    world.publish(shop(visit=long))
    people = [f"{number}@mail.example" for number in range(40)]
    for person in people:
        world.event("Visited", email=person)
    world.run_for(days=5)
    world.publish({"workflows/visit.json": new})
    world.run_for(days=100)
    if "status" in new:
        assert world.mails == []
        world.publish({"workflows/visit.json": SECOND})
        world.run_for(days=100)
    expected = {"migrate": ["better", "third"], "cancel": [], "": ["second"]}
    kind = new.get("active_enrollments", {}).get("on_publish", "")
    for person in people:
        assert world.steps_mailed(person) == expected[kind]
        assert world.enrollments_of(person)[0].status == (
            "exited" if kind == "cancel" else "completed"
        )
    assert (world.state.timers, world.shelf.works) == ({}, {})


# --- refused migrations ---


def test_migrate_refuses_a_version_that_lost_a_wait() -> None:
    gone = visits(send("first"), delay("10 days", "paus"), send("second"))
    assert problems(FIRST, with_on_publish(gone, "migrate")) == [
        'active_enrollments.renamed_steps: people may wait at "pause" of version 1, '
        'and there is no step "pause" (keep it, or say where they go on: '
        '"renamed_steps": {"pause": "..."}; did you mean "paus"?)'
    ]


def test_migrate_refuses_a_mapping_to_a_step_that_is_no_wait() -> None:
    (problem,) = problems(FIRST, with_on_publish(visits(send("first"), leave("pause")), "migrate"))
    assert '"pause" is no wait' in problem
    (problem,) = problems(FIRST, with_on_publish(visits(send("first")), "migrate", pause="first"))
    assert '"first" is no wait' in problem


def test_migrate_refuses_a_mapping_of_an_unknown_step() -> None:
    (problem,) = problems(FIRST, with_on_publish(SECOND, "migrate", paus="pause"))
    assert problem == (
        'active_enrollments.renamed_steps.paus: no version that people may be in has a step "paus" '
        '(did you mean "pause"?)'
    )


def test_first_version_can_say_migrate() -> None:
    assert live((0, with_on_publish(FIRST, "migrate"))).steps_mailed() == ["first", "second"]


# --- migrations during retries ---

THROTTLED = SubmissionRejected("Throttling", retry=True)


@pytest.mark.parametrize("busy", [5, 12])
def test_migrate_does_not_skip_a_throttled_mail(busy: int) -> None:
    """Its block is retried, and its next wait is known already."""
    steps = [send("first"), send("second"), delay("10 days", "pause"), send("third")]
    world = World()
    world.publish(shop(visit=visits(*steps)))
    world.mailer.script.extend([Accepted("ses-1"), *[THROTTLED] * busy])
    world.event("Visited")
    world.run_for(seconds=10)
    assert world.messages()["second"][0] == "throttled"
    world.publish(
        {"workflows/visit.json": with_on_publish(visits(*steps, send("fourth")), "migrate")}
    )
    world.run_for(days=60)
    assert world.steps_mailed() == ["first", "second", "third", "fourth"]
    assert (world.enrollment().ref.version, world.shelf.works) == (2, {})


def test_migrate_does_not_skip_a_mail_without_a_send_slot() -> None:
    """The ledger does not know that mail yet."""
    steps = [send("first"), send("mail"), delay("10 days", "pause"), send("second")]
    world = rush(Ses(rate=1), *steps, category="transactional")
    world.run_for(seconds=40)
    assert 0 < [mail.tags["step"] for mail in world.mails].count("mail") < 60
    world.publish({"workflows/visit.json": with_on_publish(SECOND, "migrate")})
    world.run_for(days=60)
    assert {tuple(world.steps_mailed(email)[:2]) for email in PEOPLE} == {("first", "mail")}


def test_migrate_does_not_skip_a_failing_webhook() -> None:
    call = {"id": "call", "type": "webhook", "url": "https://hooks.example.com/x"}
    steps = [send("first"), call, delay("10 days", "pause"), send("second")]
    world = World()
    world.publish(shop(visit=visits(*steps)))
    key = world.keys[STORE]
    world.keys[STORE] = key._replace(webhooks=())
    world.event("Visited")
    world.run_for(minutes=5)
    world.publish(
        {"workflows/visit.json": with_on_publish(visits(*steps, send("third")), "migrate")}
    )
    world.run_for(minutes=30)
    world.keys[STORE] = key
    world.run_for(days=60)
    assert len(world.outbound.calls) == 1
    assert world.steps_mailed() == ["first", "second", "third"]


def test_decisions_are_stored_though_the_mail_was_sent_in_an_older_version() -> None:
    way = branch("way", {"event": "total", "exists": True}, [send("no")], [send("first")])
    new = visits(delay("10 days", "pause"), way, delay("1 day", "more"), send("third"))
    world = live((0, FIRST), (5, with_on_publish(new, "migrate")), until=10.5)
    assert world.steps_mailed() == ["first"]
    assert {*world.enrollment().block_started} == {"0", "1"}
    assert world.enrollment().outcomes["way"]["path"] is None


# --- kills ---


def reply(world: World) -> None:
    world.event("Replied")
    world.react_now()


SCOPES = ["react", "run_steps", "await_event", pytest.param("trigger_date", marks=pytest.mark.deep)]
"""The scheduler runs thousands of times in a story, with a kill at each call."""


@pytest.mark.no_cover
@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("event", [None, ("Replied", 12.0)])
@pytest.mark.parametrize("old", [ANSWER, LONG])
@pytest.mark.parametrize(
    "new",
    [
        with_on_publish(NEW, "migrate"),
        with_on_publish(RENAMED, "migrate", answer="reply"),
        with_on_publish(NEW, "cancel"),
    ],
    ids=["same name", "new name", "cancel"],
)
def test_kill_at_any_call_during_rollout_changes_nothing(
    scope: Scope, event: tuple[str, float] | None, old: Json, new: Json
) -> None:
    story = partial(live, (0, old), (5, new), event=event, until=60)
    undisturbed = story()
    expected = sorted((step, round(at / HOUR)) for step, at in mails(undisturbed))
    for kill, place in undisturbed.faults.kills(scope):
        world = story(faults=Faults(kill))
        assert world.faults.struck == [place]
        assert not world.mails or max(Counter(m.ref.id for m in world.mails).values()) == 1
        assert running(world) == [], world.faults.struck
        assert (world.state.timers, world.shelf.works) == ({}, {})
        assert sorted((step, round(at / HOUR)) for step, at in mails(world)) == expected
        assert world.enrollment().status == undisturbed.enrollment().status
        assert world.profile().active_enrollments == {}


@pytest.mark.parametrize("place", ["before ledger.claim", "before enrollments.finish"])
def test_block_overtaken_by_migration_does_nothing_more(place: str) -> None:
    """The scheduler migrates Ada while the block after her wait is about to send the old mail."""
    new = visits(delay("9 days", "pause"), send("better"), delay("1 day", "more"), send("last"))
    old = visits(delay("10 days", "pause"), *([send("second")] if "ledger" in place else []))
    world = World(faults=Faults())
    world.publish(shop(visit=old))
    world.event("Visited")

    def overtake() -> None:
        world.publish({"workflows/visit.json": with_on_publish(new, "migrate")})
        errors = ErrorCollector()
        assert world.rollout.advance(errors) == 1
        errors.raise_if_any("moves")

    world.faults.meanwhile(place, overtake)
    world.run_for(days=60)
    assert world.faults.happened == [place]
    migrated = "ledger" in place  # otherwise the block had started already
    assert world.steps_mailed() == (["better", "last"] if migrated else [])
    assert world.enrollment().status == "completed"
    assert running(world) == []


@pytest.mark.no_cover
def test_event_at_any_call_of_a_migration_is_answered_once() -> None:
    """The event arrives during each call of the scheduler."""
    new = with_on_publish(RENAMED, "migrate", answer="reply")
    for old in (ANSWER, LONG):
        for place, name in live((0, old), (5, new), until=6).faults.kills("trigger_date"):
            world = World(faults=Faults())
            world.publish(shop(visit=old))
            world.faults.meanwhile(place, partial(reply, world))
            world.event("Visited")
            world.run_until(MONDAY_NOON + 5 * DAY)
            world.publish({"workflows/visit.json": new})
            world.run_until(MONDAY_NOON + 60 * DAY)
            assert world.faults.happened == [place]
            thanked = [m.tags["step"] for m in world.mails if "thanks" in m.tags["step"]]
            assert len(thanked) == 1, (name, world.steps_mailed())
            assert world.enrollment().status == "completed"


# --- a file that ends a pause and migrates ---


def resumed(
    document: Json, began: float, ended: float, event: tuple[str, float] | None = None
) -> World:
    """Pause at day `began`; at day `ended` publish a changed live file that migrates."""
    paused = (began, {**document, "status": "paused"})
    resumed_version = (ended, with_on_publish({**document, "title": "Another"}, "migrate"))
    return live((0, document), paused, resumed_version, event=event)


@pytest.mark.parametrize(("began", "ended", "later"), [(2, 5, 13), (8, 28, 30), (8, 9.5, 11.5)])
def test_migrate_at_the_end_of_a_pause_keeps_the_remaining_time(
    began: float, ended: float, later: float
) -> None:
    for document in (FIRST, visits(delay("10 days", "a"), send("first"), send("second"))):
        world = resumed(document, began, ended)
        assert world.enrollment().ref.version == 2
        assert on_time(mails(world)[-1:], ("second", later))


@pytest.mark.parametrize("days", [20, 50])
def test_wait_migrated_at_the_end_of_a_pause_takes_events_of_the_pause(days: int) -> None:
    answer = visits(wait_for("answer", "Replied", f"{days} days", [send("thanks")], [send("pity")]))
    world = resumed(answer, 5, days + 8)
    assert on_time(mails(world), ("pity", 2 * days + 3))
    (mail,) = mails(resumed(answer, 5, days + 8, event=("Replied", 10)))
    assert mail[0] == "thanks"
    assert on_time(
        mails(resumed(answer, 5, days + 8, event=("Replied", days + 9))), ("thanks", days + 9)
    )


def test_date_due_in_a_pause_is_lengthened_though_the_file_migrates() -> None:
    day = {"date": "2026-11-22", "at": "12:00", "timezone": "UTC"}
    dated = visits({"id": "date", "type": "delay_until", **day}, send("mail"))
    assert on_time(mails(resumed(dated, 18, 28)), ("mail", 30))
    assert on_time(mails(resumed(dated, 3, 6)), ("mail", 20))
