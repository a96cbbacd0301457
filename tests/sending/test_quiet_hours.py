"""Quiet hours and closed days, in local time."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.sending.quiet_hours import HoldUntil, SendingHours, hours_of, midnight_after
from milepost.stores.settings import StoreSettings

UTC_ZONE = ZoneInfo("UTC")
NIGHT = (time(21), time(8))
ZONES = [
    "UTC",
    "Europe/Paris",
    "America/New_York",
    "Asia/Tehran",
    "Pacific/Apia",
    "America/Sao_Paulo",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def hours(
    zone: str = "UTC",
    quiet: tuple[time, time] | None = NIGHT,
    store: str = "UTC",
    weekdays: tuple[int, ...] = (),
    days: tuple[str, ...] = (),
) -> SendingHours:
    return SendingHours(ZoneInfo(zone), ZoneInfo(store), quiet, weekdays, days)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-11-02T20:59:59Z", None),
        ("2026-11-02T21:00:00Z", "2026-11-03T08:00:00Z"),
        ("2026-11-03T07:59:59Z", "2026-11-03T08:00:00Z"),
        ("2026-11-03T08:00:00Z", None),
    ],
)
def test_quiet_hours_can_span_midnight(now: str, until: str | None) -> None:
    assert hours().wait(at(now)) == (HoldUntil("quiet hours", at(until)) if until else None)


def test_quiet_hours_can_be_within_a_day() -> None:
    noon = hours(quiet=(time(12), time(14)))
    assert noon.wait(at("2026-11-02T11:59:59Z")) is None
    assert noon.wait(at("2026-11-02T12:00:00Z")) == HoldUntil(
        "quiet hours", at("2026-11-02T14:00:00Z")
    )
    assert noon.wait(at("2026-11-02T14:00:00Z")) is None


def test_quiet_hours_use_contacts_time_zone() -> None:
    tehran = hours("Asia/Tehran")
    assert tehran.wait(at("2026-11-02T17:29:00Z")) is None
    assert tehran.wait(at("2026-11-02T17:30:00Z")) == HoldUntil(
        "quiet hours", at("2026-11-03T04:30:00Z")
    )


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-03-28T22:00:00+01:00", "2026-03-29T08:00:00+02:00"),  # an hour short
        ("2026-10-24T22:00:00+02:00", "2026-10-25T08:00:00+01:00"),  # an hour long
    ],
)
def test_quiet_hours_end_at_local_time_on_clock_change(now: str, until: str) -> None:
    assert hours("Europe/Paris").wait(at(now)) == HoldUntil("quiet hours", at(until))


def test_end_in_skipped_hour_is_next_existing_instant() -> None:
    short = hours("Europe/Paris", (time(1), time(2, 30)))
    assert short.wait(at("2026-03-29T01:59:00+01:00")) == HoldUntil(
        "quiet hours", at("2026-03-29T03:30:00+02:00")
    )


def test_end_in_repeated_hour_is_the_next_one() -> None:
    short = hours("Europe/Paris", (time(1), time(2, 30)))
    assert short.wait(at("2026-10-25T02:10:00+02:00")) == HoldUntil(
        "quiet hours", at("2026-10-25T02:30:00+02:00")
    )
    assert short.wait(at("2026-10-25T02:10:00+01:00")) == HoldUntil(
        "quiet hours", at("2026-10-25T02:30:00+01:00")
    )


def test_closed_days_use_stores_time_zone() -> None:
    closed = hours("Asia/Tokyo", None, "America/New_York", weekdays=(6,), days=("2026-11-27",))
    assert closed.wait(at("2026-11-01T23:59:00-05:00")) == HoldUntil(
        "closed day", at("2026-11-02T00:00:00-05:00")
    )
    assert closed.wait(at("2026-11-02T00:00:00-05:00")) is None
    assert closed.wait(at("2026-11-27T12:00:00-05:00")) is not None
    assert closed.wait(at("2027-11-27T12:00:00-05:00")) is None


def test_closed_day_without_year_repeats_every_year() -> None:
    for year in (2026, 2027, 2031):
        christmas = at(f"{year}-12-25T12:00:00Z")
        assert hours(quiet=None, days=("12-25",)).wait(christmas) is not None


def test_store_settings_become_sending_hours() -> None:
    assert hours_of(StoreSettings(), "Asia/Tokyo") is None
    store_settings = StoreSettings(
        timezone="Europe/Oslo",
        quiet_hours={"from": "21:00", "to": "08:00"},
        closed_days={"weekdays": ["sunday"], "dates": ["12-25"]},
    )
    for zone, wall in (("Asia/Tokyo", "Asia/Tokyo"), (None, "Europe/Oslo"), ("?", "Europe/Oslo")):
        found = hours_of(store_settings, zone)
        assert found == SendingHours(
            ZoneInfo(wall), ZoneInfo("Europe/Oslo"), NIGHT, frozenset({6}), frozenset({"12-25"})
        )
    assert hours_of(store_settings._replace(closed_days=None), None) is not None
    assert hours_of(store_settings._replace(quiet_hours=None), None) is not None


CLOCKS = st.builds(time, st.integers(0, 23), st.integers(0, 59))
INSTANTS = st.integers(0, 700 * 86400).map(lambda n: at("2026-01-01T00Z") + timedelta(seconds=n))


@given(INSTANTS, st.sampled_from(ZONES), CLOCKS, CLOCKS)
def test_wait_ends_later_and_within_a_day(now: datetime, zone: str, begin: time, end: time) -> None:
    found = hours(zone, (begin, end)).wait(now) if begin != end else None
    if found is not None:
        assert timedelta(0) < found.until - now <= timedelta(hours=26)


@given(INSTANTS, st.sampled_from(ZONES), st.integers(1, 40))
def test_midnight_after_is_start_of_local_day(now: datetime, zone: str, days: int) -> None:
    found = midnight_after(now, ZoneInfo(zone), days).astimezone(ZoneInfo(zone))
    assert found.date() == now.astimezone(ZoneInfo(zone)).date() + timedelta(days=days)
    before = (found.astimezone(UTC) - timedelta(seconds=1)).astimezone(ZoneInfo(zone))
    assert before.date() < found.date()
