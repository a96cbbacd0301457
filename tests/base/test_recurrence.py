"""Due times of schedules and recurrence rules."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.base import times
from milepost.base.recurrence import check_rule, next_occurrence
from tests.support.builders import MONDAY_NOON


def next_due_time(after: datetime = MONDAY_NOON, zone: str = "UTC", **schedule: str) -> str:
    found = next_occurrence(schedule, after, zone)
    return times.format_instant(found).removesuffix(":00.000Z") if found else "never"


@pytest.mark.parametrize(
    ("rule", "zone", "at"),
    [
        ("FREQ=WEEKLY;BYDAY=TH;BYHOUR=11", "UTC", "2026-11-05T11:00"),
        ("FREQ=WEEKLY;BYDAY=TH;BYHOUR=11", "Asia/Taipei", "2026-11-05T03:00"),
        ("FREQ=WEEKLY;BYDAY=TH", "UTC", "2026-11-05T09:00"),
        ("RRULE:FREQ=WEEKLY;BYDAY=MO;BYHOUR=12", "UTC", "2026-11-09T12:00"),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", "UTC", "2026-11-16T09:00"),
        ("DTSTART:20261109T080000 RRULE:FREQ=WEEKLY;INTERVAL=2", "UTC", "2026-11-09T08:00"),
        ("DTSTART:20261109T0800 FREQ=DAILY;COUNT=1", "UTC", "2026-11-09T08:00"),
        ("DTSTART:20261001T0800 FREQ=DAILY;COUNT=3", "UTC", "never"),
        ("FREQ=MONTHLY;BYDAY=-1FR;BYHOUR=9;BYMINUTE=30", "Asia/Tehran", "2026-11-27T06:00"),
        ("FREQ=MONTHLY;BYMONTHDAY=31", "UTC", "2026-12-31T09:00"),
        ("FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=8", "UTC", "2027-03-08T09:00"),
        ("FREQ=DAILY;UNTIL=20251231", "UTC", "never"),
        ("FREQ=DAILY", "Nowhere/AtAll", "2026-11-03T09:00"),
    ],
)
def test_recurrence_follows_local_clock(rule: str, zone: str, at: str) -> None:
    check_rule(rule)
    assert next_due_time(zone=zone, rrule=rule) == at


def test_one_time_schedule_fires_once() -> None:
    assert next_due_time(at="2026-11-27T09:00", zone="Europe/Paris") == "2026-11-27T08:00"
    assert next_due_time(at="2026-11-02T12:00") == "never"
    assert next_due_time(at="2026-11-02T12:00", after=MONDAY_NOON - timedelta(seconds=1)) != "never"


def test_schedule_at_clock_change_skips_gap_and_fires_once_in_overlap() -> None:
    gap = datetime(2027, 3, 27, 12, tzinfo=UTC)
    assert (
        next_due_time(gap, "Europe/Paris", rrule="FREQ=DAILY;BYHOUR=2;BYMINUTE=30")
        == "2027-03-28T01:30"
    )
    twice = datetime(2026, 10, 24, 12, tzinfo=UTC)
    rule = "FREQ=DAILY;BYHOUR=2;BYMINUTE=30"
    first = next_occurrence({"rrule": rule}, twice, "Europe/Paris")
    assert first is not None
    following = next_occurrence({"rrule": rule}, first, "Europe/Paris")
    assert (first.isoformat(), following and following.isoformat()) == (
        "2026-10-25T00:30:00+00:00",
        "2026-10-26T01:30:00+00:00",
    )


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("every Thursday", "no recurrence"),
        ("FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30", "in days or longer"),
        ("FREQ=HOURLY", "in days or longer"),
        ("FREQ=WEEKLY;BYDAY=XX", "no recurrence"),
        ("FREQ=WEEKLY;BYHOUR=99", "no recurrence"),
        ("FREQ=WEEKLY\nRDATE:20270101T0900", "no recurrence"),
        ("FREQ=DAILY;INTERVAL=0", "leave at least 1 hour"),
        ("FREQ=DAILY;BYMINUTE=0,30", "leave at least 1 hour"),
        ("FREQ=DAILY;COUNT=3", "say one"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "never comes round"),
        ("", "no recurrence"),
    ],
)
def test_invalid_recurrence_is_refused_with_reason(rule: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        check_rule(rule)


@given(st.text(alphabet="FREQ=WEKLYDAI;BYHOU0123456789,-+TH:DSTAR \n", max_size=60))
def test_check_rule_raises_only_value_error_for_any_text(text: str) -> None:
    try:
        check_rule(text)
    except ValueError as error:
        assert str(error)


@given(
    st.sampled_from(
        ["FREQ=DAILY;BYHOUR=2;BYMINUTE=30", "FREQ=WEEKLY;BYDAY=SU;BYHOUR=2", "FREQ=DAILY"]
    ),
    st.timedeltas(timedelta(), timedelta(days=7000)).map(lambda later: MONDAY_NOON + later),
    st.sampled_from(["UTC", "Europe/Paris", "America/New_York", "Asia/Tehran", "Pacific/Apia"]),
)
def test_occurrences_follow_in_order_without_gaps(rule: str, after: datetime, zone: str) -> None:
    first = next_occurrence({"rrule": rule}, after, zone)
    assert first is not None
    assert first > after
    assert next_occurrence({"rrule": rule}, first - timedelta(microseconds=1), zone) == first
