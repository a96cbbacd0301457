from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.base import times

zones = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
first, last = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
instants_anywhere = st.builds(
    lambda past, zone: (first + past).astimezone(zone),
    st.timedeltas(timedelta(), last - first),
    zones,
)


@given(instants_anywhere)
def test_instant_survives_format_and_parse_to_the_millisecond(
    instant: datetime,
) -> None:
    again = times.parse_instant(times.format_instant(instant))
    assert timedelta() <= instant - again < timedelta(milliseconds=1)
    assert again.tzinfo is UTC


@given(instants_anywhere, instants_anywhere)
def test_formatted_instants_sort_like_times(one: datetime, two: datetime) -> None:
    assert len(times.format_instant(one)) == len("2026-11-22T09:30:00.000Z")
    if one <= two:
        assert times.format_instant(one) <= times.format_instant(two)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2026-11-22T09:30:00Z", "2026-11-22T09:30:00.000Z"),
        ("2026-11-22T10:30:00.123456+01:00", "2026-11-22T09:30:00.123Z"),
        ("0999-01-01T00:00:00Z", "0999-01-01T00:00:00.000Z"),
    ],
)
def test_instant_spellings_format_to_one_text(text: str, shown: str) -> None:
    assert times.format_instant(times.parse_instant(text)) == shown


@pytest.mark.parametrize("text", ["2026-11-22T09:30:00", "2026-11-22"])
def test_instant_without_zone_is_refused_with_remedy(text: str) -> None:
    with pytest.raises(ValueError, match=f"write it with an offset, as in {text}Z"):
        times.parse_instant(text)


@pytest.mark.parametrize(
    "text",
    ["", "soon", "2026-02-30T00:00:00Z", "9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+01:00"],
)
def test_invalid_instant_raises_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        times.parse_instant(text)


@given(st.text())
def test_arbitrary_text_raises_only_value_error(text: str) -> None:
    with suppress(ValueError):
        assert times.parse_instant(text).tzinfo is UTC
