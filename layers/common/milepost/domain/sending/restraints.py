"""What a store and a reader hold mail back by. A store that says nothing of it loads nothing."""

from typing import TYPE_CHECKING, NamedTuple

from milepost.domain.contacts import Profile
from milepost.domain.preferences import frequency
from milepost.domain.settings import StoreSettings

if TYPE_CHECKING:
    from milepost.domain.sending.caps import Limits
    from milepost.domain.sending.hours import Hours


class Restraints(NamedTuple):
    """When marketing may go, and how much of it; None where there is no such rule."""

    hours: "Hours | None" = None
    limits: "Limits | None" = None


def restraints_of(settings: StoreSettings, profile: Profile) -> Restraints:
    """The rules that hold for one reader."""
    hours = limits = None
    if settings.quiet_hours or settings.closed_days:
        from milepost.domain.sending.hours import hours_of

        hours = hours_of(settings, profile.timezone)
    if settings.caps or settings.smart_sending or frequency(profile) != "all":
        from milepost.domain.sending.caps import limits_of

        limits = limits_of(settings, profile)
    return Restraints(hours, limits)
