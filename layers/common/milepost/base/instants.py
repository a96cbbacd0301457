"""Parse and format instants. Inside Milepost every time is an aware datetime in UTC."""

from datetime import UTC, datetime


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
