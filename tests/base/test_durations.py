from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.base.times import MAX_DURATION, format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("4 hours", timedelta(hours=4)),
        ("1 hour", timedelta(hours=1)),
        ("3 days 12 hours", timedelta(days=3, hours=12)),
        ("3 days, 12 hours", timedelta(days=3, hours=12)),
        (" 2 Weeks ", timedelta(weeks=2)),
        ("90minutes", timedelta(minutes=90)),
        ("45 seconds", timedelta(seconds=45)),
        ("PT4H", timedelta(hours=4)),
        ("P3DT12H", timedelta(days=3, hours=12)),
        ("P2W", timedelta(weeks=2)),
        ("PT1M30S", timedelta(seconds=90)),
        ("0 seconds", timedelta()),
    ],
)
def test_duration_texts_parse(text: str, duration: timedelta) -> None:
    assert parse_duration(text) == duration


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "4",
        "hours",
        "4 hourss",
        "four hours",
        "-4 hours",
        "4.5 hours",
        "4 hours ago",
        "1 month",
        "1 year",
        "P",
        "PT",
        "P1Y",
        "P1M",
        "PT4h",
        "4 h",
        "1 day and 2 hours",
        "1234567 days",
        "1 hour;",
    ],
)
def test_invalid_duration_is_refused_with_remedy(text: str) -> None:
    with pytest.raises(ValueError, match="write it like '4 hours', '3 days 12 hours' or 'PT4H'"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["999999 weeks", "P3651D", "3650 days 1 second"])
def test_duration_over_ten_years_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="longer than 3650 days"):
        parse_duration(text)


@given(
    st.timedeltas(timedelta(seconds=1), MAX_DURATION).map(lambda d: d - d % timedelta(seconds=1))
)
def test_formatted_duration_parses_back_to_same_value(duration: timedelta) -> None:
    assert parse_duration(format_duration(duration)) == duration


def test_format_duration_uses_singular_and_plural_units() -> None:
    assert format_duration(timedelta(days=1, hours=2)) == "1 day 2 hours"
    assert format_duration(timedelta(days=8, minutes=1)) == "8 days 1 minute"
    assert format_duration(timedelta()) == "no time"


@given(st.text() | st.text(alphabet="0123456789 ,PTDHMWSdayhoursweekminut", max_size=40))
def test_arbitrary_text_raises_only_value_error(text: str) -> None:
    try:
        assert timedelta() <= parse_duration(text) <= MAX_DURATION
    except ValueError as error:
        assert str(error)
