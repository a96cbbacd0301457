"""Frequency limits for marketing: caps, smart sending, and the frequency that a contact chose.

A day is a calendar day in the contact's time zone, so a daily e-mail at nine counts once a day even
if it is some minutes early or late. A week is a day and the six days before it.

`sending_limits_of` imports the modules that it needs only for stores that have such settings.
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
    from milepost.sending.quiet_hours import SendingHours


DAYS_BETWEEN: Final = {"weekly": 7, "monthly": 30}
"""The number of days in which a contact with this frequency gets one e-mail."""


class Cap(NamedTuple):
    """At most `most` e-mails in a day of the contact and the `days` - 1 days before it."""

    reason: str
    most: int
    days: int


class FrequencyLimits(NamedTuple):
    """The frequency limits of one contact; `smart` is the minimum time after the last e-mail."""

    zone: ZoneInfo
    caps: tuple[Cap, ...] = ()
    smart: timedelta = timedelta(0)

    def wait(self, sends: RecentSends, at: datetime) -> HoldUntil | None:
        """The first limit that prevents another e-mail at this instant."""
        last = max(sends.values(), default=None)
        if last is not None and at - last < self.smart:
            return HoldUntil("smart sending", last + self.smart)
        for cap in self.caps:
            counted = self._counted(cap, sends, at)
            if len(counted) >= cap.most:
                return HoldUntil(
                    cap.reason, midnight_after(counted[-cap.most], self.zone, cap.days)
                )
        return None

    def numbers(self, sends: RecentSends, at: datetime) -> dict[str, Any]:
        """The counts for the message: `{"cap per day": "1 of 2", ...}`."""
        counted = {
            cap.reason: f"{len(self._counted(cap, sends, at))} of {cap.most}" for cap in self.caps
        }
        last = max(sends.values(), default=NO_SENDS)
        if self.smart and last > NO_SENDS:
            return {
                **counted,
                "last mail": instants.format_instant(last),
                "smart sending": format_duration(self.smart),
            }
        return counted

    def _counted(self, cap: Cap, sends: RecentSends, at: datetime) -> list[datetime]:
        first = self._day(at) - timedelta(days=cap.days - 1)
        return sorted(sent_at for sent_at in sends.values() if self._day(sent_at) >= first)

    def _day(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()


def limits_of(settings: StoreSettings, profile: Profile) -> FrequencyLimits | None:
    """The frequency limits of a contact; None if there are none."""
    settings_caps, chosen = settings.caps or {}, frequency(profile)
    caps = [
        Cap(f"cap per {name}", settings_caps[f"per_{name}"], days)
        for name, days in (("day", 1), ("week", 7))
        if f"per_{name}" in settings_caps
    ]
    if chosen in DAYS_BETWEEN:
        caps.append(Cap(f"reader wants {chosen} mail", 1, DAYS_BETWEEN[chosen]))
    if not caps and not settings.smart_sending:
        return None
    smart = parse_duration(settings.smart_sending) if settings.smart_sending else timedelta(0)
    return FrequencyLimits(effective_zone(profile.timezone, settings.timezone), tuple(caps), smart)


class SendingLimits(NamedTuple):
    """When and how often a store may send marketing to a contact; None if there is no such rule."""

    hours: "SendingHours | None" = None
    limits: "FrequencyLimits | None" = None


def sending_limits_of(settings: StoreSettings, profile: Profile) -> SendingLimits:
    """The sending limits for one contact."""
    hours = limits = None
    if settings.quiet_hours or settings.closed_days:
        from milepost.sending.quiet_hours import hours_of

        hours = hours_of(settings, profile.timezone)
    if settings.caps or settings.smart_sending or frequency(profile) != "all":
        limits = limits_of(settings, profile)
    return SendingLimits(hours, limits)
