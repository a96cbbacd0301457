"""When a delay ends: durations, times of day, weekdays and time zones, all in one place."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from milepost.base.durations import parse_duration
from milepost.base.paths import get_path

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


_OWN_TO_A_MACHINE = ("posix/", "right/", "posixrules", "localtime", "Factory")
"""Files beside the zones, which are there on one machine and mean something else on the next."""


def find_zone(name: str | None) -> ZoneInfo | None:
    """The IANA zone of that name, or None: a contact's zone is other people's data."""
    if not name or name.startswith(_OWN_TO_A_MACHINE):
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, malformed, or a folder of zones
        return None


def delay_ends(
    delay: Mapping[str, Any], start: datetime, contact_zone: str | None, store_zone: str
) -> datetime:
    """The instant (UTC) at which a `delay` step that began at `start` is over.

    First the duration passes; then the clock runs on to `until_time` on one of `on_days`, on the
    wall of `timezone`: an IANA name, `contact` (falls back to the store's) or `store`. On a wall
    the whole days of the duration are days too, and not 24 hours each.
    """
    lasts = parse_duration(delay.get("for") or "0 seconds")
    earliest = start + lasts
    days = {WEEKDAYS.index(day) for day in delay.get("on_days") or WEEKDAYS}
    wall_time = time.fromisoformat(delay["until_time"]) if delay.get("until_time") else None
    if wall_time is None and len(days) == len(WEEKDAYS):
        return earliest
    zone = _zone(delay.get("timezone"), contact_zone, store_zone)
    # On a wall a day is a day, even if clocks change in it: only the rest is counted in hours.
    wall = start.astimezone(zone).replace(tzinfo=None) + timedelta(days=lasts.days)
    earliest = local_instant(wall.date(), wall.time(), zone, start) + (
        lasts - timedelta(lasts.days)
    )
    local = earliest.astimezone(zone)
    for offset in range(len(WEEKDAYS) + 2):
        day = local.date() + timedelta(days=offset)
        if day.weekday() not in days:
            continue
        if wall_time is None:
            return earliest if offset == 0 else local_instant(day, time(0), zone, earliest)
        moment = local_instant(day, wall_time, zone, earliest)
        if moment >= earliest:
            return moment
    raise AssertionError("every week has each weekday")


def local_instant(day: date, wall_time: time, zone: ZoneInfo, earliest: datetime) -> datetime:
    """The instant a wall clock shows this time on this day.

    A time that a clock change skips becomes the first moment after the gap as far as it was in it
    (02:30 becomes 03:30); one that occurs twice means its first occurrence not before `earliest`.
    """
    first, second = (
        datetime.combine(day, wall_time.replace(fold=fold), zone).astimezone(UTC) for fold in (0, 1)
    )
    return second if first < earliest <= second else first


def date_due(
    step: Mapping[str, Any], data: Mapping[str, Any], contact_zone: str | None, store_zone: str
) -> datetime | None:
    """The instant (UTC) a `delay_until` step means; None if the data has no such date.

    A date without a time is its midnight, or `at`, on the wall of `timezone`; a time without a zone
    is on that wall too. Of `offset` the days are counted on that wall and the rest passes, so that
    three days before a date at 09:30 is 09:30 whatever the clocks did in between, and two hours
    are two hours.
    """
    zone = _zone(step.get("timezone"), contact_zone, store_zone)
    written = step["date"] if step["date"][:1].isdigit() else get_path(data, step["date"])
    moment = _read_date(written, zone)
    if moment is None:
        return None
    offset = step.get("offset") or "0 seconds"
    shift = parse_duration(offset.removeprefix("-"))
    sign = -1 if offset.startswith("-") else 1
    days, rest = sign * timedelta(days=shift.days), sign * (shift % timedelta(days=1))
    always = datetime.min.replace(tzinfo=UTC)
    try:
        wall = moment.astimezone(zone).replace(tzinfo=None) + days
        if step.get("at"):
            return local_instant((wall + rest).date(), time.fromisoformat(step["at"]), zone, always)
        if days:
            moment = local_instant(wall.date(), wall.time(), zone, always)
        return moment + rest
    except OverflowError:
        return None


def _read_date(written: Any, zone: ZoneInfo) -> datetime | None:
    """The instant that a date or a time as text means; None if it is no such text."""
    if not isinstance(written, str):
        return None
    try:
        read = datetime.fromisoformat(written)
        return (read if read.tzinfo else read.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def effective_zone(contact_zone: str | None, store_zone: str) -> ZoneInfo:
    """The wall on which a contact lives: the own zone, else the store's, else UTC."""
    return find_zone(contact_zone) or find_zone(store_zone) or ZoneInfo("UTC")


def _zone(wanted: str | None, contact_zone: str | None, store_zone: str) -> ZoneInfo:
    named = {None: contact_zone, "": contact_zone, "contact": contact_zone, "store": None}
    return effective_zone(named.get(wanted, wanted), store_zone)


def next_night(now: datetime) -> datetime:
    """When the next nightly work begins: a quarter of an hour after 03:00 UTC, so that every call
    of a function is over that began before 03:00, and may have said it was due that night."""
    day = now.astimezone(UTC).replace(hour=3, minute=0, second=0, microsecond=0)
    if day <= now:
        day += timedelta(days=1)
    return day + timedelta(minutes=15)
