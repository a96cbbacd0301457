"""When marketing may go out: never in quiet hours, never on a day on which the store is closed.

Quiet hours are on the reader's wall, closed days on the store's. What counts is what the wall
shows, so that no change of clocks ever opens a gap in a night.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from milepost.base.dates import WEEKDAYS, effective_zone, local_instant
from milepost.stores.settings import StoreSettings

QUIET = "quiet hours"
CLOSED = "closed day"


class HoldUntil(NamedTuple):
    """Why not now, and the first instant at which this alone does not stand against it."""

    reason: str
    until: datetime


class SendingHours(NamedTuple):
    """A store's hours for one reader. `days` are dates, `2026-12-25` or every year's `12-25`."""

    zone: ZoneInfo
    store_zone: ZoneInfo
    quiet: tuple[time, time] | None = None
    weekdays: Collection[int] = ()
    days: Collection[str] = ()

    def wait(self, at: datetime) -> HoldUntil | None:
        """What stands against mailing at that instant."""
        return self._quiet(at) or self._closed(at)

    def _quiet(self, at: datetime) -> HoldUntil | None:
        if self.quiet is None:
            return None
        begin, end = self.quiet
        local = at.astimezone(self.zone)
        now = local.time()
        inside = begin <= now < end if begin < end else now >= begin or now < end
        if not inside:
            return None
        day = local.date() if now < end else local.date() + timedelta(days=1)
        return HoldUntil(QUIET, local_instant(day, end, self.zone, at))

    def _closed(self, at: datetime) -> HoldUntil | None:
        local = at.astimezone(self.store_zone)
        day = local.date().isoformat()
        if local.weekday() not in self.weekdays and not {day, day[5:]}.intersection(self.days):
            return None
        return HoldUntil(CLOSED, midnight_after(at, self.store_zone))


def midnight_after(at: datetime, zone: ZoneInfo, days: int = 1) -> datetime:
    """When a day begins on a wall, so many days after the one that it shows now."""
    day = at.astimezone(zone).date() + timedelta(days=days)
    return local_instant(day, time(0), zone, at)


def hours_of(settings: StoreSettings, contact_zone: str | None) -> SendingHours | None:
    """The hours that a store keeps for a reader; None if mail may go at any time."""
    if not settings.quiet_hours and not settings.closed_days:
        return None
    quiet, closed = settings.quiet_hours, settings.closed_days or {}
    return SendingHours(
        zone=effective_zone(contact_zone, settings.timezone),
        store_zone=effective_zone(None, settings.timezone),
        quiet=_between(quiet) if quiet else None,
        weekdays=frozenset(WEEKDAYS.index(day) for day in closed.get("weekdays", ())),
        days=frozenset(closed.get("dates", ())),
    )


def _between(quiet: Mapping[str, str]) -> tuple[time, time]:
    return time.fromisoformat(quiet["from"]), time.fromisoformat(quiet["to"])
