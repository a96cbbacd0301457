"""When a delay ends: durations, times of day, weekdays and time zones, all in one place."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from milepost.domain.durations import parse_duration

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def zone_named(name: str | None) -> ZoneInfo | None:
    """The IANA zone of that name, or None: a contact's zone is other people's data."""
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, ValueError, OSError):  # unknown, malformed, or a folder of zones
        return None


def delay_ends(
    delay: Mapping[str, Any], start: datetime, contact_zone: str | None, store_zone: str
) -> datetime:
    """The instant (UTC) at which a `delay` step that began at `start` is over.

    First the duration passes; then the clock runs on to `until_time` on one of `on_days`, on the
    wall of `timezone`: an IANA name, `contact` (falls back to the store's) or `store`.
    """
    earliest = start + parse_duration(delay.get("for") or "0 seconds")
    days = {WEEKDAYS.index(day) for day in delay.get("on_days") or WEEKDAYS}
    wall_time = time.fromisoformat(delay["until_time"]) if delay.get("until_time") else None
    if wall_time is None and len(days) == len(WEEKDAYS):
        return earliest
    wanted = delay.get("timezone") or "contact"
    named = contact_zone if wanted == "contact" else store_zone if wanted == "store" else wanted
    zone = zone_named(named) or zone_named(store_zone) or ZoneInfo("UTC")
    local = earliest.astimezone(zone)
    for offset in range(len(WEEKDAYS) + 2):
        day = local.date() + timedelta(days=offset)
        if day.weekday() not in days:
            continue
        if wall_time is None:
            return earliest if offset == 0 else instant_on(day, time(0), zone, earliest)
        moment = instant_on(day, wall_time, zone, earliest)
        if moment >= earliest:
            return moment
    raise AssertionError("every week has each weekday")


def instant_on(day: date, wall_time: time, zone: ZoneInfo, earliest: datetime) -> datetime:
    """The instant a wall clock shows this time on this day.

    A time that a clock change skips becomes the first moment after the gap as far as it was in it
    (02:30 becomes 03:30); one that occurs twice means its first occurrence not before `earliest`.
    """
    first, second = (
        datetime.combine(day, wall_time.replace(fold=fold), zone).astimezone(UTC) for fold in (0, 1)
    )
    return second if first < earliest <= second else first
