"""Date and inactivity triggers fire on time and once."""

from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest

from milepost.base import times
from tests.support.builders import ADA, Json, send, shop, workflow
from tests.support.faults import Faults, Kill
from tests.support.world import World

BEA = "bea@mail.example"


def world_of(
    trigger: Json, faults: Faults | None = None, always: bool = False, **more: Any
) -> World:
    reentry: Json = {"reentry": {"allow": "always"}} if always else {}
    world = World(faults=faults)
    world.publish(shop(dated=workflow(send("mail"), trigger=trigger, **reentry, **more)))
    return world


def mailed(world: World, email: str = ADA) -> list[str]:
    """When mails to an address went out."""
    posted = [at for at, mail in world.posted if mail.to == email]
    return [times.format_instant(at).removesuffix(":00.000Z") for at in posted]


PHASES: tuple[Literal["before", "after"], ...] = ("before", "after")
BIRTHDAY = {"type": "date", "field": "properties.birthday", "at": "08:30"}
INACTIVITY = {
    "type": "inactivity",
    "events": ["Order Completed", "Product Viewed"],
    "for": "90 days",
}


def test_birthday_fires_every_year_in_the_contacts_time_zone() -> None:
    world = world_of(BIRTHDAY, always=True)
    world.consent()
    world.consent(email=BEA)
    world.event("Account Created", properties={"birthday": "1990-12-24"}, timezone="Asia/Tehran")
    world.event("Account Created", email=BEA, properties={"birthday": "1992-02-29"})
    world.run_for(days=800)
    assert mailed(world) == ["2026-12-24T05:00", "2027-12-24T05:00", "2028-12-24T05:00"]
    assert mailed(world, BEA) == ["2027-02-28T08:30", "2028-02-29T08:30"]


def test_birthday_reported_after_its_time_fires_next_year() -> None:
    world = world_of(BIRTHDAY)
    world.consent()
    world.event("Account Created", properties={"birthday": "1990-11-02"})
    world.run_for(days=300)
    assert mailed(world) == []


def test_date_event_is_recorded_for_contact_outside_the_audience() -> None:
    world = world_of(BIRTHDAY, audience={"consents_to": "offers"})
    world.event("Account Created", properties={"birthday": "1990-12-24"})
    world.run_for(days=60)
    assert mailed(world) == []
    assert world.profile().totals["Date Reached"].count == 1


def test_date_trigger_follows_a_moved_date() -> None:
    trigger = {
        "type": "date",
        "field": "properties.renews",
        "offset": "-7 days",
        "repeat": "once",
    }
    world = world_of(trigger, always=True)
    world.consent()
    world.event("Account Created", properties={"renews": "2026-12-01"})
    world.run_for(days=10)
    world.event("Plan Changed", properties={"renews": "2026-12-31"})
    world.run_for(days=60)
    world.event("Plan Changed", properties={"renews": "2027-12-31"})
    world.run_for(days=400)
    assert mailed(world) == ["2026-12-24T09:00", "2027-12-24T09:00"]


def test_two_workflows_with_the_same_date_fire_at_their_own_times() -> None:
    world = World()
    before = {**BIRTHDAY, "offset": "-3 days"}
    world.publish(
        shop(
            early=workflow(send("early"), trigger=before),
            day=workflow(send("day"), trigger=BIRTHDAY),
        )
    )
    world.consent()
    world.event("Account Created", properties={"birthday": "1990-12-24"})
    world.run_for(days=60)
    assert mailed(world) == ["2026-12-21T08:30", "2026-12-24T08:30"]
    assert world.steps_mailed() == ["early", "day"]


def test_inactivity_fires_once_per_period_of_inactivity() -> None:
    world = world_of(INACTIVITY, always=True)
    world.consent()
    world.event("Order Completed", {"total": 20})
    world.run_for(days=80)
    world.event("Product Viewed")
    world.run_for(days=200)
    assert mailed(world) == ["2027-04-21T12:00"]
    world.event("Order Completed", {"total": 20})
    world.run_for(days=200)
    assert len(mailed(world)) == 2


def test_late_event_restarts_the_inactivity_period() -> None:
    world = world_of(INACTIVITY)
    world.consent()
    world.event("Product Viewed")
    world.run_for(days=89)
    world.event("Product Viewed", at=world.now - timedelta(days=30))
    world.run_for(days=10)
    assert mailed(world) == []
    world.run_for(days=60)
    assert len(mailed(world)) == 1


def test_repeated_events_do_not_rewrite_the_timer() -> None:
    world = world_of(INACTIVITY)
    world.event("Product Viewed")
    world.run_for(minutes=1)
    first = world.profile().next_check
    for _ in range(5):
        world.event("Product Viewed")
        world.run_for(days=1)
    assert world.profile().next_check == first


def test_contact_with_a_date_is_checked_only_when_due() -> None:
    world = world_of(BIRTHDAY)
    world.event("Account Created", properties={"birthday": "1990-12-24"})
    world.run_for(days=1)
    next_check = world.profile().next_check
    assert next_check is not None
    assert next_check.at == datetime(2026, 12, 24, 8, 30, tzinfo=UTC)
    assert [*world.timers.due(next_check.at - timedelta(seconds=1))] == []
    assert len([*world.timers.due(next_check.at)]) == 1


def test_deleted_date_trigger_leaves_one_check_and_no_event() -> None:
    world = world_of(BIRTHDAY)
    world.event("Account Created", properties={"birthday": "1990-12-24"})
    world.run_for(days=1)
    world.remove("workflows/dated.json")
    world.run_for(days=60)
    assert world.profile().next_check is None
    assert "Date Reached" not in world.profile().totals


def test_paused_date_trigger_does_not_fire_for_missed_dates() -> None:
    world = world_of(BIRTHDAY, status="paused", always=True)
    world.consent()
    world.event("Account Created", properties={"birthday": "1990-12-24"})
    world.run_for(days=60)
    live = workflow(send("mail"), trigger=BIRTHDAY, reentry={"allow": "always"})
    world.publish(shop(dated=live))
    world.run_for(days=365)
    assert mailed(world) == ["2027-12-24T08:30"]


@pytest.mark.parametrize("trigger", [BIRTHDAY, INACTIVITY], ids=lambda trigger: trigger["type"])
def test_kill_at_any_call_fires_each_time_trigger_once(
    trigger: Json,
) -> None:
    def run(faults: Faults) -> World:
        world = world_of(trigger, faults, always=True)
        world.consent()
        world.event("Product Viewed", properties={"birthday": "1990-12-24"})
        world.run_for(days=150)
        return world

    undisturbed = run(Faults())
    expected = mailed(undisturbed)
    assert len(expected) == 1
    calls = [call for call in undisturbed.faults.calls if call[0] in ("trigger_date", "react")]
    assert any(scope == "trigger_date" for scope, *_ in calls)
    for scope, number, name in calls:
        for phase in PHASES:
            world = run(Faults(Kill(scope, number, phase)))
            assert world.faults.struck
            days = [at[:13] for at in mailed(world)]
            assert days == [at[:13] for at in expected], f"{phase} {name}"


def test_contact_time_zone_schedule_reaches_also_inactive_contacts() -> None:
    """This includes contacts without events after the publish."""
    world = World()
    readers = {"title": "Readers", "condition": {"consents_to": "offers"}}
    for email, zone in ((ADA, "Asia/Taipei"), (BEA, "America/New_York")):
        world.event("Account Created", email=email, timezone=zone)
        world.consent(email=email)
    world.run_for(days=1)
    news = {
        "type": "schedule",
        "rrule": "FREQ=WEEKLY;BYDAY=TH;BYHOUR=11",
        "segment": "readers",
        "timezone": "contact",
    }
    always: Json = {"reentry": {"allow": "always"}}
    world.publish({**shop(), "segments/readers.json": readers})
    world.run_for(hours=1)
    world.publish(shop(news=workflow(send("mail"), trigger=news, **always)))
    world.run_for(days=11)
    assert mailed(world) == ["2026-11-05T03:00", "2026-11-12T03:00"]
    assert mailed(world, BEA) == ["2026-11-05T16:00", "2026-11-12T16:00"]
