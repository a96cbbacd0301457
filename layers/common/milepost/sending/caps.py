"""How much marketing one reader gets: the store's caps, its smart sending, the reader's own wish.

Days are those of the reader's calendar, so that a mail every morning at nine is one a day however
punctual it is; a week is a day and the six before it.

What a store and a reader hold mail back by. A store that says nothing of it loads nothing.
"""

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from milepost.base import instants
from milepost.base.dates import effective_zone
from milepost.base.durations import format_duration, parse_duration
from milepost.contacts.preferences import frequency
from milepost.contacts.profile import Profile
from milepost.contacts.recent_marketing import NO_SENDS, RecentSends
from milepost.sending.quiet_hours import HoldUntil, midnight_after
from milepost.stores.settings import StoreSettings

if TYPE_CHECKING:
    pass
    from milepost.sending.quiet_hours import SendingHours


WISHES: Final = {"weekly": 7, "monthly": 30}
"""In how many days whoever wants mail so often gets one."""


class Cap(NamedTuple):
    """At most `most` mails in a day of the reader's and the `days` - 1 before it."""

    reason: str
    most: int
    days: int


class FrequencyLimits(NamedTuple):
    """What one reader's mail is held against; `smart` is how long after the last one."""

    zone: ZoneInfo
    caps: tuple[Cap, ...] = ()
    smart: timedelta = timedelta(0)

    def wait(self, mailed: RecentSends, at: datetime) -> HoldUntil | None:
        """The first limit that stands against one mail more at that instant."""
        last = max(mailed.values(), default=None)
        if last is not None and at - last < self.smart:
            return HoldUntil("smart sending", last + self.smart)
        for cap in self.caps:
            counted = self._counted(cap, mailed, at)
            if len(counted) >= cap.most:
                return HoldUntil(
                    cap.reason, midnight_after(counted[-cap.most], self.zone, cap.days)
                )
        return None

    def numbers(self, mailed: RecentSends, at: datetime) -> dict[str, Any]:
        """What was counted: `{"cap per day": "1 of 2", ...}`."""
        counted = {
            cap.reason: f"{len(self._counted(cap, mailed, at))} of {cap.most}" for cap in self.caps
        }
        last = max(mailed.values(), default=NO_SENDS)
        if self.smart and last > NO_SENDS:
            return {
                **counted,
                "last mail": instants.format_instant(last),
                "smart sending": format_duration(self.smart),
            }
        return counted

    def _counted(self, cap: Cap, mailed: RecentSends, at: datetime) -> list[datetime]:
        first = self._day(at) - timedelta(days=cap.days - 1)
        return sorted(when for when in mailed.values() if self._day(when) >= first)

    def _day(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()


def limits_of(settings: StoreSettings, profile: Profile) -> FrequencyLimits | None:
    """The limits of a reader; None if there are none."""
    said, wish = settings.caps or {}, frequency(profile)
    caps = [Cap(f"cap per {name}", said[f"per_{name}"], days)
            for name, days in (("day", 1), ("week", 7)) if f"per_{name}" in said]  # fmt: skip
    if wish in WISHES:
        caps.append(Cap(f"reader wants {wish} mail", 1, WISHES[wish]))
    if not caps and not settings.smart_sending:
        return None
    smart = parse_duration(settings.smart_sending) if settings.smart_sending else timedelta(0)
    return FrequencyLimits(effective_zone(profile.timezone, settings.timezone), tuple(caps), smart)


class SendingLimits(NamedTuple):
    """When marketing may go, and how much of it; None where there is no such rule."""

    hours: "SendingHours | None" = None
    limits: "FrequencyLimits | None" = None


def restraints_of(settings: StoreSettings, profile: Profile) -> SendingLimits:
    """The rules that hold for one reader."""
    hours = limits = None
    if settings.quiet_hours or settings.closed_days:
        from milepost.sending.quiet_hours import hours_of

        hours = hours_of(settings, profile.timezone)
    if settings.caps or settings.smart_sending or frequency(profile) != "all":
        pass

        limits = limits_of(settings, profile)
    return SendingLimits(hours, limits)
