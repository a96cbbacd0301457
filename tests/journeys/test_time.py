"""Delays with local times in the contact's time zone."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.support.builders import Json, delay, send, settings, shop, wait_for, workflow
from tests.support.world import World


def mailed(world: World, *steps: Json, start: str, timezone: str = "UTC") -> datetime:
    """When Ada got her mail after a visit at `start`."""
    visit = workflow(*steps, send("mail"), on="Visited", category="transactional")
    world.publish(shop(visit=visit))
    world.run_until(_utc(start))
    world.event("Visited", timezone=timezone)
    world.run_for(days=30)
    return world.mailed_at("mail")


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("Asia/Tehran", "2026-11-04T09:30+03:30"),
        ("America/New_York", "2026-11-03T09:30-05:00"),
        ("Pacific/Auckland", "2026-11-04T09:30+13:00"),
        ("UTC", "2026-11-03T09:30+00:00"),
    ],
)
def test_until_time_uses_the_contacts_time_zone(zone: str, expected: str) -> None:
    morning = delay("20 hours", until_time="09:30")
    at = mailed(World(), morning, start="2026-11-02T13:00+00:00", timezone=zone)
    assert at == _utc(expected)


def test_unknown_time_zone_falls_back_to_the_stores() -> None:
    world = World()
    world.publish({"settings.json": settings(timezone="Europe/Paris")})
    files = shop(
        visit=workflow(
            delay("1 hour", until_time="09:30"),
            send("mail"),
            on="Visited",
            category="transactional",
        )
    )
    world.publish({**files, "settings.json": settings(timezone="Europe/Paris")})
    world.event("Visited")
    world.run_for(days=3)
    assert world.mailed_at("mail") == _utc("2026-11-03T09:30+01:00")


def test_time_zone_is_read_when_the_wait_starts() -> None:
    world = World()
    steps = [delay("1 hour"), send("first"), delay("1 hour", "morning", until_time="09:30")]
    visit = workflow(*steps, send("mail"), on="Visited", category="transactional")
    world.publish(shop(visit=visit))
    world.event("Visited")
    world.run_for(minutes=30)
    world.event("Profile Updated", timezone="Asia/Tokyo")
    world.run_for(days=3)
    assert world.mailed_at("mail") == _utc("2026-11-03T09:30+09:00")


def test_until_time_keeps_local_time_across_a_clock_change() -> None:
    world = World(start=_utc("2026-10-20T00:00+00:00"))
    week = delay("5 days", until_time="09:30")
    at = mailed(world, week, start="2026-10-22T12:00+02:00", timezone="Europe/Paris")
    assert at == _utc("2026-10-28T09:30+01:00")


def test_on_days_skips_weekends() -> None:
    weekdays = ["monday", "tuesday", "wednesday", "thursday", "friday"]
    working = delay("1 day", until_time="10:00", on_days=weekdays, timezone="store")
    at = mailed(World(), working, start="2026-11-06T12:00+00:00")
    assert at == _utc("2026-11-09T10:00+00:00")


def test_wait_ends_exactly_at_its_timeout() -> None:
    at = mailed(World(), wait_for("answer", "Replied", "3 days"), start="2026-11-02T13:00+00:00")
    assert at == _utc("2026-11-05T13:00+00:00")


def test_wait_ends_at_once_on_its_event() -> None:
    world = World()
    waiting = wait_for("answer", "Replied", "3 days")
    visit = workflow(waiting, send("mail"), on="Visited", category="transactional")
    world.publish(shop(visit=visit))
    world.event("Visited")
    world.run_for(hours=7)
    replied = world.now
    world.event("Replied")
    world.run_for(days=5)
    assert world.mailed_at("mail") == replied


def test_delay_counts_from_the_end_of_the_previous_delay() -> None:
    start = "2026-11-02T13:00+00:00"
    at = mailed(World(), delay("1 day"), delay("2 hours"), start=start)
    assert at - _utc(start) == timedelta(days=1, hours=2)


def test_late_event_delays_the_series_without_loss() -> None:
    world = World()
    visit = workflow(delay("1 hour"), send("mail"), on="Visited", category="transactional")
    world.publish(shop(visit=visit))
    world.event("Visited", at=world.now - timedelta(hours=5))
    world.run_for(days=1)
    assert world.mailed_at("mail") == _utc("2026-11-02T13:00+00:00")
