"""Compute when delays and dates are due, with times of day, weekdays and time zones."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from milepost.base.paths import get_path
from milepost.base.times import parse_duration

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


_HOST_SPECIFIC = ("posix/", "right/", "posixrules", "localtime", "Factory")
"""Files beside the zones that differ from host to host."""


def find_zone(name: str | None) -> ZoneInfo | None:
    """The IANA zone of that name, or None. A contact's zone is untrusted input."""
    if not name or name.startswith(_HOST_SPECIFIC):
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, malformed, or a folder of zones
        return None


def delay_ends(
    delay: Mapping[str, Any], start: datetime, contact_zone: str | None, store_zone: str
) -> datetime:
    """The instant (UTC) at which a `delay` step that began at `start` ends.

    First the duration passes. Then the delay lasts until `until_time` on one of `on_days`, in the
    local time of `timezone`: an IANA name, `contact` (falls back to the store's) or `store`. With a
    local time, the whole days of the duration are calendar days, not 24 hours each.
    """
    duration = parse_duration(delay.get("for") or "0 seconds")
    earliest = start + duration
    days = {WEEKDAYS.index(day) for day in delay.get("on_days") or WEEKDAYS}
    wall_time = time.fromisoformat(delay["until_time"]) if delay.get("until_time") else None
    if wall_time is None and len(days) == len(WEEKDAYS):
        return earliest
    zone = _zone(delay.get("timezone"), contact_zone, store_zone)
    wall = start.astimezone(zone).replace(tzinfo=None) + timedelta(days=duration.days)
    earliest = local_instant(wall.date(), wall.time(), zone, start) + duration % timedelta(days=1)
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
    """The instant at which a local clock shows this time on this day.

    A time that a clock change skips moves past the gap (02:30 becomes 03:30). A time that occurs
    twice means its first occurrence that is not before `earliest`.
    """
    first, second = (
        datetime.combine(day, wall_time.replace(fold=fold), zone).astimezone(UTC) for fold in (0, 1)
    )
    return second if first < earliest <= second else first


def date_due(
    step: Mapping[str, Any], data: Mapping[str, Any], contact_zone: str | None, store_zone: str
) -> datetime | None:
    """The instant (UTC) of a `delay_until` step; None if the data has no such date.

    Dates and times without a zone are in the local time of `timezone`; a date without a time means
    `at` or midnight. The days of `offset` are calendar days, the rest is elapsed time: three days
    before a date at 09:30 is 09:30, whatever the clocks did in between.
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
    """The instant that a text means; None if it is no date and no time."""
    if not isinstance(written, str):
        return None
    try:
        read = datetime.fromisoformat(written)
        return (read if read.tzinfo else read.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def effective_zone(contact_zone: str | None, store_zone: str) -> ZoneInfo:
    """The contact's time zone, else the store's, else UTC."""
    return find_zone(contact_zone) or find_zone(store_zone) or ZoneInfo("UTC")


def _zone(wanted: str | None, contact_zone: str | None, store_zone: str) -> ZoneInfo:
    named = {None: contact_zone, "": contact_zone, "contact": contact_zone, "store": None}
    return effective_zone(named.get(wanted, wanted), store_zone)


def next_night(now: datetime) -> datetime:
    """When the next nightly work begins: 03:15 UTC. By then every function call has ended that
    began before 03:00 and may have planned work for that night."""
    day = now.astimezone(UTC).replace(hour=3, minute=0, second=0, microsecond=0)
    if day <= now:
        day += timedelta(days=1)
    return day + timedelta(minutes=15)
