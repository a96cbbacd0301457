"""When marketing must stop: the limits, the minimum numbers and the windows."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.published.marketing_stop import Kind, MarketingStop
from milepost.sending.reputation import MIN_SENDS, HourlyCount, decide_stop, hour_of
from tests.support.builders import MONDAY_NOON

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def stop_after(sent: int, *, hours_ago: float = 0, **counts: int) -> MarketingStop | None:
    hour = hour_of(MONDAY_NOON - hours_ago * HOUR)
    return decide_stop([HourlyCount(hour, sent, **counts)], MONDAY_NOON)


@pytest.mark.parametrize(
    ("kind", "number", "most"),
    [
        ("bounced", 5, 250),
        ("bounced", 20, 1000),
        ("complained", 3, 3750),
        ("complained", 8, 10_000),
    ],
)
def test_marketing_stops_at_exactly_the_limit(kind: Kind, number: int, most: int) -> None:
    """2 % hard bounces, or 0.08 % complaints."""
    found = stop_after(most, **{kind: number})
    assert found == MarketingStop(MONDAY_NOON, kind, number, most, 1)
    assert stop_after(most + 1, **{kind: number}) is None
    assert stop_after(most, **{kind: number - 1}) is None


@given(sent=st.integers(0, 10_000), kind=st.sampled_from(["bounced", "complained"]))
def test_fewer_events_than_minimum_do_not_stop_marketing(sent: int, kind: Kind) -> None:
    assert stop_after(sent, **{kind: MIN_SENDS[kind] - 1}) is None


def test_one_bounce_of_three_does_not_stop_marketing() -> None:
    assert stop_after(3, bounced=1, complained=1) is None


def test_bad_day_in_good_week_stops_marketing() -> None:
    good = HourlyCount(hour_of(MONDAY_NOON - 3 * DAY), sent=100_000)
    bad = HourlyCount(hour_of(MONDAY_NOON), sent=1000, bounced=30)
    found = decide_stop([good, bad], MONDAY_NOON)
    assert found is not None and (found.number, found.sent, found.days) == (30, 1000, 1)


def test_few_bounces_every_day_stop_marketing_after_a_week() -> None:
    days = [HourlyCount(hour_of(MONDAY_NOON - day * DAY), sent=30, bounced=1) for day in range(7)]
    found = decide_stop(days, MONDAY_NOON)
    assert found is not None and (found.number, found.sent, found.days) == (7, 210, 7)


@pytest.mark.parametrize(("hours_ago", "days"), [(24, 1), (25, 7), (168, 7), (169, None)])
def test_window_moves_by_hours(hours_ago: float, days: int | None) -> None:
    found = stop_after(100, hours_ago=hours_ago, bounced=50)
    assert (found.days if found else None) == days


def test_marketing_stop_survives_json_and_has_reason() -> None:
    breaker = MarketingStop(MONDAY_NOON, "complained", 4, 5000, 7, True)
    assert MarketingStop.from_json(breaker.to_json()) == breaker
    assert breaker.reason() == (
        "4 of 5000 marketing mails of the last 7 days were marked as spam (0.08 %)"
    )
