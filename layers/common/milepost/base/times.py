"""Instants and durations, and how they are written as text."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache


def parse_instant(text: str) -> datetime:
    """Read an ISO 8601 instant; raise ValueError if it has no offset, because it is ambiguous."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone: write it with an offset, as in {text}Z")
    try:
        return instant.astimezone(UTC)
    except OverflowError:  # the first or last hours of the calendar, in another zone
        raise ValueError(f"{text!r} is outside of the calendar") from None


def format_instant(instant: datetime) -> str:
    """Write an instant as `2026-11-22T09:30:00.000Z`. The width is fixed: texts sort like times."""
    utc = instant.astimezone(UTC).replace(tzinfo=None)
    return utc.isoformat(timespec="milliseconds") + "Z"


_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
_WORDS = re.compile(r"(\d{1,6}) *(second|minute|hour|day|week)s?\b[ ,]*")
_ISO = re.compile(
    r"P(?=.)(?:(?P<week>\d{1,6})W)?(?:(?P<day>\d{1,6})D)?"
    r"(?:T(?=.)(?:(?P<hour>\d{1,6})H)?(?:(?P<minute>\d{1,6})M)?(?:(?P<second>\d{1,6})S)?)?"
)

MAX_DURATION = timedelta(days=3650)
"""Ten years. From any day of this century, such a duration stays within the calendar."""


@lru_cache(1024)
def parse_duration(text: str) -> timedelta:
    """Read a duration; raise ValueError with the remedy for anything else.

    A day is 24 hours and a week 7 such days. Refused: months and years, which have no fixed
    length, and anything over `MAX_DURATION`.
    """
    plain = text.strip()
    if iso := _ISO.fullmatch(plain):
        amounts = [(int(n), unit) for unit, n in iso.groupdict().items() if n]
    else:
        lowered = plain.lower()
        amounts = [(int(n), unit) for n, unit in _WORDS.findall(lowered)]
        if not amounts or _WORDS.sub("", lowered).strip():
            raise ValueError(
                f"{text!r} is not a duration: write it like '4 hours', '3 days 12 hours' or 'PT4H'"
            )
    duration = timedelta(seconds=sum(n * _SECONDS[unit] for n, unit in amounts))
    if duration > MAX_DURATION:
        raise ValueError(f"{text!r} is longer than {MAX_DURATION.days} days")
    return duration


@lru_cache(1024)
def format_duration(duration: timedelta) -> str:
    """A duration in words: `3 days 12 hours`, `45 seconds`, `no time`."""
    left = int(duration.total_seconds())
    words = []
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)):
        count, left = divmod(left, size)
        if count:
            words.append(f"{count} {unit}{'' if count == 1 else 's'}")
    return " ".join(words) or "no time"
