"""Instants: every time inside Milepost is an aware datetime in UTC, written one way."""

from datetime import UTC, datetime


def parse_instant(text: str) -> datetime:
    """Read an ISO 8601 instant with an offset; raise ValueError without one.

    A time without an offset could mean any of 24 hours, so it is refused, not guessed.
    """
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone: write it with an offset, as in {text}Z")
    try:
        return instant.astimezone(UTC)
    except OverflowError:  # the first or last hours that a calendar has, in another zone
        raise ValueError(f"{text!r} is outside of the calendar") from None


def format_instant(instant: datetime) -> str:
    """Write an instant as `2026-11-22T09:30:00.000Z`: of one width, so text order is time order."""
    utc = instant.astimezone(UTC).replace(tzinfo=None)
    return utc.isoformat(timespec="milliseconds") + "Z"
