"""When marketing may go out: not in quiet hours, and not on closed days.

Quiet hours use the contact's local time, closed days the store's. The comparison uses the local
time, so a clock change opens no gap in the quiet hours.
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
    """The reason to hold a message, and the first instant at which this reason ends."""

    reason: str
    until: datetime


class SendingHours(NamedTuple):
    """A store's sending hours for one contact. `days` are dates: `2026-12-25`, or `12-25` for every
    year."""

    zone: ZoneInfo
    store_zone: ZoneInfo
    quiet: tuple[time, time] | None = None
    weekdays: Collection[int] = ()
    days: Collection[str] = ()

    def wait(self, at: datetime) -> HoldUntil | None:
        """The reason to hold a message at this instant, if any."""
        return self._quiet(at) or self._closed(at)

    def _quiet(self, at: datetime) -> HoldUntil | None:
        if self.quiet is None:
            return None
        begin, end = self.quiet
        local = at.astimezone(self.zone)
        now = local.time()
        is_quiet = begin <= now < end if begin < end else now >= begin or now < end
        if not is_quiet:
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
    """The start of the local day that is `days` days after the day of `at`."""
    day = at.astimezone(zone).date() + timedelta(days=days)
    return local_instant(day, time(0), zone, at)


def hours_of(settings: StoreSettings, contact_zone: str | None) -> SendingHours | None:
    """A store's sending hours for a contact; None if marketing can go at any time."""
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
