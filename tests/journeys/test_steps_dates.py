"""The step `delay_until`: fixed dates, dates in data, time zones and clock changes."""

from datetime import UTC, datetime
from typing import Any

import pytest

from milepost.base import times
from tests.journeys.visits import ended, step, visit, visited, world_of
from tests.support.builders import ADA, MONDAY_NOON, send, shop
from tests.support.world import World

LONG = 800


def mail_time(date: str, *, zone: str = "UTC", data: Any = None, **more: Any) -> str:
    """When the mail after a `delay_until` goes out, for a contact in that time zone."""
    until = step("delay_until", "until", date=date, **more)
    world = visited(world_of(until, send("mail")), data, timezone=zone, days=LONG)
    assert ended(world) == ("completed", "")
    return times.format_instant(world.mailed_at("mail")).removesuffix(":00.000Z")


NOW = "2026-11-02T12:00"


@pytest.mark.parametrize(
    ("date", "more", "instant"),
    [
        ("2026-11-20", {}, "2026-11-20T00:00"),
        ("2026-11-20", {"at": "09:30"}, "2026-11-20T09:30"),
        ("2026-11-20T08:15", {}, "2026-11-20T08:15"),
        ("2026-11-20T08:15:00", {"at": "10:00"}, "2026-11-20T10:00"),
        ("2026-11-20", {"offset": "3 days"}, "2026-11-23T00:00"),
        ("2026-11-20", {"offset": "-3 days", "at": "09:30"}, "2026-11-17T09:30"),
        ("2026-11-20T08:15", {"offset": "-90 minutes"}, "2026-11-20T06:45"),
        ("2026-11-20", {"offset": "-1 hour", "at": "09:30"}, "2026-11-19T09:30"),
        ("2026-11-20", {"offset": "0 days"}, "2026-11-20T00:00"),
        ("2026-11-20", {"timezone": "Europe/Paris"}, "2026-11-19T23:00"),
        ("2026-11-20", {"timezone": "store", "at": "09:00"}, "2026-11-20T09:00"),
        ("2028-02-29", {"at": "08:00"}, "2028-02-29T08:00"),
        ("2028-03-01", {"offset": "-1 day", "at": "08:00"}, "2028-02-29T08:00"),
        ("2027-03-01", {"offset": "-1 day", "at": "08:00"}, "2027-02-28T08:00"),
        ("2026-11-02", {}, NOW),
        ("2026-11-01", {"at": "23:00"}, NOW),
        ("2026-11-10", {"offset": "-30 days"}, NOW),
        ("1999-12-31", {}, NOW),
        ("2026-11-02T12:00", {}, NOW),
    ],
)
def test_fixed_date_is_due_as_written(date: str, more: dict[str, Any], instant: str) -> None:
    assert mail_time(date, **more) == instant


@pytest.mark.parametrize(
    ("zone", "date", "more", "instant"),
    [
        ("Europe/Paris", "2026-11-20", {}, "2026-11-19T23:00"),
        ("Asia/Tehran", "2026-11-20", {"at": "09:00"}, "2026-11-20T05:30"),
        ("Pacific/Kiritimati", "2026-11-20", {}, "2026-11-19T10:00"),
        # 02:30 does not exist on this day, and is half past two twice on that.
        ("Europe/Paris", "2027-03-28", {"at": "02:30"}, "2027-03-28T01:30"),
        ("Europe/Paris", "2027-10-31", {"at": "02:30"}, "2027-10-31T00:30"),
        ("America/New_York", "2027-03-14", {"at": "02:30"}, "2027-03-14T07:30"),
        ("America/New_York", "2027-11-07", {"at": "01:30"}, "2027-11-07T05:30"),
        ("Australia/Lord_Howe", "2027-10-03", {"at": "02:10"}, "2027-10-02T15:40"),
        # Midnight does not exist in Cairo on this day.
        ("Africa/Cairo", "2027-04-30", {}, "2027-04-29T22:00"),
        ("Africa/Cairo", "2027-04-30", {"at": "09:00"}, "2027-04-30T06:00"),
        # Offsets in days keep the local time across a clock change.
        ("Europe/Paris", "2027-03-30", {"offset": "-3 days", "at": "09:30"}, "2027-03-27T08:30"),
        ("Europe/Paris", "2027-03-30T09:30", {"offset": "-3 days"}, "2027-03-27T08:30"),
        ("Europe/Paris", "2027-03-25T09:30", {"offset": "7 days"}, "2027-04-01T07:30"),
    ],
)
def test_date_uses_the_contacts_time_zone(
    zone: str, date: str, more: dict[str, Any], instant: str
) -> None:
    assert mail_time(date, zone=zone, **more) == instant


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("2026-11-20", "2026-11-19T23:00"),
        ("2026-11-20T09:30", "2026-11-20T08:30"),
        ("2026-11-20T09:30:00Z", "2026-11-20T09:30"),
        ("2026-11-20T09:30:00-05:00", "2026-11-20T14:30"),
        ("2027-10-31T00:30:00Z", "2027-10-31T00:30"),
        ("2027-10-31T01:30:00Z", "2027-10-31T01:30"),
        ("20261120", "2026-11-19T23:00"),
        ("yesterday", NOW),
        ("2027-02-30", NOW),
        ("", NOW),
        ("9999-12-31T23:59:59-12:00", NOW),
        ("0001-01-01T00:00:00+12:00", NOW),
        (20261120, NOW),
        (True, NOW),
        (["2026-11-20"], NOW),
        (None, NOW),
    ],
)
def test_date_from_event_data_is_parsed_or_counts_as_missing(written: Any, instant: str) -> None:
    assert mail_time("event.renewal", zone="Europe/Paris", data={"renewal": written}) == instant


def test_instant_in_a_repeated_hour_is_exact() -> None:
    """01:30 UTC is the second 02:30 of that night in Paris, not the first."""
    for instant in ("2027-10-31T00:30", "2027-10-31T01:30"):
        data = {"starts": f"{instant}:00Z"}
        assert mail_time("event.starts", zone="Europe/Paris", data=data) == instant


@pytest.mark.parametrize(("offset", "instant"), [("-2 hours", "23:30"), ("1 day", "01:30")])
def test_offset_in_hours_is_exact_across_a_clock_change(offset: str, instant: str) -> None:
    """The appointment is half an hour after the clocks in Paris go forward."""
    data = {"starts": "2027-03-28T01:30:00Z"}
    found = mail_time("event.starts", zone="Europe/Paris", data=data, offset=offset)
    assert found.endswith(instant)


def test_date_can_come_from_a_contact_property() -> None:
    renewal = step("delay_until", "until", date="contact.properties.renewal")
    world = visited(world_of(renewal, send("mail")), properties={"renewal": "2026-11-09"}, days=30)
    assert world.mailed_at("mail") == datetime(2026, 11, 9, tzinfo=UTC)


def test_date_set_by_an_earlier_step_counts() -> None:
    steps = [
        step("update_contact", "set", set={"renewal": "2026-11-09"}, timezone="Europe/Paris"),
        step("delay_until", "until", date="contact.properties.renewal", at="10:00"),
        send("mail"),
    ]
    world = visited(world_of(*steps), days=30)
    assert world.mailed_at("mail") == datetime(2026, 11, 9, 9, tzinfo=UTC)


@pytest.mark.parametrize("written", [None, "soon", 7])
def test_missing_date_continues_or_exits(written: Any) -> None:
    for if_missing, end in (
        ("continue", ("completed", "")),
        ("exit", ("exited", "until: there is no such date")),
    ):
        until = step("delay_until", "until", date="event.renewal", if_missing=if_missing)
        world = visited(world_of(send("before"), until, send("mail")), {"renewal": written})
        assert ended(world) == end
        assert world.steps_mailed() == ["before", "mail"][: 2 - (if_missing == "exit")]
        world.run_for(days=3)
        execution = world.execution(world.enrollment())
        assert execution.status in {"SUCCEEDED", "ABORTED"}


def test_date_is_read_when_the_step_is_reached() -> None:
    world = World()
    steps = [
        step("delay", "wait", **{"for": "1 day"}),
        step("delay_until", "until", date="contact.properties.due"),
        send("mail"),
    ]
    world.publish(shop(visit=visit(*steps)))
    visited(world, properties={"due": "2026-11-20"})
    world.event("Changed", properties={"due": "2026-11-10"})
    world.run_for(days=30)
    assert world.mailed_at("mail", ADA) == datetime(2026, 11, 10, tzinfo=UTC)
    assert world.mailed_at("mail") > MONDAY_NOON
