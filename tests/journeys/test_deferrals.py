"""Deferrals: marketing waits for the end of quiet hours, closed days and limits."""

from collections import Counter
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from milepost.sending.message import SubmissionRejected
from tests.journeys.test_executions import running
from tests.journeys.test_send_rate import Ses, rush
from tests.support.builders import (
    ADA,
    MONDAY_NOON,
    Json,
    branch,
    delay,
    send,
    settings,
    shop,
    wait_for,
    workflow,
)
from tests.support.faults import Faults, Scope
from tests.support.world import World

NIGHT = {"from": "21:00", "to": "08:00"}
AT_TEN = MONDAY_NOON + timedelta(hours=10)
MORNING = MONDAY_NOON + timedelta(hours=20)
SOON = timedelta(minutes=12)
"""The spread, and the minute in which an execution starts."""


def visits(*steps: Json, **head: Any) -> Json:
    return workflow(*steps, on="Visited", **{"exit_on": [{"event": "Ordered"}], **head})


def live(
    *steps: Json,
    faults: Faults | None = None,
    start: datetime = AT_TEN,
    days: float = 3,
    store_settings: Json | None = None,
    **head: Any,
) -> World:
    """Ada, who consents to offers, visits a shop with quiet hours."""
    world = World(start=start, faults=faults)
    file = settings(**({"quiet_hours": NIGHT} if store_settings is None else store_settings))
    world.publish(shop(visit=visits(*steps, **head)) | {"settings.json": file})
    world.consent()
    world.event("Visited")
    if days:
        world.run_for(days=days)
    return world


def mails(world: World) -> list[tuple[str, datetime]]:
    return [(mail.tags["step"], at) for at, mail in world.posted]


def test_mail_in_quiet_hours_waits_until_morning() -> None:
    world = live(send("hello"), days=0.3)
    assert (mails(world), world.messages(), running(world)) == ([], {}, [])
    start = world.enrollment().resume_point
    assert start is not None
    assert (start.deferred, start.deferred_since) == ("hello: quiet hours", AT_TEN)
    world.run_for(days=1)
    ((step, at),) = mails(world)
    assert step == "hello"
    assert MORNING <= at <= MORNING + SOON
    assert (world.enrollment().status, world.state.timers) == ("completed", {})
    (message,) = world.state.messages.values()
    assert message["numbers"]["deferred"] == "quiet hours"
    assert message["numbers"]["deferred_since"] == "2026-11-02T22:00:00.000Z"


def test_quiet_hours_use_the_contacts_time_zone() -> None:
    world = World(start=AT_TEN)
    file = settings(quiet_hours=NIGHT, timezone="America/New_York")
    world.publish(shop(visit=visits(send("hello"))) | {"settings.json": file})
    people = {"a@mail.example": None, "b@mail.example": "Asia/Tehran"}
    for person, zone in people.items():
        world.consent(email=person)
        contact: Json = {"timezone": zone} if zone else {}
        world.event("Visited", email=person, **contact)
    world.run_for(days=1)
    assert world.mailed_at("hello", "a@mail.example") == AT_TEN  # it is 17:00 in New York
    in_tehran = AT_TEN.replace(day=3, hour=4, minute=30)
    assert in_tehran <= world.mailed_at("hello", "b@mail.example") <= in_tehran + SOON


def test_transactional_mail_ignores_quiet_hours() -> None:
    assert mails(live(send("receipt", category="transactional"))) == [("receipt", AT_TEN)]


def test_mail_on_closed_day_waits_until_it_opens() -> None:
    closed_days = {"closed_days": {"weekdays": ["tuesday"], "dates": ["2026-11-02"]}}
    ((_, at),) = mails(live(send("hello"), store_settings=closed_days))
    opens = MONDAY_NOON + timedelta(days=1.5)
    assert opens <= at <= opens + SOON


def test_wait_after_a_deferred_mail_counts_from_the_mail() -> None:
    """Otherwise a mail and the one an hour later would both go out at eight in the morning."""
    world = live(send("hello"), delay("1 hour"), send("again"))
    (_, first), (_, second) = mails(world)
    assert abs(second - first - timedelta(hours=1)) < timedelta(minutes=2)
    steps = wait_for("answer", "Replied", "40 days", [send("thanks")], [send("pity")])
    world = live(send("hello"), steps, days=50)
    (_, first), (_, second) = mails(world)
    assert abs(second - first - timedelta(days=40)) < timedelta(minutes=2)


def test_pause_at_resume_keeps_the_wait_counted_from_the_deferred_mail() -> None:
    steps = (send("hello"), delay("1 hour"), send("again"))
    world = live(*steps, faults=Faults(), days=0.3)
    paused = {"workflows/visit.json": visits(*steps, status="paused")}
    world.faults.meanwhile("after engine.start", lambda: world.publish(paused))
    world.run_until(MORNING + SOON)
    assert (world.faults.happened, mails(world)) == (["after engine.start"], [])
    world.publish({"workflows/visit.json": visits(*steps)})
    world.run_for(days=1)
    (_, first), (_, second) = mails(world)
    assert second - first > timedelta(minutes=58)
    (hello, _) = world.state.messages.values()
    assert hello["numbers"]["deferred"] == "quiet hours"


def test_order_during_deferral_exits_without_mail() -> None:
    world = live(send("hello"), days=0)
    world.run_for(hours=3)
    world.event("Ordered")
    world.run_for(days=2)
    assert mails(world) == []
    assert (world.enrollment().status, world.state.timers) == ("exited", {})


def test_unsubscribe_during_deferral_skips_the_mail() -> None:
    world = live(send("hello"), days=0)
    world.run_for(hours=3)
    world.consent(state="withdrawn")
    world.run_for(days=2)
    assert mails(world) == []
    assert world.messages() == {"hello": ("skipped", "consent withdrawn")}


def test_mail_that_expires_before_morning_is_skipped_at_once() -> None:
    world = live(send("hello", expires="2 hours"), send("other"), days=0)
    world.run_for(minutes=1)
    assert world.messages() == {"hello": ("skipped", "expired")}
    assert len(mails(live(send("hello", expires="11 hours")))) == 1


def test_mail_is_deferred_for_at_most_a_week() -> None:
    days = [f"2026-11-{day:02}" for day in range(2, 11)]
    for closed, status in ((days, "skipped"), (days[:6], "accepted")):
        world = live(send("hello"), store_settings={"closed_days": {"dates": closed}}, days=20)
        (message,) = world.messages().values()
        assert message[0] == status
        assert message[1] in {"", "deferred too long"}


def test_steps_before_a_deferred_mail_run_once() -> None:
    paths = branch("b", {"event": "total", "exists": True}, [send("no")], [send("hello")])
    emit = {"id": "note", "type": "emit_event", "event": "Was Here"}
    world = live(emit, send("receipt", category="transactional"), paths)
    assert [step for step, _ in mails(world)] == ["receipt", "hello"]
    assert world.profile().totals["Was Here"].count == 1


def test_each_message_can_be_deferred_for_a_week_of_its_own() -> None:
    """Neither a loop nor an earlier mail in the same block uses up the time of the next mail."""
    loop = [send("mail"), delay("10 days"), {"id": "again", "type": "goto", "to": "mail", "max": 3}]
    world = live(*loop, days=60)
    numbers = [m["numbers"] for m in world.state.messages.values()]
    assert [m["status"] for m in world.state.messages.values()] == ["accepted"] * 4
    assert [n["deferred_since"][:10] for n in numbers if "deferred" in n] == ["2026-11-02"]
    closed = {"closed_days": {"dates": [f"2026-11-{day:02}" for day in range(2, 8)]}}
    file = {**closed, "smart_sending": "3 days"}
    world = live(send("a"), send("b", on_cap="defer"), store_settings=file, days=20)
    assert world.messages() == {"a": ("accepted", ""), "b": ("accepted", "")}
    assert (world.mailed_at("b") - world.mailed_at("a")).days == 3


def test_pause_during_deferral_keeps_the_mail() -> None:
    world = live(send("hello"), days=0)
    paused = visits(send("hello"), status="paused")
    world.run_for(hours=3)
    world.publish({"workflows/visit.json": paused})
    world.run_for(days=2)
    assert mails(world) == []
    world.publish({"workflows/visit.json": visits(send("hello"))})
    world.run_for(days=2)
    assert [step for step, _ in mails(world)] == ["hello"]


def test_pause_that_ends_during_deferral_delays_no_later_step() -> None:
    steps = [send("hello"), delay("1 day"), send("again")]
    world = live(*steps, days=0)
    world.run_for(hours=1)
    world.publish({"workflows/visit.json": visits(*steps, status="paused")})
    world.run_for(hours=3)
    world.publish({"workflows/visit.json": visits(*steps)})
    world.run_for(days=3)
    (_, first), (_, second) = mails(world)
    assert MORNING <= first <= MORNING + SOON
    assert abs(second - first - timedelta(days=1)) < timedelta(minutes=2)


def test_migration_during_deferral_keeps_the_mail() -> None:
    """Otherwise the mail would be lost, because the new version would continue after it."""
    world = live(send("hello"), delay("1 day"), send("again"), days=0)
    world.run_for(hours=1)
    active_enrollments = {"on_publish": "migrate"}
    new = visits(
        send("hello"),
        delay("1 day"),
        send("again"),
        send("more"),
        active_enrollments=active_enrollments,
    )
    world.publish({"workflows/visit.json": new})
    world.run_for(days=4)
    assert [step for step, _ in mails(world)][:1] == ["hello"]
    assert world.enrollment().status == "completed"


def test_throttled_mail_waits_for_the_end_of_quiet_hours() -> None:
    """It is claimed already, but must not be sent at night."""
    world = World(start=AT_TEN - timedelta(hours=1, seconds=1))
    world.publish(
        shop(visit=visits(send("hello"))) | {"settings.json": settings(quiet_hours=NIGHT)}
    )
    world.mailer.script.extend([SubmissionRejected("Throttling", retry=True)] * 6)
    world.consent()
    world.event("Visited")
    world.run_for(days=2)
    times = [at for _, at in mails(world)]
    assert world.messages() == {"hello": ("accepted", "")}
    assert all(at.hour in range(8, 21) for at in times)
    assert (times[0], times[-1]) < (AT_TEN, MORNING) < (times[-1], times[-1])


def test_rerun_block_does_not_defer_after_a_mail_already_sent() -> None:
    """A run is killed right after the mail, and the next run starts in the quiet hours."""
    steps = [send("hello"), send("receipt", category="transactional")]
    for place in ("after mailer.send", "after ledger.record_result"):
        world = World(start=AT_TEN - timedelta(hours=1, seconds=1))
        file = settings(quiet_hours=NIGHT)
        world.publish(shop(visit=visits(*steps)) | {"settings.json": file})
        world.consent()
        world.faults.meanwhile(place, partial(_kill, world, place))
        world.event("Visited")
        world.run_for(minutes=30)
        assert [step for step, _ in mails(world)] == ["hello", "receipt"]


def _kill(world: World, place: str) -> None:
    raise world.faults.killed(place)


@pytest.mark.parametrize("scope", ["run_steps", "trigger_date"])
def test_kill_at_any_call_keeps_deferred_mails_single_and_out_of_quiet_hours(scope: Scope) -> None:
    steps = [
        send("receipt", category="transactional"),
        send("hello"),
        delay("2 hours"),
        send("last"),
    ]
    undisturbed = live(*steps)
    expected = [step for step, _ in mails(undisturbed)]
    assert expected == ["receipt", "hello", "last"]
    for kill, place in undisturbed.faults.kills(scope):
        world = live(*steps, faults=Faults(kill))
        assert world.faults.struck == [place]
        assert max(Counter(mail.ref.id for mail in world.mails).values()) == 1
        lost = [step for step, (status, _) in world.messages().items() if status == "unknown"]
        mailed = [step for step, _ in mails(world)]
        assert mailed == expected or sorted([*mailed, *lost]) == sorted(expected)
        assert (running(world), world.state.timers) == ([], {})
        assert world.enrollment(ADA).status == "completed"
        for step, at in mails(world)[1:]:
            assert at.hour in range(8, 21), (step, at)


@pytest.mark.parametrize("minutes", range(4))
def test_migration_at_the_end_of_deferral_loses_no_mail(minutes: int) -> None:
    """The execution is due, but its mail is not claimed yet."""
    world = live(send("hello"), delay("1 day"), send("again"), days=0)
    world.run_for(hours=1)
    start = world.enrollment().resume_point
    assert start is not None
    world.run_until(start.due + timedelta(seconds=30 * minutes - 45))
    active_enrollments = {"on_publish": "migrate"}
    new = visits(
        send("hello"),
        delay("1 day"),
        send("again"),
        send("more"),
        active_enrollments=active_enrollments,
    )
    world.publish({"workflows/visit.json": new})
    world.run_for(days=4)
    assert [step for step, _ in mails(world)][:2] == ["hello", "again"]


def test_migration_during_a_pause_in_mid_block_loses_no_mail() -> None:
    """The pause came in the middle of a block; the rest of the block belongs to the old version."""
    steps = [send("first"), send("second"), delay("1 day"), send("third")]
    world = live(*steps, days=0, store_settings={})
    paused = {"workflows/visit.json": visits(*steps, status="paused")}
    world.faults.meanwhile("after mailer.send", partial(world.publish, paused))
    world.run_for(days=1)
    assert world.steps_mailed() == ["first"]
    for status in ("paused", "live"):
        new = visits(
            *steps, send("more"), status=status, active_enrollments={"on_publish": "migrate"}
        )
        world.publish({"workflows/visit.json": new})
        world.run_for(days=1)
    world.run_for(days=4)
    assert world.steps_mailed()[:3] == ["first", "second", "third"]


# --- with the send rate (see test_send_rate.py) ---


def test_mail_over_ses_quota_for_a_week_is_skipped() -> None:
    world = rush(Ses(day=10, sent=10), people=2)
    world.run_for(days=5)
    assert (world.mails, world.state.messages) == ([], {})
    world.run_for(days=5)
    results = {(m["status"], m["reason"]) for m in world.state.messages.values()}
    assert (world.mails, results) == ([], {("skipped", "deferred too long")})
    assert (running(world), world.state.timers) == ([], {})


def test_rerun_block_needs_no_warm_up_slot_for_a_mail_already_sent() -> None:
    """The warm-up allows one mail on the first day; the run that sent it is killed."""
    world = World(quotas=Ses())
    warm_up = {"starts": world.now.date().isoformat(), "days": [1, 10]}
    files = shop(visit=visits(send("hello"), send("more")))
    world.publish(files | {"settings.json": settings(warm_up=warm_up)})
    world.consent()
    world.faults.meanwhile("after mailer.send", partial(_kill, world, "after mailer.send"))
    world.event("Visited")
    world.run_for(minutes=10)
    assert world.messages() == {"hello": ("accepted", "")}
    start = world.enrollment().resume_point
    assert start is not None
    assert start.deferred == "more: warm-up"
    world.run_for(days=2)
    assert world.steps_mailed() == ["hello", "more"]
