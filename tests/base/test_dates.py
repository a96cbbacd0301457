from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milepost.base.dates import WEEKDAYS, delay_ends, effective_zone, find_zone, local_instant
from tests.support.laws import how_many


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def ends(start: str, *, contact: str | None = None, store: str = "UTC", **delay: Any) -> str:
    """The end in UTC; field names as in the file, but `for_`."""
    written = {name.rstrip("_"): value for name, value in delay.items()}
    return delay_ends(written, at(start), contact, store).isoformat().replace("+00:00", "Z")


def test_delay_with_duration_only_ends_after_duration() -> None:
    assert ends("2026-11-22T09:30:00Z", for_="1 day 2 hours") == "2026-11-23T11:30:00Z"


def test_until_time_waits_for_next_occurrence() -> None:
    assert ends("2026-11-22T09:30:00Z", until_time="10:00") == "2026-11-22T10:00:00Z"
    assert ends("2026-11-22T09:30:00Z", until_time="09:00") == "2026-11-23T09:00:00Z"


def test_until_time_equal_to_now_ends_immediately() -> None:
    assert ends("2026-11-22T09:30:00Z", until_time="09:30") == "2026-11-22T09:30:00Z"
    assert ends("2026-11-22T09:30:01Z", until_time="09:30") == "2026-11-23T09:30:00Z"


def test_duration_passes_before_until_time() -> None:
    assert ends("2026-11-22T09:30:00Z", for_="2 days", until_time="09:00") == "2026-11-25T09:00:00Z"


def test_on_days_waits_for_listed_weekday() -> None:
    """22 November 2026 is a Sunday."""
    days: Any = {"on_days": ["tuesday", "thursday"]}
    assert ends("2026-11-22T09:30:00Z", **days, until_time="10:00") == "2026-11-24T10:00:00Z"
    assert ends("2026-11-24T10:30:00Z", **days, until_time="10:00") == "2026-11-26T10:00:00Z"
    assert ends("2026-11-26T10:30:00Z", **days, until_time="10:00") == "2026-12-01T10:00:00Z"


def test_until_time_already_past_on_listed_day_waits_a_week() -> None:
    only: Any = {"on_days": ["sunday"], "until_time": "09:00"}
    assert ends("2026-11-22T09:30:00Z", **only) == "2026-11-29T09:00:00Z"


def test_on_days_without_time_starts_at_midnight() -> None:
    assert ends("2026-11-22T09:30:00Z", on_days=["monday"]) == "2026-11-23T00:00:00Z"
    assert ends("2026-11-22T09:30:00Z", on_days=["sunday"]) == "2026-11-22T09:30:00Z"
    berlin: Any = {"on_days": ["monday"], "timezone": "Europe/Berlin"}
    assert ends("2026-11-22T09:30:00Z", **berlin) == "2026-11-22T23:00:00Z"
    assert ends("2026-11-22T23:30:00Z", **berlin) == "2026-11-22T23:30:00Z", "it is Monday there"


# --- time zones ---


@pytest.mark.parametrize(
    ("timezone", "contact", "store", "zone"),
    [
        (None, "Asia/Tehran", "Europe/Oslo", "Asia/Tehran"),
        ("contact", "Asia/Tehran", "Europe/Oslo", "Asia/Tehran"),
        ("contact", None, "Europe/Oslo", "Europe/Oslo"),
        ("contact", "", "Europe/Oslo", "Europe/Oslo"),
        ("contact", "Mars/Olympus", "Europe/Oslo", "Europe/Oslo"),
        ("contact", "../../etc/passwd", "Europe/Oslo", "Europe/Oslo"),
        ("contact", "Europe", "Europe/Oslo", "Europe/Oslo"),
        ("contact", "\x00", "Europe/Oslo", "Europe/Oslo"),
        ("store", "Asia/Tehran", "Europe/Oslo", "Europe/Oslo"),
        ("America/New_York", "Asia/Tehran", "Europe/Oslo", "America/New_York"),
        ("contact", None, "Nowhere", "UTC"),
        ("store", None, "", "UTC"),
    ],
)
def test_delay_uses_contact_store_or_named_time_zone(
    timezone: str | None, contact: str | None, store: str, zone: str
) -> None:
    delay = {"until_time": "10:00"} | ({"timezone": timezone} if timezone else {})
    found = delay_ends(delay, at("2026-11-22T12:00:00Z"), contact, store)
    local = found.astimezone(ZoneInfo(zone))
    assert (local.hour, local.minute) == (10, 0)
    assert timedelta() <= found - at("2026-11-22T12:00:00Z") < timedelta(days=1)


@given(st.text())
def test_any_zone_name_is_accepted_without_error(name: str) -> None:
    zone = find_zone(name)
    assert zone is None or zone.key == name


# --- clock changes ---


def on(day: str, wall: str, zone: str, earliest: str = "2000-01-01T00:00:00Z") -> str:
    instant = local_instant(
        date.fromisoformat(day), time.fromisoformat(wall), ZoneInfo(zone), at(earliest)
    )
    return instant.isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize(
    ("zone", "day", "wall", "instant"),
    [
        ("Europe/Berlin", "2026-03-29", "02:30", "2026-03-29T01:30:00Z"),  # shows 03:30
        ("America/New_York", "2026-03-08", "02:00", "2026-03-08T07:00:00Z"),  # shows 03:00
        ("Australia/Lord_Howe", "2026-10-04", "02:15", "2026-10-03T15:45:00Z"),  # by half an hour
        ("Africa/Cairo", "2026-04-24", "00:00", "2026-04-23T22:00:00Z"),  # there is no midnight
    ],
)
def test_skipped_local_time_moves_past_the_gap(
    zone: str, day: str, wall: str, instant: str
) -> None:
    assert on(day, wall, zone) == instant
    found = delay_ends(
        {"until_time": wall, "timezone": zone},
        at(f"{day}T00:00:00Z") - timedelta(hours=16),
        None,
        "UTC",
    )
    assert found == at(instant)


@pytest.mark.parametrize(
    ("zone", "day", "wall", "first", "second"),
    [
        ("Europe/Berlin", "2026-10-25", "02:30", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"),
        ("America/New_York", "2026-11-01", "01:30", "2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z"),
        (
            "Australia/Lord_Howe",
            "2026-04-05",
            "01:45",
            "2026-04-04T14:45:00Z",
            "2026-04-04T15:15:00Z",
        ),
        ("Atlantic/Azores", "2026-10-25", "00:30", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"),
    ],
)
def test_repeated_local_time_uses_first_occurrence_not_past(
    zone: str, day: str, wall: str, first: str, second: str
) -> None:
    assert on(day, wall, zone) == first
    assert on(day, wall, zone, first) == first
    between = (at(first) + timedelta(minutes=1)).isoformat()
    assert on(day, wall, zone, between) == second
    delay = {"until_time": wall, "timezone": zone}
    assert delay_ends(delay, at(between), None, "UTC") == at(second)
    over = at(second) + timedelta(seconds=1)
    assert delay_ends(delay, over, None, "UTC") - over > timedelta(hours=20)


def test_delay_across_clock_change_keeps_local_time() -> None:
    """From ten to ten is a day, although it has 23 hours when the clock goes forward."""
    delay = {"for": "1 day", "until_time": "10:00", "timezone": "Europe/Berlin"}
    assert delay_ends(delay, at("2026-03-28T10:00:00+01:00"), None, "UTC") == at(
        "2026-03-29T10:00:00+02:00"
    )


def test_delay_can_end_on_29_february() -> None:
    assert ends("2028-02-28T12:00:00Z", until_time="09:00") == "2028-02-29T09:00:00Z"
    assert ends("2027-02-28T12:00:00Z", until_time="09:00") == "2027-03-01T09:00:00Z"
    assert ends("2028-02-28T12:00:00Z", on_days=["tuesday"]) == "2028-02-29T00:00:00Z"


ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "Asia/Kathmandu",
    "America/St_Johns",
    "Pacific/Chatham",
    "Asia/Tehran",
]
CHANGES = [
    "2026-03-07",
    "2026-03-28",
    "2026-10-24",
    "2026-10-31",
    "2026-04-04",
    "2026-10-03",
    "2026-04-23",
    "2026-06-15",
    "2028-02-28",
]
times = st.builds("{:02d}:{:02d}".format, st.integers(0, 23), st.sampled_from([0, 15, 30, 45]))


@settings(max_examples=how_many(60))
@given(
    st.sampled_from(ZONES),
    st.sampled_from(CHANGES),
    st.integers(0, 48 * 4),
    times,
    st.lists(st.sampled_from(WEEKDAYS), min_size=1, unique=True),
)
def test_delay_ends_at_earliest_matching_instant(
    zone: str, day: str, quarter: int, wall: str, days: list[str]
) -> None:
    """Check every quarter of an hour: the delay ends at the first one that matches."""
    start = at(f"{day}T00:00:00Z") + timedelta(minutes=15 * quarter)
    delay = {"until_time": wall, "on_days": days, "timezone": zone}
    found = delay_ends(delay, start, None, "UTC")
    assert found >= start
    moment, local = start, start.astimezone(ZoneInfo(zone))
    while moment < found:
        local = moment.astimezone(ZoneInfo(zone))
        shown = f"{local:%H:%M}", WEEKDAYS[local.weekday()]
        assert shown[0] != wall or shown[1] not in days, f"{local} would have done"
        moment += timedelta(minutes=15)
    shown_at_the_end = found.astimezone(ZoneInfo(zone))
    skipped = f"{shown_at_the_end:%H:%M}" != wall
    if skipped:
        naive = datetime.combine(shown_at_the_end.date(), time.fromisoformat(wall))
        through_utc = naive.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
        assert through_utc == found, "only a time that does not exist may be shown otherwise"
        assert through_utc.astimezone(ZoneInfo(zone)).replace(tzinfo=None) != naive


@pytest.mark.parametrize(
    ("own", "stores", "wall"),
    [
        ("Asia/Tehran", "Europe/Paris", "Asia/Tehran"),
        ("Mars/Olympus", "Europe/Paris", "Europe/Paris"),
        (None, "Europe/Paris", "Europe/Paris"),
        ("", "nowhere", "UTC"),
    ],
)
def test_effective_zone_falls_back_to_store_then_utc(
    own: str | None, stores: str, wall: str
) -> None:
    assert effective_zone(own, stores).key == wall
