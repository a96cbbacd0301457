"""Lookouts: what comes to a contact by itself becomes an event on its timeline.

The clock is a source like any other: it translates and appends. Whoever does it twice appends the
same events; `react` notes that they came, and looks out for the next.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from milepost.domain.contacts import Profile
from milepost.domain.occasions import coming, due, look_out, looked_until
from milepost.domain.refs import ContactRef
from milepost.ports import Contacts, Head, Registry, Timeline

UNSEEN = timedelta(minutes=5)
"""A look in vain is taken again until then: what was just published may not be known here yet."""


@dataclass(frozen=True, slots=True)
class Lookouts:
    """Looks at contacts whose time has come. `now` is the time of the business."""

    contacts: Contacts
    timeline: Timeline
    registry: Registry
    now: Callable[[], datetime]

    def look(self, ref: ContactRef) -> int:
        """Append what has come for a contact; how many events that is."""
        now = self.now()
        profile = self.contacts.profile(*ref)
        if profile is None or profile.lookout is None or profile.lookout.at > now:
            return 0
        head = self.registry.head(ref.store)
        found = due(profile, head.plans(), now, head.settings.timezone)
        for occasion in found:
            self.timeline.append(ref.contact, occasion.event(profile))
        if not found and now - profile.lookout.at >= UNSEEN:
            self._move_on(profile, head, now)
        return len(found)

    def _move_on(self, profile: Profile, head: Head, now: datetime) -> None:
        """Nothing has come after all: look again when the next thing does."""
        ahead = coming(profile, head.plans(), looked_until(profile, now), head.settings.timezone)
        next_ = look_out(profile, ahead[0].at if ahead else None, now)
        self.contacts.apply(profile, replace(profile, lookout=next_))
